// switches.mjs [CODEC...]: a real Chromium watches another one and is switched between spatial and temporal layers, two
// hundred times for each codec (vp8, vp9, h264, av1; all of them without a word); says how long the picture stood still at
// most, what the decoder says of itself, and whether each picture was a whole one and later than the one before.
//
//   ROTUNDA_BIN=build/rotunda node tests/quality/switches.mjs [CODEC...]
//
// SWITCHES: how many, in place of 200. Not part of ./test: it takes four minutes a codec, and what a machine is too slow to
// encode looks like a freeze; so the same time without switches is measured as well. The page must have been built. Ends
// with 1 when something asked for is missed.
//
// The publisher's camera is a drawing with its number three times on it, as bars that survive a picture of 160 pixels:
// a picture that is put together of several shows several, one that went back in time a smaller one.

import { openChromium, Person } from '../e2e/browsers.mjs';
import { freshRoom } from '../e2e/expect.mjs';
import { delay, Server, until } from '../e2e/harness.mjs';

const CODECS = {
  vp8: { svc: 'L1T3', simulcast: '1', width: 960, height: 540, fps: 20, spatial: [240, 480, 960] },
  vp9: { svc: 'L3T3_KEY', simulcast: '0', width: 960, height: 540, fps: 20, spatial: [240, 480, 960] },
  h264: { svc: 'L1T3', simulcast: '1', width: 960, height: 540, fps: 20, spatial: [240, 480, 960] },
  // Of so small a picture libwebrtc makes two layers, and a larger one costs more than a core.
  av1: { svc: 'L3T3', simulcast: '0', width: 640, height: 360, fps: 20, spatial: [320, 640] },
};
const TEMPORAL = 3;
const FREEZE_MS = 400;
const SWITCHES = Number(process.env.SWITCHES ?? 200);

// In the publisher's page before its scripts.
function drawnCamera() {
  const own = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  const query = new URLSearchParams(location.search);
  const [width, height, fps] = ['width', 'height', 'fps'].map((name) => Number(query.get(name)));
  const check = (n) => (n ^ (n >> 4) ^ (n >> 8) ^ (n >> 12) ^ 5) & 15;
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await own(wanted);
    const [camera] = stream.getVideoTracks();
    if (!camera) return stream;
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const ctx = canvas.getContext('2d');
    let n = 0;
    window.drawnAt = [];
    const draw = () => {
      n = (n + 1) & 0xffff;
      window.drawnAt[n] = Date.now();
      ctx.fillStyle = `hsl(${n % 360} 40% 50%)`;
      ctx.fillRect(0, 0, width, height);
      for (let i = 0; i < 12; i++) {
        ctx.fillStyle = `hsl(${(i * 30 + n * 3) % 360} 70% 50%)`;
        ctx.beginPath();
        ctx.arc(width * (0.5 + 0.45 * Math.sin(n / 17 + i)), height * (0.5 + 0.4 * Math.cos(n / 13 + i * 2)), height / 12, 0, 7);
        ctx.fill();
      }
      const bits = (n << 4) | check(n);
      for (const row of [0, 1, 2])
        for (let i = 0; i < 20; i++) {
          ctx.fillStyle = (bits >> (19 - i)) & 1 ? '#fff' : '#000';
          ctx.fillRect((width * i) / 20, height * (0.02 + row * 0.4), width / 20 + 1, height * 0.14);
        }
    };
    draw();
    setInterval(draw, 1000 / fps);
    const [drawn] = canvas.captureStream(fps).getVideoTracks();
    drawn.getSettings = () => camera.getSettings(); // the page asks which device it is
    stream.removeTrack(camera);
    stream.addTrack(drawn);
    return stream;
  };
}

