// What others encrypt from end to end, for whoever has no key: it is noise, which nobody is to hear, so it is not received.
import type { ProducerInfo, Source } from '../protocol.ts';
import type { RoomEvents } from '../room-events.ts';
import { sourceOf } from '../transports.ts';

export class SealedSources {
  #sources = new Map<string, { userId: string; source: Source }>(); // by producerId

  constructor(private readonly tell: (news: RoomEvents['encryption']) => void) {}

  // Whether it is not to be received, which is told.
  has({ producerId, userId, kind, appData }: Omit<ProducerInfo, 'paused'>): boolean {
    if (appData?.e2ee !== true) return false;
    const of = { userId, source: sourceOf(kind, appData) };
    this.#sources.set(producerId, of);
    this.tell({ ...of, state: 'no-key' });
    return true;
  }

  gone(producerId: string): void {
    const of = this.#sources.get(producerId);
    if (of && this.#sources.delete(producerId)) this.tell({ ...of, state: null });
  }
}
