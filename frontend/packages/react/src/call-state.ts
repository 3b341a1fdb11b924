// How a call between two people stands, as snapshots that React can compare. One for each Call, however many hooks look at
// it.
import type { Call, CallEnd, CallState, Marks, SessionState } from '@rotunda/client';

export interface CallSnapshot {
  session: SessionState;
  state: CallState;
  partnerIsHere: boolean;
  end: CallEnd | null; // why the last call ended; null: by oneself, or there was none
  connection: RTCPeerConnectionState;
  ice: RTCIceConnectionState;
  tracks: MediaStreamTrack[]; // the partner's
  marks: Marks; // what is switched on over there
}

export const EMPTY_CALL: CallSnapshot = {
  session: { name: 'idle' },
  state: 'waiting',
  partnerIsHere: false,
  end: null,
  connection: 'new',
  ice: 'new',
  tracks: [],
  marks: { microphone: true, camera: true },
};

export class CallSnapshots {
  snapshot: CallSnapshot;
  #listeners = new Set<() => void>();

  constructor(call: Call) {
    this.snapshot = { ...EMPTY_CALL, session: call.session.state, state: call.state };
    call.session.on('state', (session) => this.set({ session }));
    call.on('state', (change) => this.set(change));
    call.on('connection', (change) => this.set(change));
    call.on('marks', (marks) => this.set({ marks }));
    call.on('stream', (stream) => this.set({ tracks: stream?.getTracks() ?? [] }));
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  set(change: Partial<CallSnapshot>): void {
    this.snapshot = { ...this.snapshot, ...change };
    for (const listener of this.#listeners) listener();
  }
}

const snapshots = new WeakMap<Call, CallSnapshots>();

// What came before the first call of this is not known to it: make it when the Call is made.
export function snapshotsOf(call: Call): CallSnapshots {
  let found = snapshots.get(call);
  if (found === undefined) snapshots.set(call, (found = new CallSnapshots(call)));
  return found;
}
