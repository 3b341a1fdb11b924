// Rooms are managed from outside: by LiveKit's own server SDK as it is, and by paths of our own. And by nobody else.

import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { AccessToken, AutoTrackEgress, DataPacket_Kind, RoomEgress, RoomServiceClient, TrackSource } from 'livekit-server-sdk';
import { assert, freshRoom, refused, stillServed } from './expect.mjs';
import { Client, freeTcpPort, Server, until } from './harness.mjs';
import { AUDIO } from './media_kit.mjs';

const KEY = ['devkey', '0123456789abcdef0123456789abcdef'];
const OTHER = ['devkey', 'fedcba9876543210fedcba9876543210'];
const folder = mkdtempSync(`${tmpdir()}/rotunda-admin-`);
const TWIRP = '/twirp/livekit.RoomService/';

let server;
let rooms;
before(async () => {
  writeFileSync(`${folder}/keys`, `${KEY[0]}: ${KEY[1]}\n`);
  server = await Server.start({ args: ['--keys', `${folder}/keys`] });
  rooms = new RoomServiceClient(server.origin, ...KEY);
});
after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

async function tokenFor(grants, { key = KEY, ttl = '1h', identity, claims } = {}) {
  const token = new AccessToken(key[0], key[1], { identity, ttl });
  token.addGrant(grants);
  return token.toJwt();
}

// One who has joined with a token of its own.
async function enter(room, identity, grants = {}) {
  return Client.join(server, room, identity, { token: await tokenFor({ roomJoin: true, room, ...grants }, { identity }) });
}

async function sendsAudio(client) {
  const { id } = await client.request('create-transport', { direction: 'send' });
  return (await client.request('produce', { transportId: id, ...AUDIO })).producerId;
}

async function post(path, body, { token, to = server.origin, type = 'application/json', headers = {}, method = 'POST' } = {}) {
  const answer = await fetch(`${to}${path}`, {
    method,
    body: method === 'GET' || method === 'DELETE' ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    headers: { ...(type ? { 'content-type': type } : {}), ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers },
  });
  const text = await answer.text();
  return { status: answer.status, text, json: text.startsWith('{') ? JSON.parse(text) : null, headers: answer.headers };
}

test('rooms are made, listed and deleted by the SDK', async () => {
  const name = freshRoom();
  const made = await rooms.createRoom({ name, emptyTimeout: 600, maxParticipants: 2 });
  assert.equal(made.name, name);
  assert.equal(made.maxParticipants, 2);
  assert.ok(made.sid.length > 10 && Number(made.creationTime) > 1_700_000_000);
  assert.equal((await rooms.createRoom({ name })).sid, made.sid, 'one that is there stays as it is');
  const ann = await enter(name, 'ann');
  const bob = await enter(name, 'bob');
  const cid = await Client.connect(server);
  await refused(cid, 'room-full', 'join-room', { roomId: name, token: await tokenFor({ roomJoin: true, room: name }, { identity: 'cid' }) });
  const [listed] = await rooms.listRooms([name]);
  assert.deepEqual([listed.sid, listed.numParticipants], [made.sid, 2]);
  assert.ok((await rooms.listRooms()).some((room) => room.name === name));
  assert.deepEqual(await rooms.listRooms(['no such room']), []);
  await rooms.deleteRoom(name);
  for (const client of [ann, bob]) assert.deepEqual(await client.next('room-closed'), { reason: 'room-closed' });
  assert.deepEqual(await rooms.listRooms([name]), []);
  await assert.rejects(rooms.deleteRoom(name), { code: 'not_found', status: 404 });
});

