// The room in Chromium.

import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openChromium } from './browsers.mjs';
import { assert } from './expect.mjs';
import { until } from './harness.mjs';
import { pageSuite } from './page_suite.mjs';

const SCRIPT_BYTES_MAX = 190 * 1024;
const world = pageSuite(openChromium);

// Counts the scripts that a page loads, and whether mediasoup-client is among them.
async function lobby(init) {
  const page = await world.browser.newPage({ init });
  const scripts = new Map();
  page.on('response', (response) => {
    if (response.request().resourceType() === 'script') scripts.set(response.url(), response.body().catch(() => Buffer.alloc(0)));
  });
  await page.goto(`${world.server.origin}/`, { waitUntil: 'networkidle' });
  await page.waitForSelector('#join:not([disabled])');
  const bodies = () => Promise.all(scripts.values());
  const hasRoom = async () => (await bodies()).some((body) => body.includes('RTCPeerConnection'));
  return { page, bodies, hasRoom };
}

test('the lobby is usable without what a call takes, which comes once the preview is shown', async (t) => {
  // A person who has not yet answered the question for the camera.
  const asked = await lobby(() => void (navigator.mediaDevices.getUserMedia = () => new Promise(() => {})));
  const bodies = await asked.bodies();
  const bytes = bodies.reduce((sum, body) => sum + gzipSync(body).length, 0);
  t.diagnostic(`measured: first load has ${Math.round(bytes / 1024)} KiB of compressed script in ${bodies.length} files`);
  assert.ok(bodies.length > 0);
  assert.equal(await asked.hasRoom(), false, 'mediasoup-client is not loaded yet');
  assert.ok(bytes < SCRIPT_BYTES_MAX, `expected under ${SCRIPT_BYTES_MAX} bytes, got ${bytes}`);
  await asked.page.close();
  const seen = await lobby();
  await until('mediasoup-client is fetched', seen.hasRoom);
  await seen.page.close();
});
