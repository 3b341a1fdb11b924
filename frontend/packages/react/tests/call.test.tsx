// What the hooks show of a call between two people. The call's server is the test.
import { act, render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { beforeEach, expect, test } from 'vitest';
import { Call } from '@rotunda/client';
import { joined, lastSocket, makeSocket, ScriptedSocket, settle } from '../../client/tests/scripted-socket.ts';
import {
  RotundaCall,
  snapshotsOf,
  useCallEnd,
  useCallPath,
  useCallSession,
  useCallState,
  usePartner,
  useRotundaCall,
} from '../src/index.ts';

class Peer extends EventTarget {
  signalingState = 'stable';
  connectionState = 'new';
  iceConnectionState = 'new';
  onconnectionstatechange: (() => void) | null = null;
  ontrack: ((event: { track: unknown }) => void) | null = null;
  close() {}
  addTransceiver() {}
  createDataChannel = () => (this.channel = { onmessage: null });
  channel: { onmessage: ((event: { data: string }) => void) | null } = { onmessage: null };
}
class Stream {
  tracks: unknown[] = [];
  getTracks = () => this.tracks;
  addTrack = (track: unknown) => void this.tracks.push(track);
}
Object.assign(globalThis, { RTCPeerConnection: Peer, MediaStream: Stream });

const BOB = { userId: 'zz-bob', username: 'Bob' };
const fromBob = { from: 'Bob', fromId: BOB.userId };

async function enter(peers: object[]) {
  const options = { makeSocket, secret: 'tulip' };
  const call = new Call('ws://host/ws', 'Ann', 'Bob', new Stream() as unknown as MediaStream, options);
  snapshotsOf(call);
  const joining = call.join();
  const socket = lastSocket();
  socket.open();
  await settle();
  socket.answers('join-room', 'joined', joined({ peers }));
  await joining;
  return { call, socket };
}

function Seen({ into }: { into: unknown[] }) {
  const { connection } = useCallPath();
  const { isHere, tracks, marks } = usePartner();
  const now = { name: useRotundaCall()?.partner, state: useCallState(), end: useCallEnd(), connection, isHere };
  into.push({ ...now, session: useCallSession().name, tracks: tracks.length, muted: !marks.microphone });
  return null;
}

beforeEach(() => void (ScriptedSocket.all = []));

test('a call from its ring to its end; another one on the same page knows nothing of it', async () => {
  const [one, other] = [await enter([BOB]), await enter([])];
  const [seen, apart]: unknown[][] = [[], []];
  const within = (call: Call, into: unknown[]): ReactNode => (
    <RotundaCall call={call}>
      <Seen into={into} />
    </RotundaCall>
  );
  render(
    <>
      {within(one.call, seen!)}
      {within(other.call, apart!)}
    </>,
  );
  const quiet = { name: 'Bob', end: null, connection: 'new', isHere: true, session: 'joined', tracks: 0, muted: false };
  expect(seen!.at(-1)).toEqual({ ...quiet, state: 'waiting' });
  act(() => one.socket.says('call-remote', fromBob));
  expect(seen!.at(-1)).toEqual({ ...quiet, state: 'ringing' });
  act(() => void one.call.accept());
  const peer = one.call.peer as unknown as Peer;
  act(() => {
    peer.connectionState = 'connected';
    peer.onconnectionstatechange!();
    peer.ontrack!({ track: { kind: 'audio' } });
    peer.channel.onmessage!({ data: '{"microphone":false,"camera":true}' });
  });
  expect(seen!.at(-1)).toEqual({ ...quiet, state: 'in-call', connection: 'connected', tracks: 1, muted: true });
  act(() => one.socket.says('hang-up', fromBob));
  expect(seen!.at(-1)).toMatchObject({ state: 'waiting', end: 'hung-up', tracks: 0 });
  act(() => void one.call.call());
  act(() => one.socket.says('accept-call', fromBob));
  expect(seen!.at(-1)).toEqual({ ...quiet, state: 'in-call' }); // nothing of the call before
  expect(apart!.map((now) => (now as { state: string }).state)).toEqual(['waiting']);
});

test('outside of a call there is none', () => {
  const seen: unknown[] = [];
  render(
    <RotundaCall call={null}>
      <Seen into={seen} />
    </RotundaCall>,
  );
  expect(seen.at(-1)).toMatchObject({ name: undefined, state: 'waiting', session: 'idle' });
});
