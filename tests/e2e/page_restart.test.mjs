// A rolling restart behind a proxy: two processes, one after the other at one address, and people in a call.

import { createServer, connect } from 'node:net';
import { test } from 'node:test';
import { openChromium, Person } from './browsers.mjs';
import { assert, freshRoom } from './expect.mjs';
import { Server, until } from './harness.mjs';
import { SMALL } from './page_scenarios.mjs';

const GAP_MS_MAX = 3_000; // without a picture of somebody; what is measured is told

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

// Notes in the page for how long nothing new was seen of somebody at most (`window.gap.most`, in milliseconds), and whether
// the tile was missing at a time. A page that does not run for a while sees nothing, whoever sends: that counts for little.
function watchTile(name) {
  const gap = (window.gap = { most: 0, missing: 0, unseen: 0, last: performance.now(), shown: null, frames: 0 });
  setInterval(() => {
    const video = document.querySelector(`.tile[data-name="${name}"] video`);
    const frames = video?.getVideoPlaybackQuality().totalVideoFrames ?? 0;
    const rose = frames > 0 && (video !== gap.shown || frames > gap.frames);
    const now = performance.now();
    gap.unseen += Math.min(now - gap.last, 200);
    gap.most = Math.max(gap.most, gap.unseen);
    gap.missing += video === null;
    if (rose) Object.assign(gap, { unseen: 0, shown: video, frames });
    gap.last = now;
  }, 20);
}

test('a rolling restart takes a call to the next process within seconds', { timeout: 120_000 }, async (t) => {
  const first = await Server.start({ args: ['--drain-time', '60'] });
  const proxy = await proxyTo(t, first);
  const room = freshRoom();
  const people = [];
  for (const name of ['Ann', 'Bob']) {
    const browser = await openChromium(); // each has a camera of its own, as people do
    t.after(() => browser.close());
    people.push(await Person.enter(browser, proxy, room, name, SMALL));
  }
  const [ann, bob] = people;
  await ann.seesAndHears('Bob');
  await bob.seesAndHears('Ann');
  for (const person of people) await person.evaluate(watchTile, person === ann ? 'Bob' : 'Ann');

  const second = await Server.startFor(t);
  proxy.server = second;
  for (const person of people) {
    person.before = await person.evaluate(() => window.gap.most); // while another server starts, and nobody moves
    await person.evaluate(() => void (window.gap.most = 0));
  }
  first.signal('SIGTERM');
  await until('both are in the next process', async () => (await second.metric('rotunda_participants')) === 2, { deadlineMs: 30_000 });
  await ann.seesMoreOf('Bob');
  await bob.seesMoreOf('Ann');
  await first.ended(); // long before its time is over: nobody is there any more
  for (const person of people) {
    const { most, missing } = await person.evaluate(() => window.gap);
    t.diagnostic(`measured: ${person.name}: no picture for ${Math.round(most)} ms at most, before ${Math.round(person.before)} ms`);
    assert.ok(most < GAP_MS_MAX + 2 * person.before, `${person.name} saw no picture for ${most} ms`);
    assert.equal(missing, 0, 'the tile stays');
    assert.deepEqual(await person.tiles(), [person === ann ? 'Bob' : 'Ann']);
    await person.has('#lost', false);
    assert.equal(person.errors.join('; '), '');
  }
});