test('people are listed, muted, limited and put out by the SDK', async () => {
  const room = freshRoom();
  const ann = await enter(room, 'ann');
  const bob = await enter(room, 'bob');
  const trackSid = await sendsAudio(ann);
  const people = await rooms.listParticipants(room);
  assert.deepEqual(people.map(({ identity }) => identity), ['ann', 'bob']);
  const info = await rooms.getParticipant(room, 'ann');
  assert.deepEqual([info.sid, info.tracks.length, info.tracks[0].sid, info.isPublisher], [ann.userId, 1, trackSid, true]);
  assert.equal(info.tracks[0].source, TrackSource.MICROPHONE);
  await assert.rejects(rooms.getParticipant(room, 'nobody'), { code: 'not_found' });

  const track = await rooms.mutePublishedTrack(room, 'ann', trackSid, true);
  assert.equal(track.muted, true);
  assert.equal((await ann.next('muted')).kind, 'audio');
  assert.equal((await bob.next('producer-paused')).producerId, trackSid);
  await assert.rejects(rooms.mutePublishedTrack(room, 'ann', trackSid, false), { code: 'failed_precondition' });
  await assert.rejects(rooms.mutePublishedTrack(room, 'bob', trackSid, true), { code: 'not_found' });

  const changed = await rooms.updateParticipant(room, 'ann', { permission: { canSubscribe: true, canPublish: false, canPublishData: false } });
  assert.deepEqual([changed.permission.canPublish, changed.permission.canSubscribe], [false, true]);
  assert.equal((await ann.next('producer-closed')).producerId, trackSid);
  await refused(ann, 'forbidden', 'chat-message', { text: 'hello' });
  const described = await rooms.updateParticipant(room, 'ann', { metadata: 'of hers', attributes: { seat: '3' } });
  assert.deepEqual([described.metadata, described.attributes], ['of hers', { seat: '3' }]);

  await rooms.removeParticipant(room, 'ann');
  assert.deepEqual(await ann.next('kicked'), { reason: 'kicked' });
  assert.equal((await bob.next('user-left')).reason, 'kicked');
  await stillServed(bob);
});

test('people are renamed, hidden and shown by the SDK while they are inside', async () => {
  const room = freshRoom();
  const ann = await enter(room, 'ann');
  const bob = await enter(room, 'bob');
  assert.equal((await rooms.updateParticipant(room, 'ann', { name: 'Anna' })).name, 'Anna');
  for (const client of [ann, bob]) assert.deepEqual(await client.next('user-renamed'), { userId: ann.userId, user: 'Anna', before: 'ann' });
  assert.deepEqual([...(await enter(room, 'cid')).joined.users].sort(), ['Anna', 'bob', 'cid']);
  await assert.rejects(rooms.updateParticipant(room, 'ann', { name: 'bob' }), { code: 'failed_precondition' });
  const trackSid = await sendsAudio(ann);
  await assert.rejects(rooms.updateParticipant(room, 'ann', { permission: { canPublish: true, hidden: true } }), { code: 'failed_precondition' });
  const hidden = await rooms.updateParticipant(room, 'ann', { permission: { canSubscribe: true, hidden: true } });
  assert.equal(hidden.permission.hidden, true);
  assert.deepEqual(await bob.next('user-left'), { user: 'Anna', userId: ann.userId, reason: 'hidden' });
  assert.equal((await ann.next('producer-closed')).producerId, trackSid);
  assert.equal((await ann.next('permissions-changed', ({ hidden: is }) => is)).permissions.subscribe, true);
  assert.deepEqual([...(await enter(room, 'dan')).joined.users].sort(), ['bob', 'cid', 'dan']);
  ann.cut(); // and comes back by the name that she knows
  const again = await Client.connect(server);
  const resumed = await again.request('join-room', { roomId: room, username: 'ann', resumeToken: ann.joined.resumeToken, token: await tokenFor({ roomJoin: true, room }, { identity: 'ann' }) });
  assert.deepEqual([resumed.resumed, resumed.username, resumed.hidden], [true, 'Anna', true]);
  await rooms.updateParticipant(room, 'ann', { permission: { canSubscribe: true, canPublish: true } });
  assert.equal((await bob.next('user-joined', ({ userId }) => userId === ann.userId)).user, 'Anna');
  await sendsAudio(again);
});

