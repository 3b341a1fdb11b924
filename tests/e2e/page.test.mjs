// The page in Chromium: what a person does in a room, at which sizes, by which keys, in which language.

import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ARTIFACTS, openChromium, Person } from './browsers.mjs';
import { assert, freshRoom } from './expect.mjs';
import { delay, Server, until } from './harness.mjs';
import { chatAndMute, SMALL } from './page_scenarios.mjs';

const SCRIPT_BYTES_MAX = 250 * 1024;
const AXE = readFileSync(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
let server, browser;
before(async () => {
  server = await Server.start();
  browser = await openChromium();
});
after(async () => {
  await browser.close();
  await server.stop();
});

async function closeAll(people) {
  for (const { page } of people) await page.close();
}

async function gather(names, options = SMALL) {
  const room = freshRoom();
  const people = [];
  for (const name of names) people.push(await Person.enter(browser, server, room, name, options));
  return people;
}

async function assertAccessible(page, what) {
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const { violations: found } = await window.axe.run(document);
    return found
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} (${failureSummary})`).join('; ')}`);
  });
  assert.deepEqual(violations, [], what);
}

test('the script of the first load is small', async (t) => {
  const page = await browser.newPage();
  const scripts = new Map();
  page.on('response', async (response) => {
    if (response.request().resourceType() === 'script') scripts.set(response.url(), response.body());
  });
  await page.goto(`${server.origin}/`, { waitUntil: 'networkidle' });
  let bytes = 0;
  for (const body of scripts.values()) bytes += gzipSync(await body).length;
  t.diagnostic(`measured: first load has ${Math.round(bytes / 1024)} KiB of compressed script in ${scripts.size} files`);
  assert.ok(scripts.size > 0);
  assert.ok(bytes < SCRIPT_BYTES_MAX, `expected under ${SCRIPT_BYTES_MAX} bytes, got ${bytes}`);
  await page.close();
});

test('from the address into a room with one click', async () => {
  const page = await browser.newPage();
  await page.goto(`${server.origin}/`);
  await page.click('#join:not([disabled])');
  await until('in the call', () => page.evaluate(() => document.body.classList.contains('in-call')));
  assert.match(page.url(), /[?&]room=[a-z]+-[a-z]+-\d+/, 'the address is a link to the room');
  await page.close();
});

test('chat with what is unread, and mute shown to others', () => chatAndMute(browser, server));

test('five people see and hear each other; who is not on the screen is not received', async () => {
  const names = ['Ann', 'Bob', 'Cid', 'Dan', 'Eve'];
  const people = await gather(names, { ...SMALL, fps: '10' });
  for (const person of people) await person.seesAndHears(...names.filter((name) => name !== person.name));
  const [ann] = people;
  await ann.page.screenshot({ path: `${ARTIFACTS}page-desktop.png` });
  await ann.page.setViewportSize({ width: 360, height: 740 });
  await delay(600);
  await ann.page.screenshot({ path: `${ARTIFACTS}page-phone.png` });
  const overflow = await ann.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `expected no sideways scrolling at 360 pixels, ${overflow} too wide`);

  await ann.page.setViewportSize({ width: 360, height: 320 });
  await until('some are on another page', async () => (await ann.tiles()).length < 4);
  await delay(600); // until the tiles lie still
  const shown = await ann.tiles();
  const framesOf = async () => Object.fromEntries(Object.entries((await ann.stats()).got).map(([name, { video }]) => [name, video.frames]));
  await delay(1000);
  const before = await framesOf();
  await delay(1500);
  const after = await framesOf();
  for (const name of names.slice(1)) {
    if (shown.includes(name)) assert.ok(after[name] > before[name], `${name} is on the screen and goes on`);
    else assert.equal(after[name], before[name], `${name} is not on the screen`);
  }
  await ann.page.setViewportSize({ width: 1280, height: 720 });
  await until('all are back', async () => {
    const now = await framesOf();
    return names.slice(1).every((name) => now[name] > after[name] + 3);
  });
  await closeAll(people);
});

