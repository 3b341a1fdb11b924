// What the server does to the media that this side sends.
import type { types } from 'mediasoup-client';
import { RotundaError } from './errors.ts';
import type { Kind, Source } from './protocol.ts';
import type { LocalTrack } from './room-events.ts';

const kindOf = (source: Source): Kind => (source === 'camera' || source === 'screen' ? 'video' : 'audio');

export class OwnMedia {
  #held = new Set<Kind>(); // what this side may not resume until a moderator lets it
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

  // A moderator has paused all of a kind; this side may go on by itself, unless that is held.
  muted(kind: Kind): void {
    for (const [source, local] of this.#local) {
      const producer = this.#producers.get(source);
      if (kindOf(source) !== kind || (local.paused && (producer?.paused ?? true))) continue;
      producer?.pause();
      local.paused = true;
      this.#silenced(source, null);
    }
  }

  // Of these kinds nothing goes out until a moderator lets it.
  hold(kinds: readonly Kind[]): void {
    this.#held = new Set(kinds);
    for (const kind of kinds) this.muted(kind);
  }

  isHeld(source: Source): boolean {
    return this.#held.has(kindOf(source));
  }

  assertFree(source: Source): void {
    if (this.isHeld(source))
      throw new RotundaError('held', 'A moderator has muted this side, and lets it unmute or does not.');
  }

  // After a return: what the server has not kept is no more. Returns what it has, and this side does not know.
  keepOnly(kept: ReadonlySet<string>): string[] {
    for (const [source, producer] of [...this.#producers]) {
      if (kept.has(producer.id)) continue;
      producer.close();
      this.#producers.delete(source);
    }
    const known = new Set([...this.#producers.values()].map(({ id }) => id));
    return [...kept].filter((producerId) => !known.has(producerId));
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
