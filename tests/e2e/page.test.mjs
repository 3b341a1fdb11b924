// The room in Chromium.

import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openChromium } from './browsers.mjs';
import { assert } from './expect.mjs';
import { pageSuite } from './page_suite.mjs';

const SCRIPT_BYTES_MAX = 250 * 1024;
const world = pageSuite(openChromium);

test('the script of the first load is small', async (t) => {
  const page = await world.browser.newPage();
  const scripts = new Map();
  page.on('response', async (response) => {
    if (response.request().resourceType() === 'script') scripts.set(response.url(), response.body().catch(() => Buffer.alloc(0)));
  });
  await page.goto(`${world.server.origin}/`, { waitUntil: 'networkidle' });
  let bytes = 0;
  for (const body of scripts.values()) bytes += gzipSync(await body).length;
  t.diagnostic(`measured: first load has ${Math.round(bytes / 1024)} KiB of compressed script in ${scripts.size} files`);
  assert.ok(scripts.size > 0);
  assert.ok(bytes < SCRIPT_BYTES_MAX, `expected under ${SCRIPT_BYTES_MAX} bytes, got ${bytes}`);
  await page.close();
});
