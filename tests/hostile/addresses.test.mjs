// Who a client is, and what one address may cost before anybody has joined from it.

import { connect } from 'node:net';
import { test } from 'node:test';
import { assert, freshRoom, stillServed } from '../e2e/expect.mjs';
import { Client, Server, until } from '../e2e/harness.mjs';

const UPGRADE =
  'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n';

// A raw connection from an address of 127.0.0.0/8; `says` what came so far.
async function open(server, bytes, from = '127.0.0.1') {
  const socket = connect({ host: '127.0.0.1', port: server.port, localAddress: from });
  const connection = { socket, said: '', ended: false };
  socket.on('data', (data) => (connection.said += data.toString('latin1')));
  socket.on('close', () => (connection.ended = true));
  socket.on('error', () => {});
  socket.write(bytes);
  await until('an answer', () => connection.said.includes('\r\n\r\n') || connection.ended);
  connection.status = Number(/^HTTP\/1\.1 (\d+)/.exec(connection.said)?.[1] ?? 0);
  return connection;
}

const addressesIn = (log) => [...log.matchAll(/client connected client=\d+ address="([^"]*)"/g)].map((m) => m[1]);

test('one address has so many connections that have not joined, and others are served', async (t) => {
  const server = await Server.startFor(t, { args: ['--waiting-per-address', '5'] });
  const idle = [];
  for (let i = 0; i < 5; i++) idle.push(await open(server, `${UPGRADE}\r\n`, '127.0.0.9'));
  assert.deepEqual(idle.map(({ status }) => status), [101, 101, 101, 101, 101]);
  const refused = await open(server, `${UPGRADE}\r\n`, '127.0.0.9');
  assert.equal(refused.status, 429);
  assert.match(refused.said, /retry-after: \d+/);
  assert.match(refused.said, /have not joined a room; try again/);
  assert.equal((await open(server, `${UPGRADE}\r\n`, '127.0.0.10')).status, 101);
  idle[0].socket.destroy();
  await until('there is room again', async () => {
    const again = await open(server, `${UPGRADE}\r\n`, '127.0.0.9');
    return again.status === 101;
  });
});

test('those who have joined do not count', async (t) => {
  const server = await Server.startFor(t, { args: ['--waiting-per-address', '5'] });
  const roomId = freshRoom();
  const people = [];
  for (let i = 0; i < 40; i++) people.push(await Client.join(server, roomId, `p${i}`));
  // All come back at once, before the server knows that the old connections are dead.
  const back = await Promise.all(people.map(() => Client.connect(server)));
  assert.equal(back.length, 40);
  await stillServed(people[0]);
  await people[0].request('leave-room');
});

test('a school of 500 behind one address joins with the settings as they are', { timeout: 120_000 }, async (t) => {
  const server = await Server.startFor(t, {});
  const started = performance.now();
  const people = await Promise.all(Array.from({ length: 500 }, (_, i) => Client.join(server, `class-${i % 20}`, `pupil ${i}`)));
  t.diagnostic(`500 joined within ${Math.round(performance.now() - started)} ms`);
  assert.equal(await server.metric('rotunda_participants'), 500);
  await Promise.all(people.map((one) => one.close()));
});

test('new rooms and failed joins have a rate', async (t) => {
  const server = await Server.startFor(t, { args: ['--rooms-per-address', '10', '--failed-joins-per-address', '8'] });
  let opened = 0;
  let answer;
  do {
    const client = await Client.connect(server);
    answer = await client.answer('join-room', { roomId: freshRoom(), username: 'Ann' });
    if (answer.type === 'joined') opened++;
  } while (answer.type === 'joined' && opened < 50);
  assert.ok(opened >= 10 && opened <= 12, `${opened} rooms`);
  assert.equal(answer.data.code, 'rate-limited');
  assert.match(answer.data.message, /too many new rooms were opened from your network; try again in \d+ seconds/);

  const other = await Client.connect(server, '127.0.0.1');
  const full = (await Client.join(server, (await firstRoom(server)), 'Zed')).joined.roomId;
  let failed = 0;
  do answer = await other.answer('join-room', { roomId: full, username: 'Zed' });
  while (answer.data.code === 'username-taken' && ++failed < 50);
  assert.equal(answer.data.code, 'rate-limited');
  assert.ok(failed >= 8 && failed <= 10, `${failed} failed joins`);
});

