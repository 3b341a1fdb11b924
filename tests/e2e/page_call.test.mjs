// The pages /call and /check in Chromium.

import { after, before, test } from 'node:test';
import { openChromium } from './browsers.mjs';
import { assert } from './expect.mjs';
import { Server, until } from './harness.mjs';
import { Caller, CALLS, checkPage } from './page_scenarios.mjs';

let server, browser;
before(async () => {
  server = await Server.start();
  browser = await openChromium();
});
after(async () => {
  await browser.close();
  await server.stop();
});

for (const [what, run] of Object.entries(CALLS)) test(`a call: ${what}`, () => run(browser, server));

test('a call goes on while its WebSocket is cut, and signalling comes back', async () => {
  const ann = await Caller.open(browser, server, 'Cut Ann', 'Cut Bob', 'call');
  const bob = await Caller.open(browser, server, 'Cut Bob', 'Cut Ann', 'call');
  await ann.hearsAndSees();
  await ann.page.evaluate(() => window.rotunda.call.session.cut());
  await until('the session is back', () => ann.page.evaluate(() => window.rotunda.call.session.state.name === 'joined'));
  await ann.hearsAndSees();
  await ann.click('hang-up');
  await bob.state('waiting');
  for (const { page } of [ann, bob]) await page.close();
});

test('the check finds that everything works', () => checkPage(browser, server));

test('the check says which step failed', async () => {
  // Nothing reaches an address that is for documentation only.
  const unreachable = await Server.start({ announce: '192.0.2.1' });
  const page = await browser.newPage();
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
