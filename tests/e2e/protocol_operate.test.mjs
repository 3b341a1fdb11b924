// docs/operations.md: settings that are read again, a stuck worker, a crash, what systemd hears.

import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { assert, freshRoom, gather, refused, stillServed } from './expect.mjs';
import { faultsFor } from './faults.mjs';
import { Client, Server, until } from './harness.mjs';

function folderFor(t) {
  const folder = mkdtempSync(`${tmpdir()}/rotunda-operate-`);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function reload(server, said) {
  const before = server.log.length;
  server.signal('SIGHUP');
  for (const words of ['settings and files read again', ...said].reverse())
    await until(`the log says "${words}"`, () => server.log.slice(before).includes(words));
  return server.log.slice(before);
}

test('SIGHUP: what can change changes, what cannot is named, and nobody is dropped', { timeout: 60_000 }, async (t) => {
  const folder = folderFor(t);
  const file = `${folder}/rotunda.conf`;
  writeFileSync(file, 'rooms-max = 1\nlog-level = info\nworkers = 1\n');
  const server = await Server.startFor(t, { args: ['--config', file] });
  const [ann] = await gather(server, 'Ann');
  const bob = await Client.connect(server);
  await refused(bob, 'limit-reached', 'join-room', { roomId: freshRoom(), username: 'Bob' });
  assert.equal((await server.fetch('/metrics', { headers: { origin: 'https://app.example' } })).status, 403);

  writeFileSync(
    file,
    `rooms-max = 2
log-level = debug
workers = 2
origins = https://app.example
turn-urls = turn:turn.example:3478
turn-secret = long enough
`,
  );
  const log = await reload(server, ['setting changed name="rooms-max"', 'setting needs a restart name="workers"']);
  assert.ok(!log.includes('long enough'), 'the log tells no secret');
  assert.equal((await bob.request('join-room', { roomId: freshRoom(), username: 'Bob' })).turn, true);
  const { iceServers } = await bob.request('create-transport', { direction: 'send' });
  assert.deepEqual(iceServers[0].urls, ['turn:turn.example:3478']);
  assert.equal((await server.fetch('/metrics', { headers: { origin: 'https://app.example' } })).status, 200);
  await until('debug lines come', async () => (await stillServed(ann), server.log.includes(' debug ')));

  writeFileSync(file, 'rooms-max = none\n');
  await reload(server, ['settings not read again, those before stay']);
  await stillServed(ann);
});

test('SIGHUP: what can be read only once stays as it was, and nobody waits for it', { timeout: 60_000 }, async (t) => {
  const folder = folderFor(t);
  const files = ['conf', 'keys', 'rooms'].map((name) => `${folder}/${name}`);
  const [conf, keys, rooms] = files;
  writeFileSync(conf, `keys = ${keys}\nrooms = ${rooms}\nfailed-joins-per-address = 1\n`);
  writeFileSync(keys, 'devkey: 0123456789abcdef0123456789abcdef\n');
  writeFileSync(rooms, '[a]\npeople = 3\n');
  const server = await Server.startFor(t, { args: ['--config', conf] });
  for (const path of files) rmSync(path);
  execFileSync('mkfifo', files); // into which nobody writes
  const log = await reload(server, []);
  for (const words of ['settings not read again', 'keys not reloaded', 'rooms not reloaded']) assert.match(log, new RegExp(`${words}.*a pipe or a device`));
  assert.equal((await server.fetch('/healthz')).status, 200);
  const client = await Client.connect(server);
  await refused(client, 'unauthorized', 'join-room', { roomId: freshRoom(), username: 'Ann' });
});

test('SIGHUP: other addresses are announced to those who come and to those who are there', { timeout: 60_000 }, async (t) => {
  const folder = folderFor(t);
  const file = `${folder}/rotunda.conf`;
  writeFileSync(file, 'announce = 203.0.113.7\n');
  const server = await Server.startFor(t, { announce: null, args: ['--config', file] });
  const [ann] = await gather(server, 'Ann');
  const { id, iceCandidates } = await ann.request('create-transport', { direction: 'send' });
  assert.equal(iceCandidates[0].ip ?? iceCandidates[0].address, '203.0.113.7');
  writeFileSync(file, 'announce = 203.0.113.8\n');
  await reload(server, ['announced addresses changed']);
  const told = await ann.next('ice-restarted');
  assert.equal(told.transportId, id);
  assert.match(JSON.stringify(told.iceCandidates), /203\.0\.113\.8/);
});

test('a media thread, that of data channels or of ICE agents that does not turn is unhealthy, and says where it is', { timeout: 60_000 }, async (t) => {
  const faults = faultsFor(t);
  const server = await Server.startFor(t, { args: ['--workers', '1', '--ice', 'full'], env: faults.env });
  const [ann] = await gather(server, 'Ann');
  faults.set({ stallMedia0: 1, stallData: 1, stallIce: 1 });
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  socket.send('anything', server.mediaPort, '127.0.0.1'); // so that it reads
  await until('/healthz fails', async () => (await server.fetch('/healthz')).status === 503, { deadlineMs: 30_000 });
  assert.equal((await server.fetch('/readyz')).status, 503);
  await until('all three are counted', async () => (await server.metric('rotunda_threads_stuck')) === 3);
  await until('its stack is told', () => server.log.includes('rotunda(worker_run+'), { deadlineMs: 20_000 });
  await until('the stack of the other is told', () => server.log.includes('rotunda(data_worker_run+'), { deadlineMs: 20_000 });
  await until('the stack of the third is told', () => server.log.includes('rotunda(ice_worker_run+'), { deadlineMs: 20_000 });
  for (const words of ['data worker stuck', 'stack in thread data\n', 'ICE thread stuck', 'stack in thread ice\n']) assert.ok(server.log.includes(words), server.log);
  const told = server.log.slice(server.log.indexOf('media worker stuck worker=0'));
  for (const words of ['stack in thread media-0\n', 'libfaults.so(recvmmsg+']) assert.ok(told.includes(words), told);
  await stillServed(ann);
  faults.set({ stallMedia0: 0 });
  await until('one turns again', () => server.log.includes('media worker turns again'));
  faults.set({ stallData: 0 });
  await until('another turns again', () => server.log.includes('data worker turns again'));
  assert.equal((await server.fetch('/healthz')).status, 503, 'the third does not');
  faults.set({ stallIce: 0 });
  await until('it turns again', async () => (await server.fetch('/healthz')).status === 200);
  assert.equal(await server.metric('rotunda_threads_stuck'), 0);
  await until('that is told', () => server.log.includes('ICE thread turns again'));
});

test('a crash leaves its trace', { timeout: 60_000 }, async (t) => {
  const server = await Server.start({ args: ['--workers', '1'] });
  t.after(() => server.kill());
  server.signal('SIGABRT');
  await until('the trace is there', () => server.log.includes('tells how to read this'));
  assert.match(server.log, /rotunda \S+ crashed: SIGABRT in thread \w+\n/);
  assert.match(server.log, /rotunda\(app_run\+0x[0-9a-f]+\)/);
});

const LISTENER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(repr(s.recv(4096)), flush=True)
`;

// A server beside a manager that listens: {server, heard() since the last call of forget()}.
async function managed(t, env) {
  const folder = folderFor(t);
  const listener = spawn('python3', ['-c', LISTENER, `${folder}/socket`], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => listener.kill('SIGKILL'));
  let heard = '';
  listener.stdout.on('data', (data) => (heard += data));
  await until('the socket is there', () => heard.includes('bound'), { deadlineMs: 30_000 });
  const server = await Server.startFor(t, { env: { ...env, NOTIFY_SOCKET: `${folder}/socket` } });
  return { server, heard: () => heard, forget: () => (heard = '') };
}

test('systemd hears of the start, of reloads, and that the server is alive', { timeout: 60_000 }, async (t) => {
  const { server, heard, forget } = await managed(t, { WATCHDOG_USEC: '1000000' });
  await until('READY', () => heard().includes('READY=1'));
  forget();
  server.signal('SIGHUP');
  await until('a reload', () => /RELOADING=1\\nMONOTONIC_USEC=\d+\\n'\nb'READY=1/.test(heard()));
  await until('it is alive', () => heard().match(/WATCHDOG=1/g)?.length >= 2);
});

// Of a stop shorter than its time the watchdog is not to end the process when it is over.
test('systemd hears at once that a server runs again that did not', { timeout: 60_000 }, async (t) => {
  const faults = faultsFor(t);
  const { server, heard, forget } = await managed(t, { ...faults.env, WATCHDOG_USEC: '30000000' });
  await until('it is alive', () => heard().includes('WATCHDOG=1'));
  forget();
  faults.set({ awayS: 20 });
  await until('it is noticed', () => server.log.includes('server did not run'), { everyMs: 5 });
  await until('it is alive', () => heard().includes('WATCHDOG=1'), { deadlineMs: 4000 }); // people get five seconds
});
