// The messages of docs/protocol.md as types: each request with its data and its answer, each notification.
import type { types } from 'mediasoup-client';

export type Kind = 'audio' | 'video';
export type Source = 'microphone' | 'camera' | 'screen' | 'screen-audio';
export type AppData = Record<string, unknown> & { source?: Source };

export interface Peer {
  userId: string;
  username: string;
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

export interface ChatMessage {
  from: string;
  fromId: string;
  text: string;
  timestamp: string;
}

export interface Joined {
  roomId: string;
  userId: string;
  users: string[];
  peers: Peer[];
  routerRtpCapabilities: types.RtpCapabilities;
  producers: ProducerInfo[];
  iceServers: RTCIceServer[];
  turn?: boolean; // the server lends TURN servers, with a transport
  resumeToken: string;
  chat: ChatMessage[];
  resumed: boolean;
  transports?: string[];
  ownProducers?: string[];
  consumers?: string[];
}

export interface TransportOptions {
  id: string;
  direction: 'send' | 'recv';
  iceParameters: types.IceParameters;
  iceCandidates: types.IceCandidate[];
  dtlsParameters: types.DtlsParameters;
  iceServers: RTCIceServer[];
}

export interface Consumed extends Omit<ProducerInfo, 'paused'> {
  id: string;
  producerPaused: boolean;
  paused: boolean;
  rtpParameters: types.RtpParameters;
}

export interface ServerStat {
  type: 'inbound-rtp' | 'outbound-rtp' | 'webrtc-transport';
  timestamp: number;
  [name: string]: unknown;
}

interface ById<Name extends string> {
  data: Record<Name, string>;
  answer: Record<Name, string>;
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
    };
    answer: Joined;
  };
  'leave-room': { data: { roomId?: string; username?: string }; answer: { roomId: string } };
  'chat-message': { data: { text: string; timestamp?: string }; answer: ChatMessage };
  ping: { data: object; answer: { ts: number } };
  'create-transport': { data: { direction: 'send' | 'recv' }; answer: TransportOptions };
  'connect-transport': {
    data: { transportId: string; dtlsParameters: types.DtlsParameters };
    answer: { transportId: string };
  };
  'restart-ice': {
    data: { transportId: string };
    answer: {
      transportId: string;
      iceParameters: types.IceParameters;
      iceCandidates: types.IceCandidate[];
      iceServers: RTCIceServer[]; // new ones: what TURN servers ask for runs out
    };
  };
  'close-transport': ById<'transportId'>;
  produce: {
    data: { transportId: string; kind: Kind; rtpParameters: types.RtpParameters; paused?: boolean; appData?: AppData };
    answer: { id: string; producerId: string; kind: Kind; type: string };
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
    answer: { consumerId: string; spatialLayer: number; temporalLayer?: number };
  };
  'set-priority': { data: { consumerId: string; priority: number }; answer: { consumerId: string; priority: number } };
  'set-max-bitrate': {
    data: ({ consumerId: string } | { transportId: string }) & { maxBitrate: number }; // bits a second, 0: no limit
    answer: { consumerId?: string; transportId?: string; maxBitrate: number };
  };
  'request-key-frame': ById<'consumerId'>;
  'get-stats': {
    data: { transportId: string } | { producerId: string } | { consumerId: string };
    answer: { stats: ServerStat[] };
  };
  'webrtc-offer': Relay;
  'webrtc-answer': Relay;
  'webrtc-ice-candidate': Relay;
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

export interface Notifications {
  'user-joined': { user: string; userId: string };
  'user-left': { user: string; userId: string; reason: 'left' | 'timeout' };
  'chat-message': ChatMessage;
  'server-draining': { deadline: string | number | null };
  'transport-state': { transportId: string; iceState: string; dtlsState: string };
  'new-producer': ProducerInfo;
  'producer-paused': OfProducer;
  'producer-resumed': OfProducer;
  'producer-closed': OfProducer;
  'producer-layers-wanted': { producerId: string; spatialLayer: number | null; temporalLayer?: number | null };
  'consumer-closed': { consumerId: string; reason?: string };
  'consumer-layers-changed': {
    consumerId: string;
    spatialLayer: number | null;
    temporalLayer: number | null;
    reason?: string;
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
