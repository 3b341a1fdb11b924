// What Chromium and Firefox are both asked to do in a room. Each scenario gets the world ({ t, browser, server }) and
// people who are in a room already, and leaves them as it found them.

import { readFileSync } from 'node:fs';
import { Person } from './browsers.mjs';
import { assert, freshRoom, inOneOf } from './expect.mjs';
import { assertFlowWhile } from './flow.mjs';
import { Server, until } from './harness.mjs';

export const SMALL = { width: '320', height: '180', fps: '15' };
const AXE = readFileSync(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const DESKTOP = [1280, 720];

// People who stay in a room for several scenarios in a row; after one that failed they come anew.
export class Company {
  #names;
  #options;
  #people = null;

  constructor(names, options = SMALL) {
    this.#names = names;
    this.#options = options;
  }

  async run(world, scenario) {
    try {
      if (this.#people === null) await this.#gather(world);
      await scenario(world, ...this.#people);
      for (const { name, errors } of this.#people) assert.equal(errors.join('; '), '', `errors on the page of ${name}`);
    } catch (error) {
      await this.dismiss();
      throw error;
    }
  }

  async #gather({ browser, server }) {
    this.#people = [];
    const room = freshRoom();
    for (const name of this.#names) {
      const person = await Person.enter(browser, server, room, name, this.#options);
      this.#people.push(Object.assign(person, { room }));
    }
    for (const person of this.#people) await person.seesAndHears(...this.#names.filter((name) => name !== person.name));
  }

  async dismiss() {
    for (const { page } of this.#people ?? []) await page.close();
    this.#people = null;
  }
}

export async function assertAccessible(person, what) {
  await person.evaluate(AXE);
  const violations = await person.evaluate(async () => {
    const { violations: found } = await window.axe.run(document);
    return found
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} (${failureSummary})`).join('; ')}`);
  });
  assert.deepEqual(violations, [], what);
}

// Resolves once the tiles lie within the window and are painted there.
async function settled(person) {
  await person.until(
    'the tiles lie still',
    () =>
      new Promise((resolve) => {
        const place = () => JSON.stringify([...document.querySelectorAll('.tile')].map((tile) => tile.getBoundingClientRect()));
        const before = place();
        requestAnimationFrame(() => requestAnimationFrame(() => {
          const inside = [...document.querySelectorAll('.tile')].every((tile) => tile.getBoundingClientRect().right <= innerWidth);
          resolve(inside && place() === before);
        }));
      }),
  );
}

async function assertNotTooWide(person, what) {
  const overflow = await person.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${what}: expected no sideways scrolling, ${overflow} pixels too wide`);
}

// A screen that the page itself paints, for a browser that has none to share where there is no display. What is sent
// from then on, and all that the page does with it, is as with a real one.
function paintedScreen() {
  navigator.mediaDevices.getDisplayMedia = async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
    const pen = canvas.getContext('2d');
    let frame = 0;
    setInterval(() => {
      pen.fillStyle = `hsl(${(frame++ * 9) % 360} 60% 50%)`;
      pen.fillRect(0, 0, 640, 360);
    }, 100);
    // The browser's own test tone: an AudioContext stands still where there is no sound card.
    const tone = await navigator.mediaDevices.getUserMedia({ audio: true });
    return new MediaStream([...canvas.captureStream(10).getTracks(), ...tone.getTracks()]);
  };
}

// ---- two people ----

export const PAIR = {
  'chat: what is unread is counted, and who comes later reads the last messages': async ({ browser, server }, ann, bob) => {
    await ann.say('good morning');
    const label = () => bob.evaluate(() => document.getElementById('chat').getAttribute('aria-label'));
    await until('the unread message is counted', async () => (await label()).includes('1'));
    await bob.click('chat');
    await until('the message', async () => (await bob.messages()).includes('good morning'));
    assert.ok(!(await label()).includes('1'), 'nothing is unread any more');
    await bob.say('and to you');
    const cid = await Person.enter(browser, server, ann.room, 'Cid', SMALL);
    await cid.click('chat');
    await until('both messages', async () => (await cid.messages()).length === 2);
    assert.deepEqual(await cid.messages(), ['good morning', 'and to you']);
    await until('a tile for Cid', async () => (await ann.tiles()).includes('Cid'));
    await cid.click('leave');
    await cid.shows('You left the call');
    for (const person of [ann, bob]) await until('no tile for Cid', async () => !(await person.tiles()).includes('Cid'));
    await cid.page.close();
    for (const person of [ann, bob]) await person.click('chat');
  },

  'who is muted, or has no camera on, is shown so to the others': async (world, ann, bob) => {
    await ann.click('microphone');
    await bob.tileHas('Ann', 'no-audio');
    await bob.has('.tile[data-name="Ann"] [aria-label="muted"]');
    await ann.click('microphone');
    await bob.tileHas('Ann', 'no-audio', false);
    await ann.click('camera');
    await bob.tileHas('Ann', 'no-video');
    await ann.click('camera');
    await bob.tileHas('Ann', 'no-video', false);
    await bob.seesMoreOf('Ann');
  },

  'a shared screen is seen beside the camera, with its sound, and ends': async ({ browser }, ann, bob) => {
    if (!browser.sharesScreen) await ann.evaluate(paintedScreen);
    await ann.click('screen');
    await until(
      'Bob sees the screen and the camera',
      async () => {
        const { Ann } = (await bob.stats()).got;
        return Ann.screen?.frames > 5 && Ann['screen-audio']?.energy > 0 && Ann.video.frames > 0;
      },
      { deadlineMs: 20_000, everyMs: 100 },
    ).catch(async (error) => {
      const seen = JSON.stringify({ sent: (await ann.stats()).sent, got: (await bob.stats()).got });
      throw new Error(`${error.message}; ${seen}; ${ann.console.join(' ')} ${bob.console.join(' ')}`);
    });
    assert.equal(await bob.evaluate(() => document.querySelectorAll('.tile.screen').length), 1);
    await bob.seesMoreOf('Ann');
    await settled(bob);
    const widthOf = (selector) => bob.evaluate((css) => document.querySelector(css).clientWidth, selector);
    assert.ok((await widthOf('.tile.screen')) > 3 * (await widthOf('.tile[data-name="Ann"]')), 'the screen is large');
    await bob.screenshot(`${browser.name}-share`);
    await ann.click('screen');
    await bob.has('.tile.screen', false);
    await bob.until('the tiles are of one size again', () => {
      const widths = [...document.querySelectorAll('.tile')].map(({ clientWidth }) => clientWidth);
      return widths.every((width) => width === widths[0]);
    });
  },

  'a WebSocket that is cut is resumed, and no picture freezes': async ({ t, browser }, ann, bob) => {
    const limits = browser.name === 'firefox' ? { share: 0.85, slack: 3 } : {};
    await inOneOf(3, t, () =>
      assertFlowWhile(
        [ann, bob],
        async () => {
          const same = await ann.evaluate(
            () =>
              new Promise((resolve) => {
                const { room } = window.rotunda;
                const id = room.userId;
                room.on('ready', ({ resumed }) => resolve(resumed && room.userId === id));
                room.session.cut();
              }),
          );
          assert.equal(same, true, 'the same session');
          await Promise.all([ann.seesMoreOf('Bob', 20), bob.seesMoreOf('Ann', 20)]);
        },
        limits,
      ),
    );
    assert.deepEqual(await bob.tiles(), ['Ann']);
    await ann.click('microphone'); // signalling works again
    await bob.tileHas('Ann', 'no-audio');
    await ann.click('microphone');
    await bob.tileHas('Ann', 'no-audio', false);
  },

  'a change of network: both transports get new ICE paths, and the media goes on': async (world, ann, bob) => {
    const fragments = () =>
      ann.evaluate(() => {
        const { sendTransport, recvTransport } = window.rotunda.room;
        return [sendTransport, recvTransport].map(({ handler, _handler }) => /a=ice-ufrag:(\S+)/.exec((handler ?? _handler)._pc.remoteDescription.sdp)[1]);
      });
    const before = await fragments();
    await ann.evaluate(() => void window.dispatchEvent(new Event('online')));
    const after = await until('new paths', async () => {
      const now = await fragments();
      return now.every((fragment, i) => fragment !== before[i]) && now;
    });
    assert.equal(after.length, 2);
    await Promise.all([ann.seesMoreOf('Bob'), bob.seesMoreOf('Ann')]);
    await ann.until('both are connected', () => {
      const { sendTransport, recvTransport } = window.rotunda.room;
      return [sendTransport, recvTransport].every(({ connectionState }) => connectionState === 'connected');
    });
  },

  'keys: m, v, c, space to talk, s, ?; none while typing': async (world, ann, bob) => {
    await ann.press('m');
    await bob.tileHas('Ann', 'no-audio');
    await ann.page.keyboard.down(' ');
    await bob.tileHas('Ann', 'no-audio', false);
    await ann.page.keyboard.up(' ');
    await bob.tileHas('Ann', 'no-audio');
    await ann.press('v');
    await bob.tileHas('Ann', 'no-video');
    await ann.press('v');
    await bob.tileHas('Ann', 'no-video', false);
    await ann.press('?');
    await ann.has('[role="dialog"]');
    await ann.press('Escape');
    await ann.has('[role="dialog"]', false);
    await ann.until('the focus is back', () => document.activeElement?.id === 'help');
    await ann.press('c');
    await ann.until('the chat has the focus', () => document.activeElement?.id === 'chat-text');
    await ann.page.type('#chat-text', 'm v s ?');
    assert.equal(await ann.evaluate(() => document.getElementById('chat-text').value), 'm v s ?');
    assert.equal(await ann.evaluate(() => document.querySelector('.stats')), null);
    await bob.tileHas('Ann', 'no-audio'); // still as the space bar left it
    await ann.click('chat');
    await ann.press('m');
    await bob.tileHas('Ann', 'no-audio', false);
  },

  'figures on each tile: picture, bitrate, loss, round trip, jitter, codec': async (world, ann) => {
    await ann.press('s');
    await ann.until('all rows', () => {
      const rows = [...document.querySelectorAll('.tile:not(.local) .stats [data-row]')].map(({ dataset }) => dataset.row);
      return ['resolution', 'bitrate', 'loss', 'rtt', 'jitter', 'codec'].every((row) => rows.includes(row));
    });
    await ann.press('s');
    await ann.has('.stats', false);
  },
};

// ---- a server that goes ----

export async function serverRestarts(world, ann, bob) {
  const { port } = world.server;
  await world.server.kill();
  for (const person of [ann, bob]) {
    await person.has('#lost');
    await person.until('the seconds are counted', () => /in \d+ s/.test(document.getElementById('lost')?.textContent), undefined, {
      deadlineMs: 30_000,
    });
  }
  world.server = await Server.start({ ...world.options, port });
  for (const person of [ann, bob]) await person.until('the banner goes', () => document.getElementById('lost') === null, undefined, { deadlineMs: 20_000 });
  await ann.seesAndHears('Bob');
  await bob.seesAndHears('Ann');
  assert.deepEqual(await ann.tiles(), ['Bob']);
  assert.deepEqual(await bob.tiles(), ['Ann']);
}

// ---- five people ----

export const FIVE = ['Ann', 'Bob', 'Cid', 'Dan', 'Eve'];
export const FIVE_OPTIONS = { ...SMALL, fps: '10' };

export async function fiveOnEverySize({ browser }, ...people) {
  const [ann] = people;
  const others = FIVE.slice(1);
  await settled(ann);
  await ann.screenshot(`${browser.name}-desktop`);
  await ann.resize(360, 740);
  await settled(ann);
  await ann.screenshot(`${browser.name}-phone`);
  await assertNotTooWide(ann, 'at 360 pixels');
  const small = await ann.evaluate(() =>
    [...document.querySelectorAll('header button, #controls button')]
      .map((button) => ({ label: button.getAttribute('aria-label'), ...button.getBoundingClientRect().toJSON() }))
      .filter(({ width, height }) => width > 0 && (width < 44 || height < 44))
      .map(({ label, width, height }) => `${label} ${width}x${height}`),
  );
  assert.deepEqual(small, [], 'buttons on a phone are large enough for a finger');
  await ann.click('chat');
  await ann.until('people are seen above the chat', () => {
    const middle = ({ left, top, width, height }) => document.elementFromPoint(left + width / 2, top + height / 2);
    const seen = [...document.querySelectorAll('.tile')].filter((tile) => middle(tile.getBoundingClientRect())?.closest('.tile') === tile);
    return document.getElementById('chat-text') !== null && seen.length > 0;
  });
  await ann.screenshot(`${browser.name}-phone-chat`);
  await ann.click('chat');

  // Who speaks would come to the first page.
  for (const other of people.slice(1)) await other.click('microphone');
  for (const name of others) await ann.tileHas(name, 'no-audio');
  await ann.resize(360, 320);
  await until('some are on another page', async () => (await ann.tiles()).length < 4);
  await settled(ann);
  const shown = await ann.tiles();
  const framesOf = async () => {
    const { got } = await ann.stats();
    return Object.fromEntries(others.map((name) => [name, got[name].video.frames]));
  };
  const hidden = others.filter((name) => !shown.includes(name));
  let before;
  await until(
    'who is not on the screen is not received',
    async () => {
      const [earlier, now] = [before, await framesOf()];
      before = now;
      return earlier && hidden.every((name) => now[name] === earlier[name]);
    },
    { everyMs: 500 },
  );
  for (const name of shown) await ann.seesMoreOf(name, 8);
  const after = await framesOf();
  for (const name of hidden) assert.equal(after[name], before[name], `${name} is not on the screen`);

  await ann.clickOn('[aria-label="Next page"]');
  await until('the next page shows others', async () => (await ann.tiles()).some((name) => hidden.includes(name)));
  for (const name of await ann.tiles()) await ann.seesMoreOf(name, 3);
  await ann.clickOn('[aria-label="Previous page"]');
  await until('the first page is as it was', async () => String(await ann.tiles()) === String(shown));

  await ann.resize(...DESKTOP);
  for (const name of others) await ann.seesMoreOf(name, 3);
  for (const other of people.slice(1)) await other.click('microphone');
}

// ---- alone ----

export const ALONE = {
  'from the address into a room with at most two clicks': async ({ browser, server }) => {
    const ann = await Person.open(browser, 'Ann');
    await ann.page.goto(`${server.origin}/`);
    let clicks = 0;
    for (const selector of ['#join:not([disabled])']) {
      await ann.clickOn(selector);
      clicks++;
    }
    await ann.inCall();
    assert.ok(clicks <= 2);
    assert.match(ann.page.url(), /[?&]room=[a-z]+-[a-z]+-\d+/, 'the address is a link to the room');
    await ann.page.close();
  },

  'a reload in the call goes on with it; who has left can come back': async ({ browser, server }) => {
    const room = freshRoom();
    const bob = await Person.enter(browser, server, room, 'Bob', SMALL);
    const ann = await Person.open(browser, 'Ann');
    await ann.page.goto(`${server.origin}/?room=${room}&name=Ann`);
    await ann.clickOn('#join:not([disabled])');
    await ann.inCall();
    await bob.seesAndHears('Ann');
    await ann.page.reload();
    await ann.inCall();
    await bob.seesAndHears('Ann');
    await ann.seesAndHears('Bob');
    assert.deepEqual(await bob.tiles(), ['Ann']);
    await ann.click('leave');
    await ann.shows('You left the call');
    await ann.click('again');
    await ann.inCall();
    await bob.seesAndHears('Ann');
    for (const { page } of [ann, bob]) await page.close();
  },

  'without camera and microphone one can join, and is told how to fix it in this browser': async ({ browser, server }) => {
    const ann = await Person.open(browser, 'Ann', {
      init: () => {
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
      },
    });
    await ann.page.goto(`${server.origin}/?room=${freshRoom()}&name=Ann`);
    await ann.shows({ chromium: 'click the icon to the left of the address', firefox: 'click the crossed-out camera' }[browser.name]);
    await ann.clickOn('#join:not([disabled])');
    await ann.inCall();
    await ann.tileHas('Ann (you)', 'no-video');
    await ann.tileHas('Ann (you)', 'no-audio');
    await ann.page.close();
  },

  'German where the browser wants it': async ({ browser, server }) => {
    const ann = await Person.open(browser, 'Ann');
    await ann.page.goto(`${server.origin}/?language=de`);
    await ann.shows('Teilnehmen');
    assert.equal(await ann.evaluate(() => document.documentElement.lang), 'de');
    await ann.page.close();
  },
};

// ---- axe, and pictures of each page ----

export async function lobbyIsAccessible({ browser, server }, scheme) {
  const ann = await Person.open(browser, 'Ann');
  for (const path of ['/', '/call', '/check']) {
    await ann.page.goto(`${server.origin}${path}`);
    await ann.has('button');
    await browser.scheme(ann.page, scheme);
    for (const [size, ...at] of [['phone', 360, 640], ['desktop', ...DESKTOP]]) {
      await ann.resize(...at);
      await assertNotTooWide(ann, `${path} on a ${size}`);
      await ann.screenshot(`${browser.name}${path === '/' ? '-lobby' : path.replace('/', '-')}-${size}-${scheme}`);
    }
    await assertAccessible(ann, path);
  }
  await ann.page.close();
}

export async function roomIsAccessible({ browser }, ann, bob, scheme) {
  await browser.scheme(ann.page, scheme);
  await ann.say('hello');
  await bob.click('camera');
  await bob.click('microphone');
  await ann.tileHas('Bob', 'no-video');
  await ann.has('[data-sonner-toast]', false);
  await assertAccessible(ann, 'chat');
  await ann.screenshot(`${browser.name}-chat-${scheme}`);
  await ann.click('people');
  await ann.click('stats');
  await assertAccessible(ann, 'people and statistics');
  await ann.click('settings');
  await ann.has('[role="dialog"]');
  await assertAccessible(ann, 'settings');
  await ann.screenshot(`${browser.name}-settings-${scheme}`);
  await ann.press('Escape');
  await ann.click('people');
  await ann.click('stats');
  await bob.click('camera');
  await bob.click('microphone');
  await ann.tileHas('Bob', 'no-video', false);
}
