// Publishers that know no estimate but REMB: they rise on a good link, stay within what a slow one carries, and rise
// again.

import { openChromium } from '../e2e/browsers.mjs';
import { Client, delay, Server } from '../e2e/harness.mjs';
import { ShapedLink } from '../quality/shaped_link.mjs';
import { Peer } from './peer.mjs';
import { dtlsParametersOf, serverSdp, tracksOf } from './sdp.mjs';

const SLOW_KBPS = 600;
const GOOD_KBPS = 700; // well above the 447 that a publisher without feedback stays at; idle machines give twice that

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
  if (slow > SLOW_KBPS || slow < SLOW_KBPS / 3) faults.push(`on a link of ${SLOW_KBPS} kbit/s ${slow.toFixed(0)}, expected ${SLOW_KBPS / 3} or more`);
  if (again < GOOD_KBPS) faults.push(`on a good link again ${again.toFixed(0)} kbit/s after 30 s, expected ${GOOD_KBPS}`);
  const told = `${good.toFixed(0)} kbit/s, then ${slow.toFixed(0)} of ${SLOW_KBPS} (queue ${queueMs.toFixed(0)} ms, ${dropped} of ${offered} dropped), then ${again.toFixed(0)}`;
  if (process.env.INTEROP_ROWS) console.log(rows.map(({ kbps }) => kbps.toFixed(0)).join(' '));
  return { faults, told };
}

// A server, a link to it, and who has joined.
async function scene(client, publish) {
  const server = await Server.start();
  const link = await ShapedLink.open(server.mediaPort, { up: { delayMs: 10 }, down: { delayMs: 10 } });
  const signal = await Client.join(server, 'interop', 'Ann');
  const { producerId, close } = await publish(signal, link);
  const read = async () => {
    const { stats } = await signal.request('get-stats', { producerId });
    return { kbps: stats[0].bitrate / 1000 };
  };
  const result = await judge(link, read);
  await close().catch((error) => result.faults.push(error.message));
  link.close();
  server.signal('SIGTERM');
  await server.ended().catch((error) => result.faults.push(error.message));
  return { client, ...result };
}

const aiortc = () =>
  scene('aiortc-remb', async (signal, link) => {
    const peer = new Peer('aiortc', signal, 'Ann', { link, env: { INTEROP_PICTURE: '320x180x30' } });
    await peer.publish({ onlyRemb: true });
    return { producerId: peer.producers.find(({ kind }) => kind === 'video').id, close: () => peer.close() };
  });

// In the page: an offer of noise, of which an app has taken all that has to do with transport-cc.
async function offerNoise() {
  const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
  const context = canvas.getContext('2d');
  const noise = context.createImageData(640, 360);
  setInterval(() => {
    for (let i = 0; i < noise.data.length; i++) noise.data[i] = 112 + Math.random() * 32;
    context.putImageData(noise, 0, 0);
  }, 50);
  window.connection = new RTCPeerConnection();
  window.connection.addTransceiver(canvas.captureStream(20).getVideoTracks()[0], { direction: 'sendonly' });
  const { type, sdp } = await window.connection.createOffer();
  const munged = sdp.split('\r\n').filter((line) => !/transport-cc|transport-wide-cc/.test(line)).join('\r\n');
  await window.connection.setLocalDescription({ type, sdp: munged });
  return munged;
}

const chromium = () =>
  scene('chromium-remb', async (signal, link) => {
    const browser = await openChromium();
    const page = await browser.newPage();
    const transport = JSON.parse(link.rewrite(JSON.stringify(await signal.request('create-transport', { direction: 'send' }))));
    const offer = await page.evaluate(offerNoise);
    await signal.request('connect-transport', { transportId: transport.id, dtlsParameters: dtlsParametersOf(offer) });
    const tracks = tracksOf(offer, { onlyRemb: true });
    const { id } = await signal.request('produce', { transportId: transport.id, ...tracks[0] });
    const sdp = serverSdp(transport, tracks, 'passive');
    await page.evaluate((text) => window.connection.setRemoteDescription({ type: 'answer', sdp: text }), sdp);
    return { producerId: id, close: () => browser.close() };
  });

export const REMB_CASES = { 'aiortc-remb': aiortc, 'chromium-remb': chromium };
