// Two Chromium tabs for each video codec, simulcast, and a network that loses packets or changes.

import { after, before, test } from 'node:test';
import { openChromium, Person, sampleTwice } from './browsers.mjs';
import { assert, freshRoom, inOneOf } from './expect.mjs';
import { delay, Server, until } from './harness.mjs';
import { LossyLink } from './lossy_link.mjs';

const SMALL = { width: '320', height: '180', fps: '15' };
let server, browser;
before(async () => {
  server = await Server.start();
  browser = await openChromium();
});
after(async () => {
  await browser.close();
  await server.stop();
});

async function pair(options) {
  const room = freshRoom();
  const people = [];
  for (const name of ['Ann', 'Bob']) people.push(await Person.enter(browser, server, room, name, options));
  await people[0].seesAndHears('Bob');
  await people[1].seesAndHears('Ann');
  return people;
}

async function close(people) {
  for (const { page } of people) await page.close();
}

async function canSend(codec) {
  const page = await browser.newPage();
  const mimeTypes = await page.evaluate(() => RTCRtpSender.getCapabilities('video').codecs.map(({ mimeType }) => mimeType));
  await page.close();
  return mimeTypes.includes(`video/${codec}`);
}

for (const codec of ['VP8', 'VP9', 'H264', 'AV1']) {
  test(`${codec} is forwarded`, async (t) => {
    if (!(await canSend(codec))) {
      t.skip(`this Chromium cannot send ${codec}`);
      return;
    }
    const people = await pair({ ...SMALL, codec: codec.toLowerCase() });
    const [ann] = await sampleTwice(people, 2_000);
    const { video } = ann.after.got.Bob;
    assert.equal(video.codec, `video/${codec}`);
    const decoded = video.frames - ann.before.got.Bob.video.frames;
    assert.ok(decoded >= 15, `expected about 30 frames in 2 s, decoded ${decoded}`);
    assert.equal(video.lost, 0);
    await close(people);
  });
}

// What a browser answers shows what it takes: RFC 8888 excludes transport-wide feedback there.
const KEEP_CONNECTIONS = `window.connections = [];
  window.RTCPeerConnection = class extends RTCPeerConnection { constructor(...a) { super(...a); connections.push(this); } };`;

test('a receiver that negotiates RFC 8888 is asked for that alone', async (t) => {
  const trial = '--force-fieldtrials=WebRTC-RFC8888CongestionControlFeedback/Enabled,offer:true/';
  const other = await openChromium({ flags: [trial] });
  t.after(() => other.close());
  const room = freshRoom();
  const ann = await Person.enter(other, server, room, 'Ann', { ...SMALL, init: KEEP_CONNECTIONS });
  const bob = await Person.enter(browser, server, room, 'Bob', SMALL);
  await ann.seesAndHears('Bob');
  await bob.seesAndHears('Ann');
  const answers = await ann.evaluate(() =>
    window.connections.map(({ localDescription }) => localDescription).filter((one) => one?.type === 'answer').map(({ sdp }) => sdp),
  );
  assert.equal(answers.length, 1);
  assert.match(answers[0], /a=rtcp-fb:101 ack ccfb/);
  assert.doesNotMatch(answers[0], /transport-cc/);
  const link = () => {
    const { room } = window.rotunda;
    return room.session.request('get-stats', { transportId: room.recvTransport.id });
  };
  const { stats } = await ann.evaluate(link);
  assert.notEqual(stats[0].availableOutgoingBitrateReason, 'silent');
  await close([ann, bob]);
});

test('a simulcast publisher is seen in the layer that fills its tile', async (t) => {
  const people = await pair({ simulcast: '1', width: '960', height: '540', fps: '15' });
  const [ann] = people;
  // The encoder ramps up: a layer comes once it has the bits for it.
  let video;
  const widthIs = (width) =>
    until(
      { toString: () => `a picture ${width} pixels wide, got one of ${video?.width}` },
      async () => {
        video = (await ann.stats()).got.Bob.video;
        return video.width === width ? video : null;
      },
      { deadlineMs: 40_000, everyMs: 250 },
    );
  await widthIs(960);
  await ann.resize(800, 720); // 480 pixels are enough for half of this
  await widthIs(480);
  await ann.click('view'); // the speaker view shows Bob large
  const best = await widthIs(960);
  assert.equal(best.lost, 0);
  assert.equal((await ann.stats()).sent.video.streams, 3);
  const frames = async () => (await ann.stats()).got.Bob.video.frames;
  const [start, seen] = [performance.now(), await frames()];
  await until('30 more frames', async () => (await frames()) >= seen + 30, { deadlineMs: 20_000 });
  t.diagnostic(`measured: after a switch between layers 30 frames took ${Math.round(performance.now() - start)} ms of 2000`);
  await close(people);
});

