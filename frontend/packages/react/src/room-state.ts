// What there is in a room, as snapshots that React can compare: each change makes new objects of what has changed and of
// nothing else. One for each Room, however many hooks look at it.
import type { ChatMessage, Room, SessionState, Source } from '@rotunda/client';

const MESSAGES_KEPT = 300;

export interface TrackState {
  id: string; // userId and source
  userId: string;
  name: string;
  isLocal: boolean;
  source: Source;
  kind: 'audio' | 'video';
  track: MediaStreamTrack | null; // null: switched off
  paused: boolean;
  held: boolean; // the server sends nothing of it for now
  producerId: string | null; // null: one's own
}

export interface Participant {
  userId: string;
  name: string;
  isLocal: boolean;
  away: boolean; // nothing comes from there any more: the network is gone, the place is kept for a while
  tracks: Partial<Record<Source, TrackState>>;
}

export interface RoomSnapshot {
  session: SessionState;
  participants: Participant[]; // in the order of their arrival, oneself first
  speaker: string | null; // userId; null: nobody speaks
  messages: ChatMessage[];
}

export class RoomState {
  snapshot: RoomSnapshot;
  #room: Room;
  #listeners = new Set<() => void>();

  constructor(room: Room) {
    this.#room = room;
    const me: Participant = {
      userId: room.userId ?? 'me',
      name: room.session.username,
      isLocal: true,
      away: false,
      tracks: {},
    };
    this.snapshot = { session: room.session.state, participants: [me], speaker: null, messages: [] };
    for (const [userId, name] of room.peers) this.#join(userId, name);
    for (const entry of room.consumers.values()) if (entry) this.#take(entry.userId, entry.source, entry);
    for (const source of room.local.keys()) this.#own(source);
    this.#follow();
  }

  // For useSyncExternalStore. The state lives as long as its room.
  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  #set(change: Partial<RoomSnapshot>): void {
    this.snapshot = { ...this.snapshot, ...change };
    for (const listener of [...this.#listeners]) listener();
  }

  #change(userId: string, change: (one: Participant) => Participant): void {
    const { participants } = this.snapshot;
    if (participants.some((one) => one.userId === userId))
      this.#set({ participants: participants.map((one) => (one.userId === userId ? change(one) : one)) });
  }

  #put(userId: string, source: Source, change: Partial<TrackState> | null): void {
    this.#change(userId, (one) => {
      const { [source]: before, ...others } = one.tracks;
      if (change === null) return { ...one, tracks: others };
      const blank: TrackState = {
        id: `${userId}:${source}`,
        userId,
        name: one.name,
        isLocal: one.isLocal,
        source,
        kind: source === 'camera' || source === 'screen' ? 'video' : 'audio',
        track: null,
        paused: false,
        held: false,
        producerId: null,
      };
      return { ...one, tracks: { ...others, [source]: { ...blank, ...before, ...change } } };
    });
  }

  #join(userId: string, name: string): void {
    const others = this.snapshot.participants.filter((one) => one.userId !== userId);
    this.#set({ participants: [...others, { userId, name, isLocal: false, away: false, tracks: {} }] });
  }

  #take(
    userId: string,
    source: Source,
    { consumer, producerId, paused }: { consumer: { track: MediaStreamTrack }; producerId: string; paused: boolean },
  ): void {
    this.#put(userId, source, { track: consumer.track, producerId, paused, held: false });
  }

  #own(source: Source): void {
    const me = this.snapshot.participants.find((one) => one.isLocal)!;
    const local = this.#room.local.get(source);
    this.#put(me.userId, source, local ? { track: local.track, paused: local.paused } : null);
  }

  // A session that began anew has another id for oneself.
  #renamed(userId: string): void {
    this.#set({
      participants: this.snapshot.participants.map((one) => {
        if (!one.isLocal || one.userId === userId) return one;
        const tracks = Object.entries(one.tracks).map(([source, track]) => [
          source,
          { ...track, userId, id: `${userId}:${source}` },
        ]);
        return { ...one, userId, tracks: Object.fromEntries(tracks) };
      }),
    });
  }

  // The room's last messages come again after each return.
  #history(history: ChatMessage[]): void {
    const key = ({ fromId, timestamp, text }: ChatMessage) => `${fromId} ${timestamp} ${text}`;
    const known = new Set(this.snapshot.messages.map(key));
    const fresh = history.filter((message) => !known.has(key(message)));
    if (fresh.length > 0) this.#set({ messages: [...this.snapshot.messages, ...fresh].slice(-MESSAGES_KEPT) });
  }

  #follow(): void {
    const room = this.#room;
    room.session.on('state', (session) => this.#set({ session }));
    room.session.on('joined', ({ userId }) => this.#renamed(userId));
    room.on('peer-joined', ({ userId, username }) => this.#join(userId, username));
    room.on('peer-left', ({ userId }) => {
      const { participants, speaker } = this.snapshot;
      this.#set({
        participants: participants.filter((one) => one.userId !== userId),
        speaker: speaker === userId ? null : speaker,
      });
    });
    room.on('track', (entry) => this.#take(entry.userId, entry.source, entry));
    room.on('track-ended', ({ userId, source, producerId }) => {
      const now = this.snapshot.participants.find((one) => one.userId === userId)?.tracks[source];
      if (now?.producerId === producerId) this.#put(userId, source, null);
    });
    room.on('local', ({ source }) => this.#own(source));
    room.on('paused', ({ userId, source, paused }) => {
      if (userId !== room.userId) this.#put(userId, source, { paused });
    });
    room.on('layers', ({ producerId, spatialLayer }) => {
      const entry = room.consumers.get(producerId);
      const held = spatialLayer === null;
      const now = this.snapshot.participants.find((one) => one.userId === entry?.userId)?.tracks[entry!.source];
      if (entry && now && now.held !== held) this.#put(entry.userId, entry.source, { held });
    });
    room.on('away', ({ userId, away }) => this.#change(userId, (one) => ({ ...one, away })));
    room.on('speaker', ({ userId }) => this.#set({ speaker: userId }));
    room.on('chat', (message) => this.#set({ messages: [...this.snapshot.messages, message].slice(-MESSAGES_KEPT) }));
    room.on('chat-history', (history) => this.#history(history));
  }
}

const states = new WeakMap<Room, RoomState>();

// Chat and pauses that came before the first call are not known to it: make it when the room is made.
export function stateOf(room: Room): RoomState {
  let state = states.get(room);
  if (state === undefined) states.set(room, (state = new RoomState(room)));
  return state;
}
