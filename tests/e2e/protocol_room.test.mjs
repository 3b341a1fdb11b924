// docs/protocol.md, sections 1 and 2, against the real server.

import { after, before, test } from 'node:test';
import { assert, freshRoom, gather, gotNo, refused, stillServed } from './expect.mjs';
import { Client, Server, until } from './harness.mjs';

let server;
before(async () => (server = await Server.start({ args: ['--resume-window', '2', '--participants-max', '3'] })));
after(() => server.stop());

test('a join is answered with the room, and the others hear of it', async () => {
  const roomId = freshRoom();
  const ann = await Client.join(server, roomId, 'Ann');
  assert.equal(ann.joined.roomId, roomId);
  assert.deepEqual(ann.joined.users, ['Ann']);
  assert.deepEqual(ann.joined.peers, []);
  assert.deepEqual(ann.joined.producers, []);
  assert.deepEqual(ann.joined.chat, []);
  assert.ok(Array.isArray(ann.joined.iceServers));
  assert.ok(ann.joined.routerRtpCapabilities.codecs.length > 0);
  assert.ok(ann.joined.resumeToken.length >= 16);
  assert.ok(ann.userId.length >= 16, 'an id is unguessable');
  assert.notEqual(ann.joined.resumed, true);

  const bob = await Client.join(server, roomId, 'Bob');
  assert.deepEqual(bob.joined.users.sort(), ['Ann', 'Bob']);
  assert.deepEqual(bob.joined.peers, [{ userId: ann.userId, username: 'Ann' }]);
  const { user, userId } = await ann.next('user-joined');
  assert.deepEqual({ user, userId }, { user: 'Bob', userId: bob.userId });
  await gotNo(bob, 'user-joined');

  const left = await bob.request('leave-room', { roomId, username: 'Bob' });
  assert.deepEqual(left, { roomId });
  const gone = await ann.next('user-left');
  assert.deepEqual({ user: gone.user, userId: gone.userId }, { user: 'Bob', userId: bob.userId });
  await refused(bob, 'not-joined', 'chat-message', { text: 'hello?' });
});

test('one connection can join again after it left', async () => {
  const [ann] = await gather(server, 'Ann');
  await ann.request('leave-room');
  const again = await ann.request('join-room', { roomId: freshRoom(), username: 'Ann' });
  assert.notEqual(again.userId, ann.userId);
});

test('ids of any type come back, and pipelined requests keep their order', async () => {
  const client = await Client.connect(server);
  for (const id of ['text', 7, 0, 'ü😀']) client.send('ping', {}, id);
  for (const id of ['text', 7, 0, 'ü😀']) assert.equal((await client.first()).id, id);
  client.send('ping', {});
  client.send('nonsense', {});
  client.send('ping', {}, 'last');
  assert.deepEqual([await client.first(), await client.first(), await client.first()].map(({ type, id }) => [type, id]), [
    ['pong', undefined],
    ['error', undefined],
    ['pong', 'last'],
  ]);
});

test('what is wrong with a message is said, and nothing changes', async () => {
  const client = await Client.connect(server);
  await refused(client, 'unknown-type', 'no-such-thing', {});
  const data = { text: 'x', direction: 'send', target: 'x', payload: {}, transportId: 'x', producerId: 'x', consumerId: 'x' };
  for (const type of ['leave-room', 'chat-message', 'create-transport', 'consume', 'resume-consumer', 'webrtc-offer'])
    await refused(client, 'not-joined', type, data);
  const bad = [
    {},
    { roomId: 5, username: 'Ann' },
    { roomId: 'r' },
    { roomId: 'r', username: '' },
    { roomId: '', username: 'Ann' },
    { roomId: 'r', username: ['Ann'] },
    { roomId: 'r', username: null },
    { roomId: 'r', username: 'A'.repeat(5000) },
    { roomId: 'r'.repeat(5000), username: 'Ann' },
    { roomId: 'r', username: 'Ann', rtpCapabilities: 'none' },
    { roomId: 'r', username: 'Ann', resumeToken: 12 },
  ];
  for (const wish of bad) await refused(client, 'bad-request', 'join-room', wish);
  for (const [text, code] of [
    ['{"data":{}}', 'bad-request'],
    ['{"type":5,"data":{}}', 'bad-request'],
    ['{"type":"ping","data":[]}', 'bad-request'],
    ['{"type":"ping","data":{},"id":{}}', 'bad-request'],
  ]) {
    client.sendRaw(text);
    const answer = await client.first();
    assert.equal(answer.type, 'error', `${text}: got ${JSON.stringify(answer)}`);
    assert.equal(answer.data.code, code, text);
  }
  await stillServed(client);
});

