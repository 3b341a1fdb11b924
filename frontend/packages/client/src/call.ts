// A call between two people by name: ringing through the server, media from browser to browser. Follows the perfect
// negotiation pattern of the WebRTC specification: the polite side gives way when both offer at once.
import { Emitter } from './emitter.ts';
import { codeOf } from './errors.ts';
import type { Joined, Notifications, NotificationType } from './protocol.ts';
import { Session, type SessionOptions } from './session.ts';

const RENEWAL_PATIENCE_MS = 1_000; // the server may be out of reach for the same reason as the partner
const POLITE_PATIENCE_MS = 3_000; // the other side restarts ICE first

type SignalType = 'webrtc-offer' | 'webrtc-answer' | 'webrtc-ice-candidate';

export type CallState =
  | 'waiting' // in the exchange, nobody is ringing
  | 'calling' // rings at the partner, or will once the partner is there
  | 'ringing' // the partner rings here
  | 'in-call';

export type CallEnd = 'declined' | 'hung-up' | 'partner-left';

export interface CallOptions extends SessionOptions {
  iceTransportPolicy?: RTCIceTransportPolicy; // `relay`: by way of a TURN server only
  secret: string; // that the two share, and nobody else (callSecret)
}

// What a caller lets the other know beside the media, which does not say whether silence is meant.
export interface Marks {
  microphone: boolean;
  camera: boolean;
}

const ALL_ON: Marks = { microphone: true, camera: true };

interface CallEvents {
  marks: Marks; // the partner's
  state: { state: CallState; partnerIsHere: boolean; end: CallEnd | null };
  stream: MediaStream | null; // the partner's
  connection: { connection: RTCPeerConnectionState; ice: RTCIceConnectionState };
}

// What two spellings of one name have in common; the server composes names and takes runs of spaces for one as well. The
// order of two names follows from it, so both sides have to do it before they sort.
const nameKey = (name: string): string =>
  name
    .normalize('NFC')
    .replace(/\p{White_Space}+/gu, ' ')
    .trim()
    .toLowerCase();

// Both sides name the same room, whoever comes first. Names are known to many, and whoever knows both could sit there in
// the place of either: no room goes without a secret.
export function callRoomId(a: string, b: string, secret: string): string {
  if (nameKey(secret) === '')
    throw new RangeError('A call by names needs a secret that the two share; callSecret() makes one.');
  return `call:${[a, b].map(nameKey).sort().join('+')}#${nameKey(secret)}`;
}

