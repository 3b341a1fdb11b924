// docs/protocol.md, section 6, and what a client can do wrong with the connection itself.

import { readdirSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { assert, freshRoom, gather, refused, stillServed } from './expect.mjs';
import { Client, Server, until } from './harness.mjs';

let server;
before(async () => {
  server = await Server.start({ args: ['--message-rate-max', '20'] });
});
after(() => server.stop());

// fetch() would tidy the path.
function rawGet(path, method = 'GET', headers = {}) {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port: server.port, path, method, headers }, (response) => {
      const parts = [];
      response.on('data', (data) => parts.push(data));
      response.on('end', () => {
        const bytes = Buffer.concat(parts);
        resolve({ status: response.statusCode, headers: response.headers, bytes, body: bytes.toString() });
      });
    });
    request.on('error', reject);
    request.end();
  });
}

// The whole of what the server says to these bytes before it closes or falls silent.
function rawBytes(bytes) {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(server.port, '127.0.0.1', () => socket.write(bytes));
    socket.setTimeout(1500, () => socket.destroy());
    socket.on('data', (data) => (text += data));
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
}

test('/healthz and /readyz say that all is well', async () => {
  for (const path of ['/healthz', '/readyz']) assert.equal((await rawGet(path)).status, 200, path);
});

test('/metrics is Prometheus text that counts what happens', async () => {
  const response = await rawGet('/metrics');
  assert.equal(response.status, 200);
  assert.match(response.headers['content-type'], /^text\/plain/);
  for (const line of response.body.split('\n').filter(Boolean))
    assert.match(line, /^(# (HELP|TYPE) [a-z_:][\w:]* .+|[a-z_:][\w:]*(\{([a-z_]\w*="[^"]*",?)*\})? [-+.\deEInfNa]+)$/);
  for (const family of ['rotunda_rooms', 'rotunda_participants'])
    assert.ok(response.body.includes(`# TYPE ${family} `), `expected the family ${family}`);
  const before = await server.metric('rotunda_participants');
  const [ann] = await gather(server, 'Ann');
  assert.equal(await server.metric('rotunda_participants'), before + 1);
  await ann.request('leave-room');
  await until('the participant is gone', async () => (await server.metric('rotunda_participants')) === before);
});

test('the page and its parts are served', async () => {
  const page = await rawGet('/');
  assert.equal(page.status, 200);
  assert.match(page.headers['content-type'], /^text\/html/);
  assert.match(page.body, /<title>Rotunda<\/title>/);
  const named = (pattern) => [...page.body.matchAll(pattern)].map((match) => match[1]);
  const scripts = named(/<script[^>]* src="([^"]+)"/g);
  const sheets = named(/<link[^>]* href="([^"]+\.css)"/g);
  assert.ok(scripts.length > 0 && sheets.length > 0, 'the page names scripts and style sheets');
  const parts = [
    ...scripts.map((path) => [path, /javascript/]),
    ...sheets.map((path) => [path, /^text\/css/]),
    ['/icon.svg', /^image\/svg/],
  ];
  for (const [path, type] of parts) {
    const part = await rawGet(new URL(path, `${server.origin}/`).pathname);
    assert.equal(part.status, 200, path);
    assert.match(part.headers['content-type'], type);
  }
  assert.equal((await rawGet('/?room=a&name=b')).status, 200);
  assert.equal((await rawGet('/no/such/page.html')).status, 404);
});

