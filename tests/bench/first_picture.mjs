// How long a late joiner waits for the first picture, from the click on, step by step: real Chromium on the real page.
//
//   ROTUNDA_BIN=build/rotunda unshare --net tests/bench/far_viewer.py 50 node tests/bench/first_picture.mjs WORD...
//   node tests/bench/first_picture.mjs http://ORIGIN WORD...
//
// WORD: publishers=1, runs=5, cold=1 (the viewer has an empty cache), sped=1 (it carries DTLS in STUN), still=1 (publishers
// send small pictures, so that eight of them leave the viewer some of the machine), light=1 (publishers are no browsers: they
// play such pictures, encoded beforehand, and cost nearly nothing; see light_publishers.mjs).
// This program shapes nothing: far_viewer.py makes the distance, and the server is started here; or it answers at ORIGIN
// already, and the network is as slow as it is to be. The viewer's browser is VIEWER_CHROMIUM (a program that starts
// Chromium, in a network namespace for example), that of the publishers ROTUNDA_CHROMIUM. Says medians in milliseconds.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { openChromium } from '../e2e/browsers.mjs';
import { delay, Server, until } from '../e2e/harness.mjs';
import { KEY, tokenOf } from '../e2e/plain_kit.mjs';
import { publishLight, recordPictures } from './light_publishers.mjs';

const options = { publishers: 1, runs: 5, cold: 0, sped: 0, still: 0, light: 0 };
const [given] = process.argv.slice(2).filter((word) => word.includes('://'));
for (const word of process.argv.slice(2)) if (word !== given) options[word.split('=')[0]] = Number(word.split('=')[1]);
if (given && options.light) throw new Error('light publishers need a server that is started here');
const near = process.env.NEAR_ADDRESS;
const folder = mkdtempSync(`${tmpdir()}/rotunda-picture-`);
writeFileSync(`${folder}/keys`, `${KEY[0]}: ${KEY[1]}\n`);
const plain = options.light ? ['--keys', `${folder}/keys`, '--plain-ports', '40100-40199'] : []; // which asks for tokens
const server = given ? null : await Server.start({ host: '0.0.0.0', announce: near, args: plain });
const origin = given ?? `http://${near}:${server.port}`;
const secure = `--unsafely-treat-insecure-origin-as-secure=${origin}`;
const trial = '--force-fieldtrials=WebRTC-IceHandshakeDtls/Enabled/';

// Runs in the viewer's page before its scripts: notes when what happens, in milliseconds since the click.
function watch() {
  const marks = (window.marks = {});
  const note = (name) => (marks[name] ??= performance.now());
  window.addEventListener('click', ({ target }) => target.closest?.('#join') && note('click'), true);
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...args) {
      super(...args);
      this.addEventListener('open', () => note('socket open'));
      this.addEventListener('message', ({ data }) => {
        const type = /"type":"([^"]*)"/.exec(String(data))?.[1];
        if (type === 'joined' || type === 'consumed') note(type);
        if (type === 'joined') window.bytesDown = String(data).length;
        window.messages = (window.messages ?? 0) + 1;
      });
    }
    send(text) {
      const type = /"type":"([^"]*)"/.exec(text)?.[1];
      if (['join-room', 'connect-transport', 'resume-consumer'].includes(type)) note(type);
      window.bytesUp = (window.bytesUp ?? 0) + text.length;
      super.send(text);
    }
  };
  const Peer = window.RTCPeerConnection;
  const peers = [];
  window.RTCPeerConnection = class extends Peer {
    constructor(...args) {
      super(...args);
      this.addEventListener('track', () => {
        note('tracks');
        if (!peers.includes(this)) peers.push(this);
      });
    }
    async setRemoteDescription(description) {
      if (description.type === 'offer') note('offer made');
      await super.setRemoteDescription(description);
      if (description.type === 'offer') note('offer taken');
    }
    async setLocalDescription(description) {
      if (description?.type !== 'answer') return super.setLocalDescription(description);
      this.addEventListener('icecandidate', () => note('candidate'));
      note('answer made');
      await super.setLocalDescription(description);
      note('answer taken');
      marks['last answer taken'] = performance.now();
    }
  };
  window.pictures = 0;
  const seen = new WeakSet();
  const look = () => {
    if (window.rotunda) note('entered');
    if (document.body?.classList.contains('in-call')) note('in call');
    for (const video of document.querySelectorAll('.tile:not(.local) video')) {
      if (seen.has(video)) continue;
      seen.add(video);
      note('tile');
      for (const name of ['loadedmetadata', 'playing']) video.addEventListener(name, () => note(name));
      video.requestVideoFrameCallback(() => {
        window.pictures++;
        note('first picture');
        marks['last picture'] = performance.now();
      });
    }
    const [receiver] = peers.flatMap((peer) => peer.getReceivers().filter(({ track }) => track.kind === 'video'));
    const transport = receiver?.transport;
    if (['connected', 'completed'].includes(transport?.iceTransport.state)) note('ICE');
    if (transport?.state === 'connected') note('DTLS');
    if (receiver && !receiver.track.muted) note('media');
    setTimeout(look, 4);
  };
  look();
}

