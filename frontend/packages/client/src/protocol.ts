// The messages of docs/protocol.md as types: each request with its data and its answer, each notification.
import type { types } from 'mediasoup-client';
import type { ErrorCode } from './errors.ts';
import type { WireErrorCode, WireRequests, WireSaid } from './wire.ts';

export type Kind = 'audio' | 'video';
export type Source = 'microphone' | 'camera' | 'screen' | 'screen-audio';
export type AppData = Record<string, unknown> & { source?: Source; e2ee?: boolean }; // e2ee: encrypted from end to end

export type Role = 'moderator' | 'participant' | 'viewer';

// A STUN or TURN server, for RTCPeerConnection.
export interface IceServer {
  urls: string[];
  username?: string;
  credential?: string;
}

// What a token, the person or a moderator says of somebody.
export interface About {
  metadata?: string | null;
  attributes?: Record<string, string>;
}

export interface Peer extends About {
  userId: string;
  username: string;
  role?: Role; // left out: participant
  held?: Kind[]; // muted by a moderator until one lets them unmute
}

// Somebody who waits to be let in; the id is the knock's.
export interface Knock {
  userId: string;
  username: string;
}

// The answer to a join that has to wait for a moderator.
export interface Waiting extends Knock {
  state: 'waiting';
  roomId: string;
}

// What becomes of it.
export interface LobbyDecision {
  state: 'admitted' | 'denied' | 'room-closed';
  roomId: string;
  by?: string;
  message?: string; // the moderator's words
}

// What moderators hear of the lobby.
export type LobbyNews =
  | { enabled: boolean; waiting: Knock[] }
  | { knocked: Knock }
  | { gone: string; reason: 'admitted' | 'denied' | 'left' | 'room-closed'; by?: string };

export interface RoleChange {
  userId: string;
  user: string;
  role: Role;
  by: string;
  permissions?: Permissions; // to whom it is about
}

export interface Ban {
  userId: string;
  username: string;
  address: boolean; // nobody else from there comes in either
}

export interface ProducerInfo {
  producerId: string;
  userId: string;
  user: string;
  kind: Kind;
  type: 'simple' | 'simulcast' | 'svc';
  paused: boolean;
  appData: AppData;
}

// How it stands with what somebody sends: it can be read; it cannot, for they have another key, do not encrypt at all, or this
// side has no key.
export type EncryptionState = 'ok' | 'wrong-key' | 'not-encrypted' | 'no-key';

export interface ChatMessage {
  from: string;
  fromId: string;
  text: string;
  timestamp: string;
  // Of what is sealed, or should be; `text` is empty unless it is `ok`. not-loaded: what decrypts it could not be loaded.
  encryption?: EncryptionState | 'not-loaded';
}

export interface Joined extends About {
  role?: Role;
  held?: Kind[]; // of this side
  roomMetadata?: string;
  e2eeRequired?: boolean; // the room takes nothing that is not encrypted from end to end
  hidden?: boolean;
  username: string;
  permissions: Permissions;
  identity?: string; // as the token said
  locked: boolean;
  recording?: boolean; // the room is being recorded
  hands: string[]; // userIds, who raised first comes first
  roomId: string;
  userId: string;
  users: string[];
  peers: Peer[];
  routerRtpCapabilities?: types.RtpCapabilities; // not with the brief form: then a device was loaded with them before
  producers: ProducerInfo[];
  iceServers: IceServer[];
  turn?: boolean; // the server lends TURN servers, with a transport
  resumeToken: string;
  chat: ChatMessage[];
  resumed: boolean;
  transports?: string[];
  ownProducers?: string[];
  ownDataProducers?: string[];
  dataConsumers?: string[];
  consumers?: string[];
  lastN?: number;
  loudestN?: number;
  newTransports?: TransportOptions[]; // what join-room asked for with openTransports
  newConsumers?: Consumed[]; // and with consume
  sharedParameters?: Partial<types.RtpParameters>[]; // of these, in the brief form
}

export interface TransportOptions {
  id: string;
  direction: 'send' | 'recv';
  iceParameters: types.IceParameters;
  iceCandidates: types.IceCandidate[];
  dtlsParameters: types.DtlsParameters;
  iceServers: IceServer[];
  dtlsInStun?: boolean; // the server takes the DTLS handshake in connectivity checks
  sctpParameters?: SctpParameters; // it carries data channels
}

