// The client of the Rotunda protocol. Nothing in this folder knows of React or of a page.
export { Call, callRoomId, callSecret, type CallEnd, type CallOptions, type CallState, type Marks } from './call.ts';
export { e2eeKey, e2eeSupported, isE2eeKey } from './e2ee/key.ts';
export type { E2eeOptions } from './e2ee/encryption.ts';
export { Doorway } from './doorway.ts';
export { Connection } from './connection.ts';
export { DataChannels, type DataOptions, type DataSource } from './data.ts';
export type { Choice } from './choice.ts';
export { codeOf, needsPassword, RotundaError, type ErrorCode } from './errors.ts';
export { spatialLayerFor } from './layers.ts';
export type { Leg } from './path.ts';
export type * from './protocol.ts';
export { Room } from './room.ts';
export type { RoomOptions } from './room-options.ts';
export type { Demand, Direction, EncryptionState, LocalTrack, RemoteTrack, RoomEvents } from './room-events.ts';
export { mayTakeOver, Session, type SessionOptions, type SessionState } from './session.ts';
