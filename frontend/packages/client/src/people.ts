// Who else is in a room, as its server tells; after a move to another server also who was there before, for a while.
import { Handover, type Former } from './handover.ts';
import type { Joined } from './protocol.ts';
import type { RoomEvents } from './room-events.ts';

export type Tell = <Type extends keyof RoomEvents>(type: Type, detail: RoomEvents[Type]) => void;

export class People {
  handover: Handover | null = null; // from the last server, while it lasts

  // gone: what comes from somebody ends; changed: there are more, or fewer.
  constructor(
    private readonly peers: Map<string, string>, // userId -> username
    private readonly tell: Tell,
    private readonly gone: (userId: string) => void,
    private readonly changed: () => void,
  ) {}

  sync({ peers }: Joined): void {
    const now = new Map(peers.map(({ userId, username }) => [userId, username]));
    for (const userId of [...this.peers.keys()])
      if (!now.has(userId) && !this.handover?.holds(userId)) this.left(userId);
    for (const [userId, username] of now) this.joined(userId, username, false);
  }

  joined(userId: string, username: string, isNew: boolean): void {
    if (this.peers.has(userId)) return;
    const met = this.handover?.meets(username, userId);
    for (const entry of met?.before ?? []) this.tell('track-ended', entry);
    if (met) this.left(met.userId, true);
    this.peers.set(userId, username);
    this.changed();
    this.tell('peer-joined', { userId, username, isNew: isNew && !met });
    for (const entry of met?.now ?? []) this.tell('track', entry);
  }

  left(userId: string, moved = false): void {
    const username = this.peers.get(userId);
    if (username === undefined) return;
    this.peers.delete(userId);
    this.handover?.gone(userId);
    this.gone(userId);
    this.changed();
    this.tell('peer-left', moved ? { userId, username, moved } : { userId, username });
  }

  renamed(userId: string, username: string): void {
    if (this.peers.has(userId)) this.peers.set(userId, username);
    this.tell('peer-renamed', { userId, username });
  }

  // This side is at another server: what the former one sends goes on until this one sends it.
  moved(former: Omit<Former, 'peers'>): void {
    this.handover?.close();
    this.handover = new Handover(
      { ...former, peers: this.peers },
      { trackEnded: (entry) => this.tell('track-ended', entry), peerLeft: (userId) => this.left(userId) },
    );
  }
}
