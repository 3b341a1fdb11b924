// Calls from browser to browser, and the check: what Chromium and Firefox are both asked to do.

import { assert } from './expect.mjs';
import { until } from './harness.mjs';

const SMALL = { width: '320', height: '180', fps: '15' };

// A page /call of one of the two.
export class Caller {
  static async open(browser, server, name, partner, auto) {
    const caller = new Caller();
    caller.name = name;
    caller.page = await browser.newPage();
    caller.console = [];
    caller.page.on('console', (message) => caller.console.push(message.text()));
    caller.page.on('pageerror', (error) => caller.console.push(String(error)));
    await caller.page.goto(`${server.origin}/call?${new URLSearchParams({ name, partner, auto, ...SMALL })}`);
    return caller;
  }

  state(wanted) {
    return until(`${this.name} is ${wanted}`, () =>
      this.page.evaluate((want) => document.querySelector('main')?.dataset.state === want, wanted),
    ).catch((error) => {
      throw new Error(`${error.message}; console: ${this.console.join('\n')}`);
    });
  }

  text(selector) {
    return this.page.evaluate((css) => document.querySelector(css)?.textContent ?? null, selector);
  }

  async click(id) {
    await this.page.waitForSelector(`#${id}`);
    await this.page.click(`#${id}`);
  }

  // Both media of the partner arrive.
  async hearsAndSees() {
    await this.state('in-call');
    await until(
      `${this.name} sees and hears the other`,
      () =>
        this.page.evaluate(async () => {
          const stats = [...(await window.rotunda.call.peer.getStats()).values()].filter(({ type }) => type === 'inbound-rtp');
          const frames = stats.find(({ kind }) => kind === 'video')?.framesDecoded ?? 0;
          const energy = stats.find(({ kind }) => kind === 'audio')?.totalAudioEnergy ?? 0;
          return frames > 5 && energy > 0;
        }),
      { deadlineMs: 20_000, everyMs: 100 },
    ).catch((error) => {
      throw new Error(`${error.message}; console: ${this.console.join('\n')}`);
    });
    assert.equal(await this.text('#connection-state'), 'connected');
    assert.match(await this.text('#ice-state'), /connected|completed/);
  }
}

const closeAll = async (...callers) => {
  for (const { page } of callers) await page.close();
};

// Each order of arrival; names are new each time, for each pair has a room of its own.
let pairs = 0;
const pairOf = () => [`Ann ${++pairs}`, `Bob ${pairs}`];

export const CALLS = {
  'the partner waits, the call is accepted and hung up': async (browser, server) => {
    const [a, b] = pairOf();
    const bob = await Caller.open(browser, server, b, a, 'wait');
    await bob.state('waiting');
    const ann = await Caller.open(browser, server, a, b, 'call');
    await bob.state('ringing');
    assert.match(await bob.text('#call-state'), new RegExp(a));
    await bob.click('accept');
    await ann.hearsAndSees();
    await bob.hearsAndSees();
    await ann.click('hang-up');
    await bob.state('waiting');
    assert.match(await bob.text('#call-state'), /hung up/);
    await bob.click('again'); // the other way round
    await ann.state('ringing');
    await ann.click('accept');
    await ann.hearsAndSees();
    await bob.hearsAndSees();
    await closeAll(ann, bob);
  },
  'the caller is there first': async (browser, server) => {
    const [a, b] = pairOf();
    const ann = await Caller.open(browser, server, a, b, 'call');
    await ann.state('calling');
    const bob = await Caller.open(browser, server, b, a, 'wait');
    await bob.state('ringing');
    await bob.click('decline');
    await ann.state('waiting');
    assert.match(await ann.text('#call-state'), /declined/);
    await ann.click('again');
    await bob.state('ringing');
    await bob.click('accept');
    await ann.hearsAndSees();
    await bob.hearsAndSees();
    await closeAll(ann, bob);
  },
  'both call at the same moment': async (browser, server) => {
    const [a, b] = pairOf();
    const [ann, bob] = await Promise.all([
      Caller.open(browser, server, a, b, 'call'),
      Caller.open(browser, server, b, a, 'call'),
    ]);
    await Promise.all([ann.hearsAndSees(), bob.hearsAndSees()]);
    await bob.page.close();
    await ann.state('waiting');
    assert.match(await ann.text('#call-state'), /gone|hung up/);
    await closeAll(ann);
  },
  'goes on while its WebSocket is cut, and signalling comes back': async (browser, server) => {
    const [a, b] = pairOf();
    const ann = await Caller.open(browser, server, a, b, 'call');
    const bob = await Caller.open(browser, server, b, a, 'call');
    await ann.hearsAndSees();
    await ann.page.evaluate(() => window.rotunda.call.session.cut());
    await until('the session is back', () => ann.page.evaluate(() => window.rotunda.call.session.state.name === 'joined'));
    await ann.hearsAndSees();
    await ann.click('hang-up');
    await bob.state('waiting');
    await closeAll(ann, bob);
  },
};

export async function checkPage(browser, server) {
  const page = await browser.newPage();
  await page.goto(`${server.origin}/check`);
  await page.click('#start');
  const result = await until(
    'the check ends',
    () =>
      page.evaluate(() => {
        const states = [...document.querySelectorAll('[data-step]')].map(({ dataset, textContent }) => `${dataset.state}: ${textContent}`);
        return !document.getElementById('start').disabled && { states, words: document.getElementById('result').textContent };
      }),
    { deadlineMs: 60_000, everyMs: 100 },
  );
  assert.deepEqual(result.states.filter((state) => !state.startsWith('ok')), []);
  assert.equal(result.words, 'Everything works.');
  await page.close();
}

