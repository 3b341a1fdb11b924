// Each client opens two channels in-band and hears what every other one sends on those of the same label.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client, ROOT, Server, until } from '../../e2e/harness.mjs';
import { dtlsParametersOf } from '../sdp.mjs';
import { openBrowser } from './browser.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const COMMANDS = {
  pion3: [`${ROOT}build-interop/data-pion3/client`],
  pion4: [`${ROOT}build-interop/data-pion4/client`],
  aiortc: [`${ROOT}build-interop/python/bin/python3`, here('aiortc_client.py')],
};
const EXPECTED = [
  ['ordered', true, 13],
  ['ordered', true, 0],
  ['ordered', false, 60_000],
  ['partly', true, 1000],
];

function checkSum(length) {
  let sum = 0;
  for (let i = 0; i < length; i++) sum = (Math.imul(sum, 31) + (i & 255)) >>> 0;
  return sum;
}

function answerTo(transport) {
  const { iceParameters: ice, dtlsParameters: dtls, sctpParameters: sctp } = transport;
  return [
    'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'a=ice-lite',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0', 'a=mid:0',
    `a=ice-ufrag:${ice.usernameFragment}`, `a=ice-pwd:${ice.password}`,
    ...dtls.fingerprints.map(({ algorithm, value }) => `a=fingerprint:${algorithm} ${value}`),
    'a=setup:passive', `a=sctp-port:${sctp.port}`, `a=max-message-size:${sctp.maxMessageSize}`,
    ...transport.iceCandidates.map((c) => `a=candidate:${c.foundation} 1 ${c.protocol} ${c.priority} ${c.ip} ${c.port} typ ${c.type}${c.tcpType ? ` tcptype ${c.tcpType}` : ''}`),
    'a=end-of-candidates', '',
  ].join('\r\n');
}

class Peer {
  got = [];
  opened = new Set();
  offer = null;
  output = '';

  static async enter(server, room, name) {
    const peer = new Peer();
    peer.name = name;
    if (COMMANDS[name]) peer.#spawn(...COMMANDS[name]);
    else peer.browser = await openBrowser(name, server, (message) => peer.#read(message));
    peer.signal = await Client.join(server, room, name);
    const transport = await peer.signal.request('create-transport', { direction: 'send', enableSctp: true });
    peer.order({ do: 'offer' });
    const offer = await until(`${name} offers`, () => peer.offer, { deadlineMs: 30_000 });
    await peer.signal.request('connect-transport', { transportId: transport.id, dtlsParameters: dtlsParametersOf(offer) });
    peer.order({ do: 'answer', sdp: answerTo(transport) });
    await until({ toString: () => `${name} has both channels open: ${peer.output}` }, () => peer.opened.size === 2, { deadlineMs: 30_000 });
    for (const label of ['ordered', 'partly']) await peer.signal.next('data-channel-opened', (data) => data.label === label);
    return peer;
  }

  #spawn(program, ...args) {
    this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    process.on('exit', () => this.child.kill('SIGKILL'));
    this.child.stderr.on('data', (data) => (this.output = (this.output + data).slice(-4000)));
    createInterface({ input: this.child.stdout }).on('line', (line) => this.#read(JSON.parse(line)));
  }

  #read(message) {
    if (message.offer) this.offer = message.offer;
    if (message.open) this.opened.add(message.open);
    if (message.got) this.got.push(message.got);
  }

  order(what) {
    if (this.browser) return this.browser.order(what).catch((error) => (this.output += error.message));
    return this.child.stdin.write(`${JSON.stringify(what)}\n`);
  }
}

const names = process.argv.slice(2);
const server = await Server.start({ announce: process.env.ROTUNDA_TEST_ADDRESS ?? '127.0.0.1' });
const peers = [];
try {
  for (const name of names) peers.push(await Peer.enter(server, 'data', name));
  if (names.length === 1) peers.push(await Peer.enter(server, 'data', names[0]));
  for (const from of peers) {
    for (const to of peers) to.got = [];
    from.order({ do: 'send' });
    for (const to of peers.filter((peer) => peer !== from)) {
      await until({ toString: () => `what ${from.name} sent reaches ${to.name}: ${JSON.stringify(to.got)} ${to.output}` }, () => to.got.length >= EXPECTED.length, { deadlineMs: 30_000 });
      const got = to.got.map(({ label, text, length }) => [label, text, length]);
      assert.deepEqual(got.filter(([label]) => label === 'ordered'), EXPECTED.filter(([label]) => label === 'ordered'));
      assert.deepEqual(got.filter(([label]) => label === 'partly'), EXPECTED.filter(([label]) => label === 'partly'));
      assert.equal(to.got.find(({ length }) => length === 60_000).sum, checkSum(60_000));
      console.log(`ok ${from.name} -> ${to.name}`);
    }
    assert.equal(from.got.length, 0, 'nobody hears itself');
  }
  // Somebody stops reading while another one sends 6 MB: everybody else gets all of it, the sender is held meanwhile and
  // not the server's memory, and who does not read hears what came of it.
  const stuck = peers.find(({ name }) => name === 'pion4');
  const flooder = peers.find((peer) => peer !== stuck && peer.name.startsWith('pion'));
  if (stuck && flooder) {
    for (const to of peers) to.got = [];
    stuck.order({ do: 'stall' });
    flooder.order({ do: 'flood' });
    for (const to of peers.filter((peer) => peer !== stuck && peer !== flooder)) {
      await until({ toString: () => `all of the flood reaches ${to.name}: ${to.got.length} ${to.output}` }, () => to.got.length >= 100, { deadlineMs: 120_000 });
      assert.ok(to.got.every(({ length }) => length === 60_000));
    }
    await stuck.signal.next('data-consumer-closed', ({ reason }) => reason === 'too-slow');
    assert.ok((await server.metric('rotunda_data_holds_total')) > 0, 'the sender was held');
    console.log(`ok ${stuck.name} reads nothing, ${flooder.name} sends 6 MB`);
  }
} finally {
  for (const { browser } of peers) await browser?.close();
  await server.stop();
}
process.exit(0);
