// What the server does to the media that this side sends.
import type { types } from 'mediasoup-client';
import type { Kind, Source } from './protocol.ts';
import type { LocalTrack } from './room-events.ts';

export class OwnMedia {
  #producers: Map<Source, types.Producer>;
  #local: Map<Source, LocalTrack>;
  #silenced: (source: Source, closedId: string | null) => void;

  // silenced: nothing of this source goes out any more; closedId: nor will it, under that id.
  constructor(
    producers: Map<Source, types.Producer>,
    local: Map<Source, LocalTrack>,
    silenced: (source: Source, closedId: string | null) => void,
  ) {
    this.#producers = producers;
    this.#local = local;
    this.#silenced = silenced;
  }

  // A moderator has paused all of a kind; this side may go on by itself.
  muted(kind: Kind): void {
    for (const [source, producer] of this.#producers) {
      if (producer.kind !== kind || producer.paused) continue;
      producer.pause();
      const local = this.#local.get(source);
      if (local) local.paused = true;
      this.#silenced(source, null);
    }
  }

  // Whether it was one of this side's, which its new token does not allow.
  closed(producerId: string): boolean {
    for (const [source, producer] of this.#producers) {
      if (producer.id !== producerId) continue;
      this.#producers.delete(source);
      this.#local.delete(source);
      producer.close();
      this.#silenced(source, producerId);
      return true;
    }
    return false;
  }
}
