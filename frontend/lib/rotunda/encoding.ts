// What is encoded of what could be sent: no more than somebody looks at.
import type { types } from 'mediasoup-client';

// Layers above `top` are not encoded; null: none is. A sender without layers has the one numbered 0.
export async function encodeUpTo(sender: RTCRtpSender | undefined, top: number | null): Promise<void> {
  const parameters = sender?.getParameters?.();
  if (!sender || !parameters?.encodings?.length) return;
  let changed = false;
  for (const [layer, encoding] of parameters.encodings.entries()) {
    const active = top !== null && layer <= top;
    changed ||= (encoding.active ?? true) !== active;
    encoding.active = active;
  }
  if (changed) await sender.setParameters(parameters);
}

export class EncodingControl {
  #told = new Map<string, number | null>(); // by producerId: the highest layer that anybody wants
  #changes = new Map<string, Promise<void>>(); // by producerId: the last one

  // The server tells which layer the most demanding one uses (null: nobody watches); of a source without layers, nothing.
  told(producerId: string, layer: number | null): void {
    this.#told.set(producerId, layer);
  }

  // What was told meanwhile was not heard: all of it is wanted until it is told anew, or nothing while one is alone.
  missed(producerIds: Iterable<string>, alone: boolean): void {
    for (const producerId of producerIds) {
      if (alone) this.#told.delete(producerId);
      else this.#told.set(producerId, Infinity);
    }
  }

  // The highest layer that is wanted. Where nothing was told, whoever else is in the room may want a source without layers.
  wanted({ id, rtpParameters }: types.Producer, alone: boolean): number | null {
    const told = this.#told.get(id);
    if (told !== undefined) return told;
    return alone || (rtpParameters?.encodings?.length ?? 1) > 1 ? null : 0;
  }

  settle(producer: types.Producer, alone: boolean): void {
    const change = async () => {
      if (!producer.closed) await encodeUpTo(producer.rtpSender, this.wanted(producer, alone));
    };
    // One after the other: a browser takes no change while another is under way.
    const after = (this.#changes.get(producer.id) ?? Promise.resolve()).then(change).catch((error: Error) => console.warn(error));
    this.#changes.set(producer.id, after);
  }

  forget(producerId: string): void {
    this.#told.delete(producerId);
    this.#changes.delete(producerId);
  }

  clear(): void {
    this.#told.clear();
    this.#changes.clear();
  }
}