test('what a room is about is told to everybody in it, who joins, and who lists it', async () => {
  const room = freshRoom();
  const made = await rooms.createRoom({ name: room, metadata: 'algebra', emptyTimeout: 300, departureTimeout: 20 });
  assert.deepEqual([made.metadata, made.emptyTimeout, made.departureTimeout], ['algebra', 300, 20]);
  const ann = await enter(room, 'ann');
  assert.equal(ann.joined.roomMetadata, 'algebra');
  assert.equal(ann.joined.metadata, undefined, 'that is her own');
  const changed = await rooms.updateRoomMetadata(room, '{"topic":"geometry"}');
  assert.deepEqual([changed.sid, changed.metadata], [made.sid, '{"topic":"geometry"}']);
  assert.deepEqual(await ann.next('room-metadata'), { metadata: '{"topic":"geometry"}' });
  assert.equal((await rooms.listRooms([room]))[0].metadata, '{"topic":"geometry"}');
  await rooms.updateRoomMetadata(room, '');
  assert.deepEqual(await ann.next('room-metadata'), { metadata: null });
  assert.equal((await enter(room, 'bob')).joined.roomMetadata, undefined);
  await assert.rejects(rooms.updateRoomMetadata(room, 'x'.repeat(8191)), { code: 'invalid_argument' });
  await assert.rejects(rooms.updateRoomMetadata(freshRoom(), 'x'), { code: 'not_found' });
});

test('who is held stays muted until it is allowed', async () => {
  const room = freshRoom();
  const ann = await enter(room, 'ann');
  const trackSid = await sendsAudio(ann);
  const token = await tokenFor({ roomAdmin: true, room });
  const path = `/api/v1/rooms/${room}/participants/ann/tracks/${trackSid}/mute`;
  assert.equal((await post(path, { muted: true, hold: true }, { token })).status, 200);
  assert.deepEqual(await ann.next('muted'), { kind: 'audio', by: 'operator', hold: true });
  await refused(ann, 'forbidden', 'resume-producer', { producerId: trackSid });
  const track = await rooms.mutePublishedTrack(room, 'ann', trackSid, false);
  assert.equal(track.muted, true, 'nobody unmutes people');
  await ann.request('resume-producer', { producerId: trackSid });
});

test('data reaches everybody, or those who are named', async () => {
  const room = freshRoom();
  const ann = await enter(room, 'ann');
  const bob = await enter(room, 'bob');
  const bytes = new TextEncoder().encode('hello');
  await rooms.sendData(room, bytes, DataPacket_Kind.RELIABLE, { topic: 'greeting' });
  for (const client of [ann, bob]) assert.deepEqual(await client.next('data'), { payload: 'aGVsbG8=', topic: 'greeting' });
  await rooms.sendData(room, bytes, DataPacket_Kind.RELIABLE, { destinationIdentities: ['bob'] });
  assert.deepEqual(await bob.next('data'), { payload: 'aGVsbG8=', topic: null });
  await assert.rejects(rooms.sendData(room, bytes, DataPacket_Kind.RELIABLE, { destinationIdentities: ['bob', 'nobody'] }), { code: 'not_found' });
  await assert.rejects(rooms.sendData(room, new Uint8Array(16000), DataPacket_Kind.RELIABLE, {}), { code: 'invalid_argument' });
  await stillServed(ann);
  assert.equal(ann.inbox.filter(({ type }) => type === 'data').length, 0);
});

test('what the server has not is refused, never confirmed', async () => {
  const room = freshRoom();
  await enter(room, 'ann');
  const unimplemented = { code: 'unimplemented', status: 501 };
  await assert.rejects(rooms.updateSubscriptions(room, 'ann', ['x'], false), unimplemented);
  await assert.rejects(rooms.moveParticipant(room, 'ann', 'elsewhere'), unimplemented);
  await assert.rejects(rooms.createRoom({ name: freshRoom(), syncStreams: true }), unimplemented);
  await assert.rejects(rooms.createRoom({ name: freshRoom(), minPlayoutDelay: 100 }), unimplemented);
  await assert.rejects(rooms.createRoom({ name: freshRoom(), egress: new RoomEgress({ room: { layout: 'grid' } }) }), unimplemented);
  await assert.rejects(rooms.createRoom({ name: freshRoom(), egress: new RoomEgress({ tracks: new AutoTrackEgress({ filepath: 'x' }) }) }), unimplemented);
  await assert.rejects(rooms.createRoom({ name: freshRoom(), egress: new RoomEgress({ tracks: new AutoTrackEgress() }) }), { code: 'failed_precondition' });
});