// In the publisher's page before its scripts, too: notes when each picture of a layer leaves the encoder. Of layers in one
// stream an encoder that is short of bits leaves out pictures of its lowest, too, and nobody can send what was not made.
function notedPictures() {
  window.encoded = [];
  const source = `onrtctransform = ({ transformer: { readable, writable } }) =>
    readable.pipeThrough(new TransformStream({ transform(frame, controller) {
      const { spatialIndex = 0, temporalIndex = 0 } = frame.getMetadata();
      postMessage({ at: Date.now(), s: spatialIndex, t: temporalIndex, key: frame.type === 'key' });
      controller.enqueue(frame);
    } })).pipeTo(writable);`;
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
  worker.onmessage = ({ data }) => window.encoded.push(data);
  const own = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (track, init) {
    const transceiver = own.call(this, track, init);
    if (track.kind === 'video') transceiver.sender.transform = new RTCRtpScriptTransform(worker);
    return transceiver;
  };
}

// In the viewer's page: reads each picture that is shown.
function readPictures(user) {
  const video = document.querySelector(`.tile[data-name="${user}"] video`);
  const canvas = Object.assign(document.createElement('canvas'), { width: 160, height: 90 });
  const ctx = canvas.getContext('2d', { willReadFrequently: true });
  const check = (n) => (n ^ (n >> 4) ^ (n >> 8) ^ (n >> 12) ^ 5) & 15;
  const seen = (window.seen = { pictures: 0, unread: 0, torn: 0, backwards: 0, missed: 0, gaps: [], longest: 0, widths: {}, notes: [] });
  window.beginAnew = () => Object.assign(seen, { pictures: 0, unread: 0, torn: 0, backwards: 0, missed: 0, gaps: [], longest: 0, widths: {}, notes: [] });
  const readRow = (pixels, row) => {
    let bits = 0;
    for (let i = 0; i < 20; i++) {
      const x = Math.round(160 * (i + 0.5) / 20), y = Math.round(90 * (0.09 + row * 0.4));
      const light = [-1, 0, 1].reduce((sum, dy) => sum + pixels[((y + dy) * 160 + x) * 4 + 1], 0) / 3;
      if (light > 90 && light < 165) return null; // too blurred to tell
      bits = (bits << 1) | (light >= 165 ? 1 : 0);
    }
    const n = bits >> 4;
    return (bits & 15) === check(n) ? n : null;
  };
  let last = null, lastAt = 0, presented = 0;
  const frame = (now, { presentedFrames }) => {
    ctx.drawImage(video, 0, 0, 160, 90);
    const { data } = ctx.getImageData(0, 0, 160, 90);
    const rows = [0, 1, 2].map((row) => readRow(data, row));
    const known = rows.filter((n) => n !== null);
    seen.pictures++;
    seen.widths[video.videoWidth] = (seen.widths[video.videoWidth] ?? 0) + 1;
    if (presented) seen.missed += presentedFrames - presented - 1;
    presented = presentedFrames;
    if (known.length < 3) seen.unread++;
    if (known.some((n) => n !== known[0])) {
      seen.torn++;
      seen.notes.push(`torn ${rows} at ${video.videoWidth}`);
    } else if (known.length > 0) {
      const step = last === null ? 1 : ((known[0] - last + 0x8000) & 0xffff) - 0x8000;
      if (step < 0) {
        seen.backwards++;
        seen.notes.push(`${last} then ${known[0]}`);
      }
      last = known[0];
    }
    const gap = lastAt ? now - lastAt : 0;
    lastAt = now;
    seen.longest = Math.max(seen.longest, gap);
    if (gap > 400) seen.gaps.push({ at: Date.now(), ms: Math.round(gap), n: known[0] });
    video.requestVideoFrameCallback(frame);
  };
  video.requestVideoFrameCallback(frame);
}

