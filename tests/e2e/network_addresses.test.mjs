// Where media goes: what `auto` finds, what a STUN server sees, both families at once. Run by in_own_network.sh, in
// whose network this adds IPv6.

import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { before, test } from 'node:test';
import { openChromium, Person } from './browsers.mjs';
import { assert, freshRoom } from './expect.mjs';
import { Client, Server, startRefused, until } from './harness.mjs';

const V4 = process.env.ROTUNDA_TEST_ADDRESS;
const V6 = 'fd77::1';
const ip = (...args) => execFileSync('ip', args);

before(() => {
  assert.ok(V4, 'run by in_own_network.sh');
  ip('address', 'add', `${V6}/64`, 'dev', 'test0', 'nodad');
  // As a privacy address that has had its day: never announced.
  ip('address', 'add', 'fd77::dead/64', 'dev', 'test0', 'nodad', 'preferred_lft', '0');
  ip('-6', 'route', 'add', 'default', 'via', 'fd77::2'); // never used, but browsers look for it
});

// Those over UDP; those over TCP, behind them, are at the same addresses and port.
async function candidates(client) {
  const { iceCandidates } = await client.request('create-transport', { direction: 'send' });
  const places = (wanted) => iceCandidates.filter(({ protocol }) => protocol === wanted).map(({ address, port }) => `${address} ${port}`);
  assert.deepEqual(places('tcp'), places('udp'));
  return iceCandidates.filter(({ protocol }) => protocol === 'udp');
}

async function announced(server) {
  const client = await Client.join(server, freshRoom(), 'ann');
  const list = await candidates(client);
  await client.close();
  return list.map(({ address }) => address);
}

test('auto announces both families, over a dual-stack socket as well', async (t) => {
  const server = await Server.startFor(t, { announce: 'auto', host: '[::]' });
  for (const host of ['127.0.0.1', '[::1]', V4, `[${V6}]`]) {
    const client = await Client.join(server, freshRoom(), 'ann', {}, host);
    const list = await candidates(client);
    assert.deepEqual(list.map(({ address }) => address), [V4, V6], `asked at ${host}`);
    for (const candidate of list) assert.equal(candidate.port, server.mediaPort);
    assert.ok(list[0].priority > list[1].priority, 'earlier ones are preferred');
    await client.close();
  }
});

test('one block says who gets through, and what fixes it', async (t) => {
  const inContainer = existsSync('/.dockerenv') || existsSync('/run/.containerenv');
  const rows = [
    { env: { container: '', KUBERNETES_SERVICE_HOST: '' }, skip: inContainer, says: [`Media is announced at ${V4}, ${V6}.`, 'reaches  this private network; nobody on the internet', 'fix it   --announce auto,PUBLIC_IP'] },
    { env: { container: 'podman' }, says: ['inside a container.', 'reaches  other containers', 'fix it   ROTUNDA_ANNOUNCE=IP'] },
  ];
  for (const { env, says, skip } of rows) {
    if (skip) continue; // the test is in a container itself
    const server = await Server.startFor(t, { announce: 'auto', host: '0.0.0.0', env });
    await until('the banner', () => server.log.includes('fix it'));
    assert.equal(server.log.split('Media is announced at').length, 2, 'one block');
    for (const text of says) assert.ok(server.log.includes(text), `expected "${text}" in:\n${server.log}`);
  }
});

test('in JSON it is an event', async (t) => {
  const server = await Server.startFor(t, { announce: 'auto', host: '0.0.0.0', args: ['--log-format', 'json'] });
  const events = server.log.trim().split('\n').map((line) => JSON.parse(line));
  const few = events.find(({ event }) => event === 'media reaches few');
  assert.equal(few?.announced, `${V4},${V6}`);
  assert.ok(few.fix && few.meaning && few.reaches);
});

// A STUN server (RFC 8489) that sees everyone at this IPv4 address, and at another port than theirs where a router
// would change it; or that says nothing (null).
class FakeStun {
  asked = [];

  static async open(t, address, otherPort = undefined) {
    const fake = new FakeStun();
    fake.socket = createSocket('udp4');
    fake.socket.on('message', (request, from) => {
      fake.asked.push(from.port);
      if (!address) return;
      const reply = Buffer.alloc(32);
      reply.writeUInt16BE(0x0101, 0);
      reply.writeUInt16BE(12, 2);
      request.copy(reply, 4, 4, 20);
      reply.writeUInt16BE(0x0020, 20);
      reply.writeUInt16BE(8, 22);
      reply.writeUInt16BE(1, 24);
      reply.writeUInt16BE((otherPort ?? from.port) ^ 0x2112, 26);
      address.split('.').forEach((byte, i) => (reply[28 + i] = Number(byte) ^ request[4 + i]));
      fake.socket.send(reply, from.port, from.address);
    });
    await new Promise((resolve) => fake.socket.bind(0, '127.0.0.1', resolve));
    fake.flags = ['--stun', `127.0.0.1:${fake.socket.address().port}`];
    t.after(() => fake.socket.close());
    return fake;
  }
}

test('the address that a STUN server sees is announced too', async (t) => {
  const stun = await FakeStun.open(t, '203.0.113.9');
  const server = await Server.startFor(t, { announce: 'auto', host: '0.0.0.0', args: stun.flags });
  assert.deepEqual(stun.asked, [server.mediaPort], 'asked once, from the media port');
  assert.deepEqual(await announced(server), [V4, V6, '203.0.113.9']);
  assert.ok(!server.log.includes('warning    Media'), 'a public address is nothing to warn of');
  assert.ok(!server.log.includes('a router changes the port'));
});