test('nobody manages anything without the right to', async () => {
  const room = freshRoom();
  const ann = await enter(room, 'ann', { roomAdmin: true });
  const calls = [
    ['ListRooms', {}, { roomCreate: true, roomAdmin: true, room }],
    ['CreateRoom', { name: 'x' }, { roomList: true, roomAdmin: true, room: 'x' }],
    ['DeleteRoom', { room }, { roomList: true, roomAdmin: true, room }],
    ...['ListParticipants', 'GetParticipant', 'RemoveParticipant', 'MutePublishedTrack', 'UpdateParticipant', 'UpdateRoomMetadata', 'SendData'].map(
      (name) => [name, { room, identity: 'ann', data: 'aGk=', trackSid: 'x', permission: {} }, { roomCreate: true, roomList: true, room }],
    ),
  ];
  const everything = { roomCreate: true, roomList: true, roomAdmin: true, room };
  const expired = new AccessToken(...KEY, { ttl: -3600 });
  expired.addGrant(everything);
  const bad = [
    ['no token', undefined],
    ['nonsense', 'nonsense'],
    ['another key', await tokenFor(everything, { key: OTHER })],
    ['expired', await expired.toJwt()],
    ['alg none', `${btoa('{"alg":"none"}').replace(/=/g, '')}.${btoa(JSON.stringify({ iss: 'devkey', exp: 4e9, video: everything })).replace(/=/g, '')}.`],
    ['too long', 'x'.repeat(9000)],
  ];
  for (const [name, body, lacking] of calls) {
    for (const [what, token] of bad) {
      const { status, json } = await post(`${TWIRP}${name}`, body, { token });
      assert.deepEqual([status, json.code], [401, 'unauthenticated'], `${name}, ${what}`);
    }
    const { status, json } = await post(`${TWIRP}${name}`, body, { token: await tokenFor(lacking) });
    assert.deepEqual([status, json.code], [403, 'permission_denied'], `${name} without its grant`);
  }
  // Of another room; and one that names the room twice, or in another spelling.
  const elsewhere = await tokenFor({ roomAdmin: true, room: 'elsewhere' });
  for (const [body, expected] of [
    [{ room, identity: 'ann' }, 403],
    [`{"room":"elsewhere","room":"${room}","identity":"ann"}`, 400],
    [`{"room":"${room}","room":"elsewhere","identity":"ann"}`, 400],
    [{ Room: room, room: 'elsewhere', identity: 'ann' }, 404],
  ])
    assert.equal((await post(`${TWIRP}RemoveParticipant`, body, { token: elsewhere })).status, expected, JSON.stringify(body));
  const path = `/api/v1/rooms/${room}/participants/ann`;
  assert.equal((await post(path, '', { token: elsewhere, method: 'DELETE' })).status, 403);
  assert.equal((await post('/api/v1/drain', {}, { token: await tokenFor(everything) })).status, 403);
  assert.equal((await post('/api/v1/drain', {}, {})).status, 401);
  assert.equal((await server.fetch('/readyz')).status, 200);
  await stillServed(ann);
});

