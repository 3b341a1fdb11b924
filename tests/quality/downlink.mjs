// downlink.mjs: what the server sends to a viewer is dropped while all that the viewer sends arrives, until the publisher
// has sent 40,000 packets: more than half of the number space, so a receiver to whom they had all been numbered would take
// what follows for old and reject it for good. Says how soon after the cut the picture is back; ends with 1 when that
// takes longer than two seconds. As root, in a network of its own:
//
//   sh tests/e2e/in_own_network.sh node tests/quality/downlink.mjs
//
// ROTUNDA_BIN: the server; the page must have been built. Half a minute.

import { execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { openChromium, Person } from '../e2e/browsers.mjs';
import { freshRoom } from '../e2e/expect.mjs';
import { Server, until } from '../e2e/harness.mjs';

const PACKETS = 40_000;
const BACK_WITHIN_MS = 2000;
const PUBLISHER = fileURLToPath(new URL('../e2e/gstreamer_peer.py', import.meta.url));

const nft = (...words) => execFileSync('nft', words);

// Of the publisher's picture, at the viewer.
const video = (viewer) =>
  viewer.evaluate(async () => {
    const { room } = window.rotunda;
    for (const entry of room.consumers.values())
      if (entry?.kind === 'video' && room.peers.get(entry.userId) === 'Gst')
        for (const stat of (await entry.consumer.getStats()).values()) if (stat.type === 'inbound-rtp') return { frames: stat.framesDecoded, packets: stat.packetsReceived };
    return { frames: 0, packets: 0 };
  });

// The server's own: what it got of the publisher, how often it halted.
async function counters(server) {
  const all = [...(await server.metrics())];
  const sum = (name) => all.reduce((total, [key, value]) => total + (key.startsWith(name) ? value : 0), 0);
  return { got: sum('rotunda_packets_received_total'), halts: sum('rotunda_downlink_halts_total') };
}

// The UDP ports of the publisher, which keeps its downlink.
function portsOf(pid) {
  const lines = execFileSync('ss', ['-uanpH']).toString().split('\n');
  const ports = lines.filter((line) => line.includes(`pid=${pid},`)).map((line) => line.trim().split(/\s+/)[3].split(':').at(-1));
  if (ports.length === 0) throw new Error('the publisher has no UDP socket');
  return ports.join(', ');
}

const server = await Server.start({ announce: process.env.ROTUNDA_TEST_ADDRESS, args: ['--ice-tcp', 'off'] });
const browser = await openChromium();
const room = freshRoom();
const viewer = await Person.enter(browser, server, room, 'Bob', { width: '320', height: '180', fps: '5' });
const publisher = spawn('/usr/bin/python3', [PUBLISHER, `ws://127.0.0.1:${server.port}/ws`, room, 'Gst', '120', '100'], { stdio: 'ignore' });
let status = 1;
try {
  await until('the picture comes', async () => (await video(viewer)).frames > 30, { deadlineMs: 30_000 });
  const begun = { at: performance.now(), ...(await counters(server)) };
  nft('add', 'table', 'inet', 'cut');
  nft('add', 'chain', 'inet', 'cut', 'in', '{ type filter hook input priority 0; }');
  nft('add', 'rule', 'inet', 'cut', 'in', 'udp', 'sport', String(server.mediaPort), 'udp', 'dport', '!=', `{ ${portsOf(publisher.pid)} }`, 'drop');
  await until('so many packets were sent', async () => (await counters(server)).got - begun.got > PACKETS, { deadlineMs: 120_000, everyMs: 200 });
  const { halts } = await counters(server);
  const before = await video(viewer);
  nft('delete', 'table', 'inet', 'cut');
  const ended = performance.now();
  const after = await until('the picture moves again', async () => {
    const now = await video(viewer);
    return now.frames > before.frames + 2 ? now : null;
  }, { deadlineMs: 30_000, everyMs: 20 });
  const back_ms = Math.round(performance.now() - ended);
  console.log(
    `${((ended - begun.at) / 1000).toFixed(1)} s without a downlink, in which ${PACKETS} packets came from the publisher: ` +
      `${halts - begun.halts} streams halted; the picture moves again after ${back_ms} ms, ${after.packets - before.packets} packets after the cut`,
  );
  status = halts > begun.halts && back_ms <= BACK_WITHIN_MS ? 0 : 1;
} finally {
  publisher.kill();
  await browser.close();
  await server.stop();
}
process.exit(status);
