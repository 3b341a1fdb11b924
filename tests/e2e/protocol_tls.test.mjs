// HTTPS and wss by the server itself, with a test CA; a certificate that changes under connected clients.

import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { test } from 'node:test';
import { assert, freshRoom, stillServed } from './expect.mjs';
import { Client, Server, until } from './harness.mjs';
import { handshake, TestCa } from './tls_kit.mjs';

// A server whose certificate is in files that a test may change.
async function startTls(t, args = []) {
  const ca = TestCa.make(t);
  const first = ca.issue('first');
  const use = ({ cert, key }) => {
    copyFileSync(cert, `${ca.folder}/live.crt`);
    copyFileSync(key, `${ca.folder}/live.key`);
  };
  use(first);
  const files = ['--tls-cert', `${ca.folder}/live.crt`, '--tls-key', `${ca.folder}/live.key`];
  const server = await Server.startFor(t, { ca: ca.root, args: [...files, ...args] });
  const reload = async (event) => {
    const seen = server.log.split(event).length;
    process.kill(server.pid, 'SIGHUP');
    await until(`the log says "${event}"`, () => server.log.split(event).length > seen);
  };
  return { ca, first, server, use, reload };
}

test('https and wss with a chain that leads to the root', async (t) => {
  const { server, first } = await startTls(t);
  const shown = await handshake(server);
  assert.deepEqual(shown, { serial: first.serial, protocol: 'TLSv1.3', alpn: 'http/1.1' });
  assert.equal((await handshake(server, { maxVersion: 'TLSv1.2' })).protocol, 'TLSv1.2');
  await assert.rejects(handshake(server, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }), 'TLS 1.1');
  for (const suite of ['ECDHE-RSA-AES128-SHA256', 'ECDHE-RSA-AES256-SHA384', 'ECDHE-RSA-AES128-SHA', 'AES128-SHA', 'AES128-GCM-SHA256', 'ECDHE-ECDSA-AES128-SHA'])
    await assert.rejects(handshake(server, { maxVersion: 'TLSv1.2', ciphers: `${suite}@SECLEVEL=0` }), /handshake failure|alert/, suite);
  await assert.rejects(handshake(server, { ca: undefined }), /self-signed certificate|unable to get/);

  assert.equal((await server.fetch('/healthz')).status, 200);
  assert.ok(server.log.includes(`open       https://localhost:${server.port}/`), server.log);
  assert.ok(server.log.includes('scheme="https"'));

  const room = freshRoom();
  const ann = await Client.join(server, room, 'ann');
  const bob = await Client.join(server, room, 'bob');
  // More than one TLS record, in both directions.
  const text = 'o'.repeat(8000);
  for (let i = 0; i < 40; i++) ann.send('chat-message', { roomId: room, text: `${i} ${text}` });
  for (let i = 0; i < 40; i++) assert.equal((await bob.next('chat-message')).text, `${i} ${text}`);
  await stillServed(ann);
  assert.equal((await ann.close()).code, 1000);
  await bob.close();
});

test('who does not speak TLS is hung up on, others are served', async (t) => {
  const { server } = await startTls(t);
  const got = await new Promise((resolve) => {
    let text = '';
    const socket = connect(server.port, '127.0.0.1', () => socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'));
    socket.on('data', (data) => (text += data.toString('latin1')));
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
  assert.ok(!got.includes('HTTP/1.1 200'), `expected no answer in the clear, got ${JSON.stringify(got)}`);
  assert.equal((await server.fetch('/healthz')).status, 200);
});

test('SIGHUP: connected clients stay, new ones get the new certificate', async (t) => {
  const { ca, first, server, use, reload } = await startTls(t);
  const client = await Client.join(server, freshRoom(), 'ann');
  const second = ca.issue('second');
  use(second);
  assert.equal((await handshake(server)).serial, first.serial, 'before SIGHUP');
  await reload('certificate reloaded');
  assert.equal((await handshake(server)).serial, second.serial);
  await stillServed(client);
  await Client.join(server, freshRoom(), 'bob').then((bob) => bob.close());
  assert.equal(client.socket.readyState, 1, 'the first client is connected');
  assert.equal(client.socket._socket.getPeerCertificate().serialNumber, first.serial);
  await client.close();
});

test('SIGHUP: a bad file keeps the certificate that is in use', async (t) => {
  const { ca, first, server, use, reload } = await startTls(t);
  const client = await Client.join(server, freshRoom(), 'ann');
  const second = ca.issue('second');
  const bad = [
    ['no certificate', () => writeFileSync(`${ca.folder}/live.crt`, 'half written')],
    ['a missing key', () => rmSync(`${ca.folder}/live.key`)],
    ['another key', () => copyFileSync(second.key, `${ca.folder}/live.key`)],
  ];
  for (const [what, spoil] of bad) {
    use(first);
    spoil();
    await reload('certificate not reloaded, the one before stays');
    assert.equal((await handshake(server)).serial, first.serial, what);
    await stillServed(client);
  }
  use(second);
  await reload('certificate reloaded');
  assert.equal((await handshake(server)).serial, second.serial);
  await client.close();
});

test('SIGHUP without a certificate changes nothing', async (t) => {
  const server = await Server.startFor(t);
  const client = await Client.join(server, freshRoom(), 'ann');
  process.kill(server.pid, 'SIGHUP');
  await until('the log says so', () => server.log.includes('settings and files read again'));
  await stillServed(client);
  await client.close();
});
