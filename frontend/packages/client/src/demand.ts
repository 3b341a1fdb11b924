// Brings what the server sends of each remote track to what is wanted of it, one request after the other.
import { codeOf } from './errors.ts';
import { spatialLayerFor } from './layers.ts';
import type { Demand, RemoteTrack } from './room-events.ts';
import type { Session } from './session.ts';

const SAYS_WITHIN_MS = 2_000;

interface Flow {
  demand: Demand | undefined; // undefined: nobody has said yet
  sent: { paused: boolean; layer: number | null }; // as the server was told
  busy: boolean;
}

export class DemandControl {
  #flows = new Map<string, Flow>(); // by producerId

  constructor(
    private readonly session: Pick<Session, 'request'>,
    private readonly entryOf: (producerId: string) => RemoteTrack | null | undefined,
  ) {}

  set(producerId: string, demand: Demand): void {
    this.#flow(producerId).demand = demand;
    void this.settle(producerId);
  }

  // Until `ready`, a picture is asked for as the one in whose place it will be shown, and then too, until whoever shows it
  // has had the time to say what it wants of it: a picture that stops in between needs a key frame to go on.
  async inPlaceOf(formerId: string, producerId: string, ready: Promise<void> | undefined): Promise<void> {
    const asked = this.#flows.get(formerId)?.demand ?? { width: 0 };
    this.set(producerId, asked);
    await ready;
    const wanted = this.#flows.get(formerId)?.demand;
    if (wanted) this.set(producerId, wanted);
    this.forget(formerId);
    if (!wanted)
      setTimeout(() => this.#flows.get(producerId)?.demand === asked && this.set(producerId, null), SAYS_WITHIN_MS);
  }

  // What the server sends of it from the beginning.
  begins(producerId: string, sent: Partial<Flow['sent']>): void {
    Object.assign(this.#flow(producerId).sent, sent);
  }

  // What was asked for may have been lost.
  anew(producerId: string): void {
    this.#flow(producerId).sent = { paused: true, layer: null };
    void this.settle(producerId);
  }

  comes(producerId: string): boolean {
    return this.#flows.get(producerId)?.sent.paused === false;
  }

  forget(producerId: string): void {
    this.#flows.delete(producerId);
  }

  #flow(producerId: string): Flow {
    let flow = this.#flows.get(producerId);
    if (flow === undefined) {
      flow = { demand: undefined, sent: { paused: true, layer: null }, busy: false };
      this.#flows.set(producerId, flow);
    }
    return flow;
  }

  async settle(producerId: string): Promise<void> {
    const flow = this.#flow(producerId);
    if (flow.busy) return;
    flow.busy = true;
    try {
      // What is next is found without a wait: what is wanted meanwhile must not be overlooked.
      for (let next = this.#next(producerId, flow); next !== null; next = this.#next(producerId, flow)) await next();
    } catch (error) {
      if (!['not-found', 'connection-lost', 'timeout'].includes(codeOf(error) ?? '')) console.error(error);
    } finally {
      flow.busy = false;
    }
  }

  // What to ask of the server; null: it sends what is wanted.
  #next(producerId: string, flow: Flow): (() => Promise<void>) | null {
    const entry = this.entryOf(producerId);
    if (!entry || entry.consumer.closed) return null;
    const consumerId = entry.consumer.id;
    // Sound is wanted always; a picture once a tile has asked for it. What comes already may come until one says no.
    if (entry.kind === 'video' && flow.demand === undefined) return null;
    const demand = entry.kind === 'audio' ? { width: 0 } : (flow.demand ?? null);
    const layer = demand && entry.type !== 'simple' ? spatialLayerFor(entry.appData, demand.width) : null;
    if (layer !== null && layer !== flow.sent.layer)
      return async () => {
        await this.session.request('set-preferred-layers', { consumerId, spatialLayer: layer });
        flow.sent.layer = layer;
      };
    if (flow.sent.paused === (demand === null)) return null;
    return async () => {
      await this.session.request(demand ? 'resume-consumer' : 'pause-consumer', { consumerId });
      flow.sent.paused = demand === null;
    };
  }
}
