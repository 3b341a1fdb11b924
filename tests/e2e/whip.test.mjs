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
    async publish(name, url, { token, simulcast, codec, red, kinds = ['audio', 'video'] } = {}) {
      const pc = (peers[name] = new RTCPeerConnection());
      const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360, frameRate: 15 } });
      for (const track of media.getTracks()) {
        if (!kinds.includes(track.kind)) continue;
        const sendEncodings = simulcast && track.kind === 'video' ? simulcast : [{}];
        const transceiver = pc.addTransceiver(track, { direction: 'sendonly', streams: [media], sendEncodings });
        if (codec && track.kind === 'video')
          transceiver.setCodecPreferences(RTCRtpSender.getCapabilities('video').codecs.filter(({ mimeType }) => mimeType === codec || /rtx/.test(mimeType)));
        if (red && track.kind === 'audio') {
          const { codecs } = RTCRtpSender.getCapabilities('audio');
          transceiver.setCodecPreferences(['audio/red', 'audio/opus'].flatMap((wanted) => codecs.filter(({ mimeType }) => mimeType === wanted)));
        }
      }
      return offerTo(url, pc, token);
    },
    async view(name, url, { token, red = true } = {}) {
      const pc = (peers[name] = new RTCPeerConnection());
      const video = document.body.appendChild(document.createElement('video'));
      video.autoplay = true;
      const audio = pc.addTransceiver('audio', { direction: 'recvonly' });
      if (!red) audio.setCodecPreferences(RTCRtpReceiver.getCapabilities('audio').codecs.filter(({ mimeType }) => mimeType === 'audio/opus'));
      pc.addTransceiver('video', { direction: 'recvonly' });
      video.srcObject = new MediaStream(pc.getReceivers().map(({ track }) => track));
      return offerTo(url, pc, token);
    },
    async stats(name) {
      const report = await peers[name].getStats();
      const sum = { state: peers[name].connectionState, frames: 0, packets: 0, energy: 0, again: 0, samples: 0, sent: 0, width: 0, layers: {} };
      for (const stat of report.values()) {
        if (stat.type === 'inbound-rtp' && stat.kind === 'video') {
          sum.frames += stat.framesDecoded ?? 0;
          sum.width = stat.frameWidth ?? sum.width;
          sum.codec = report.get(stat.codecId)?.mimeType;
        }
        if (stat.type === 'inbound-rtp' && stat.kind === 'audio') {
          sum.packets += stat.packetsReceived;
          sum.energy += stat.totalAudioEnergy;
          sum.samples += stat.jitterBufferEmittedCount ?? 0;
          sum.again += stat.packetsDiscarded ?? 0; // of redundant audio: frames that were there already
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
  await until(`${key} of ${name} grow`, async () => (await run('stats', name))[key] > first + by, { deadlineMs: 30_000, everyMs: 100 });
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

test('simulcast by WHIP: a viewer chooses layers, mutes, and hears of it by server-sent events', async () => {
  const room = freshRoom();
  // As many as Chromium sends of so small a picture.
  const simulcast = [{ rid: 'l', scaleResolutionDownBy: 2, maxBitrate: 150_000 }, { rid: 'h', maxBitrate: 400_000 }];
  const made = await run('publish', 'sim', `/whip/${room}?name=Ann`, { simulcast });
  assert.equal(made.status, 201, made.text);
  await until('all layers are sent', async () => Object.values((await run('stats', 'sim')).layers).filter((frames) => frames > 5).length === 2, { deadlineMs: 20_000, everyMs: 200 });
  const seen = await run('view', 'layers', `/whep/${room}?name=Vic`);
  assert.equal(seen.status, 201, seen.text);
  await grows('layers', 'frames');
  const ask = (path, method, body) =>
    page.evaluate(
      async ([path, method, body]) => {
        const answer = await fetch(path, { method, headers: body ? { 'Content-Type': 'application/json' } : {}, body: body && JSON.stringify(body) });
        return { status: answer.status, location: answer.headers.get('location'), text: await answer.text() };
      },
      [path, method, body],
    );
  const events = await ask(`${seen.location}/events`, 'POST', ['active', 'layers', 'viewercount']);
  assert.equal(events.status, 201);
  await page.evaluate((url) => {
    window.heard = {};
    window.source = new EventSource(url);
    for (const name of ['active', 'inactive', 'layers', 'viewercount']) window.source.addEventListener(name, ({ data }) => (window.heard[name] = JSON.parse(data)));
  }, events.location);
  const heard = await until('events', async () => {
    const events = await page.evaluate(() => window.heard);
    return events.active && events.layers && events.viewercount ? events : null;
  });
  assert.deepEqual(heard.layers['1'].map(({ rid }) => rid), ['h', 'l']);
  assert.equal(heard.viewercount.viewercount, 1);

  for (const [rid, width] of [['l', 320], ['h', 640]]) {
    assert.equal((await ask(`${seen.location}/layer`, 'POST', { mediaId: '1', rid })).status, 200);
    await until(`a picture of ${width}`, async () => (await run('stats', 'layers')).width === width, { deadlineMs: 20_000, everyMs: 100 });
  }
  assert.equal((await ask(seen.location, 'POST', { video: true })).status, 200);
  await until('no more pictures', async () => {
    const { frames } = await run('stats', 'layers');
    await new Promise((resolve) => setTimeout(resolve, 500));
    return (await run('stats', 'layers')).frames === frames;
  });
  assert.equal((await ask(seen.location, 'POST', { video: false })).status, 200);
  await grows('layers', 'frames');

  // The publisher goes, and comes back under the same session of the viewer.
  await ask(made.location, 'DELETE');
  const again = await run('publish', 'again', `/whip/${room}?name=Bob`);
  assert.equal(again.status, 201, again.text);
  await grows('layers', 'frames');
  await grows('layers', 'packets');
  await page.evaluate(() => window.source.close());
  assert.equal((await ask(seen.location, 'DELETE')).status, 200);
  assert.equal((await ask(again.location, 'DELETE')).status, 200);
});

test('redundant audio is passed on to who takes it, by WHEP and on the page, and is plain opus for others', async () => {
  const room = freshRoom();
  const made = await run('publish', 'twice', `/whip/${room}?name=Ann`, { red: true, kinds: ['audio'] });
  assert.equal(made.status, 201, made.text);
  assert.match(made.answer, /m=audio 9 UDP\/TLS\/RTP\/SAVPF 63 111\r\n/);
  const seen = await run('view', 'redundant', `/whep/${room}?from=Ann`);
  const plain = await run('view', 'plain', `/whep/${room}?from=Ann`, { red: false });
  const bob = await Person.enter(browser, server, room, 'Bob', { simulcast: '0', width: '160', height: '90', fps: '5' });
  // Chromium counts frames that it has had among those that it discards.
  await grows('redundant', 'again', 50);
  const heard = await bob.until('sound comes twice', async () => {
    const entry = [...window.rotunda.room.consumers.values()].find((one) => one?.kind === 'audio');
    const stat = [...((await entry?.consumer.getStats()) ?? new Map()).values()].find(({ type }) => type === 'inbound-rtp');
    return stat?.packetsDiscarded > 50 && stat.totalAudioEnergy > 0 && stat;
  });
  assert.ok(heard.concealedSamples < heard.totalSamplesReceived * 0.5, JSON.stringify(heard));
  await grows('plain', 'packets', 50);
  const { again, packets, samples } = await run('stats', 'plain');
  assert.ok(samples > packets * 480, `of ${packets} packets ${samples} samples`);
  assert.ok(again < packets / 4, `of ${packets} packets of plain opus ${again} were discarded`);
  await bob.page.close();
  for (const { location } of [seen, plain, made]) await page.evaluate((url) => fetch(url, { method: 'DELETE' }), location);
});

test('ICE restarts by PATCH', async () => {
  const room = freshRoom();
  const made = await run('publish', 'restart', `/whip/${room}?name=Ann`);
  await until('connected', async () => (await run('stats', 'restart')).state === 'connected');
  const restarted = await page.evaluate(
    async ([url, etag]) => {
      const pc = window.whip.peers.restart;
      pc.restartIce();
      await pc.setLocalDescription(await pc.createOffer());
      const [ufrag] = pc.localDescription.sdp.match(/a=ice-ufrag:.*/);
      const [pwd] = pc.localDescription.sdp.match(/a=ice-pwd:.*/);
      const patch = (match) => fetch(url, { method: 'PATCH', headers: { 'Content-Type': 'application/trickle-ice-sdpfrag', ...(match ? { 'If-Match': match } : {}) }, body: `${ufrag}\r\n${pwd}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n` });
      const statuses = [(await patch('')).status, (await patch('"of-another-time"')).status];
      const answer = await patch('*');
      const text = await answer.text();
      const [ours] = text.match(/a=ice-ufrag:.*/);
      const [ourPwd] = text.match(/a=ice-pwd:.*/);
      const sdp = pc.currentRemoteDescription.sdp.replaceAll(/a=ice-ufrag:.*/g, ours.trim()).replaceAll(/a=ice-pwd:.*/g, ourPwd.trim());
      await pc.setRemoteDescription({ type: 'answer', sdp });
      return [...statuses, answer.status, answer.headers.get('etag') !== etag];
    },
    [made.location, made.etag],
  );
  assert.deepEqual(restarted, [428, 412, 200, true]);
  await grows('restart', 'sent', 20);
  await until('connected', async () => (await run('stats', 'restart')).state === 'connected');
  const gone = await page.evaluate(async (url) => (await fetch(url, { method: 'DELETE' })).status, made.location);
  assert.equal(gone, 200);
  assert.equal(await server.metric('rotunda_whip_sessions'), 0);
});
