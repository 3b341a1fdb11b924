// The client of the Rotunda protocol. Nothing in this folder knows of React or of a page.
export { Call, callRoomId, callSecret, type CallEnd, type CallOptions, type CallState, type Marks } from './call';
export { Connection } from './connection';
export { codeOf, RotundaError, type ErrorCode } from './errors';
export { spatialLayerFor } from './layers';
export type { Leg } from './path';
export type * from './protocol';
export { Room, type Demand, type Direction, type LocalTrack, type RemoteTrack, type RoomOptions } from './room';
export { mayTakeOver, Session, type SessionOptions, type SessionState } from './session';
