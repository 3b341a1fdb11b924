// Two people in a browser behind one NAT, the server behind another (see run): call.mjs CASE.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { openChromium, openFirefox } from '../../e2e/browsers.mjs';
import { bundle } from '../../e2e/bundle.mjs';
import { assert } from '../../e2e/expect.mjs';
import { ROOT, until } from '../../e2e/harness.mjs';

const [kind] = process.argv.slice(2);
const { ORIGIN, ICE_NETWORK } = process.env;
const nft = (...words) => execFileSync('ip', ['netns', 'exec', ICE_NETWORK, 'nft', ...words]);
const open = { firefox: () => openFirefox({ prefs: { 'media.devices.insecure.enabled': true, 'media.getusermedia.insecure.enabled': true } }) };
const browser = await (open[kind.split('-')[0]] ?? (() => openChromium({ flags: [`--unsafely-treat-insecure-origin-as-secure=${ORIGIN}`] })))();

const pages = [];
async function enter(name) {
  const page = await browser.newPage();
  pages.push(page);
  await page.goto(`${ORIGIN}/healthz`);
  await page.evaluate(bundle(['mediasoup-client']));
  await page.evaluate(readFileSync(`${ROOT}tests/e2e/ice_page.js`, 'utf8'));
  await page.evaluate((options) => window.enter(options).then(() => null), { socketUrl: `${ORIGIN.replace('http', 'ws')}/ws`, room: 'room', name });
  return page;
}

const statsOf = (page) => page.evaluate(() => window.call.stats());

async function moves(page) {
  const first = (await statsOf(page)).received;
  await until('sound and picture come', async () => {
    const { received } = await statsOf(page);
    return received.audio > (first.audio ?? 0) + 5 && received.video > (first.video ?? 0) + 5;
  }, { deadlineMs: 30_000 });
}

async function outage(page, ...others) {
  nft('insert', 'rule', 'ip', 'filter', 'forward', 'meta', 'l4proto', 'udp', 'drop');
  const start = performance.now();
  const lost = () => statsOf(page).then(({ server }) => server.every(({ iceState }) => iceState === 'disconnected'));
  await until('consent is lost', lost, { deadlineMs: 45_000, everyMs: 250 });
  const seconds = (performance.now() - start) / 1000;
  console.log(`  consent was lost after ${seconds.toFixed(1)} s`);
  assert.ok(seconds > 9 && seconds < 38, `${seconds} s`);
  const { handle } = JSON.parse(nft('-j', '-a', 'list', 'chain', 'ip', 'filter', 'forward')).nftables.find(({ rule }) => rule).rule;
  nft('delete', 'rule', 'ip', 'filter', 'forward', 'handle', String(handle));
  for (const each of [page, ...others]) await each.evaluate(() => window.call.restart());
}

let failed = false;
try {
  const ann = await enter('Ann');
  const bob = await enter('Bob');
  const producers = await until('all tracks', async () => {
    const list = await bob.evaluate(() => window.call.joined.producers);
    return list.length === 2 && list;
  });
  for (const { producerId } of producers) await bob.evaluate((id) => window.call.consume(id), producerId);
  await moves(bob);
  const { server } = await statsOf(bob);
  const paths = server.map((s) => `${s.iceRole}: ${s.localCandidateType} ${s.iceSelectedTuple.localAddress} - ${s.remoteCandidateType} ${s.iceSelectedTuple.remoteIp}`);
  for (const path of paths) console.log(`  ${path}`);
  if (kind.endsWith('symmetric')) assert.ok(server.every(({ localCandidateType }) => localCandidateType === 'relay'));
  else if (kind.endsWith('ipv6')) assert.ok(server.every(({ iceSelectedTuple }) => iceSelectedTuple.remoteIp === '2001:db8:2::2'));
  else assert.ok(server.every(({ iceSelectedTuple }) => iceSelectedTuple.remoteIp === '203.0.113.20'));
  if (kind === 'consent') {
    await outage(bob, ann);
    await moves(bob);
  }
} catch (error) {
  failed = true;
  console.error(error.message);
  for (const page of pages)
    console.error(JSON.stringify(await page.evaluate(async () => [await window.call?.stats(), window.call?.send.options.iceCandidates, window.call?.told]).catch(String)));
}
await browser.close();
process.exit(failed ? 1 : 0);
