// What the page of a one-to-one call keeps beside what the call itself is (@rotunda/react has that). Components read it
// (usePair); call-actions.ts steers it.
import { createStore, type StoreApi } from 'zustand';
import type { DeviceLoss, DeviceProblem } from './devices';
import type { Call } from '@rotunda/client';

export interface PairState {
  name: string;
  partner: string;
  secret: string; // that the two share; '': none was typed, so one is made for a link
  linked: boolean; // the secret is that of a link, which nobody types
  call: Call | null;
  phase: 'form' | 'entering' | 'call';
  error: unknown; // why it ended, or could not begin
  mayTakeOver: boolean; // the name is taken, by what was this browser's own place
  microphone: MediaStreamTrack | null;
  camera: MediaStreamTrack | null;
  muted: boolean;
  losses: Partial<Record<'microphone' | 'camera', DeviceLoss>>;
  missed: ('microphone' | 'camera')[]; // the chosen one was not to be had: another stands in
  problem: DeviceProblem | null;
  soundBlocked: boolean;
  settings: boolean; // the dialog is open
}

// Of a call that has not begun.
export const NO_CALL = {
  call: null,
  phase: 'form',
  mayTakeOver: false,
  microphone: null,
  camera: null,
  muted: false,
  losses: {},
  missed: [],
  problem: null,
  soundBlocked: false,
  settings: false,
} satisfies Partial<PairState>;

export type PairStore = StoreApi<PairState>;
export const makePairStore = (): PairStore =>
  createStore<PairState>(() => ({ name: '', partner: '', secret: '', linked: false, error: null, ...NO_CALL }));

// In a person's words; the engineer's are behind a button.
export function pathWords(connection: RTCPeerConnectionState): 'connected' | 'connecting' | 'reconnecting' | 'blocked' {
  if (connection === 'connected') return 'connected';
  if (connection === 'disconnected') return 'reconnecting';
  return connection === 'failed' ? 'blocked' : 'connecting';
}
