// The packages as somebody else gets them: `npm pack` of both, installed into the two apps of frontend/examples outside of
// this repository, which are built, served by the real server, and hold a call in Chromium. Prints what the packages weigh.
//
//   (cd frontend && npm ci); (cd tests/e2e && npm ci); ROTUNDA_BIN=build/rotunda node tests/packages/run.mjs
//
// About two minutes, most of them npm's.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { openChromium } from '../e2e/browsers.mjs';
import { ROOT, Server, until } from '../e2e/harness.mjs';

const FRONTEND = join(ROOT, 'frontend');
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error'];
const run = (cwd, ...command) => execFileSync(command[0], command.slice(1), { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' } });

const scratch = mkdtempSync(join(tmpdir(), 'rotunda-packages-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

function pack(name) {
  const [{ filename, size, files }] = JSON.parse(run(FRONTEND, 'npm', 'pack', '--json', '--silent', '-w', `@rotunda/${name}`, '--pack-destination', scratch).replace(/^[^[]*/, ''));
  const paths = files.map(({ path }) => path);
  assert.ok(paths.includes('README.md') && paths.includes('dist/index.js') && paths.includes('dist/index.d.ts'), paths.join(' '));
  assert.ok(paths.every((path) => /^(dist\/|README\.md$|package\.json$|LICENSE$)/.test(path)), `only what is meant: ${paths.join(' ')}`);
  console.log(`@rotunda/${name}: ${(size / 1024).toFixed(1)} KiB packed, ${files.length} files`);
  return join(scratch, filename);
}

// What of an app's scripts goes over the wire.
function scriptsOf(folder) {
  let bytes = 0;
  for (const name of readdirSync(folder, { recursive: true })) {
    const path = join(folder, name);
    if (/\.js$/.test(name) && statSync(path).isFile()) bytes += gzipSync(readFileSync(path), { level: 9 }).length;
  }
  return bytes;
}

function build(name, tarballs, out) {
  const app = join(scratch, name);
  cpSync(join(FRONTEND, 'examples', name), app, { recursive: true, filter: (path) => !/node_modules|\/dist$|\/\.next$|\/out$/.test(path) });
  run(app, 'npm', 'ci', ...QUIET);
  run(app, 'npm', 'install', '--no-save', ...QUIET, ...tarballs);
  run(app, 'npm', 'run', '--silent', 'build');
  console.log(`${name}: ${(scriptsOf(join(app, out)) / 1024).toFixed(0)} KiB of script, gzipped`);
  return join(app, out);
}

async function hasCall(browser, webRoot) {
  const server = await Server.start({ args: ['--web-root', webRoot] });
  const pages = [];
  try {
    for (const name of ['Ann', 'Bob']) {
      const page = await browser.newPage();
      page.errors = [];
      page.on('pageerror', (error) => page.errors.push(String(error)));
      page.on('console', (message) => message.type() === 'error' && !message.location().url.endsWith('/favicon.ico') && page.errors.push(message.text()));
      await page.goto(`http://127.0.0.1:${server.port}/?room=packages&name=${name}`);
      pages.push(page);
    }
    for (const [i, page] of pages.entries()) {
      const other = ['Bob', 'Ann'][i];
      await until(`${other} is seen and heard`, () =>
        page.evaluate((name) => {
          const video = document.querySelector(`[data-name="${name}"] video`);
          const audio = document.querySelector('audio[data-remote]');
          return video?.getVideoPlaybackQuality().totalVideoFrames > 10 && audio !== null && !audio.paused && audio.currentTime > 0;
        }, other), { deadlineMs: 30_000 });
      assert.deepEqual(page.errors, [], `errors on the page of ${['Ann', 'Bob'][i]}`);
    }
    await until('who leaves is gone', async () => {
      await pages[1].close().catch(() => {});
      return pages[0].evaluate(() => document.querySelector('[data-name="Bob"]') === null);
    }, { deadlineMs: 45_000 });
  } finally {
    for (const page of pages) await page.close().catch(() => {});
    await server.stop();
  }
}

const tarballs = ['client', 'react'].map(pack);
const wanted = process.argv.slice(2);
const OUT = { vite: 'dist', next: 'out' };
const apps = {};
for (const [name, out] of Object.entries(OUT)) if (wanted.length === 0 || wanted.includes(name)) apps[name] = build(name, tarballs, out);
const browser = await openChromium();
try {
  for (const [name, folder] of Object.entries(apps)) {
    await hasCall(browser, folder);
    console.log(`${name}: two people see and hear each other`);
  }
} finally {
  await browser.close();
}
