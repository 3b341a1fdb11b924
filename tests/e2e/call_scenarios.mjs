// Calls from browser to browser, and the check: what Chromium and Firefox are both asked to do.

import { assert } from './expect.mjs';
import { until } from './harness.mjs';

const SMALL = { width: '320', height: '180', fps: '15' };

const WORD = 'a word of the two';

// A page /call of one of the two, who both know the word; with `word` null only the names.
export class Caller {
  static async open(browser, server, name, partner, auto, { init, link, word = WORD } = {}) {
    const caller = new Caller();
    caller.name = name;
    caller.page = await browser.newPage({ init });
    caller.console = [];
    caller.page.on('console', (message) => caller.console.push(message.text()));
    caller.page.on('pageerror', (error) => caller.console.push(String(error)));
    const hash = word === null ? '' : `#${new URLSearchParams({ key: word })}`;
    await caller.page.goto(link ?? `${server.origin}/call?${new URLSearchParams({ name, partner, auto, ...SMALL })}${hash}`);
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
  'names alone make a link: who knows both names and no more sits in another room': async (browser, server) => {
    const [a, b] = pairOf();
    const eve = await Caller.open(browser, server, b, a, 'wait', { word: null }); // in Bob's place, by names alone
    await eve.state('waiting');
    const ann = await Caller.open(browser, server, a, b, '', { word: null });
    await ann.click('invite');
    await ann.state('calling');
    const link = await ann.page.evaluate(() => document.getElementById('link').value);
    assert.match(link, /#key=[0-9a-f]{32}$/);
    assert.equal(await eve.page.evaluate(() => document.querySelector('main').dataset.state), 'waiting');
    const bob = await Caller.open(browser, server, b, a, '', { link });
    await bob.click('call');
    await Promise.all([ann.hearsAndSees(), bob.hearsAndSees()]);
    assert.equal(await ann.page.evaluate(() => document.getElementById('link')), null);
    assert.equal(await eve.page.evaluate(() => document.querySelector('main').dataset.state), 'waiting');
    await closeAll(ann, bob, eve);
  },
  'a word that both type brings them together': async (browser, server) => {
    const [a, b] = pairOf();
    const ann = await Caller.open(browser, server, a, b, '', { word: null });
    const bob = await Caller.open(browser, server, b, a, '', { word: null });
    for (const { page } of [ann, bob]) {
      await page.waitForSelector('#invite:enabled');
      await page.type('#secret', 'Tulips in May');
    }
    await bob.click('wait');
    await bob.state('waiting');
    await ann.click('call');
    await bob.state('ringing');
    await bob.click('decline');
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
    assert.match(await ann.text('#call-state'), /has left|hung up/); // whichever the server heard of first
    await closeAll(ann);
  },
  'a ring is heard and felt; it ends with the answer': async (browser, server) => {
    const [a, b] = pairOf();
    const bob = await Caller.open(browser, server, b, a, 'wait', {
      init: () => {
        window.shakes = [];
        navigator.vibrate = (pattern) => window.shakes.push(pattern);
        const { play, pause } = HTMLMediaElement.prototype;
        HTMLMediaElement.prototype.play = function (...all) {
          if (this.dataset.ring !== undefined) window.ringing = true;
          return play.apply(this, all);
        };
        HTMLMediaElement.prototype.pause = function (...all) {
          if (this.dataset.ring !== undefined) window.ringing = false;
          return pause.apply(this, all);
        };
      },
    });
    await bob.state('waiting');
    const ann = await Caller.open(browser, server, a, b, 'call');
    await bob.state('ringing');
    await until('it rings', () => bob.page.evaluate(() => window.ringing === true && window.shakes.some((one) => one.length > 1)));
    await bob.click('accept');
    await bob.hearsAndSees();
    assert.equal(await bob.page.evaluate(() => window.ringing), false);
    await closeAll(ann, bob);
  },
  'who switches the camera off or mutes is shown so, and the camera is let go of': async (browser, server) => {
    const [a, b] = pairOf();
    const ann = await Caller.open(browser, server, a, b, 'call');
    const bob = await Caller.open(browser, server, b, a, 'call');
    await ann.hearsAndSees();
    await bob.hearsAndSees();
    const camera = await ann.page.evaluateHandle(() => document.querySelector('#local video').srcObject.getTracks()[0]);
    const shown = () => bob.page.evaluate(() => !document.getElementById('remote').classList.contains('no-video'));
    const muted = () => bob.page.evaluate(() => document.getElementById('partner-muted') !== null);
    await ann.click('camera');
    await until('the camera runs no more', () => camera.evaluate((track) => track.readyState === 'ended'));
    await until('Bob sees that it is off', async () => !(await shown()));
    await ann.click('camera');
    await until('Bob sees Ann again', shown);
    const frames = () => bob.page.evaluate(async () => [...(await window.rotunda.call.peer.getStats()).values()].find((one) => one.type === 'inbound-rtp' && one.kind === 'video').framesDecoded);
    const before = await frames();
    await until('pictures come', async () => (await frames()) > before + 5, { deadlineMs: 30_000 });
    await ann.click('microphone');
    await until('Bob sees that Ann is muted', muted);
    await ann.click('microphone');
    await until('and that she is not', async () => !(await muted()));
    assert.equal(await ann.text('#paths > summary'), 'Connected');
    await closeAll(ann, bob);
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
  assert.match(result.states[1], /, UDP\)/, 'how packets went');
  await page.close();
}