test('a shared screen is seen beside the camera, with its sound, and ends', async () => {
  const people = await gather(['Ann', 'Bob']);
  const [ann, bob] = people;
  await bob.seesAndHears('Ann');
  await ann.evaluate(() => {
    // There is no screen to choose from here; what is sent from then on is the page's own.
    navigator.mediaDevices.getDisplayMedia = async () => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
      const pen = canvas.getContext('2d');
      let frame = 0;
      setInterval(() => {
        pen.fillStyle = `hsl(${frame++ * 9 % 360} 60% 50%)`;
        pen.fillRect(0, 0, 640, 360);
      }, 100);
      const context = new AudioContext();
      const oscillator = context.createOscillator();
      const out = context.createMediaStreamDestination();
      oscillator.connect(out);
      oscillator.start();
      return new MediaStream([...canvas.captureStream(10).getTracks(), ...out.stream.getTracks()]);
    };
  });
  await ann.click('screen');
  await until('Bob sees the screen and the camera', async () => {
    const { Ann } = (await bob.stats()).got;
    return Ann.screen?.frames > 5 && Ann['screen-audio']?.energy > 0 && Ann.video.frames > 0;
  }, { deadlineMs: 20_000, everyMs: 100 }).catch(async (error) => {
    const seen = JSON.stringify({ sent: (await ann.stats()).sent, got: (await bob.stats()).got });
    throw new Error(`${error.message}; ${seen}; ${ann.console.join(' ')} ${bob.console.join(' ')}`);
  });
  assert.equal(await bob.evaluate(() => document.querySelectorAll('.tile.screen').length), 1);
  const camera = (await bob.stats()).got.Ann.video.frames;
  await until('the camera goes on', async () => (await bob.stats()).got.Ann.video.frames > camera + 10);
  await ann.click('screen');
  await until('the screen is gone', () => bob.evaluate(() => document.querySelector('.tile.screen') === null));
  await closeAll(people);
});

test('a server that is killed and started again: everyone is told, and comes back', async () => {
  const people = await gather(['Ann', 'Bob']);
  const [ann, bob] = people;
  await ann.seesAndHears('Bob');
  const { port } = server;
  await server.kill();
  for (const person of people) await person.page.waitForSelector('#lost', { state: 'attached' });
  await delay(1500); // long enough for the countdown to show
  server = await Server.start({ port });
  for (const person of people)
    await until('the banner goes', () => person.evaluate(() => document.getElementById('lost') === null), { deadlineMs: 20_000 });
  await ann.seesAndHears('Bob');
  await bob.seesAndHears('Ann');
  assert.deepEqual(await ann.tiles(), ['Bob']);
  assert.deepEqual(await bob.tiles(), ['Ann']);
  await closeAll(people);
});

test('keys: m, v, c, space to talk, s, ?; none while typing', async () => {
  const people = await gather(['Ann', 'Bob']);
  const [ann, bob] = people;
  await bob.seesAndHears('Ann');
  const press = (key) => ann.page.keyboard.press(key);
  await press('m');
  await bob.tileHas('Ann', 'no-audio');
  await ann.page.keyboard.down(' ');
  await bob.tileHas('Ann', 'no-audio', false);
  await ann.page.keyboard.up(' ');
  await bob.tileHas('Ann', 'no-audio');
  await press('v');
  await bob.tileHas('Ann', 'no-video');
  await press('v');
  await bob.tileHas('Ann', 'no-video', false);
  await press('s');
  await until('figures on the tiles', () =>
    ann.evaluate(() => {
      const rows = [...document.querySelectorAll('.tile:not(.local) .stats [data-row]')].map(({ dataset }) => dataset.row);
      return ['resolution', 'bitrate', 'loss', 'rtt', 'jitter', 'codec'].every((row) => rows.includes(row));
    }),
  );
  await press('s');
  await press('?');
  await ann.page.waitForSelector('[role="dialog"]');
  await press('Escape');
  await press('c');
  await ann.page.waitForSelector('#chat-text');
  await ann.page.type('#chat-text', 'm v s ?');
  assert.equal(await ann.page.inputValue('#chat-text'), 'm v s ?');
  assert.equal(await ann.evaluate(() => document.querySelector('.stats')), null);
  await bob.tileHas('Ann', 'no-audio'); // still as the space bar left it
  await closeAll(people);
});