// A room that is there, since no new one may be opened: the newest in the log.
async function firstRoom(server) {
  return /room opened room="([^"]+)"/.exec(server.log)[1];
}

test('the word of who is not trusted counts for nothing', async (t) => {
  const server = await Server.startFor(t, { args: ['--trust-proxy', '127.0.0.2', '--waiting-per-address', '3'] });
  for (const field of ['X-Forwarded-For: 203.0.113.7', 'X-Forwarded-For: 127.0.0.2', 'Forwarded: for=203.0.113.7', 'X-Real-IP: 203.0.113.7'])
    (await open(server, `${UPGRADE}${field}\r\n\r\n`, '127.0.0.77')).socket.destroy();
  assert.deepEqual(addressesIn(server.log), ['127.0.0.77', '127.0.0.77', '127.0.0.77', '127.0.0.77']);
  const header = await open(server, 'PROXY TCP4 203.0.113.7 127.0.0.1 1 2\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n', '127.0.0.78');
  assert.equal(header.status, 400);
});

test('never by default', async (t) => {
  const server = await Server.startFor(t, {});
  await open(server, `${UPGRADE}X-Forwarded-For: 203.0.113.7\r\n\r\n`);
  assert.deepEqual(addressesIn(server.log), ['127.0.0.1']);
});

