// Plain RTP as operators ask for it: into a room and out of it, over SRTP, and what strangers get of it: nothing.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, afterEach, before, test } from 'node:test';
import { promisify } from 'node:util';
import { assert, freshRoom } from './expect.mjs';
import { Client, ROOT, Server, until } from './harness.mjs';
import { api, AUDIO, KEY, KEY_FRAME, Port, rtp, tokenOf, VIDEO } from './plain_kit.mjs';

const folder = mkdtempSync(`${tmpdir()}/rotunda-plain-`);
let server;
let ports;
before(async () => {
  writeFileSync(`${folder}/keys`, `${KEY[0]}: ${KEY[1]}\n`);
  ports = await Port.open(); // a number that nobody has, brought below those that systems give out
  const first = 10000 + (ports.number % 2700) * 8;
  ports.close();
  ports = { first, last: first + 7 };
  server = await Server.start({ args: ['--keys', `${folder}/keys`, '--plain-ports', `${first}-${first + 7}`] });
});
afterEach(async () => {
  for (const [room, id] of opened.splice(0)) await close(room, id);
});
after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const join = (room, name) => Client.join(server, room, name, { token: tokenOf({ sub: name, video: { room, roomJoin: true } }) });
async function open(room, ask) {
  const answer = await api(server, 'POST', `rooms/${room}/plain-transports`, { name: 'plain', rtcpMux: true, ...ask });
  if (answer.status === 200) opened.push([room, answer.json.id]);
  return answer;
}
const below = (room, transport, what, body) => api(server, 'POST', `rooms/${room}/plain-transports/${transport}/${what}`, body);
const opened = [];
const close = (room, transport) => api(server, 'DELETE', `rooms/${room}/plain-transports/${transport}`);

// A picture from outside and one who gets it outside, `ask` more for the first, `get` for the second.
async function through(t, ask = {}, get = {}) {
  const room = freshRoom();
  const from = await Port.open();
  const to = await Port.open();
  t.after(() => (from.close(), to.close()));
  const sender = (await open(room, { name: 'camera', direction: 'send', comedia: true, ...ask })).json;
  const { producerId } = (await below(room, sender.id, 'producers', VIDEO(7777))).json;
  const receiver = (await open(room, { name: 'screen', direction: 'recv', ip: '127.0.0.1', port: to.number, ...get })).json;
  const consumer = (await below(room, receiver.id, 'consumers', { producerId })).json;
  return { room, from, to, sender, receiver, consumer, producerId };
}

test('what a program sends reaches people and programs', async (t) => {
  const { room, from, to, sender, receiver, consumer, producerId } = await through(t);
  const ann = await join(room, 'ann');
  assert.deepEqual([...ann.joined.users].sort(), ['ann', 'camera', 'screen']);
  assert.ok(sender.port >= ports.first && sender.port <= ports.last && sender.ip === '127.0.0.1');
  const { ssrc } = consumer.rtpParameters.encodings[0];
  const { payloadType } = consumer.rtpParameters.codecs[0];
  assert.match(consumer.sdp, new RegExp(`m=video ${to.number} RTP/AVP ${payloadType}\r\na=rtpmap:${payloadType} VP8/90000\r\n[^]*a=rtcp-mux\r\n[^]*a=ssrc:${ssrc} `));
  let seq = 1;
  await until('packets come out', async () => {
    await from.send(rtp({ ssrc: 7777, seq: seq++, marker: true, payload: KEY_FRAME }), sender.port);
    return to.rtp.length > 3;
  });
  const [packet] = to.rtp;
  assert.equal(packet.readUInt32BE(8), ssrc);
  assert.equal(packet[1] & 0x7f, payloadType);
  assert.deepEqual(packet.subarray(-KEY_FRAME.length), KEY_FRAME);
  assert.equal(to.got[0].from.port, receiver.port);
  const listed = (await api(server, 'GET', `rooms/${room}/plain-transports`)).json.transports;
  assert.deepEqual(listed.map(({ connected, name }) => [name, connected]).sort(), [['camera', true], ['screen', true]]);
  assert.equal((await api(server, 'GET', `rooms/${room}/participants`)).json.participants.find(({ name }) => name === 'camera').tracks[0].sid, producerId);
  assert.equal((await close(room, sender.id)).status, 200);
  assert.equal((await ann.next('user-left')).user, 'camera');
  assert.equal((await close(room, sender.id)).status, 404);
  assert.equal((await close(room, receiver.id)).status, 200);
});