test('a pinned participant is large and stays so', async () => {
  const people = await gather(['Ann', 'Bob', 'Cid']);
  const [ann] = people;
  await ann.seesAndHears('Bob', 'Cid');
  await ann.page.hover('.tile[data-name="Cid"]');
  await ann.page.click('.tile[data-name="Cid"] [aria-label="Pin Cid"]');
  const widthOf = (name) => ann.evaluate((user) => document.querySelector(`.tile[data-name="${user}"]`)?.clientWidth ?? 0, name);
  await until('Cid is large', async () => (await widthOf('Cid')) > 3 * (await widthOf('Bob')));
  await closeAll(people);
});

test('without camera and microphone one can join, and is told how to mend it', async () => {
  const page = await browser.newPage();
  await page.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
  });
  await page.goto(`${server.origin}/?room=${freshRoom()}&name=Ann`);
  await page.getByText('To allow it:').waitFor();
  await page.click('#join:not([disabled])');
  await until('in the call', () => page.evaluate(() => document.body.classList.contains('in-call')));
  await page.close();
});

test('a reload in the call goes on with it', async () => {
  const room = freshRoom();
  const bob = await Person.enter(browser, server, room, 'Bob', SMALL);
  const page = await browser.newPage();
  await page.goto(`${server.origin}/?room=${room}&name=Ann`);
  await page.click('#join:not([disabled])');
  await until('in the call', () => page.evaluate(() => document.body.classList.contains('in-call')));
  await bob.seesAndHears('Ann');
  await page.reload();
  await until('in the call again', () => page.evaluate(() => document.body.classList.contains('in-call')));
  await bob.seesAndHears('Ann');
  assert.deepEqual(await bob.tiles(), ['Ann']);
  await page.click('#leave');
  await page.getByText('You left the call').waitFor();
  await page.getByText('Join again').click();
  await until('in the call once more', () => page.evaluate(() => document.body.classList.contains('in-call')));
  await closeAll([bob, { page }]);
});

test('German where the browser wants it', async () => {
  const page = await browser.newPage();
  await page.goto(`${server.origin}/?language=de`);
  await page.getByText('Teilnehmen').waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'de');
  await page.close();
});

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds nothing serious, ${colorScheme}`, async () => {
    const lobby = await browser.newPage();
    await lobby.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const path of ['/', '/call', '/check']) {
      await lobby.goto(`${server.origin}${path}`, { waitUntil: 'networkidle' });
      await assertAccessible(lobby, path);
      await lobby.screenshot({ path: `${ARTIFACTS}page${path === '/' ? '-lobby' : path.replace('/', '-')}-${colorScheme}.png` });
    }
    await lobby.close();
    const people = await gather(['Ann', 'Bob']);
    const [ann, bob] = people;
    await ann.seesAndHears('Bob');
    await ann.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await ann.say('hello');
    await bob.click('camera');
    await bob.click('microphone');
    await ann.tileHas('Bob', 'no-video');
    await delay(3000); // toasts go
    await assertAccessible(ann.page, 'chat');
    await ann.page.screenshot({ path: `${ARTIFACTS}page-chat-${colorScheme}.png` });
    await ann.click('people');
    await ann.click('stats');
    await assertAccessible(ann.page, 'people and statistics');
    await ann.click('settings');
    await ann.page.waitForSelector('[role="dialog"]');
    await assertAccessible(ann.page, 'settings');
    await ann.page.screenshot({ path: `${ARTIFACTS}page-settings-${colorScheme}.png` });
    await closeAll(people);
  });
}
