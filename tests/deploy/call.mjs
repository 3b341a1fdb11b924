// call.mjs ORIGIN [WAY]: two browsers, each a Chromium of its own, hold a call there: both must see and hear the other,
// and go on doing so. WAY: the type of their own candidate that media must take: host, "direct over tcp", relay, "relay over tcp".
// An http ORIGIN is treated like an https one. HOME/.pki/nssdb says which further certificate authorities they trust.
// Prints one line.

import { Person, openChromium, sampleTwice } from '../e2e/browsers.mjs';
import { SMALL } from '../e2e/page_scenarios.mjs';

const HOLD_MS = 4000;
const FRAMES_MIN = 20; // of about 60
const [origin, way] = process.argv.slice(2);
const browsers = await Promise.all([1, 2].map(() => openChromium({ flags: [`--unsafely-treat-insecure-origin-as-secure=${origin}`] })));
let status = 0;
try {
  const people = [];
  for (const [i, name] of ['Ann', 'Bob'].entries()) people.push(await Person.enter(browsers[i], { origin }, `call-${process.pid}`, name, SMALL));
  const [ann, bob] = people;
  await Promise.all([ann.seesAndHears('Bob'), bob.seesAndHears('Ann')]);
  const held = await sampleTwice(people, HOLD_MS);
  const frames = held.map(({ before, after }, i) => {
    const name = ['Bob', 'Ann'][i];
    const gained = (kind, key) => after.got[name][kind][key] - before.got[name][kind][key];
    if (gained('video', 'frames') < FRAMES_MIN || gained('audio', 'packets') < FRAMES_MIN)
      throw new Error(`the call does not go on: ${JSON.stringify([before.got, after.got])}`);
    return gained('video', 'frames');
  });
  // Which way the media goes.
  const ways = await ann.page.evaluate(async () => {
    const found = new Set();
    for (const entry of window.rotunda.room.consumers.values()) {
      const report = entry && (await entry.consumer.getStats());
      for (const stat of report?.values() ?? []) {
        if (stat.type !== 'transport' || !stat.selectedCandidatePairId) continue;
        const pair = report.get(stat.selectedCandidatePairId);
        const [local, remote] = [report.get(pair.localCandidateId), report.get(pair.remoteCandidateId)];
        // Behind the NAT of the TURN server's own network, what is relayed is a peer-reflexive candidate by name.
        const direct = local.protocol === 'tcp' ? 'direct over tcp' : `${local.candidateType} ${local.protocol}`;
        const own = local.relayProtocol ? `relay over ${local.relayProtocol}` : direct;
        found.add(`${own} -> ${remote.address}:${remote.port}`);
      }
    }
    return [...found];
  });
  if (way && !ways.some((one) => one.startsWith(`${way} `))) throw new Error(`expected media by ${way}, got ${ways.join(', ')}`);
  console.log(`call at ${origin}: Chromium ${browsers[0].version}, ${frames.join(' and ')} pictures in ${HOLD_MS / 1000} s; media: ${ways.join(', ')}`);
} catch (error) {
  console.error(error.message);
  status = 1;
}
await Promise.all(browsers.map((browser) => browser.close()));
process.exit(status);
