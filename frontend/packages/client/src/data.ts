// Data channels of a stay in a room (docs/protocol.md, "Data channels"): what others send by, and one's own.
import type { types } from 'mediasoup-client';
import type { DataSeal } from './e2ee/data.ts';
import type { DataConsumed, DataProducerInfo, Joined } from './protocol.ts';
import type { RoomEvents } from './room-events.ts';
import type { Session } from './session.ts';
import { forgiveLoss, RotundaError } from './errors.ts';

export interface DataOptions {
  label?: string;
  protocol?: string;
  ordered?: boolean;
  maxPacketLifeTime?: number; // milliseconds
  maxRetransmits?: number;
  broadcast?: boolean; // into the room's channel of that label
  appData?: Record<string, unknown>;
}

// One producer, or the room's channel of a label.
export type DataSource = { dataProducerId: string } | { label: string };

interface Transports {
  send: types.Transport | null;
  recv: types.Transport | null;
}

type TellMissed = (news: RoomEvents['data-unreadable']) => void;

export class DataChannels {
  available = new Map<string, DataProducerInfo>(); // of others, by dataProducerId
  producers = new Map<string, types.DataProducer>();
  consumers = new Map<string, types.DataConsumer>();
  unreadable = new Map<string, number>(); // by dataConsumerId: messages that could not be decrypted, and nobody heard
  #session: Session;
  #transports: () => Transports;
  #key: string | undefined; // of the room; undefined: it is not encrypted from end to end
  #seal: Promise<DataSeal> | null = null;
  #tell: TellMissed;
  #told = new Set<string>();

  constructor(session: Session, transports: () => Transports, key?: string, tell: TellMissed = () => {}) {
    this.#session = session;
    this.#transports = transports;
    this.#key = key;
    this.#tell = tell;
  }

  // A transport that sends.
  serve(transport: types.Transport): void {
    transport.on('producedata', ({ sctpStreamParameters, label, protocol, appData }, done, failed) => {
      const { broadcast = false, ...own } = appData as { broadcast?: boolean };
      const ask = { transportId: transport.id, sctpStreamParameters, label, protocol, broadcast, appData: own };
      this.#session.request('produce-data', ask).then(done, failed);
    });
  }

