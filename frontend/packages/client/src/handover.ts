// From one server to the next without a gap: what the server that was left still sends, and what this side still sends
// to it, goes on until the next one has brought the same. Nobody's picture goes away because people move one by one.
import type { types } from 'mediasoup-client';
import type { Connection } from './connection.ts';
import type { NotificationType, Source } from './protocol.ts';
import type { RemoteTrack } from './room-events.ts';
import { leaveAndClose } from './session.ts';

const LASTS_MS = 10_000; // at most: not everybody comes along
const STAYS_MS = 3_000; // once all is there: others may still wait for what this side sends
const LOOK_EVERY_MS = 50;
const LEAVES_WITHIN_MS = 200; // who leaves closes what is sent first: between the two nothing is taken away

export interface Former {
  connection: Connection;
  transports: (types.Transport | null)[];
  producers: Iterable<[Source, types.Producer]>;
  tracks: RemoteTrack[];
  peers: Iterable<[string, string]>; // userId, username
}

export interface HandoverNews {
  trackEnded: (entry: RemoteTrack) => void;
  peerLeft: (userId: string) => void; // who was not seen at the next server
}

// Whether media of it has come.
async function flows({ consumer, kind }: RemoteTrack): Promise<boolean> {
  for (const { type, framesDecoded = 0, packetsReceived = 0 } of (await consumer.getStats()).values())
    if (type === 'inbound-rtp' && (kind === 'video' ? framesDecoded : packetsReceived) > 0) return true;
  return false;
}

export class Handover {
  #former: Former;
  #news: HandoverNews;
  #producers: Map<Source, types.Producer>;
  #tracks: Set<RemoteTrack>; // that are shown in place of the next server's
  #awaited: Map<string, string>; // username -> userId, of whom the next server has not told
  #owners: Map<string, string>; // producerId -> userId there
  #left = new Set<string>(); // userIds there, of who is there no more
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #staying = false;
  #over = false;

  constructor(former: Former, news: HandoverNews) {
    this.#former = former;
    this.#news = news;
    this.#producers = new Map(former.producers);
    this.#tracks = new Set(former.tracks);
    this.#owners = new Map(former.tracks.map(({ producerId, userId }) => [producerId, userId]));
    this.#awaited = new Map([...former.peers].map(([userId, username]) => [username, userId]));
    former.connection.handOver({
      notified: (type, data) => this.#notified(type, data as { userId: string; producerId: string }),
      closed: () => this.close(),
    });
    this.#after(LASTS_MS, () => this.close());
    this.#settle();
  }

  // Whether somebody is known from the former server alone.
  holds(userId: string): boolean {
    return [...this.#awaited.values()].includes(userId);
  }

  // Somebody is at the next server: who that was at the former one, and the tracks that go on under the new userId.
  meets(username: string, userId: string): { userId: string; before: RemoteTrack[]; now: RemoteTrack[] } | null {
    const known = this.#awaited.get(username);
    if (known === undefined || this.#over) return null;
    this.#awaited.delete(username);
    const before = [...this.#tracks].filter((entry) => entry.userId === known);
    const now = before.map((entry) => ({ ...entry, userId }));
    for (const entry of before) this.#tracks.delete(entry);
    for (const entry of now) this.#tracks.add(entry);
    this.#settle();
    return { userId: known, before, now };
  }

  // What is shown of this source for now.
  shown(userId: string, source: Source): RemoteTrack | undefined {
    return [...this.#tracks].find((entry) => entry.userId === userId && entry.source === source);
  }

  // Resolves once the next server's track has media, or it is of no use to wait any longer.
  async ready(next: RemoteTrack): Promise<void> {
    while (!this.#over) {
      if (next.paused || next.consumer.closed || (await flows(next).catch(() => true))) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  // The next server's is shown in its place.
  replaced(entry: RemoteTrack): void {
    if (!this.#tracks.delete(entry)) return;
    entry.consumer.close();
    this.#news.trackEnded(entry);
    this.#settle();
  }

  // Somebody has left the next server.
  gone(userId: string): void {
    for (const entry of [...this.#tracks]) if (entry.userId === userId) this.replaced(entry);
  }

  // What is paused, replaced or ended here is not to go on there.
  silence(source: Source): void {
    const producer = this.#producers.get(source);
    if (producer === undefined || this.#over) return;
    this.#producers.delete(source);
    producer.close();
    this.#former.connection.request('close-producer', { producerId: producer.id }).catch(() => {});
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const entry of [...this.#tracks]) this.replaced(entry);
    for (const userId of this.#awaited.values()) this.#news.peerLeft(userId);
    this.#awaited.clear();
    for (const transport of this.#former.transports) transport?.close();
    leaveAndClose(this.#former.connection);
  }

  #notified(type: NotificationType, { userId, producerId }: { userId: string; producerId: string }): void {
    const entry = [...this.#tracks].find((track) => track.producerId === producerId);
    if (type === 'producer-closed' && entry)
      this.#after(LEAVES_WITHIN_MS, () => !this.#left.has(this.#owners.get(producerId)!) && this.replaced(entry));
    if (type !== 'user-left') return;
    // Who is at the next server has moved, and is shown as before until its media comes from there.
    this.#left.add(userId);
    for (const [username, id] of this.#awaited) {
      if (id !== userId) continue;
      this.#awaited.delete(username);
      this.gone(userId);
      this.#news.peerLeft(userId);
    }
    this.#settle();
  }

  #settle(): void {
    if (this.#staying || this.#over || this.#tracks.size > 0 || this.#awaited.size > 0) return;
    this.#staying = true;
    this.#after(STAYS_MS, () => this.close());
  }

  #after(ms: number, then: () => void): void {
    const timer = setTimeout(() => (this.#timers.delete(timer), then()), ms);
    this.#timers.add(timer);
  }
}
