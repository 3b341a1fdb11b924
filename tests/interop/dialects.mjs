// Pages made for other signalling servers (docs/dialects.md) in two browsers that different people wrote: Firefox calls
// Chromium by PeerJS, with pictures both ways and a data connection, and rings it by socket.io, by polling.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { openChromium, openFirefox } from '../e2e/browsers.mjs';
import { ROOT, Server, until } from '../e2e/harness.mjs';

const script = (name, file) => readFileSync(createRequire(`${ROOT}tests/e2e/`).resolve(name).replace(/(node_modules\/[\w.-]+)\/.*/, `$1/${file}`), 'utf8');
const PEERJS = script('peerjs', 'dist/peerjs.min.js');
const SOCKET_IO = script('socket.io-client', 'dist/socket.io.min.js');
const SECONDS = 10;

async function openPeer(browser, server, id) {
  const page = await browser.newPage();
  await page.goto(`${server.origin}/healthz`); // a page without a policy of its own
  await page.evaluate(PEERJS);
  await page.evaluate(SOCKET_IO);
  await page.evaluate(
    ([id, port]) =>
      new Promise((resolve, reject) => {
        const peer = (window.peer = new Peer(id, { host: '127.0.0.1', port, path: '/myPeerServer', config: { iceServers: [] } }));
        window.show = (stream) => {
          window.video ??= Object.assign(document.body.appendChild(document.createElement('video')), { muted: true, autoplay: true });
          window.video.srcObject = stream;
        };
        peer.on('open', resolve);
        peer.on('error', reject);
        peer.on('connection', (channel) => channel.on('data', (data) => channel.send({ back: data })));
        peer.on('call', async (call) => {
          call.on('stream', window.show);
          call.answer(await navigator.mediaDevices.getUserMedia({ audio: true, video: true }));
        });
      }),
    [id, server.port],
  );
  return page;
}

const played = (page) => page.evaluate(() => (window.video?.videoWidth > 0 ? window.video.currentTime : 0));

// In the room "001"; what is heard there goes to window.rung.
const joins = (page, transports) =>
  page.evaluate(
    (transports) =>
      new Promise((resolve, reject) => {
        const socket = (window.socket = io({ transports }));
        socket.on('connectionSuccess', () => socket.emit('joinRoom', '001', resolve));
        socket.on('connect_error', reject);
        socket.onAny((event, ...values) => (window.rung ??= []).push([event, ...values]));
      }),
    transports,
  );

export async function firefoxDialects() {
  const result = { client: 'dialects-firefox', faults: [] };
  const server = await Server.start({ args: ['--peerjs', '/myPeerServer', '--socket-io', '/socket.io'] });
  const browsers = [];
  try {
    browsers.push(await openFirefox(), await openChromium());
    const [fox, chrome] = [await openPeer(browsers[0], server, 'fox'), await openPeer(browsers[1], server, 'chrome')];
    await fox.evaluate(async () => {
      const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
      window.peer.call('chrome', media).on('stream', window.show);
      const channel = window.peer.connect('chrome', { serialization: 'json' });
      channel.on('open', () => channel.send('hello'));
      channel.on('data', ({ back }) => (window.back = back));
    });
    await until('the data connection', () => fox.evaluate(() => window.back === 'hello'), { deadlineMs: 30_000 });
    for (const page of [fox, chrome]) await until('pictures', async () => (await played(page)) > SECONDS, { deadlineMs: 60_000, everyMs: 200 });
    await joins(fox, ['polling']);
    await joins(chrome, ['websocket']);
    await fox.evaluate(() => void window.socket.emit('callRemote', '001'));
    await until('it rings', () => chrome.evaluate(() => window.rung?.some(([event]) => event === 'callRemote')));
    await chrome.evaluate(() => void window.socket.emit('acceptCall', '001'));
    await until('it is accepted', () => fox.evaluate(() => window.rung?.some(([event]) => event === 'acceptCall')));
    result.told = `${browsers.map(({ name, version }) => `${name} ${String(version).replace(/^\D*/, '')}`).join(' and ')}: ${SECONDS} s of pictures both ways, data both ways; rung and accepted`;
  } catch (error) {
    result.faults.push(error.message);
  }
  for (const browser of browsers) await browser.close();
  await server.stop().catch((error) => result.faults.push(error.message));
  return result;
}
