// Made of docs/protocol.schema.json by `npm run generate`: do not edit.

// What the server takes as the data of each request. null counts as absent.
export interface WireRequests {
  'join-room': { roomId: string; username?: string | null; password?: string | null; token?: string | null; resumeToken?: string | null; rtpCapabilities?: object | null; lastN?: number | null; loudestN?: number | null; openTransports?: ('send' | 'recv')[] | null; consume?: object | null; enableSctp?: boolean | null; numSctpStreams?: object | null; e2ee?: boolean | null };
  'get-capabilities': object;
  'leave-room': { roomId?: string | null; username?: string | null };
  'chat-message': { text: string; from?: string | null; timestamp?: string | null; e2ee?: boolean | null };
  'update-token': { token: string };
  'ping': object;
  'create-transport': { direction: 'send' | 'recv'; forceTcp?: boolean | null; enableSctp?: boolean | null; numSctpStreams?: object | null; ice?: 'lite' | 'full' | null };
  'connect-transport': { transportId: string; dtlsParameters: object };
  'restart-ice': { transportId: string };
  'add-ice-candidates': { transportId: string; iceParameters?: object | null; candidates?: string[] | null };
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
  'produce-data': { transportId: string; sctpStreamParameters: object; label?: string | null; protocol?: string | null; broadcast?: boolean | null; appData?: object | null };
  'close-data-producer': { dataProducerId: string };
  'consume-data': { dataProducerId?: string | null; broadcast?: boolean | null; label?: string | null; transportId?: string | null; sctpStreamParameters?: object | null; paused?: boolean | null };
  'pause-data-consumer': { dataConsumerId: string };
  'resume-data-consumer': { dataConsumerId: string };
  'close-data-consumer': { dataConsumerId: string };
  'set-last-n': { lastN?: number | null; pinned?: string[] | null };
  'set-loudest-n': { loudestN?: number | null };
  'get-stats': { transportId?: string | null; producerId?: string | null; consumerId?: string | null; dataProducerId?: string | null; dataConsumerId?: string | null };
  'kick-user': { target: string; reason?: string | null };
  'mute-user': { target: string; kind: 'audio' | 'video'; hold?: boolean | null };
  'mute-all': { kind: 'audio' | 'video'; hold?: boolean | null };
  'allow-unmute': { target: string; kind: 'audio' | 'video' };
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

// What the server says: answers, and what nobody asked for. There may come to be more fields than these.
export interface WireSaid {
  'error': { code: 'bad-json' | 'bad-request' | 'unknown-type' | 'not-joined' | 'already-joined' | 'not-found' | 'forbidden' | 'unauthorized' | 'encryption-needed' | 'password-needed' | 'password-wrong' | 'password-attempts' | 'username-taken' | 'room-full' | 'limit-reached' | 'unsupported' | 'wrong-state' | 'rate-limited' | 'draining' | 'internal'; message: string; request?: string };
  'joined': { roomId: string; userId: string; username?: string; identity?: string; permissions?: { publish: ('camera' | 'microphone' | 'screen' | 'screen-audio')[]; subscribe: boolean; data: boolean; moderate: boolean; record?: boolean }; role?: 'moderator' | 'participant' | 'viewer'; hidden?: boolean; metadata?: string | null; attributes?: object; locked?: boolean; recording?: boolean; roomMetadata?: string; e2eeRequired?: boolean; held?: ('audio' | 'video')[]; hands?: string[]; users: string[]; peers: { userId: string; username: string; role?: 'moderator' | 'participant' | 'viewer'; held?: ('audio' | 'video')[]; metadata?: string | null; attributes?: object }[]; routerRtpCapabilities?: object; producers: { producerId: string; userId: string; user: string; kind: 'audio' | 'video'; type: 'simple' | 'simulcast' | 'svc'; paused: boolean; appData: object }[]; iceServers: { urls: string[]; username?: string; credential?: string }[]; turn?: boolean; resumeToken: string; chat: { from: string; fromId: string; text: string; timestamp: string }[]; resumed: boolean; lastN?: number; loudestN?: number; transports?: string[]; ownProducers?: string[]; consumers?: string[]; newTransports?: { id: string; direction: 'send' | 'recv'; iceParameters: { usernameFragment: string; password: string; iceLite?: boolean }; iceCandidates: object[]; dtlsParameters: { role: string; fingerprints: { algorithm: string; value: string }[] }; iceServers: { urls: string[]; username?: string; credential?: string }[]; dtlsInStun?: boolean; sctpParameters?: { port: number; OS: number; MIS: number; maxMessageSize: number; maxSendMessageSize: number; maxReceiveMessageSize: number } }[]; ownDataProducers?: string[]; dataConsumers?: string[]; newConsumers?: { id: string; producerId: string; userId: string; user: string; kind: 'audio' | 'video'; type: 'simple' | 'simulcast' | 'svc'; producerPaused?: boolean; paused?: boolean; held?: boolean; appData: object; rtpParameters: object; shared?: number }[]; sharedParameters?: { codecs: object[]; headerExtensions: object[] }[] };
  'capabilities': { routerRtpCapabilities: object };
  'left': { roomId: string };
  'user-joined': { user: string; userId: string; role?: 'moderator' | 'participant' | 'viewer'; held?: ('audio' | 'video')[]; metadata?: string | null; attributes?: object };
  'user-left': { user: string; userId: string; reason: 'left' | 'timeout' | 'kicked' | 'banned' | 'taken-over' | 'token-expired' | 'room-closed' | 'hidden' };
  'chat-message': { from: string; fromId: string; text: string; timestamp: string };
  'pong': { ts: number };
  'webRtcTransportCreated': { id: string; direction: 'send' | 'recv'; iceParameters: { usernameFragment: string; password: string; iceLite?: boolean }; iceCandidates: object[]; dtlsParameters: { role: string; fingerprints: { algorithm: string; value: string }[] }; iceServers: { urls: string[]; username?: string; credential?: string }[]; dtlsInStun?: boolean; sctpParameters?: { port: number; OS: number; MIS: number; maxMessageSize: number; maxSendMessageSize: number; maxReceiveMessageSize: number } };
  'transport-connected': { transportId: string };
  'ice-restarted': { transportId: string; iceParameters: { usernameFragment: string; password: string; iceLite?: boolean }; iceCandidates: object[]; iceServers: { urls: string[]; username?: string; credential?: string }[] };
  'ice-candidates': { transportId: string; iceCandidates: object[]; complete: boolean };
  'ice-candidates-added': { transportId: string; taken: number; ignored: number };
  'transport-closed': { transportId: string };
  'transport-state': { transportId: string; iceState: 'new' | 'connected' | 'disconnected' | 'closed'; dtlsState: 'new' | 'connecting' | 'connected' | 'failed' | 'closed'; sctpState?: 'new' | 'connecting' | 'connected' | 'failed' | 'closed' };
  'produced': { id: string; producerId: string; kind: 'audio' | 'video'; type: 'simple' | 'simulcast' | 'svc'; paused?: boolean };
  'new-producer': { producerId: string; userId: string; user: string; kind: 'audio' | 'video'; type: 'simple' | 'simulcast' | 'svc'; paused: boolean; appData: object };
  'producer-paused': { producerId: string; userId: string };
  'producer-resumed': { producerId: string; userId: string };
  'producer-closed': { producerId: string; userId: string; reason?: 'forbidden' | 'encryption-needed' };
  'producer-layers-wanted': { producerId: string; spatialLayer: number | null; temporalLayer?: number | null };
  'consumed': { id: string; producerId: string; userId: string; user: string; kind: 'audio' | 'video'; type: 'simple' | 'simulcast' | 'svc'; producerPaused: boolean; paused: boolean; held?: boolean; appData: object; rtpParameters: object };
  'consumer-paused': { consumerId: string };
  'consumer-resumed': { consumerId: string };
  'consumer-closed': { consumerId: string; reason?: 'producer-closed' | 'transport-closed' | 'forbidden' };
  'consumer-layers-changed': { consumerId: string; spatialLayer: number | null; temporalLayer: number | null; reason?: 'preferred' | 'source' | 'bandwidth' | 'overload' | 'paused' | 'producer-paused' | 'no-stream' | 'last-n' };
  'preferred-layers-set': { consumerId: string; spatialLayer: number; temporalLayer: number };
  'priority-set': { consumerId: string; priority: number };
  'max-bitrate-set': { consumerId?: string; transportId?: string; maxBitrate: number };
  'key-frame-requested': { consumerId: string };
  'last-n-set': { lastN: number; pinned: string[] };
  'loudest-n-set': { loudestN: number };
  'data-produced': { id: string; dataProducerId: string; broadcast: boolean };
  'new-data-producer': { dataProducerId: string; userId: string; user: string; label: string; protocol: string; broadcast: boolean; sctpStreamParameters: { streamId: number; ordered: boolean; maxPacketLifeTime?: number; maxRetransmits?: number }; appData: object };
  'data-producer-closed': { dataProducerId: string; userId: string; reason?: 'channel-closed' | 'association-closed' | 'message-too-big' | 'forbidden' | 'encryption-needed' };
  'data-consumed': { id: string; dataConsumerId: string; dataProducerId: string; userId?: string; user?: string; label: string; protocol: string; paused: boolean; sctpStreamParameters: { streamId: number; ordered: boolean; maxPacketLifeTime?: number; maxRetransmits?: number }; appData: object };
  'data-consumer-paused': { dataConsumerId: string };
  'data-consumer-resumed': { dataConsumerId: string };
  'data-consumer-closed': { dataConsumerId: string; reason?: 'data-producer-closed' | 'transport-closed' | 'channel-closed' | 'association-closed' | 'too-slow' | 'forbidden' };
  'data-channel-opened': { transportId: string; streamId: number; label: string; protocol: string; dataProducerId: string; dataConsumerId?: string };
  'stats': { stats: object[] };
  'score': { producerId?: string; consumerId?: string; score: number };
  'active-speaker': { userId: string | null; user: string | null };
  'audio-levels': { levels: { userId: string; level: number }[] };
  'webrtc-offer': { from: string; fromId: string; target?: string; payload?: unknown };
  'webrtc-answer': { from: string; fromId: string; target?: string; payload?: unknown };
  'webrtc-ice-candidate': { from: string; fromId: string; target?: string; payload?: unknown };
  'call-remote': { from: string; fromId: string; target?: string; payload?: unknown };
  'accept-call': { from: string; fromId: string; target?: string; payload?: unknown };
  'reject-call': { from: string; fromId: string; target?: string; payload?: unknown };
  'hang-up': { from: string; fromId: string; target?: string; payload?: unknown };
  'relayed': { type: string; targetId: string };
  'token-updated': { permissions: { publish: ('camera' | 'microphone' | 'screen' | 'screen-audio')[]; subscribe: boolean; data: boolean; moderate: boolean; record?: boolean }; expiresAt: number };
  'user-kicked': { userId: string };
  'user-muted': { userId: string; kind: 'audio' | 'video'; hold?: boolean };
  'all-muted': { kind: 'audio' | 'video'; count: number; hold?: boolean };
  'muted': { kind: 'audio' | 'video'; by: string; hold?: boolean };
  'room-locked': { by: string };
  'unmute-allowed': { userId: string; kind: 'audio' | 'video' };
  'held-changed': { userId: string; user: string; held: ('audio' | 'video')[]; by: string };
  'room-metadata': { metadata: string | null };
  'permissions-changed': { permissions: { publish: ('camera' | 'microphone' | 'screen' | 'screen-audio')[]; subscribe: boolean; data: boolean; moderate: boolean; record?: boolean }; e2eeRequired: boolean; hidden?: boolean };
  'user-renamed': { userId: string; user: string; before: string };
  'recording-changed': { recording: boolean };
  'recording-starting': { recording: boolean };
  'recording-stopping': { recording: boolean };
  'room-unlocked': { by: string };
  'room-closed': { reason: 'room-closed'; by?: string; message?: string };
  'hand-raised': { userId: string; user: string; by?: string };
  'hand-lowered': { userId: string; user: string; by?: string };
  'reaction': { userId: string; user: string; text: string };
  'lobby': { state?: 'waiting' | 'admitted' | 'denied' | 'room-closed'; roomId?: string; userId?: string; username?: string; by?: string; message?: string; enabled?: boolean; waiting?: { userId: string; username: string }[]; knocked?: { userId: string; username: string }; gone?: string; reason?: 'admitted' | 'denied' | 'left' | 'room-closed' };
  'lobby-set': { enabled: boolean };
  'user-admitted': { userId: string };
  'user-denied': { userId: string };
  'all-admitted': { count: number };
  'user-banned': { userId: string; username: string; address: boolean };
  'user-unbanned': { userId: string };
  'bans': { bans: { userId: string; username: string; address: boolean }[] };
  'metadata-changed': { userId: string; user: string; by?: string; metadata: string | null; attributes: object };
  'role-changed': { userId: string; user: string; role: 'moderator' | 'participant' | 'viewer'; by: string; permissions?: { publish: ('camera' | 'microphone' | 'screen' | 'screen-audio')[]; subscribe: boolean; data: boolean; moderate: boolean; record?: boolean } };
  'kicked': { reason: 'kicked' | 'banned' | 'token-expired'; by?: string; message?: string };
  'data': { payload: string; topic: string | null };
  'server-draining': { deadline: number | string | null; url?: string | null };
}

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
  | 'encryption-needed'
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