// What nobody guesses: 128 bits, in characters of which none is lost in a link or by the ways in which names are alike.
export function callSecret(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

const lost = (error: unknown): boolean =>
  ['not-found', 'connection-lost', 'timeout', 'left'].includes(codeOf(error) ?? '');

export class Call extends Emitter<CallEvents> {
  readonly session: Session;
  readonly partner: string;
  state: CallState = 'waiting';
  peer: RTCPeerConnection | null = null;

  #stream: MediaStream;
  #partnerId: string | null = null;
  #end: CallEnd | null = null;
  #makingOffer = false;
  #ignoresOffer = false;
  #candidates: RTCIceCandidateInit[] = []; // that came before their description
  #early: { type: NotificationType; payload: unknown }[] = []; // that came before the call was accepted here
  #unsent: { type: SignalType; payload: object }[] = []; // that the cut of the WebSocket kept back
  #work: Promise<void> = Promise.resolve();
  #options: CallOptions;
  #iceServers: RTCIceServer[] = [];
  #transportId: string | null = null;
  #ready: Promise<void> | null = null;
  #marks = ALL_ON; // one's own
  #marksChannel: RTCDataChannel | null = null;

  constructor(url: string, name: string, partner: string, stream: MediaStream, options: CallOptions) {
    super();
    this.#options = options;
    this.partner = partner;
    this.#stream = stream;
    this.session = new Session(url, callRoomId(name, partner, options.secret), name, options);
    this.session.on('joined', (joined) => {
      this.#ready = this.#takeIceServers(joined);
      this.#whenReady(() => this.#joined(joined));
    });
    this.session.on('notification', ({ type, data }) => this.#whenReady(() => this.#notified(type, data as never)));
    this.session.on('state', ({ name: state }) => state === 'ended' && this.#closePeer());
  }

  #joined({ peers, resumed }: Joined): void {
    const was = this.#partnerId;
    this.#partnerId = peers.find(({ username }) => this.#isPartner(username))?.userId ?? null;
    // A session that began anew (the server was restarted) has lost its call.
    if (!resumed && this.state !== 'waiting' && this.state !== 'calling') this.#stop('partner-left');
    else if (was !== null && this.#partnerId === null && this.state !== 'calling') this.#stop('partner-left');
    this.#tell();
    if (!resumed || was !== this.#partnerId) this.#ring(); // else it rings already
    this.peer?.setConfiguration?.(this.#configuration); // not in every Firefox
    for (const { type, payload } of this.#unsent.splice(0)) this.#signal(type, payload);
  }

  // The server lends TURN servers to those who have a transport. Media goes from browser to browser, so this one stays
  // unconnected; it is what the credentials are renewed by.
  #takeIceServers({ transports = [], iceServers, turn = false }: Joined): Promise<void> | null {
    this.#iceServers = iceServers;
    this.#transportId = transports[0] ?? null; // of a return, with new credentials
    return turn && this.#transportId === null ? this.#borrowIceServers() : null;
  }

  async #borrowIceServers(): Promise<void> {
    try {
      const transport = await this.session.request('create-transport', { direction: 'recv' });
      this.#transportId = transport.id;
      this.#iceServers = transport.iceServers;
    } catch (error) {
      if (!lost(error)) console.error('create-transport', error); // the two may well reach each other without
    }
  }

  // In its order, after what this side needs to begin.
  #whenReady(work: () => void): void {
    if (this.#ready === null) work();
    else void this.#ready.then(work);
  }

  async #renewIceServers(peer: RTCPeerConnection): Promise<void> {
    if (this.#transportId === null) return;
    try {
      this.#iceServers = (await this.session.request('restart-ice', { transportId: this.#transportId })).iceServers;
      peer.setConfiguration?.(this.#configuration); // not in every Firefox
    } catch (error) {
      if (!lost(error)) console.error('restart-ice', error);
    }
  }

  async #restartIce(peer: RTCPeerConnection): Promise<void> {
    if (this.#transportId === null) return peer.restartIce();
    const patience = new Promise((resolve) => setTimeout(resolve, RENEWAL_PATIENCE_MS));
    await Promise.race([this.#renewIceServers(peer), patience]);
    if (this.peer === peer) peer.restartIce();
  }

  async join(): Promise<void> {
    await this.session.join();
    await this.#ready;
  }

  // Rings now, or as soon as the partner is there.
  call(): void {
    if (this.state !== 'waiting') return;
    this.#set('calling');
    this.#ring();
  }

  accept(): void {
    if (this.state !== 'ringing') return;
    this.#send('accept-call');
    this.#start();
  }

  decline(): void {
    if (this.state !== 'ringing') return;
    this.#send('reject-call');
    this.#stop(null);
  }

  hangUp(): void {
    if (this.state === 'waiting') return;
    this.#send('hang-up');
    this.#stop(null);
  }

  // Sends this track in place of the one before; null: none, so that the device itself is let go of.
  async setTrack(kind: 'audio' | 'video', track: MediaStreamTrack | null): Promise<void> {
    for (const old of this.#stream.getTracks()) if (old.kind === kind) this.#stream.removeTrack(old);
    if (track) this.#stream.addTrack(track);
    const transceiver = this.peer?.getTransceivers().find(({ receiver }) => receiver.track.kind === kind);
    if (transceiver === undefined) return;
    // Who began without a device has only received so far.
    if (track && transceiver.direction === 'recvonly') transceiver.direction = 'sendrecv';
    await transceiver.sender.replaceTrack(track);
  }

  // Shows the partner what is switched on here.
  setMarks(marks: Marks): void {
    this.#marks = marks;
    if (this.#marksChannel?.readyState === 'open') this.#marksChannel.send(JSON.stringify(marks));
  }

  // After a change of network: do not wait until the path is found dead.
  recover(): void {
    this.session.retryNow();
    if (this.peer !== null) void this.#restartIce(this.peer);
  }

  leave(): void {
    this.hangUp();
    this.session.leave();
  }

  #isPartner(username: string): boolean {
    return nameKey(username) === nameKey(this.partner);
  }

  #ring(): void {
    if (this.state === 'calling' && this.#partnerId !== null) this.#send('call-remote');
  }

  #send(type: 'call-remote' | 'accept-call' | 'reject-call' | 'hang-up'): void {
    if (this.#partnerId === null) return;
    // Gone meanwhile (user-left tells), or cut off (the state is taken up after the return).
    const failed = (error: unknown) => lost(error) || console.error(type, error);
    this.session.request(type, { target: this.#partnerId }).catch(failed);
  }

  #signal(type: SignalType, payload: object | null): void {
    if (this.#partnerId === null || payload === null) return;
    const { peer } = this;
    this.session.request(type, { target: this.#partnerId, payload }).catch((error) => {
      if (codeOf(error) === 'connection-lost' && peer !== null && this.peer === peer)
        this.#unsent.push({ type, payload });
      else if (!lost(error)) console.error(type, error);
    });
  }

  #notified<Type extends keyof Notifications>(type: Type, data: never): void {
    const from = (data as { fromId?: string }).fromId;
    if (from !== undefined && from !== this.#partnerId) return;
    const handlers: { [T in keyof Notifications]?: (data: Notifications[T]) => void } = {
      'user-joined': ({ userId, user }) => {
        if (!this.#isPartner(user)) return;
        this.#partnerId = userId;
        this.#tell();
        this.#ring();
      },
      'user-left': ({ userId }) => {
        if (userId !== this.#partnerId) return;
        this.#partnerId = null;
        if (this.state === 'calling') this.#tell();
        else this.#stop('partner-left');
      },
      'call-remote': () => {
        // Both call at the same moment: each wants to talk to the other, so neither needs to be asked.
        if (this.state === 'calling') {
          this.#send('accept-call');
          this.#start();
        } else if (this.state === 'waiting') {
          this.#set('ringing');
        } else if (this.state === 'in-call') {
          // The partner's page began anew in mid-call.
          this.#stop('hung-up');
          this.#set('ringing');
        }
      },
      'accept-call': () => {
        if (this.state === 'calling') this.#start();
      },
      'reject-call': () => {
        if (this.state === 'calling') this.#stop('declined');
      },
      'hang-up': () => {
        if (this.state !== 'waiting') this.#stop('hung-up');
      },
      'webrtc-offer': ({ payload }) => this.#signalled('webrtc-offer', payload),
      'webrtc-answer': ({ payload }) => this.#signalled('webrtc-answer', payload),
      'webrtc-ice-candidate': ({ payload }) => this.#signalled('webrtc-ice-candidate', payload),
    };
    handlers[type]?.(data);
  }

  // ---- the peer connection ----

  get #configuration(): RTCConfiguration {
    return { iceServers: this.#iceServers, iceTransportPolicy: this.#options.iceTransportPolicy ?? 'all' };
  }

  get #polite(): boolean {
    return (this.session.userId ?? '') < (this.#partnerId ?? '');
  }

  #start(): void {
    const peer = new RTCPeerConnection(this.#configuration);
    this.peer = peer;
    this.#end = null;
    const remote = new MediaStream();
    peer.onnegotiationneeded = async () => {
      // The first offer is the impolite side's: both begin at once, and each would have to roll back or be ignored.
      if (this.#polite && peer.remoteDescription === null) return;
      try {
        this.#makingOffer = true;
        await peer.setLocalDescription();
        this.#signal('webrtc-offer', peer.localDescription);
      } catch (error) {
        if (peer.signalingState !== 'closed') console.error(error);
      } finally {
        this.#makingOffer = false;
      }
    };
    peer.onicecandidate = ({ candidate }) => candidate && this.#signal('webrtc-ice-candidate', candidate.toJSON());
    peer.ontrack = ({ track }) => {
      remote.addTrack(track);
      this.emit('stream', remote);
    };
    this.#openMarks(peer);
    const states = () => {
      if (this.peer !== peer) return;
      this.emit('connection', { connection: peer.connectionState, ice: peer.iceConnectionState });
    };
    const restart = () => {
      if (peer.iceConnectionState === 'failed') void this.#restartIce(peer);
    };
    peer.onconnectionstatechange = states;
    peer.oniceconnectionstatechange = () => {
      states();
      if (peer.iceConnectionState === 'failed') setTimeout(restart, this.#polite ? POLITE_PATIENCE_MS : 0);
    };
    for (const track of this.#stream.getTracks()) peer.addTrack(track, this.#stream);
    // Without a camera or a microphone one can still see and hear the other.
    for (const kind of ['audio', 'video'] as const)
      if (!this.#stream.getTracks().some((track) => track.kind === kind))
        peer.addTransceiver(kind, { direction: 'recvonly' });
    this.#set('in-call');
    states(); // not as the last one ended
    const early = this.#early;
    this.#early = [];
    for (const { type, payload } of early) this.#signalled(type, payload);
  }

  // Both sides open the same channel, so that nobody has to wait for the other. One who knows of none sends no marks.
  #openMarks(peer: RTCPeerConnection): void {
    this.emit('marks', ALL_ON);
    const channel = peer.createDataChannel?.('marks', { negotiated: true, id: 0 });
    if (!channel) return;
    this.#marksChannel = channel;
    channel.onopen = () => this.setMarks(this.#marks);
    channel.onmessage = ({ data }) => {
      const marks = readMarks(data);
      if (marks && this.peer === peer) this.emit('marks', marks);
    };
  }

  #signalled(type: NotificationType, payload: unknown): void {
    const { peer } = this;
    if (peer === null) {
      if (this.state !== 'waiting') this.#early.push({ type, payload });
      return;
    }
    // One after the other: a candidate must not overtake the description it belongs to.
    this.#work = this.#work
      .then(() =>
        type === 'webrtc-ice-candidate'
          ? this.#candidate(peer, payload as RTCIceCandidateInit)
          : this.#description(peer, payload as RTCSessionDescriptionInit),
      )
      .catch((error) => {
        if (peer.signalingState !== 'closed') console.error(error);
      });
  }

  async #description(peer: RTCPeerConnection, description: RTCSessionDescriptionInit): Promise<void> {
    const collision = description.type === 'offer' && (this.#makingOffer || peer.signalingState !== 'stable');
    this.#ignoresOffer = collision && !this.#polite;
    if (this.#ignoresOffer) return;
    if (description.type === 'answer' && peer.signalingState !== 'have-local-offer') return; // sent again after a cut
    await peer.setRemoteDescription(description); // rolls a local offer back by itself
    if (description.type === 'offer') {
      await peer.setLocalDescription();
      this.#signal('webrtc-answer', peer.localDescription);
    }
    for (const candidate of this.#candidates.splice(0)) await peer.addIceCandidate(candidate);
  }

  async #candidate(peer: RTCPeerConnection, candidate: RTCIceCandidateInit): Promise<void> {
    if (peer.remoteDescription === null && !this.#ignoresOffer) {
      this.#candidates.push(candidate);
      return;
    }
    try {
      await peer.addIceCandidate(candidate);
    } catch (error) {
      if (!this.#ignoresOffer) throw error; // it belongs to the offer that was ignored
    }
  }

  #stop(end: CallEnd | null): void {
    this.#closePeer();
    this.#end = end;
    this.#set('waiting');
  }

  #closePeer(): void {
    this.peer?.close();
    this.peer = null;
    this.#marksChannel = null;
    this.#candidates = [];
    this.#early = [];
    this.#unsent = [];
    this.#makingOffer = false;
    this.#ignoresOffer = false;
    this.emit('stream', null);
  }

  #set(state: CallState): void {
    this.state = state;
    if (state !== 'waiting') this.#end = null;
    this.#tell();
  }

  #tell(): void {
    this.emit('state', { state: this.state, partnerIsHere: this.#partnerId !== null, end: this.#end });
  }
}

// What comes from the other side may be anything.
function readMarks(data: unknown): Marks | null {
  try {
    const { microphone, camera } = JSON.parse(String(data)) as Record<string, unknown>;
    return typeof microphone === 'boolean' && typeof camera === 'boolean' ? { microphone, camera } : null;
  } catch {
    return null;
  }
}
