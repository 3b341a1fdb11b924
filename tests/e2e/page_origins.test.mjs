// Whose pages may use a server, tried in a real browser: its own, and those of sites that the operator names.

import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { openChromium, openFirefox } from './browsers.mjs';
import { assert } from './expect.mjs';
import { Server, until } from './harness.mjs';

let site; // another one, with a page of its own
before(async () => {
  site = createServer((request, response) => response.setHeader('content-type', 'text/html').end('<title>elsewhere</title>'));
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
  site.origin = `http://127.0.0.1:${site.address().port}`;
});
after(() => site.close());

// What becomes of a WebSocket to `server` and of a fetch of its state from the page of `origin`.
async function attempt(browser, origin, server) {
  const page = await browser.newPage();
  await page.goto(`${origin}/healthz`); // no page of ours, whose policy would speak first
  const seen = await page.evaluate(async (url) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`);
    const opened = await new Promise((resolve) => {
      socket.onopen = () => resolve(true);
      socket.onerror = () => resolve(false);
    });
    socket.close();
    const read = await fetch(`${url}/healthz`).then((answer) => answer.ok, () => false);
    return { opened, read };
  }, server.origin);
  await page.close();
  return seen;
}

for (const [name, open] of [['Chromium', openChromium], ['Firefox', openFirefox]]) {
  test(`${name}: a page of another origin may do what the operator allows`, async (t) => {
    const browser = await open();
    t.after(() => browser.close());
    const rows = [
      { args: [], own: true, other: false },
      { args: ['--origins', 'self'], own: true, other: false },
      { args: ['--origins', 'https://elsewhere.example'], own: true, other: false },
      { args: ['--origins', `https://elsewhere.example, ${site.origin}`], own: true, other: true },
      { args: ['--origins', '*'], own: true, other: true },
    ];
    for (const { args, own, other } of rows) {
      const server = await Server.startFor(t, { args });
      assert.deepEqual(await attempt(browser, server.origin, server), { opened: own, read: own }, `own, ${args}`);
      assert.deepEqual(await attempt(browser, site.origin, server), { opened: other, read: other }, `other, ${args}`);
      if (!other) await until('a warning', () => server.log.includes(site.origin));
      await server.stop();
    }
  });
}
