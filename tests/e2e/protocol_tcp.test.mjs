// Media over TCP: who is let in by its first packet, who is turned away, and what of it is counted. Peers that speak
// all of it: load_test.sh, network_tcp.test.mjs.

import { connect, createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { assert, freshRoom, refused } from './expect.mjs';
import { Client, freeTcpPort, Server, startRefused, until } from './harness.mjs';
import { check, framed } from './stun_check.mjs';
import { handshake, TestCa } from './tls_kit.mjs';

let server;
before(async () => (server = await Server.start({ args: ['--workers', '2', '--participants-per-worker', '1'] })));
after(() => server.stop());

// One connection: what came, and whether it has ended.
class Raw {
  static async open(port = server.mediaPort) {
    const raw = new Raw();
    raw.got = Buffer.alloc(0);
    raw.socket = connect({ host: '127.0.0.1', port });
    raw.socket.on('data', (data) => (raw.got = Buffer.concat([raw.got, data])));
    raw.socket.on('error', () => {});
    raw.heard = new Promise((resolve) => raw.socket.once('data', () => resolve('heard')));
    raw.ended = new Promise((resolve) => raw.socket.on('close', () => resolve(true)));
    await new Promise((resolve, reject) => {
      raw.socket.once('connect', resolve);
      raw.socket.once('error', reject);
    });
    return raw;
  }

  // The type of the first STUN message that came.
  async answer() {
    await until('an answer', () => this.got.length >= 4);
    return this.got.readUInt16BE(2);
  }
}

async function transport(name, more = {}) {
  const client = await Client.join(server, freshRoom(), name);
  return { client, ...(await client.request('create-transport', { direction: 'recv', ...more })) };
}

async function counted(metric, from, by = 1) {
  await until(`${metric} counts ${by} more than ${from}`, async () => (await server.metric(metric)) >= from + by);
}

test('candidates over TCP come behind those over UDP', async () => {
  const { client, iceCandidates } = await transport('ann');
  const [udp, tcp] = iceCandidates;
  assert.equal(iceCandidates.length, 2);
  assert.deepEqual([udp.protocol, tcp.protocol, tcp.tcpType], ['udp', 'tcp', 'passive']);
  assert.equal(tcp.port, server.mediaPort);
  assert.ok(tcp.priority < udp.priority);
  const alone = await client.request('create-transport', { direction: 'send', forceTcp: true });
  assert.deepEqual(alone.iceCandidates.map(({ protocol }) => protocol), ['tcp']);
  await client.close();
});

// Two rooms' people are on two workers, and whichever a connection is for, it gets there.
test('a check is answered over its connection, by the worker that it names', async () => {
  const people = [await transport('ann'), await transport('bob'), await transport('cid')];
  for (const { client, id, iceParameters } of people) {
    const raw = await Raw.open();
    const bytes = framed(check(iceParameters));
    raw.socket.write(bytes.subarray(0, 1)); // as slowly as it may come
    await new Promise(setImmediate);
    raw.socket.write(bytes.subarray(1, 30));
    await new Promise(setImmediate);
    raw.socket.write(bytes.subarray(30));
    assert.equal(await raw.answer(), 0x0101);
    await client.next('transport-state', ({ transportId, iceState }) => transportId === id && iceState === 'connected');
    const stats = await client.request('get-stats', { transportId: id });
    const { iceSelectedTuple: tuple } = [stats.stats ?? stats].flat()[0];
    assert.equal(tuple.protocol, 'tcp');
    assert.equal(tuple.remotePort, raw.socket.localPort);
    // The connection ends: the transport hears of it at once, and another one brings it back.
    raw.socket.destroy();
    await client.next('transport-state', ({ iceState }) => iceState === 'disconnected');
    const again = await Raw.open();
    again.socket.write(framed(check(iceParameters)));
    assert.equal(await again.answer(), 0x0101);
    await client.next('transport-state', ({ iceState }) => iceState === 'connected');
    // After a restart of ICE the connection that is there goes on with the new credentials.
    const { iceParameters: fresh } = await client.request('restart-ice', { transportId: id });
    again.got = Buffer.alloc(0);
    again.socket.write(framed(check(fresh)));
    assert.equal(await again.answer(), 0x0101);
    await client.request('close-transport', { transportId: id });
    await again.ended; // with its transport
    await client.close();
  }
  for (const left of ['connections', 'strangers']) // the door looks after what workers know a few times a second
    await until(`no ${left} are left`, async () => (await server.metric(`rotunda_tcp_${left}`)) === 0);
});

test('who is no peer is turned away and counted', async () => {
  const { client, iceParameters } = await transport('ann');
  const nobody = { ...iceParameters, usernameFragment: `00${'a'.repeat(14)}` };
  const elsewhere = { ...iceParameters, usernameFragment: `0z${'a'.repeat(14)}` };
  const lying = framed(check(iceParameters));
  lying.writeUInt16BE(1500, 0);
  const other = await server.metric('rotunda_tcp_refused_other_total');
  const others = [
    framed(check(elsewhere)), lying, Buffer.alloc(64), Buffer.from([6, 1, 0, 1]), Buffer.from('\x16\x03\x01\x02\x00\x01\x00'),
    framed(Buffer.from([0x80, 111, 0, 1, ...Array(40).fill(0)])),
  ];
  for (const bytes of others) {
    const raw = await Raw.open();
    raw.socket.write(bytes);
    await raw.ended;
    assert.equal(raw.got.length, 0);
  }
  await counted('rotunda_tcp_refused_other_total', other, others.length);
  // Whoever speaks HTTP is told.
  const http = await Raw.open();
  http.socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await http.ended;
  assert.match(String(http.got), /^HTTP\/1\.1 400 .*port for media/s);
  // One that names nobody's transport is closed; one with another password is answered nothing and stays a stranger.
  const drops = async (reason) => {
    let sum = 0;
    for (const [name, value] of await server.metrics()) if (name.includes(`reason="${reason}"`)) sum += value;
    return sum;
  };
  const [unknown, auth] = [await drops('stun_unknown_ufrag'), await drops('stun_auth')];
  const lost = await Raw.open();
  lost.socket.write(framed(check(nobody)));
  await lost.ended;
  const forged = await Raw.open();
  forged.socket.write(framed(check(iceParameters, { password: 'x'.repeat(32) })));
  await until('both are counted', async () => (await drops('stun_unknown_ufrag')) > unknown && (await drops('stun_auth')) > auth);
  assert.equal(lost.got.length + forged.got.length, 0);
  // Media before a check: it is closed.
  forged.socket.write(framed(Buffer.from([0x80, 111, 0, 1, ...Array(40).fill(0)])));
  await forged.ended;
  await until('they are gone', async () => (await server.metric('rotunda_tcp_strangers')) === 0);
  // A peer that lies about a length is cut off; its transport waits for the next connection.
  const peer = await Raw.open();
  peer.socket.write(framed(check(iceParameters)));
  await peer.answer();
  const broken = await server.metric('rotunda_tcp_connections_broken_total');
  peer.socket.write(Buffer.from([0, 0, 0, 0, 0xff, 0xff, 1, 2]));
  await peer.ended;
  await counted('rotunda_tcp_connections_broken_total', broken);
  await client.close();
});

test('the number of connections is bounded, and silence keeps nobody out', async (t) => {
  const small = await Server.startFor(t, { args: ['--tcp-connections-max', '3'] });
  const silent = [];
  for (let i = 0; i < 3; i++) silent.push(await Raw.open(small.mediaPort));
  await until('three are in', async () => (await small.metric('rotunda_tcp_strangers')) === 3);
  // Each that comes and speaks takes the place of the one that was silent longest.
  const client = await Client.join(small, freshRoom(), 'ann');
  const { iceParameters } = await client.request('create-transport', { direction: 'recv' });
  const peers = [];
  for (let i = 0; i < 3; i++) {
    peers.push(await Raw.open(small.mediaPort));
    await silent[i].ended;
    peers[i].socket.write(framed(check(iceParameters)));
    assert.equal(await peers[i].answer(), 0x0101);
  }
  assert.equal(await small.metric('rotunda_tcp_refused_full_total'), 3);
  await until('all are known', async () => (await small.metric('rotunda_tcp_strangers')) === 0);
  // Those who are known stay.
  const late = await Raw.open(small.mediaPort);
  await late.ended;
  assert.equal(await small.metric('rotunda_tcp_refused_full_total'), 4);
  peers[0].socket.destroy();
  await until('a place is free', async () => (await small.metric('rotunda_tcp_connections')) === 2);
  const next = await until('it is taken', async () => {
    const raw = await Raw.open(small.mediaPort);
    raw.socket.write(framed(check(iceParameters)));
    return (await Promise.race([raw.ended, raw.heard])) === 'heard' ? raw : null;
  });
  for (const { socket } of [...peers, next]) socket.destroy();
  await client.close();
});

test('where HTTP has TLS of its own, media comes in on its port too', async (t) => {
  const ca = TestCa.make(t);
  const { cert, key } = ca.issue('server');
  const secure = await Server.startFor(t, { args: ['--tls-cert', cert, '--tls-key', key], ca: ca.root });
  const client = await Client.join(secure, freshRoom(), 'ann');
  const { id, iceParameters, iceCandidates } = await client.request('create-transport', { direction: 'recv' });
  assert.deepEqual(iceCandidates.map(({ protocol, port }) => [protocol, port]), [
    ['udp', secure.mediaPort], ['tcp', secure.mediaPort], ['tcp', secure.port],
  ]);
  const raw = await Raw.open(secure.port);
  const bytes = framed(check(iceParameters));
  raw.socket.write(bytes.subarray(0, 1));
  await new Promise(setImmediate);
  raw.socket.write(bytes.subarray(1));
  assert.equal(await raw.answer(), 0x0101);
  await client.next('transport-state', ({ transportId, iceState }) => transportId === id && iceState === 'connected');
  // Beside it TLS goes on, whatever comes in which order.
  const mute = await Raw.open(secure.port);
  await handshake(secure);
  assert.ok((await secure.fetch('/healthz')).ok);
  mute.socket.destroy();
  const noise = await Raw.open(secure.port);
  noise.socket.write(Buffer.alloc(8));
  await noise.ended;
  assert.ok((await secure.fetch('/healthz')).ok);
  const plain = await Raw.open(secure.port);
  plain.socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await plain.ended;
  assert.match(String(plain.got), /^HTTP\/1\.1 400 .*https:\/\//s);
  raw.socket.destroy();
  await client.close();
});

test('HTTPS and media share a number, and its port', async (t) => {
  const ca = TestCa.make(t);
  const { cert, key } = ca.issue('server');
  const port = await freeTcpPort();
  const secure = await Server.startFor(t, { port, mediaPort: port, args: ['--ice-tcp', 'on', '--tls-cert', cert, '--tls-key', key], ca: ca.root });
  const client = await Client.join(secure, freshRoom(), 'ann');
  const { iceParameters, iceCandidates } = await client.request('create-transport', { direction: 'recv' });
  assert.deepEqual(iceCandidates.map(({ protocol, port }) => [protocol, port]), [['udp', port], ['tcp', port]]);
  const raw = await Raw.open(port);
  raw.socket.write(framed(check(iceParameters)));
  assert.equal(await raw.answer(), 0x0101);
  raw.socket.destroy();
  await client.close();
});

test('a port that another program has is done without, and the log says so; unless it has to be there', async (t) => {
  const other = createServer();
  await new Promise((resolve) => other.listen(0, '::', resolve));
  t.after(() => other.close());
  const { port } = other.address();
  const plain = await Server.startFor(t, { mediaPort: port });
  assert.match(plain.log, new RegExp(`media port accepts no TCP.*:${port} \\(TCP\\): Address already in use`));
  const client = await Client.join(plain, freshRoom(), 'ann');
  const { iceCandidates } = await client.request('create-transport', { direction: 'recv' });
  assert.deepEqual(iceCandidates.map(({ protocol }) => protocol), ['udp']);
  await refused(client, 'unsupported', 'create-transport', { direction: 'recv', forceTcp: true });
  await client.close();
  await plain.stop();
  const { status, err } = await startRefused(['--listen', '127.0.0.1:0', '--media-port', String(port), '--ice-tcp', 'on']);
  assert.equal(status, 2);
  assert.match(err, /^rotunda: cannot listen on .*choose another port with --media-port\n$/);
});

test('switched off there is no door', async (t) => {
  const plain = await Server.startFor(t, { args: ['--ice-tcp', 'off'] });
  const client = await Client.join(plain, freshRoom(), 'ann');
  const { iceCandidates } = await client.request('create-transport', { direction: 'recv' });
  assert.deepEqual(iceCandidates.map(({ protocol }) => protocol), ['udp']);
  await refused(client, 'unsupported', 'create-transport', { direction: 'recv', forceTcp: true });
  await assert.rejects(Raw.open(plain.mediaPort), /ECONNREFUSED/);
  await client.close();
});
