// What surrounds the process: a log that nobody reads, and descriptors that are not there.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { assert, freshRoom, stillServed } from '../e2e/expect.mjs';
import { Client, freeTcpPort, ROOT, Server, until } from '../e2e/harness.mjs';

const BINARY = process.env.ROTUNDA_BIN;

// The server as a shell starts it, with these redirections. One that ends is told at once (it may have no descriptor to
// say why, so this does); one that lives has as long as a machine with much else to do may take.
const PATIENCE_MS = 150_000;

async function startBy(t, redirections, args = []) {
  const port = await freeTcpPort();
  const command = `exec "${BINARY}" --listen 127.0.0.1:${port} --media-port 0 --announce 127.0.0.1 ${args.join(' ')} ${redirections}`;
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ROTUNDA_')));
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
  const exit = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
  t.after(() => child.kill('SIGKILL'));
  const server = { port, child, exit, origin: `http://127.0.0.1:${port}`, fetch: (path) => fetch(`http://127.0.0.1:${port}${path}`), metric: Server.prototype.metric, metrics: Server.prototype.metrics };
  let ended = null;
  exit.then((how) => (ended = how));
  await until(
    'the server answers',
    async () => {
      if (ended !== null) throw new Error(`the server, started with "${redirections}" on port ${port}, ended at start: ${JSON.stringify(ended)}`);
      return (await server.fetch('/healthz').catch(() => null))?.ok;
    },
    { deadlineMs: PATIENCE_MS },
  );
  return server;
}

// Connections, each of which the log has a line of.
function chatter(server, count) {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const client = await Client.join(server, freshRoom(), `Somebody with a name that fills the log, number ${i}`);
      await client.request('leave-room');
      await client.close();
    }),
  );
}

for (const [format, stream] of [['text', 'stderr'], ['json', 'stdout']]) {
  test(`a pipe that nobody reads stops nothing (${format})`, { timeout: 60_000 }, async (t) => {
    const server = await startBy(t, '', ['--log-format', format, '--rooms-per-address', '0']);
    server.child[stream].pause(); // the pipe holds 64 KB, and node a little
    for (let round = 0; (await server.metric('rotunda_log_lines_dropped_total')) === 0; round++) {
      assert.ok(round < 60, 'the pipe must be full by now');
      await chatter(server, 50);
    }
    const client = await Client.connect(server);
    await stillServed(client);
    assert.equal((await server.fetch('/healthz')).status, 200);
    // Read again: what was lost is told, in a line that is whole.
    let said = '';
    server.child[stream].on('data', (data) => (said += data));
    server.child[stream].resume();
    await until('a line tells of the lost ones', async () => {
      await chatter(server, 1);
      return /log lines dropped/.test(said);
    });
    assert.match(said, format === 'json' ? /"event":"log lines dropped","lines":[1-9]/ : /log lines dropped lines=[1-9]/);
    server.child[stream].pause();
    await chatter(server, 400);
    server.child.kill('SIGTERM'); // it ends when it is told to
    assert.deepEqual(await server.exit, { code: 0, signal: null });
  });
}

test('a stack that nobody reads stops nobody', { timeout: 60_000 }, async (t) => {
  const server = await startBy(t, '', ['--rooms-per-address', '0', '--log-level', 'debug']);
  server.child.stderr.pause();
  while ((await server.metric('rotunda_log_lines_dropped_total')) === 0) await chatter(server, 50);
  server.child.kill('SIGUSR2'); // as a worker is asked that was stuck for a while
  const client = await Client.connect(server);
  await stillServed(client);
  server.child.kill('SIGABRT');
  assert.deepEqual(await server.exit, { code: null, signal: 'SIGABRT' });
});

