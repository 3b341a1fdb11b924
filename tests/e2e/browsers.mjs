// Real browsers on the page, and what they say about the media they get.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';
import { delay, until } from './harness.mjs';

export const ARTIFACTS = fileURLToPath(new URL('artifacts/', import.meta.url));
mkdirSync(ARTIFACTS, { recursive: true });

export const CHROMIUM = process.env.ROTUNDA_CHROMIUM ?? '/usr/bin/chromium';
const FIREFOX = process.env.ROTUNDA_FIREFOX ?? '/usr/bin/firefox-esr';
const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-gpu',
];
const FIREFOX_PREFS = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.gmp-manager.updateEnabled': false,
  'media.gmp-gmpopenh264.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.proxy.type': 0,
  'app.update.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.enabled': false,
  'services.settings.server': 'data:,#remote-settings-dummy/v1',
};

const DESKTOP = { width: 1280, height: 720 };

// Both browsers have one form here, and a new profile each time, which the tabs share:
// newPage({ init }): `init` runs in the page before its own scripts; resize(page, { width, height });
// scheme(page, 'light' | 'dark');
// sharesScreen: getDisplayMedia gives a picture where there is no screen.
// flags: of the browser, beside or, with the same name, instead of the usual ones; env: in place of ours;
// executable: another program, which starts Chromium.
export async function openChromium({ flags = [], env, executable = CHROMIUM } = {}) {
  const nameOf = (flag) => flag.split('=')[0];
  const own = new Set(flags.map(nameOf));
  const browser = await chromium.launch({
    executablePath: executable,
    headless: true,
    args: [...CHROMIUM_FLAGS.filter((flag) => !own.has(nameOf(flag))), ...flags],
    env,
    ignoreDefaultArgs: ['--mute-audio'],
  });
  const context = await browser.newContext({ viewport: DESKTOP });
  return {
    name: 'chromium',
    sharesScreen: true,
    newPage: async ({ init } = {}) => {
      const page = await context.newPage();
      if (init) await page.addInitScript(init);
      return page;
    },
    pages: () => context.pages(),
    resize: (page, size) => page.setViewportSize(size),
    scheme: (page, colorScheme) => page.emulateMedia({ colorScheme, reducedMotion: 'reduce' }),
    close: () => browser.close(),
    version: browser.version(),
  };
}

// prefs: beside the usual ones.
export async function openFirefox({ prefs = {} } = {}) {
  const userDataDir = mkdtempSync(`${tmpdir()}/rotunda-firefox-`);
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: FIREFOX,
    headless: true,
    userDataDir,
    extraPrefsFirefox: { ...FIREFOX_PREFS, ...prefs },
    defaultViewport: DESKTOP,
  });
  return {
    name: 'firefox',
    sharesScreen: false, // headless it says NotFoundError, whatever its preferences
    newPage: async ({ init } = {}) => {
      // A window each: Firefox paints and times no tab that is behind another.
      const page = await browser.newPage({ type: 'window' });
      if (init) await page.evaluateOnNewDocument(init);
      return page;
    },
    resize: (page, size) => page.setViewport(size),
    // Its driver cannot pretend a system's colours: this is what the page's own setting does.
    scheme: (page, theme) => page.evaluate((wanted) => void (document.documentElement.dataset.theme = wanted), theme),
    close: async () => {
      await browser.close();
      rmSync(userDataDir, { recursive: true, force: true });
    },
    version: await browser.version(),
  };
}

// A person on the page, in the room once this resolves.
export class Person {
  constructor(page, name) {
    this.page = page;
    this.name = name;
  }

  // A person on a new page that shows nothing yet.
  static async open(browser, name, { init } = {}) {
    const page = await browser.newPage({ init });
    const person = new Person(page, name);
    person.browser = browser;
    person.console = [];
    person.errors = []; // that nobody caught
    page.on('console', (message) => person.console.push(message.text()));
    page.on('pageerror', (error) => {
      person.console.push(String(error));
      // Firefox counts a server that is not there, for a WebSocket or for ICE, or goes while one opens, among them.
      if (!/establish a connection to the server|was interrupted while the page was loading|WebRTC: ICE failed/.test(error)) person.errors.push(String(error));
    });
    return person;
  }

