// Tokens: those that LiveKit's own server SDK makes are taken as they are; rights hold at each message.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { AccessToken, TrackSource } from 'livekit-server-sdk';
import { assert, freshRoom, gotNo, refused, stillServed } from './expect.mjs';
import { Client, Server, until } from './harness.mjs';
import { AUDIO } from './media_kit.mjs';

const KEY = ['devkey', '0123456789abcdef0123456789abcdef'];
const NEXT = ['next', 'fedcba9876543210fedcba9876543210'];
const folder = mkdtempSync(`${tmpdir()}/rotunda-keys-`);
const file = `${folder}/keys`;
const writeKeys = (...keys) => writeFileSync(file, keys.map(([id, secret]) => `${id}: ${secret}\n`).join(''));

let server;
before(async () => {
  writeKeys(KEY);
  server = await Server.start({ args: ['--keys', file] });
});
after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

async function tokenFor(room, identity, { grants = {}, key = KEY, ttl = '1h', ...more } = {}) {
  const token = new AccessToken(key[0], key[1], { identity, ttl, ...more });
  token.addGrant({ roomJoin: true, room, ...grants });
  return token.toJwt();
}

const SEND = { direction: 'send' };

test('nobody joins without a token, or with one that is not good', async () => {
  const room = freshRoom();
  const client = await Client.connect(server);
  await refused(client, 'unauthorized', 'join-room', { roomId: room, username: 'Ann' });
  await refused(client, 'unauthorized', 'join-room', { roomId: room, username: 'Ann', token: 'nonsense' });
  await refused(client, 'unauthorized', 'join-room', { roomId: room, token: await tokenFor(room, 'a', { key: NEXT }) });
  await refused(client, 'unauthorized', 'join-room', { roomId: room, token: await tokenFor(room, 'a', { grants: { roomJoin: false } }) });
  await refused(client, 'forbidden', 'join-room', { roomId: room, token: await tokenFor('another', 'a') });
  await refused(client, 'not-found', 'join-room', { roomId: room, username: 'Ann', resumeToken: 'x'.repeat(40) });
  await stillServed(client);
});

test('a token names its bearer, and says what it may', async () => {
  const room = freshRoom();
  const ann = await Client.join(server, room, 'Somebody', { token: await tokenFor(room, 'ann-1', { name: 'Ann' }) });
  assert.equal(ann.joined.username, 'Ann');
  assert.equal(ann.joined.identity, 'ann-1');
  assert.deepEqual(ann.joined.permissions, {
    publish: ['camera', 'microphone', 'screen', 'screen-audio'],
    subscribe: true,
    data: true,
    moderate: false,
  });
  const grants = { canPublish: true, canPublishSources: [TrackSource.CAMERA], canSubscribe: false, canPublishData: false };
  const bob = await Client.join(server, room, 'Bob', { token: await tokenFor(room, 'bob-1', { grants }) });
  assert.deepEqual(bob.joined.permissions, { publish: ['camera'], subscribe: false, data: false, moderate: false });
  await refused(bob, 'forbidden', 'chat-message', { text: 'hello' });
  await refused(bob, 'forbidden', 'webrtc-offer', { target: 'Ann', payload: {} });
  await refused(bob, 'forbidden', 'call-remote', { target: 'Ann' });
  const { id } = await bob.request('create-transport', SEND);
  await refused(bob, 'forbidden', 'produce', { transportId: id, ...AUDIO });
  const mine = await ann.request('create-transport', SEND);
  const { producerId } = await ann.request('produce', { transportId: mine.id, ...AUDIO });
  await refused(bob, 'forbidden', 'consume', { producerId, rtpCapabilities: bob.joined.routerRtpCapabilities });
  await stillServed(bob);
});

test('a new token changes what is allowed at once', async () => {
  const room = freshRoom();
  const ann = await Client.join(server, room, 'Ann', { token: await tokenFor(room, 'a') });
  const { id } = await ann.request('create-transport', SEND);
  const { producerId } = await ann.request('produce', { transportId: id, ...AUDIO });
  await refused(ann, 'unauthorized', 'update-token', { token: 'nonsense' });
  await refused(ann, 'forbidden', 'update-token', { token: await tokenFor(room, 'b') });
  const token = await tokenFor(room, 'a', { grants: { canPublish: false } });
  const answer = await ann.request('update-token', { token });
  assert.deepEqual(answer.permissions, { publish: [], subscribe: true, data: false, moderate: false }); // data as media, where nothing is said of it
  assert.ok(answer.expiresAt > Date.now());
  const closed = await ann.next('producer-closed');
  assert.deepEqual([closed.producerId, closed.reason], [producerId, 'forbidden']);
  await refused(ann, 'forbidden', 'produce', { transportId: id, ...AUDIO });
});

test('the same identity on a second device takes the first one\'s place', async () => {
  const room = freshRoom();
  const token = await tokenFor(room, 'a', { name: 'Ann' });
  const first = await Client.join(server, room, 'Ann', { token });
  const second = await Client.join(server, room, 'Ann', { token });
  assert.deepEqual(second.joined.users, ['Ann']);
  assert.equal((await first.closed).code, 4001);
});

