'use client';
// What there is in the room around. A hook renders its component anew when that has changed, and for nothing else.
import type { ChatMessage, EncryptionState, SessionState, Source } from '@rotunda/client';
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { useRoom } from './room-context.tsx';
import {
  EMPTY_ROOM,
  stateOf,
  type Participant,
  type RoomSnapshot,
  type RoomState,
  type TrackState,
} from './room-state.ts';
import { mainTile, tilesOf } from './tiles.ts';

const never = () => () => {};

function useRoomState(): RoomState | null {
  const room = useRoom();
  return useMemo(() => (room === null ? null : stateOf(room)), [room]);
}

// A part of the room's snapshot, by a function that gives the same object for the same snapshot.
export function usePart<Part>(choose: (snapshot: RoomSnapshot) => Part): Part {
  const state = useRoomState();
  return useSyncExternalStore(
    state?.subscribe ?? never,
    () => choose(state?.snapshot ?? EMPTY_ROOM),
    () => choose(EMPTY_ROOM),
  );
}

// What there is now, for an effect or a handler: renders nothing.
export function useLatest(): () => RoomSnapshot {
  const state = useRoomState();
  return useCallback(() => state?.snapshot ?? EMPTY_ROOM, [state]);
}

const participantsOf = ({ participants }: RoomSnapshot) => participants;
const personOf = ({ participants }: RoomSnapshot, wanted: string | null) =>
  participants.find(({ userId }) => userId === wanted) ?? null;
const localOf = ({ participants }: RoomSnapshot) => participants.find(({ isLocal }) => isLocal) ?? null;
const messagesOf = ({ messages }: RoomSnapshot) => messages;
const sessionOf = ({ session }: RoomSnapshot) => session;

// Everybody in the room in the order of their arrival, oneself first.
export const useParticipants = (): Participant[] => usePart(participantsOf);

// What stands in the way of reading what comes from somebody; null: nothing that is known.
export function encryptionTrouble({ encryption }: Participant): Exclude<EncryptionState, 'ok'> | null {
  for (const state of Object.values(encryption)) if (state !== 'ok') return state;
  return null;
}

// How many they are.
export const useParticipantCount = (): number => usePart(({ participants }) => participants.length);

// One of them; null: not (any more) there.
export const useParticipant = (userId: string): Participant | null => usePart((snapshot) => personOf(snapshot, userId));

// Oneself.
export const useLocalParticipant = (): Participant | null => usePart(localOf);

// Who speaks; null: nobody.
export const useActiveSpeaker = (): Participant | null => usePart((snapshot) => personOf(snapshot, snapshot.speaker));

// Who spoke last, oneself left out; they stay while nobody speaks.
export const useLastSpeaker = (): Participant | null => usePart((snapshot) => personOf(snapshot, snapshot.lastSpeaker));

// Whether they speak now.
export const useIsSpeaking = (userId: string): boolean => usePart(({ speaker }) => speaker === userId);

// How loud they are, from 0 to LEVEL_STEPS.
export const useAudioLevel = (userId: string): number => usePart(({ levels }) => levels[userId] ?? 0);

// Where the stay is: idle, joining, joined, lost (with the time of the next try), ended (with the reason).
export const useConnectionState = (): SessionState => usePart(sessionOf);

// A list of texts, the same one as before while it has the same ones.
function sameTexts(): (now: string[]) => string[] {
  let last: string[] = [];
  return (now) => (now.length === last.length && now.every((text, i) => text === last[i]) ? last : (last = now));
}

// The ids of all tiles there are to show: cameras, and shared screens.
export function useTileIds(): string[] {
  const choose = useMemo(() => {
    const same = sameTexts();
    return ({ participants }: RoomSnapshot) => same(tilesOf(participants).map(({ id }) => id));
  }, []);
  return usePart(choose);
}

// The one that a speaker's view shows large; null: none is wanted, or nobody is there.
export function useMainTileId(wanted: boolean, pinned: string | null): string | null {
  return usePart(({ participants, lastSpeaker }) =>
    wanted ? (mainTile(tilesOf(participants), pinned, lastSpeaker)?.id ?? null) : null,
  );
}

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
