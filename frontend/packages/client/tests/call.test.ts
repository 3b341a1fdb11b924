import { beforeEach, describe, expect, test, vi } from 'vitest';
import { invitation } from '@/lib/call-actions';
import { USERNAME_CHARS_MAX, SECRET_CHARS_MAX } from '@/lib/names';
import { Call, callRoomId, callSecret } from '../src/index.ts';
import { dropAndRetry, joined, lastSocket, makeSocket, ScriptedSocket, settle } from './scripted-socket.ts';

// As much of a peer connection as ringing needs.
class Peer {
  signalingState = 'stable';
  connectionState = 'new';
  iceConnectionState = 'new';
  remoteDescription: unknown = null;
  localDescription: unknown = null;
  log: string[] = [];
  addTransceiver() {}
  addTrack() {}
  close() {
    this.signalingState = 'closed';
  }
  async setLocalDescription() {
    this.localDescription = { type: this.signalingState === 'have-remote-offer' ? 'answer' : 'offer' };
    this.signalingState = this.signalingState === 'have-remote-offer' ? 'stable' : 'have-local-offer';
  }
  async setRemoteDescription(description: { type: string }) {
    this.log.push(description.type);
    this.remoteDescription = description;
    this.signalingState = description.type === 'offer' ? 'have-remote-offer' : 'stable';
  }
  setConfiguration({ iceServers }: RTCConfiguration) {
    this.servers = iceServers;
  }
  restartIce() {
    this.log.push('restartIce');
  }
  servers: RTCIceServer[] | undefined;
  constructor({ iceServers }: RTCConfiguration) {
    this.servers = iceServers;
  }
  async addIceCandidate({ candidate }: { candidate: string }) {
    this.log.push(candidate);
  }
}
class Stream {
  getTracks() {
    return [];
  }
  addTrack() {}
}
Object.assign(globalThis, { RTCPeerConnection: Peer, MediaStream: Stream });

const BOB = { userId: 'zz-bob', username: 'Bob' };

async function enter(peers: object[] = [], userId = 'me', more: object = {}) {
  const call = new Call('ws://host/ws', 'Ann', 'bob', new Stream() as unknown as MediaStream, {
    makeSocket,
    secret: 'tulip',
  });
  const joining = call.join();
  lastSocket().open();
  await settle();
  lastSocket().answers('join-room', 'joined', joined({ peers, userId, ...more }));
  await joining;
  return { call, socket: lastSocket(), peer: () => call.peer as unknown as Peer };
}
const types = (socket: ScriptedSocket) => socket.sent.map(({ type }) => type).slice(1);
const fromBob = (payload?: unknown) => ({
  from: 'Bob',
  fromId: BOB.userId,
  ...(payload === undefined ? {} : { payload }),
});

beforeEach(() => void (ScriptedSocket.all = []));

