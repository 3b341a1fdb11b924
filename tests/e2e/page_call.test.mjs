// The pages /call and /check in Chromium.

import { test } from 'node:test';
import { openChromium } from './browsers.mjs';
import { assert } from './expect.mjs';
import { Server, until } from './harness.mjs';
import { callSuite } from './page_suite.mjs';

const world = callSuite(openChromium);

test('the check says which step failed', async () => {
  // Nothing reaches an address that is for documentation only.
  const unreachable = await Server.start({ announce: '192.0.2.1' });
  const page = await world.browser.newPage();
  await page.goto(`${unreachable.origin}/check`);
  await page.click('#start');
  await until('the check ends', () => page.evaluate(() => /failed at/.test(document.getElementById('result').textContent)), {
    deadlineMs: 30_000,
  });
  const state = (step) => page.evaluate((name) => document.querySelector(`[data-step="${name}"]`).dataset.state, step);
  assert.equal(await state('websocket'), 'ok');
  assert.equal(await state('udp'), 'failed');
  assert.equal(await state('dtls'), 'skipped');
  await page.close();
  await unreachable.stop();
});
