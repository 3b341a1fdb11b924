// The room in Chromium.

import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openChromium } from './browsers.mjs';
import { assert } from './expect.mjs';
import { until } from './harness.mjs';
import { pageSuite } from './page_suite.mjs';

const SCRIPT_BYTES_MAX = 150 * 1024;
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
  const hasRoom = async () => (await bodies()).some((body) => body.includes('Chrome111'));
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

// Nothing of the blur is asked for by who does not want it, and the camera's own picture is never sent by who does.
test('a blurred background: loaded when it is asked for, sent in place of the camera, and none without it', async () => {
  const wants = (blur) => localStorage.setItem('rotunda', JSON.stringify({ state: { blur, name: 'Ann' }, version: 0 }));
  const preview = async (init, refused) => {
    const page = await world.browser.newPage({ init });
    const files = [];
    page.on('request', (request) => request.url().includes('/blur/') && files.push(request.url()));
    if (refused) await page.route('**/blur/**', (route) => route.abort());
    await page.goto(`${world.server.origin}/?width=320&height=180&fps=10`);
    return { page, files };
  };
  const kind = (page) => page.evaluate(() => document.querySelector('section video')?.srcObject?.getVideoTracks()[0].constructor.name);
  const plain = await preview(`(${wants})(false)`);
  await until('the plain preview', async () => (await kind(plain.page)) === 'MediaStreamTrack', { deadlineMs: 30_000 });
  assert.deepEqual(plain.files, []);
  await plain.page.close();
  const blurred = await preview(`(${wants})(true)`);
  await until('the blurred preview', async () => (await kind(blurred.page)) === 'CanvasCaptureMediaStreamTrack', { deadlineMs: 60_000, everyMs: 200 });
  await until('it moves', () => blurred.page.evaluate(() => document.querySelector('section video').getVideoPlaybackQuality().totalVideoFrames > 3), { deadlineMs: 30_000 });
  await blurred.page.close();
  const refused = await preview(`(${wants})(true)`, true);
  await refused.page.getByText('The background cannot be blurred').waitFor({ timeout: 30_000 });
  assert.equal(await kind(refused.page), undefined, 'no picture without the blur');
  await refused.page.close();
});

test('the call in a small window over the others', async () => {
  const page = await world.browser.newPage();
  await page.goto(`${world.server.origin}/?room=window&name=Ann&auto=1&width=320&height=180&fps=10`);
  await page.click('#call-window', { timeout: 30_000 });
  const inWindow = (code) => page.evaluate(code);
  await until('one is seen in it', () => inWindow(() => documentPictureInPicture.window?.document.querySelector('[data-name="Ann"] video')?.videoWidth > 0), { deadlineMs: 30_000 });
  await inWindow(() => documentPictureInPicture.window.document.querySelector('button').click());
  await page.waitForSelector('.tile.no-audio');
  await page.click('#call-window');
  await until('it closes', () => inWindow(() => documentPictureInPicture.window === null));
  await page.close();
});
