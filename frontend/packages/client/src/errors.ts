// The codes of docs/protocol.md, and those that arise on this side.
export type ErrorCode =
  | 'bad-json'
  | 'bad-request'
  | 'unknown-type'
  | 'not-joined'
  | 'already-joined'
  | 'not-found'
  | 'forbidden'
  | 'unauthorized'
  | 'username-taken'
  | 'room-full'
  | 'limit-reached'
  | 'unsupported'
  | 'wrong-state'
  | 'rate-limited'
  | 'draining'
  | 'internal'
  | 'unreachable' // no connection could be made
  | 'connection-lost' // it ended before the answer came
  | 'timeout' // no answer in time
  | 'kicked' // a moderator has put this side out
  | 'token-expired' // its token has ended, and the stay with it
  | 'room-closed' // a moderator has closed the room
  | 'taken-over' // the session went on in another tab
  | 'left'; // this side had left

export class RotundaError extends Error {
  readonly code: ErrorCode;
  readonly request: string | undefined;

  constructor(code: ErrorCode, message: string, request?: string) {
    super(message);
    this.name = 'RotundaError';
    this.code = code;
    this.request = request;
  }
}

export const codeOf = (error: unknown): ErrorCode | undefined =>
  error instanceof RotundaError ? error.code : undefined;
