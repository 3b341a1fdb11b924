// What people find around the pictures: views, copies, sizes, settings, and the helps against a browser's moods.
// The form is that of page_scenarios.mjs.

import { notePlayedSeconds, Person } from './browsers.mjs';
import { assert, freshRoom } from './expect.mjs';
import { until } from './harness.mjs';
import { SMALL } from './page_scenarios.mjs';

const SIMULCAST = { width: '640', height: '360', fps: '15', simulcast: '1' };

// Width in pixels of a tile.
const widthOf = (person, name) =>
  person.evaluate((user) => document.querySelector(`.tile[data-name="${user}"]`)?.getBoundingClientRect().width ?? 0, name);

const choose = (person, label, value) =>
  person.evaluate(
    ([words, wanted]) => {
      const select = [...document.querySelectorAll('[role="dialog"] label')].find((one) => one.textContent === words).control;
      const { set } = Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, 'value');
      set.call(select, wanted);
      select.dispatchEvent(new Event('change', { bubbles: true }));
    },
    [label, value],
  );

export const TOOLS = {
  'speaker view and a pin make one tile large, and the grid comes back': async (world, ann) => {
    await ann.has('.tile[data-name="Bob"]');
    await until('tiles of one size', async () => (await widthOf(ann, 'Bob')) === (await widthOf(ann, 'Ann (you)')));
    await ann.clickOn('.tile[data-name="Ann (you)"] button[aria-pressed]');
    await until('the pinned tile is large', async () => (await widthOf(ann, 'Ann (you)')) > 2 * (await widthOf(ann, 'Bob')));
    await ann.clickOn('.tile[data-name="Ann (you)"] button[aria-pressed="true"]');
    await until('no tile is pinned', () => ann.evaluate(() => document.querySelector('.tile button[aria-pressed="true"]') === null));
    if (!(await ann.evaluate(() => document.querySelector('#view svg.lucide-layout-grid') !== null))) await ann.click('view');
    await until('who speaks is large', async () => (await widthOf(ann, 'Bob')) > 2 * (await widthOf(ann, 'Ann (you)')));
    await ann.click('view');
    await until('the grid again', async () => (await widthOf(ann, 'Bob')) === (await widthOf(ann, 'Ann (you)')));
  },

  'the link to the room is copied': async (world, ann) => {
    await ann.evaluate(() => {
      Object.defineProperty(navigator, 'clipboard', { configurable: true, value: { writeText: async (text) => void (window.copied = text) } });
    });
    await ann.click('copy-link');
    const link = await ann.until('a copied link', () => window.copied ?? null);
    assert.equal(new URL(link).searchParams.get('room'), ann.room);
    assert.equal(new URL(link).searchParams.get('name'), null, 'the link is not personal');
  },

  'full screen, and out of it again': async (world, ann) => {
    await ann.page.bringToFront();
    await ann.click('full-screen');
    await ann.until('the page fills the screen', () => document.fullscreenElement !== null);
    await ann.click('full-screen');
    await ann.until('it does not any more', () => document.fullscreenElement === null);
  },

  'picture in picture, where the browser has a page ask for it': async ({ browser }, ann) => {
    const offered = await ann.evaluate(() => document.pictureInPictureEnabled === true);
    assert.ok(offered || browser.name === 'firefox', 'Chromium offers it'); // Firefox since a version after 128
    const button = '.tile[data-name="Bob"] button:not([aria-pressed])';
    await ann.has(button, offered);
    if (!offered) return;
    await ann.clickOn(button);
    await ann.until('it is the picture of Bob', () => document.pictureInPictureElement?.closest('.tile').dataset.name === 'Bob');
    await ann.evaluate(() => document.exitPictureInPicture());
  },

  'a microphone that was taken away is restored, and heard': async (world, ann, bob) => {
    await ann.evaluate(() => window.rotunda.room.producers.get('microphone').track.dispatchEvent(new Event('ended')));
    await ann.click('restore-microphone');
    await ann.has('#restore-microphone', false);
    const heard = async () => (await bob.stats()).got.Ann.audio.energy;
    const before = await heard();
    await until('Bob hears Ann', async () => (await heard()) > before, { deadlineMs: 30_000 });
  },

  'language and theme can be chosen, and stay': async (world, ann) => {
    await ann.click('settings');
    await ann.has('[role="dialog"]');
    await choose(ann, 'Language', 'de');
    await ann.shows('Einstellungen');
    await choose(ann, 'Aussehen', 'dark');
    await ann.until('dark', () => document.documentElement.dataset.theme === 'dark' && getComputedStyle(document.documentElement).colorScheme === 'dark');
    const kept = await ann.evaluate(() => JSON.parse(localStorage.getItem('rotunda')).state);
    assert.deepEqual([kept.language, kept.theme], ['de', 'dark']);
    await choose(ann, 'Sprache', 'auto');
    await ann.evaluate(() => localStorage.removeItem('rotunda'));
    await ann.press('Escape');
    await ann.has('[role="dialog"]', false);
  },
};

