// docs/operations.md, stopping: people may finish, nobody new comes, and the end comes when it was said.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { assert, freshRoom, gather, refused } from './expect.mjs';
import { Client, ROOT, Server, until } from './harness.mjs';

test('people finish before the server ends', { timeout: 60_000 }, async (t) => {
  const server = await Server.startFor(t, { args: ['--drain-time', '600'] });
  const [ann, bob] = await gather(server, 'Ann', 'Bob');
  const cat = await Client.connect(server);
  const asked = Date.now();
  server.signal('SIGTERM');
  for (const client of [ann, bob, cat]) {
    const { deadline } = await client.next('server-draining');
    assert.ok(deadline >= asked + 600_000 && deadline <= Date.now() + 600_000, `deadline ${deadline}, asked at ${asked}`);
  }
  assert.equal((await server.fetch('/readyz')).status, 503);
  assert.equal((await server.fetch('/healthz')).status, 200);

  await refused(cat, 'draining', 'join-room', { roomId: ann.joined.roomId, username: 'Cat' });
  await refused(cat, 'draining', 'join-room', { roomId: freshRoom(), username: 'Cat' });
  await ann.request('chat-message', { text: 'one more thing' });
  assert.equal((await bob.next('chat-message')).text, 'one more thing');

  bob.socket.terminate();
  await bob.closed;
  const { roomId, resumeToken } = bob.joined;
  const again = await Client.connect(server);
  assert.equal((await again.request('join-room', { roomId, username: 'Bob', resumeToken })).resumed, true);

  await ann.request('leave-room');
  await refused(ann, 'draining', 'join-room', { roomId, username: 'Ann' });
  await again.request('leave-room');
  for (const client of [ann, again, cat]) assert.equal((await client.closed).code, 1001);
  await server.ended();
});

test('who stays hears goodbye at the deadline', { timeout: 60_000 }, async (t) => {
  const server = await Server.startFor(t, { args: ['--drain-time', '2'] });
  const [ann] = await gather(server, 'Ann');
  server.signal('SIGTERM');
  const { deadline } = await ann.next('server-draining');
  assert.equal((await ann.closed).code, 1001);
  assert.ok(Date.now() >= deadline - 100, `${deadline - Date.now()} ms before the deadline`);
  await server.ended();
});

test('a second signal does not wait for people', { timeout: 60_000 }, async (t) => {
  const server = await Server.startFor(t, { args: ['--drain-time', '600'] });
  const [ann] = await gather(server, 'Ann');
  server.signal('SIGTERM');
  await ann.next('server-draining');
  server.signal('SIGINT');
  assert.equal((await ann.closed).code, 1001);
  await server.ended();
});

test('without a time for it people are told and let go at once', { timeout: 60_000 }, async (t) => {
  const server = await Server.startFor(t);
  const [ann] = await gather(server, 'Ann');
  server.signal('SIGTERM');
  const { deadline } = await ann.next('server-draining');
  assert.ok(deadline <= Date.now());
  assert.equal((await ann.closed).code, 1001);
  await server.ended();
});

// As systemd would, a socket of datagrams listens; what is said there keeps systemd from ending the server before people
// have finished.
const LISTENER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(repr(s.recv(4096)), flush=True)
`;

test('systemd is told how long stopping may take', { timeout: 60_000 }, async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/rotunda-notify-`);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const listener = spawn('python3', ['-c', LISTENER, `${folder}/socket`], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => listener.kill('SIGKILL'));
  let heard = '';
  listener.stdout.on('data', (data) => (heard += data));
  await until('the socket is there', () => heard.includes('bound'), { deadlineMs: 30_000 });
  const server = await Server.startFor(t, { args: ['--drain-time', '300'], env: { NOTIFY_SOCKET: `${folder}/socket` } });
  const [ann] = await gather(server, 'Ann');
  server.signal('SIGTERM');
  await ann.next('server-draining');
  await until('it was said', () => heard.includes('USEC'));
  assert.match(heard, /STOPPING=1\\nEXTEND_TIMEOUT_USEC=310000000\\n/);
  await ann.request('leave-room');
  await server.ended();
});

test('who publishes by WHIP when the server ends leaves as anybody does', async (t) => {
  const server = await Server.startFor(t, { args: ['--drain-time', '0'] });
  const [ann] = await gather(server, 'Ann');
  const body = readFileSync(`${ROOT}tests/vectors/sdp/obs-publish.sdp`);
  const { status } = await server.fetch(`/whip/${ann.joined.roomId}?name=Obs`, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body });
  assert.equal(status, 201);
  server.signal('SIGTERM');
  await server.ended(); // with 0
});
