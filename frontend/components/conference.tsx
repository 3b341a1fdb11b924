'use client';
// The page at `/`: lobby, call, and what comes after.
import { useEffect, useRef, useState } from 'react';
import { capture } from '@/lib/devices';
import { usePreferences } from '@/lib/preferences';
import { backToLobby, currentRoom, join, leave } from '@/lib/room_actions';
import { useCall } from '@/lib/store';
import { Ended } from './ended';
import { Lobby, type Entrance } from './lobby';
import { RoomView } from './room_view';

const IN_CALL = 'rotunda:in-call'; // in the tab's storage while it is in a call: a reload goes on with it

const WORDS = ['amber', 'cedar', 'coral', 'dune', 'elm', 'fern', 'harbor', 'lake', 'maple', 'meadow', 'olive', 'pine', 'river', 'stone'];
const word = () => WORDS[Math.floor(Math.random() * WORDS.length)]!;
const freshRoomName = () => `${word()}-${word()}-${Math.floor(Math.random() * 900 + 100)}`;

function reloaded(): Entrance | null {
  const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  if (navigation?.type !== 'reload') return null;
  try {
    return JSON.parse(sessionStorage.getItem(IN_CALL) ?? 'null');
  } catch {
    return null;
  }
}

function remember(entrance: Entrance | null): void {
  try {
    if (entrance) sessionStorage.setItem(IN_CALL, JSON.stringify(entrance));
    else sessionStorage.removeItem(IN_CALL);
  } catch {
    // Without storage a reload leads to the lobby.
  }
}

export function Conference() {
  const phase = useCall((state) => state.phase);
  const roomId = useCall((state) => state.roomId);
  const [initial, setInitial] = useState<Entrance | null>(null);
  const begun = useRef(false);
  const entrance = useRef<Entrance | null>(null);

  const enter = async (to: Entrance, stream: MediaStream) => {
    entrance.current = to;
    const url = new URL(location.href);
    url.searchParams.set('room', to.room);
    history.replaceState(null, '', url);
    await join(to.room, to.name, stream);
    if (useCall.getState().phase === 'room') remember(to);
  };
  // With no preview before: camera and microphone are asked for on the way in.
  const enterAtOnce = async (to: Entrance) => {
    useCall.setState({ phase: 'joining' });
    const { microphoneId, cameraId, cameraOn } = usePreferences.getState();
    const { stream } = await capture({ audio: true, video: cameraOn, microphoneId, cameraId });
    await enter(to, stream);
  };

  useEffect(() => {
    if (begun.current) return;
    begun.current = true;
    void usePreferences.persist.rehydrate();
    const query = new URLSearchParams(location.search);
    const back = reloaded();
    const to = back ?? {
      room: query.get('room') || freshRoomName(),
      name: query.get('name') ?? usePreferences.getState().name,
    };
    entrance.current = to;
    if (back || query.get('auto') === '1') void enterAtOnce(to).finally(() => setInitial(to));
    else setInitial(to);
  });

  useEffect(() => {
    // A page that goes away leaves; one that only reloads comes back with its token.
    const hide = () => leave({ keepToken: true });
    const online = () => void currentRoom()?.recover();
    window.addEventListener('pagehide', hide);
    window.addEventListener('online', online);
    return () => {
      window.removeEventListener('pagehide', hide);
      window.removeEventListener('online', online);
    };
  }, []);

  useEffect(() => {
    document.body.classList.toggle('in-call', phase === 'room');
    document.title = phase === 'room' ? `${roomId} · Rotunda` : 'Rotunda';
  }, [phase, roomId]);

  if (phase === 'room')
    return (
      <RoomView
        onLeave={() => {
          remember(null);
          leave();
          if (document.fullscreenElement) void document.exitFullscreen().catch(() => {});
        }}
      />
    );
  if (phase === 'ended')
    return (
      <Ended
        onAgain={() => void enterAtOnce(entrance.current!)}
        onLobby={() => {
          remember(null);
          setInitial({ ...entrance.current! });
          backToLobby();
        }}
      />
    );
  return (
    <Lobby
      initial={initial}
      onJoin={(to, stream) => void enter(to, stream)}
    />
  );
}