test('bodies that are none of ours are refused', async () => {
  const token = await tokenFor({ roomList: true, roomCreate: true });
  const list = (body, more) => post(`${TWIRP}ListRooms`, body, { token, ...more });
  for (const [body, more, status, code] of [
    ['{"names":', {}, 400, 'malformed'],
    ['[]', {}, 400, 'malformed'],
    ['{"names":[],"names":[]}', {}, 400, 'malformed'],
    [`{"names":${'['.repeat(20000)}`, {}, 400, 'malformed'],
    [`{"names":${'['.repeat(100)}${']'.repeat(100)}}`, {}, 400, 'malformed'],
    ['\u0000', {}, 400, 'malformed'],
    [{ names: 'x' }, {}, 400, 'invalid_argument'],
    [{}, { type: 'application/protobuf' }, 404, 'bad_route'],
    [{}, { type: 'text/plain' }, 404, 'bad_route'],
  ]) {
    const answer = await list(body, more);
    assert.deepEqual([answer.status, answer.json?.code], [status, code], JSON.stringify(body).slice(0, 60));
  }
  const long = await list('x'.repeat(60_000));
  assert.deepEqual([long.status, long.json.code, long.headers.get('content-type')], [413, 'resource_exhausted', 'application/json']);
  assert.equal((await post(`${TWIRP}Nothing`, {}, { token })).json.code, 'bad_route');
  for (const [path, method, status, allow] of [
    [`${TWIRP}ListRooms`, 'GET', 405, 'POST'],
    ['/twirp/livekit.Egress/ListEgress', 'POST', 404, null], // no such service
    ['/api/v1/rooms', 'PUT', 405, 'GET, HEAD, POST'],
    ['/api/v1/rooms/y', 'BREW', 405, 'GET, HEAD, PATCH, DELETE'],
    ['/api/v1/drain', 'OPTIONS', 405, 'POST'],
    ['/api/v1/nothing', 'PUT', 404, null],
    ['/api/v1/rooms', 'DELETE', 405, 'GET, HEAD, POST'],
    ['/api/v1/drain', 'GET', 405, 'POST'],
    ['/api/v1/nothing', 'GET', 404, null],
    ['/api/v1/', 'GET', 404, null],
  ]) {
    const answer = await post(path, '', { token, method });
    assert.deepEqual([answer.status, answer.json?.code, answer.headers.get('allow')], [status, 'bad_route', allow], `${method} ${path}`);
  }
  await assert.rejects(rooms.updateRoomMetadata('y', 'x'.repeat(60_000)), { code: 'resource_exhausted', status: 413 });
  for (const name of ['', '\u0007', 'x'.repeat(200)])
    assert.equal((await post(`${TWIRP}CreateRoom`, { name }, { token })).json.code, 'invalid_argument', JSON.stringify(name));
  for (const body of [{ name: 'y', emptyTimeout: -1 }, { name: 'y', emptyTimeout: 1e12 }, { name: 'y', maxParticipants: '2x' }])
    assert.equal((await post(`${TWIRP}CreateRoom`, body, { token })).json.code, 'invalid_argument', JSON.stringify(body));
  assert.deepEqual(await rooms.listRooms(['y']), []);
});

test('a page of another site gets nothing, with a token or without', async () => {
  const token = await tokenFor({ roomList: true });
  const from = (headers, more = {}) => post(`${TWIRP}ListRooms`, {}, { token, headers, ...more });
  assert.equal((await from({ origin: 'https://evil.example' })).status, 403);
  assert.equal((await from({ origin: 'null' })).status, 403);
  const preflight = await fetch(`${server.origin}${TWIRP}ListRooms`, {
    method: 'OPTIONS',
    headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
  });
  assert.ok(!preflight.headers.get('access-control-allow-origin'));
  // A name that was pointed here after the page was loaded is the page's own host: what keeps it out is the token.
  const rebound = await new Promise((resolve, reject) => {
    const headers = { host: `evil.example:${server.port}`, origin: `http://evil.example:${server.port}`, 'content-type': 'application/json' };
    const request = httpRequest({ port: server.port, host: '127.0.0.1', method: 'POST', path: `${TWIRP}ListRooms`, headers }, resolve);
    request.on('error', reject);
    request.end('{}');
  });
  assert.equal(rebound.statusCode, 401);
  rebound.resume();
});

test('without keys nobody manages; with a port for operators it is there alone', { timeout: 60_000 }, async (t) => {
  const open = await Server.startFor(t);
  const answer = await post(`${TWIRP}ListRooms`, {}, { to: open.origin, token: await tokenFor({ roomList: true }) });
  assert.deepEqual([answer.status, answer.json.code], [401, 'unauthenticated']);
  assert.match(answer.json.msg, /no keys/);

  const port = await freeTcpPort();
  const apart = await Server.startFor(t, { args: ['--keys', `${folder}/keys`, '--admin-listen', `127.0.0.1:${port}`] });
  const token = await tokenFor({ roomList: true });
  assert.equal((await post(`${TWIRP}ListRooms`, {}, { to: apart.origin, token })).json.code, 'bad_route');
  assert.equal((await post('/api/v1/rooms', '', { to: apart.origin, token, method: 'GET' })).status, 404);
  assert.deepEqual((await post('/api/v1/rooms', '', { to: `http://127.0.0.1:${port}`, token, method: 'GET' })).json, { rooms: [] });
});

