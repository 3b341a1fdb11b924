'use client';
// The page at `/`: lobby, call, and what comes after.
import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { capture } from '@/lib/devices';
import { firstEntrance, remember, usePreferencesRead, type Entrance } from '@/lib/entrance';
import { usePreferences } from '@/lib/preferences';
import { backToLobby, join, leave, type JoinOptions } from '@/lib/room-actions';
import { useCall } from '@/lib/store';
import { RotundaRoom } from '@rotunda/react';
import { Ended } from './ended';
import { Lobby } from './lobby';
import { Waiting } from './waiting';

// The lobby is usable before the room's part of the page is here (lobby.tsx fetches it meanwhile).
const loadRoom = () => import('./room-view').then((part) => ({ default: part.RoomView }));
const RoomView = lazy(loadRoom);

async function enter(to: Entrance, stream: MediaStream, options?: JoinOptions): Promise<void> {
  const url = new URL(location.href);
  url.searchParams.set('room', to.room);
  history.replaceState(null, '', url);
  await join(to.room, to.name, stream, options);
  if (useCall.getState().phase === 'room') remember(to);
}

// With no preview before: camera and microphone are asked for on the way in.
async function enterAtOnce(to: Entrance): Promise<void> {
  useCall.setState({ phase: 'joining' });
  void loadRoom();
  const { microphoneId, cameraId, cameraOn } = usePreferences.getState();
  const { stream } = await capture({ audio: true, video: cameraOn, microphoneId, cameraId });
  await enter(to, stream);
}

function leaveCall(): void {
  remember(null);
  leave();
  if (document.fullscreenElement) void document.exitFullscreen().catch(() => {});
}

// A page that goes away leaves; one that only reloads comes back with its token.
function useNetworkAndGoing(): void {
  useEffect(() => {
    const hide = () => leave({ keepToken: true });
    const online = () => void useCall.getState().room?.recover();
    window.addEventListener('pagehide', hide);
    window.addEventListener('online', online);
    return () => {
      window.removeEventListener('pagehide', hide);
      window.removeEventListener('online', online);
    };
  }, []);
}

function Ready() {
  const phase = useCall((state) => state.phase);
  const room = useCall((state) => state.room);
  const roomId = useCall((state) => state.roomId);
  const waits = useCall((state) => state.session.name === 'waiting');
  const [first] = useState(firstEntrance);
  const [entrance, setEntrance] = useState(first.entrance);
  const [waiting, setWaiting] = useState(first.atOnce); // comes in at once: there is nothing to fill in yet
  const begun = useRef(false);
  useNetworkAndGoing();

  useEffect(() => {
    if (!first.atOnce || begun.current) return;
    begun.current = true;
    void enterAtOnce(first.entrance).finally(() => setWaiting(false));
  }, [first]);

  useEffect(() => {
    document.body.classList.toggle('in-call', phase === 'room');
    document.title = phase === 'room' ? `${roomId} · Rotunda` : 'Rotunda';
  }, [phase, roomId]);

  if (phase === 'joining' && waits) return <Waiting />;
  if (phase === 'room')
    return (
      <RotundaRoom room={room}>
        <Suspense fallback={null}>
          <RoomView onLeave={leaveCall} />
        </Suspense>
      </RotundaRoom>
    );
  if (phase === 'ended')
    return (
      <Ended
        onAgain={() => void enterAtOnce(entrance)}
        onLobby={() => {
          remember(null);
          backToLobby();
        }}
      />
    );
  return (
    <Lobby
      key={waiting ? 'waiting' : 'ready'}
      initial={waiting ? null : entrance}
      onJoin={(to, stream, options) => {
        setEntrance(to);
        void enter(to, stream, options);
      }}
    />
  );
}

export function Conference() {
  return usePreferencesRead() ? <Ready /> : <Lobby initial={null} onJoin={() => {}} />;
}
