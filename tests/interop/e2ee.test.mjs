// Calls that are encrypted from end to end between Chromium and Firefox, with layers, for who comes late, and in AV1.
//
//   (cd frontend && npm ci && npm run build); (cd tests/e2e && npm ci)
//   ROTUNDA_BIN=$PWD/build/rotunda tests/e2e/in_own_network.sh node --test tests/interop/e2ee.test.mjs
//
// Half a minute.
import { after, before, test } from 'node:test';
import { openChromium, openFirefox } from '../e2e/browsers.mjs';
import { BROWSERS, EVERYWHERE } from '../e2e/e2ee_scenarios.mjs';
import { Server } from '../e2e/harness.mjs';

const world = {};
before(async () => {
  world.server = await Server.start({ announce: process.env.ROTUNDA_TEST_ADDRESS ?? '127.0.0.1' });
  [world.firefox, world.chromium] = await Promise.all([openFirefox(), openChromium()]);
});
after(async () => {
  await world.firefox?.close();
  await world.chromium?.close();
  await world.server?.stop();
});
for (const [what, scenario] of Object.entries({ ...BROWSERS, ...EVERYWHERE })) test(what, () => scenario(world));
