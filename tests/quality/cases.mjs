// The calls of run.mjs, each with what docs/media.md asks of it.

import { delay } from '../e2e/harness.mjs';
import { framesNoted, lookAtFrames, wholeInTime } from './frames.mjs';
import { Download } from './shaped_link.mjs';
import { estimate, layerChanges, queue, shareKbps, summary } from './viewer.mjs';

const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;
const CALM_SECONDS = 15;
// 99.9 % can be told from 99.8: nearly five thousand frames.
const LOSS_SECONDS = Number(process.env.LOSS_SECONDS ?? 120);

const told = (what, { fps, height, changes, freezes, frozenMs, heldMs, kbps, concealed }) =>
  `${what}: ${fps.toFixed(1)} frames a second, ${height} lines, ${changes} changes, ${freezes} freezes (${frozenMs} ms), held back ${heldMs} ms, ${kbps} kbit/s, ${percent(concealed)} of the sound concealed`;

// The first second of `rows`, from `start` on, for which `holds`; counted from `start`; null: none.
function firstSecond(rows, start, holds) {
  const found = rows.slice(start).findIndex(holds);
  return found < 0 ? null : found + 1;
}

const most = (rows, who, key) => Math.max(...Object.keys(rows.at(-1).seen[who]).map((name) => summary(rows, who, name)[key]));
const least = (rows, who, key) => Math.min(...Object.keys(rows.at(-1).seen[who]).map((name) => summary(rows, who, name)[key]));

async function drop(scene) {
  const link = await scene.link({ down: { kbps: 5000, delayMs: 10 }, up: { delayMs: 10 } });
  await scene.enter('Ann');
  const bob = await scene.enter('Bob', { link });
  const cid = await scene.enter('Cid');
  for (const person of [bob, cid]) await person.seesAndHears('Ann');
  const change = (second) => {
    if (second === 15) link.set({ down: { kbps: 500 } });
    if (second === 45) link.set({ down: { kbps: 5000 } });
  };
  const rows = await scene.watch([bob, cid], link, 75, change, { capacity: (second) => (second >= 15 && second < 45 ? 500 : 5000) });
  const [before, first, narrow] = [rows.slice(5, 15), rows.slice(15, 18), rows.slice(18, 45)];
  const best = Object.entries(rows[14].seen[0]); // of each publisher
  const isBack = ({ seen: [now] }) => best.every(([name, { height, frames }]) => now[name].height >= height && now[name].frames > 0.9 * frames);
  const waits = queue(narrow);
  const back = firstSecond(rows, 45, isBack);
  for (const name of Object.keys(rows[0].seen[0])) {
    scene.say(told(`${name} before`, summary(before, 0, name)));
    scene.say(told(`${name} in the first 3 s`, summary(first, 0, name)));
    scene.say(told(`${name} then`, summary(narrow, 0, name)));
  }
  scene.say(`the narrow link: ${JSON.stringify(waits)}; the estimate: ${JSON.stringify(estimate(narrow, 0))}; layers: ${JSON.stringify(layerChanges(narrow, 0))}`);
  scene.asked('a layer that fits within 3 s', waits.dropped === 0 && least(narrow, 0, 'fps') > 5, `${waits.dropped} packets dropped by the link after 3 s, the slowest picture has ${least(narrow, 0, 'fps').toFixed(1)} frames`);
  scene.asked('a standing queue under 150 ms after that', waits.maxMs < 150, `${waits.maxMs} ms at most, ${waits.meanMs} in the mean`);
  const freeze = Math.max(most(rows.slice(15, 45), 0, 'longestFreezeMs'), most(rows.slice(45), 0, 'longestFreezeMs'));
  scene.asked('no freeze over 1 s', freeze <= 1000, `${freeze} ms`);
  const concealed = most(narrow, 0, 'concealed');
  scene.asked('sound without a gap after 3 s', concealed < 0.002, `${percent(concealed)} concealed, ${percent(most(first, 0, 'concealed'))} in the first 3 s`);
  scene.asked('all of the best layers of both publishers again within 8 s', back !== null && back <= 8, back === null ? 'not within 30 s' : `${back} s`);
  // From the last second before: the first picture of a call is small, whatever the links do.
  const other = { changes: most(rows.slice(14), 1, 'changes'), longestFreezeMs: most(rows.slice(15), 1, 'longestFreezeMs'), keys: most(rows.slice(15), 1, 'keys') };
  scene.asked('another viewer and the publisher notice nothing', other.changes === 0 && other.longestFreezeMs === 0 && other.keys <= 3, JSON.stringify(other));
}

