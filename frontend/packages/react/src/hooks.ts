'use client';
// What there is in the room around. A hook renders its component anew when that has changed, and for nothing else.
import type { ChatMessage, SessionState, Source } from '@rotunda/client';
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { useRoom } from './context.tsx';
import { stateOf, type Participant, type RoomSnapshot, type TrackState } from './room-state.ts';

const NOTHING: RoomSnapshot = { session: { name: 'idle' }, participants: [], speaker: null, messages: [] };
const never = () => () => {};

// A part of the room's snapshot, by a function that gives the same object for the same snapshot.
function usePart<Part>(choose: (snapshot: RoomSnapshot) => Part): Part {
  const room = useRoom();
  const state = useMemo(() => (room === null ? null : stateOf(room)), [room]);
  return useSyncExternalStore(
    state?.subscribe ?? never,
    () => choose(state?.snapshot ?? NOTHING),
    () => choose(NOTHING),
  );
}

const participantsOf = ({ participants }: RoomSnapshot) => participants;
const speakerOf = ({ participants, speaker }: RoomSnapshot) =>
  participants.find(({ userId }) => userId === speaker) ?? null;
const messagesOf = ({ messages }: RoomSnapshot) => messages;
const sessionOf = ({ session }: RoomSnapshot) => session;

// Everybody in the room in the order of their arrival, oneself first.
export const useParticipants = (): Participant[] => usePart(participantsOf);

// Who speaks; null: nobody.
export const useActiveSpeaker = (): Participant | null => usePart(speakerOf);

// Where the stay is: idle, joining, joined, lost (with the time of the next try), ended (with the reason).
export const useConnectionState = (): SessionState => usePart(sessionOf);

// The same list as before while it has the same tracks.
function chooserOf(wanted: string): (snapshot: RoomSnapshot) => TrackState[] {
  let last: TrackState[] = [];
  return ({ participants }) => {
    const all = participants.flatMap((one) => Object.values(one.tracks));
    const tracks = wanted === '' ? all : all.filter(({ source }) => wanted.split(' ').includes(source));
    const same = tracks.length === last.length && tracks.every((track, i) => track === last[i]);
    return same ? last : (last = tracks);
  };
}

// The tracks of these sources, of everybody; of all sources when none is named.
export function useTracks(...sources: Source[]): TrackState[] {
  const wanted = sources.join(' ');
  const choose = useMemo(() => chooserOf(wanted), [wanted]);
  return usePart(choose);
}

// Text that others get, and what was said; the room's last messages are there from the beginning.
export function useChat(): { messages: ChatMessage[]; send: (text: string) => Promise<void> } {
  const room = useRoom();
  const messages = usePart(messagesOf);
  const send = useCallback(async (text: string) => room?.sendChat(text), [room]);
  return useMemo(() => ({ messages, send }), [messages, send]);
}

export interface Devices {
  microphones: MediaDeviceInfo[];
  cameras: MediaDeviceInfo[];
  speakers: MediaDeviceInfo[];
  use: (source: 'microphone' | 'camera', deviceId: string) => Promise<void>; // sends this one from now on
}

// The devices there are. Their names come after a permission was given: `fresh` changes when there may be new ones to see.
export function useDevices(fresh?: unknown): Devices {
  const room = useRoom();
  const [all, setAll] = useState<MediaDeviceInfo[]>([]);
  useEffect(() => {
    const media = navigator.mediaDevices;
    if (media === undefined) return; // a page without https has none
    const list = () => media.enumerateDevices().then(setAll, () => {});
    void list();
    media.addEventListener('devicechange', list);
    return () => media.removeEventListener('devicechange', list);
  }, [fresh]);
  const use = useCallback(
    async (source: 'microphone' | 'camera', deviceId: string) => {
      const exact = { deviceId: { exact: deviceId } };
      const stream = await navigator.mediaDevices.getUserMedia(
        source === 'camera' ? { video: exact } : { audio: exact },
      );
      const before = room?.local.get(source);
      await room?.send(source, stream.getTracks()[0]!, { paused: before?.paused ?? false });
      before?.track?.stop();
    },
    [room],
  );
  return useMemo(() => {
    const of = (kind: MediaDeviceKind) =>
      all.filter((device) => device.kind === kind && device.deviceId !== '' && device.deviceId !== 'default');
    return { microphones: of('audioinput'), cameras: of('videoinput'), speakers: of('audiooutput'), use };
  }, [all, use]);
}