// What node calls a pipe is a pair of sockets.
test('a log whose reader has gone stops nothing, and what is lost is counted', { timeout: 60_000 }, async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/rotunda-log-`);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  execFileSync('mkfifo', [`${folder}/pipe`]);
  const reader = spawn('cat', [`${folder}/pipe`], { stdio: 'ignore' });
  const server = await startBy(t, `2>${folder}/pipe`);
  assert.equal(await server.metric('rotunda_log_lines_dropped_total'), 0);
  reader.kill('SIGKILL');
  await once(reader, 'exit');
  await chatter(server, 5);
  assert.ok((await server.metric('rotunda_log_lines_dropped_total')) >= 5);
});

test('a terminal that somebody has stopped stops nothing', { timeout: 60_000 }, async (t) => {
  const server = await Server.startFor(t, { args: ['--rooms-per-address', '0'], around: ['python3', `${ROOT}tests/hostile/stopped_terminal.py`] });
  await chatter(server, 5);
  assert.ok((await server.metric('rotunda_log_lines_dropped_total')) > 0, 'it takes no line');
  const client = await Client.connect(server);
  await stillServed(client);
});

test('the pipe of a shell does not become non-blocking for others', async (t) => {
  const server = await startBy(t, '', []);
  // Both ends belong to one open file here and there: its flags are those that the shell gave it.
  const flags = parseInt(/flags:\s+(\d+)/.exec(readFileSync(`/proc/${server.child.pid}/fdinfo/2`, 'utf8'))[1], 8);
  assert.equal(flags & 0o4000, 0, 'O_NONBLOCK is not set on descriptor 2');
});

for (const closed of ['2>&-', '1>&- 2>&-', '0<&- 1>&- 2>&-', '0<&-']) {
  test(`started with ${closed}`, async (t) => {
    const server = await startBy(t, closed);
    await chatter(server, 5); // what is logged goes nowhere, and into no socket of others
    const client = await Client.connect(server);
    await stillServed(client);
    server.child.kill('SIGTERM');
    assert.deepEqual(await server.exit, { code: 0, signal: null });
  });
}

test('a log file is added to, not written over', async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/rotunda-log-`);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(`${folder}/log`, 'before\n');
  const server = await startBy(t, `2>>${folder}/log`);
  await chatter(server, 1);
  server.child.kill('SIGTERM');
  await server.exit;
  assert.match(readFileSync(`${folder}/log`, 'utf8'), /^before\n[^]*client connected[^]*server stopped/);
});

// What takes nothing but a connection: of each kind as many as a minute may have, and a count of the others.
test('strangers do not fill the log', { timeout: 120_000 }, async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/rotunda-log-`);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(`${folder}/keys`, 'devkey: 0123456789abcdef0123456789abcdef\n');
  const server = await Server.startFor(t, { args: ['--keys', `${folder}/keys`, '--waiting-per-address', '100', '--failed-joins-per-address', '0'] });
  const started = performance.now();
  const status = async (path, options) => (await server.fetch(path, options)).status;
  for (let i = 0; i < 50; i++) {
    const post = { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${'x'.repeat(i)}` }, body: '{}' };
    assert.deepEqual(
      await Promise.all([status('/api/v1/rooms'), status('/twirp/livekit.RoomService/ListRooms', post), status('/healthz', { headers: { origin: 'https://elsewhere.example' } })]),
      [401, 401, 403],
    );
  }
  const came = await Promise.allSettled(Array.from({ length: 150 }, () => Client.connect(server))); // 100 at most do not join
  for (const { value } of came) value?.cut();
  const refused = came.filter(({ status }) => status === 'rejected').length;
  assert.ok(refused >= 50, `${refused} refused`);
  const most = 30 + 12 * Math.ceil((performance.now() - started) / 60_000 + 1);
  await until('what is left out is counted', async () => (await server.metric('rotunda_log_lines_left_out_total')) >= 300 - 4 * most);
  for (const event of ['managed', 'request refused', 'connection refused', 'client connected']) {
    const lines = () => server.log.split('\n').filter((line) => line.includes(` ${event} `)).length;
    await until(`lines "${event}"`, () => lines() >= 30);
    assert.ok(lines() <= most, `${lines()} lines "${event}", at most ${most}`);
  }
});

test('10,000 requests on one connection, pipelined', { timeout: 60_000 }, async (t) => {
  const server = await Server.startFor(t, {});
  const socket = createConnection(server.port, '127.0.0.1');
  let answers = 0;
  let tail = '';
  socket.on('data', (data) => {
    const text = tail + data;
    answers += text.split('HTTP/1.1 200').length - 1;
    tail = text.slice(-11);
    if (tail.endsWith('HTTP/1.1 200')) tail = '';
  });
  for (let i = 0; i < 100; i++) socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(100));
  await until('all answers', () => answers >= 10_000, { deadlineMs: 30_000 });
  socket.destroy();
  assert.ok(server.residentKiB() > 0);
});
