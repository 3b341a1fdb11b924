// Guests who open full ICE agents, and go: what stays at the server, and at the TURN server that it uses.

import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { assert, freshRoom } from '../e2e/expect.mjs';
import { Client, Server, until } from '../e2e/harness.mjs';

const USER = 'turn-user';
const PASSWORD = 'turn-password-that-nobody-may-see';
const REALM = 'example.org';
const COOKIE = 0x2112a442;
const ALLOCATE = 3;
const REFRESH = 4;
const LIFETIME = 0x000d;

// Of a TURN server (RFC 8656) what gathering needs: places are given, prolonged and taken back.
class TurnServer {
  places = new Set(); // port of the client
  given = 0;
  mute = false;
  #key = createHash('md5').update(`${USER}:${REALM}:${PASSWORD}`).digest();

  static async start(t) {
    const turn = new TurnServer();
    turn.socket = createSocket('udp4');
    turn.socket.on('message', (bytes, from) => turn.#heard(bytes, from));
    await new Promise((resolve) => turn.socket.bind(0, '127.0.0.1', resolve));
    turn.port = turn.socket.address().port;
    t.after(() => turn.socket.close());
    return turn;
  }

  #heard(bytes, from) {
    if (this.mute || bytes.length < 20 || bytes.readUInt32BE(4) !== COOKIE) return;
    const type = bytes.readUInt16BE(0);
    const attributes = read(bytes);
    if (type !== ALLOCATE && type !== REFRESH) return;
    if (!attributes.has(0x0008)) {
      this.#answer(bytes, from, type | 0x0110, [[0x0009, Buffer.from([0, 0, 4, 1])], [0x0014, Buffer.from(REALM)], [0x0015, randomBytes(16)]], false);
      return;
    }
    const seconds = attributes.get(LIFETIME)?.readUInt32BE(0) ?? 600;
    if (type === ALLOCATE) this.given++;
    if (seconds) this.places.add(from.port);
    else this.places.delete(from.port);
    const answer = [[LIFETIME, number(seconds)]];
    if (type === ALLOCATE) answer.push([0x0016, address(8, from.port)], [0x0020, address(9, from.port)]);
    this.#answer(bytes, from, type | 0x0100, answer, true);
  }

  #answer(request, from, type, attributes, signed) {
    const parts = attributes.map(([name, value]) => attribute(name, value));
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const head = Buffer.alloc(20);
    head.writeUInt16BE(type, 0);
    head.writeUInt16BE(length + (signed ? 24 : 0), 2);
    request.copy(head, 4, 4, 20);
    const body = Buffer.concat([head, ...parts]);
    const mac = signed ? [attribute(0x0008, createHmac('sha1', this.#key).update(body).digest())] : [];
    this.socket.send(Buffer.concat([body, ...mac]), from.port, from.address);
  }
}

function attribute(name, value) {
  const bytes = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  bytes.writeUInt16BE(name, 0);
  bytes.writeUInt16BE(value.length, 2);
  value.copy(bytes, 4);
  return bytes;
}

function number(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

// XOR-RELAYED-ADDRESS and XOR-MAPPED-ADDRESS, of a place that leads nowhere.
function address(host, port) {
  const bytes = Buffer.from([0, 1, 0, 0, 127, 0, 0, host]);
  bytes.writeUInt16BE(port ^ (COOKIE >>> 16), 2);
  bytes.writeUInt32BE((bytes.readUInt32BE(4) ^ COOKIE) >>> 0, 4);
  return bytes;
}

function read(bytes) {
  const out = new Map();
  for (let at = 20; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16BE(at + 2);
    out.set(bytes.readUInt16BE(at), bytes.subarray(at + 4, at + 4 + length));
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return out;
}

const descriptors = (server) => readdirSync(`/proc/${server.pid}/fd`).length;

async function comesAndGoes(server, room, name, how) {
  const guest = await Client.join(server, room, name);
  if (how === 'early') {
    for (const direction of ['send', 'recv']) guest.send('create-transport', { direction, ice: 'full' });
    await guest.request('ping').catch(() => {}); // that both are being gathered for
    guest.cut();
    return;
  }
  const opening = ['send', 'recv'].map((direction) => guest.request('create-transport', { direction, ice: 'full' }));
  const [{ id, iceCandidates }] = await Promise.all(opening);
  if (how === 'relayed') assert.ok(iceCandidates.some(({ foundation }) => /^relay/.test(foundation)), JSON.stringify(iceCandidates));
  await guest.request('add-ice-candidates', {
    transportId: id,
    iceParameters: { usernameFragment: 'abcd', password: '0123456789012345678901' },
    candidates: ['candidate:1 1 udp 1 127.0.0.1 40009 typ host'],
  });
  if (how === 'restarted') await guest.request('restart-ice', { transportId: id });
  if (how === 'closed') await guest.request('close-transport', { transportId: id });
  await guest.request('leave-room').catch(() => {});
  await guest.close();
}

test('guests who come and go leave no agent, no socket and no place at the TURN server', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rotunda-ice-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'login'), `${USER}:${PASSWORD}\n`);
  const turn = await TurnServer.start(t);
  const server = await Server.startFor(t, {
    args: ['--ice', 'full', '--ice-turn', `turn:127.0.0.1:${turn.port}`, '--ice-turn-login-file', join(folder, 'login'), '--ice-peers', '127.0.0.0/8', '--resume-window', '0', '--log-level', 'debug'],
  });
  const room = freshRoom();
  const others = descriptors(server);
  for (const how of ['relayed', 'early', 'restarted', 'closed']) {
    turn.mute = how === 'early'; // the places that others had are given back by then
    await Promise.all([1, 2, 3].map((n) => comesAndGoes(server, room, `${how}${n}`, how)));
    await until(`no agent is left of those who were ${how}`, async () => (await server.metric('rotunda_ice_agents')) === 0);
    await until(`no socket is left of those who were ${how}`, () => descriptors(server) <= others + 2);
    await until(`no place is left of those who were ${how}`, () => turn.places.size === 0);
  }
  assert.ok(turn.given >= 9, `${turn.given} places were given`);
  assert.equal(server.log.includes(PASSWORD), false, 'a password for TURN is in the log');
});
