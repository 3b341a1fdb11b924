// run.mjs [CASE...]: calls of real Chromium over links that are slow, lossy or shared, against a server with the usual
// settings; prints what people saw and heard, beside what docs/media.md asks. Not part of ./test: it takes minutes, and
// its figures are of this machine. ROTUNDA_BIN: the server; the page must have been built.
// PLOTS: a folder for a picture of each case, second by second.
// CHROMIUM_FLAGS: more flags for the browser, as --force-fieldtrials=... for the feedback of RFC 8888.

import { mkdirSync, writeFileSync } from 'node:fs';
import { openChromium, Person } from '../e2e/browsers.mjs';
import { freshRoom } from '../e2e/expect.mjs';
import { Server } from '../e2e/harness.mjs';
import { plot } from './plot.mjs';
import { ShapedLink } from './shaped_link.mjs';
import { queue, summary, watch } from './viewer.mjs';

const HD = { width: '1280', height: '720', fps: '20' };
const { PLOTS } = process.env;
const percent = (share) => `${(100 * share).toFixed(1)} %`;

// The first second of `rows`, from `start` on, for which `holds`; counted from `start`; null: none.
function firstSecond(rows, start, holds) {
  const found = rows.slice(start).findIndex(holds);
  return found < 0 ? null : found + 1;
}

class Scene {
  constructor(server, browser, title) {
    this.title = title;
    this.server = server;
    this.browser = browser;
    this.room = freshRoom();
    this.links = [];
  }
  async link(shape) {
    const link = await ShapedLink.open(this.server.mediaPort, shape);
    this.links.push(link);
    return link;
  }
  enter(name, options = {}) {
    return Person.enter(this.browser, this.server, this.room, name, { ...HD, ...options });
  }
  // As viewer.mjs' watch, and drawn where PLOTS says; shown: see plot.mjs.
  async watch(people, link, seconds, second, shown) {
    const rows = await watch(people, link, seconds, second);
    if (PLOTS) {
      mkdirSync(PLOTS, { recursive: true });
      const file = this.title.replace(/[^a-z0-9]+/gi, '-').toLowerCase();
      writeFileSync(`${PLOTS}/${file}.svg`, plot(this.title, rows, people.map(({ name }) => name), shown));
    }
    return rows;
  }
  // The speaker's view wants the best layer, where tiles beside each other do with less. For two people: of more,
  // who speaks is large.
  enlarge(person) {
    return person.click('view');
  }
  close() {
    for (const link of this.links) link.close();
  }
}

const told = (what, { fps, height, changes, freezes, frozenMs, kbps, concealed }) =>
  `${what}: ${fps.toFixed(1)} frames a second, ${height} lines, ${changes} changes, ${freezes} freezes (${frozenMs} ms), ${kbps} kbit/s, ${percent(concealed)} of the sound concealed`;

