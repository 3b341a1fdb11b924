// What a person on the page sees and hears, second by second.

import { performance } from 'node:perf_hooks';
import { delay } from '../e2e/harness.mjs';

// One sample: by name of the sender, of picture and sound.
const sample = (person) =>
  person.evaluate(async () => {
    const { room } = window.rotunda;
    const seen = {};
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
          });
        else Object.assign(of, { samples: stat.totalSamplesReceived ?? 0, concealed: stat.concealedSamples ?? 0, silent: stat.silentConcealedSamples ?? 0 });
      }
    }
    return seen;
  });

// Calls each second `second` (with its number) and notes what each person sees; link: is looked at as well.
export async function watch(people, link, seconds, second = () => {}) {
  const rows = [];
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
      seen: now.map((all, p) => Object.fromEntries(Object.entries(all).map(([name, of]) => [name, change(before[p][name] ?? {}, of)]))),
    });
    before = now;
  }
  return rows;
}

function change(a, b) {
  const out = { height: b.height ?? 0 };
  for (const key of ['frames', 'freezes', 'frozenMs', 'bytes', 'nacks', 'plis', 'keys', 'dropped', 'samples', 'concealed', 'silent'])
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
    kbps: Math.round((sum(list, 'bytes') * 8) / 1000 / last),
    concealed: sum(list, 'concealed') / Math.max(1, sum(list, 'samples')),
    nacks: sum(list, 'nacks'),
    keys: sum(list, 'keys'),
  };
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
