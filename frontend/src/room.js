// One stay in a room: the session with the server and the media that flows both ways, without any page.
//
// Events: 'joined', 'peer-joined' / 'peer-left' { userId, username }, 'track' / 'track-ended'
// { userId, kind, track }, 'paused' { userId, kind, paused }, 'speaker' { userId }, 'connection' { state: 'lost' |
// 'back' }, 'failed' { error }.

import { Device } from 'mediasoup-client';
import { Signal, SignalError } from './signal.js';

const RECONNECT_DELAYS_MS = [0, 250, 500, 1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000];
const ICE_PATIENCE_MS = 2_000; // how long a transport may stay disconnected before ICE restarts
const SIMULCAST = [
  { scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
];

export class Room extends EventTarget {
  peers = new Map(); // userId -> username
  producers = new Map(); // kind -> mediasoup-client Producer
  consumers = new Map(); // producerId -> { consumer, userId, kind } | null while it is being made
  sendTransport = null;
  recvTransport = null;
  userId = null;

  #url;
  #options;
  #signal = null;
  #device = null;
  #roomId;
  #username;
  #resumeToken;
  #tracks = new Map(); // kind -> local MediaStreamTrack
  #ready = null; // resolves when both transports exist
  #left = false;

  // options: { codec?: 'vp8' | 'h264' | 'vp9' | 'av1', simulcast?: boolean }
  constructor(url, options = {}) {
    super();
    this.#url = url;
    this.#options = options;
  }

  async join(roomId, username, tracks) {
    this.#roomId = roomId;
    this.#username = username;
    for (const track of tracks) this.#tracks.set(track.kind, track);
    await this.#enter();
  }

  async leave() {
    if (this.#left) return;
    this.#left = true;
    this.#closeMedia();
    const signal = this.#signal;
    if (signal === null) return;
    await signal.request('leave-room', { roomId: this.#roomId }).catch(() => {});
    signal.close();
  }

  async pause(kind, paused) {
    const producer = this.producers.get(kind);
    if (producer === undefined) return;
    if (paused) producer.pause();
    else producer.resume();
    await this.#signal.request(paused ? 'pause-producer' : 'resume-producer', { producerId: producer.id });
  }

  async restartIce(transport) {
    const { iceParameters } = await this.#signal.request('restart-ice', { transportId: transport.id });
    await transport.restartIce({ iceParameters });
  }

  request(type, data) {
    return this.#signal.request(type, data);
  }

  // Only for trying the recovery: as if the network had cut the WebSocket.
  cutConnection() {
    this.#signal.close();
  }

  // ---- the session ----

  async #enter() {
    const signal = await Signal.open(this.#url);
    signal.addEventListener('notification', ({ detail }) => this.#notified(detail.type, detail.data));
    signal.addEventListener('closed', () => this.#lost(signal));
    this.#signal = signal;
    let joined;
    try {
      joined = await signal.request('join-room', {
        roomId: this.#roomId,
        username: this.#username,
        resumeToken: this.#resumeToken,
      });
    } catch (error) {
      this.#signal = null;
      signal.close();
      throw error;
    }
    this.userId = joined.userId;
    this.#resumeToken = joined.resumeToken;
    this.#syncPeers(joined.peers);
    if (joined.resumed === true) await this.#takeUp(joined);
    else await this.#setUp(joined);
    this.#emit('joined', {});
  }

  async #setUp(joined) {
    this.#closeMedia();
    this.#device = await Device.factory();
    await this.#device.load({ routerRtpCapabilities: joined.routerRtpCapabilities });
    this.#ready = Promise.all([this.#createTransport('send'), this.#createTransport('recv')]);
    await this.#ready;
    await Promise.all([
      ...joined.producers.map((producer) => this.#consume(producer)),
      ...[...this.#tracks.values()].map((track) => this.#produce(track)),
    ]);
  }

  // The session went on without us for a while: catch up with what changed.
  async #takeUp(joined) {
    const live = new Map(joined.producers.map((producer) => [producer.producerId, producer]));
    for (const producerId of [...this.consumers.keys()]) if (!live.has(producerId)) this.#drop(producerId);
    for (const transport of [this.sendTransport, this.recvTransport]) {
      if (['disconnected', 'failed'].includes(transport?.connectionState)) await this.restartIce(transport);
    }
    await Promise.all(joined.producers.map((producer) => this.#consume(producer)));
    for (const [producerId, { paused }] of live) this.#setPaused(producerId, paused);
  }

  #syncPeers(peers) {
    const now = new Map(peers.map(({ userId, username }) => [userId, username]));
    for (const userId of [...this.peers.keys()]) if (!now.has(userId)) this.#peerLeft(userId);
    for (const [userId, username] of now) this.#peerJoined(userId, username);
  }

  async #lost(signal) {
    if (this.#left || this.#signal !== signal) return;
    this.#signal = null;
    this.#emit('connection', { state: 'lost' });
    for (const delay of RECONNECT_DELAYS_MS) {
      await new Promise((resolve) => setTimeout(resolve, delay));
      if (this.#left) return;
      try {
        await this.#enter();
        this.#emit('connection', { state: 'back' });
        return;
      } catch (error) {
        const temporary = ['unreachable', 'connection-lost', 'timeout', 'username-taken', 'rate-limited', 'draining'];
        if (!(error instanceof SignalError) || !temporary.includes(error.code)) {
          this.#emit('failed', { error });
          return;
        }
      }
    }
    this.#emit('failed', { error: new SignalError('unreachable', 'The server cannot be reached.') });
  }

  #notified(type, data) {
    switch (type) {
      case 'user-joined':
        this.#peerJoined(data.userId, data.user);
        break;
      case 'user-left':
        this.#peerLeft(data.userId);
        break;
      case 'new-producer':
        this.#consume(data);
        break;
      case 'producer-closed':
        this.#drop(data.producerId);
        break;
      case 'producer-paused':
      case 'producer-resumed':
        this.#setPaused(data.producerId, type === 'producer-paused');
        break;
      case 'consumer-closed':
        for (const [producerId, entry] of this.consumers) {
          if (entry?.consumer.id === data.consumerId) this.#drop(producerId);
        }
        break;
      case 'active-speaker':
        this.#emit('speaker', { userId: data.userId });
        break;
    }
  }

  #peerJoined(userId, username) {
    if (this.peers.has(userId)) return;
    this.peers.set(userId, username);
    this.#emit('peer-joined', { userId, username });
  }

  #peerLeft(userId) {
    const username = this.peers.get(userId);
    if (username === undefined) return;
    this.peers.delete(userId);
    for (const [producerId, entry] of [...this.consumers]) if (entry?.userId === userId) this.#drop(producerId);
    this.#emit('peer-left', { userId, username });
  }

  // ---- the media ----

  async #createTransport(direction) {
    const options = await this.#signal.request('create-transport', { direction });
    const transport =
      direction === 'send' ? this.#device.createSendTransport(options) : this.#device.createRecvTransport(options);
    transport.on('connect', ({ dtlsParameters }, done, failed) => {
      this.#signal.request('connect-transport', { transportId: transport.id, dtlsParameters }).then(done, failed);
    });
    transport.on('produce', ({ kind, rtpParameters, appData }, done, failed) => {
      this.#signal.request('produce', { transportId: transport.id, kind, rtpParameters, appData }).then(done, failed);
    });
    transport.on('connectionstatechange', (state) => this.#watch(transport, state));
    if (direction === 'send') this.sendTransport = transport;
    else this.recvTransport = transport;
  }

  #watch(transport, state) {
    if (state !== 'disconnected' && state !== 'failed') return;
    setTimeout(
      () => {
        const still = ['disconnected', 'failed'].includes(transport.connectionState);
        if (still && !transport.closed && this.#signal !== null) this.restartIce(transport).catch(() => {});
      },
      state === 'failed' ? 0 : ICE_PATIENCE_MS,
    );
  }

  async #produce(track) {
    const options = { track, stopTracks: false, streamId: this.userId };
    if (track.kind === 'video') {
      const { codec, simulcast } = this.#options;
      if (simulcast) options.encodings = SIMULCAST;
      if (codec) options.codec = this.#codec(codec);
      options.codecOptions = { videoGoogleStartBitrate: 800 };
    } else {
      options.codecOptions = { opusStereo: false, opusFec: true, opusDtx: false };
    }
    this.producers.set(track.kind, await this.sendTransport.produce(options));
  }

  #codec(name) {
    const { codecs } = this.#device.sendRtpCapabilities;
    const codec = codecs.find(({ mimeType }) => mimeType.toLowerCase() === `video/${name}`);
    if (codec === undefined) throw new SignalError('unsupported', `This browser cannot send ${name}.`);
    return codec;
  }

  async #consume({ producerId, userId, kind, paused }) {
    if (this.consumers.has(producerId)) return;
    this.consumers.set(producerId, null);
    try {
      await this.#ready;
      const offer = await this.#signal.request('consume', {
        producerId,
        transportId: this.recvTransport.id,
        rtpCapabilities: this.#device.recvRtpCapabilities,
        paused: true, // media that arrives before the browser knows the stream could go to a wrong track
      });
      const { id, rtpParameters } = offer;
      const consumer = await this.recvTransport.consume({ id, producerId, kind, rtpParameters, streamId: userId });
      if (!this.consumers.has(producerId)) {
        consumer.close(); // the producer went away meanwhile
        return;
      }
      this.consumers.set(producerId, { consumer, userId, kind });
      await this.#signal.request('resume-consumer', { consumerId: id });
      this.#emit('track', { userId, kind, track: consumer.track });
      if (offer.producerPaused ?? paused) this.#setPaused(producerId, true);
    } catch (error) {
      this.#drop(producerId);
      // A producer that is gone by now is no failure; a lost connection is told by #lost.
      if (!['not-found', 'connection-lost'].includes(error.code) && !this.#left) console.error(error);
    }
  }

  #setPaused(producerId, paused) {
    const entry = this.consumers.get(producerId);
    if (entry) this.#emit('paused', { userId: entry.userId, kind: entry.kind, paused });
  }

  #drop(producerId) {
    const entry = this.consumers.get(producerId);
    this.consumers.delete(producerId);
    if (!entry) return;
    entry.consumer.close();
    this.#emit('track-ended', { userId: entry.userId, kind: entry.kind, track: entry.consumer.track });
  }

  #closeMedia() {
    for (const producerId of [...this.consumers.keys()]) this.#drop(producerId);
    this.producers.clear();
    this.sendTransport?.close();
    this.recvTransport?.close();
    this.sendTransport = null;
    this.recvTransport = null;
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