const CASES = {
  'drop: 5 Mbit/s, 500 kbit/s at 15 s, 5 Mbit/s at 45 s; queue of 200 ms': async (scene) => {
    const link = await scene.link({ down: { kbps: 5000, delayMs: 10 }, up: { delayMs: 10 } });
    await scene.enter('Ann');
    const bob = await scene.enter('Bob', { link });
    const cid = await scene.enter('Cid');
    for (const person of [bob, cid]) await person.seesAndHears('Ann');
    const rows = await scene.watch([bob, cid], link, 75, (second) => {
      if (second === 15) link.set({ down: { kbps: 500 } });
      if (second === 45) link.set({ down: { kbps: 5000 } });
    }, { capacity: (second) => (second >= 15 && second < 45 ? 500 : 5000) });
    const best = Object.entries(rows[14].seen[0]); // of each publisher
    return [
      told('before', summary(rows.slice(5, 15), 0, 'Ann')),
      told('first 3 s', summary(rows.slice(15, 18), 0, 'Ann')),
      told('then', summary(rows.slice(18, 45), 0, 'Ann')),
      `queue after 3 s: ${JSON.stringify(queue(rows.slice(18, 45)))} (asked: under 150 ms)`,
      `the best layers of all are back after ${firstSecond(rows, 45, ({ seen: [now] }) => best.every(([name, { height, frames }]) => now[name].height >= height && now[name].frames > 0.9 * frames))} s (asked: 8)`,
      told('the other viewer', summary(rows, 1, 'Ann')),
    ];
  },
  ...Object.fromEntries(
    [0.02, 0.05, 0.1].flatMap((loss) =>
      [1, 4].map((burst) => [
        `loss: ${percent(loss)} ${burst > 1 ? 'in bursts' : 'single'}, down and up, round trip of 50 ms`,
        async (scene) => {
          const link = await scene.link({ down: { delayMs: 25, loss, burst }, up: { delayMs: 25, loss, burst } });
          const ann = await scene.enter('Ann', { link });
          const bob = await scene.enter('Bob', { link });
          for (const [one, other] of [[ann, 'Bob'], [bob, 'Ann']]) await one.seesAndHears(other);
          const rows = await scene.watch([bob], link, 25);
          return [told('seen', summary(rows.slice(5), 0, 'Ann'))];
        },
      ]),
    ),
  ),
  'shared: two viewers behind one link of 1.5 Mbit/s': async (scene) => {
    const link = await scene.link({ down: { kbps: 1500, delayMs: 10 }, up: { delayMs: 10 } });
    await scene.enter('Ann');
    const bob = await scene.enter('Bob', { link });
    const cid = await scene.enter('Cid', { link });
    for (const person of [bob, cid]) await person.seesAndHears('Ann');
    const rows = await scene.watch([bob, cid], link, 45, undefined, { capacity: () => 1500 });
    const late = rows.slice(15);
    return [
      told('Bob', summary(late, 0, 'Ann')),
      told('Cid', summary(late, 1, 'Ann')),
      `link: ${JSON.stringify(queue(late))} of 1500 kbit/s (asked: 85 %)`,
    ];
  },
  'four: one viewer with four publishers behind 1.2 Mbit/s': async (scene) => {
    const link = await scene.link({ down: { kbps: 1200, delayMs: 10 }, up: { delayMs: 10 } });
    const names = ['Ann', 'Cid', 'Dan', 'Eve'];
    for (const name of names) await scene.enter(name, { width: '640', height: '360' });
    const bob = await scene.enter('Bob', { link });
    await bob.seesAndHears(...names);
    const rows = await scene.watch([bob], link, 40, undefined, { capacity: () => 1200 });
    const late = rows.slice(15);
    return [...names.map((name) => told(name, summary(late, 0, name))), `link: ${JSON.stringify(queue(late))}`];
  },
  ...Object.fromEntries(
    [300, 1000, 3000, 10000].map((kbps) => [
      `steady: ${kbps} kbit/s with up to 30 ms of jitter`,
      async (scene) => {
        const link = await scene.link({ down: { kbps, delayMs: 20, jitterMs: 30 }, up: { delayMs: 20 } });
        await scene.enter('Ann');
        const bob = await scene.enter('Bob', { link });
        await bob.seesAndHears('Ann');
        await scene.enlarge(bob);
        const rows = await scene.watch([bob], link, 45, undefined, { capacity: () => kbps });
        const late = rows.slice(15);
        return [told('seen', summary(late, 0, 'Ann')), `link: ${JSON.stringify(queue(late))}`];
      },
    ]),
  ),
  'uplink: the publisher has 700 kbit/s': async (scene) => {
    const link = await scene.link({ up: { kbps: 700, delayMs: 10 }, down: { delayMs: 10 } });
    await scene.enter('Ann', { link });
    const bob = await scene.enter('Bob');
    await bob.seesAndHears('Ann');
    await scene.enlarge(bob);
    const rows = await scene.watch([bob], link, 40, undefined, { capacity: () => 700, direction: 'up' });
    return [told('seen', summary(rows.slice(10), 0, 'Ann')), `link: ${JSON.stringify(queue(rows.slice(10), 'up'))}`];
  },
};

const wanted = process.argv.slice(2);
const cases = Object.entries(CASES).filter(([name]) => wanted.length === 0 || wanted.some((word) => name.includes(word)));
const server = await Server.start();
const browser = await openChromium({ flags: (process.env.CHROMIUM_FLAGS ?? '').split(' ').filter((flag) => flag) });
try {
  for (const [name, run] of cases) {
    const scene = new Scene(server, browser, name);
    console.log(`\n## ${name}`);
    try {
      for (const line of await run(scene)) console.log(`- ${line}`);
    } catch (error) {
      console.log(`- failed: ${error.message.split('\n')[0]}`);
      process.exitCode = 1;
    }
    for (const page of browser.pages()) await page.close();
    scene.close();
  }
} finally {
  await browser.close();
  await server.stop();
}