export const APART = {
  'the name is remembered': async ({ browser, server }) => {
    const ann = await Person.open(browser, 'Ann');
    await ann.page.goto(`${server.origin}/?room=${freshRoom()}`);
    await ann.page.waitForSelector('#name');
    await ann.page.focus('#name');
    await ann.evaluate(() => document.getElementById('name').select());
    await ann.page.keyboard.type('Ann of Green Gables');
    await ann.clickOn('#join:not([disabled])');
    await ann.inCall();
    await ann.page.goto(`${server.origin}/?room=${freshRoom()}`);
    await ann.until('the name is there', () => document.getElementById('name')?.value === 'Ann of Green Gables');
    await ann.evaluate(() => localStorage.clear());
    await ann.page.close();
  },

  'the speaker test plays to its end': async ({ browser, server }) => {
    const ann = await Person.open(browser, 'Ann', { init: notePlayedSeconds });
    await ann.page.goto(`${server.origin}/?room=${freshRoom()}&name=Ann`);
    await ann.clickOn('details > summary');
    await ann.click('test-speaker');
    const seconds = await ann.until('the tone is over', () => window.playedSeconds ?? null);
    assert.ok(seconds > 0.2, `expected a tone that one can hear, got ${seconds} s`);
    await ann.page.close();
  },

  'where the browser blocks sound, one click starts it': async ({ browser, server }) => {
    const room = freshRoom();
    const bob = await Person.enter(browser, server, room, 'Bob', SMALL);
    const ann = await Person.enter(browser, server, room, 'Ann', {
      ...SMALL,
      init: () => {
        const { play } = HTMLMediaElement.prototype;
        let clicked = false;
        addEventListener('click', () => (clicked = true), { capture: true });
        HTMLMediaElement.prototype.play = function (...all) {
          if (clicked || this.muted) return play.apply(this, all);
          this.pause();
          return Promise.reject(new DOMException('a click is needed first', 'NotAllowedError'));
        };
      },
    });
    await ann.click('start-sound');
    await ann.has('#start-sound', false);
    await ann.until('the sound plays', () => {
      const sounds = [...document.querySelectorAll('audio')];
      return sounds.length > 0 && sounds.every(({ paused }) => !paused);
    });
    for (const { page } of [ann, bob]) await page.close();
  },

  'the statistics name the layer of a simulcast picture': async ({ browser, server }) => {
    if (browser.name === 'firefox') return; // its fake camera is one stream here
    const room = freshRoom();
    const bob = await Person.enter(browser, server, room, 'Bob', SIMULCAST);
    const ann = await Person.enter(browser, server, room, 'Ann', SMALL);
    await ann.seesAndHears('Bob');
    await ann.press('s');
    const layer = await ann.until('a row with the layer', () => document.querySelector('.tile[data-name="Bob"] [data-row="layer"] dd')?.textContent ?? null);
    assert.match(layer, /\d/);
    for (const { page } of [ann, bob]) await page.close();
  },
};
