// UDP is blocked for a while and comes back, signalling goes on meanwhile: the picture is back within two seconds, and
// what comes is what was sent (a receiver that took numbers amiss would reject every packet). Meanwhile others' networks
// fail altogether: whose socket falls silent is gone 30 s after the last sign of life, and who is back after 15 s resumes.
// Run by in_own_network.sh; ROTUNDA_OUTAGE_SECONDS: how long, by default longer than consent lasts.

import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { openChromium, Person } from './browsers.mjs';
import { assert, freshRoom } from './expect.mjs';
import { Client, delay, Server, until } from './harness.mjs';

const SECONDS = Number(process.env.ROTUNDA_OUTAGE_SECONDS ?? 40);
const BACK_WITHIN_MS = 2000;
const SMALL = { width: '320', height: '180', fps: '30' };

const nft = (...words) => execFileSync('nft', words);

// Nothing of this client's connection comes through any more, and nobody closes it. Returns what ends that.
function silence(name, client) {
  const port = String(client.socket._socket.localPort);
  nft('add', 'table', 'inet', name);
  nft('add', 'chain', 'inet', name, 'in', '{ type filter hook input priority 0; }');
  for (const way of ['sport', 'dport']) nft('add', 'rule', 'inet', name, 'in', 'tcp', way, port, 'drop');
  return () => nft('delete', 'table', 'inet', name);
}

// Cid's network fails for good. The limit is generous, for a machine that is busy; what it guards is that nobody stays for
// as long as a socket takes to be given up and then the whole time to resume, which was 80 s.
async function leavesInTime(server, room) {
  const [cid, watcher] = [await Client.join(server, room, 'Cid'), await Client.join(server, room, 'Watcher')];
  await cid.answer('ping');
  const heard = performance.now();
  silence('cid', cid);
  const left = await watcher.take('user-left of Cid', (message) => message.type === 'user-left' && message.data.user === 'Cid', 75_000);
  const seconds = (performance.now() - heard) / 1000;
  cid.cut(); // its goodbye would wait for an answer that cannot come
  assert.equal(left.data.reason, 'timeout');
  assert.ok(seconds > 20 && seconds < 60, `${seconds.toFixed(1)} s`);
  return seconds;
}

// Dan's network fails for 15 s; then he is back by another connection, as any client would be.
async function resumesInTime(server, room) {
  const dan = await Client.join(server, room, 'Dan');
  const { resumeToken } = dan.joined;
  const back = silence('dan', dan);
  await delay(15_000); // this is the outage, not a wait for something
  const again = await Client.connect(server);
  assert.equal((await again.request('join-room', { roomId: room, resumeToken })).resumed, true);
  back();
  dan.cut();
}

const frames = (person) =>
  person.evaluate(async () => {
    let decoded = 0;
    for (const consumer of window.rotunda.room.consumers.values())
      for (const { type, kind, framesDecoded } of (await consumer.consumer.getStats()).values())
        if (type === 'inbound-rtp' && kind === 'video') decoded += framesDecoded ?? 0;
    return decoded;
  });

test(`video is back soon after ${SECONDS} seconds without UDP`, { timeout: (SECONDS + 120) * 1000 }, async (t) => {
  const server = await Server.startFor(t, { announce: process.env.ROTUNDA_TEST_ADDRESS, args: ['--ice-tcp', 'off'] }); // else it goes on
  const browser = await openChromium();
  t.after(() => browser.close());
  const room = freshRoom();
  const ann = await Person.enter(browser, server, room, 'Ann', SMALL);
  const bob = await Person.enter(browser, server, room, 'Bob', SMALL);
  await ann.seesAndHears('Bob');
  await bob.seesAndHears('Ann');

  nft('add', 'table', 'inet', 'outage');
  nft('add', 'chain', 'inet', 'outage', 'in', '{ type filter hook input priority 0; }');
  nft('add', 'rule', 'inet', 'outage', 'in', 'meta', 'l4proto', 'udp', 'drop');
  const others = Promise.all([leavesInTime(server, freshRoom()), resumesInTime(server, freshRoom())]);
  await delay(SECONDS * 1000); // this is the outage, not a wait for something
  const before = [await frames(ann), await frames(bob)];
  nft('delete', 'table', 'inet', 'outage');
  const back = performance.now();
  const took = await Promise.all(
    [ann, bob].map(async (person, i) => {
      await until('the picture moves again', async () => (await frames(person)) > before[i] + 2, { deadlineMs: 30_000, everyMs: 20 });
      return Math.round(performance.now() - back);
    }),
  );
  console.log(`# measured: ${SECONDS} s without UDP, then the picture after ${took.join(' and ')} ms`);
  const [seconds] = await others;
  console.log(`# measured: whose socket fell silent was out of the room after ${seconds.toFixed(1)} s`);
  const [soon] = took.sort((a, b) => b - a);
  assert.ok(soon < BACK_WITHIN_MS * (process.env.ROTUNDA_OUTAGE_SECONDS ? 1 : 5), `back after ${soon} ms`);
});
