// What a conference of real browsers costs and how fast it starts. Prints a table for docs/performance.md.
//   ROTUNDA_BIN=build/rotunda node tests/bench/measure.mjs [PARTICIPANTS]

import { openChromium, Person } from '../e2e/browsers.mjs';
import { delay, Server } from '../e2e/harness.mjs';

const PARTICIPANTS = Number(process.argv[2] ?? 4);
const JOINS = 7;
const WINDOW_MS = 10_000;

const server = await Server.start({ args: ['--workers', '2'] });
const browser = await openChromium();
const rows = [];

const idle = server.residentKiB();
const people = [];
for (let i = 0; i < PARTICIPANTS; i++) people.push(await Person.enter(browser, server, 'bench', `P${i}`));
for (const person of people) await person.seesAndHears(...people.filter((other) => other !== person).map(({ name }) => name));
await delay(5_000); // the encoders reach their full rate
rows.push(['memory of the idle server, MiB', (idle / 1024).toFixed(1)]);
rows.push(['memory a participant, KiB', ((server.residentKiB() - idle) / PARTICIPANTS).toFixed(0)]);

const counters = async () => {
  const names = ['rotunda_rtp_received_total', 'rotunda_rtp_sent_total', 'rotunda_bytes_sent_total'];
  return Promise.all(names.map((name) => server.metric(name)));
};
const [cpu0, [in0, out0, bytes0], t0] = [server.cpuSeconds(), await counters(), performance.now()];
await delay(WINDOW_MS);
const [cpu1, [in1, out1, bytes1], t1] = [server.cpuSeconds(), await counters(), performance.now()];
const seconds = (t1 - t0) / 1000;
rows.push(['RTP packets received a second', ((in1 - in0) / seconds).toFixed(0)]);
rows.push(['RTP packets forwarded a second', ((out1 - out0) / seconds).toFixed(0)]);
rows.push(['Mbit/s sent', (((bytes1 - bytes0) * 8) / seconds / 1e6).toFixed(2)]);
rows.push(['CPU of the server, % of a core', (((cpu1 - cpu0) / seconds) * 100).toFixed(2)]);
rows.push(['CPU a forwarded packet, us', (((cpu1 - cpu0) / (out1 - out0)) * 1e6).toFixed(1)]);

// One more comes and goes: from the click on Join, camera included, to the first picture of each other.
const firsts = [];
for (let i = 0; i < JOINS; i++) {
  const guest = await Person.enter(browser, server, 'bench', `Guest ${i}`);
  await guest.seesAndHears(...people.map(({ name }) => name));
  firsts.push(...(await guest.firstFrames()).map(({ ms }) => ms));
  await guest.page.close();
}
firsts.sort((a, b) => a - b);
rows.push([`join to first picture, ms: median of ${firsts.length}`, firsts[firsts.length >> 1]]);
rows.push(['join to first picture, ms: slowest', firsts.at(-1)]);

console.log(`${PARTICIPANTS} tabs of Chromium ${browser.version}, 640x360, one VP8 stream and opus each\n`);
console.log('| measured | value |\n|---|---|');
for (const [name, value] of rows) console.log(`| ${name} | ${value} |`);
await browser.close();
await server.stop();
