// Ten thousand WebSockets, idle or in rooms, make nobody else's arrival dearer, each of which once meant a walk past all
// their deadlines. Judged by the server's CPU time, not by a clock, so that a busy machine does not fail it;
// tests/bench/crowd_sockets_bench.c measures how long answers take.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { assert } from '../e2e/expect.mjs';
import { Client, delay, Server, until } from '../e2e/harness.mjs';

const CROWD = 10_000;
const ROOM_SIZE = 10;
const ARRIVALS = 1000;
const SELF = fileURLToPath(import.meta.url);

if (process.argv[2] === 'crowd') {
  // A process of its own: so many sockets, from one address of 127.0.0.0/8, until its input ends.
  const { connect } = await import('node:net');
  const [port, count, address, kind] = process.argv.slice(3);
  const upgrade =
    'GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';
  // One text in a frame whose mask is zeros.
  const frame = (text) => Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
  const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
  const join = (n) => frame(JSON.stringify({ type: 'join-room', data: { roomId: `${address} ${Math.floor(n / ROOM_SIZE)}`, username: `u${n}` } }));
  const one = (n) =>
    new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: Number(port), localAddress: address }, () => socket.write(upgrade));
      socket.once('data', () => {
        if (kind === 'idle') resolve();
        else socket.write(join(n));
      });
      socket.on('data', (data) => {
        if (data.includes('rotunda ')) socket.write(PONG); // what the server's pings have in them
        if (data.includes('"joined"')) resolve();
      });
      socket.on('error', () => {});
    });
  for (let i = 0; i < Number(count); i += 50) await Promise.all(Array.from({ length: 50 }, (_, k) => one(i + k)));
  process.stdout.write('ready\n');
  process.stdin.resume().on('end', () => process.exit(0));
  setTimeout(() => process.exit(0), 120_000).unref();
} else {
  async function crowd(server, kind) {
    const children = [];
    for (let i = 1; i <= 4; i++) {
      const child = spawn(process.execPath, [SELF, 'crowd', server.port, CROWD / 4, `127.0.7.${i}`, kind], { stdio: ['pipe', 'pipe', 'inherit'] });
      child.ready = new Promise((resolve) => child.stdout.once('data', resolve));
      children.push(child);
    }
    await Promise.all(children.map((child) => child.ready));
    return children;
  }

  // What it spends in a second on those who are there: each is pinged every four or five.
  async function idleRate(server) {
    const [before, began] = [server.cpuSeconds(), performance.now()];
    await delay(5000); // what is measured: a turn of the pings, which come in heaps as the crowd came
    return ((server.cpuSeconds() - before) * 1000) / (performance.now() - began);
  }

  // CPU seconds of the server for so many clients that come, ask and go, beside what it spends on others meanwhile.
  async function cost(server, rate) {
    const [before, began] = [server.cpuSeconds(), performance.now()];
    for (let i = 0; i < ARRIVALS; i += 50) {
      const clients = await Promise.all(Array.from({ length: 50 }, () => Client.connect(server)));
      await Promise.all(clients.map((client) => client.answer('ping')));
      await Promise.all(clients.map((client) => client.close()));
    }
    return server.cpuSeconds() - before - (rate * (performance.now() - began)) / 1000;
  }

  // The least of some, until it is below `enough`: a heap of pings may have come in between.
  async function leastCost(server, rate, enough) {
    let least = Infinity;
    for (let i = 0; i < 4 && least >= enough; i++) least = Math.min(least, await cost(server, rate));
    return least;
  }

  for (const kind of ['idle', 'joined'])
    test(`to come and go costs the same beside 10,000 ${kind} clients`, { timeout: 240_000 }, async (t) => {
      const limits = ['--connections-max', '11000', '--rooms-max', '2000', '--rooms-per-address', '0', '--waiting-per-address', '0'];
      const server = await Server.startFor(t, { args: [...limits, '--log-level', 'warn'] });
      await cost(server, 0); // warm
      const alone = await leastCost(server, 0, 0);
      const children = await crowd(server, kind);
      t.after(() => children.forEach((child) => child.kill('SIGKILL')));
      assert.ok((await server.metric('rotunda_clients')) >= CROWD);
      assert.equal(await server.metric('rotunda_participants'), kind === 'joined' ? CROWD : 0);
      const rate = await idleRate(server);
      const enough = 1.5 * alone + 0.1;
      const beside = await leastCost(server, rate, enough);
      for (const child of children) child.stdin.end();
      await until('they are gone', async () => (await server.metric('rotunda_clients')) < 10, { deadlineMs: 60_000 });
      t.diagnostic(`measured: ${ARRIVALS} clients: ${alone.toFixed(2)} s of CPU alone, ${beside.toFixed(2)} s beside ${CROWD} ${kind}, who cost ${rate.toFixed(2)} a second`);
      assert.ok(beside < enough, `${alone.toFixed(2)} s alone, ${beside.toFixed(2)} s beside ${CROWD} others`);
    });
}