  // Resolves when it can send.
  async produce({ broadcast, appData, ...options }: DataOptions): Promise<types.DataProducer> {
    const { send } = this.#transports();
    if (!send) throw new RotundaError('wrong-state', 'There is no transport to send by yet.');
    const seal = this.#key === undefined ? null : await this.#sealOf(this.#key);
    const said = seal ? { ...appData, broadcast, e2ee: true } : { ...appData, broadcast };
    const producer = await send.produceData({ ...options, appData: said });
    if (seal) {
      const senderId = broadcast ? '' : (this.#session.userId ?? '');
      sealSent(producer, seal.sealing({ senderId, label: options.label ?? '' }));
    }
    this.producers.set(producer.id, producer);
    producer.on('transportclose', () => this.producers.delete(producer.id));
    if (producer.readyState !== 'open') await opened(producer);
    return producer;
  }

  async closeProducer(dataProducerId: string): Promise<void> {
    this.#forgetProducer(dataProducerId);
    await this.#session.request('close-data-producer', { dataProducerId }).catch(forgiveLoss);
  }

  // Resolves when messages come: nothing of what was sent since is missed. `listen` hears each.
  async consume(
    source: DataSource,
    listen: (data: string | ArrayBuffer, from: DataConsumed) => void,
  ): Promise<types.DataConsumer> {
    const { recv } = this.#transports();
    if (!recv) throw new RotundaError('wrong-state', 'There is no transport to receive by yet.');
    const seal = this.#key === undefined ? null : await this.#sealOf(this.#key);
    const of = 'label' in source ? { broadcast: true, label: source.label } : source;
    const offer = await this.#session.request('consume-data', { ...of, transportId: recv.id, paused: true });
    const { id, dataProducerId, sctpStreamParameters, label, protocol } = offer;
    if (this.#key === undefined && offer.appData?.e2ee === true) {
      await this.closeConsumer(id);
      throw new RotundaError('e2ee-key', 'This channel is encrypted from end to end: join by a link with the key.');
    }
    const ofRoom = 'label' in source || this.available.get(source.dataProducerId)?.broadcast;
    const owner = { senderId: ofRoom ? '' : (offer.userId ?? ''), label };
    const consumer = await recv.consumeData({ id, dataProducerId, sctpStreamParameters, label, protocol });
    consumer.binaryType = 'arraybuffer';
    let work = Promise.resolve(); // in the order in which they came
    consumer.on('message', (data: string | ArrayBuffer) => {
      if (seal === null) return listen(data, offer);
      work = work
        .then(() => seal.open(data, owner))
        .then((opened) => {
          if ('data' in opened) listen(opened.data, offer);
          else if (opened.refusal !== 'replayed') this.#missed(offer, opened.refusal);
        });
      work = work.catch((error) => console.error(error));
    });
    consumer.on('transportclose', () => this.consumers.delete(id));
    this.consumers.set(id, consumer);
    if (consumer.readyState !== 'open') await opened(consumer);
    await this.#session.request('resume-data-consumer', { dataConsumerId: id });
    return consumer;
  }

  async closeConsumer(dataConsumerId: string): Promise<void> {
    this.#forgetConsumer(dataConsumerId);
    await this.#session.request('close-data-consumer', { dataConsumerId }).catch(forgiveLoss);
  }

  // Counted each time, and told once of each channel and reason: whoever has another key may send a flood.
  #missed({ dataConsumerId, userId, label }: DataConsumed, state: RoomEvents['data-unreadable']['state']): void {
    if (!this.consumers.has(dataConsumerId)) return;
    this.unreadable.set(dataConsumerId, (this.unreadable.get(dataConsumerId) ?? 0) + 1);
    const what = `${dataConsumerId} ${state}`;
    if (this.#told.has(what)) return;
    this.#told.add(what);
    this.#tell({ dataConsumerId, userId: userId ?? null, label, state });
  }

  #sealOf(key: string): Promise<DataSeal> {
    if (this.#seal) return this.#seal;
    const seal = import('./e2ee/data.ts').then(({ DataSeal }) => DataSeal.of(key));
    seal.catch(() => (this.#seal = null)); // the network may be back at the next channel
    return (this.#seal = seal);
  }

  // ---- what the room hears ----

  joined(joined: Joined): void {
    this.available.clear(); // they are told anew, right behind
    const own = new Set(joined.ownDataProducers);
    const kept = new Set(joined.dataConsumers);
    for (const id of [...this.producers.keys()]) if (!own.has(id)) this.#forgetProducer(id);
    for (const id of [...this.consumers.keys()]) if (!kept.has(id)) this.#forgetConsumer(id);
  }

  opened(info: DataProducerInfo): void {
    this.available.set(info.dataProducerId, info);
  }

  producerClosed(dataProducerId: string): void {
    this.available.delete(dataProducerId);
    this.#forgetProducer(dataProducerId);
  }

  consumerClosed(dataConsumerId: string): void {
    this.#forgetConsumer(dataConsumerId);
  }

  #forgetProducer(id: string): void {
    this.producers.get(id)?.close();
    this.producers.delete(id);
  }

  #forgetConsumer(id: string): void {
    this.consumers.get(id)?.close();
    this.consumers.delete(id);
    this.unreadable.delete(id);
    for (const what of this.#told) if (what.startsWith(`${id} `)) this.#told.delete(what);
  }
}

function opened(channel: types.DataProducer | types.DataConsumer): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = () => reject(new RotundaError('connection-lost', 'The channel did not open.'));
    (channel as types.DataProducer).once('open', resolve);
    (channel as types.DataProducer).once('close', failed);
    (channel as types.DataProducer).once('transportclose', failed);
  });
}

// Nothing goes out by it but what is sealed.
function sealSent(producer: types.DataProducer, seal: ReturnType<DataSeal['sealing']>): void {
  const send = producer.send.bind(producer);
  let work = Promise.resolve();
  producer.send = (data) => {
    if (producer.closed) throw new RotundaError('wrong-state', 'The channel is closed.');
    const sealed = seal(data);
    work = work
      .then(() => sealed)
      .then((bytes) => void (producer.closed || send(bytes)))
      .catch((error) => console.error(error));
  };
}
