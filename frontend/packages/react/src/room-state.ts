// What there is in a room, as snapshots that React can compare: each change makes new objects of what has changed and of
// nothing else. One for each Room, however many hooks look at it.
import type { ChatMessage, EncryptionState, Room, SessionState, Source } from '@rotunda/client';
import { levelSteps } from './levels.ts';

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
  score: number | null; // of the connection, 0 to 10; null: not known yet
  layer: string | null; // "1/2": spatial and temporal layer that is received
}

export interface Participant {
  userId: string;
  name: string;
  isLocal: boolean;
  away: boolean; // nothing comes from there any more: the network is gone, the place is kept for a while
  tracks: Partial<Record<Source, TrackState>>;
  encryption: Partial<Record<Source, EncryptionState>>; // from end to end, of what comes from there; empty: it is not, or not yet known
}

export interface RoomSnapshot {
  session: SessionState;
  participants: Participant[]; // in the order of their arrival, oneself first
  speaker: string | null; // userId; null: nobody speaks
  lastSpeaker: string | null; // userId of the last one other than oneself, also while nobody speaks
  turns: Record<string, number>; // by userId: the later somebody began to speak, the higher
  levels: Record<string, number>; // by userId: how loud, in LEVEL_STEPS; who is silent is not in it
  messages: ChatMessage[];
}

export const EMPTY_ROOM: RoomSnapshot = {
  session: { name: 'idle' },
  participants: [],
  speaker: null,
  lastSpeaker: null,
  turns: {},
  levels: {},
  messages: [],
};

const blankTrack = ({ userId, name, isLocal }: Participant, source: Source): TrackState => ({
  id: `${userId}:${source}`,
  userId,
  name,
  isLocal,
  source,
  kind: source === 'camera' || source === 'screen' ? 'video' : 'audio',
  track: null,
  paused: false,
  held: false,
  producerId: null,
  score: null,
  layer: null,
});

// Sets fields of one track of one participant; null takes it away.
export function withTrack(
  participants: Participant[],
  userId: string,
  source: Source,
  change: Partial<TrackState> | null,
): Participant[] {
  return participants.map((one) => {
    if (one.userId !== userId) return one;
    const { [source]: before, ...others } = one.tracks;
    if (change === null) return { ...one, tracks: others };
    return { ...one, tracks: { ...others, [source]: { ...blankTrack(one, source), ...before, ...change } } };
  });
}

