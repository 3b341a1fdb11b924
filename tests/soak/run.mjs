// The server lives on, whatever comes and goes: people with loss who come and go without end, connections that are cut,
// addresses that change, settings that are read again; and beside it one that is killed, whose people come back by
// themselves. In between, when nobody is there, it must be what it was: as many descriptors and threads, no more memory.
//
//   sh tests/e2e/in_own_network.sh node tests/soak/run.mjs [MINUTES]     60 by default; ./test has 3
//
// Without in_own_network.sh addresses change by the settings alone. ROTUNDA_BIN: the server, with rotunda-load beside it
// (an optimised build: sanitizers keep memory). Needs npm ci in tests/e2e and in frontend. Ends with 1 when something is
// not as it was; a line of figures for each round.

import { execFile, execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { Client, delay, ROOT, Server, until } from '../e2e/harness.mjs';
import { folder, regulars } from './kit.mjs';

const MINUTES = Number(process.argv[2] ?? 60);
const BINARY = process.env.ROTUNDA_BIN ?? `${ROOT}build/rotunda`;
const LOAD = `${dirname(BINARY)}/rotunda-load`;
const OWN_ADDRESS = process.env.ROTUNDA_TEST_ADDRESS; // of in_own_network.sh
const GUESTS = 6; // who come and go over WebSocket alone
const REGULARS = 12; // of the server that is killed
const BACK_WITHIN_MS = 20_000;
const MEMORY_MORE_KIB = 4096; // of noise, beside a twentieth

const faults = [];
const note = (what) => {
  faults.push(what);
  console.log(`FAULT: ${what}`);
};

// ---- the server that lives

const settings = `${folder}/rotunda.conf`;
const configure = (n) => {
  const more = OWN_ADDRESS ? [] : [`announce = ${n % 2 ? '127.0.0.1, 127.0.0.2' : '127.0.0.1'}`];
  writeFileSync(settings, ['workers = 2', 'log-level = warn', 'open = yes', 'resume-window = 2', `last-n = ${n % 3}`, ...more, ''].join('\n'));
};

async function begin() {
  configure(0);
  return Server.start({ args: ['--config', settings], announce: OWN_ADDRESS ? 'auto' : null, host: OWN_ADDRESS ? '0.0.0.0' : '127.0.0.1' });
}

// Its addresses change under those who are there.
function change(server, n) {
  if (OWN_ADDRESS) execFileSync('ip', ['address', n % 2 ? 'add' : 'del', '10.77.0.9/24', 'dev', 'test0']);
  configure(n);
  server.signal('SIGHUP');
}

// People with sound and picture, over a bad network, of whom one a second is replaced by another.
async function crowd(server, seconds) {
  const args = ['--url', `ws://127.0.0.1:${server.port}/ws`, '--rooms', '1', '--participants', '5', '--publishers', '2', '--video', '100', '--fps', '8'];
  args.push('--churn', '1', '--loss', '2%', '--delay', '20', '--duration', String(seconds), '--json', '-');
  const { stdout } = await promisify(execFile)(LOAD, args, { maxBuffer: 1 << 24 });
  const { metrics } = JSON.parse(stdout.slice(stdout.indexOf('{')));
  return Object.fromEntries(['joins', 'failed', 'faults', 'packets_received', 'loss'].map((name) => [name, metrics[name].value ?? 0]));
}

// One who does a little of everything, and does not always say goodbye.
async function guest(server, room, i) {
  const client = await Client.join(server, room, `Guest ${i}`);
  const { roomId, resumeToken } = client.joined;
  await client.request('chat-message', { text: 'hello' });
  await client.request('raise-hand');
  const { id } = await client.request('create-transport', { direction: i % 2 ? 'send' : 'recv' });
  await client.request('restart-ice', { transportId: id });
  if (i % 3 === 0) return client.close();
  client.cut(); // its network is gone
  if (i % 3 === 1) return null;
  const again = await Client.connect(server);
  const { resumed } = await again.request('join-room', { roomId, resumeToken });
  if (!resumed) note('a session was not resumed');
  await again.request('lower-hand');
  return again.close();
}

const count = (path) => readdirSync(path).length;
async function quiet(server) {
  await until('everybody is gone', async () => {
    const metrics = await server.metrics();
    return ['rotunda_rooms', 'rotunda_participants', 'rotunda_clients', 'rotunda_transports', 'rotunda_worker_transports{worker="0"}'].every((name) => (metrics.get(name) ?? 0) === 0);
  }, { deadlineMs: 60_000, everyMs: 500 });
  const metrics = await server.metrics();
  return {
    memory: server.residentKiB(),
    held: metrics.get('rotunda_control_memory_bytes'),
    descriptors: count(`/proc/${server.pid}/fd`),
    threads: count(`/proc/${server.pid}/task`),
  };
}

async function round(server, n) {
  const people = crowd(server, 8);
  await delay(2000);
  const guests = Array.from({ length: GUESTS }, (_, i) => delay(i * 300).then(() => guest(server, `soak ${n}`, i)));
  change(server, n);
  const results = await Promise.allSettled(guests);
  for (const { reason } of results) if (reason) note(`a guest: ${reason.message}`);
  const measured = await people;
  if (measured.faults > 0) note(`${measured.faults} packets that were wrong`);
  return { ...measured, ...(await quiet(server)) };
}

// ---- the server that is killed

async function mortal(end) {
  const start = (port) => Server.start({ port, args: ['--workers', '1', '--log-level', 'warn'] });
  let server = await start();
  const people = await regulars(server, REGULARS, (error) => note(`somebody gave up: ${error.message}`));
  const seen = { kills: 0, slowestMs: 0, returns: 0, tries: 0, most: 0 };
  while (performance.now() < end - 10_000) {
    await delay(8000);
    people.forget();
    await server.kill();
    await delay(300 + Math.random() * 3000);
    server = await start(server.port);
    const { back } = people;
    const ready = performance.now();
    const all = await until('everybody is back', () => back.length >= REGULARS, { deadlineMs: BACK_WITHIN_MS }).catch((error) => note(error.message));
    if (!all) break;
    // How many came within any tenth of a second.
    const most = Math.max(...back.map((from) => back.filter((at) => at >= from && at < from + 100).length));
    if (most === REGULARS) note('everybody came back at the same moment');
    seen.kills += 1;
    seen.returns += back.length;
    seen.tries += people.tries.length;
    seen.slowestMs = Math.max(seen.slowestMs, Math.max(...back) - ready);
    seen.most = Math.max(seen.most, most);
  }
  for (const session of people.sessions) session.leave();
  await server.stop();
  return seen;
}

// ---- the run

// The last third against the first one; the first round of all is for what is allocated once.
function judge(rounds) {
  const third = Math.max(1, Math.floor((rounds.length - 1) / 3));
  const [first, last] = [rounds.slice(1, 1 + third), rounds.slice(-third)];
  const most = (list, name) => Math.max(...list.map((each) => each[name]));
  for (const name of ['descriptors', 'threads', 'held'])
    if (most(last, name) > most(first, name)) note(`${name}: ${most(first, name)} at first, ${most(last, name)} at last`);
  const allowed = most(first, 'memory') * 1.05 + MEMORY_MORE_KIB;
  if (most(last, 'memory') > allowed) note(`memory: ${most(first, 'memory')} KiB at first, ${most(last, 'memory')} KiB at last`);
  const joins = rounds.reduce((sum, { joins: more }) => sum + more, 0);
  const failed = rounds.reduce((sum, { failed: more }) => sum + more, 0);
  if (failed > joins / 50) note(`${failed} of ${joins} joins failed`);
  return { first: most(first, 'memory'), last: most(last, 'memory'), joins, failed };
}

const began = performance.now();
const end = began + MINUTES * 60_000;
const server = await begin();
const beside = mortal(end).catch((error) => note(`the server that is killed: ${error.message}`));
const rounds = [];
while (performance.now() < end - 15_000 || rounds.length < 3) {
  rounds.push(await round(server, rounds.length + 1));
  const { memory, held, descriptors, threads, joins, packets_received: packets, loss } = rounds.at(-1);
  console.log(`${Math.round((performance.now() - began) / 1000)} s: ${memory} KiB, ${held} B held, ${descriptors} descriptors, ${threads} threads; ${joins} joins, ${packets} packets, ${loss.toFixed(3)} % lost for good`);
}
const { first, last, joins, failed } = judge(rounds);
const seen = await beside;
const cpu = server.cpuSeconds();
await server.stop();
const packets = rounds.reduce((sum, { packets_received: more }) => sum + more, 0);
console.log(`# measured: soak of ${((performance.now() - began) / 60_000).toFixed(1)} minutes, ${rounds.length} rounds: ${joins} joins (${failed} failed), ${packets} packets, ${first} KiB at first, ${last} KiB at last, ${cpu.toFixed(1)} s of CPU`);
if (seen) console.log(`# measured: ${seen.kills} kills, all ${seen.returns} back, the slowest after ${Math.round(seen.slowestMs)} ms, at most ${seen.most} of ${REGULARS} within 100 ms, ${seen.tries} tries`);
process.exit(faults.length ? 1 : 0);