// Frames of both ways that were whole in time; 99.9, 99.5, 98 % are asked.
function loss(share, burst, direction) {
  const asked = { 0.02: 0.999, 0.05: 0.995, 0.1: 0.98 }[share];
  return async (scene) => {
    const lossy = { delayMs: 25, loss: share, burst };
    const link = await scene.link({ down: { delayMs: 25 }, up: { delayMs: 25 } });
    const ann = await scene.enter('Ann', { link, init: lookAtFrames });
    const bob = await scene.enter('Bob', { link, init: lookAtFrames });
    for (const [one, other] of [[ann, 'Bob'], [bob, 'Ann']]) await one.seesAndHears(other);
    const received = (notes) => notes.filter(({ of }) => of === 'received');
    const counted = async () => { // since the last time
      const [ofAnn, ofBob] = [await framesNoted(ann), await framesNoted(bob)];
      return [wholeInTime(ofAnn, received(ofBob), [200]), wholeInTime(ofBob, received(ofAnn), [200])];
    };
    const sumOf = (counts) => (pick) => counts.reduce((total, count) => total + pick(count), 0);
    await delay(5000);
    await counted();
    await delay(CALM_SECONDS * 1000);
    const calm = sumOf(await counted());
    scene.say(`before anything is lost: ${percent(calm((count) => count.inTime[0]) / calm((count) => count.all), 2)} of ${calm((count) => count.all)} within 200 ms; what is missing there is the machine's`);
    link.set({ [direction]: lossy });
    await delay(5000);
    await counted();
    const rows = await scene.watch([ann, bob], link, LOSS_SECONDS);
    const counts = await counted();
    const sum = sumOf(counts);
    const [all, whole, inTime] = [sum((count) => count.all), sum((count) => count.whole), sum((count) => count.inTime[0])];
    scene.say(told('Ann sees', summary(rows, 0, 'Bob')));
    scene.say(told('Bob sees', summary(rows, 1, 'Ann')));
    if (all === 0) throw new Error('no frame passed the transforms on both sides, so that none was counted');
    scene.asked(`${percent(asked)} of frames complete within 200 ms`, all > 0 && inTime >= asked * all, `${percent(inTime / all, 2)} of ${all} (${all - inTime} late or never, ${all - whole} of them never)`);
    const never = counts.flatMap((count) => count.never);
    const layers = [...new Set(never)].sort().map((layer) => `${never.filter((of) => of === layer).length} of temporal layer ${layer}`);
    scene.say(`frames that never came: ${layers.join(', ') || 'none'}`);
    const late = counts.flatMap((count) => count.late).sort((a, b) => a - b);
    scene.say(`what late ones took: ${late.slice(0, 20).join(', ') || 'none was late'}${late.length > 20 ? ` ms, and ${late.length - 20} more` : ''}`);
  };
}

// Of people behind one link, whose rows these are.
function judgeShares(scene, rows, names, kbps) {
  const shares = names.map((_, who) => shareKbps(rows, who));
  const estimates = names.map((_, who) => estimate(rows, who));
  const changes = names.map((_, who) => layerChanges(rows, who));
  names.forEach((name, who) => {
    for (const of of Object.keys(rows[0].seen[who])) scene.say(told(`${name} of ${of}`, summary(rows, who, of)));
    scene.say(`${name}: pictures of ${shares[who]} kbit/s, ${JSON.stringify(estimates[who])}, layers ${JSON.stringify(changes[who])}`);
  });
  const waits = queue(rows);
  const together = estimates.reduce((total, { estimateKbps }) => total + estimateKbps, 0);
  scene.say(`the link: ${JSON.stringify(waits)} of ${kbps} kbit/s`);
  scene.asked('estimates add up to 85 % of the link', together >= 0.85 * kbps, `${percent(together / kbps)}`);
  scene.asked('shares within 20 %', Math.max(...shares) <= 1.2 * Math.min(...shares), `${shares.join(' and ')} kbit/s of pictures`);
  scene.asked('at most one change in 10 s', changes.every(({ mostIn10s }) => mostIn10s <= 1), changes.map(({ mostIn10s }) => mostIn10s).join(' and '));
  scene.asked('no freeze over 1 s', names.every((_, who) => most(rows, who, 'longestFreezeMs') <= 1000), names.map((_, who) => most(rows, who, 'longestFreezeMs')).join(' and '));
}