test('a trusted proxy says who the client is, by field or by PROXY header', async (t) => {
  const server = await Server.startFor(t, { args: ['--trust-proxy', '127.0.0.2,10.0.0.0/8', '--waiting-per-address', '3'] });
  const v2 = Buffer.from('0d0a0d0a000d0a515549540a2111000cc00002091111111100010002', 'hex');
  const rows = [
    [`${UPGRADE}X-Forwarded-For: 203.0.113.7\r\n\r\n`, '203.0.113.7'],
    [`${UPGRADE}X-Forwarded-For: 198.51.100.1, 203.0.113.7\r\n\r\n`, '203.0.113.7'], // the left one is the client's own claim
    [`${UPGRADE}x-forwarded-for: 198.51.100.1\r\nX-FORWARDED-FOR: 203.0.113.8,10.1.2.3\r\n\r\n`, '203.0.113.8'],
    [`${UPGRADE}X-Forwarded-For: 2001:db8::7\r\n\r\n`, '2001:db8::7'],
    [`${UPGRADE}X-Forwarded-For: " or 1=1\r\n\r\n`, '127.0.0.2'],
    [`${UPGRADE}X-Forwarded-For: 203.0.113.7, ,\r\n\r\n`, '127.0.0.2'],
    [`${UPGRADE}${'X-Forwarded-For: 198.51.100.1\r\n'.repeat(40)}X-Forwarded-For: 203.0.113.9\r\n\r\n`, '203.0.113.9'],
    [`${UPGRADE}X-Forwarded-For: ${'198.51.100.1,'.repeat(800)}203.0.113.10\r\n\r\n`, '203.0.113.10'],
    [`PROXY TCP4 203.0.113.11 127.0.0.1 56324 443\r\n${UPGRADE}\r\n`, '203.0.113.11'],
    [`PROXY TCP6 2001:db8::8 ::1 56324 443\r\n${UPGRADE}\r\n`, '2001:db8::8'],
    [`PROXY UNKNOWN\r\n${UPGRADE}\r\n`, '127.0.0.2'],
    [Buffer.concat([v2, Buffer.from(`${UPGRADE}\r\n`)]), '192.0.2.9'],
    [`PROXY TCP4 10.9.9.9 127.0.0.1 56324 443\r\n${UPGRADE}X-Forwarded-For: 203.0.113.12\r\n\r\n`, '203.0.113.12'],
    [`PROXY TCP4 198.51.100.2 127.0.0.1 56324 443\r\n${UPGRADE}X-Forwarded-For: 203.0.113.12\r\n\r\n`, '198.51.100.2'],
  ];
  for (const [bytes] of rows) {
    const one = await open(server, bytes, '127.0.0.2');
    assert.equal(one.status, 101, String(bytes).slice(0, 60));
    one.socket.destroy();
  }
  assert.deepEqual(addressesIn(server.log), rows.map(([, address]) => address));

  // The limits count whom it names; what it says of itself counts for nobody.
  for (let i = 0; i < 3; i++) assert.equal((await open(server, `${UPGRADE}X-Forwarded-For: 203.0.113.50\r\n\r\n`, '127.0.0.2')).status, 101);
  assert.equal((await open(server, `${UPGRADE}X-Forwarded-For: 203.0.113.50\r\n\r\n`, '127.0.0.2')).status, 429);
  assert.equal((await open(server, `${UPGRADE}X-Forwarded-For: 203.0.113.51\r\n\r\n`, '127.0.0.2')).status, 101);
  for (let i = 0; i < 20; i++) assert.equal((await open(server, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n', '127.0.0.2')).status, 200);
});

test('a broken PROXY header ends the connection, a slow one is waited for', async (t) => {
  const server = await Server.startFor(t, { args: ['--trust-proxy', '127.0.0.0/8'] });
  for (const bytes of ['PROXY TCP4 junk 1 2 3\r\n', 'PROXY \r\n', `PROXY ${'x'.repeat(200)}`, '\r\n\r\n\0\r\nQUIT\n\x31\x11\0\0'])
    assert.deepEqual(await open(server, Buffer.from(bytes, 'latin1')).then(({ said, ended }) => [said, ended]), ['', true]);
  const socket = connect(server.port, '127.0.0.1');
  let said = '';
  socket.on('data', (data) => (said += data));
  const text = 'PROXY TCP4 203.0.113.7 127.0.0.1 56324 443\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
  for (const char of text) await new Promise((resolve) => socket.write(char, resolve));
  await until('the answer', () => said.includes('\r\n\r\nok'));
  socket.destroy();
});

test('operators have a port of their own, and the public one has no metrics', async (t) => {
  const server = await Server.startFor(t, { args: ['--admin-listen', '127.0.0.3:0', '--log-format', 'text'] });
  const port = Number(/http:\/\/127\.0\.0\.3:(\d+)\/metrics/.exec(server.log)?.[1] ?? 0);
  assert.ok(port, `the start says where: ${server.log.slice(0, 2000)}`);
  const admin = { port };
  const ask = async (where, path) => {
    const socket = connect({ host: where === admin ? '127.0.0.3' : '127.0.0.1', port: where.port });
    let said = '';
    socket.on('data', (data) => (said += data));
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    await new Promise((resolve) => socket.on('close', resolve));
    return said;
  };
  assert.match(await ask(admin, '/metrics'), /^HTTP\/1\.1 200 [^]*rotunda_uptime_seconds/);
  assert.match(await ask(admin, '/healthz'), /^HTTP\/1\.1 200 /);
  for (const path of ['/', '/ws', '/index.html']) assert.match(await ask(admin, path), /^HTTP\/1\.1 404 /, path);
  for (const path of ['/metrics', '//metrics', '/./metrics', '/%6detrics', '/metrics?x', 'http://x/metrics']) {
    const answer = await ask(server, path);
    assert.ok(/^HTTP\/1\.1 (404|400) /.test(answer) && !answer.includes('rotunda_uptime'), `${path}: ${answer.slice(0, 200)}`);
  }
  assert.match(await ask(server, '/healthz'), /^HTTP\/1\.1 200 /);
});