  // options: URL options of the page; init: see newPage; link: a LossyLink that the media takes (Chromium only).
  static async enter(browser, server, room, name, { link, init, ...options } = {}) {
    const person = await Person.open(browser, name, { init });
    const { page } = person;
    if (link) {
      await page.routeWebSocket(/\/ws$/, (socket) => {
        const upstream = socket.connectToServer();
        upstream.onMessage((text) => socket.send(link.rewrite(text)));
      });
    }
    await page.goto(`${server.origin}/?${new URLSearchParams({ room, name, auto: '1', ...options })}`);
    await person.inCall();
    return person;
  }

  async inCall() {
    const shown = await until(
      `${this.name} is in the call`,
      () =>
        this.page.evaluate(() => {
          if (document.body.classList.contains('in-call') && window.rotunda?.whole) return { ok: true };
          const notice = document.getElementById('notice');
          return !notice || notice.hidden ? null : { notice: notice.textContent };
        }),
      { deadlineMs: 30_000 },
    );
    if (!shown.ok) throw new Error(`${this.name} could not join: ${shown.notice}; console: ${this.console.join('\n')}`);
  }

  // Names on the other people's tiles.
  tiles() {
    return this.page.evaluate(() =>
      [...document.querySelectorAll('.tile:not(.local):not(.screen)')].map((tile) => tile.dataset.name).sort(),
    );
  }

  // What getStats says, by participant: { sent: { video, audio }, got: { NAME: { video, audio } } }; a shared screen
  // is beside them as `screen`, its sound as `screen-audio`.
  stats() {
    return this.page.evaluate(async () => {
      const { room } = window.rotunda;
      const codecOf = (report, stat) => report.get(stat.codecId)?.mimeType;
      const sum = (a, b, keys) => Object.fromEntries(keys.map((key) => [key, (a?.[key] ?? 0) + (b[key] ?? 0)]));
      const sentKeys = ['framesSent', 'framesEncoded', 'packetsSent', 'retransmittedPacketsSent', 'nackCount', 'pliCount'];
      const result = { sent: {}, got: {}, t: performance.now() };
      const keyOf = (source) => ({ camera: 'video', microphone: 'audio' })[source] ?? source;
      for (const [source, producer] of room.producers) {
        const report = await producer.getStats();
        const streams = [...report.values()].filter(({ type }) => type === 'outbound-rtp');
        const sent = streams.reduce((total, stream) => sum(total, stream, sentKeys), null);
        result.sent[keyOf(source)] = { ...sent, streams: streams.length, codec: codecOf(report, streams[0] ?? {}) };
      }
      for (const entry of room.consumers.values()) {
        if (!entry) continue;
        const report = await entry.consumer.getStats();
        const stat = [...report.values()].find(({ type, kind }) => type === 'inbound-rtp' && kind === entry.kind) ?? {};
        const name = room.peers.get(entry.userId);
        (result.got[name] ??= {})[keyOf(entry.source)] = {
          codec: codecOf(report, stat),
          frames: stat.framesDecoded ?? 0,
          dropped: stat.framesDropped ?? 0,
          freezes: stat.freezeCount ?? 0,
          width: stat.frameWidth,
          packets: stat.packetsReceived ?? 0,
          lost: stat.packetsLost ?? 0,
          nacks: stat.nackCount ?? 0,
          retransmitted: stat.retransmittedPacketsReceived ?? 0,
          energy: stat.totalAudioEnergy ?? 0,
          samples: stat.totalSamplesReceived ?? 0,
          concealed: stat.concealedSamples ?? 0,
          jitter: stat.jitter ?? 0,
        };
      }
      return result;
    });
  }

