// Publishers that know no estimate but REMB: they rise on a good link, stay within what a slow one carries, and rise
// again.

import { Client, delay, Server } from '../e2e/harness.mjs';
import { ShapedLink } from '../quality/shaped_link.mjs';
import { Peer } from './peer.mjs';

const SLOW_KBPS = 600;
const GOOD_KBPS = 1000; // well above the 447 that a publisher without feedback stays at

// Mean bit rate in a phase's last `lastSeconds`, in kbit/s.
async function phase(rows, read, seconds, lastSeconds) {
  for (let i = 0; i < seconds; i++) {
    await delay(1000);
    rows.push(await read());
  }
  return rows.slice(-lastSeconds).reduce((sum, row) => sum + row.kbps, 0) / lastSeconds;
}

// read: what is sent now, { kbps, lost }. Returns { faults, told }.
async function judge(link, read) {
  const rows = [];
  const good = await phase(rows, read, 40, 10);
  link.up.look();
  link.set({ up: { kbps: SLOW_KBPS } });
  const slow = await phase(rows, read, 40, 25);
  const { offered, dropped, queueMs } = link.up.look();
  link.set({ up: { kbps: 0 } });
  const again = await phase(rows, read, 40, 10);
  const faults = [];
  if (good < GOOD_KBPS) faults.push(`on a good link ${good.toFixed(0)} kbit/s after 30 s, expected ${GOOD_KBPS}`);
  if (slow > SLOW_KBPS || slow < SLOW_KBPS / 2) faults.push(`on a link of ${SLOW_KBPS} kbit/s ${slow.toFixed(0)}, expected ${SLOW_KBPS / 2} or more`);
  if (again < GOOD_KBPS) faults.push(`on a good link again ${again.toFixed(0)} kbit/s after 30 s, expected ${GOOD_KBPS}`);
  const told = `${good.toFixed(0)} kbit/s, then ${slow.toFixed(0)} of ${SLOW_KBPS} (queue ${queueMs.toFixed(0)} ms, ${dropped} of ${offered} dropped), then ${again.toFixed(0)}`;
  if (process.env.INTEROP_ROWS) console.log(rows.map(({ kbps }) => kbps.toFixed(0)).join(' '));
  return { faults, told };
}

async function aiortc() {
  const server = await Server.start();
  const link = await ShapedLink.open(server.mediaPort, { up: { delayMs: 10 }, down: { delayMs: 10 } });
  const signal = await Client.join(server, 'interop', 'Ann');
  const peer = new Peer('aiortc', signal, 'Ann', { link, env: { INTEROP_PICTURE: '640x360x20' } });
  await peer.publish({ onlyRemb: true });
  const video = peer.producers.find(({ kind }) => kind === 'video').id;
  const read = async () => {
    const { stats } = await signal.request('get-stats', { producerId: video });
    return { kbps: stats[0].bitrate / 1000 };
  };
  const result = await judge(link, read);
  await peer.close().catch((error) => result.faults.push(error.message));
  link.close();
  await server.stop().catch((error) => result.faults.push(error.message));
  return { client: 'aiortc-remb', ...result };
}

export const REMB_CASES = { 'aiortc-remb': aiortc };
