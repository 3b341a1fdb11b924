// The media of a stay in a room: what this side sends by source, what it receives by producer. Follows its Session
// through losses and returns. No page in here.
import type { Device, types } from 'mediasoup-client';
import type { Doorway } from './doorway.ts';
import { Emitter } from './emitter.ts';
import { EncodingControl } from './encoding.ts';
import type { Encryption } from './e2ee/encryption.ts';
import { SealedSources } from './e2ee/sealed.ts';
import { codeOf, forgiveLoss } from './errors.ts';
import { looksForPath, shapeOffers } from './offers.ts';
import { OwnMedia } from './own-media.ts';
import type { Demand, Direction, LocalTrack, RemoteTrack, RoomEvents } from './room-events.ts';
import { People, type Tell } from './people.ts';
import { MediaWatch } from './media-watch.ts';
import { addCandidates, tellOwnIce, transportOf } from './candidates.ts';
import { ChatControl } from './chat.ts';
import { ChoiceControl, type Choice } from './choice.ts';
import { DataChannels } from './data.ts';
import { ConnectControl } from './connect.ts';
import { DemandControl } from './demand.ts';
import type {
  AppData,
  Consumed,
  Joined,
  Notifications,
  ProducerInfo,
  RequestData,
  Source,
  TransportOptions,
} from './protocol.ts';
import { mediaWishes, type RoomOptions } from './room-options.ts';
import type { Connection } from './connection.ts';
import { expectProbation } from './probation.ts';
import { Session } from './session.ts';
import {
  beginIceAnew,
  codecNamed,
  isBroken,
  loadDevice,
  produceOptions,
  sourceOf,
  takeIceServers,
} from './transports.ts';

const ICE_PATIENCE_MS = 2_000; // how long a transport may stay disconnected before ICE restarts

export class Room extends Emitter<RoomEvents> {
  readonly session: Session;
  peers = new Map<string, string>(); // userId -> username
  producers = new Map<Source, types.Producer>();
  consumers = new Map<string, RemoteTrack | null>(); // by producerId; null while it is being made
  sendTransport: types.Transport<AppData> | null = null;
  recvTransport: types.Transport<AppData> | null = null;
  metadata: string | null = null; // what a program says of the room
  readonly data: DataChannels; // of rooms with the option `data`
  #options: RoomOptions;
  #doorway: Doorway | undefined;
  #device: Device | null = null;
  #connects: ConnectControl;
  #local = new Map<Source, LocalTrack>();
  #demands: DemandControl;
  #silent = new Set<string>(); // producerIds of remote sources that are paused, or that the server leaves out
  #encoding = new EncodingControl();
  #encryption: Encryption | null = null;
  #sealed = new SealedSources((news) => this.emit('encryption', news));
  #ownMedia: OwnMedia;
  #choice: ChoiceControl;
  #chat: ChatControl;
  #watch: MediaWatch | null = null;
  #people: People;
  #work: Promise<void> = Promise.resolve();
  #failure: unknown = null;

