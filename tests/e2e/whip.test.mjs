// WHIP and WHEP by what a browser has of its own: RTCPeerConnection and fetch.

import { after, before, test } from 'node:test';
import { openChromium, Person } from './browsers.mjs';
import { assert, freshRoom } from './expect.mjs';
import { Client, Server, until } from './harness.mjs';

// In the page: window.whip.publish(url, { token, simulcast }), .view(url, { token, ext }), .stats(name).
export function inPage() {
  const peers = {};
  async function offerTo(url, pc, token) {
    const offer = await pc.createOffer();
    await pc.setLocalDescription(offer);
    const headers = { 'Content-Type': 'application/sdp', ...(token ? { Authorization: `Bearer ${token}` } : {}) };
    const answer = await fetch(url, { method: 'POST', headers, body: pc.localDescription.sdp });
    const text = await answer.text();
    if (answer.status !== 201) return { status: answer.status, text, retry: answer.headers.get('retry-after') };
    await pc.setRemoteDescription({ type: 'answer', sdp: text });
    return {
      status: 201,
      location: answer.headers.get('location'),
      etag: answer.headers.get('etag'),
      link: answer.headers.get('link'),
      offer: pc.localDescription.sdp,
      answer: text,
    };
  }
  window.whip = {
    peers,
    async publish(name, url, { token, simulcast, codec, kinds = ['audio', 'video'] } = {}) {
      const pc = (peers[name] = new RTCPeerConnection());
      const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360, frameRate: 15 } });
      for (const track of media.getTracks()) {
        if (!kinds.includes(track.kind)) continue;
        const sendEncodings = simulcast && track.kind === 'video' ? simulcast : [{}];
        const transceiver = pc.addTransceiver(track, { direction: 'sendonly', streams: [media], sendEncodings });
        if (codec && track.kind === 'video')
          transceiver.setCodecPreferences(RTCRtpSender.getCapabilities('video').codecs.filter(({ mimeType }) => mimeType === codec || /rtx/.test(mimeType)));
      }
      return offerTo(url, pc, token);
    },
    async view(name, url, { token } = {}) {
      const pc = (peers[name] = new RTCPeerConnection());
      const video = document.body.appendChild(document.createElement('video'));
      video.autoplay = true;
      pc.addTransceiver('audio', { direction: 'recvonly' });
      pc.addTransceiver('video', { direction: 'recvonly' });
      video.srcObject = new MediaStream(pc.getReceivers().map(({ track }) => track));
      return offerTo(url, pc, token);
    },
    async stats(name) {
      const report = await peers[name].getStats();
      const sum = { state: peers[name].connectionState, frames: 0, packets: 0, energy: 0, sent: 0, width: 0, layers: {} };
      for (const stat of report.values()) {
        if (stat.type === 'inbound-rtp' && stat.kind === 'video') {
          sum.frames += stat.framesDecoded ?? 0;
          sum.width = stat.frameWidth ?? sum.width;
          sum.codec = report.get(stat.codecId)?.mimeType;
        }
        if (stat.type === 'inbound-rtp' && stat.kind === 'audio') {
          sum.packets += stat.packetsReceived;
          sum.energy += stat.totalAudioEnergy;
        }
        if (stat.type === 'outbound-rtp') sum.sent += stat.packetsSent;
        if (stat.type === 'outbound-rtp' && stat.rid) sum.layers[stat.rid] = stat.framesSent;
      }
      return sum;
    },
    close: (name) => peers[name].close(),
  };
}

let server, browser, page;
before(async () => {
  server = await Server.start();
  browser = await openChromium();
  page = await browser.newPage({ init: inPage });
  await page.goto(`${server.origin}/healthz`); // a page without a policy of its own
});
after(async () => {
  await browser.close();
  await server.stop();
});

const run = (name, ...args) => page.evaluate(([name, args]) => window.whip[name](...args), [name, args]);
const grows = async (name, key, by = 5) => {
  const { [key]: first } = await run('stats', name);
  await until(`${key} of ${name} grow`, async () => (await run('stats', name))[key] > first + by, { deadlineMs: 15_000, everyMs: 100 });
};

test('who publishes by WHIP is a participant like others, and who views by WHEP sees it', async () => {
  const room = freshRoom();
  const watcher = await Client.join(server, room, 'watcher');
  const made = await run('publish', 'pub', `/whip/${room}?name=Ann`);
  assert.equal(made.status, 201, made.text);
  assert.match(made.location, new RegExp(`^/whip/${room}/[a-z0-9]{40}$`));
  assert.match(made.etag, /^"[a-z0-9]{16}"$/);
  const joined = await watcher.next('user-joined');
  assert.equal(joined.user, 'Ann');
  const kinds = [await watcher.next('new-producer'), await watcher.next('new-producer')].map(({ kind, appData }) => `${kind} ${appData.source}`);
  assert.deepEqual(kinds.sort(), ['audio microphone', 'video camera']);
  await until('connected', async () => (await run('stats', 'pub')).state === 'connected');

  const seen = await run('view', 'sub', `/whep/${room}?from=Ann&name=Viewer`);
  assert.equal(seen.status, 201, seen.text);
  await grows('sub', 'frames');
  await grows('sub', 'packets');

  const gone = await page.evaluate(async ([pub, sub]) => [(await fetch(sub, { method: 'DELETE' })).status, (await fetch(pub, { method: 'DELETE' })).status, (await fetch(pub, { method: 'DELETE' })).status], [made.location, seen.location]);
  assert.deepEqual(gone, [200, 200, 404]);
  await watcher.next('user-left', ({ user }) => user === 'Ann');
  await watcher.close();
});