export interface Consumed extends Omit<ProducerInfo, 'paused'> {
  id: string;
  producerPaused: boolean;
  paused: boolean;
  held?: boolean; // nothing is sent, because of lastN
  rtpParameters: types.RtpParameters;
  shared?: number; // which of sharedParameters belong to them
}

export interface DataStream {
  streamId: number;
  ordered: boolean;
  maxPacketLifeTime?: number; // milliseconds
  maxRetransmits?: number;
}

export interface SctpParameters {
  port: number;
  OS: number;
  MIS: number;
  maxMessageSize: number;
  maxSendMessageSize: number;
  maxReceiveMessageSize: number;
}

export interface DataProducerInfo {
  dataProducerId: string;
  userId: string;
  user: string;
  label: string;
  protocol: string;
  broadcast: boolean; // it is in the room's channel of that label
  sctpStreamParameters: DataStream;
  appData: Record<string, unknown>;
}

export interface DataConsumed {
  id: string;
  dataConsumerId: string;
  dataProducerId: string; // `*`: of a room's channel
  userId?: string;
  user?: string;
  label: string;
  protocol: string;
  paused: boolean;
  sctpStreamParameters: DataStream;
  appData: Record<string, unknown>;
}

interface OfDataProducer {
  dataProducerId: string;
  userId: string;
  reason?: WireSaid['data-producer-closed']['reason']; // of one's own, closed by the server
}

export interface ServerStat {
  type: 'inbound-rtp' | 'outbound-rtp' | 'webrtc-transport' | 'data-producer' | 'data-consumer';
  timestamp: number;
  [name: string]: unknown;
}

interface ById<Name extends string> {
  data: Record<Name, string>;
  answer: Record<Name, string>;
}

// What one's token allows.
export interface Permissions {
  publish: Source[];
  subscribe: boolean;
  data: boolean;
  moderate: boolean;
  record?: boolean; // it may have the room recorded
}

interface Hand {
  userId: string;
  user: string;
  by?: string; // a moderator who took it down
}

export interface Reaction {
  userId: string;
  user: string;
  text: string;
}

interface PutOut<Reason> {
  reason: Reason;
  by?: string;
  message?: string; // the moderator's words
}

interface Signal {
  data: { target: string; payload: object };
  answer: { type: string; targetId: string };
}

interface Relay {
  data: { target: string; payload?: unknown };
  answer: { type: string; targetId: string };
}