  constructor(url: string, roomId: string, username: string, options: RoomOptions = {}) {
    super();
    this.#options = options;
    this.#doorway = options.doorway;
    this.#ownMedia = new OwnMedia(this.producers, this.#local, (source, producerId) => {
      if (producerId) this.#encoding.forget(producerId);
      this.#people.handover?.silence(source);
      this.#tellLocal(source);
      if (this.userId) this.emit('paused', { userId: this.userId, source, paused: true });
    });
    const tell: Tell = (type, detail) => this.emit(type, detail);
    const gone = (userId: string) =>
      [...this.consumers].forEach(([id, entry]) => entry?.userId === userId && this.#drop(id));
    this.#people = new People(this.peers, tell, gone, () => this.#encodeAll());
    const joinWith = (moving: boolean) => this.#joinWith(moving);
    const keepFormer = (connection: Connection) => this.#moveOn(connection);
    this.session = new Session(url, roomId, username, { ...options, encrypts: this.encrypted, joinWith, keepFormer });
    this.#chat = new ChatControl(this.session, options.e2ee?.key, (name, news) => this.emit(name, news));
    this.#choice = new ChoiceControl(this.session, (userId) => this.peers.has(userId));
    this.#connects = new ConnectControl(this.session);
    this.#demands = new DemandControl(this.session, (producerId) => this.consumers.get(producerId));
    const transports = () => ({ send: this.sendTransport, recv: this.recvTransport });
    const missed = (news: RoomEvents['data-unreadable']) => this.emit('data-unreadable', news);
    this.data = new DataChannels(this.session, transports, options.e2ee?.key, missed);
    this.session.on('joined', (joined) => {
      this.data.joined(joined);
      this.#ownMedia.hold(joined.held ?? []);
      this.#describe(joined.roomMetadata ?? null);
      this.#people.sync(joined);
      this.#chat.history(joined.chat);
      this.#work = this.#work.then(() => this.#joined(joined)).catch((error) => void (this.#failure = error));
    });
    this.session.on('notification', ({ type, data }) => this.#notified(type, data as never));
    this.session.on('state', ({ name }) => {
      if (name !== 'ended') return;
      this.#people.handover?.close();
      this.#closeMedia();
      this.#encryption?.close();
    });
  }

  // What this side sends, or will once it is in the room.
  get local(): ReadonlyMap<Source, LocalTrack> {
    return this.#local;
  }

  get encrypted(): boolean {
    return this.#options.e2ee !== undefined;
  }

  get userId(): string | null {
    return this.session.userId;
  }

  // Resolves once the tracks flow.
  async join(tracks: Partial<Record<Source, LocalTrack>>): Promise<void> {
    for (const [name, local] of Object.entries(tracks)) {
      this.#local.set(name as Source, local);
      this.#tellLocal(name as Source);
    }
    await this.session.join();
    await this.#work;
    if (this.#failure) {
      this.session.leave();
      throw this.#failure;
    }
  }

  leave(options?: { keepToken?: boolean }): void {
    this.session.leave(options);
  }

  sendChat = (text: string): Promise<void> => this.#chat.send(text);

  // Sends this track as `source`, in place of what was sent as it before.
  async send(source: Source, track: MediaStreamTrack, { paused = false } = {}): Promise<void> {
    if (!paused) this.#ownMedia.assertFree(source);
    this.#people.handover?.silence(source);
    this.#local.set(source, { track, paused });
    this.#tellLocal(source);
    const producer = this.producers.get(source);
    if (producer === undefined) {
      if (this.sendTransport) await this.#produce(source);
      return;
    }
    await producer.replaceTrack({ track });
    if (paused) producer.pause();
    else producer.resume();
    await this.#tellPaused(producer);
  }

  // Silences a source, or lets it be heard again. Without its track the device itself is let go of.
  async pause(source: Source, paused: boolean, { release = false } = {}): Promise<void> {
    const local = this.#local.get(source);
    if (local === undefined) return;
    if (!paused) this.#ownMedia.assertFree(source);
    this.#people.handover?.silence(source);
    local.paused = paused;
    const producer = this.producers.get(source);
    if (paused) producer?.pause();
    else producer?.resume();
    if (release) local.track = null;
    this.#tellLocal(source);
    if (release) await producer?.replaceTrack({ track: null });
    if (producer) await this.#tellPaused(producer);
  }

  async stop(source: Source): Promise<void> {
    this.#people.handover?.silence(source);
    if (this.#local.delete(source)) this.#tellLocal(source);
    const producer = this.producers.get(source);
    if (producer === undefined) return;
    this.producers.delete(source);
    producer.close();
    this.#encoding.forget(producer.id);
    await this.session.request('close-producer', { producerId: producer.id }).catch(forgiveLoss);
  }

  // Whether a moderator lets nothing of it go out (`held`).
  readonly isHeld = (source: Source): boolean => this.#ownMedia.isHeld(source);

  // Says what a remote picture is shown as; the server then sends no more than that.
  demand(producerId: string, demand: Demand): void {
    this.#demands.set(producerId, demand);
  }

  // How much of a large room comes; until this is said, what the room gives.
  choose(choice: Choice): void {
    this.#choice.set(choice);
  }

  async restartIce(transport: types.Transport<AppData> | null): Promise<void> {
    if (transport === null || transport.closed) return;
    await beginIceAnew(transport, await this.session.request('restart-ice', { transportId: transport.id }));
  }

  // After a change of network: do not wait until the paths are found dead.
  async recover(): Promise<void> {
    this.session.retryNow();
    if (this.session.state.name !== 'joined') return;
    for (const transport of [this.sendTransport, this.recvTransport])
      await this.restartIce(transport).catch(forgiveLoss);
  }

  remote(userId: string, source: Source): RemoteTrack | undefined {
    for (const entry of this.consumers.values()) if (entry?.userId === userId && entry.source === source) return entry;
    return undefined;
  }

  // ---- joining and coming back ----

  async #joined(joined: Joined): Promise<void> {
    try {
      const opened = new Set(joined.newTransports?.map(({ id }) => id));
      const server = new Set(joined.transports?.filter((id) => !opened.has(id)));
      const whole = [this.sendTransport, this.recvTransport].every(
        (transport) => transport && server.has(transport.id),
      );
      if (joined.resumed && whole) {
        await this.#takeUp(joined);
      } else {
        // The server may hold the media of a page that was reloaded: of no use to this one.
        for (const transportId of server) await this.session.request('close-transport', { transportId });
        await this.#setUp(joined);
      }
      this.#choice.joined(joined.resumed);
      this.emit('ready', { resumed: joined.resumed });
    } catch (error) {
      if (codeOf(error) !== 'connection-lost') throw error; // the next join starts this over
    }
  }

  // Media that is not there yet is asked for with the join, if the browser has said what it can receive.
  async #joinWith(moving: boolean): Promise<Partial<RequestData<'join-room'>>> {
    const known = moving && this.#device; // the next process is of the same kind
    if (!known && (this.sendTransport || !this.#doorway)) return {};
    if (!known) this.#device = await this.#doorway!.takeDevice();
    return this.#device ? mediaWishes(this.#device, this.#options) : {};
  }

  async #setUp(joined: Joined): Promise<void> {
    const device = joined.newTransports ? this.#device : null; // else it may know another server's capabilities
    this.#closeMedia();
    this.#device = device ?? (await loadDevice(joined));
    if (this.#options.e2ee && this.#encryption === null) {
      this.#encryption = await (await import('./e2ee/encryption.ts')).Encryption.open(this.#options.e2ee);
    }
    this.#watch = this.#makeWatch();
    const given = new Map(joined.newTransports?.map((options) => [options.direction, options]));
    await Promise.all([
      this.#createTransport('recv', given.get('recv')),
      this.#createTransport('send', given.get('send')),
    ]);
    const offers = joined.newConsumers ?? [];
    const offered = new Set(offers.map(({ producerId }) => producerId));
    const missing = joined.producers.filter(({ producerId }) => !offered.has(producerId));
    const begun = Promise.all(offers.map((offer) => this.#receive(offer)));
    const receiving = Promise.all([begun, ...missing.map((producer) => this.#consume(producer))]);
    await begun;
    if (offers.length > 0) await looksForPath(this.recvTransport);
    // Only now: it takes the threads of the browser that look for the path on which pictures come.
    const sending = Promise.all([...this.#local.keys()].map((source) => this.#produce(source)));
    sending.catch(() => {}); // is waited for below
    await receiving;
    this.emit('entered', undefined);
    await sending;
  }

  // The session went on without us for a while: catch up with what changed.
  async #takeUp(joined: Joined): Promise<void> {
    const live = new Set(joined.producers.map(({ producerId }) => producerId));
    const consumed = new Set(joined.consumers); // of a large room `producers` may tell only a part, the rest follows
    for (const [producerId, entry] of [...this.consumers])
      if (!live.has(producerId) && !consumed.has(entry?.consumer.id ?? '')) this.#drop(producerId);
    this.#connects.tellAgain();
    for (const transport of [this.sendTransport, this.recvTransport]) {
      // They come with passwords that run out: those of this return are the freshest.
      await takeIceServers(transport, joined.iceServers);
      if (isBroken(transport)) await this.restartIce(transport);
    }
    const kept = new Set(joined.ownProducers);
    this.#encoding.missed(kept, this.#alone);
    const unknown = this.#ownMedia.keepOnly(kept);
    for (const producer of this.producers.values()) await this.#tellPaused(producer);
    for (const producerId of unknown) await this.session.request('close-producer', { producerId });
    for (const source of this.#local.keys()) if (!this.producers.has(source)) await this.#produce(source);
    this.#encodeAll();
    await Promise.all(joined.producers.map((producer) => this.#consume(producer)));
    for (const { producerId, paused } of joined.producers) {
      this.#remotePaused(producerId, paused);
      this.#demands.anew(producerId);
    }
  }

  #moveOn(connection: Connection): void {
    const tracks = [...this.consumers.values()].filter((entry) => entry !== null);
    const transports = [this.sendTransport, this.recvTransport];
    this.#people.moved({ connection, transports, producers: [...this.producers], tracks });
    this.consumers.clear();
    this.producers.clear();
    this.#encoding.clear();
    this.sendTransport = this.recvTransport = null;
  }

  #describe(metadata: string | null): void {
    if (this.metadata !== metadata) this.emit('metadata', { metadata: (this.metadata = metadata) });
  }

  #notified<Type extends keyof Notifications>(type: Type, data: never): void {
    const handlers: { [T in keyof Notifications]?: (data: Notifications[T]) => void } = {
      'user-joined': ({ userId, user }) => this.#people.joined(userId, user, true),
      'user-left': ({ userId }) => this.#people.left(userId),
      'user-renamed': ({ userId, user }) => this.#people.renamed(userId, user),
      'new-producer': (producer) => void this.#work.then(() => this.#consume(producer)),
      'producer-closed': ({ producerId }) => (this.#ownMedia.closed(producerId) ? undefined : this.#drop(producerId)),
      muted: ({ kind, by, hold }) => {
        this.#ownMedia.muted(kind);
        this.emit('muted', { kind, by, hold });
      },
      'held-changed': ({ userId, held }) => userId === this.userId && this.#ownMedia.hold(held),
      'room-metadata': ({ metadata }) => this.#describe(metadata),
      'producer-paused': ({ producerId }) => this.#remotePaused(producerId, true),
      'producer-resumed': ({ producerId }) => this.#remotePaused(producerId, false),
      'consumer-closed': ({ consumerId }) => {
        const entry = this.#byConsumer(consumerId);
        if (entry) this.#drop(entry.producerId);
      },
      'consumer-layers-changed': ({ consumerId, spatialLayer, temporalLayer }) => {
        const entry = this.#byConsumer(consumerId);
        if (!entry) return;
        if (spatialLayer === null) this.#silent.add(entry.producerId);
        else this.#silent.delete(entry.producerId);
        this.emit('layers', { producerId: entry.producerId, spatialLayer, temporalLayer });
      },
      score: ({ consumerId, producerId, score }) => {
        const entry = consumerId === undefined ? undefined : this.#byConsumer(consumerId);
        if (entry) this.emit('score', { userId: entry.userId, source: entry.source, score });
        // What is not sent, because nobody wants it, has no score to speak of.
        for (const [source, producer] of this.producers)
          if (producer.id === producerId && this.userId && this.#encoding.wanted(producer, this.#alone) !== null)
            this.emit('score', { userId: this.userId, source, score });
      },
      'producer-layers-wanted': ({ producerId, spatialLayer, temporalLayer }) => {
        this.#encoding.told(producerId, spatialLayer, temporalLayer);
        this.#encodeAll();
      },
      'transport-state': ({ transportId, iceState, dtlsState }) => {
        const directions = { [this.sendTransport?.id ?? '']: 'send', [this.recvTransport?.id ?? '']: 'recv' } as const;
        const direction = directions[transportId];
        if (direction) this.#watch?.serverSees(direction, iceState, dtlsState);
      },
      'ice-restarted': (given) =>
        beginIceAnew(transportOf(given, this.sendTransport, this.recvTransport), given).catch(forgiveLoss),
      'ice-candidates': (given) => addCandidates(transportOf(given, this.sendTransport, this.recvTransport), given),
      'new-data-producer': (info) => (this.data.opened(info), this.emit('data', info)),
      'data-producer-closed': ({ dataProducerId }) => (
        this.data.producerClosed(dataProducerId),
        this.emit('data-ended', { dataProducerId })
      ),
      'data-consumer-closed': ({ dataConsumerId, reason }) => (
        this.data.consumerClosed(dataConsumerId),
        this.emit('data-consumer-ended', { dataConsumerId, reason })
      ),
      'active-speaker': ({ userId }) => this.emit('speaker', { userId }),
      'audio-levels': ({ levels }) => this.emit('levels', levels),
      'chat-message': (message) => this.#chat.heard(message),
      'server-draining': (notice) => this.emit('draining', notice),
    };
    handlers[type]?.(data);
  }

  // ---- transports ----

  async #createTransport(direction: Direction, given?: TransportOptions): Promise<void> {
    const device = this.#device!;
    const { iceTransportPolicy } = this.#options;
    const made =
      given ?? (await this.session.request('create-transport', { direction, enableSctp: this.#options.data }));
    const options = { ...shapeOffers(made, device.handlerName), iceTransportPolicy };
    const transport: types.Transport<AppData> =
      direction === 'send'
        ? device.createSendTransport<AppData>(options)
        : device.createRecvTransport<AppData>(options);
    transport.on('connect', ({ dtlsParameters }, done) => {
      this.#connects.tell(transport.id, dtlsParameters);
      done(); // the path is looked for meanwhile
    });
    transport.on('produce', ({ kind, rtpParameters, appData }, done, failed) => {
      const paused = this.#local.get((appData as AppData).source!)?.paused ?? false;
      this.session
        .request('produce', { transportId: transport.id, kind, rtpParameters, paused, appData })
        .then(done, failed);
    });
    if (direction === 'send') this.data.serve(transport);
    const watch = this.#watch;
    transport.on('connectionstatechange', (state) => {
      if (this[`${direction}Transport`] !== transport) return; // of the server that was left
      this.emit('transport', { direction, state });
      watch?.becomes(direction, state);
      this.#repairPath(transport);
    });
    tellOwnIce(this.session, transport, options.iceParameters);
    this[`${direction}Transport`] = transport;
  }

  #makeWatch(): MediaWatch {
    return new MediaWatch({
      recvTransport: () => this.recvTransport,
      sent: () =>
        [...this.producers.values()].find(
          (producer) => !producer.paused && producer.track && this.#encoding.wanted(producer, this.#alone) !== null,
        ),
      received: () => [...this.consumers.values()].filter((entry) => entry !== null),
      expected: ({ producerId, kind }) =>
        !this.#silent.has(producerId) && (kind === 'audio' || this.#demands.comes(producerId)),
      stats: (of) => this.session.request('get-stats', of),
      pathChanged: (direction, leg) => this.emit('path', { direction, leg }),
      awayChanged: (change) => this.emit('away', change),
    });
  }

  #repairPath(transport: types.Transport<AppData>): void {
    if (!isBroken(transport)) return;
    const restart = () => {
      if (isBroken(transport) && this.session.state.name === 'joined') this.restartIce(transport).catch(forgiveLoss);
    };
    setTimeout(restart, transport.connectionState === 'failed' ? 0 : ICE_PATIENCE_MS);
  }

  // ---- sending ----

  #tellLocal(source: Source): void {
    const local = this.#local.get(source);
    this.emit('local', { source, local: local ? { ...local } : null });
  }

  get #alone(): boolean {
    return this.peers.size === 0;
  }

  #encodeAll(): void {
    for (const producer of this.producers.values()) this.#encoding.settle(producer, this.#alone);
  }

  async #produce(source: Source): Promise<void> {
    const local = this.#local.get(source);
    if (!local?.track || !this.sendTransport || this.producers.has(source)) return;
    const { track } = local;
    const options = produceOptions(source, track, this.#options);
    options.streamId = `${this.userId}-${source.startsWith('screen') ? 'screen' : 'camera'}`;
    const codec =
      this.#encryption && track.kind === 'video'
        ? this.#encryption.videoCodec(this.#options.codec)
        : this.#options.codec;
    if (track.kind === 'video' && codec) options.codec = codecNamed(this.#device!, codec);
    const mimeType = track.kind === 'video' ? `video/${codec}` : 'audio/opus';
    if (this.encrypted) this.#encryption!.protectProducer(options, { senderId: this.userId!, source, mimeType });
    const producer = await this.sendTransport.produce(options);
    this.producers.set(source, producer);
    this.#encodeAll();
    if (local.paused) producer.pause();
    // It may have been stopped, or switched, while it was being made.
    const now = this.#local.get(source);
    if (now === undefined) await this.stop(source);
    else if (now.track !== producer.track) await producer.replaceTrack({ track: now.track });
  }

  async #tellPaused(producer: types.Producer): Promise<void> {
    const type = producer.paused ? 'pause-producer' : 'resume-producer';
    await this.session.request(type, { producerId: producer.id }).catch(forgiveLoss);
  }

  // ---- receiving ----

  async #consume(producer: ProducerInfo): Promise<void> {
    const { producerId } = producer;
    if (
      this.consumers.has(producerId) ||
      !this.recvTransport ||
      !this.#device ||
      (!this.encrypted && this.#sealed.has(producer))
    )
      return;
    const ask = { producerId, transportId: this.recvTransport.id, rtpCapabilities: this.#device.recvRtpCapabilities };
    // Paused: media that arrives before the browser knows the stream could go to a wrong track.
    await this.#receiveWith(producer, () => this.session.request('consume', { ...ask, paused: true }));
  }

  // Of a transport that is not connected yet nothing can arrive before the browser knows all of these.
  async #receive(offer: Consumed): Promise<void> {
    if (this.consumers.has(offer.producerId)) return;
    if (!this.encrypted && this.#sealed.has(offer)) {
      await this.session.request('close-consumer', { consumerId: offer.id }).catch(forgiveLoss);
      return;
    }
    this.#demands.begins(offer.producerId, { paused: offer.paused, layer: offer.kind === 'video' ? 0 : null });
    await this.#receiveWith(offer, () => Promise.resolve(offer));
  }

  async #receiveWith(producer: Omit<ProducerInfo, 'paused'>, ask: () => Promise<Consumed>): Promise<void> {
    const { producerId, userId, kind, type, appData } = producer;
    this.consumers.set(producerId, null);
    try {
      const offer = await ask();
      const source = sourceOf(kind, appData);
      if (!this.recvTransport) return this.#drop(producerId);
      expectProbation(this.recvTransport, kind, offer.rtpParameters);
      const consumer = await this.recvTransport.consume({
        id: offer.id,
        producerId,
        kind,
        streamId: `${userId}-${source.startsWith('screen') ? 'screen' : 'camera'}`,
        ...(this.encrypted
          ? this.#encryption!.reading(kind, offer.rtpParameters, { senderId: userId, source }, (state) => {
              if (this.consumers.has(producerId)) this.emit('encryption', { userId, source, state });
            })
          : { rtpParameters: offer.rtpParameters }),
      });
      if (!this.consumers.has(producerId)) return consumer.close(); // the producer went away meanwhile
      const paused = offer.producerPaused;
      const entry: RemoteTrack = { consumer, producerId, userId, kind, source, type, appData, paused };
      this.consumers.set(producerId, entry);
      const former = this.#people.handover?.shown(userId, source);
      if (former) return void this.#showInPlaceOf(former, entry);
      this.emit('track', entry);
      this.#remotePaused(producerId, paused);
      void this.#demands.settle(producerId);
    } catch (error) {
      this.#drop(producerId);
      // A producer that is gone by now is no failure; a lost connection is seen to by the next join.
      if (!['not-found', 'connection-lost'].includes(codeOf(error) ?? '') && this.session.state.name !== 'ended')
        console.error(error);
    }
  }

  // Once it flows; it is asked for as the other was, which need not be seen just now.
  async #showInPlaceOf(former: RemoteTrack, entry: RemoteTrack): Promise<void> {
    const { producerId } = entry;
    await this.#demands.inPlaceOf(former.producerId, producerId, this.#people.handover?.ready(entry));
    if (this.consumers.get(producerId) === entry) {
      this.emit('track', entry);
      this.#remotePaused(producerId, entry.paused);
    }
    this.#people.handover?.replaced(former);
  }

  #remotePaused(producerId: string, paused: boolean): void {
    if (paused) this.#silent.add(producerId);
    else this.#silent.delete(producerId);
    const entry = this.consumers.get(producerId);
    if (!entry) return;
    entry.paused = paused;
    this.emit('paused', { userId: entry.userId, source: entry.source, paused });
  }

  #byConsumer(consumerId: string): RemoteTrack | undefined {
    for (const entry of this.consumers.values()) if (entry?.consumer.id === consumerId) return entry;
    return undefined;
  }

  #drop(producerId: string): void {
    const entry = this.consumers.get(producerId);
    this.#sealed.gone(producerId);
    this.consumers.delete(producerId);
    this.#demands.forget(producerId);
    this.#silent.delete(producerId);
    if (!entry) return;
    entry.consumer.close();
    this.emit('track-ended', entry);
  }

  #closeMedia(): void {
    for (const producerId of [...this.consumers.keys()]) this.#drop(producerId);
    this.producers.clear();
    this.#connects.clear();
    this.#encoding.clear();
    this.#watch?.close();
    this.#watch = null;
    this.#encryption?.rest();
    this.sendTransport?.close();
    this.recvTransport?.close();
    this.sendTransport = null;
    this.recvTransport = null;
  }
}