export class RoomState {
  snapshot: RoomSnapshot = EMPTY_ROOM;
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
      encryption: {},
    };
    this.snapshot = { ...EMPTY_ROOM, session: room.session.state, participants: [me] };
    for (const [userId, name] of room.peers) this.#join(userId, name);
    for (const entry of room.consumers.values()) if (entry) this.#take(entry.userId, entry.source, entry);
    for (const source of room.local.keys()) this.#own(source);
    this.#followPeople();
    this.#followTracks();
    this.#followTalk();
  }

  // For useSyncExternalStore. The state lives as long as its room.
  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  // From outside for a room that nobody is in: in a gallery, in a test.
  set(change: Partial<RoomSnapshot>): void {
    this.snapshot = { ...this.snapshot, ...change };
    for (const listener of [...this.#listeners]) listener();
  }

  #find(userId: string | undefined): Participant | undefined {
    return this.snapshot.participants.find((one) => one.userId === userId);
  }

  #put(userId: string, source: Source, change: Partial<TrackState> | null): void {
    if (this.#find(userId)) this.set({ participants: withTrack(this.snapshot.participants, userId, source, change) });
  }

  // Of a track that is there.
  #alter(userId: string, source: Source, change: Partial<TrackState>): void {
    if (this.#find(userId)?.tracks[source]) this.#put(userId, source, change);
  }

  #join(userId: string, name: string): void {
    const others = this.snapshot.participants.filter((one) => one.userId !== userId);
    this.set({ participants: [...others, { userId, name, isLocal: false, away: false, tracks: {}, encryption: {} }] });
  }

  #leave(userId: string): void {
    const { participants, speaker, lastSpeaker, turns } = this.snapshot;
    const { [userId]: _, ...others } = turns;
    this.set({
      participants: participants.filter((one) => one.userId !== userId),
      turns: others,
      speaker: speaker === userId ? null : speaker,
      lastSpeaker: lastSpeaker === userId ? null : lastSpeaker,
    });
  }

  #take(
    userId: string,
    source: Source,
    { consumer, producerId, paused }: { consumer: { track: MediaStreamTrack }; producerId: string; paused: boolean },
  ): void {
    this.#put(userId, source, { track: consumer.track, producerId, paused, held: false, layer: null });
  }

  #encryption(userId: string, source: Source, state: EncryptionState | null): void {
    const { participants } = this.snapshot;
    const changed = (one: Participant): Participant => {
      const { [source]: _, ...others } = one.encryption;
      return { ...one, encryption: state === null ? others : { ...others, [source]: state } };
    };
    if (this.#find(userId))
      this.set({ participants: participants.map((one) => (one.userId === userId ? changed(one) : one)) });
  }

  #own(source: Source): void {
    const me = this.snapshot.participants.find((one) => one.isLocal)!;
    const local = this.#room.local.get(source);
    this.#put(me.userId, source, local ? { track: local.track, paused: local.paused } : null);
  }

  // A session that began anew has another id for oneself. What the server held was said on the connection that is gone: better
  // a picture that stands still than none.
  #returned(userId: string): void {
    const fresh = (one: Participant): Participant => {
      const mine = one.isLocal && one.userId !== userId;
      const tracks = Object.entries(one.tracks).map(([source, track]) => [
        source,
        { ...track, held: false, ...(mine && { userId, id: `${userId}:${source}` }) },
      ]);
      return { ...one, userId: one.isLocal ? userId : one.userId, tracks: Object.fromEntries(tracks) };
    };
    const worth = (one: Participant) =>
      (one.isLocal && one.userId !== userId) || Object.values(one.tracks).some(({ held }) => held);
    this.set({ participants: this.snapshot.participants.map((one) => (worth(one) ? fresh(one) : one)) });
  }

  // The room's last messages come again after each return.
  #history(history: ChatMessage[]): void {
    const key = ({ fromId, timestamp, text }: ChatMessage) => `${fromId} ${timestamp} ${text}`;
    const known = new Set(this.snapshot.messages.map(key));
    const fresh = history.filter((message) => !known.has(key(message)));
    if (fresh.length > 0) this.set({ messages: [...this.snapshot.messages, ...fresh].slice(-MESSAGES_KEPT) });
  }

  #speaks(userId: string | null): void {
    if (userId === null || userId === this.#room.userId) return this.set({ speaker: userId });
    const { turns } = this.snapshot;
    const turn = Math.max(0, ...Object.values(turns)) + 1;
    this.set({ speaker: userId, lastSpeaker: userId, turns: { ...turns, [userId]: turn } });
  }

  #followPeople(): void {
    const room = this.#room;
    room.session.on('state', (session) => this.set({ session }));
    room.session.on('joined', ({ userId }) => this.#returned(userId));
    room.on('peer-joined', ({ userId, username }) => this.#join(userId, username));
    room.on('peer-left', ({ userId }) => this.#leave(userId));
    room.on('peer-renamed', ({ userId, username: name }) => {
      const renamed = (one: Participant): Participant => {
        const tracks = Object.entries(one.tracks).map(([source, track]) => [source, { ...track, name }]);
        return { ...one, name, tracks: Object.fromEntries(tracks) };
      };
      this.set({
        participants: this.snapshot.participants.map((one) => (one.userId === userId ? renamed(one) : one)),
      });
    });
    room.on('away', ({ userId, away }) =>
      this.set({
        participants: this.snapshot.participants.map((one) => (one.userId === userId ? { ...one, away } : one)),
      }),
    );
  }

  #followTracks(): void {
    const room = this.#room;
    room.on('track', (entry) => this.#take(entry.userId, entry.source, entry));
    room.on('track-ended', ({ userId, source, producerId }) => {
      if (this.#find(userId)?.tracks[source]?.producerId === producerId) {
        this.#put(userId, source, null);
        this.#encryption(userId, source, null);
      }
    });
    room.on('encryption', ({ userId, source, state }) => this.#encryption(userId, source, state));
    room.on('local', ({ source }) => this.#own(source));
    room.on('paused', ({ userId, source, paused }) => {
      if (userId !== room.userId) this.#alter(userId, source, { paused });
    });
    room.on('score', ({ userId, source, score }) => this.#alter(userId, source, { score }));
    room.on('layers', ({ producerId, spatialLayer, temporalLayer }) => {
      const entry = room.consumers.get(producerId);
      if (!entry) return;
      const layer = spatialLayer === null ? null : `${spatialLayer}/${temporalLayer ?? '-'}`;
      this.#alter(entry.userId, entry.source, { layer, held: layer === null });
    });
  }

  #followTalk(): void {
    const room = this.#room;
    room.on('speaker', ({ userId }) => this.#speaks(userId));
    room.on('levels', (levels) => this.set({ levels: levelSteps(levels) }));
    room.on('chat', (message) => this.set({ messages: [...this.snapshot.messages, message].slice(-MESSAGES_KEPT) }));
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