const decoder = (viewer) =>
  viewer.evaluate(async () => {
    const entry = [...window.rotunda.room.consumers.values()].find((one) => one?.kind === 'video' && one.source === 'camera' && window.rotunda.room.peers.get(one.userId) === 'Bob');
    const report = await entry.consumer.getStats();
    const stat = [...report.values()].find(({ type }) => type === 'inbound-rtp') ?? {};
    const { framesDecoded = 0, framesReceived = 0, framesDropped = 0, keyFramesDecoded = 0, freezeCount = 0, pliCount = 0, nackCount = 0, packetsLost = 0, frameWidth, decoderImplementation } = stat;
    return { id: entry.consumer.id, codec: report.get(stat.codecId)?.mimeType, framesDecoded, framesReceived, framesDropped, keyFramesDecoded, freezeCount, pliCount, nackCount, packetsLost, frameWidth, decoderImplementation };
  });

const counters = ['framesDecoded', 'framesDropped', 'keyFramesDecoded', 'freezeCount', 'pliCount', 'nackCount', 'packetsLost'];
const since = (a, b) => Object.fromEntries(counters.map((name) => [name, b[name] - a[name]]));

// Whether the publisher's own picture stood still then, because its machine was busy: between the moments at which it drew.
const sourceGap = (publisher, at) =>
  publisher.evaluate((when) => {
    const times = window.drawnAt.filter((t) => t > when - 3000 && t <= when).sort((a, b) => a - b);
    return Math.max(0, ...times.map((t, i) => (i ? t - times[i - 1] : 0)));
  }, at);

// How long the publisher's encoder made no picture of those layers at most, around such a gap.
const encoderGap = (publisher, { at, ms }, { s, t }) =>
  publisher.evaluate(
    ([from, to, spatial, temporal]) => {
      const times = window.encoded.filter((one) => one.at > from && one.at < to && one.s === spatial && one.t <= temporal).map((one) => one.at);
      return Math.max(0, ...times.map((time, i) => (i ? time - times[i - 1] : 0)));
    },
    [at - ms - 500, at + 500, s, t],
  );

async function measure(viewer, seconds, act) {
  const before = await decoder(viewer);
  await viewer.evaluate(() => window.beginAnew());
  const start = performance.now();
  const acted = await act?.();
  if (!act) await delay(seconds * 1000);
  const seen = await viewer.evaluate(() => structuredClone(window.seen));
  return { ...seen, ...since(before, await decoder(viewer)), seconds: (performance.now() - start) / 1000, acted };
}

// A generator of numbers, so that each run takes the same way.
function dice(seed) {
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 4294967296) * below);
  };
}

async function switchAbout(viewer, consumerId, { spatial }) {
  const roll = dice(7);
  let [s, t] = [spatial.length - 1, TEMPORAL - 1];
  const times = [];
  let late = 0;
  for (let i = 0; i < SWITCHES; i++) {
    const from = [s, t];
    while (s === from[0] && t === from[1]) [s, t] = [roll(spatial.length), roll(TEMPORAL)];
    const start = performance.now();
    await viewer.evaluate((wish) => window.rotunda.room.session.request('set-preferred-layers', wish), { consumerId, spatialLayer: s, temporalLayer: t });
    const told = () => viewer.evaluate(() => window.layersTold.at(-1));
    const arrived = await until('', async () => ((at) => at?.spatialLayer === s && at?.temporalLayer === t)(await told()), { deadlineMs: 4_000, everyMs: 30 }).catch(() => null);
    if (arrived === null) late++;
    else times.push(performance.now() - start);
    await delay(150 + roll(350));
  }
  times.sort((a, b) => a - b);
  return { median: Math.round(times[times.length >> 1] ?? 0), slowest: Math.round(times.at(-1) ?? 0), late };
}

const told = ({ pictures, seconds, longest, gaps, unread, torn, backwards, missed, framesDropped, keyFramesDecoded, freezeCount, pliCount, nackCount, packetsLost }) =>
  `${pictures} pictures in ${Math.round(seconds)} s; longest ${Math.round(longest)} ms, ${gaps.length} over ${FREEZE_MS} ms, ${freezeCount} freezes by the browser's count; ` +
  `${torn} put together wrongly, ${backwards} that went back, ${unread} too blurred to read, ${missed} not looked at; ` +
  `${framesDropped} dropped, ${keyFramesDecoded} key frames, ${pliCount} PLI, ${nackCount} NACK, ${packetsLost} lost`;