test('programs are refused in the form that they read', async () => {
  const body = 'x'.repeat(60_000);
  for (const [method, path, status, type, allow, headers] of [
    ['PUT', '/whip/garden', 405, 'application/problem+json', 'OPTIONS, POST'],
    ['PUT', '/whip/garden/none', 404, 'application/problem+json', null],
    ['PUT', '/api/v1/rooms', 401, 'application/json', null],
    ['POST', '/whip/garden', 413, 'application/problem+json', null, { 'content-type': 'application/sdp' }],
    ['POST', '/whep/', 404, 'application/problem+json', null],
    ['PUT', '/twirp/livekit.RoomService/ListRooms', 405, 'application/json', 'POST'],
    ['POST', '/api/v1/rooms', 413, 'application/json', null],
    ['PUT', '/healthz', 405, 'text/html; charset=utf-8', 'GET, HEAD'],
  ]) {
    const answer = await server.fetch(path, { method, headers, body });
    const said = [answer.status, answer.headers.get('content-type'), answer.headers.get('allow')];
    assert.deepEqual(said, [status, type, allow], `${method} ${path}`);
    const text = await answer.text();
    if (type === 'application/json') assert.deepEqual(Object.keys(JSON.parse(text)), ['code', 'msg']);
    else if (type.startsWith('application')) assert.equal(JSON.parse(text).status, status);
  }
});

test('who takes compressed files gets them, with a tag of their own', async () => {
  for (const path of ['/', '/icon.svg']) {
    const plain = await rawGet(path);
    assert.equal(plain.headers['content-encoding'], undefined);
    assert.equal(plain.headers.vary, 'accept-encoding');
    const tags = new Set([plain.headers.etag]);
    for (const [name, read] of [['br', brotliDecompressSync], ['gzip', gunzipSync]]) {
      const small = await rawGet(path, 'GET', { 'accept-encoding': `${name}, deflate` });
      assert.equal(small.headers['content-encoding'], name);
      assert.equal(small.headers['content-type'], plain.headers['content-type']);
      assert.equal(small.headers['content-security-policy'], plain.headers['content-security-policy']);
      assert.equal(small.headers.vary, 'accept-encoding');
      assert.equal(Number(small.headers['content-length']), small.bytes.length);
      assert.ok(read(small.bytes).equals(plain.bytes), `${path} as ${name} is the same`);
      tags.add(small.headers.etag);
      const again = await rawGet(path, 'GET', { 'accept-encoding': name, 'if-none-match': small.headers.etag });
      assert.deepEqual([again.status, again.bytes.length], [304, 0]);
    }
    assert.equal(tags.size, 3, 'no form is taken for another');
  }
});

test('no path leads out of the page\'s folder', async () => {
  for (const path of [
    '/../README.md',
    '/../../CMakeLists.txt',
    '/..%2f..%2fREADME.md',
    '/%2e%2e/%2e%2e/README.md',
    '/..%252f..%252fREADME.md',
    '//etc/passwd',
    '/./../../../../../../../../etc/passwd',
    '/....//....//etc/passwd',
    '/..\\..\\README.md',
    '/%00/../../README.md',
    '/app.js/../../package.json',
  ]) {
    const { status, body } = await rawGet(path).catch(() => ({ status: 400, body: '' }));
    assert.notEqual(status, 200, `${path} was served: ${body.slice(0, 80)}`);
    assert.ok(!/root:|cmake_minimum|esbuild/.test(body), path);
  }
});

test('odd and broken HTTP harms nobody', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD']) await rawGet('/healthz', method).catch(() => {});
  for (const bytes of [
    '\r\n\r\n',
    'GET\r\n\r\n',
    `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET / HTTP/1.1\r\n${'X-Filler: y\r\n'.repeat(3000)}\r\n`,
    'GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 99\r\n\r\n',
    'GET /ws HTTP/1.1\r\nHost: x\r\n\r\n',
    Buffer.from(Array.from({ length: 512 }, (_, i) => (i * 37) & 255)),
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc',
  ])
    await rawBytes(bytes);
  assert.equal((await rawGet('/healthz')).status, 200);
});