describe('a call by name', () => {
  test('has one room whoever calls', () => {
    expect(callRoomId('Ann', ' bob', 'tulip')).toBe(callRoomId('Bob', 'ANN', 'Tulip '));
    expect(callRoomId('Ann', 'Bob', 'tulip')).not.toBe(callRoomId('Ann', 'Cid', 'tulip'));
    expect(callRoomId('Jose\u0301', 'Ann', 'tulip')).toBe(callRoomId('Ann', 'jos\u00e9', 'tulip'));
    expect(callRoomId('Ann\u00a0 Lee', 'Ann Mai', 'tulip')).toBe(callRoomId('Ann Lee', 'Ann Mai', 'tulip'));
  });

  test('has a room that nobody guesses with a secret, and the same for both', () => {
    const secret = callSecret();
    expect(secret).toMatch(/^[0-9a-f]{32}$/);
    expect(callSecret()).not.toBe(secret);
    expect(callRoomId('Ann', 'bob', secret)).toBe(callRoomId('Bob', ' ANN', ` ${secret.toUpperCase()} `));
    expect(callRoomId('Ann', 'Bob', secret)).toContain(secret);
    expect(
      callRoomId('a'.repeat(USERNAME_CHARS_MAX), 'b'.repeat(USERNAME_CHARS_MAX), 's'.repeat(SECRET_CHARS_MAX)).length,
    ).toBeLessThanOrEqual(128);
  });

  test('has no room by names alone', () => {
    for (const none of ['', ' ', '\t']) expect(() => callRoomId('Ann', 'Bob', none)).toThrow(/needs a secret/);
  });

  test('is joined under its secret', async () => {
    const call = new Call('ws://host/ws', 'Ann', 'bob', new Stream() as unknown as MediaStream, {
      makeSocket,
      secret: 'tulip',
    });
    void call.join().catch(() => undefined);
    lastSocket().open();
    await settle();
    expect(lastSocket().sent[0]).toMatchObject({ data: { roomId: callRoomId('Ann', 'Bob', 'tulip') } });
    call.leave();
  });

  test('is linked to by an address that tells the server no secret', () => {
    vi.stubGlobal('location', { href: 'https://host/call?name=x&auto=call#key=old' });
    const link = new URL(invitation('Ann', 'Bob & co', 'tu#lip'));
    expect(link.origin + link.pathname).toBe('https://host/call');
    expect([...link.searchParams]).toEqual([
      ['name', 'Bob & co'],
      ['partner', 'Ann'],
    ]);
    expect(new URLSearchParams(link.hash.slice(1)).get('key')).toBe('tu#lip');
    vi.unstubAllGlobals();
    Object.assign(globalThis, { RTCPeerConnection: Peer, MediaStream: Stream });
  });

  test('rings at a partner who is there', async () => {
    const { call, socket } = await enter([BOB]);
    call.call();
    expect(socket.sent.at(-1)).toMatchObject({ type: 'call-remote', data: { target: BOB.userId } });
    socket.says('accept-call', fromBob());
    expect(call.state).toBe('in-call');
  });

  test('rings at a partner who comes later', async () => {
    const { call, socket } = await enter();
    call.call();
    expect(types(socket)).toEqual([]);
    socket.says('user-joined', { user: 'Bob', userId: BOB.userId });
    expect(types(socket)).toEqual(['call-remote']);
  });

  test('is accepted, declined, and hung up', async () => {
    const { call, socket } = await enter([BOB]);
    socket.says('call-remote', fromBob());
    expect(call.state).toBe('ringing');
    call.decline();
    expect(call.state).toBe('waiting');
    socket.says('call-remote', fromBob());
    call.accept();
    expect(call.state).toBe('in-call');
    call.hangUp();
    expect(types(socket)).toEqual(['reject-call', 'accept-call', 'hang-up']);
  });

  test('that both make at once connects without asking', async () => {
    const { call, socket } = await enter([BOB]);
    call.call();
    socket.says('call-remote', fromBob());
    expect(call.state).toBe('in-call');
    socket.says('accept-call', fromBob());
    expect(call.state).toBe('in-call');
    expect(types(socket)).toEqual(['call-remote', 'accept-call']);
  });

  test('of a stranger is not for us', async () => {
    const { call, socket } = await enter([BOB, { userId: 'eve', username: 'Eve' }]);
    socket.says('call-remote', { from: 'Eve', fromId: 'eve' });
    expect(call.state).toBe('waiting');
  });
});

describe('negotiation', () => {
  test('keeps candidates that come before their description', async () => {
    const { call, socket, peer } = await enter([BOB]);
    socket.says('call-remote', fromBob());
    call.accept();
    for (const candidate of ['c1', 'c2']) socket.says('webrtc-ice-candidate', fromBob({ candidate }));
    socket.says('webrtc-offer', fromBob({ type: 'offer', sdp: '' }));
    socket.says('webrtc-ice-candidate', fromBob({ candidate: 'c3' }));
    await settle();
    expect(peer().log).toEqual(['offer', 'c1', 'c2', 'c3']);
    expect(types(socket)).toContain('webrtc-answer');
  });

  test('keeps an offer that comes before the acceptance', async () => {
    const { call, socket, peer } = await enter([BOB]);
    call.call();
    socket.says('webrtc-offer', fromBob({ type: 'offer', sdp: '' }));
    socket.says('accept-call', fromBob());
    await settle();
    expect(peer().log).toEqual(['offer']);
  });

  test.each([
    ['the impolite side makes the first offer', 'zzz-me', 'have-local-offer'],
    ['the polite side waits for it', 'aa-me', 'stable'],
  ])('%s', async (_, userId, state) => {
    const { call, socket, peer } = await enter([BOB], userId);
    socket.says('call-remote', fromBob());
    call.accept();
    await (peer() as unknown as { onnegotiationneeded: () => Promise<void> }).onnegotiationneeded();
    expect(peer().signalingState).toBe(state);
  });

  test.each([
    ['the polite side gives way to an offer that crosses its own', 'aa-me', ['offer']],
    ['the other side ignores it, and its candidates', 'zzz-me', []],
  ])('%s', async (_, userId, log) => {
    const { call, socket, peer } = await enter([BOB], userId);
    socket.says('call-remote', fromBob());
    call.accept();
    peer().remoteDescription = {}; // in mid-call
    await (peer() as unknown as { onnegotiationneeded: () => Promise<void> }).onnegotiationneeded();
    expect(peer().signalingState).toBe('have-local-offer');
    socket.says('webrtc-offer', fromBob({ type: 'offer', sdp: '' }));
    await settle();
    expect(peer().log).toEqual(log);
  });
});

