// What the page of a one-to-one call shows. Components read it; call-actions.ts steers it.
import { create } from 'zustand';
import type { DeviceLoss, DeviceProblem } from './devices';
import type { CallEnd, CallState, Marks, SessionState } from '@rotunda/client';

export interface PairStore {
  name: string;
  partner: string;
  secret: string; // that the two share; '': none was typed, so one is made for a link
  linked: boolean; // the secret is that of a link, which nobody types
  phase: 'form' | 'entering' | 'call';
  error: unknown; // why it ended, or could not begin
  mayTakeOver: boolean; // the name is taken, by what was this browser's own place
  session: SessionState;
  state: CallState;
  partnerIsHere: boolean;
  end: CallEnd | null;
  connection: RTCPeerConnectionState;
  ice: RTCIceConnectionState;
  microphone: MediaStreamTrack | null;
  camera: MediaStreamTrack | null;
  muted: boolean;
  losses: Partial<Record<'microphone' | 'camera', DeviceLoss>>;
  problem: DeviceProblem | null;
  remote: MediaStreamTrack[];
  marks: Marks; // the partner's
  soundBlocked: boolean;
  settings: boolean; // the dialog is open
}

// Of a call that has not begun.
export const NO_CALL = {
  phase: 'form',
  mayTakeOver: false,
  session: { name: 'idle' },
  state: 'waiting',
  partnerIsHere: false,
  end: null,
  connection: 'new',
  ice: 'new',
  microphone: null,
  camera: null,
  muted: false,
  losses: {},
  problem: null,
  remote: [],
  marks: { microphone: true, camera: true },
  soundBlocked: false,
  settings: false,
} satisfies Partial<PairStore>;

export const usePair = create<PairStore>(() => ({
  name: '',
  partner: '',
  secret: '',
  linked: false,
  error: null,
  ...NO_CALL,
}));

// In a person's words; the engineer's are behind a button.
export function pathWords({
  connection,
}: Pick<PairStore, 'connection'>): 'connected' | 'connecting' | 'reconnecting' | 'blocked' {
  if (connection === 'connected') return 'connected';
  if (connection === 'disconnected') return 'reconnecting';
  return connection === 'failed' ? 'blocked' : 'connecting';
}
