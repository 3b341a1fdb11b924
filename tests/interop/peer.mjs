// A client's process, and the signalling that is done for it.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { delay, ROOT, until } from '../e2e/harness.mjs';
import { dtlsParametersOf, serverSdp, tracksOf } from './sdp.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const built = (path) => `${ROOT}build-interop/${path}`;
export const COMMANDS = {
  aiortc: [built('python/bin/python3'), here('clients/aiortc_client.py')],
  libdatachannel: [process.execPath, here('clients/libdatachannel.mjs')],
  pion3: [built('pion3/client')],
  pion4: [built('pion4/client')],
  str0m: [built('rust/debug/str0m')],
  // Over TCP alone, as in a network without UDP.
  'pion3-tcp': [built('pion3/client'), 'tcp'],
  'pion4-tcp': [built('pion4/client'), 'tcp'],
  'webrtc-rs': [built('rust/debug/webrtc-rs')],
  werift: [process.execPath, here('clients/werift.mjs')],
};

const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));

export class Peer {
  #child;
  #replies = [];
  seen = null;
  output = '';

  // env: more of the environment. link: a ShapedLink between it and the server.
  constructor(client, signal, name, { env = {}, link } = {}) {
    const [program, ...args] = COMMANDS[client];
    this.name = name;
    this.tcp = args.includes('tcp');
    this.signal = signal;
    this.link = link;
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    this.ended = new Promise((resolve) => this.#child.on('close', (code, reason) => resolve(code ?? reason)));
    this.#child.on('error', (error) => (this.output += error.message));
    this.#child.stderr.on('data', (data) => (this.output = (this.output + data).slice(-4000)));
    this.#child.stdin.on('error', () => {});
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#read(line));
    children.add(this.#child);
  }

  #read(line) {
    if (!line.startsWith('{')) return;
    const message = JSON.parse(line);
    if (message.sent) this.seen = message;
    else this.#replies.push(message);
  }

  order(verb, more = {}) {
    this.#child.stdin.write(`${JSON.stringify({ do: verb, ...more })}\n`);
  }

  async #reply(field) {
    const gone = this.ended.then((code) => { throw new Error(`${this.name} ended with ${code}:\n${this.output}`); });
    const reply = until(`${this.name} tells its ${field}`, () => this.#replies.shift()?.[field], { deadlineMs: 60_000 });
    return Promise.race([gone, reply]);
  }

  async #openTransport(direction) {
    const transport = await this.signal.request('create-transport', { direction, ...(this.tcp && { forceTcp: true }) });
    return this.link ? JSON.parse(this.link.rewrite(JSON.stringify(transport))) : transport;
  }

  // onlyRemb: as of a publisher that knows no other estimate.
  async publish(options = {}) {
    const { signal } = this;
    const transport = await this.#openTransport('send');
    this.order('offer');
    const offer = await this.#reply('offer');
    await signal.request('connect-transport', { transportId: transport.id, dtlsParameters: dtlsParametersOf(offer) });
    const tracks = tracksOf(offer, options);
    this.producers = [];
    for (const track of tracks) this.producers.push(await signal.request('produce', { transportId: transport.id, ...track }));
    this.order('answer', { sdp: serverSdp(transport, tracks, 'passive') });
  }

  async receive(other) {
    const { signal } = this;
    const transport = await this.#openTransport('recv');
    const consumers = [];
    for (const { producerId } of other.producers) {
      const wish = { producerId, transportId: transport.id, rtpCapabilities: signal.joined.routerRtpCapabilities, paused: true };
      consumers.push(await signal.request('consume', wish));
    }
    this.order('receive', { sdp: serverSdp(transport, consumers, 'actpass') });
    const answer = await this.#reply('answer');
    await signal.request('connect-transport', { transportId: transport.id, dtlsParameters: dtlsParametersOf(answer) });
    for (const { id } of consumers) await signal.request('resume-consumer', { consumerId: id });
  }

  async close() {
    this.order('close');
    const code = await Promise.race([this.ended, delay(30_000).then(() => 'nothing within 30 s')]);
    if (code !== 0) throw new Error(`${this.name}: expected the end with 0 when told to close, got ${code}:\n${this.output}`);
  }
}