test('a key frame is asked for where it is wanted, also by an address that was learnt', async (t) => {
  const room = freshRoom();
  const from = await Port.open();
  const to = await Port.open();
  t.after(() => (from.close(), to.close()));
  const sender = (await open(room, { name: 'camera', direction: 'send', comedia: true })).json;
  const { producerId } = (await below(room, sender.id, 'producers', VIDEO(7777))).json;
  await from.send(rtp({ ssrc: 7777, seq: 1, payload: Buffer.alloc(300, 0x11) }), sender.port);
  await until('it is known', async () => (await api(server, 'GET', `rooms/${room}/plain-transports`)).json.transports[0].connected);
  const receiver = (await open(room, { name: 'screen', direction: 'recv', ip: '127.0.0.1', port: to.number })).json;
  await below(room, receiver.id, 'consumers', { producerId });
  const isPli = (bytes) => (bytes[0] & 0x1f) === 1 && bytes[1] === 206;
  // What is sent on trust is no more than what came.
  let seq = 2;
  await until('a request for a key frame', async () => {
    await from.send(rtp({ ssrc: 7777, seq: seq++, payload: Buffer.alloc(300, 0x11) }), sender.port);
    return from.rtcp.some((bytes) => isPli(bytes) || (bytes.length > 12 && bytes.includes(Buffer.from([0x81, 206]))));
  });
});

test('strangers change nothing', async (t) => {
  const { room, from, to, sender, receiver } = await through(t);
  const stranger = await Port.open();
  t.after(() => stranger.close());
  const dropped = () => server.metrics().then((all) => [...all].filter(([name]) => name.includes('"plain_stranger"')).reduce((sum, [, value]) => sum + value, 0));
  const before = await dropped();
  // Before the first packet: an SSRC that nobody announced, RTCP, and what is no RTP, tell no address.
  await stranger.send(rtp({ ssrc: 1, seq: 1, payload: KEY_FRAME }), sender.port);
  await stranger.send(Buffer.from([0x80, 201, 0, 1, 0, 0, 0x1e, 0x61]), sender.port);
  await stranger.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'), sender.port);
  await until('they are counted', async () => (await dropped()) - before >= 3);
  let seq = 1;
  await until('packets come out', async () => {
    await from.send(rtp({ ssrc: 7777, seq: seq++, marker: true, payload: KEY_FRAME }), sender.port);
    return to.rtp.length > 0;
  });
  // And then nobody else takes its place, though it knows the SSRC; nor does anything come back.
  const counted = await dropped();
  const forged = Buffer.concat([KEY_FRAME, Buffer.from('forged')]);
  for (let i = 0; i < 5; i++) await stranger.send(rtp({ ssrc: 7777, seq: seq + 100 + i, marker: true, payload: forged }), sender.port);
  for (let i = 0; i < 5; i++) await stranger.send(rtp({ ssrc: 7777, seq: i, payload: forged }), receiver.port);
  await until('they are counted', async () => (await dropped()) - counted >= 10);
  const last = Buffer.concat([KEY_FRAME, Buffer.from('last')]);
  await from.send(rtp({ ssrc: 7777, seq: seq++, marker: true, payload: last }), sender.port);
  await until('the right one is still heard', () => to.rtp.some((bytes) => bytes.includes('last')));
  assert.ok(!to.rtp.some((bytes) => bytes.includes('forged')));
  assert.equal(stranger.got.length, 0);
});

test('without rtcpMux RTCP has the port behind', async (t) => {
  const { from, sender } = await through(t, { rtcpMux: false });
  assert.deepEqual([sender.port % 2, sender.rtcpPort], [0, sender.port + 1]);
  const control = await Port.open();
  t.after(() => control.close());
  const report = (ssrc) => {
    const bytes = Buffer.alloc(28); // a sender report without blocks
    bytes.set([0x80, 200, 0, 6]);
    bytes.writeUInt32BE(ssrc, 4);
    return bytes;
  };
  let seq = 1;
  // No key frame comes, so it is asked for.
  await until('requests come to where its own reports came from', async () => {
    await from.send(rtp({ ssrc: 7777, seq: seq++, payload: Buffer.alloc(300, 0x11) }), sender.port);
    await control.send(report(7777), sender.rtcpPort);
    return control.rtcp.length > 0;
  });
  assert.equal(control.got[0].from.port, sender.rtcpPort);
  assert.equal(from.rtcp.length, 0);
});