test('moderators put out, mute, lock and close; others do not', async () => {
  const room = freshRoom();
  const enter = async (name, grants = {}) => Client.join(server, room, name, { token: await tokenFor(room, name, { name, grants }) });
  const ann = await enter('Ann', { roomAdmin: true });
  const bob = await enter('Bob');
  assert.equal(ann.joined.permissions.moderate, true);
  for (const [type, data] of [
    ['kick-user', { target: 'Ann' }],
    ['mute-user', { target: 'Ann', kind: 'audio' }],
    ['mute-all', { kind: 'audio' }],
    ['lock-room', {}],
    ['unlock-room', {}],
    ['close-room', {}],
    ['lower-hand', { target: 'Ann' }],
  ])
    await refused(bob, 'forbidden', type, data);

  const { id } = await bob.request('create-transport', SEND);
  const { producerId } = await bob.request('produce', { transportId: id, ...AUDIO });
  assert.deepEqual(await ann.request('mute-user', { target: 'Bob', kind: 'audio' }), { userId: bob.userId, kind: 'audio' });
  assert.deepEqual(await bob.next('muted'), { kind: 'audio', by: 'Ann' });
  assert.equal((await ann.next('producer-paused')).producerId, producerId);
  await bob.request('resume-producer', { producerId });
  assert.deepEqual(await ann.request('mute-all', { kind: 'audio' }), { kind: 'audio', count: 1 });

  await bob.request('raise-hand');
  assert.deepEqual(await ann.next('hand-raised'), { userId: bob.userId, user: 'Bob' });
  assert.deepEqual(await bob.request('reaction', { text: '👍' }), { userId: bob.userId, user: 'Bob', text: '👍' });
  assert.equal((await ann.next('reaction')).text, '👍');

  assert.deepEqual(await ann.request('lock-room'), { by: 'Ann' });
  assert.deepEqual(await bob.next('room-locked'), { by: 'Ann' });
  const cid = await Client.connect(server);
  const token = await tokenFor(room, 'Cid', { name: 'Cid' });
  await refused(cid, 'forbidden', 'join-room', { roomId: room, token });
  await ann.request('unlock-room');
  const joined = await cid.request('join-room', { roomId: room, token });
  assert.deepEqual([joined.locked, joined.hands], [false, [bob.userId]]);

  await ann.request('lower-hand', { target: bob.userId });
  assert.deepEqual(await bob.next('hand-lowered'), { userId: bob.userId, user: 'Bob', by: 'Ann' });
  assert.deepEqual(await ann.request('kick-user', { target: 'Bob', reason: 'enough' }), { userId: bob.userId });
  assert.deepEqual(await bob.next('kicked'), { reason: 'kicked', by: 'Ann', message: 'enough' });
  assert.equal((await ann.next('user-left')).reason, 'kicked');
  await refused(bob, 'not-joined', 'chat-message', { text: 'hello?' });

  assert.deepEqual(await ann.request('close-room', { reason: 'late' }), { reason: 'room-closed', by: 'Ann', message: 'late' });
  assert.deepEqual(await cid.next('room-closed'), { reason: 'room-closed', by: 'Ann', message: 'late' });
  await refused(ann, 'not-joined', 'chat-message', { text: 'hello?' });
  await stillServed(cid);
});

test('keys change while the server runs, and a bad file leaves those before', async () => {
  const room = freshRoom();
  const client = await Client.connect(server);
  const join = async (key) => (await client.answer('join-room', { roomId: room, username: 'Ann', token: await tokenFor(room, 'a', { key }) })).type;
  const reload = async (said) => {
    const before = server.log.length;
    server.signal('SIGHUP');
    await until(`the log says "${said}"`, () => server.log.slice(before).includes(said));
  };
  writeKeys(KEY, NEXT);
  await reload('keys reloaded');
  assert.equal(await join(NEXT), 'joined');
  await client.request('leave-room');
  writeFileSync(file, 'devkey: short\n');
  await reload('keys not reloaded');
  assert.ok(!server.log.includes('0123456789abcdef'), 'the log tells no secret');
  assert.equal(await join(KEY), 'joined');
  await client.request('leave-room');
  writeKeys(NEXT);
  await reload('keys reloaded');
  assert.equal(await join(KEY), 'error');
  writeKeys(KEY);
  await reload('keys reloaded');
});

test('what a token says of its bearer is told to others; of a hidden one nothing is', async () => {
  const room = freshRoom();
  const own = { canUpdateOwnMetadata: true };
  const ann = await Client.join(server, room, undefined, {
    token: await tokenFor(room, 'ann', { name: 'Ann', grants: own, metadata: 'second year', attributes: { table: '4' } }),
  });
  const recorder = await Client.join(server, room, undefined, {
    token: await tokenFor(room, 'rec', { name: 'Recorder', grants: { hidden: true, recorder: true } }),
  });
  assert.equal(recorder.joined.hidden, true);
  assert.deepEqual(recorder.joined.permissions, { publish: [], subscribe: true, data: false, moderate: false });
  const bob = await Client.join(server, room, undefined, { token: await tokenFor(room, 'bob', { name: 'Bob' }) });
  assert.deepEqual(bob.joined.peers, [{ userId: ann.userId, username: 'Ann', metadata: 'second year', attributes: { table: '4' } }]);
  await refused(bob, 'forbidden', 'set-metadata', { metadata: 'x' });
  await refused(bob, 'not-found', 'call-remote', { target: 'Recorder' });
  await refused(recorder, 'forbidden', 'chat-message', { text: 'hello' });
  await ann.request('set-metadata', { metadata: '', attributes: { table: '5' } });
  for (const other of [bob, recorder]) {
    const { metadata, attributes } = await other.next('metadata-changed');
    assert.deepEqual([metadata, attributes], [null, { table: '5' }]);
  }
  recorder.close();
  await gotNo(bob, 'user-left');
  await gotNo(ann, 'user-left');
});