test('unknown fields are ignored', async () => {
  const client = await Client.connect(server);
  client.sendRaw(JSON.stringify({ type: 'ping', id: 1, data: { more: [1, 2] }, extra: null }));
  assert.equal((await client.first()).type, 'pong');
  const joined = await client.request('join-room', { roomId: freshRoom(), username: 'Zoë 🎥', colour: 'red' });
  assert.deepEqual(joined.users, ['Zoë 🎥']);
});

for (const [what, frame, closeCode] of [
  ['a binary frame', Buffer.from([1, 2, 3]), 1003],
  ['text that is not JSON', 'hello', 1007],
  ['JSON that is not an object', '[1]', 1007],
  ['a truncated object', '{"type":"ping"', 1007],
  ['deep nesting', '['.repeat(30000), 1007],
  ['more than 64 KiB', `{"type":"ping","data":{"x":"${'a'.repeat(65536)}"}}`, 1009],
]) {
  test(`${what} is answered with an error and the connection is closed with ${closeCode}`, async () => {
    const client = await Client.connect(server);
    client.sendRaw(frame);
    const answer = await client.first();
    assert.equal(answer.type, 'error');
    assert.ok(['bad-json', 'bad-request', 'limit-reached'].includes(answer.data.code), answer.data.code);
    assert.equal((await client.closed).code, closeCode);
  });
}

test('a message of exactly 64 KiB and one in many fragments are served', async () => {
  const client = await Client.connect(server);
  const frame = '{"type":"ping","id":1,"data":{"x":""}}';
  client.sendRaw(frame.replace('""', `"${'a'.repeat(65536 - frame.length)}"`));
  assert.equal((await client.first()).type, 'pong');
  const text = '{"type":"ping","id":2,"data":{}}';
  for (let i = 0; i < text.length; i++) client.socket.send(text[i], { fin: i === text.length - 1 });
  assert.equal((await client.first()).id, 2);
});

test('a name is unique in its room, not beyond', async () => {
  const [ann] = await gather(server, 'Ann');
  const other = await Client.connect(server);
  await refused(other, 'username-taken', 'join-room', { roomId: ann.joined.roomId, username: 'Ann' });
  await other.request('join-room', { roomId: freshRoom(), username: 'Ann' });
  await refused(other, 'already-joined', 'join-room', { roomId: freshRoom(), username: 'Ann' });
  await gotNo(ann, 'user-joined');
});

test('leave-room is checked against the session', async () => {
  const [ann] = await gather(server, 'Ann');
  await refused(ann, 'bad-request', 'leave-room', { roomId: 7 });
  for (const data of [{ roomId: 'elsewhere' }, { username: 'Bob' }]) {
    const answer = await ann.answer('leave-room', data);
    assert.equal(answer.type, 'error', JSON.stringify(data));
  }
  assert.deepEqual(await ann.request('leave-room', {}), { roomId: ann.joined.roomId });
});

test('a room takes as many as it may, and one more after someone leaves', async () => {
  const [ann, bob] = await gather(server, 'Ann', 'Bob', 'Cid');
  const dan = await Client.connect(server);
  const wish = { roomId: ann.joined.roomId, username: 'Dan' };
  await refused(dan, 'room-full', 'join-room', wish);
  await bob.request('leave-room');
  await dan.request('join-room', wish);
});

test('chat reaches everyone once, in order, and waits for those who join later', async () => {
  const [ann, bob] = await gather(server, 'Ann', 'Bob');
  const answer = await ann.answer('chat-message', { text: 'hi', from: 'Bob' });
  assert.equal(answer.type, 'chat-message');
  assert.equal(answer.data.text, 'hi');
  assert.equal(answer.data.from, 'Ann', 'the server says who wrote it');
  assert.ok(!Number.isNaN(Date.parse(answer.data.timestamp)), answer.data.timestamp);
  assert.deepEqual(await bob.next('chat-message'), answer.data);
  const timestamp = '2024-05-01T12:00:00.000Z';
  assert.equal((await ann.request('chat-message', { text: 'then', timestamp })).timestamp, timestamp);
  for (let i = 0; i < 5; i++) bob.send('chat-message', { text: `line ${i}` });
  for (let i = 0; i < 5; i++) assert.equal((await ann.next('chat-message')).text, `line ${i}`);
  await gotNo(ann, 'chat-message');
  const cid = await Client.join(server, ann.joined.roomId, 'Cid');
  assert.deepEqual(cid.joined.chat.map(({ text }) => text), ['hi', 'then', 'line 0', 'line 1', 'line 2', 'line 3', 'line 4']);
  for (const data of [{}, { text: 5 }, { text: 'x', timestamp: 5 }]) await refused(ann, 'bad-request', 'chat-message', data);
  const long = await ann.answer('chat-message', { text: 'x'.repeat(60_000) });
  assert.equal(long.type, 'error', 'a chat text is bounded');
});

