// What the page shows, and how what happens in the room changes it. Components read it; room-actions.ts steers it.
import { create } from 'zustand';
import { createStore, type StoreApi } from 'zustand/vanilla';
import { followModeration, NO_MODERATION, type Moderation } from './moderation';
import type { Slots } from '@rotunda/react';
import type { DeviceLoss } from './devices';
import type { ChatMessage, Direction, Leg, Role, Room, RotundaError, SessionState, Source } from '@rotunda/client';

const MESSAGES_KEPT = 300;

export interface Media {
  track: MediaStreamTrack | null;
  paused: boolean;
  producerId: string | null; // null: one's own
  score: number | null; // 0 to 10; null: not known yet
  layer: string | null; // "1/2": spatial and temporal layer that is received
  unsent: boolean; // the server has said that it sends nothing of it for now
}

export interface Participant {
  userId: string;
  name: string;
  isLocal: boolean;
  away: boolean; // nothing comes from there any more: the network is gone, the place is kept for a while
  media: Partial<Record<Source, Media>>;
}

export interface Tile {
  id: string; // userId and source
  participant: Participant;
  source: 'camera' | 'screen';
}

export type Panel = 'chat' | 'people' | null;

export interface CallStore {
  room: Room | null; // what is shown below gets it from the context
  phase: 'lobby' | 'joining' | 'room' | 'ended';
  roomId: string;
  session: SessionState;
  error: RotundaError | Error | null; // why it ended, or could not begin
  mayTakeOver: boolean; // the name is taken, by what was this browser's own place
  participants: Participant[]; // in the order of their arrival, oneself first
  speaker: string | null;
  lastSpeaker: string | null; // the last other than oneself: the large tile stays while nobody speaks
  turns: Record<string, number>; // by userId: the later someone began to speak, the higher
  slots: Slots; // which place of the grid each tile has
  rings: Record<string, number>; // by userId: how loud, in steps of RING_STEPS; who is silent is not in it
  messages: ChatMessage[];
  unread: number;
  panel: Panel;
  view: 'grid' | 'speaker';
  viewBefore: 'grid' | null; // to go back to when nobody shares a screen any more; null: the person has chosen
  pinned: string | null; // a tile's id
  page: number;
  stats: boolean; // the overlay is shown
  soundBlocked: boolean; // the browser wants a click before it plays
  losses: Partial<Record<'microphone' | 'camera', DeviceLoss>>; // devices that were taken away in mid-call
  missed: { source: 'microphone' | 'camera'; count: number } | null; // the chosen one was not to be had: another stands in
  paths: Partial<Record<Direction, Leg>>; // whose media finds no way, and where it fails
  dialog: 'settings' | 'help' | 'leave' | null;
  draining: boolean;
  moderation: Moderation;
  news: {
    text: 'joined' | 'left' | 'message' | 'muted' | `role.${Role}`;
    name: string;
    said: string;
    count: number;
  } | null; // for screen readers and toasts
}

export const INITIAL: CallStore = {
  room: null,
  phase: 'lobby',
  roomId: '',
  session: { name: 'idle' },
  error: null,
  mayTakeOver: false,
  participants: [],
  speaker: null,
  lastSpeaker: null,
  turns: {},
  slots: [],
  rings: {},
  messages: [],
  unread: 0,
  panel: null,
  view: 'grid',
  viewBefore: null,
  pinned: null,
  page: 0,
  stats: false,
  soundBlocked: false,
  losses: {},
  missed: null,
  paths: {},
  dialog: null,
  draining: false,
  moderation: NO_MODERATION,
  news: null,
};

export type Store = StoreApi<CallStore>;
export const useCall = create<CallStore>(() => INITIAL);
export const makeCallStore = (): Store => createStore<CallStore>(() => INITIAL); // for tests

export const RING_STEPS = 4;
const RING_QUIETEST_DBOV = -55;
const RING_LOUDEST_DBOV = -15;

