// People in a call, and the frame that components stand in. The call is a new one for each test.
import { Provider as TooltipProvider } from '@radix-ui/react-tooltip';
import { render } from '@testing-library/react';
import type { ReactElement, ReactNode } from 'react';
import { beforeEach } from 'vitest';
import { Room, type Source } from '@rotunda/client';
import {
  RotundaRoom,
  stateOf,
  withTrack,
  type Participant,
  type RoomSnapshot,
  type RoomState,
  type TrackState,
} from '@rotunda/react';
import { CallProvider, makeCall, useCall, type Call } from '@/hooks/use-call';
import type { CallState } from '@/lib/store';
import { makeSocket } from '@/packages/client/tests/scripted-socket';

export let call: Call;
export let room: Room;
export let state: RoomState;

beforeEach(() => {
  call = makeCall();
  putRoom(new Room('ws://host/ws', 'garden', 'me', { makeSocket }));
});

// This one, from now on.
export function putRoom(wanted: Room): void {
  room = wanted;
  state = stateOf(room);
  call.store.setState({ room });
}

export const person = (userId: string, isLocal = false): Participant => ({
  userId,
  name: userId,
  isLocal,
  away: false,
  tracks: {},
});

export function inCall(count: number, more: Partial<CallState> = {}, there: Partial<RoomSnapshot> = {}): void {
  const names = ['me', 'bob', 'cid', 'dan', ...Array.from({ length: count }, (_, i) => `p${i}`)].slice(0, count);
  state.set({ session: { name: 'joined' }, participants: names.map((name, i) => person(name, i === 0)), ...there });
  call.store.setState({ phase: 'room', roomId: 'garden', ...more });
}

export const has = (userId: string, source: Source, track: Partial<TrackState> | null) =>
  state.set({ participants: withTrack(state.snapshot.participants, userId, source, track) });

export const change = (one: (person: Participant) => Participant) =>
  state.set({ participants: state.snapshot.participants.map(one) });

function InRoom({ children }: { children: ReactNode }) {
  return <RotundaRoom room={useCall((now) => now.room)}>{children}</RotundaRoom>;
}

function Frame({ children }: { children: ReactNode }) {
  return (
    <CallProvider call={call}>
      <TooltipProvider>
        <InRoom>{children}</InRoom>
      </TooltipProvider>
    </CallProvider>
  );
}

export const show = (element: ReactElement) => render(element, { wrapper: Frame });
