// A system on a bad day: calls that fail, clocks that jump, a disk that is full, names that take long, a process that is
// stopped for a while. The server goes on, and is whole again afterwards.

import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { assert, freshRoom, gather, stillServed } from '../e2e/expect.mjs';
import { faultsFor } from '../e2e/faults.mjs';
import { Client, delay, Server, until } from '../e2e/harness.mjs';

const { errno } = constants;
const LOOKUP_S = 8; // that a name takes: much longer than an answer, on a busy machine, too
const LOAD = `${dirname(process.env.ROTUNDA_BIN ?? 'build/rotunda')}/rotunda-load`;

// Datagrams that the server looks at, so that its sockets have something to do.
function knock(server) {
  const socket = createSocket('udp4');
  const timer = setInterval(() => socket.send(Buffer.from('0001000021'.padEnd(40, '0'), 'hex'), server.mediaPort, '127.0.0.1'), 5);
  return () => (clearInterval(timer), socket.close());
}

async function isWhole(server) {
  const client = await Client.join(server, freshRoom(), 'Somebody');
  await stillServed(client);
  await client.close();
  assert.equal((await server.fetch('/healthz')).status, 200);
}

// Each has a server of its own and waits for most of its time.
describe('a bad day', { concurrency: 4 }, () => {
  test('reading datagrams fails for a while, in each way that it may', { timeout: 300_000 }, async (t) => {
    const faults = faultsFor(t);
    const server = await Server.startFor(t, { args: ['--workers', '1'], env: faults.env });
    const [ann] = await gather(server, 'Ann');
    t.after(knock(server));
    for (const name of ['EAGAIN', 'EINTR', 'ENOMEM', 'ENOBUFS']) {
      const [hits, cpu] = [faults.hits(), server.cpuSeconds()];
      faults.set({ recvmmsg: errno[name] });
      const began = performance.now();
      await until(`calls fail with ${name}`, () => faults.hits() > hits + 3);
      await stillServed(ann);
      assert.equal((await server.fetch('/healthz')).status, 200, name);
      const seconds = (performance.now() - began) / 1000;
      assert.ok(server.cpuSeconds() - cpu < 1.5 * seconds + 0.5, `${name}: it does not spin`);
      faults.set({ recvmmsg: 0 });
      const before = await server.metric('rotunda_packets_received_total');
      await until(`datagrams are read again after ${name}`, async () => (await server.metric('rotunda_packets_received_total')) > before);
    }
    await isWhole(server);
  });

  // The buffers of the machine or of its network card are full, a firewall says no: media is lost, and nothing else is.
  test('sending datagrams fails for a while, in each way that it may', { timeout: 300_000 }, async (t) => {
    const faults = faultsFor(t);
    const server = await Server.startFor(t, { args: ['--workers', '1'], env: faults.env });
    const [ann] = await gather(server, 'Ann');
    const names = ['ENOBUFS', 'EAGAIN', 'ENOMEM', 'EPERM', 'EINTR'];
    const args = ['--url', `ws://127.0.0.1:${server.port}/ws`, '--participants', '2', '--video', '300', '--duration', '3', '--json', '-'];
    const crowd = promisify(execFile)(LOAD, args);
    const sent = () => server.metric('rotunda_rtp_sent_total');
    for (const name of names) {
      const before = await sent();
      await until(`media flows before ${name}`, async () => (await sent()) > before + 50);
      const [hits, cpu, began] = [faults.hits(), server.cpuSeconds(), performance.now()];
      faults.set({ sendmmsg: errno[name] });
      await until(`calls fail with ${name}`, () => faults.hits() > hits + 3);
      await stillServed(ann);
      assert.equal((await server.fetch('/healthz')).status, 200, name);
      const seconds = (performance.now() - began) / 1000;
      assert.ok(server.cpuSeconds() - cpu < 1.5 * seconds + 0.5, `${name}: it does not spin`);
      faults.set({ sendmmsg: 0 });
    }
    const { metrics } = JSON.parse((await crowd).stdout);
    const found = Object.fromEntries(['joined', 'failed', 'dropped', 'faults'].map((name) => [name, metrics[name].value]));
    assert.deepEqual(found, { joined: 2, failed: 0, dropped: 0, faults: 0 });
    await isWhole(server);
  });

  test('accepting connections fails for a while, in each way that it may', { timeout: 300_000 }, async (t) => {
    const faults = faultsFor(t);
    const server = await Server.startFor(t, { env: faults.env });
    const [ann] = await gather(server, 'Ann');
    for (const name of ['EMFILE', 'ENFILE', 'ENOMEM', 'ECONNABORTED']) {
      const hits = faults.hits();
      faults.set({ accept: errno[name] });
      const waiting = connect(server.port, '127.0.0.1'); // a new one; fetch would take one that it has
      waiting.on('error', () => {});
      t.after(() => waiting.destroy());
      await until(`calls fail with ${name}`, () => faults.hits() > hits);
      await stillServed(ann);
      faults.set({ accept: 0 });
      await isWhole(server); // on a new connection
    }
  });

  test('the time of day jumps a year ahead, and back', { timeout: 300_000 }, async (t) => {
    const faults = faultsFor(t);
    const server = await Server.startFor(t, { env: faults.env });
    const [ann, bob] = await gather(server, 'Ann', 'Bob');
    for (const wallOffsetS of [31_536_000, -31_536_000, 0]) {
      faults.set({ wallOffsetS });
      await ann.request('chat-message', { text: 'hello' });
      assert.equal((await bob.next('chat-message')).text, 'hello');
      await isWhole(server);
    }
  });

  test('names take long: people do not wait for them', { timeout: 300_000 }, async (t) => {
    const faults = faultsFor(t);
    const server = await Server.startFor(t, { announce: 'localhost', env: faults.env });
    const [ann] = await gather(server, 'Ann');
    faults.set({ lookupSeconds: LOOKUP_S });
    server.signal('SIGHUP');
    await until('it looks', () => faults.hits() > 0);
    const started = performance.now();
    await stillServed(ann);
    await isWhole(server);
    assert.ok(performance.now() - started < LOOKUP_S * 1000 - 100, 'nobody waited for the name');
  });

  test('settings are read again without end while names take long: one look-up is under way', { timeout: 300_000 }, async (t) => {
    const faults = faultsFor(t);
    const server = await Server.startFor(t, { announce: 'localhost', args: ['--workers', '1'], env: faults.env });
    const [ann] = await gather(server, 'Ann');
    const threads = () => readdirSync(`/proc/${server.pid}/task`).length;
    const before = threads();
    faults.set({ lookupSeconds: 3 });
    for (let i = 0; i < 1000; i++) {
      server.signal('SIGHUP');
      if (i % 20) continue;
      await stillServed(ann);
      assert.ok(threads() <= before + 4, `${threads()} threads, ${before} before`); // the look-up, who waits for it, and those that end
    }
    assert.ok(faults.hits() > 0);
    faults.set({ lookupSeconds: 0 });
    await until('it is over', () => threads() === before, { deadlineMs: 60_000 });
    await isWhole(server);
  });

  test('a name is looked up once more when its minute is over', { timeout: 300_000 }, async (t) => {
    const faults = faultsFor(t);
    const server = await Server.startFor(t, { announce: 'localhost', env: faults.env });
    faults.set({ lookupSeconds: 1 });
    assert.equal(faults.hits(), 0);
    faults.set({ awayS: 60 });
    await until('it looks', () => faults.hits() > 0, { deadlineMs: 60_000 });
    await isWhole(server);
  });

  test('a process that is stopped for two seconds goes on where it was', { timeout: 300_000 }, async (t) => {
    const server = await Server.startFor(t);
    const [ann, bob] = await gather(server, 'Ann', 'Bob');
    server.signal('SIGSTOP');
    await delay(2000);
    server.signal('SIGCONT');
    await ann.request('chat-message', { text: 'still there' });
    assert.equal((await bob.next('chat-message')).text, 'still there');
    await isWhole(server);
  });

  // tests/soak/stop.mjs stops one for that long; here the clock says so.
  test('a process that did not run for a minute cuts nobody off', { timeout: 300_000 }, async (t) => {
    const faults = faultsFor(t);
    const server = await Server.startFor(t, { args: ['--workers', '1'], env: faults.env });
    const [ann, bob, cid] = await gather(server, 'Ann', 'Bob', 'Cid');
    const { roomId, resumeToken } = cid.joined;
    cid.cut();
    await until('one connection is lost', async () => (await server.metric('rotunda_clients')) === 2);
    faults.set({ awayS: 60 });
    assert.equal((await server.fetch('/healthz')).status, 200, 'none of its threads is stuck');
    await until('it is noticed', () => server.log.includes('server did not run'));
    const again = await Client.connect(server);
    assert.equal((await again.request('join-room', { roomId, resumeToken })).resumed, true, 'who was lost before had no chance meanwhile');
    await ann.request('chat-message', { text: 'still there' });
    assert.equal((await bob.next('chat-message')).text, 'still there');
    await isWhole(server);
    assert.equal(server.log.split('server did not run').length, 2, 'it is told once');
    assert.doesNotMatch(server.log, /no sign of life|worker stuck|reason="?timeout/);
  });

  test('a request whose rest came while the process was stopped is answered', { timeout: 300_000 }, async (t) => {
    const faults = faultsFor(t);
    const server = await Server.startFor(t, { env: faults.env });
    const socket = connect(server.port, '127.0.0.1');
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /metrics HTTP/1.1\r\nHo');
    await once(socket, 'data'); // what came with the first request has been read
    server.signal('SIGSTOP');
    await until('it is stopped', () => / T /.test(readFileSync(`/proc/${server.pid}/stat`, 'utf8')));
    await new Promise((resolve) => socket.write('st: x\r\n\r\n', resolve));
    faults.set({ awayS: 60 });
    server.signal('SIGCONT');
    assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 200 /);
  });

  test('a log on a full disk stops nothing, and what is lost is counted', { timeout: 300_000 }, async (t) => {
    const server = await Server.startFor(t, { around: ['/bin/sh', '-c', 'exec "$@" 2>/dev/full >/dev/full', 'sh'] });
    const [ann] = await gather(server, 'Ann');
    await stillServed(ann);
    await isWhole(server);
    assert.ok((await server.metric('rotunda_log_lines_dropped_total')) > 0, 'what is lost is counted');
  });

  test('a client that is gone while it is written to is no more than that (EPIPE)', { timeout: 300_000 }, async (t) => {
    const server = await Server.startFor(t);
    const [ann, bob] = await gather(server, 'Ann', 'Bob');
    for (let i = 0; i < 20; i++) {
      const guest = await Client.join(server, ann.joined.roomId, `Guest ${i}`);
      guest.cut();
      await ann.request('chat-message', { text: 'x'.repeat(4000) });
    }
    await stillServed(bob);
    await isWhole(server);
  });
});