test('broken WebSocket frames close that connection alone', async () => {
  const key = 'dGhlIHNhbXBsZSBub25jZQ==';
  const upgrade = `GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`;
  const bystander = await Client.connect(server);
  for (const frame of [
    [0xff, 0xff, 0xff, 0xff],
    [0x81, 0x05, 0x68, 0x65, 0x6c, 0x6c, 0x6f], // unmasked text
    [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], // 2^64 bytes announced
    [0x83, 0x80, 0, 0, 0, 0], // a reserved opcode
    [0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28], // not UTF-8
  ])
    await rawBytes(Buffer.concat([Buffer.from(upgrade), Buffer.from(frame)]));
  await stillServed(bystander);
});

test('too many messages are refused one by one, and the patient are served again', async () => {
  const client = await Client.connect(server);
  const total = 260; // a burst of ten seconds' worth is fine, and so are 100 refusals
  for (let i = 0; i < total; i++) client.send('ping', {}, `n${i}`);
  let refusals = 0;
  for (let i = 0; i < total; i++) {
    const answer = await client.first();
    assert.equal(answer.id, `n${i}`, 'each request gets its one answer, in order');
    if (answer.type === 'error') {
      assert.equal(answer.data.code, 'rate-limited');
      refusals++;
    }
  }
  assert.ok(refusals > 0 && refusals < total, `expected some of ${total} to be refused, got ${refusals}`);
  await until('it is served again', async () => (await client.answer('ping')).type === 'pong', { everyMs: 200 });
});

test('who does not stop is cut off', async () => {
  const client = await Client.connect(server);
  for (let i = 0; i < 400; i++) client.send('ping', {}, i);
  assert.equal((await client.closed).code, 1008);
});

test('a client that asks and does not read is cut off at a bounded backlog', async (t) => {
  const own = await Server.startFor(t, { args: ['--message-rate-max', '1000', '--ws-backlog-max', '262144'] });
  const deaf = await Client.join(own, freshRoom(), 'Deaf');
  deaf.socket.pause();
  const text = 'x'.repeat(8_000);
  for (let i = 0; i < 2_500; i++) deaf.send('chat-message', { text }, i); // 20 MB of answers
  await until('it is cut off', async () => (await own.metric('rotunda_clients')) === 0, { deadlineMs: 20_000 });
  assert.match(own.log, /ws-backlog-max/);
});

test('what others send cuts nobody off who does not read for a moment', async () => {
  const roomId = freshRoom();
  const deaf = await Client.join(server, roomId, 'Deaf');
  deaf.socket.pause();
  const payload = { sdp: 'x'.repeat(60_000) };
  let refused = 0;
  for (let n = 0; n < 10; n++) {
    const speaker = await Client.join(server, roomId, `Speaker ${n}`);
    for (let i = 0; i < 30; i++) {
      const answer = await speaker.answer('webrtc-offer', { target: 'Deaf', payload });
      if (answer.type === 'error') {
        assert.equal(answer.data.code, 'rate-limited');
        refused++;
      }
    }
  }
  assert.ok(refused > 100, `only ${refused} of 300 were refused`); // a slow machine takes so long that there is room again
  deaf.socket.resume();
  assert.equal((await deaf.answer('ping')).type, 'pong');
});

test('the server closes what is left open when it ends', async () => {
  const own = await Server.start();
  const clients = [];
  for (let i = 0; i < 20; i++) clients.push(await Client.join(own, freshRoom(), 'Ann'));
  const sockets = readdirSync(`/proc/${own.pid}/fd`).length;
  assert.ok(sockets > 20);
  await clients[0].request('create-transport', { direction: 'recv' });
  await own.stop('SIGINT');
  for (const client of clients) await client.closed;
});

test('connections that are closed leave nothing behind', async () => {
  const before = readdirSync(`/proc/${server.pid}/fd`).length;
  for (let i = 0; i < 50; i++) {
    const client = await Client.connect(server);
    if (i % 2) client.cut();
    else await client.close();
  }
  await until('the sockets are gone', () => readdirSync(`/proc/${server.pid}/fd`).length <= before + 2);
});
