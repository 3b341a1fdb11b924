'use client';
// A call between two people for all that is shown below it. Whoever made the Call joins and leaves it.
import type { Call, CallEnd, CallState, Marks, SessionState } from '@rotunda/client';
import { createContext, useContext, useMemo, useSyncExternalStore, type ReactNode } from 'react';
import { EMPTY_CALL, snapshotsOf, type CallSnapshot } from './call-state.ts';

const Context = createContext<Call | null>(null);
const never = () => () => {};

export function RotundaCall({ call, children }: { call: Call | null; children?: ReactNode }) {
  return <Context.Provider value={call}>{children}</Context.Provider>;
}

// The call that this is shown in; null outside of one, and before it is made.
export const useRotundaCall = (): Call | null => useContext(Context);

function usePart<Part>(choose: (snapshot: CallSnapshot) => Part): Part {
  const call = useRotundaCall();
  const of = call === null ? null : snapshotsOf(call);
  return useSyncExternalStore(
    of?.subscribe ?? never,
    () => choose(of?.snapshot ?? EMPTY_CALL),
    () => choose(EMPTY_CALL),
  );
}

const stateOf = ({ state }: CallSnapshot) => state;
const endOf = ({ end }: CallSnapshot) => end;
const hereOf = ({ partnerIsHere }: CallSnapshot) => partnerIsHere;
const sessionOf = ({ session }: CallSnapshot) => session;
const connectionOf = ({ connection }: CallSnapshot) => connection;
const iceOf = ({ ice }: CallSnapshot) => ice;
const tracksOf = ({ tracks }: CallSnapshot) => tracks;
const marksOf = ({ marks }: CallSnapshot) => marks;

// waiting, calling, ringing or in-call.
export const useCallState = (): CallState => usePart(stateOf);

// Why the last one ended, as long as no other has begun.
export const useCallEnd = (): CallEnd | null => usePart(endOf);

// Where the stay with the server is, as useConnectionState in a room.
export const useCallSession = (): SessionState => usePart(sessionOf);

// How the way between the two browsers stands.
export function useCallPath(): { connection: RTCPeerConnectionState; ice: RTCIceConnectionState } {
  const connection = usePart(connectionOf);
  const ice = usePart(iceOf);
  return useMemo(() => ({ connection, ice }), [connection, ice]);
}

export interface Partner {
  isHere: boolean; // and could be called
  tracks: MediaStreamTrack[];
  marks: Marks; // what is switched on over there
}

export function usePartner(): Partner {
  const isHere = usePart(hereOf);
  const tracks = usePart(tracksOf);
  const marks = usePart(marksOf);
  return useMemo(() => ({ isHere, tracks, marks }), [isHere, tracks, marks]);
}
