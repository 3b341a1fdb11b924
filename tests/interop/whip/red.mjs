// Redundant audio from Chromium, which publishes it by WHIP: what viewers by WHEP hear of it over a link that loses
// packets, beside viewers who take plain opus, and what a recording has of it.
//
//   ROTUNDA_BIN=build/rotunda node tests/interop/whip/red.mjs
//
// A minute. LOSS: the share that is lost, 0.1 if it is not set; SECONDS: how long it is looked at, 30. Ends with 1 when
// redundant audio does not save sound, or its recording is not whole.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { openChromium } from '../../e2e/browsers.mjs';
import { Server, delay, until } from '../../e2e/harness.mjs';
import { KEY, tokenOf } from '../../e2e/plain_kit.mjs';
import { ShapedLink } from '../../quality/shaped_link.mjs';
import { recordsWhatComes } from './recorded.mjs';

const LOSS = Number(process.env.LOSS ?? 0.1);
const SECONDS = Number(process.env.SECONDS ?? 30);

function inPage() {
  const peers = {};
  async function exchange(pc, url, token, [from, to]) {
    await pc.setLocalDescription(await pc.createOffer());
    const headers = { 'Content-Type': 'application/sdp', Authorization: `Bearer ${token}` };
    const answer = await fetch(url, { method: 'POST', headers, body: pc.localDescription.sdp });
    const sdp = await answer.text();
    if (answer.status !== 201) throw new Error(`${answer.status}: ${sdp}`);
    await pc.setRemoteDescription({ type: 'answer', sdp: sdp.replaceAll(` ${from} typ host`, ` ${to} typ host`) });
  }
  const only = (transceiver, codecs, names) => transceiver.setCodecPreferences(names.flatMap((name) => codecs.filter(({ mimeType }) => mimeType === name)));
  window.red = {
    async publish(url, token) {
      const pc = (peers.publisher = new RTCPeerConnection());
      const media = await navigator.mediaDevices.getUserMedia({ audio: true });
      only(pc.addTransceiver(media.getTracks()[0], { direction: 'sendonly' }), RTCRtpSender.getCapabilities('audio').codecs, ['audio/red', 'audio/opus']);
      await exchange(pc, url, token, [0, 0]);
    },
    async view(name, url, token, names, ports) {
      const pc = (peers[name] = new RTCPeerConnection());
      const sound = document.body.appendChild(document.createElement('audio'));
      only(pc.addTransceiver('audio', { direction: 'recvonly' }), RTCRtpReceiver.getCapabilities('audio').codecs, names);
      sound.srcObject = new MediaStream(pc.getReceivers().map(({ track }) => track));
      sound.autoplay = true;
      await exchange(pc, url, token, ports);
    },
    async heard(name) {
      for (const stat of (await peers[name].getStats()).values())
        if (stat.type === 'inbound-rtp') return { samples: stat.totalSamplesReceived, concealed: stat.concealedSamples, packets: stat.packetsReceived, lost: stat.packetsLost, nacks: stat.nackCount ?? 0 };
      return { samples: 0, concealed: 0, packets: 0, lost: 0, nacks: 0 };
    },
  };
}

const folder = mkdtempSync(`${tmpdir()}/rotunda-red-`);
writeFileSync(`${folder}/keys`, `${KEY[0]}: ${KEY[1]}\n`);
const server = await Server.start({ args: ['--keys', `${folder}/keys`, '--record-dir', folder] });
const browser = await openChromium();
const page = await browser.newPage({ init: inPage });
await page.goto(`${server.origin}/healthz`);
const token = (sub) => tokenOf({ sub, video: { room: 'red', roomJoin: true } });
const call = (name, ...args) => page.evaluate(([name, args]) => window.red[name](...args), [name, args]);
await call('publish', '/whip/red?name=Ann', token('ann'));

const viewers = { 'redundant audio': ['audio/red', 'audio/opus'], 'plain opus': ['audio/opus'] };
const links = [];
for (const [name, codecs] of Object.entries(viewers)) {
  const link = await ShapedLink.open(server.mediaPort, { seed: 7, down: { delayMs: 25 }, up: { delayMs: 25 } });
  links.push(link);
  await call('view', name, `/whep/red?from=Ann&name=${encodeURIComponent(name)}`, token(name), codecs, [server.mediaPort, link.port]);
  await until(`${name} is heard`, async () => (await call('heard', name)).packets > 100, { deadlineMs: 60_000, everyMs: 200 });
}
for (const link of links) link.set({ down: { loss: LOSS } });
await delay(2000);
const before = {};
for (const name of Object.keys(viewers)) before[name] = await call('heard', name);
await delay(SECONDS * 1000);
const shares = {};
for (const name of Object.keys(viewers)) {
  const now = await call('heard', name);
  const [samples, concealed] = ['samples', 'concealed'].map((key) => now[key] - before[name][key]);
  shares[name] = concealed / samples;
  console.log(`- ${name}: ${(100 * shares[name]).toFixed(2)} % of ${samples} samples concealed; ${now.packets - before[name].packets} packets came, ${now.nacks - before[name].nacks} were asked for`);
}
const saves = shares['redundant audio'] < shares['plain opus'] / 2;
console.log(`${saves ? 'ok' : 'FAILED'}: of ${100 * LOSS} % that is lost redundant audio leaves less than half as much to conceal`);

let whole = false;
try {
  const { streams, words } = await recordsWhatComes(server, 'red', 10, { kinds: ['audio'] });
  const [{ frames, seconds }] = streams;
  whole = Math.abs(frames - 50 * seconds) <= 0.02 * frames; // of 20 ms
  console.log(`${whole ? 'ok' : 'FAILED'}: its recording is whole: ${words}`);
} catch (error) {
  console.log(`FAILED: its recording: ${error.message}`);
}
for (const link of links) link.close();
await browser.close();
await server.stop();
rmSync(folder, { recursive: true });
process.exit(saves && whole ? 0 : 1);
