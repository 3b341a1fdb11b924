// Chromium or Firefox as a client of run.mjs: a page without any library, which opens both channels in-band.

import { openChromium, openFirefox } from '../../e2e/browsers.mjs';

const EVERY_MS = 50;

function begin() {
  const out = (window.out = []);
  const connection = (window.connection = new RTCPeerConnection());
  window.channels = [['ordered'], ['partly', { ordered: false, maxRetransmits: 2 }]].map(([label, options]) => {
    const channel = connection.createDataChannel(label, options);
    channel.binaryType = 'arraybuffer';
    channel.onopen = () => out.push({ open: label });
    channel.onmessage = ({ data }) => {
      const text = typeof data === 'string';
      const bytes = text ? new TextEncoder().encode(data) : new Uint8Array(data);
      let sum = 0;
      for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) >>> 0;
      out.push({ got: { label, text, length: bytes.length, sum } });
    };
    return channel;
  });
}

const ORDERS = {
  async offer() {
    const { connection } = window;
    const gathered = new Promise((resolve) => {
      connection.onicegatheringstatechange = () => connection.iceGatheringState === 'complete' && resolve();
    });
    await connection.setLocalDescription(await connection.createOffer());
    await gathered;
    window.out.push({ offer: connection.localDescription.sdp });
  },
  answer: ({ sdp }) => window.connection.setRemoteDescription({ type: 'answer', sdp }),
  send() {
    const [ordered, partly] = window.channels;
    ordered.send('hello, wörld');
    ordered.send('');
    ordered.send(Uint8Array.from({ length: 60_000 }, (_, i) => i));
    partly.send('x'.repeat(1000));
  },
};

// say: is called with each line that another client would write. Returns how it is ordered, and how it ends.
export async function openBrowser(name, server, say) {
  const browser = await (name === 'firefox' ? openFirefox() : openChromium());
  const page = await browser.newPage();
  await page.goto(`${server.origin}/healthz`); // a page without a policy of its own
  await page.evaluate(begin);
  const timer = setInterval(() => page.evaluate(() => window.out.splice(0)).then((lines) => lines.forEach(say), () => {}), EVERY_MS);
  return {
    order: (what) => page.evaluate(ORDERS[what.do], what),
    async close() {
      clearInterval(timer);
      await browser.close();
    },
  };
}