async function run(server, browser, codec) {
  const options = CODECS[codec];
  const room = freshRoom();
  const { svc, simulcast, width, height, fps } = options;
  const bob = await Person.enter(browser, server, room, 'Bob', { init: `(${drawnCamera})();(${notedPictures})();`, codec, svc, simulcast, width, height, fps });
  const ann = await Person.enter(browser, server, room, 'Ann', { codec: 'vp8', simulcast: '0', width: '160', height: '90', fps: '2' });
  await ann.seesAndHears('Bob');
  await ann.click('view'); // large: the best layer is what the page wants itself
  await ann.evaluate(() => {
    window.layersTold = [];
    window.rotunda.room.on('layers', (layers) => window.layersTold.push(layers));
    window.reasons = []; // of each change, with its time
    window.rotunda.room.session.on('notification', ({ type, data }) => {
      if (type === 'consumer-layers-changed') window.reasons.push({ at: Date.now(), s: data.spatialLayer, t: data.temporalLayer, reason: data.reason });
    });
  });
  const best = options.spatial.at(-1);
  await until(`a picture of ${best}`, async () => (await decoder(ann)).frameWidth === best, { deadlineMs: 60_000, everyMs: 200 });
  await ann.evaluate(readPictures, 'Bob');
  await delay(3_000);
  const { id, codec: mimeType, decoderImplementation } = await decoder(ann);
  const still = await measure(ann, 30);
  const moved = await measure(ann, 0, () => switchAbout(ann, id, options));
  const gaps = [];
  for (const gap of moved.gaps) {
    const told = await ann.evaluate(({ at }) => window.reasons.filter((one) => one.at < at), gap);
    const around = told.filter((one) => one.at > gap.at - gap.ms - 500);
    const shown = told.findLast((one) => one.at < gap.at - gap.ms / 2); // in the midst of it
    gaps.push({ ...gap, told: around, source: await sourceGap(bob, gap.at), encoder: await encoderGap(bob, gap, shown) });
  }
  console.log(`${mimeType} (${decoderImplementation}), ${svc}, ${simulcast === '1' ? 'simulcast' : 'one stream'}, ${width}x${height} at ${fps}`);
  console.log(`  without switches: ${told(still)}`);
  console.log(`  ${SWITCHES} switches, ${moved.acted.median} ms each in the median, ${moved.acted.slowest} at most, ${moved.acted.late} that took longer than 4 s: ${told(moved)}; widths ${JSON.stringify(moved.widths)}`);
  for (const { at, ms, source, encoder, told: changes } of gaps) {
    const list = changes.map((one) => `S${one.s}T${one.t} ${one.reason} ${one.at - at}`).join(', ');
    console.log(`  ${ms} ms without a picture, while the publisher drew none for up to ${source} ms and its encoder made none of what was to be shown for up to ${encoder}; told (ms before its end): ${list}`);
  }
  for (const note of moved.notes.slice(0, 10)) console.log(`  ${note}`);
  for (const { page } of [ann, bob]) await page.close();
  const ownFault = gaps.filter(({ ms, source, encoder }) => Math.max(source, encoder) < ms - FREEZE_MS / 4);
  return ownFault.length === 0 && moved.torn === 0 && moved.backwards === 0 && moved.pliCount === 0;
}

const server = await Server.start();
const browser = await openChromium();
let whole = true;
for (const codec of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(CODECS))
  whole = (await run(server, browser, codec).catch((error) => console.log(`${codec}: ${error.message}`) ?? false)) && whole;
await browser.close();
await server.stop();
process.exit(whole ? 0 : 1);
