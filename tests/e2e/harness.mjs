// Starts the real server for a test and speaks the protocol to it. ROTUNDA_BIN names the binary.
// Everything here waits for a condition with a deadline; nothing sleeps to synchronise.

import { spawn } from 'node:child_process';
import { webcrypto } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { existsSync, readFileSync } from 'node:fs';
import { request as secureRequest } from 'node:https';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';

globalThis.crypto ??= webcrypto; // Node 18, as Debian 12 has it, keeps it back; LiveKit's SDK wants it

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BINARY = process.env.ROTUNDA_BIN ?? `${ROOT}build/rotunda`;
const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 30_000; // the product promises two seconds, a busy machine does not
const SANITIZER = /(ERROR|WARNING): (Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error:/;

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

export const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Resolves with the first truthy value of `probe`; the error tells what was awaited. The deadline is for what hangs: a busy
// machine may take what it needs.
export async function until(what, probe, { deadlineMs = 30_000, everyMs = 25 } = {}) {
  const end = performance.now() + deadlineMs;
  let last;
  for (;;) {
    const value = await probe();
    if (value) return value;
    last = value;
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what} (last seen: ${JSON.stringify(last)})`);
    await delay(everyMs);
  }
}

export function freeTcpPort(wanted = 0, host = '127.0.0.1') {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(wanted, host, () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

function freeUdpPort() {
  return new Promise((resolve, reject) => {
    const probe = createSocket('udp4');
    probe.on('error', reject);
    probe.bind(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

// For media, which takes UDP and, where it is free, TCP.
async function freeMediaPort(except) {
  for (;;) {
    const port = await freeUdpPort();
    if (port !== except && (await freeTcpPort(port, '::').catch(() => 0))) return port;
  }
}

// A start that is to be refused: how it ended, and what it said.
// around: a command that runs the server, as its last words.
export async function startRefused(args, env = {}, around = []) {
  const [program, ...words] = [...around, BINARY, ...args];
  const child = spawn(program, words, { cwd: ROOT, env: { ...cleanEnvironment(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const said = { out: '', err: '' };
  child.stdout.on('data', (data) => (said.out += data));
  child.stderr.on('data', (data) => (said.err += data));
  const timer = setTimeout(() => child.kill('SIGKILL'), START_DEADLINE_MS);
  said.status = await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  running.delete(child);
  return said;
}

export class Server {
  #child;
  #log = '';
  #exit;

  // args: further flags; announce: the address that media uses (null: as the settings say); port: of one that was killed, to take its place;
  // around: a command that execs what follows it;
  // mediaPort: the number for media; host: where it listens; ca: the root of its certificate (args then name the files), which clients trust alone.
  static async start({ args = [], env = {}, announce = '127.0.0.1', port, mediaPort, host = '127.0.0.1', ca, around = [] } = {}) {
    if (!existsSync(BINARY)) throw new Error(`no server at ${BINARY}: set ROTUNDA_BIN`);
    const server = new Server();
    server.port = port ?? (await freeTcpPort());
    server.mediaPort = mediaPort ?? (await freeMediaPort(server.port));
    server.ca = ca;
    server.origin = `${ca ? 'https' : 'http'}://127.0.0.1:${server.port}`;
    const flags = ['--listen', `${host}:${server.port}`, '--media-port', String(server.mediaPort)];
    if (announce) flags.push('--announce', announce);
    server.#spawn([...around, BINARY, ...flags, ...args], env);
    await until(
      'the server answers /healthz',
      async () => {
        if (server.#child.exitCode !== null) throw new Error(`the server ended at start:\n${server.log}`);
        return (await server.fetch('/healthz').catch(() => null))?.ok;
      },
      { deadlineMs: START_DEADLINE_MS },
    );
    return server;
  }

  // The same, stopped when test `t` ends, however it ends.
  static async startFor(t, options) {
    const server = await Server.start(options);
    t.after(() => server.stop());
    return server;
  }

  #spawn([program, ...args], env) {
    const child = spawn(program, args, { cwd: ROOT, env: { ...cleanEnvironment(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (this.#log += data));
    this.#exit = new Promise((resolve) =>
      child.on('close', (code, signal) => {
        running.delete(child);
        resolve({ code, signal });
      }),
    );
    this.#child = child;
  }

  get log() {
    return this.#log;
  }

  get pid() {
    return this.#child.pid;
  }

  // Ends the server and throws if it ends late, badly, or with a sanitizer's report.
  async stop(signal = 'SIGTERM') {
    const start = performance.now();
    this.#child.kill(signal);
    let timer;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, STOP_DEADLINE_MS + 8_000, null)));
    const exit = await Promise.race([this.#exit, late]);
    clearTimeout(timer);
    const took = Math.round(performance.now() - start);
    if (exit === null) this.#child.kill('SIGKILL');
    const tail = this.#log.slice(-6000);
    if (SANITIZER.test(this.#log)) throw new Error(`a sanitizer reported:\n${tail}`);
    if (exit?.code !== 0) throw new Error(`expected exit code 0 after ${signal}, got ${JSON.stringify(exit)}:\n${tail}`);
    if (took > STOP_DEADLINE_MS) throw new Error(`expected the end within ${STOP_DEADLINE_MS} ms of ${signal}, took ${took}`);
  }

  // Sends a signal and waits for nothing.
  signal(name) {
    this.#child.kill(name);
  }

  // Waits for an end that was asked for before; throws if it does not come or is not a good one.
  async ended(deadlineMs = 60_000) {
    let timer;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, deadlineMs, null)));
    const exit = await Promise.race([this.#exit, late]);
    clearTimeout(timer);
    if (exit?.code !== 0) throw new Error(`expected the end with exit code 0 within ${deadlineMs} ms, got ${JSON.stringify(exit)}:\n${this.#log.slice(-6000)}`);
  }

  // As a crash would end it.
  async kill() {
    this.#child.kill('SIGKILL');
    await this.#exit;
  }

  fetch(path, options) {
    return this.ca ? secureGet(`${this.origin}${path}`, this.ca) : fetch(`${this.origin}${path}`, options);
  }

  // Samples of /metrics: name or name{labels} -> number.
  async metrics() {
    const text = await (await this.fetch('/metrics')).text();
    const samples = new Map();
    for (const line of text.split('\n')) {
      const match = /^([a-zA-Z_:][\w:]*(?:\{.*\})?) (\S+)$/.exec(line);
      if (match) samples.set(match[1], Number(match[2]));
    }
    return samples;
  }

  // The sum over all label sets of a metric; NaN when there is none.
  async metric(name) {
    let sum = NaN;
    for (const [key, value] of await this.metrics()) {
      if (key === name || key.startsWith(`${name}{`)) sum = (Number.isNaN(sum) ? 0 : sum) + value;
    }
    return sum;
  }

  residentKiB() {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))[1]);
  }

  // User and system time so far, of all threads.
  cpuSeconds() {
    const fields = readFileSync(`/proc/${this.pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }
}

// ---- one signalling connection ----

const ANSWER_DEADLINE_MS = 30_000; // of nothing that is measured: who waits for it is hung

export class ProtocolError extends Error {
  constructor(data) {
    super(`${data.code}: ${data.message}`);
    this.code = data.code;
    this.data = data;
  }
}

export class Client {
  inbox = []; // every message not yet taken, in the order of arrival
  #wakeups = new Set();
  #nextId = 1;

  // options: of the WebSocket, `headers` for one.
  static async connect(server, host = '127.0.0.1', options = {}) {
    const client = new Client();
    client.socket = new WebSocket(`${server.ca ? 'wss' : 'ws'}://${host}:${server.port}/ws`, { ca: server.ca, ...options });
    client.closed = new Promise((resolve) =>
      client.socket.on('close', (code, reason) => resolve({ code, reason: String(reason) })),
    );
    client.socket.on('message', (data, isBinary) => {
      if (isBinary) throw new Error('the server sent a binary frame');
      client.inbox.push(JSON.parse(String(data)));
      for (const wake of client.#wakeups) wake();
    });
    await new Promise((resolve, reject) => {
      client.socket.once('open', resolve);
      client.socket.once('error', reject);
    });
    client.socket.on('error', () => {});
    return client;
  }

  // A client that has joined; `joined` holds the answer.
  static async join(server, roomId, username, more = {}, host = undefined) {
    const client = await Client.connect(server, host);
    client.joined = await client.request('join-room', { roomId, username, ...more });
    client.userId = client.joined.userId;
    client.username = username;
    return client;
  }

  send(type, data, id) {
    this.socket.send(JSON.stringify({ type, data, id }));
  }

  sendRaw(text) {
    this.socket.send(text);
  }

  // Takes the first message that `match` accepts out of the inbox, waiting for it if need be.
  async take(what, match, deadlineMs = ANSWER_DEADLINE_MS) {
    const end = performance.now() + deadlineMs;
    for (;;) {
      const index = this.inbox.findIndex(match);
      if (index >= 0) return this.inbox.splice(index, 1)[0];
      const left = end - performance.now();
      if (left <= 0) throw new Error(`expected ${what} within ${deadlineMs} ms; inbox: ${JSON.stringify(this.inbox).slice(0, 2000)}`);
      await this.#wait(left);
    }
  }

  #wait(ms) {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#wakeups.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#wakeups.add(wake);
    });
  }

  // A notification: its data.
  async next(type, match = () => true) {
    const message = await this.take(type, (m) => m.type === type && m.id === undefined && match(m.data));
    return message.data;
  }

  // The very next message, whatever it is.
  first() {
    return this.take('any message', () => true);
  }

  // The whole answer, error or not.
  answer(type, data = {}) {
    const id = this.#nextId++;
    this.send(type, data, id);
    return this.take(`the answer to ${type}`, (m) => m.id === id);
  }

  async request(type, data = {}) {
    const answer = await this.answer(type, data);
    if (answer.type === 'error') throw new ProtocolError(answer.data);
    return answer.data;
  }

  close() {
    this.socket.close(1000);
    return this.closed;
  }

  // As if the network had gone: no closing handshake.
  cut() {
    this.socket.terminate();
  }
}

// fetch() takes no certificate of a test's own.
function secureGet(url, ca) {
  return new Promise((resolve, reject) => {
    const request = secureRequest(url, { ca, agent: false }, (response) => {
      let body = '';
      response.on('data', (data) => (body += data));
      response.on('end', () => resolve({ status: response.statusCode, ok: response.statusCode === 200, text: () => body }));
    });
    request.on('error', reject);
    request.end();
  });
}

// The server refuses settings that it does not know, and ROTUNDA_BIN is ours, not its.
function cleanEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ROTUNDA_')));
}
