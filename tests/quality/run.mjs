// run.mjs [WORD...]: calls of real Chromium over links that are slow, lossy or shared, against a server with the usual
// settings; prints what people saw and heard, and for each sentence of docs/media.md whether it holds. Not part of ./test:
// it takes an hour, and its figures are of this machine, so each case tells how busy that was. WORD: the cases (of
// cases.mjs) whose names have one of them. ROTUNDA_BIN: the server; the page must have been built.
// PLOTS: a folder for a picture of each case, second by second.
// CHROMIUM_FLAGS: more flags for the browser, as --force-fieldtrials=... for the feedback of RFC 8888.
// Ends with 1 when a sentence does not hold or a case could not be run.

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { openChromium, Person } from '../e2e/browsers.mjs';
import { freshRoom } from '../e2e/expect.mjs';
import { Server } from '../e2e/harness.mjs';
import { CASES } from './cases.mjs';
import { plot } from './plot.mjs';
import { ShapedLink } from './shaped_link.mjs';
import { watch } from './viewer.mjs';

const HD = { width: '1280', height: '720', fps: '20' };
const { PLOTS } = process.env;

// What a case says: figures, and sentences that hold or do not.
class Scene {
  holds = 0;
  misses = 0;

  constructor(server, browser, title) {
    this.title = title;
    this.server = server;
    this.browser = browser;
    this.room = freshRoom();
    this.links = [];
  }
  say(line) {
    console.log(`- ${line}`);
  }
  asked(sentence, holds, seen) {
    this.say(`${holds ? 'holds' : 'MISSED'}: ${sentence}: ${seen}`);
    if (holds) this.holds++;
    else this.misses++;
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

const wanted = process.argv.slice(2);
const cases = Object.entries(CASES).filter(([name]) => wanted.length === 0 || wanted.some((word) => name.includes(word)));
const server = await Server.start();
const flags = (process.env.CHROMIUM_FLAGS ?? '').split(' ').filter((flag) => flag);
let holds = 0;
let misses = 0;
let failed = 0;
const begun = new Date();
for (const [name, run] of cases) {
  // One a case: what a browser has used up does not go into the next.
  const browser = await openChromium({ flags });
  const scene = new Scene(server, browser, name);
  console.log(`\n## ${name}`);
  const before = loadavg()[0];
  try {
    await run(scene);
  } catch (error) {
    scene.say(`could not be run: ${error.message.split('\n')[0]}`);
    failed++;
  }
  scene.say(`the machine: ${cpus().length} processors, load of a minute ${before.toFixed(1)} before, ${loadavg()[0].toFixed(1)} after`);
  holds += scene.holds;
  misses += scene.misses;
  await browser.close();
  scene.close();
}
await server.stop();
console.log(`\n${holds} sentences hold, ${misses} do not, ${failed} cases could not be run; ${begun.toISOString()} to ${new Date().toISOString()}`);
process.exitCode = misses + failed > 0 ? 1 : 0;
