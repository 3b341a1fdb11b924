// What happens in rooms is told to a receiver outside, and LiveKit's own WebhookReceiver takes it.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { AccessToken, RoomServiceClient, WebhookReceiver } from 'livekit-server-sdk';
import { assert, freshRoom, refused } from './expect.mjs';
import { faultsFor } from './faults.mjs';
import { Client, freeTcpPort, Server, startRefused, until } from './harness.mjs';
import { AUDIO } from './media_kit.mjs';
import { TestCa } from './tls_kit.mjs';

const KEY = ['devkey', '0123456789abcdef0123456789abcdef'];
const folder = mkdtempSync(`${tmpdir()}/rotunda-webhook-`);
const sdk = new WebhookReceiver(...KEY);
const forger = new WebhookReceiver(KEY[0], 'fedcba9876543210fedcba9876543210');

before(() => writeFileSync(`${folder}/keys`, `${KEY[0]}: ${KEY[1]}\n`));
after(() => rmSync(folder, { recursive: true }));

// Keeps what it gets in `got`, and answers what `answer` says (by default 200).
async function receiver(t, { answer = () => 200, tls } = {}) {
  const got = [];
  const take = (request, response) => {
    let body = '';
    request.on('data', (data) => (body += data));
    request.on('end', () => {
      const said = answer(got.length, JSON.parse(body));
      const { status, headers } = typeof said === 'number' ? { status: said } : said;
      got.push({ status, body, url: request.url, method: request.method, headers: request.headers, at: performance.now() });
      response.writeHead(status, headers).end();
    });
  };
  const http = tls ? createSecureServer(tls, take) : createServer(take);
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
  t.after(() => (http.closeAllConnections(), http.close()));
  const { port } = http.address();
  return { got, port, url: `http://127.0.0.1:${port}/hook?of=rotunda`, taken: () => got.filter(({ status }) => status === 200) };
}

const start = (t, url, { args = [], env } = {}) => Server.startFor(t, { args: ['--keys', `${folder}/keys`, '--webhook', url, ...args], env });

async function enter(server, room, identity, { metadata } = {}) {
  const token = new AccessToken(...KEY, { identity, name: identity, metadata });
  token.addGrant({ roomJoin: true, room });
  return Client.join(server, room, identity, { token: await token.toJwt() });
}

// A room in which all six things happen.
async function liveOnce(server, room) {
  const ann = await enter(server, room, 'ann', { metadata: 'tall' });
  const { id } = await ann.request('create-transport', { direction: 'send' });
  const { producerId } = await ann.request('produce', { transportId: id, ...AUDIO });
  await ann.request('close-producer', { producerId });
  await ann.request('leave-room');
  await new RoomServiceClient(server.origin, ...KEY).deleteRoom(room);
  return producerId;
}

const SIX = ['room_started', 'participant_joined', 'track_published', 'track_unpublished', 'participant_left', 'room_finished'];

test('the six events come in order, and the SDK takes each', async (t) => {
  const hook = await receiver(t);
  const server = await start(t, hook.url);
  const room = freshRoom();
  const trackSid = await liveOnce(server, room);
  await until('all six have come', () => hook.got.length === 6);
  const events = [];
  for (const { body, headers, url, method } of hook.got) {
    assert.deepEqual([method, url, headers['content-type']], ['POST', '/hook?of=rotunda', 'application/webhook+json']);
    events.push(await sdk.receive(body, headers.authorization));
    await assert.rejects(sdk.receive(`${body} `, headers.authorization), /sha256/);
    await assert.rejects(forger.receive(body, headers.authorization), /signature/);
  }
  assert.deepEqual(events.map(({ event }) => event), SIX);
  assert.equal(new Set(events.map(({ id }) => id)).size, 6);
  const [{ room: first }, joined, published, unpublished, left] = events;
  for (const event of events) {
    assert.deepEqual([event.room.name, event.room.sid], [room, first.sid]);
    assert.ok(Math.abs(Number(event.createdAt) - Date.now() / 1000) < 30);
  }
  assert.deepEqual([joined.participant.identity, joined.participant.name, joined.participant.metadata], ['ann', 'ann', 'tall']);
  assert.equal(joined.room.numParticipants, 1);
  for (const { track, participant } of [published, unpublished])
    assert.deepEqual([track.sid, track.type, participant.identity, participant.sid], [trackSid, 0, 'ann', joined.participant.sid]);
  assert.deepEqual([left.participant.identity, left.participant.state, left.room.numParticipants], ['ann', 3, 0]);
  assert.equal(await server.metric('rotunda_webhooks_sent_total'), 6);
  assert.equal(await server.metric('rotunda_webhooks_lost_total'), 0);
  // What signed them opens nothing here.
  const token = hook.got[0].headers.authorization;
  for (const path of ['/twirp/livekit.RoomService/ListRooms', '/twirp/livekit.RoomService/CreateRoom', '/api/v1/drain']) {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    assert.equal((await server.fetch(path, { method: 'POST', body: '{}', headers })).status, 403, path);
  }
  await refused(await Client.connect(server), 'unauthorized', 'join-room', { roomId: room, username: 'eve', token });
});

