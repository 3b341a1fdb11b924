// dev_test.mjs: the page in development as docs/frontend.md says: `npm run dev` beside a server that admits its pages. Two
// people hold a call at http://localhost:3000, a page of the server's own is still what it was, and without `--origins`
// the development page is refused and the server says why. ROTUNDA_BIN: the server; needs port 3000. Prints one line.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { openChromium, Person } from '../e2e/browsers.mjs';
import { assert } from '../e2e/expect.mjs';
import { ROOT, Server, until } from '../e2e/harness.mjs';
import { SMALL } from '../e2e/page_scenarios.mjs';

const FRONTEND = `${ROOT}frontend`;
const ORIGIN = 'http://localhost:3000';
const FIRST_PAGE_MS = 180_000; // all that it is made of is compiled then

// What the page of docs says, word for word; the address of the server is another one here.
const told = readFileSync(`${ROOT}docs/frontend.md`, 'utf8');
assert.match(told, /^\.\/run -- --origins http:\/\/localhost:3000 /m);
const command = /^NEXT_PUBLIC_ROTUNDA_URL=(\S+) (npm run dev) /m.exec(told);
assert.ok(command, 'docs/frontend.md tells how');

const served = () => execFileSync('sh', ['-c', 'find dist -type f | LC_ALL=C sort | xargs sha256sum'], { cwd: FRONTEND, encoding: 'utf8' });
const before = served();
const server = await Server.start({ args: ['--origins', ORIGIN] });
const strict = await Server.start();
const env = { ...process.env, NEXT_PUBLIC_ROTUNDA_URL: `ws://127.0.0.1:${server.port}/ws` };
let log = '';
const dev = spawn('sh', ['-c', `exec ${command[2]}`], { cwd: FRONTEND, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
for (const stream of [dev.stdout, dev.stderr]) stream.on('data', (text) => (log += text));
const browser = await openChromium();
try {
  const begun = performance.now();
  await until('the development server answers', async () => {
    if (dev.exitCode !== null) throw new Error(`npm run dev ended:\n${log}`);
    return (await fetch(ORIGIN).catch(() => null))?.ok;
  }, { deadlineMs: FIRST_PAGE_MS });
  const firstPageS = (performance.now() - begun) / 1000;
  const room = `dev-${process.pid}`;
  const ann = await Person.enter(browser, { origin: ORIGIN }, room, 'Ann', SMALL);
  const bob = await Person.enter(browser, { origin: ORIGIN }, room, 'Bob', SMALL);
  await Promise.all([ann.seesAndHears('Bob'), bob.seesAndHears('Ann')]);
  assert.equal(served(), before, 'dist/, which the server serves, is what it was');
  assert.equal((await server.fetch('/')).status, 200);
  const status = await ann.page.evaluate((url) => new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => resolve('open');
    socket.onerror = () => resolve('refused');
  }), `ws://127.0.0.1:${strict.port}/ws`);
  assert.equal(status, 'refused', 'who is not named does not get in');
  assert.match(strict.log, /a page of another origin.*http:\/\/localhost:3000.*--origins/);
  assert.equal((await fetch(`${ORIGIN}/gallery`)).status, 200, 'the gallery is there in development');
  await bob.page.goto(`${ORIGIN}/gallery`);
  await bob.until('tiles in all their states', () => document.querySelectorAll('.tile').length > 5, null, { deadlineMs: 60_000 });
  console.log(`npm run dev: the first page after ${firstPageS.toFixed(1)} s; a call at ${ORIGIN}; dist/ untouched`);
} catch (error) {
  console.error(log.slice(-3000));
  throw error;
} finally {
  await browser.close();
  process.kill(-dev.pid, 'SIGTERM'); // its own group: npm, next and its workers
  await server.stop();
  await strict.stop();
}