test('what was said in one room stays there', async () => {
  const [ann] = await gather(server, 'Ann');
  const [bob] = await gather(server, 'Bob');
  await ann.request('chat-message', { text: 'secret' });
  await gotNo(bob, 'chat-message');
  await gotNo(bob, 'user-joined');
});

test('a cut connection is no leave: the session is taken over with its token', async () => {
  const [ann, bob] = await gather(server, 'Ann', 'Bob');
  const transport = await ann.request('create-transport', { direction: 'send' });
  ann.cut();
  const wish = { roomId: ann.joined.roomId, username: 'Ann' };
  const stranger = await Client.connect(server);
  await refused(stranger, 'username-taken', 'join-room', wish);
  const back = await Client.connect(server);
  const joined = await back.request('join-room', { ...wish, resumeToken: ann.joined.resumeToken });
  assert.equal(joined.resumed, true);
  assert.equal(joined.userId, ann.userId);
  assert.deepEqual(joined.users.sort(), ['Ann', 'Bob']);
  const { iceParameters } = await back.request('restart-ice', { transportId: transport.id });
  assert.notEqual(iceParameters.usernameFragment, transport.iceParameters.usernameFragment);
  await gotNo(bob, 'user-left');
  await gotNo(bob, 'user-joined');
  await back.request('leave-room');
  await bob.next('user-left');
});

test('a session is taken over from a connection that still seems alive', async () => {
  const [ann, bob] = await gather(server, 'Ann', 'Bob');
  const back = await Client.connect(server);
  const wish = { roomId: ann.joined.roomId, username: 'Ann', resumeToken: ann.joined.resumeToken };
  assert.equal((await back.request('join-room', wish)).userId, ann.userId);
  await ann.closed;
  await back.request('chat-message', { text: 'here again' });
  assert.equal((await bob.next('chat-message')).from, 'Ann');
  await gotNo(bob, 'user-left');
});

test('who does not come back in time has left', async () => {
  const [ann, bob] = await gather(server, 'Ann', 'Bob');
  ann.cut();
  const gone = await bob.next('user-left');
  assert.equal(gone.userId, ann.userId);
  const back = await Client.connect(server);
  const answer = await back.answer('join-room', {
    roomId: ann.joined.roomId,
    username: 'Ann',
    resumeToken: ann.joined.resumeToken,
  });
  if (answer.type === 'error') assert.ok(['unauthorized', 'not-found', 'forbidden'].includes(answer.data.code), answer.data.code);
  else assert.notEqual(answer.data.resumed, true, 'what has ended cannot be resumed');
});

test('a made-up token takes over nobody', async () => {
  const [ann] = await gather(server, 'Ann');
  const thief = await Client.connect(server);
  const answer = await thief.answer('join-room', {
    roomId: ann.joined.roomId,
    username: 'Ann',
    resumeToken: 'A'.repeat(ann.joined.resumeToken.length),
  });
  assert.equal(answer.type, 'error');
  await stillServed(ann);
});

test('a room that everyone left is gone', async () => {
  const rooms = await server.metric('rotunda_rooms');
  const [ann] = await gather(server, 'Ann');
  assert.equal(await server.metric('rotunda_rooms'), rooms + 1);
  await ann.request('leave-room');
  // Rooms linger for a while, so that a reload finds its chat again.
  await until('the room goes', async () => (await server.metric('rotunda_rooms')) <= rooms, { deadlineMs: 45_000, everyMs: 500 });
});

test('the log sums a room up and leaves transports to debug', async () => {
  for (const [level, shown] of [['info', false], ['debug', true]]) {
    const own = await Server.start({ args: ['--log-level', level] });
    const roomId = freshRoom();
    const ann = await Client.join(own, roomId, 'Ann');
    const bob = await Client.join(own, roomId, 'Bob');
    await ann.request('create-transport', { direction: 'send' });
    await bob.request('leave-room', { roomId });
    await Client.join(own, roomId, 'Cleo');
    await own.stop();
    assert.match(own.log, new RegExp(`info  room closed room="${roomId}" people=3 most_at_once=2 minutes=0 packets=0 packets_lost=0 worst_round_trip_ms=0\\n`));
    assert.equal(own.log.includes('transport created'), shown, `level ${level}`);
    if (shown) assert.match(own.log, /debug transport created .* direction="send"/);
  }
});