describe('the network', () => {
  const servers = (credential: string): RTCIceServer[] => [
    { urls: 'turn:turn.example.org', username: 'ann', credential },
  ];

  async function inCall() {
    const entered = await enter([BOB], 'zzz-me', { iceServers: servers('old') });
    entered.socket.says('call-remote', fromBob());
    entered.call.accept();
    return entered;
  }
  async function comeBack(more: object = {}) {
    await dropAndRetry();
    lastSocket().open();
    await settle();
    lastSocket().answers('join-room', 'joined', joined({ peers: [BOB], userId: 'zzz-me', resumed: true, ...more }));
    await settle();
  }

  test('the STUN and TURN servers of the server are used, and the fresh ones of a return', async () => {
    const { peer } = await inCall();
    expect(peer().servers).toEqual(servers('old'));
    await comeBack({ iceServers: servers('new') });
    expect(peer().servers).toEqual(servers('new'));
  });

  test('a change of network restarts ICE and asks whether the connection still works', async () => {
    const { call, socket, peer } = await inCall();
    call.recover();
    expect(peer().log).toContain('restartIce');
    expect(types(socket)).toContain('ping');
  });

  test('what could not be sent while the connection was cut is sent after the return', async () => {
    const { call, peer } = await inCall();
    const before = ScriptedSocket.all.length;
    lastSocket().drops();
    await (peer() as unknown as { onnegotiationneeded: () => Promise<void> }).onnegotiationneeded();
    while (ScriptedSocket.all.length === before) await new Promise((resolve) => setTimeout(resolve));
    await comeBack();
    expect(call.state).toBe('in-call');
    expect(types(lastSocket()).filter((type) => type === 'webrtc-offer')).toEqual(['webrtc-offer']);
  });

  test('an answer that comes twice counts once', async () => {
    const { socket, peer } = await inCall();
    await (peer() as unknown as { onnegotiationneeded: () => Promise<void> }).onnegotiationneeded();
    for (let i = 0; i < 2; i++) socket.says('webrtc-answer', fromBob({ type: 'answer', sdp: '' }));
    await settle();
    expect(peer().log).toEqual(['answer']);
  });
});

describe('TURN servers', () => {
  const LENT = [{ urls: ['turn:turn.example.org'], username: '1:me', credential: 'x' }];
  const RENEWED = [{ ...LENT[0], username: '2:me' }];

  test('are borrowed with a transport, before anything else, and renewed before ICE restarts', async () => {
    const call = new Call('ws://host/ws', 'Ann', 'bob', new Stream() as unknown as MediaStream, {
      makeSocket,
      secret: 'tulip',
    });
    const joining = call.join();
    lastSocket().open();
    await settle();
    const socket = lastSocket();
    socket.answers('join-room', 'joined', joined({ peers: [BOB], userId: 'me', turn: true }));
    await settle();
    socket.says('call-remote', fromBob());
    await settle();
    expect(call.state).toBe('waiting'); // until it knows them
    socket.answers('create-transport', 'webRtcTransportCreated', { id: 't1', iceServers: LENT });
    await joining;
    await settle();
    expect(call.state).toBe('ringing');
    call.accept();
    const peer = call.peer as unknown as Peer;
    expect(peer.servers).toEqual(LENT);
    call.recover();
    await settle();
    expect(peer.log).not.toContain('restartIce');
    socket.answers('restart-ice', 'ice-restarted', { transportId: 't1', iceServers: RENEWED });
    await settle();
    expect(peer.servers).toEqual(RENEWED);
    expect(peer.log).toContain('restartIce');
  });

  test('come with a return that still has its transport', async () => {
    const { call, socket, peer } = await enter([BOB], 'me', { turn: true, transports: ['t1'], iceServers: LENT });
    expect(types(socket)).toEqual([]);
    socket.says('call-remote', fromBob());
    call.accept();
    expect(peer().servers).toEqual(LENT);
  });
});