async function shared(scene) {
  const link = await scene.link({ down: { kbps: 1500, delayMs: 10 }, up: { delayMs: 10 } });
  await scene.enter('Ann');
  const bob = await scene.enter('Bob', { link });
  const cid = await scene.enter('Cid', { link });
  for (const person of [bob, cid]) await person.seesAndHears('Ann');
  const rows = await scene.watch([bob, cid], link, 50, undefined, { capacity: () => 1500 });
  judgeShares(scene, rows.slice(20), ['Bob', 'Cid'], 1500);
}

async function sharedLate(scene) {
  const link = await scene.link({ down: { kbps: 1500, delayMs: 10 }, up: { delayMs: 10 } });
  await scene.enter('Ann');
  const bob = await scene.enter('Bob', { link });
  await bob.seesAndHears('Ann');
  await delay(15_000);
  const cid = await scene.enter('Cid', { link });
  await cid.seesAndHears('Ann');
  const rows = await scene.watch([bob, cid], link, 50, undefined, { capacity: () => 1500 });
  judgeShares(scene, rows.slice(20), ['Bob', 'Cid'], 1500);
}

async function four(scene) {
  const link = await scene.link({ down: { kbps: 1200, delayMs: 10 }, up: { delayMs: 10 } });
  const names = ['Ann', 'Cid', 'Dan', 'Eve'];
  for (const name of names) await scene.enter(name, { width: '640', height: '360' });
  const bob = await scene.enter('Bob', { link });
  await bob.seesAndHears(...names);
  await bob.evaluate(() => {
    const { room } = window.rotunda;
    for (const entry of room.consumers.values())
      if (entry?.kind === 'video' && room.peers.get(entry.userId) === 'Dan') room.session.request('set-priority', { consumerId: entry.consumer.id, priority: 200 });
  });
  const rows = (await scene.watch([bob], link, 45, undefined, { capacity: () => 1200 })).slice(15);
  for (const name of names) scene.say(told(name, summary(rows, 0, name)));
  const waits = queue(rows);
  const of = (name) => summary(rows, 0, name);
  const better = names.every((name) => of('Dan').height >= of(name).height && (of('Dan').height > of(name).height || of('Dan').fps >= of(name).fps - 1));
  scene.say(`the link: ${JSON.stringify(waits)}; ${JSON.stringify(estimate(rows, 0))}; layers ${JSON.stringify(layerChanges(rows, 0))}`);
  scene.asked('four pictures that move, none frozen', least(rows, 0, 'fps') > 4 && most(rows, 0, 'longestFreezeMs') <= 1000, `the slowest has ${least(rows, 0, 'fps').toFixed(1)} frames, the longest freeze ${most(rows, 0, 'longestFreezeMs')} ms`);
  scene.asked('by priority: Dan has no less than the others', better, `${of('Dan').height} lines, ${of('Dan').fps.toFixed(1)} frames`);
  scene.asked('85 % of the link used', waits.kbps >= 0.85 * 1200, `${waits.kbps} kbit/s`);
}

const NOISES = { 'no jitter': {}, 'up to 30 ms of jitter': { jitterMs: 30 }, 'up to 100 ms of jitter': { jitterMs: 100 }, 'as Wi-Fi': { jitterMs: 5, aggregateMs: 20 } };
const FITS = { 300: { lines: 180, fps: 10 }, 1000: { lines: 360, fps: 15 }, 3000: { lines: 720, fps: 18 }, 10000: { lines: 720, fps: 18 } };

