// Chromium with the unmodified mediasoup-client, and a server with complete ICE agents in place of ICE-lite.

import { after, before, test } from 'node:test';
import { openChromium } from './browsers.mjs';
import { bundle } from './bundle.mjs';
import { assert, freshRoom } from './expect.mjs';
import { ROOT, Server, until } from './harness.mjs';

let server, browser;
before(async () => {
  server = await Server.start({ args: ['--ice', 'auto', '--ice-agents-max', '5'] });
  browser = await openChromium();
});
after(async () => {
  await browser.close();
  await server.stop();
});

async function enter(room, name, ice) {
  const page = await browser.newPage();
  await page.goto(`${server.origin}/healthz`);
  await page.evaluate(bundle(['mediasoup-client']));
  await page.addScriptTag({ path: `${ROOT}tests/e2e/ice_page.js` });
  await page.evaluate((options) => window.enter(options).then(() => null), { socketUrl: `${server.origin.replace('http', 'ws')}/ws`, room, name, ice });
  return page;
}

const statsOf = (page) => page.evaluate(() => window.call.stats());

async function moves(page) {
  const first = (await statsOf(page)).received;
  await until('sound and picture come', async () => {
    const { received } = await statsOf(page);
    return received.audio > (first.audio ?? 0) + 5 && received.video > (first.video ?? 0) + 5;
  });
}

test('media goes both ways over a complete agent, whoever has which role, and ICE restarts', async () => {
  const room = freshRoom();
  const ann = await enter(room, 'Ann', 'full');
  const bob = await enter(room, 'Bob', 'full');
  const producers = await until('all tracks', async () => {
    const list = await bob.evaluate(() => window.call.joined.producers);
    return list.length === 2 && list;
  });
  for (const { producerId } of producers) await bob.evaluate((id) => window.call.consume(id), producerId);
  await moves(bob);

  const options = await bob.evaluate(() => window.call.recv.options);
  assert.equal(options.iceParameters.iceLite, false);
  assert.ok(options.iceCandidates.length > 0 && options.iceCandidates.every(({ address, type }) => address === '127.0.0.1' && type === 'host'));
  const { server: [sending, receiving], states } = await statsOf(bob);
  assert.deepEqual(states, ['connected', 'connected']);
  assert.deepEqual([sending.iceRole, receiving.iceRole], ['controlled', 'controlling']);
  assert.equal(receiving.iceLite, false);
  assert.equal(receiving.iceSelectedTuple.protocol, 'udp');
  assert.notEqual(receiving.iceSelectedTuple.localPort, server.mediaPort);

  await bob.evaluate(() => window.call.restart());
  await moves(bob);
  assert.equal(await server.metric('rotunda_ice_agents'), 4);
  assert.equal(await server.metric('rotunda_ice_consent_lost_total'), 0);
});