test('rotunda admin does it on the command line', { timeout: 60_000 }, async (t) => {
  const own = await Server.startFor(t, { args: ['--keys', `${folder}/keys`, '--drain-time', '60'] });
  const run = (...args) =>
    new Promise((resolve) => {
      const flags = ['admin', '--server', `127.0.0.1:${own.port}`, '--keys', `${folder}/keys`, ...args];
      execFile(process.env.ROTUNDA_BIN, flags, (error, out, err) => resolve({ status: error?.code ?? 0, out, err }));
    });
  const room = 'A room, 100 % äöü';
  const client = await Client.join(own, room, 'ann', { token: await tokenFor({ roomJoin: true, room }, { identity: 'ann' }) });
  assert.deepEqual(JSON.parse((await run('rooms')).out).rooms.map(({ name }) => name), [room]);
  assert.equal(JSON.parse((await run('people', room)).out).participants[0].identity, 'ann');
  assert.equal(JSON.parse((await run('describe', room, 'a "quote", ä\n\\')).out).metadata, 'a "quote", ä\n\\');
  assert.deepEqual(await client.next('room-metadata'), { metadata: 'a "quote", ä\n\\' });
  const producer = await sendsAudio(client);
  assert.equal((await run('hold', room, 'ann', producer)).status, 0);
  await refused(client, 'forbidden', 'resume-producer', { producerId: producer });
  assert.equal((await run('allow-unmute', room, 'ann', producer)).status, 0);
  await client.request('resume-producer', { producerId: producer });
  assert.deepEqual(await run('remove', room, 'nobody').then(({ status, err }) => [status, JSON.parse(err).code]), [1, 'not_found']);
  assert.equal((await run('remove', room, 'ann')).status, 0);
  await client.next('kicked');
  assert.equal((await run('frobnicate')).status, 2);
  const bob = await Client.join(own, room, 'bob', { token: await tokenFor({ roomJoin: true, room }, { identity: 'bob' }) });
  assert.equal((await run('drain')).status, 0);
  const { deadline } = await bob.next('server-draining');
  assert.ok(deadline > Date.now() + 30_000);
  assert.equal((await own.fetch('/readyz')).status, 503);
  assert.deepEqual(await run('drain').then(({ status, err }) => [status, JSON.parse(err).code]), [1, 'failed_precondition']);
  const part = (object) => Buffer.from(JSON.stringify(object)).toString('base64url');
  const said = `${part({ alg: 'HS256' })}.${part({ iss: KEY[0], exp: 4102444800, rotunda: { operator: true } })}`;
  const operator = `${said}.${createHmac('sha256', KEY[1]).update(said).digest('base64url')}`;
  const sooner = (body) => post('/api/v1/drain', body, { to: own.origin, token: operator });
  assert.equal((await sooner({ seconds: 3600 })).status, 412);
  assert.equal((await sooner({ seconds: 20, url: 'wss://next.example/ws' })).status, 200);
  const again = await bob.next('server-draining');
  assert.ok(again.deadline < deadline && again.url === 'wss://next.example/ws');
  own.signal('SIGTERM'); // as behind a hook that has it drain: bob has the time that he was told
  await until('it is heard', () => own.log.includes('server stopping signal=15'));
  await stillServed(bob);
  await bob.request('leave-room');
  await own.ended();
});

test('an address whose tokens were refused too often has none looked at', async () => {
  const guarded = await Server.start({ args: ['--keys', `${folder}/keys`, '--failed-joins-per-address', '3'] });
  const list = (token) => post(`${TWIRP}ListRooms`, {}, { to: guarded.origin, token });
  const good = await tokenFor({ roomList: true });
  try {
    assert.equal((await list(good)).status, 200);
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await list(`bad${i}`)).status);
    assert.deepEqual(statuses, [401, 401, 401, 429]);
    const refusal = await list(good);
    assert.equal(refusal.status, 429);
    assert.equal(refusal.json.code, 'resource_exhausted');
  } finally {
    await guarded.stop();
  }
});
