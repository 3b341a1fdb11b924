// How soon the lobby can be used: from the click on a link until one can press Join, on slow 4G (1.6 Mbit/s, 150 ms round
// trip) with a processor at a quarter of its speed, in Chromium. The median of several first visits. An own process, for
// its figures are worth something on an idle machine alone.
//
//   ROTUNDA_BIN=build/rotunda node tests/quality/lobby.mjs [VISITS]
import { openChromium } from '../e2e/browsers.mjs';
import { Server } from '../e2e/harness.mjs';

const SLOW_4G = { offline: false, latency: 150, downloadThroughput: (1.6e6 * 0.9) / 8, uploadThroughput: 0.75e6 / 8 };
const CPU_SLOWER = 4;
const WANTED_MS = 2000;

function watchForJoin() {
  const look = () => {
    const join = document.getElementById('join');
    if (join && !join.disabled) window.usableAt ??= performance.now();
    else requestAnimationFrame(look);
  };
  look();
}

async function visit(server) {
  const browser = await openChromium();
  try {
    const page = await browser.newPage({ init: watchForJoin });
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Network.enable');
    await devtools.send('Network.emulateNetworkConditions', SLOW_4G);
    await devtools.send('Emulation.setCPUThrottlingRate', { rate: CPU_SLOWER });
    await page.goto(`${server.origin}/?room=lobby`);
    await page.waitForFunction(() => window.usableAt !== undefined, null, { timeout: 60_000 });
    return await page.evaluate(() => {
      const loaded = performance.getEntriesByType('resource').filter(({ responseEnd }) => responseEnd <= window.usableAt);
      const bytes = loaded.reduce((sum, { transferSize }) => sum + transferSize, 0);
      const [paint] = performance.getEntriesByName('first-contentful-paint');
      return { usableMs: window.usableAt, paintMs: paint?.startTime ?? 0, kibibytes: bytes / 1024 };
    });
  } finally {
    await browser.close();
  }
}

const server = await Server.start();
const visits = [];
for (let i = 0; i < Number(process.argv[2] ?? 5); i++) visits.push(await visit(server));
await server.stop();
const median = (key) => Math.round(visits.map((one) => one[key]).sort((a, b) => a - b)[Math.floor(visits.length / 2)]);
console.log(`first paint ${median('paintMs')} ms, usable ${median('usableMs')} ms, ${median('kibibytes')} KiB by then; wanted: usable within ${WANTED_MS} ms`);
process.exitCode = median('usableMs') <= WANTED_MS ? 0 : 1;
