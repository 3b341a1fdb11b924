// Clients that read slowly, or begin and stop: what they get is whole, plain and over TLS, and others do not wait.

import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as plainConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { connect as secureConnect } from 'node:tls';
import { describe, test } from 'node:test';
import { assert, stillServed } from '../e2e/expect.mjs';
import { Client, Server, until } from '../e2e/harness.mjs';
import { TestCa } from '../e2e/tls_kit.mjs';

const FILE_BYTES = 3_000_000;

// What was freed is no memory that is held, and a sanitizer keeps much of it.
const env = { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:quarantine_size_mb=1` };

async function start(t, secure, args = []) {
  if (!secure) return Server.startFor(t, { args, env });
  const ca = TestCa.make(t);
  const { cert, key } = ca.issue('server');
  return Server.startFor(t, { ca: ca.root, args: [...args, '--tls-cert', cert, '--tls-key', key], env });
}

function open(server) {
  const options = { host: '127.0.0.1', port: server.port, ca: server.ca, servername: 'localhost' };
  return new Promise((resolve, reject) => {
    const socket = (server.ca ? secureConnect : plainConnect)(options, () => resolve(socket));
    socket.on('error', reject);
  });
}

for (const secure of [false, true])
  describe(secure ? 'over TLS' : 'plain', () => {
    test('a large file arrives whole at one who reads it in sips, and others do not wait', { timeout: 60_000 }, async (t) => {
      const folder = mkdtempSync(`${tmpdir()}/rotunda-files-`);
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      const content = randomBytes(FILE_BYTES);
      writeFileSync(`${folder}/big.bin`, content);
      writeFileSync(`${folder}/index.html`, '<p>small</p>');
      const server = await start(t, secure, ['--web-root', folder]);
      const socket = await open(server);
      // Two on one connection: what follows the file is where it belongs.
      socket.write('GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\nGET /big.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      const parts = [];
      // What it has is taken in pieces, the next only when the one before is done with.
      for await (const bytes of socket) if (parts.push(bytes) % 20 === 0) assert.equal((await server.fetch('/healthz')).status, 200);
      const all = Buffer.concat(parts);
      const hash = (bytes) => createHash('sha256').update(bytes).digest('hex');
      for (let i = 0, at = 0; i < 2; i++) {
        const head = all.indexOf('\r\n\r\n', at) + 4;
        assert.match(all.subarray(at, head).toString(), /^HTTP\/1\.1 200 OK[^]*content-length: 3000000/);
        assert.equal(hash(all.subarray(head, head + FILE_BYTES)), hash(content), `answer ${i}`);
        at = head + FILE_BYTES;
        if (i === 1) assert.equal(at, all.length);
      }
    });

    test('of files that nobody reads the server holds a piece, and the kernel the rest', { timeout: 60_000 }, async (t) => {
      const folder = mkdtempSync(`${tmpdir()}/rotunda-files-`);
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      writeFileSync(`${folder}/big.bin`, Buffer.alloc(10 * FILE_BYTES));
      writeFileSync(`${folder}/index.html`, '<p>small</p>');
      const server = await start(t, secure, ['--web-root', folder]);
      assert.equal((await server.fetch('/healthz')).status, 200);
      const before = server.residentKiB();
      const sockets = await Promise.all(Array.from({ length: 10 }, () => open(server)));
      for (const socket of sockets) {
        socket.on('error', () => {});
        socket.pause();
        socket.write('GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(3) + 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(4000));
      }
      // While it is asked for something else each turn of its loop writes what it can to them.
      for (let i = 0; i < 500; i++) assert.equal((await server.fetch('/healthz')).status, 200);
      const held = server.residentKiB() - before;
      t.diagnostic(`measured: ${held} KiB more`);
      assert.ok(held < 80_000, `${held} KiB more, of 900,000`);
      assert.ok((await server.metric('rotunda_connections')) >= 10, 'what they asked beyond that is not read, and nobody is cut off');
      for (const socket of sockets) socket.destroy();
    });

    test('messages to one who reads late are whole and in order', { timeout: 60_000 }, async (t) => {
      const server = await start(t, secure, ['--message-rate-max', '1000', '--ws-backlog-max', '67108864']);
      const [ann, bob] = [await Client.join(server, 'r', 'Ann'), await Client.join(server, 'r', 'Bob')];
      bob.socket.pause();
      const count = 400;
      const length = (i) => (i % 50 ? 10 : 40_000); // all of them within what one may send another at once
      for (let i = 0; i < count; i++) ann.send('webrtc-offer', { target: 'Bob', payload: { i, sdp: 'x'.repeat(length(i)) } }, i);
      await ann.take('the last answer', (message) => message.id === count - 1, 20_000);
      bob.socket.resume();
      for (let i = 0; i < count; i++) {
        const { payload } = await bob.next('webrtc-offer');
        assert.equal(payload.i, i);
        assert.equal(payload.sdp.length, length(i));
      }
      await stillServed(bob);
    });

    test('a hundred who ask and do not read hold nothing for long', { timeout: 60_000 }, async (t) => {
      const server = await start(t, secure);
      const sockets = await Promise.all(Array.from({ length: 100 }, () => open(server)));
      for (const socket of sockets) {
        socket.on('error', () => {});
        socket.pause();
        socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2000));
      }
      assert.equal((await server.fetch('/healthz')).status, 200);
      const held = server.residentKiB();
      assert.ok(held < 400_000, `${held} KiB`);
      // Who reads after all gets an answer to each.
      const [late, ...others] = sockets;
      for (const socket of others) socket.destroy();
      let said = '';
      late.on('data', (data) => (said += data)).resume();
      await until('it has all answers', () => said.split('HTTP/1.1 200').length === 2001);
      late.destroy();
      await until('they are gone', async () => (await server.metric('rotunda_connections')) < 5, { deadlineMs: 20_000 });
    });
  });
