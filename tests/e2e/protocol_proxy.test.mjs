// The examples in docker/proxies/ with the real Caddy and nginx of Debian's packages in front of the server: page,
// WebSocket, and one that is silent for long. Ports and certificates are the test's own, all else is as it stands there.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { describe, test } from 'node:test';
import { assert, freshRoom, stillServed } from './expect.mjs';
import { Client, delay, ROOT, Server, until } from './harness.mjs';
import { TestCa } from './tls_kit.mjs';

// Longer than the proxies' limits on silence (nginx: 60 s, and 120 s in the example) takes its time: tests/deploy/run.
const IDLE_MS = Number(process.env.ROTUNDA_IDLE_SECONDS ?? 1) * 1000;

// The program of an installed package, or that of a package that is fetched and unpacked, for an installation would
// start a service.
function program(name) {
  const places = ['/usr/sbin/', '/usr/bin/'];
  const installed = places.map((place) => place + name).find(existsSync);
  if (installed) return installed;
  const folder = `${ROOT}tests/e2e/artifacts/${name}`;
  const unpacked = places.map((place) => folder + place + name);
  if (!unpacked.some(existsSync)) {
    mkdirSync(folder, { recursive: true });
    execFileSync('apt-get', ['download', '-q', name], { cwd: folder, stdio: 'ignore' });
    const archive = readdirSync(folder).find((file) => file.endsWith('.deb'));
    execFileSync('dpkg-deb', ['-x', archive, '.'], { cwd: folder });
  }
  return unpacked.find(existsSync);
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

// The example with each of these texts replaced; all must be there.
function example(name, replacements) {
  let text = readFileSync(`${ROOT}docker/proxies/${name}`, 'utf8');
  for (const [from, to] of replacements) {
    assert.ok(text.includes(from), `docker/proxies/${name}: expected "${from}"`);
    text = text.replaceAll(from, to);
  }
  return text;
}

const PROXIES = {
  caddy(folder, port, server, { cert, key }) {
    const site = example('Caddyfile', [
      ['meet.example.org {', `localhost:${port} {\n\ttls ${cert} ${key}`],
      ['127.0.0.1:8080', `127.0.0.1:${server.port}`],
    ]);
    writeFileSync(`${folder}/Caddyfile`, `{\n\tadmin off\n\tauto_https disable_redirects\n}\n${site}`);
    return ['run', '--config', `${folder}/Caddyfile`, '--adapter', 'caddyfile'];
  },
  nginx(folder, port, server, { cert, key }) {
    writeFileSync(
      `${folder}/site.conf`,
      example('nginx.conf', [
        ['    listen 443 ssl;\n', `    listen 127.0.0.1:${port} ssl;\n`],
        ['    listen [::]:443 ssl;\n', ''],
        ['/etc/letsencrypt/live/meet.example.org/fullchain.pem', cert],
        ['/etc/letsencrypt/live/meet.example.org/privkey.pem', key],
        ['127.0.0.1:8080', `127.0.0.1:${server.port}`],
      ]),
    );
    const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((one) => `${one}_temp_path ${folder}/${one};`);
    writeFileSync(
      `${folder}/nginx.conf`,
      `daemon off; master_process off; pid ${folder}/pid; error_log stderr; events {}
      http { access_log off; ${places.join(' ')} include ${folder}/site.conf; }`,
    );
    return ['-p', folder, '-c', `${folder}/nginx.conf`];
  },
};

function get(front, path) {
  return new Promise((resolve, reject) => {
    const asked = request({ host: 'localhost', port: front.port, path, ca: front.ca, agent: false }, (response) => {
      let body = '';
      response.on('data', (data) => (body += data));
      response.on('end', () => resolve({ status: response.statusCode, type: response.headers['content-type'], body }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

// The proxy in front of a server of its own, as something that Client can connect to.
async function startProxy(t, name) {
  const ca = TestCa.make(t);
  const server = await Server.startFor(t, {});
  const folder = mkdtempSync(`${tmpdir()}/rotunda-proxy-`);
  const front = { port: await freePort(), ca: ca.root, log: '' };
  const args = PROXIES[name](folder, front.port, server, ca.issue('proxy'));
  const child = spawn(program(name), args, { env: { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder } });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (front.log += data));
  t.after(async () => {
    const closed = new Promise((resolve) => child.once('close', resolve));
    if (child.exitCode === null && child.kill('SIGKILL')) await closed;
    rmSync(folder, { recursive: true, force: true });
  });
  await until(`${name} answers`, async () => {
    if (child.exitCode !== null) throw new Error(`${name} ended: ${front.log}`);
    return (await get(front, '/').catch(() => null))?.status === 200;
  });
  return front;
}

async function checkProxy(t, name) {
  const front = await startProxy(t, name);
  const page = await get(front, '/');
  assert.match(page.type, /^text\/html/);
  assert.match(page.body, /<html/);
  for (const path of ['/metrics', '/readyz']) assert.equal((await get(front, path)).status, 404, `${path} is for operators`);

  const room = freshRoom();
  const ann = await Client.join(front, room, 'ann', {}, 'localhost');
  const bob = await Client.join(front, room, 'bob', {}, 'localhost');
  const text = 'o'.repeat(8000); // more than one buffer of the proxy
  for (let i = 0; i < 20; i++) ann.send('chat-message', { roomId: room, text: `${i} ${text}` });
  for (let i = 0; i < 20; i++) assert.equal((await bob.next('chat-message')).text, `${i} ${text}`);

  await delay(IDLE_MS);
  await stillServed(ann);
  await stillServed(bob);
  t.diagnostic(`a WebSocket through ${name} lives after ${IDLE_MS / 1000} s without a message`);
  assert.equal((await ann.close()).code, 1000);
  await bob.close();
}

describe('page, WebSocket, silence', { concurrency: true }, () => {
  for (const name of Object.keys(PROXIES)) test(name, { timeout: IDLE_MS + 300_000 }, (t) => checkProxy(t, name));
});