test('what is refused twice with 503 comes again, later each time, and before what follows it', async (t) => {
  const hook = await receiver(t, { answer: (nth) => (nth < 2 ? 503 : 200) });
  const server = await start(t, hook.url);
  await liveOnce(server, freshRoom());
  await until('all six are taken', () => hook.taken().length === 6);
  const [a, b, c] = hook.got;
  assert.ok(a.body === b.body && b.body === c.body);
  assert.ok(b.at - a.at > 450 && c.at - b.at > 900, `${b.at - a.at} and ${c.at - b.at} ms`);
  assert.deepEqual(hook.taken().map(({ body }) => JSON.parse(body).event), SIX);
  await sdk.receive(c.body, c.headers.authorization);
  await until('all are counted', async () => (await server.metric('rotunda_webhooks_sent_total')) === 6);
  assert.equal(await server.metric('rotunda_webhooks_retried_total'), 2);
});

test('one room waits, another one does not', async (t) => {
  const slow = freshRoom();
  const hook = await receiver(t, { answer: (_, { room }) => (room.name === slow ? { status: 429, headers: { 'retry-after': '30' } } : 200) });
  const server = await start(t, hook.url);
  await liveOnce(server, slow);
  await until('it was asked to wait', () => hook.got.length === 1);
  await liveOnce(server, freshRoom());
  await until('the other room is told', () => hook.taken().length === 6);
  assert.equal(hook.got.length, 7);
  await until('the last answer is read', async () => (await server.metric('rotunda_webhooks_waiting')) === 6);
});

test('a dead receiver keeps nobody up: what waits is bounded, and what does not fit is counted', async (t) => {
  const hook = await receiver(t);
  const dead = `http://127.0.0.1:${await freeTcpPort()}/`;
  const server = await start(t, `${dead},${hook.url}`, { args: ['--message-rate-max', '10000'] });
  await liveOnce(server, freshRoom());
  await until('the other one has all', () => hook.taken().length === 6);
  await until('the last answer is read', async () => (await server.metric('rotunda_webhooks_waiting')) === 6);
  const ann = await enter(server, freshRoom(), 'ann');
  const { id } = await ann.request('create-transport', { direction: 'send' });
  const tracks = Array.from({ length: 16 }, (_, i) => {
    const { codecs, rtcp } = AUDIO.rtpParameters;
    return { transportId: id, kind: 'audio', rtpParameters: { mid: `${i}`, codecs, rtcp, encodings: [{ ssrc: 1000 + i }] } };
  });
  await until('something is lost', async () => {
    const made = await Promise.all(tracks.map((track) => ann.request('produce', track)));
    await Promise.all(made.map(({ producerId }) => ann.request('close-producer', { producerId })));
    return (await server.metric('rotunda_webhooks_lost_total')) > 20;
  }, { deadlineMs: 60_000, everyMs: 0 });
  assert.ok((await server.metric('rotunda_webhooks_waiting')) <= 4096);
  assert.match(server.log, /webhooks lost.*127\.0\.0\.1/);
  assert.doesNotMatch(server.log, /of=rotunda/);
  server.signal('SIGTERM');
  await server.ended();
});