function steady(kbps, noise) {
  return async (scene) => {
    const link = await scene.link({ down: { kbps, delayMs: 20, ...NOISES[noise] }, up: { delayMs: 20 } });
    await scene.enter('Ann');
    const bob = await scene.enter('Bob', { link });
    await bob.seesAndHears('Ann');
    await scene.enlarge(bob);
    const rows = (await scene.watch([bob], link, 45, undefined, { capacity: () => kbps })).slice(15);
    const seen = summary(rows, 0, 'Ann');
    const believed = estimate(rows, 0);
    const changes = layerChanges(rows, 0);
    scene.say(told('seen', seen));
    scene.say(`the link: ${JSON.stringify(queue(rows))}; ${JSON.stringify(believed)}`);
    if (believed.wantedKbps > 1.15 * kbps)
      scene.asked('the estimate within 15 %', Math.abs(believed.estimateKbps / kbps - 1) <= 0.15, `${percent(believed.estimateKbps / kbps)}`);
    else // nobody looks for more than is wanted
      scene.asked('the estimate is what is wanted at least, or within 15 %', believed.estimateKbps >= Math.min(believed.wantedKbps, 0.85 * kbps), `${believed.estimateKbps} kbit/s of ${believed.wantedKbps} wanted`);
    scene.asked('the best layer that fits', seen.height >= FITS[kbps].lines && seen.fps >= FITS[kbps].fps, `${seen.height} lines, ${seen.fps.toFixed(1)} frames`);
    scene.asked('at most one change in 30 s', changes.count <= 1, `${changes.count}`);
    scene.asked('no freeze over 1 s', seen.longestFreezeMs <= 1000, `${seen.longestFreezeMs} ms`);
  };
}

async function download(scene) {
  const link = await scene.link({ down: { kbps: 3000, delayMs: 25 }, up: { delayMs: 25 } });
  await scene.enter('Ann');
  const bob = await scene.enter('Bob', { link });
  await bob.seesAndHears('Ann');
  await scene.enlarge(bob);
  await delay(10_000);
  const rival = new Download(link.down, 25);
  let begun = 0;
  const rows = await scene.watch([bob], link, 50, (second) => {
    if (second === 10) begun = rival.bytes;
  }, { capacity: () => 3000 });
  rival.end();
  const late = rows.slice(10);
  const theirs = ((rival.bytes - begun) * 8) / 1000 / late.length;
  const ours = queue(late).kbps - theirs;
  const { wantedKbps } = estimate(late, 0);
  scene.say(told('seen', summary(late, 0, 'Ann')));
  scene.say(`the link: ${JSON.stringify(queue(late))}; ${JSON.stringify(estimate(late, 0))}`);
  scene.asked('a fifth for the call, or what it wants', ours >= Math.min(600, 0.9 * wantedKbps), `${Math.round(ours)} kbit/s of ${wantedKbps} wanted`);
  scene.asked('a fifth for the download', theirs >= 600, `${Math.round(theirs)} kbit/s`);
}

async function uplink(scene) {
  const link = await scene.link({ up: { kbps: 700, delayMs: 10 }, down: { delayMs: 10 } });
  await scene.enter('Ann', { link });
  const bob = await scene.enter('Bob');
  await bob.seesAndHears('Ann');
  await scene.enlarge(bob);
  const rows = (await scene.watch([bob], link, 40, undefined, { capacity: () => 700, direction: 'up' })).slice(10);
  const seen = summary(rows, 0, 'Ann');
  scene.say(told('seen', seen));
  scene.say(`the link: ${JSON.stringify(queue(rows, 'up'))}`);
  scene.asked('a layer whole', seen.fps >= 18 && seen.longestFreezeMs <= 1000, `${seen.fps.toFixed(1)} frames, ${seen.height} lines`);
  scene.asked('clean sound', seen.concealed < 0.005, percent(seen.concealed));
}

export const CASES = {
  'drop: 5 Mbit/s, 500 kbit/s at 15 s, 5 Mbit/s at 45 s; queue of 200 ms': drop,
  'shared: two viewers behind one link of 1.5 Mbit/s': shared,
  'shared, late: the second of two viewers comes 15 s later': sharedLate,
  'four: one viewer with four publishers behind 1.2 Mbit/s': four,
  'uplink: the publisher has 700 kbit/s': uplink,
  'download: beside one over TCP on 3 Mbit/s': download,
  ...Object.fromEntries(
    [0.02, 0.05, 0.1].flatMap((share) =>
      ['down', 'up'].flatMap((direction) =>
        [1, 2].map((burst) => [`loss: ${percent(share, 0)} ${burst > 1 ? 'in bursts' : 'single'}, ${direction}, round trip of 50 ms`, loss(share, burst, direction)]),
      ),
    ),
  ),
  ...Object.fromEntries(
    Object.keys(NOISES).flatMap((noise) => Object.keys(FITS).map((kbps) => [`steady: ${kbps} kbit/s, ${noise}`, steady(Number(kbps), noise)])),
  ),
};