test('lost packets are asked for and sent again, both ways', async (t) => {
  const link = await LossyLink.open(server.mediaPort, { seed: 7 });
  t.after(() => link.close());
  const people = await pair({ ...SMALL, link });
  const before = await Promise.all(people.map((person) => person.stats()));
  link.loss = 0.08; // some hundred packets each way: enough that each way loses some
  await delay(8_000);
  link.loss = 0;
  await delay(500);
  const after = await Promise.all(people.map((person) => person.stats()));
  t.diagnostic(`the link lost ${link.lost} of ${link.lost + link.passed} packets`);
  assert.ok(link.lost > 20, `expected the link to lose packets, lost ${link.lost}`);
  for (const [i, other] of [[0, 'Bob'], [1, 'Ann']]) {
    const [b, a] = [before[i].got[other].video, after[i].got[other].video];
    const frames = a.frames - b.frames;
    const sent = after[1 - i].sent.video.framesSent - before[1 - i].sent.video.framesSent;
    t.diagnostic(`${people[i].name}: ${frames} of ${sent} frames, ${a.retransmitted} retransmitted to it, ${a.nacks} NACKs, ${a.freezes - b.freezes} freezes`);
    assert.ok(a.nacks > 0, 'the receiver asked');
    assert.ok(a.retransmitted > 0, 'the server answered from its history');
    assert.ok(after[i].sent.video.nackCount > 0, 'the server asked the publisher');
    assert.ok(after[i].sent.video.retransmittedPacketsSent > 0, 'the publisher answered');
    assert.ok(frames > sent * 0.9, `expected nearly all of ${sent} frames, decoded ${frames}`);
  }
  await close(people);
});

test('a browser whose address changes in mid-call goes on without a gap', async (t) => {
  const link = await LossyLink.open(server.mediaPort);
  t.after(() => link.close());
  const people = await pair({ ...SMALL, link });
  await inOneOf(3, t, async () => {
    const before = await Promise.all(people.map((person) => person.stats()));
    const moved = await link.migrate();
    assert.ok(moved >= 4, `expected 2 transports of each browser, moved ${moved}`);
    await until('every new address is in use', () => link.migrating === 0, { deadlineMs: 20_000, everyMs: 100 });
    await delay(2_000);
    const after = await Promise.all(people.map((person) => person.stats()));
    for (const [i, other] of [[0, 'Bob'], [1, 'Ann']]) {
      const [b, a] = [before[i].got[other].video, after[i].got[other].video];
      assert.equal(a.freezes, b.freezes, `${people[i].name}: freezes`);
      assert.ok(a.lost - b.lost <= 2, `${people[i].name}: ${a.lost - b.lost} packets lost`);
      const seconds = (after[i].t - before[i].t) / 1000;
      assert.ok(a.frames - b.frames >= seconds * 15 * 0.85, `${a.frames - b.frames} frames in ${seconds.toFixed(1)} s`);
    }
  });
  await close(people);
});

test('a browser whose network is gone and who has another one gets its media there', async (t) => {
  const link = await LossyLink.open(server.mediaPort);
  t.after(() => link.close());
  const people = await pair({ ...SMALL, link });
  const moved = await link.migrate({ cut: true });
  assert.ok(moved >= 4, `expected 2 transports of each browser, moved ${moved}`);
  // Two of them get pictures.
  await until('media at the new addresses', () => link.gapsMs.length >= 2, { deadlineMs: 20_000, everyMs: 20 });
  t.diagnostic(`media came ${link.gapsMs.map((ms) => ms.toFixed(0)).join(' and ')} ms after the first check from there, of 1000`);
  // Longer than anything lasts that is on trust: what is proven stays.
  await sampleTwice(people, 12_000);
  const [ann, bob] = await sampleTwice(people, 2_000);
  for (const [person, other] of [[ann, 'Bob'], [bob, 'Ann']]) {
    const frames = person.after.got[other].video.frames - person.before.got[other].video.frames;
    assert.ok(frames >= 15, `expected about 30 frames in 2 s, decoded ${frames}`);
  }
  await close(people);
});
