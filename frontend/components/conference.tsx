'use client';
// The page at `/`: lobby, call, and what comes after.
import { useCallback, useEffect, useRef, useState } from 'react';
import { capture } from '@/lib/devices';
import { usePreferencesRead } from '@/hooks/use-preferences-read';
import { firstEntrance, remember, type Entrance } from '@/lib/entrance';
import { usePreferences } from '@/lib/preferences';
import type { JoinOptions } from '@/lib/room-actions';
import { CallProvider, makeCall, useCall, useCallActions, useCallStore } from '@/hooks/use-call';
import { RoomProvider, useConnectionState } from '@rotunda/react';
import { Ended } from './ended';
import { Lobby } from './lobby';
import { loadRoomPart, RoomPart } from './room-part';
import { Waiting } from './waiting';

// The ways in, and out again.
function useComingAndGoing() {
  const store = useCallStore();
  const { join, leave } = useCallActions();
  const enter = useCallback(
    async (to: Entrance, stream: MediaStream, options?: JoinOptions): Promise<void> => {
      const url = new URL(location.href);
      url.searchParams.set('room', to.room);
      history.replaceState(null, '', url);
      await join(to.room, to.name, stream, options);
      if (store.getState().phase === 'room') remember(to);
    },
    [store, join],
  );
  // With no preview before: camera and microphone are asked for on the way in.
  const enterAtOnce = useCallback(
    async (to: Entrance): Promise<void> => {
      store.setState({ phase: 'joining' });
      void loadRoomPart();
      const { microphoneId, cameraId, cameraOn } = usePreferences.getState();
      const { stream } = await capture({ audio: true, video: cameraOn, microphoneId, cameraId });
      await enter(to, stream);
    },
    [store, enter],
  );
  const leaveCall = useCallback((): void => {
    remember(null);
    leave();
    if (document.fullscreenElement) void document.exitFullscreen().catch(() => {});
  }, [leave]);
  return { enter, enterAtOnce, leaveCall };
}

// A page that goes away leaves; one that only reloads comes back with its token.
function useNetworkAndGoing(): void {
  const store = useCallStore();
  const { leave } = useCallActions();
  useEffect(() => {
    const hide = () => leave({ keepToken: true });
    const online = () => void store.getState().room?.recover();
    window.addEventListener('pagehide', hide);
    window.addEventListener('online', online);
    return () => {
      window.removeEventListener('pagehide', hide);
      window.removeEventListener('online', online);
    };
  }, [store, leave]);
}

// read: what the browser remembers is known, and so who comes where. The page was written before that: its lobby stays as it
// is then, and is not made anew.
function Ready({ read }: { read: boolean }) {
  const phase = useCall((state) => state.phase);
  const roomId = useCall((state) => state.roomId);
  const waits = useConnectionState().name === 'waiting';
  const { backToLobby } = useCallActions();
  const { enter, enterAtOnce, leaveCall } = useComingAndGoing();
  const [first, setFirst] = useState<ReturnType<typeof firstEntrance> | null>(null);
  const [entrance, setEntrance] = useState<Entrance | null>(null);
  const [waiting, setWaiting] = useState(false); // comes in at once: there is nothing to fill in yet
  const begun = useRef(false);
  useNetworkAndGoing();
  if (read && first === null) {
    const found = firstEntrance();
    setFirst(found);
    setEntrance(found.entrance);
    setWaiting(found.atOnce);
  }

  useEffect(() => {
    if (!first?.atOnce || begun.current) return;
    begun.current = true;
    void enterAtOnce(first.entrance).finally(() => setWaiting(false));
  }, [first, enterAtOnce]);

  useEffect(() => {
    document.body.classList.toggle('in-call', phase === 'room');
    document.title = phase === 'room' ? `${roomId} · Rotunda` : 'Rotunda';
  }, [phase, roomId]);

  if (phase === 'joining' && waits) return <Waiting />;
  if (phase === 'room') return <RoomPart onLeave={leaveCall} />;
  if (phase === 'ended')
    return (
      <Ended
        onAgain={() => void enterAtOnce(entrance!)}
        onLobby={() => {
          remember(null);
          backToLobby();
        }}
      />
    );
  return (
    <Lobby
      initial={waiting ? null : entrance}
      onJoin={(to, stream, options) => {
        setEntrance(to);
        void enter(to, stream, options);
      }}
    />
  );
}

// What is below knows the room that there is, if there is one.
function InRoom() {
  const room = useCall((state) => state.room);
  return (
    <RoomProvider room={room}>
      <Ready read={usePreferencesRead()} />
    </RoomProvider>
  );
}

export function Conference() {
  const [call] = useState(makeCall);
  return (
    <CallProvider call={call}>
      <InRoom />
    </CallProvider>
  );
}
