// Made of docs/protocol.schema.json by `npm run generate`: do not edit.

// What the server takes as the data of each request. null counts as absent.
export interface WireRequests {
  'join-room': { roomId: string; username?: string | null; password?: string | null; token?: string | null; resumeToken?: string | null; rtpCapabilities?: object | null; lastN?: number | null; loudestN?: number | null; openTransports?: ('send' | 'recv')[] | null; consume?: object | null };
  'get-capabilities': object;
  'leave-room': { roomId?: string | null; username?: string | null };
  'chat-message': { text: string; from?: string | null; timestamp?: string | null };
  'update-token': { token: string };
  'ping': object;
  'create-transport': { direction: 'send' | 'recv'; forceTcp?: boolean | null };
  'connect-transport': { transportId: string; dtlsParameters: object };
  'restart-ice': { transportId: string };
  'close-transport': { transportId: string };
  'produce': { transportId: string; kind: 'audio' | 'video'; rtpParameters: object; paused?: boolean | null; appData?: object | null };
  'pause-producer': { producerId: string };
  'resume-producer': { producerId: string };
  'close-producer': { producerId: string };
  'consume': { producerId: string; rtpCapabilities?: object | null; transportId?: string | null; paused?: boolean | null };
  'pause-consumer': { consumerId: string };
  'resume-consumer': { consumerId: string };
  'close-consumer': { consumerId: string };
  'set-preferred-layers': { consumerId: string; spatialLayer: number; temporalLayer?: number | null };
  'set-priority': { consumerId: string; priority: number };
  'set-max-bitrate': { consumerId?: string | null; transportId?: string | null; maxBitrate: number };
  'request-key-frame': { consumerId: string };
  'set-last-n': { lastN?: number | null; pinned?: string[] | null };
  'set-loudest-n': { loudestN?: number | null };
  'get-stats': { transportId?: string | null; producerId?: string | null; consumerId?: string | null };
  'kick-user': { target: string; reason?: string | null };
  'mute-user': { target: string; kind: 'audio' | 'video' };
  'mute-all': { kind: 'audio' | 'video' };
  'lock-room': object;
  'start-recording': object;
  'stop-recording': object;
  'unlock-room': object;
  'close-room': { reason?: string | null };
  'set-lobby': { enabled: boolean };
  'admit-user': { target: string };
  'deny-user': { target: string; reason?: string | null };
  'admit-all': object;
  'ban': { target: string; reason?: string | null; address?: boolean | null };
  'unban': { target: string };
  'list-bans': object;
  'set-role': { target: string; role: 'moderator' | 'participant' | 'viewer' };
  'set-metadata': { target?: string | null; metadata?: string | null; attributes?: object | null };
  'raise-hand': object;
  'lower-hand': { target?: string | null };
  'reaction': { text: string };
  'webrtc-offer': { target: string; payload: object };
  'webrtc-answer': { target: string; payload: object };
  'webrtc-ice-candidate': { target: string; payload: object };
  'call-remote': { target: string; payload?: unknown };
  'accept-call': { target: string; payload?: unknown };
  'reject-call': { target: string; payload?: unknown };
  'hang-up': { target: string; payload?: unknown };
}

// What the server says.
export type WireSaid =
  | 'error'
  | 'joined'
  | 'capabilities'
  | 'left'
  | 'user-joined'
  | 'user-left'
  | 'chat-message'
  | 'pong'
  | 'webRtcTransportCreated'
  | 'transport-connected'
  | 'ice-restarted'
  | 'transport-closed'
  | 'transport-state'
  | 'produced'
  | 'new-producer'
  | 'producer-paused'
  | 'producer-resumed'
  | 'producer-closed'
  | 'producer-layers-wanted'
  | 'consumed'
  | 'consumer-paused'
  | 'consumer-resumed'
  | 'consumer-closed'
  | 'consumer-layers-changed'
  | 'preferred-layers-set'
  | 'priority-set'
  | 'max-bitrate-set'
  | 'key-frame-requested'
  | 'last-n-set'
  | 'loudest-n-set'
  | 'stats'
  | 'score'
  | 'active-speaker'
  | 'audio-levels'
  | 'webrtc-offer'
  | 'webrtc-answer'
  | 'webrtc-ice-candidate'
  | 'call-remote'
  | 'accept-call'
  | 'reject-call'
  | 'hang-up'
  | 'relayed'
  | 'token-updated'
  | 'user-kicked'
  | 'user-muted'
  | 'all-muted'
  | 'muted'
  | 'room-locked'
  | 'recording-changed'
  | 'recording-starting'
  | 'recording-stopping'
  | 'room-unlocked'
  | 'room-closed'
  | 'hand-raised'
  | 'hand-lowered'
  | 'reaction'
  | 'lobby'
  | 'lobby-set'
  | 'user-admitted'
  | 'user-denied'
  | 'all-admitted'
  | 'user-banned'
  | 'user-unbanned'
  | 'bans'
  | 'metadata-changed'
  | 'role-changed'
  | 'kicked'
  | 'data'
  | 'server-draining';

// Why it refuses.
export type WireErrorCode =
  | 'bad-json'
  | 'bad-request'
  | 'unknown-type'
  | 'not-joined'
  | 'already-joined'
  | 'not-found'
  | 'forbidden'
  | 'unauthorized'
  | 'password-needed'
  | 'password-wrong'
  | 'password-attempts'
  | 'username-taken'
  | 'room-full'
  | 'limit-reached'
  | 'unsupported'
  | 'wrong-state'
  | 'rate-limited'
  | 'draining'
  | 'internal';