test('what is wrong is refused in words, and opens nothing', async () => {
  const room = freshRoom();
  const refuse = async (status, words, ask, token) => {
    const { status: got, json } = await api(server, 'POST', `rooms/${room}/plain-transports`, { name: 'plain', ...ask }, token);
    assert.deepEqual([got, words.test(json.msg)], [status, true], JSON.stringify([json, ask]));
  };
  const recv = { direction: 'recv', ip: '127.0.0.1', port: 5004, rtcpMux: true };
  await refuse(400, /direction/, {});
  await refuse(400, /direction/, { direction: 'sideways' });
  await refuse(400, /nobody vouches for/, { direction: 'recv', comedia: true });
  await refuse(400, /leave out `ip`/, { direction: 'send', comedia: true, ip: '127.0.0.1' });
  await refuse(400, /`ip` and `port`/, { direction: 'recv' });
  for (const ip of ['0.0.0.0', '224.0.0.1', '255.255.255.255', '::', 'ff02::1', 'localhost', '127.0.0.1/8']) await refuse(400, /`ip` and `port`/, { ...recv, ip });
  await refuse(400, /IPv4/, { ...recv, ip: '::1' });
  await refuse(400, /`port`/, { ...recv, port: 65536 });
  await refuse(400, /rtcpPort/, { ...recv, rtcpPort: 5005 });
  await refuse(400, /hidden/, { direction: 'send', comedia: true, hidden: true });
  await refuse(400, /cryptoSuite/, { ...recv, srtpParameters: { cryptoSuite: 'NULL', keyBase64: '' } });
  const secret = Buffer.alloc(29, 0x5a).toString('base64');
  await refuse(400, /30 bytes/, { ...recv, srtpParameters: { cryptoSuite: 'AES_CM_128_HMAC_SHA1_80', keyBase64: secret } });
  await refuse(403, /rotunda.operator/, recv, tokenOf({ video: { roomAdmin: true, roomCreate: true, room } }));
  assert.ok(!server.log.includes(secret));
  assert.equal((await api(server, 'GET', `rooms/${room}/participants`)).status, 404, 'nobody came of it');
  // One after the other until the ports are spent.
  const made = [];
  // Those of the tests before are given back by the media threads, soon.
  for (let i = 0; i < 8; i++) made.push(await until('a port', async () => (await open(room, { name: `p${i}`, ...recv })).status === 200));
  const { status, json } = await open(room, { name: 'more', ...recv });
  assert.deepEqual([status, /all ports/.test(json.msg)], [429, true]);
});

test('it is off by default', async (t) => {
  const plain = await Server.startFor(t, { args: ['--keys', `${folder}/keys`] });
  const { status, json } = await api(plain, 'POST', 'rooms/x/plain-transports', { name: 'x', direction: 'send', comedia: true, rtcpMux: true });
  assert.deepEqual([status, /plain-ports/.test(json.msg)], [412, true]);
});

test('the command asks for the same', async () => {
  const room = freshRoom();
  const admin = async (...words) => JSON.parse((await promisify(execFile)(process.env.ROTUNDA_BIN ?? `${ROOT}build/rotunda`, ['admin', '--keys', `${folder}/keys`, '--server', `127.0.0.1:${server.port}`, ...words])).stdout);
  const made = await admin('plain-open', room, '{"name":"ann","direction":"send","comedia":true,"rtcpMux":true}');
  const { producerId } = await admin('plain-produce', room, made.id, JSON.stringify(AUDIO(5)));
  const gets = await admin('plain-open', room, '{"name":"bob","direction":"recv","ip":"127.0.0.1","port":9,"hidden":true}');
  assert.match((await admin('plain-consume', room, gets.id, JSON.stringify({ producerId }))).sdp, /m=audio 9 RTP\/AVP \d+\r\na=rtpmap:\d+ opus\/48000\/2\r\n/);
  const secret = await admin('plain-open', room, JSON.stringify({ name: 'cid', direction: 'recv', ip: '127.0.0.1', port: 9, hidden: true, srtpParameters: { cryptoSuite: 'AEAD_AES_128_GCM', keyBase64: Buffer.alloc(28, 7).toString('base64') } }));
  assert.match((await admin('plain-consume', room, secret.id, JSON.stringify({ producerId }))).sdp, /m=audio 9 RTP\/SAVP \d+\r\n/);
  assert.equal((await admin('plain', room)).transports.length, 3);
  for (const { id } of [made, gets, secret]) await admin('plain-close', room, id);

});