// A level as it is shown: few steps, so that what nobody could tell apart draws nothing anew.
export function ringStep(levelDbov: number): number {
  const share = (levelDbov - RING_QUIETEST_DBOV) / (RING_LOUDEST_DBOV - RING_QUIETEST_DBOV);
  return Math.max(0, Math.min(RING_STEPS, Math.ceil(share * RING_STEPS)));
}

const ringsOf = (levels: { userId: string; level: number }[]): Record<string, number> =>
  Object.fromEntries(levels.map(({ userId, level }) => [userId, ringStep(level)]).filter(([, step]) => step !== 0));

const EMPTY: Media = { track: null, paused: false, producerId: null, score: null, layer: null, unsent: false };

// Sets fields of one medium of one participant; null takes it away.
export function withMedia(
  participants: Participant[],
  userId: string,
  source: Source,
  change: Partial<Media> | null,
): Participant[] {
  return participants.map((participant) => {
    if (participant.userId !== userId) return participant;
    const { [source]: old, ...others } = participant.media;
    if (change === null) return { ...participant, media: others };
    return { ...participant, media: { ...participant.media, [source]: { ...EMPTY, ...old, ...change } } };
  });
}

const withoutUnsent = (media: Participant['media']): Participant['media'] =>
  Object.fromEntries(Object.entries(media).map(([source, one]) => [source, { ...one, unsent: false }]));

export const tileId = (userId: string, source: Tile['source']): string => `${userId}:${source}`;

export function tileOf(id: string): { userId: string; source: Tile['source'] } {
  const at = id.lastIndexOf(':');
  return { userId: id.slice(0, at), source: id.slice(at + 1) as Tile['source'] };
}

// A tile for each participant, and one more for each screen that is shared.
export function tilesOf(participants: Participant[]): Tile[] {
  return participants.flatMap((participant) => {
    const tiles: Tile[] = [{ id: tileId(participant.userId, 'camera'), participant, source: 'camera' }];
    if (participant.media.screen)
      tiles.push({ id: tileId(participant.userId, 'screen'), participant, source: 'screen' });
    return tiles;
  });
}

// The tile that the speaker view shows large: what is pinned, else a shared screen, else who speaks.
export function mainTile(tiles: Tile[], pinned: string | null, speaker: string | null): Tile | undefined {
  return (
    tiles.find(({ id }) => id === pinned) ??
    tiles.find(({ source, participant }) => source === 'screen' && !participant.isLocal) ??
    tiles.find(({ participant }) => participant.userId === speaker) ??
    tiles.find(({ participant }) => !participant.isLocal) ??
    tiles[0]
  );
}

export const videoShown = (media: Media | undefined): boolean => media?.track != null && !media.paused && !media.unsent;

