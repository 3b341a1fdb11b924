// What a person on the page sees and hears, second by second.

import { performance } from 'node:perf_hooks';
import { delay } from '../e2e/harness.mjs';

// From now on the layers that the server says it sends are noted: of whom, when, which, why.
const noteLayers = (person) =>
  person.evaluate(() => {
    const { room } = window.rotunda;
    if (window.layersNoted) return;
    window.layersNoted = [];
    room.session.on('notification', ({ type, data }) => {
      if (type !== 'consumer-layers-changed') return;
      const entry = [...room.consumers.values()].find((one) => one?.consumer.id === data.consumerId);
      window.layersNoted.push({ at: performance.now(), of: room.peers.get(entry?.userId), ...data });
    });
  });

// One sample: by name of the sender, of picture and sound; and what the server says of the link.
const sample = (person) =>
  person.evaluate(async () => {
    const { room } = window.rotunda;
    const seen = {};
    const { stats } = await room.session.request('get-stats', { transportId: room.recvTransport.id });
    const { availableOutgoingBitrate, availableOutgoingBitrateReason, targetOutgoingBitrate, wantedOutgoingBitrate } = stats[0];
    const link = {
      estimateKbps: (availableOutgoingBitrate ?? 0) / 1000,
      reason: availableOutgoingBitrateReason,
      givenKbps: (targetOutgoingBitrate ?? 0) / 1000,
      wantedKbps: (wantedOutgoingBitrate ?? 0) / 1000,
      layers: window.layersNoted.splice(0),
    };
    for (const entry of room.consumers.values()) {
      if (!entry) continue;
      const name = room.peers.get(entry.userId);
      for (const stat of (await entry.consumer.getStats()).values()) {
        if (stat.type !== 'inbound-rtp') continue;
        const of = (seen[name] ??= {});
        if (stat.kind === 'video')
          Object.assign(of, {
            frames: stat.framesDecoded ?? 0,
            height: stat.frameHeight ?? 0,
            freezes: stat.freezeCount ?? 0,
            frozenMs: (stat.totalFreezesDuration ?? 0) * 1000,
            bytes: stat.bytesReceived + (stat.headerBytesReceived ?? 0),
            nacks: stat.nackCount ?? 0,
            plis: stat.pliCount ?? 0,
            keys: stat.keyFramesDecoded ?? 0,
            dropped: stat.framesDropped ?? 0,
            heldMs: (stat.jitterBufferDelay ?? 0) * 1000, // all frames together, until they are decoded
            held: stat.jitterBufferEmittedCount ?? 0,
          });
        else Object.assign(of, { samples: stat.totalSamplesReceived ?? 0, concealed: stat.concealedSamples ?? 0, silent: stat.silentConcealedSamples ?? 0 });
      }
    }
    return { seen, link };
  });

// Calls each second `second` (with its number) and notes what each person sees; link: is looked at as well.
export async function watch(people, link, seconds, second = () => {}) {
  const rows = [];
  await Promise.all(people.map(noteLayers));
  const start = performance.now();
  let before = await Promise.all(people.map(sample));
  link?.down.look();
  link?.up.look();
  for (let i = 0; i < seconds; i++) {
    await second(i);
    await delay(Math.max(0, start + (i + 1) * 1000 - performance.now()));
    const now = await Promise.all(people.map(sample));
    rows.push({
      second: i,
      down: link?.down.look(),
      up: link?.up.look(),
      seen: now.map(({ seen }, p) => Object.fromEntries(Object.entries(seen).map(([name, of]) => [name, change(before[p].seen[name] ?? {}, of)]))),
      links: now.map(({ link: of }) => of),
    });
    before = now;
  }
  return rows;
}

function change(a, b) {
  const out = { height: b.height ?? 0 };
  for (const key of ['frames', 'freezes', 'frozenMs', 'bytes', 'nacks', 'plis', 'keys', 'dropped', 'heldMs', 'held', 'samples', 'concealed', 'silent'])
    out[key] = (b[key] ?? 0) - (a[key] ?? 0);
  return out;
}

const of = (rows, who, from) => rows.map(({ seen }) => (from === undefined ? Object.values(seen[who])[0] : seen[who][from]) ?? {});
const sum = (list, key) => list.reduce((total, one) => total + (one[key] ?? 0), 0);

// Of some seconds: what person number `who` saw of `from` (of the only other one when left out).
export function summary(rows, who = 0, from = undefined) {
  const list = of(rows, who, from);
  const heights = list.map(({ height }) => height);
  const last = rows.length || 1;
  return {
    fps: sum(list, 'frames') / last,
    height: [...heights].sort((a, b) => a - b)[heights.length >> 1] ?? 0,
    changes: heights.filter((height, i) => i > 0 && height !== heights[i - 1]).length,
    freezes: sum(list, 'freezes'),
    frozenMs: Math.round(sum(list, 'frozenMs')),
    longestFreezeMs: Math.round(Math.max(0, ...list.map(({ frozenMs = 0 }) => frozenMs))), // or two in one second
    kbps: Math.round((sum(list, 'bytes') * 8) / 1000 / last),
    concealed: sum(list, 'concealed') / Math.max(1, sum(list, 'samples')),
    heldMs: Math.round(sum(list, 'heldMs') / Math.max(1, sum(list, 'held'))),
    nacks: sum(list, 'nacks'),
    keys: sum(list, 'keys'),
  };
}

// What the server said of person number `who`'s link.
export function estimate(rows, who = 0) {
  const list = rows.map(({ links }) => links[who]);
  const mean = (key) => Math.round(list.reduce((total, one) => total + one[key], 0) / (list.length || 1));
  return { estimateKbps: mean('estimateKbps'), givenKbps: mean('givenKbps'), wantedKbps: mean('wantedKbps'), reason: list.at(-1)?.reason };
}

// Changes of layers that person number `who` was told of, those of one moment and publisher once, and the most of them
// within ten seconds.
export function layerChanges(rows, who = 0) {
  const events = rows.flatMap(({ links }) => links[who].layers);
  const single = events.filter((one, i) => !events.slice(0, i).some(({ of, at }) => of === one.of && one.at - at < 500));
  const within = single.map(({ at }) => single.filter((other) => other.at >= at && other.at < at + 10_000).length);
  return { count: single.length, mostIn10s: Math.max(0, ...within) };
}

// Of everybody together: kbit/s of pictures, which is what person number `who` has of a shared link.
export function shareKbps(rows, who = 0) {
  const bytes = rows.flatMap(({ seen }) => Object.values(seen[who])).reduce((total, one) => total + (one.bytes ?? 0), 0);
  return Math.round((bytes * 8) / 1000 / (rows.length || 1));
}

export function queue(rows, direction = 'down') {
  const list = rows.map((row) => row[direction]);
  const mean = list.reduce((total, { queueMs }) => total + queueMs, 0) / (list.length || 1);
  return {
    meanMs: Math.round(mean),
    maxMs: Math.round(Math.max(0, ...list.map(({ queueMaxMs }) => queueMaxMs))),
    kbps: Math.round(list.reduce((total, { bytes }) => total + bytes * 8, 0) / 1000 / (list.length || 1)),
    dropped: list.reduce((total, { dropped }) => total + dropped, 0),
  };
}
