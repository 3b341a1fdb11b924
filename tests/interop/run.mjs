// run.mjs CLIENT...: see docs/interop.md. Each client gets a server of its own and calls another instance of itself,
// all clients at the same time. Ends with 0 when all went well.

import { Client, delay, Server, until } from '../e2e/harness.mjs';
import { bot } from './bot.mjs';
import { firefoxDialects } from './dialects.mjs';
import { Peer } from './peer.mjs';
import { REMB_CASES } from './remb.mjs';

const FLOW_SECONDS = Number(process.env.INTEROP_SECONDS ?? 75); // longer than every timer: consent is 30 s
const SILENCE_SECONDS = Number(process.env.INTEROP_SILENCE_SECONDS ?? 35);
const WINDOW_SECONDS = 5;
const WINDOW_SHARE = 0.33; // of what was sent in a window: less is a pause, more may be a busy machine
const SHARE = 0.8; // of all that was sent

async function open(server, client, name) {
  const peer = new Peer(client, await Client.join(server, 'interop', name), name);
  await peer.publish();
  return peer;
}

const flowing = ({ seen }) => seen?.got.audio > 0 && seen.got.video > 0;

// What came in one window, of what the other one sent in it.
async function watchWindow([a, b], at) {
  const before = [a.seen, b.seen];
  await delay(WINDOW_SECONDS * 1000);
  const faults = [];
  [[a, b], [b, a]].forEach(([to, from], i) => {
    for (const kind of ['audio', 'video']) {
      const sent = from.seen.sent[kind] - before[1 - i].sent[kind];
      const got = to.seen.got[kind] - before[i].got[kind];
      if (sent === 0 || got < sent * WINDOW_SHARE) faults.push(`${at} s: ${to.name} got ${got} of ${sent} packets of ${kind}`);
    }
  });
  return faults;
}

// The same of all since `before`.
function judgeAll([a, b], before) {
  return [[a, b, 0], [b, a, 1]].flatMap(([to, from, i]) =>
    ['audio', 'video'].flatMap((kind) => {
      const sent = from.seen.sent[kind] - before[1 - i].sent[kind];
      const got = to.seen.got[kind] - before[i].got[kind];
      return got < sent * SHARE ? [`${to.name} got ${got} of all ${sent} packets of ${kind}`] : [];
    }),
  );
}

const checks = (server) => server.metric('rotunda_stun_received_total');

async function call(client) {
  const server = await Server.start();
  const faults = [];
  const result = { client, faults };
  try {
    const peers = [await open(server, client, 'Ann'), await open(server, client, 'Bob')];
    await Promise.all([peers[0].receive(peers[1]), peers[1].receive(peers[0])]);
    await until('both get sound and pictures', () => peers.every(flowing), { deadlineMs: 60_000 }).catch((error) => {
      throw new Error(`${error.message} ${JSON.stringify(peers.map((peer) => peer.seen))}\n${peers.map((peer) => peer.output).join('\n')}`);
    });
    const start = await checks(server);
    const before = peers.map((peer) => peer.seen);
    for (let at = 0; at < FLOW_SECONDS; at += WINDOW_SECONDS) faults.push(...(await watchWindow(peers, at)));
    const flowEnd = await checks(server);

    for (const peer of peers) peer.order('mute');
    await delay(SILENCE_SECONDS * 1000);
    const silenceEnd = await checks(server);
    for (const peer of peers) peer.order('unmute');
    await delay(1000);
    faults.push(...(await watchWindow(peers, 'after silence')));
    faults.push(...judgeAll(peers, before));
    const { got, states } = peers[0].seen;
    const overTcp = await server.metric('rotunda_tcp_connections');
    // pion opens one for each transport and address of the machine.
    if (peers[0].tcp ? overTcp < 4 : overTcp > 0) faults.push(`${overTcp} connections of media over TCP`);
    result.told = `${got.audio} and ${got.video} of sound and video; ${flowEnd - start} checks while media flowed, ${silenceEnd - flowEnd} in silence; ${states}`;

    await peers[0].close();
    await peers[0].signal.request('leave-room');
    await peers[1].signal.next('user-left');
    await peers[1].close();
    for (const peer of peers) await peer.signal.close();
  } catch (error) {
    faults.push(error.message);
  }
  server.signal('SIGTERM'); // a report of a sanitizer makes it end with something else than 0
  await server.ended().catch((error) => faults.push(error.message));
  return result;
}

const results = await Promise.all(process.argv.slice(2).map((client) => (({ bot, 'dialects-firefox': firefoxDialects, ...REMB_CASES })[client] ?? (() => call(client)))()));
for (const { client, faults, told } of results) {
  console.log(`${faults.length === 0 ? 'passed' : 'FAILED'} ${client}: ${told ?? ''}`);
  for (const fault of faults) console.log(`    ${fault}`);
}
process.exit(results.every(({ faults }) => faults.length === 0) ? 0 : 1);
