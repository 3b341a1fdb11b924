// What the server tells a browser of its pages, and that the pages live with it: no violation on any of them, in a room
// with picture and sound, and what slips into a page does not run.

import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { openChromium } from './browsers.mjs';
import { assert } from './expect.mjs';
import { Server, until } from './harness.mjs';

const WATCH = () => {
  window.violations = [];
  document.addEventListener('securitypolicyviolation', (event) => window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile}`));
};

let server;
let browser;
before(async () => {
  server = await Server.start();
  browser = await openChromium();
});
after(async () => {
  await browser.close();
  await server.stop();
});

async function openPage(path) {
  const page = await browser.newPage({ init: WATCH });
  page.said = [];
  page.on('console', (message) => page.said.push(message.text()));
  page.on('pageerror', (error) => page.said.push(String(error)));
  await page.goto(`${server.origin}${path}`, { waitUntil: 'networkidle' });
  return page;
}

async function assertNoViolation(page, what) {
  assert.deepEqual(await page.evaluate(() => window.violations), [], what);
  assert.deepEqual(page.said.filter((text) => /Content Security Policy|Permissions policy/i.test(text)), [], what);
}

test('the headers of pages', async () => {
  for (const path of ['/', '/call', '/check', '/index.html']) {
    const { headers } = await server.fetch(path);
    const policy = headers.get('content-security-policy');
    assert.match(policy, /script-src 'self' 'wasm-unsafe-eval'( 'sha256-[A-Za-z0-9+/]{43}=')+; /, path);
    assert.ok(!/script-src[^;]*'unsafe/.test(policy), path);
    assert.match(policy, /frame-ancestors 'self'/);
    assert.match(headers.get('permissions-policy'), /camera=\(self\), microphone=\(self\), display-capture=\(self\)/);
    assert.equal(headers.get('referrer-policy'), 'no-referrer');
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
  }
});

for (const path of ['/', '/call', '/check', '/nothing-here'])
  test(`no violation on ${path}`, async () => {
    const page = await openPage(path);
    await assertNoViolation(page, path);
    await page.close();
  });

test('two people in a room see each other, without a violation', async () => {
  const people = [];
  for (const name of ['Ann', 'Bob']) people.push(await openPage(`/?room=policy&name=${name}`));
  for (const page of people) {
    const join = page.getByRole('button', { name: /join/i }).first();
    if (await join.isVisible().catch(() => false)) await join.click();
  }
  for (const page of people)
    await until('a picture moves', () => page.evaluate(() => [...document.querySelectorAll('video')].filter((v) => v.videoWidth > 0 && v.currentTime > 0).length >= 2), { deadlineMs: 30_000, everyMs: 250 });
  for (const page of people) await assertNoViolation(page, 'in the room');
  for (const page of people) await page.close();
});

test('what slips into a page does not run', async () => {
  const page = await openPage('/');
  const ran = await page.evaluate(async () => {
    window.ran = [];
    const inline = document.createElement('script');
    inline.textContent = 'window.ran.push("inline")';
    const elsewhere = document.createElement('script');
    elsewhere.src = 'data:text/javascript,window.ran.push("elsewhere")';
    const image = document.createElement('div');
    image.innerHTML = '<img src="x" onerror="window.ran.push(\'attribute\')">';
    document.body.append(inline, elsewhere, image);
    await new Promise((resolve) => setTimeout(resolve, 500));
    return window.ran;
  });
  assert.deepEqual(ran, []);
  assert.ok((await page.evaluate(() => window.violations.length)) >= 3);
  await page.close();
});

test('another site shows the page in a frame only where the setting says so', async (t) => {
  const outer = createServer((request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<iframe src="${new URL(request.url, 'http://x').searchParams.get('of')}" allow="camera; microphone"></iframe>`);
  });
  await new Promise((resolve) => outer.listen(0, '127.0.0.1', resolve));
  t.after(() => outer.close());
  const origin = `http://127.0.0.1:${outer.address().port}`;
  const willing = await Server.startFor(t, { args: ['--frame-ancestors', `'self' ${origin}`] });
  for (const [shown, there] of [[server, false], [willing, true]]) {
    const page = await browser.newPage();
    await page.goto(`${origin}/?of=${encodeURIComponent(`${shown.origin}/`)}`, { waitUntil: 'networkidle' });
    const title = await page.frames()[1].title().catch(() => '');
    assert.equal(title === 'Rotunda', there, `frame of ${shown.origin}: title "${title}"`);
    await page.close();
  }
});