export interface Requests {
  'join-room': {
    data: {
      roomId: string;
      username?: string;
      rtpCapabilities?: types.RtpCapabilities;
      resumeToken?: string;
      token?: string;
      password?: string;
      lastN?: number;
      loudestN?: number;
      openTransports?: ('send' | 'recv')[];
      consume?: { video?: number; spatialLayer?: number; brief?: boolean };
      enableSctp?: boolean; // of openTransports
      numSctpStreams?: { OS?: number; MIS?: number };
      e2ee?: boolean; // what this side sends is encrypted from end to end
    };
    answer: Joined | Waiting;
  };
  'get-capabilities': { data: object; answer: { routerRtpCapabilities: types.RtpCapabilities } };
  'update-token': { data: { token: string }; answer: { permissions: Permissions; expiresAt: number } };
  'kick-user': { data: { target: string; reason?: string }; answer: { userId: string } };
  'mute-user': {
    data: { target: string; kind: Kind; hold?: boolean }; // hold: until allow-unmute
    answer: { userId: string; kind: Kind; hold?: boolean };
  };
  'mute-all': { data: { kind: Kind; hold?: boolean }; answer: { kind: Kind; count: number; hold?: boolean } };
  'allow-unmute': { data: { target: string; kind: Kind }; answer: { userId: string; kind: Kind } };
  'lock-room': { data: object; answer: { by: string } };
  'unlock-room': { data: object; answer: { by: string } };
  'start-recording': { data: object; answer: { recording: boolean } };
  'stop-recording': { data: object; answer: { recording: boolean } };
  'close-room': { data: { reason?: string }; answer: PutOut<'room-closed'> };
  'set-lobby': { data: { enabled: boolean }; answer: { enabled: boolean } };
  'admit-user': { data: { target: string }; answer: { userId: string } };
  'deny-user': { data: { target: string; reason?: string }; answer: { userId: string } };
  'admit-all': { data: object; answer: { count: number } };
  ban: { data: { target: string; reason?: string; address?: boolean }; answer: Ban };
  unban: { data: { target: string }; answer: { userId: string } };
  'list-bans': { data: object; answer: { bans: Ban[] } };
  'set-role': { data: { target: string; role: Role }; answer: RoleChange };
  'set-metadata': {
    data: { target?: string; metadata?: string; attributes?: Record<string, string> };
    answer: Required<About> & { userId: string; user: string; by?: string };
  };
  'raise-hand': { data: object; answer: Hand };
  'lower-hand': { data: { target?: string }; answer: Hand };
  reaction: { data: { text: string }; answer: Reaction };
  'leave-room': { data: { roomId?: string; username?: string }; answer: { roomId: string } };
  'chat-message': { data: { text: string; timestamp?: string; e2ee?: boolean }; answer: ChatMessage };
  ping: { data: object; answer: { ts: number } };
  'create-transport': {
    data: {
      direction: 'send' | 'recv';
      enableSctp?: boolean;
      numSctpStreams?: { OS?: number; MIS?: number };
      ice?: 'lite' | 'full';
    };
    answer: TransportOptions;
  };
  'add-ice-candidates': {
    data: {
      transportId: string;
      iceParameters?: { usernameFragment: string; password: string };
      candidates?: string[];
    };
    answer: { transportId: string; taken: number; ignored: number };
  };
  'connect-transport': {
    data: { transportId: string; dtlsParameters: types.DtlsParameters };
    answer: { transportId: string };
  };
  'restart-ice': {
    data: { transportId: string };
    answer: IceRestart;
  };
  'close-transport': ById<'transportId'>;
  produce: {
    data: { transportId: string; kind: Kind; rtpParameters: types.RtpParameters; paused?: boolean; appData?: AppData };
    answer: { id: string; producerId: string; kind: Kind; type: string; paused?: boolean };
  };
  'pause-producer': ById<'producerId'>;
  'resume-producer': ById<'producerId'>;
  'close-producer': ById<'producerId'>;
  consume: {
    data: { producerId: string; transportId?: string; rtpCapabilities?: types.RtpCapabilities; paused?: boolean };
    answer: Consumed;
  };
  'pause-consumer': ById<'consumerId'>;
  'resume-consumer': ById<'consumerId'>;
  'close-consumer': ById<'consumerId'>;
  'set-preferred-layers': {
    data: { consumerId: string; spatialLayer: number; temporalLayer?: number };
    answer: { consumerId: string; spatialLayer: number; temporalLayer: number };
  };
  'set-priority': { data: { consumerId: string; priority: number }; answer: { consumerId: string; priority: number } };
  'set-max-bitrate': {
    data: ({ consumerId: string } | { transportId: string }) & { maxBitrate: number }; // bits a second, 0: no limit
    answer: { consumerId?: string; transportId?: string; maxBitrate: number };
  };
  'request-key-frame': ById<'consumerId'>;
  'produce-data': {
    data: {
      transportId: string;
      sctpStreamParameters: object;
      label?: string;
      protocol?: string;
      broadcast?: boolean;
      appData?: object;
    };
    answer: { id: string; dataProducerId: string; broadcast: boolean };
  };
  'close-data-producer': { data: { dataProducerId: string }; answer: OfDataProducer };
  'consume-data': {
    data: {
      dataProducerId?: string;
      broadcast?: boolean;
      label?: string;
      transportId?: string;
      sctpStreamParameters?: object;
      paused?: boolean;
    };
    answer: DataConsumed;
  };
  'pause-data-consumer': ById<'dataConsumerId'>;
  'resume-data-consumer': ById<'dataConsumerId'>;
  'close-data-consumer': ById<'dataConsumerId'>;
  'set-last-n': { data: { lastN?: number; pinned?: string[] }; answer: { lastN: number; pinned: string[] } };
  'set-loudest-n': { data: { loudestN?: number }; answer: { loudestN: number } };
  'get-stats': {
    data:
      | { transportId: string }
      | { producerId: string }
      | { consumerId: string }
      | { dataProducerId: string }
      | { dataConsumerId: string };
    answer: { stats: ServerStat[] };
  };
  'webrtc-offer': Signal;
  'webrtc-answer': Signal;
  'webrtc-ice-candidate': Signal;
  'call-remote': Relay;
  'accept-call': Relay;
  'reject-call': Relay;
  'hang-up': Relay;
}

export type RequestType = keyof Requests;
export type RequestData<Type extends RequestType> = Requests[Type]['data'];
export type Answer<Type extends RequestType> = Requests[Type]['answer'];

export interface Relayed {
  from: string;
  fromId: string;
  target?: string; // of the webrtc- messages: the receiver's own name, as it was written to
  payload?: unknown;
}

