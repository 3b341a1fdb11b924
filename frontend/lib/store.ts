// What the page shows of a call beside what there is in the room, which @rotunda/react knows: panels, views, troubles, news.
// Components read it by useCall; room-actions.ts steers it.
import { createStore, type StoreApi } from 'zustand/vanilla';
import { stateOf, type TrackState } from '@rotunda/react';
import { followModeration, NO_MODERATION, type Moderation } from './moderation';
import type { DeviceLoss } from './devices';
import type { ChatMessage, Direction, Leg, Role, Room, RotundaError } from '@rotunda/client';

const MESSAGES_KNOWN = 300; // as many as the room's state keeps

export type Panel = 'chat' | 'people' | null;

export interface CallState {
  room: Room | null; // what is shown below gets it from the context
  phase: 'lobby' | 'joining' | 'room' | 'ended';
  roomId: string;
  error: RotundaError | Error | null; // why it ended, or could not begin
  mayTakeOver: boolean; // the name is taken, by what was this browser's own place
  awaited: Error | null; // what a join waits for, before there is a room to be joined
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
  news: News | null; // for screen readers and toasts
}

export interface News {
  text: 'joined' | 'left' | 'message' | 'muted' | 'held' | 'mayUnmute' | 'sealed' | `role.${Role}`;
  name: string;
  said: string;
  count: number;
}

export const INITIAL: CallState = {
  room: null,
  phase: 'lobby',
  roomId: '',
  error: null,
  mayTakeOver: false,
  awaited: null,
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

export type CallStore = StoreApi<CallState>;
export const makeCallStore = (): CallStore => createStore<CallState>(() => INITIAL);

export const videoShown = (track: TrackState | undefined): boolean =>
  track?.track != null && !track.paused && !track.held;

// Lets the store follow a room. Returns what ends that.
export function follow(room: Room, store: CallStore): () => void {
  const { setState: set, getState: get } = store;
  const state = stateOf(room); // hears of everything first
  const tell = (text: News['text'], name: string, said = '') =>
    set(({ news }) => ({ news: { text, name, said, count: (news?.count ?? 0) + 1 } }));
  const wasSaid = new Set<string>();
  const isNews = (message: ChatMessage) => {
    const saying = `${message.fromId} ${message.timestamp} ${message.text}`;
    if (wasSaid.has(saying)) return false;
    if (wasSaid.add(saying).size > MESSAGES_KNOWN) wasSaid.delete(wasSaid.values().next().value!);
    return true;
  };
  let pinnedMoves: { username: string; tile: string } | null = null; // with its person, to another server
  const offs = [
    followModeration(room, store),
    room.session.on('state', (session) => {
      if (session.name === 'ended' && get().phase === 'room') set({ phase: 'ended', error: session.error });
    }),
    room.session.on('joined', () => set({ draining: false })),
    room.on('peer-joined', ({ userId, username, isNew }) => {
      if (pinnedMoves?.username === username) set({ pinned: userId + pinnedMoves.tile });
      pinnedMoves = null;
      if (isNew) tell('joined', username);
    }),
    room.on('peer-left', ({ userId, username, moved }) => {
      const was = get().pinned?.startsWith(`${userId}:`) ? get().pinned : null;
      if (moved && was) pinnedMoves = { username, tile: was.slice(userId.length) };
      if (was) set({ pinned: null });
      if (!moved) tell('left', username);
    }),
    // What someone shows is for reading: it comes large.
    room.on('track', ({ source }) => {
      if (source === 'screen' && get().view === 'grid') set({ view: 'speaker', viewBefore: 'grid', page: 0 });
    }),
    room.on('track-ended', () => {
      const { viewBefore } = get();
      const screens = state.snapshot.participants.some(({ isLocal, tracks }) => !isLocal && tracks.screen);
      if (viewBefore !== null && !screens) set({ view: viewBefore, viewBefore: null, page: 0 });
    }),
    room.on('chat', (message) => {
      isNews(message);
      if (message.fromId === room.userId) return;
      set(({ unread, panel }) => ({ unread: panel === 'chat' ? unread : unread + 1 }));
      tell('message', message.from, message.text);
    }),
    // The room's last messages come again after each return: those already heard stay, the rest is new.
    room.on('chat-history', (history) => {
      const first = wasSaid.size === 0;
      const fresh = history.filter(isNews);
      set(({ unread, panel }) => ({ unread: first || panel === 'chat' ? unread : unread + fresh.length }));
    }),
    room.on('muted', ({ by, hold }) => tell(hold ? 'held' : 'muted', by)),
    room.on('draining', () => set({ draining: true })),
    room.on('path', ({ direction, leg }) =>
      set(({ paths: { [direction]: _, ...others } }) => ({
        paths: leg === null ? others : { ...others, [direction]: leg },
      })),
    ),
  ];
  return () => offs.forEach((off) => off());
}