  // Resolves once each of these people is seen and heard here.
  async seesAndHears(...names) {
    return until(
      `${this.name} sees and hears ${names}`,
      async () => {
        const { got } = await this.stats();
        const all = names.every((name) => got[name]?.video?.frames > 0 && got[name]?.audio?.samples > 0);
        return all ? got : null;
      },
      { deadlineMs: 60_000, everyMs: 100 },
    ).catch(async (error) => {
      throw new Error(`${error.message}\nstats: ${JSON.stringify(await this.stats())}\nconsole: ${this.console.join('\n')}`);
    });
  }

  // Resolves once the tile of this participant has, or has no more, this class.
  tileHas(name, className, wanted = true) {
    return until(`${this.name} sees ${name} ${wanted ? '' : 'not '}${className}`, () =>
      this.page.evaluate(
        ([user, css, want]) => {
          const tile = document.querySelector(`.tile[data-name="${user}"]`);
          return tile !== null && tile.classList.contains(css) === want;
        },
        [name, className, wanted],
      ),
    );
  }

  // Resolves once `probe`, which runs in the page, gives something.
  until(what, probe, argument, options) {
    return until(`${this.name}: ${what}`, () => this.page.evaluate(probe, argument), options).catch((error) => {
      throw new Error(`${error.message}; console: ${this.console.join('\n')}`);
    });
  }

  has(selector, wanted = true) {
    const what = `${selector} is ${wanted ? '' : 'not '}there`;
    return this.until(what, ([css, want]) => (document.querySelector(css) !== null) === want, [selector, wanted]);
  }

  shows(text) {
    return this.until(`"${text}" is to be read`, (words) => document.body.innerText.includes(words), text);
  }

  // Opens the chat if need be, and says it.
  async say(text) {
    if (!(await this.page.evaluate(() => document.getElementById('chat-text') !== null))) await this.click('chat');
    await this.page.waitForSelector('#chat-text');
    await this.page.type('#chat-text', text);
    await this.page.keyboard.press('Enter');
  }

  // Of the camera of that person: pictures decoded here so far.
  async framesOf(name) {
    return (await this.stats()).got[name]?.video?.frames ?? 0;
  }

  // Resolves once that many more pictures of that person's camera were decoded.
  async seesMoreOf(name, count = 10) {
    const before = await this.framesOf(name);
    return until(`${this.name} sees ${count} more pictures of ${name}`, async () => (await this.framesOf(name)) >= before + count, {
      deadlineMs: 30_000,
      everyMs: 100,
    });
  }

  screenshot(file) {
    return this.page.screenshot({ path: `${ARTIFACTS}${file}.png` });
  }

  // What the open chat shows.
  messages() {
    return this.page.evaluate(() => [...document.querySelectorAll('#messages li > p:last-child')].map((one) => one.textContent));
  }

  // Milliseconds from the click on Join to the first picture of each other participant.
  firstFrames() {
    return this.page.evaluate(() => {
      const join = performance.getEntriesByName('join').at(-1).startTime;
      return performance.getEntriesByName('first-frame').map(({ startTime, detail }) => ({
        name: detail,
        ms: Math.round(startTime - join),
      }));
    });
  }

  async click(id) {
    await this.clickOn(`#${id}`);
  }

  async clickOn(selector) {
    await this.page.waitForSelector(selector);
    await this.page.click(selector);
  }

  press(key) {
    return this.page.keyboard.press(key);
  }

  resize(width, height) {
    return this.browser.resize(this.page, { width, height });
  }

  evaluate(body, argument) {
    return this.page.evaluate(body, argument);
  }
}

// Statistics of all people at two moments that are `windowMs` apart.
export async function sampleTwice(people, windowMs) {
  const before = await Promise.all(people.map((person) => person.stats()));
  await delay(windowMs);
  const after = await Promise.all(people.map((person) => person.stats()));
  return people.map((person, i) => ({ person, before: before[i], after: after[i] }));
}

// In the page, before it begins: how long the last sound was played, in `window.playedSeconds`.
export function notePlayedSeconds() {
  const { play } = HTMLMediaElement.prototype;
  HTMLMediaElement.prototype.play = function (...all) {
    if (this instanceof HTMLAudioElement) this.addEventListener('ended', () => (window.playedSeconds = this.currentTime));
    return play.apply(this, all);
  };
}