interface OfProducer {
  producerId: string;
  userId: string;
}

export interface IceRestart {
  transportId: string;
  iceParameters: types.IceParameters;
  iceCandidates: types.IceCandidate[];
  iceServers: IceServer[]; // new ones: what TURN servers ask for runs out
}

export interface Notifications {
  'user-joined': { user: string; userId: string; role?: Role; held?: Kind[] } & About;
  'user-left': {
    user: string;
    userId: string;
    reason: 'left' | 'timeout' | 'kicked' | 'banned' | 'taken-over' | 'token-expired' | 'room-closed' | 'hidden';
  };
  'chat-message': ChatMessage;
  kicked: PutOut<'kicked' | 'banned' | 'token-expired'>;
  'room-closed': PutOut<'room-closed'>;
  muted: { kind: Kind; by: string; hold?: boolean };
  'held-changed': { userId: string; user: string; held: Kind[]; by: string };
  'room-metadata': { metadata: string | null };
  'room-locked': { by: string };
  'room-unlocked': { by: string };
  'recording-changed': { recording: boolean };
  'permissions-changed': { permissions: Permissions; e2eeRequired: boolean; hidden?: boolean };
  'user-renamed': { userId: string; user: string; before: string };
  lobby: LobbyDecision | LobbyNews;
  'role-changed': RoleChange;
  'metadata-changed': Required<About> & { userId: string; user: string; by?: string };
  'hand-raised': Hand;
  'hand-lowered': Hand;
  reaction: Reaction;
  data: { payload: string; topic: string | null };
  'server-draining': { deadline: string | number | null; url?: string | null };
  'transport-state': WireSaid['transport-state'];
  'ice-restarted': IceRestart;
  'ice-candidates': { transportId: string; iceCandidates: types.IceCandidate[]; complete: boolean };
  'new-producer': ProducerInfo;
  'producer-paused': OfProducer;
  'producer-resumed': OfProducer;
  'producer-closed': OfProducer & { reason?: WireSaid['producer-closed']['reason'] }; // with a reason: one's own, closed by the server
  'producer-layers-wanted': { producerId: string; spatialLayer: number | null; temporalLayer?: number | null };
  'consumer-closed': WireSaid['consumer-closed'];
  'consumer-layers-changed': {
    consumerId: string;
    spatialLayer: number | null;
    temporalLayer: number | null;
    reason?: WireSaid['consumer-layers-changed']['reason'];
  };
  'new-data-producer': DataProducerInfo;
  'data-producer-closed': OfDataProducer;
  'data-consumer-closed': WireSaid['data-consumer-closed'];
  'data-channel-opened': {
    transportId: string;
    streamId: number;
    label: string;
    protocol: string;
    dataProducerId: string;
    dataConsumerId?: string;
  };
  score: { producerId?: string; consumerId?: string; score: number };
  'active-speaker': { userId: string | null; user: string | null };
  'audio-levels': { levels: { userId: string; level: number }[] };
  'webrtc-offer': Relayed;
  'webrtc-answer': Relayed;
  'webrtc-ice-candidate': Relayed;
  'call-remote': Relayed;
  'accept-call': Relayed;
  'reject-call': Relayed;
  'hang-up': Relayed;
}

export type NotificationType = keyof Notifications;

// ---- what this client knows is what the server's tables say; else this file does not compile ----

type KeysOf<Data> = Data extends unknown ? keyof Data : never;
type Fits = {
  [Type in keyof Requests]: Requests[Type]['data'] extends WireRequests[Type]
    ? [KeysOf<Requests[Type]['data']>] extends [KeysOf<WireRequests[Type]>]
      ? true
      : `${Type} has a field that the server does not know`
    : `${Type} has a field of another type than the server's`;
};
// What is heard is of the types that the server says, field by field; some of them are known more closely here.
type Heard = {
  [Type in NotificationType]: Notifications[Type] extends WireSaid[Type]
    ? [KeysOf<WireSaid[Type]>] extends [KeysOf<Notifications[Type]> | keyof Waiting]
      ? true
      : `${Type} brings a field that this client does not know`
    : `${Type} has a field of another type than the server's`;
};
type Holds<
  _Proof extends Record<keyof WireRequests, true>,
  _Heard extends Record<NotificationType, true>,
  _Codes extends ErrorCode,
> = true;
export type ProtocolHolds = Holds<Fits, Heard, WireErrorCode>;