test('a router that changes the port of media is warned of', async (t) => {
  const stun = await FakeStun.open(t, '203.0.113.9', 7);
  const server = await Server.startFor(t, { announce: 'auto', host: '0.0.0.0', args: stun.flags });
  await until('the warning', () => server.log.includes(`a router changes the port of media media_port=${server.mediaPort} seen=7`));
});

test('without an answer from the STUN server nothing starts', async (t) => {
  const stun = await FakeStun.open(t, null);
  const { status, out, err } = await startRefused(['--listen', '127.0.0.1:0', '--media-port', '0', ...stun.flags]);
  assert.match(err, /^rotunda: stun: 127\.0\.0\.1:\d+ did not answer within 3 s; [^\n]+\n$/);
  assert.equal(status, 2);
  assert.equal(out, '');
  assert.equal(stun.asked.length, 3);
});

// A mount namespace in which `file` stands for /etc/`name`.
const withEtc = (name, file) => ['unshare', '--mount', 'sh', '-c', `mount --bind ${file} /etc/${name} && exec "$@"`, 'sh'];

test('a name is announced as what it stands for, also after that has changed', async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/rotunda-hosts-`);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const hosts = (address) => writeFileSync(`${folder}/hosts`, `127.0.0.1 localhost\n${address} media.test\n`);
  hosts('203.0.113.20');
  const server = await Server.startFor(t, { announce: `media.test,${V4}`, host: '0.0.0.0', around: withEtc('hosts', `${folder}/hosts`) });
  const client = await Client.join(server, freshRoom(), 'ann');
  const addresses = async () => (await candidates(client)).map(({ address }) => address);
  assert.deepEqual(await addresses(), ['203.0.113.20', V4]);
  hosts('203.0.113.21');
  server.signal('SIGHUP'); // in place of waiting for the minute to pass
  await until('the new address', () => server.log.includes(`announced addresses changed addresses="203.0.113.21,${V4}"`));
  const told = await client.next('ice-restarted'); // who is inside already
  assert.equal(told.iceCandidates[0].address, '203.0.113.21');
  assert.deepEqual(await addresses(), ['203.0.113.21', V4]);
  const { transportId } = { transportId: (await client.request('create-transport', { direction: 'recv' })).id };
  const restarted = await client.request('restart-ice', { transportId });
  assert.equal(restarted.iceCandidates[0].address, '203.0.113.21');
  writeFileSync(`${folder}/hosts`, '127.0.0.1 localhost\n');
  server.signal('SIGHUP');
  await until('the warning', () => server.log.includes('announced addresses stay as they are'));
  assert.deepEqual(await addresses(), ['203.0.113.21', V4]);
});

test('a name that does not resolve is said, and nothing starts', async () => {
  const { status, out, err } = await startRefused(['--listen', '127.0.0.1:0', '--announce', 'media.invalid']);
  assert.match(err, /^rotunda: announce: "media\.invalid" does not resolve: [^\n]+; correct the name, or write the address itself\n$/);
  assert.equal(status, 2);
  assert.equal(out, '');
});

test('name servers that say nothing do not keep it for ever', async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/rotunda-names-`);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(`${folder}/resolv.conf`, 'nameserver 127.0.0.1\n');
  const silent = createSocket('udp4');
  let asked = 0;
  silent.on('message', () => asked++);
  await new Promise((resolve) => silent.bind(53, '127.0.0.1', resolve));
  t.after(() => silent.close());
  const { status, err } = await startRefused(['--listen', '127.0.0.1:0', '--stun', 'stun.example.org'], {}, withEtc('resolv.conf', `${folder}/resolv.conf`));
  assert.match(err, /^rotunda: stun: "stun\.example\.org" does not resolve: no answer from the name servers within 5 s; [^\n]+\n$/);
  assert.equal(status, 2);
  assert.ok(asked > 0, 'the name server was asked');
});

// Leaves candidates of one family in what the server says.
const only = (family) => ({
  rewrite(text) {
    const message = JSON.parse(text);
    const list = message.data?.iceCandidates;
    if (list) message.data.iceCandidates = list.filter(({ address }) => address.includes(':') === (family === 6));
    return JSON.stringify(message);
  },
});

// The addresses that this person's media goes to.
const remoteAddresses = (person) =>
  person.evaluate(async () => {
    const report = await [...window.rotunda.room.producers.values()][0].getStats();
    const all = [...report.values()];
    const pairs = all.filter(({ type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded');
    return pairs.map(({ remoteCandidateId }) => report.get(remoteCandidateId).address);
  });

test('one over IPv4 and one over IPv6 see and hear each other', async (t) => {
  const server = await Server.startFor(t, { announce: 'auto', host: '[::]' });
  const browser = await openChromium();
  t.after(() => browser.close());
  const room = freshRoom();
  const small = { width: '320', height: '180', fps: '15' };
  const ann = await Person.enter(browser, server, room, 'Ann', { ...small, link: only(4) });
  server.origin = `http://[::1]:${server.port}`;
  const bob = await Person.enter(browser, server, room, 'Bob', { ...small, link: only(6) });
  await ann.seesAndHears('Bob');
  await bob.seesAndHears('Ann');
  assert.deepEqual(await remoteAddresses(ann), [V4]);
  assert.deepEqual(await remoteAddresses(bob), [V6]);
});
