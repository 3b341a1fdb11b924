// Looks after a room's media: whether each transport finds its way, and whose media has stopped coming.
import type { types } from 'mediasoup-client';
import { AWAY_LOOK_EVERY_MS, AwayWatch } from './away.ts';
import { PathWatch, type Leg } from './path.ts';
import type { AppData, Answer } from './protocol.ts';
import type { Direction, RemoteTrack } from './room-events.ts';

export interface Watched {
  recvTransport: () => types.Transport<AppData> | null;
  sent: () => types.Producer | undefined; // one that should reach the server now
  received: () => Iterable<RemoteTrack>;
  expected: (entry: RemoteTrack) => boolean; // it is asked for, and neither paused nor left out by the server
  stats: (of: { producerId: string } | { consumerId: string }) => Promise<Answer<'get-stats'>>;
  pathChanged: (direction: Direction, leg: Leg | null) => void;
  awayChanged: (change: { userId: string; away: boolean }) => void;
}

export class MediaWatch {
  #room: Watched;
  #paths: Record<Direction, PathWatch>;
  #away = new AwayWatch();
  #timer: ReturnType<typeof setInterval>;

  constructor(room: Watched) {
    this.#room = room;
    this.#paths = {
      send: new PathWatch(
        (leg) => room.pathChanged('send', leg),
        () => this.#serverReceives(),
      ),
      recv: new PathWatch(
        (leg) => room.pathChanged('recv', leg),
        () => this.#serverIsHeard(),
      ),
    };
    this.#timer = setInterval(() => void this.#lookForAway().catch(() => {}), AWAY_LOOK_EVERY_MS);
  }

  becomes(direction: Direction, state: types.ConnectionState): void {
    this.#paths[direction].becomes(state);
  }

  serverSees(direction: Direction, iceState: string, dtlsState: string): void {
    this.#paths[direction].serverSees(iceState, dtlsState);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const path of Object.values(this.#paths)) path.close();
    for (const change of this.#away.forget()) this.#room.awayChanged(change);
  }

  async #serverReceives(): Promise<boolean> {
    const sent = this.#room.sent();
    if (sent === undefined) return true;
    const { stats } = await this.#room.stats({ producerId: sent.id });
    return stats.some(({ packetCount }) => Number(packetCount) > 0);
  }

  // What the other side never sent is not this path's fault.
  async #serverIsHeard(): Promise<boolean> {
    const heard = [...this.#room.received()].find((entry) => entry.kind === 'audio' && this.#room.expected(entry));
    if (heard === undefined) return true;
    const counts = await this.#packetsReceived();
    if ([...counts.values()].some((count) => count > 0)) return true;
    const { stats } = await this.#room.stats({ consumerId: heard.consumer.id });
    return !stats.some(({ type, packetCount }) => type === 'outbound-rtp' && Number(packetCount) > 0);
  }

  // By SSRC.
  async #packetsReceived(): Promise<Map<number, number>> {
    const counts = new Map<number, number>();
    const report = await this.#room.recvTransport()?.getStats();
    report?.forEach((stat: { type: string; ssrc: number; packetsReceived?: number }) => {
      if (stat.type === 'inbound-rtp') counts.set(stat.ssrc, stat.packetsReceived ?? 0);
    });
    return counts;
  }

  async #lookForAway(): Promise<void> {
    if (this.#room.recvTransport()?.connectionState !== 'connected') {
      for (const change of this.#away.forget()) this.#room.awayChanged(change);
      return;
    }
    const counts = await this.#packetsReceived();
    const flows = [...this.#room.received()]
      .filter(({ source }) => source === 'microphone' || source === 'camera') // a screen may stand still for long
      .map((entry) => ({
        id: entry.producerId,
        userId: entry.userId,
        packets: counts.get(entry.consumer.rtpParameters.encodings?.[0]?.ssrc ?? 0) ?? 0,
        expected: this.#room.expected(entry),
      }));
    for (const change of this.#away.look(flows, Date.now())) this.#room.awayChanged(change);
  }
}