// Lets the store follow a room. Returns what ends that.
export function follow(room: Room, store: Store): () => void {
  const { setState: set, getState: get } = store;
  const setMedia = (userId: string, source: Source, change: Partial<Media> | null) =>
    set(({ participants }) => ({ participants: withMedia(participants, userId, source, change) }));
  const tell = (text: 'joined' | 'left' | 'message' | 'muted', name: string, said = '') =>
    set(({ news }) => ({ news: { text, name, said, count: (news?.count ?? 0) + 1 } }));
  const offs = [
    followModeration(room, store),
    room.session.on('state', (session) => {
      set({ session });
      if (session.name === 'ended' && get().phase === 'room') set({ phase: 'ended', error: session.error });
    }),
    room.session.on('joined', ({ userId }) => {
      // A session that began anew has another id for oneself. What was said while the connection was lost was not heard: better a
      // picture that stands still than none.
      set(({ participants }) => ({
        participants: participants.map((one) => ({
          ...one,
          userId: one.isLocal ? userId : one.userId,
          media: withoutUnsent(one.media),
        })),
        draining: false,
      }));
    }),
    room.on('peer-joined', ({ userId, username, isNew }) => {
      set(({ participants }) => ({
        participants: [
          ...participants.filter((one) => one.userId !== userId),
          { userId, name: username, isLocal: false, away: false, media: {} },
        ],
      }));
      if (isNew) tell('joined', username);
    }),
    room.on('peer-left', ({ userId, username }) => {
      set(({ participants, pinned, speaker, lastSpeaker, turns: { [userId]: _, ...turns } }) => ({
        turns,
        participants: participants.filter((one) => one.userId !== userId),
        pinned: pinned?.startsWith(`${userId}:`) ? null : pinned,
        speaker: speaker === userId ? null : speaker,
        lastSpeaker: lastSpeaker === userId ? null : lastSpeaker,
      }));
      tell('left', username);
    }),
    room.on('track', ({ userId, source, producerId, consumer }) => {
      setMedia(userId, source, { track: consumer.track, producerId, paused: false, layer: null, unsent: false });
      // What someone shows is for reading: it comes large.
      if (source === 'screen' && get().view === 'grid') set({ view: 'speaker', viewBefore: 'grid', page: 0 });
    }),
    room.on('track-ended', ({ userId, source, producerId }) => {
      const now = get().participants.find((one) => one.userId === userId)?.media[source];
      if (now?.producerId === producerId) setMedia(userId, source, null);
      const { viewBefore, participants } = get();
      const screens = participants.some(({ isLocal, media }) => !isLocal && media.screen);
      if (viewBefore !== null && !screens) set({ view: viewBefore, viewBefore: null, page: 0 });
    }),
    room.on('paused', ({ userId, source, paused }) => setMedia(userId, source, { paused })),
    room.on('score', ({ userId, source, score }) => setMedia(userId, source, { score })),
    room.on('layers', ({ producerId, spatialLayer, temporalLayer }) => {
      const entry = room.consumers.get(producerId);
      if (!entry) return;
      const layer = spatialLayer === null ? null : `${spatialLayer}/${temporalLayer ?? '-'}`;
      setMedia(entry.userId, entry.source, { layer, unsent: layer === null });
    }),
    room.on('speaker', ({ userId }) => {
      if (userId === null || userId === room.userId) return set({ speaker: userId });
      set(({ turns }) => ({
        speaker: userId,
        lastSpeaker: userId,
        turns: { ...turns, [userId]: Math.max(0, ...Object.values(turns)) + 1 },
      }));
    }),
    room.on('levels', (levels) => set({ rings: ringsOf(levels) })),
    room.on('chat', (message) => {
      const mine = message.fromId === room.userId;
      set(({ messages, unread, panel }) => ({
        messages: [...messages, message].slice(-MESSAGES_KEPT),
        unread: mine || panel === 'chat' ? unread : unread + 1,
      }));
      if (!mine) tell('message', message.from, message.text);
    }),
    // The room's last messages come again after each return: those already here stay, the rest is new.
    room.on('chat-history', (history) =>
      set(({ messages, unread, panel }) => {
        const known = new Set(messages.map(({ fromId, timestamp, text }) => `${fromId} ${timestamp} ${text}`));
        const fresh = history.filter(({ fromId, timestamp, text }) => !known.has(`${fromId} ${timestamp} ${text}`));
        const first = messages.length === 0;
        return {
          messages: [...messages, ...fresh].slice(-MESSAGES_KEPT),
          unread: first || panel === 'chat' ? unread : unread + fresh.length,
        };
      }),
    ),
    room.on('muted', ({ by }) => tell('muted', by)),
    room.on('draining', () => set({ draining: true })),
    room.on('path', ({ direction, leg }) =>
      set(({ paths: { [direction]: _, ...others } }) => ({
        paths: leg === null ? others : { ...others, [direction]: leg },
      })),
    ),
    room.on('away', ({ userId, away }) =>
      set(({ participants }) => ({
        participants: participants.map((one) => (one.userId === userId ? { ...one, away } : one)),
      })),
    ),
  ];
  return () => offs.forEach((off) => off());
}
