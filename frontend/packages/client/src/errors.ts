import type { WireErrorCode } from './wire.ts';

// The codes of docs/protocol.md, and those that arise on this side.
export type ErrorCode =
  | WireErrorCode
  | 'unreachable' // no connection could be made
  | 'connection-lost' // it ended before the answer came
  | 'timeout' // no answer in time
  | 'kicked' // a moderator has put this side out
  | 'banned' // and does not let it in again
  | 'denied' // a moderator does not let this side in
  | 'token-expired' // its token has ended, and the stay with it
  | 'room-closed' // a moderator has closed the room
  | 'taken-over' // the session went on in another tab
  | 'left' // this side had left
  | 'held' // a moderator has muted this side until one lets it unmute
  | 'e2ee-key' // what is to be the key of the room is none
  | 'e2ee-codec' // this codec is not encrypted from end to end
  | 'e2ee-worker' // the worker that encrypts could not be loaded
  | 'e2ee-unsupported'; // this browser cannot encrypt from end to end

export class RotundaError extends Error {
  readonly code: ErrorCode;
  readonly request: string | undefined;
  readonly by: string | undefined; // the moderator whose doing it is

  constructor(code: ErrorCode, message: string, request?: string, by?: string) {
    super(message);
    this.name = 'RotundaError';
    this.code = code;
    this.request = request;
    this.by = by;
  }
}

// Whether a join failed for want of a password, for a wrong one, or for too many of them.
const ABOUT_PASSWORDS: readonly ErrorCode[] = ['password-needed', 'password-wrong', 'password-attempts'];
export const needsPassword = (error: unknown): boolean =>
  error instanceof RotundaError && ABOUT_PASSWORDS.includes(error.code);

export const codeOf = (error: unknown): ErrorCode | undefined =>
  error instanceof RotundaError ? error.code : undefined;

// What fails because the connection went is asked for again when it is back.
export function forgiveLoss(error: unknown): void {
  if (!['connection-lost', 'timeout', 'not-found'].includes(codeOf(error) ?? '')) throw error;
}
