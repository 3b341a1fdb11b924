// Real browsers on the page, and what they say about the media they get.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';
import { delay, until } from './harness.mjs';

export const ARTIFACTS = fileURLToPath(new URL('artifacts/', import.meta.url));
mkdirSync(ARTIFACTS, { recursive: true });

const CHROMIUM = process.env.ROTUNDA_CHROMIUM ?? '/usr/bin/chromium';
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

// A new profile each time; the tabs of one browser share it. flags: more of Chromium's; env: in place of ours;
// executable: another program, which starts Chromium.
export async function openChromium({ flags = [], env, executable = CHROMIUM } = {}) {
  const browser = await chromium.launch({
    executablePath: executable,
    headless: true,
    args: [...CHROMIUM_FLAGS, ...flags],
    env,
    ignoreDefaultArgs: ['--mute-audio'],
  });
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
  return { newPage: () => context.newPage(), close: () => browser.close(), version: browser.version() };
}

export async function openFirefox() {
  const userDataDir = mkdtempSync(`${tmpdir()}/rotunda-firefox-`);
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: FIREFOX,
    headless: true,
    userDataDir,
    extraPrefsFirefox: FIREFOX_PREFS,
  });
  return {
    newPage: () => browser.newPage(),
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

  // options: URL options of the page; link: a LossyLink that the media takes (Chromium only).
  static async enter(browser, server, room, name, { link, ...options } = {}) {
    const page = await browser.newPage();
    const person = new Person(page, name);
    person.console = [];
    page.on('console', (message) => person.console.push(message.text()));
    page.on('pageerror', (error) => person.console.push(String(error)));
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
          if (document.body.classList.contains('in-call')) return { ok: true };
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
      { deadlineMs: 20_000, everyMs: 100 },
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

  // Opens the chat if need be, and says it.
  async say(text) {
    if (!(await this.page.evaluate(() => document.getElementById('chat-text') !== null))) await this.click('chat');
    await this.page.waitForSelector('#chat-text');
    await this.page.type('#chat-text', text);
    await this.page.keyboard.press('Enter');
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

  click(id) {
    return this.page.click(`#${id}`);
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