test('other answers are not tried again, redirects are not followed', async (t) => {
  const goal = await receiver(t);
  const hook = await receiver(t, { answer: (nth) => (nth % 2 ? 400 : { status: 307, headers: { location: goal.url } }) });
  const server = await start(t, hook.url);
  await liveOnce(server, freshRoom());
  await until('all are given up', async () => (await server.metric('rotunda_webhooks_lost_total')) === 6);
  assert.deepEqual([hook.got.length, goal.got.length], [6, 0]);
});

test('a certificate that nobody vouches for gets nothing, and the environment names no proxy', async (t) => {
  const { cert, key } = TestCa.make(t).issue('hook');
  const hook = await receiver(t, { tls: { cert: readFileSync(cert), key: readFileSync(key) } });
  const proxy = await receiver(t);
  const plain = await receiver(t);
  const env = { http_proxy: `http://127.0.0.1:${proxy.port}`, https_proxy: `http://127.0.0.1:${proxy.port}`, ALL_PROXY: `http://127.0.0.1:${proxy.port}` };
  const server = await start(t, `https://localhost:${hook.port}/,${plain.url}`, { args: ['--log-level', 'debug'], env });
  await liveOnce(server, freshRoom());
  await until('plain http is told', () => plain.taken().length === 6);
  await until('TLS was tried', async () => (await server.metric('rotunda_webhooks_retried_total')) > 0);
  assert.match(server.log, /webhook not taken.*https:\/\/localhost.*certificate/);
  assert.deepEqual([hook.got.length, proxy.got.length], [0, 0]);
});

test('a certificate of another host gets nothing, whoever vouches for it', async (t) => {
  const ca = TestCa.make(t);
  writeFileSync(`${ca.folder}/trusted.crt`, ca.root);
  const secure = async (issued) => receiver(t, { tls: { cert: readFileSync(issued.cert), key: readFileSync(issued.key) } });
  const own = await secure(ca.issue('own'));
  const other = await secure(ca.issue('other', 'subjectAltName=DNS:hooks.example.org,IP:127.0.0.2'));
  const { env } = faultsFor(t, { authorities: `${ca.folder}/trusted.crt` });
  const server = await start(t, `https://localhost:${own.port}/,https://localhost:${other.port}/`, { args: ['--log-level', 'debug'], env });
  await liveOnce(server, freshRoom());
  await until('its own certificate is good', () => own.taken().length === 6);
  const refusal = new RegExp(`webhook not taken.*https://localhost:${other.port}.*certificate`);
  await until('the other one was tried', () => refusal.test(server.log));
  assert.equal(other.got.length, 0);
});

test('the end of the server is told, and waits for what was not sent', async (t) => {
  const hook = await receiver(t, { answer: (nth) => (nth === 0 ? 503 : 200) });
  const server = await start(t, hook.url);
  const ann = await enter(server, freshRoom(), 'ann');
  const { id } = await ann.request('create-transport', { direction: 'send' });
  await ann.request('produce', { transportId: id, ...AUDIO });
  await until('the first was refused', () => hook.got.length === 1);
  await server.stop();
  assert.deepEqual(hook.taken().map(({ body }) => JSON.parse(body).event), SIX);
});

test('without keys that sign, and with a URL over open ground, the server does not start', async () => {
  const refusals = [
    [['--webhook', 'https://hooks.example.org/'], /webhook: https:\/\/hooks\.example\.org is of no use without keys/],
    [['--keys', `${folder}/keys`, '--webhook', 'http://hooks.example.org/'], /webhook: .*is not allowed; it must be.*https/],
    [['--keys', `${folder}/keys`, '--webhook', 'https://user:pass@hooks.example.org/'], /is not allowed/],
  ];
  for (const [args, words] of refusals) {
    const { status, err } = await startRefused(['--check-config', ...args]);
    assert.equal(status, 2, args.join(' '));
    assert.match(err, words);
  }
});
