// A participant on another WebRTC stack, GStreamer's webrtcbin with libnice, together with Chromium. Run by
// in_own_network.sh.

import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openChromium, Person, sampleTwice } from './browsers.mjs';
import { assert, freshRoom } from './expect.mjs';
import { delay, Server, until } from './harness.mjs';

const SCRIPT = fileURLToPath(new URL('gstreamer_peer.py', import.meta.url));
const SECONDS = 90; // longer than every timer that it depends on: consent is 30 s, libnice's keepalives 25 s
let server, browser;
before(async () => {
  server = await Server.start({ announce: process.env.ROTUNDA_TEST_ADDRESS ?? '127.0.0.1' });
  browser = await openChromium();
});
after(async () => {
  await browser.close();
  await server.stop();
});

function startPeer(room, name) {
  const child = spawn('/usr/bin/python3', [SCRIPT, `ws://127.0.0.1:${server.port}/ws`, room, name, String(SECONDS)]);
  const peer = { output: '', seen: null, done: new Promise((resolve) => child.on('close', resolve)), child };
  child.stderr.on('data', (data) => (peer.output += data));
  child.stdout.on('data', (data) => {
    peer.output += data;
    const lines = peer.output.split('\n').filter((line) => line.startsWith('{'));
    if (lines.length > 0) peer.seen = JSON.parse(lines.at(-1));
  });
  return peer;
}

test('GStreamer and Chromium see and hear each other', async (t) => {
  const room = freshRoom();
  const ann = await Person.enter(browser, server, room, 'Ann', { width: '320', height: '180', fps: '15' });
  const peer = startPeer(room, 'Gst');
  const start = performance.now();
  t.after(() => peer.child.kill());
  const first = await Promise.race([peer.done, ann.seesAndHears('Gst').catch((error) => error)]);
  if (first === 77) {
    t.skip(`GStreamer lacks something here: ${peer.output}`);
    return;
  }
  if (first instanceof Error) assert.fail(`${first.message}\npeer: ${peer.output}`);
  if (first === null || typeof first === 'number') assert.fail(`the peer ended with ${first}: ${peer.output}`);
  const [{ before: b, after: a }] = await sampleTwice([ann], 3_000);
  if (!a.got.Gst) assert.fail(`the peer went away: ${peer.output}`);
  const frames = a.got.Gst.video.frames - b.got.Gst.video.frames;
  assert.ok(frames >= 35, `expected about 45 frames from GStreamer in 3 s, decoded ${frames}`);
  assert.equal(a.got.Gst.video.lost, 0);
  assert.equal(a.got.Gst.audio.lost, 0);
  assert.ok(a.got.Gst.audio.energy > b.got.Gst.audio.energy, 'its tone is heard');
  await until('GStreamer decodes what Chromium sends', () => peer.seen?.video > 30 && peer.seen?.audio > 100, {
    deadlineMs: 30_000,
  }).catch((error) => assert.fail(`${error.message}\npeer: ${peer.output}`));
  // Both ways, still, after 75 s.
  await delay(Math.max(0, 75_000 - (performance.now() - start)));
  const late = peer.seen;
  const [{ before, after: end }] = await sampleTwice([ann], 3_000);
  const lateFrames = end.got.Gst.video.frames - before.got.Gst.video.frames;
  assert.ok(lateFrames >= 35, `after 75 s: expected about 45 frames from GStreamer in 3 s, decoded ${lateFrames}`);
  assert.ok(peer.seen.video >= late.video + 20, `after 75 s GStreamer decodes ${peer.seen.video - late.video} frames in 3 s`);
  assert.ok(peer.seen.states.every((state) => state === 'connected'), JSON.stringify(peer.seen));
  assert.equal(await peer.done, 0, peer.output);
  await until('its tile is gone', async () => (await ann.tiles()).length === 0);
});