async function publish(browser, room, count) {
  for (let i = 0; i < count; i++) {
    const page = await browser.newPage();
    await page.goto(`${origin}/?${new URLSearchParams({ room, name: `p${i}`, auto: '1', ...small })}`);
    await page.waitForFunction(() => document.body.classList.contains('in-call'), null, { timeout: 60_000 });
  }
  await delay(5_000); // their encoders and the estimates of their paths settle
}

async function visit(browser, room, run) {
  const page = await browser.newPage({ init: watch });
  const name = `viewer${run}`;
  const token = options.light ? `#token=${tokenOf({ sub: name, video: { room, roomJoin: true } })}` : '';
  await page.goto(`${origin}/?${new URLSearchParams({ room, name })}${token}`);
  await page.waitForSelector('#join:not([disabled])', { timeout: 60_000 });
  await delay(3_000); // people look before they click
  await page.click('#join');
  const seen = () => page.evaluate((count) => window.pictures >= count, options.publishers);
  await until('all pictures', seen, { deadlineMs: 30_000 }).catch(async (error) => {
    throw new Error(`${error.message}: ${JSON.stringify(await page.evaluate(() => [window.pictures, window.marks]))}`);
  });
  const said = await page.evaluate(() => ({ marks: window.marks, bytesUp: window.bytesUp, bytesDown: window.bytesDown }));
  await page.close();
  const { click, ...marks } = said.marks;
  const since = Object.fromEntries(Object.entries(marks).map(([name, at]) => [name, Math.round(at - click)]));
  return { ...since, 'bytes up': said.bytesUp, 'bytes of joined': said.bytesDown };
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

let publishers = await openChromium({ flags: [secure] });
let stop = () => {};
const room = `late-${Date.now()}`;
const small = options.still ? { width: '320', height: '180', fps: '10', simulcast: '0' } : {};
const results = [];
try {
  if (options.light) {
    const people = Array.from({ length: options.publishers }, (_, i) => `p${i}`);
    const recorded = await recordPictures(publishers, origin, people);
    await publishers.close();
    publishers = null;
    stop = await publishLight(server, room, people, recorded);
  } else {
    await publish(publishers, room, options.publishers);
  }
  const openViewer = () => openChromium({ executable: process.env.VIEWER_CHROMIUM, flags: options.sped ? [secure, trial] : [secure] });
  let viewer = options.cold ? null : await openViewer();
  for (let run = options.cold ? 1 : 0; run <= options.runs; run++) {
    if (options.cold) viewer = await openViewer();
    const result = await visit(viewer, room, run);
    if (run > 0) results.push(result); // the first warms the cache
    if (options.cold) await viewer.close();
    console.error(JSON.stringify(result));
  }
  if (!options.cold) await viewer.close();
} finally {
  stop();
  await publishers?.close();
  await server?.stop();
  rmSync(folder, { recursive: true });
}
const names = [...new Set(results.flatMap(Object.keys))].sort((a, b) => median(results.map((r) => r[a] ?? 0)) - median(results.map((r) => r[b] ?? 0)));
console.log(JSON.stringify({ ...options, ...Object.fromEntries(names.map((name) => [name, median(results.map((result) => result[name] ?? null))])) }));
