// A room is recorded: begun and ended by the operators' API and by people whose token says so, seen by everybody in it,
// told to webhooks, and in files that hold what was sent.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { AutoParticipantEgress, RoomEgress, RoomServiceClient, WebhookReceiver } from 'livekit-server-sdk';
import { assert, freshRoom, refused } from './expect.mjs';
import { Client, Server, until } from './harness.mjs';
import { api, AUDIO, KEY, KEY_FRAME, Port, report, rtp, tokenOf, VIDEO } from './plain_kit.mjs';

const folder = mkdtempSync(`${tmpdir()}/rotunda-recording-`);
const hooks = [];
let server;
let hook;
before(async () => {
  writeFileSync(`${folder}/keys`, `${KEY[0]}: ${KEY[1]}\n`);
  const receiver = new WebhookReceiver(...KEY);
  hook = createServer((request, response) => {
    let body = '';
    request.on('data', (data) => (body += data));
    request.on('end', async () => {
      await receiver.receive(body, request.headers.authorization);
      hooks.push(JSON.parse(body));
      response.end();
    });
  });
  await new Promise((resolve) => hook.listen(0, '127.0.0.1', resolve));
  const first = 10000 + (hook.address().port % 2700) * 8;
  server = await Server.start({
    args: ['--keys', `${folder}/keys`, '--record-dir', folder, '--plain-ports', `${first}-${first + 7}`, '--webhook', `http://127.0.0.1:${hook.address().port}/`],
  });
});
after(async () => {
  await server.stop();
  hook.close();
  hook.closeAllConnections();
  rmSync(folder, { recursive: true });
});

const join = (room, name, more = {}) => Client.join(server, room, name, { token: tokenOf({ sub: name, video: { room, roomJoin: true, ...more } }) });
const eventsOf = (info) => !existsSync(`${info.folder}/events.jsonl`) ? [] : readFileSync(`${info.folder}/events.jsonl`, 'utf8').trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));

// A camera and a microphone from outside, whose packets go on until the test ends.
async function publisher(t, room, on = server, payload = KEY_FRAME) {
  const from = await Port.open();
  const made = (await api(on, 'POST', `rooms/${room}/plain-transports`, { name: 'camera', direction: 'send', comedia: true, rtcpMux: true })).json;
  const at = `rooms/${room}/plain-transports/${made.id}`;
  await api(on, 'POST', `${at}/producers`, VIDEO(7777));
  await api(on, 'POST', `${at}/producers`, AUDIO(8888));
  let seq = 1;
  const timer = setInterval(() => {
    void from.send(rtp({ ssrc: 7777, seq, time: seq * 1800, marker: true, payload }), made.port);
    void from.send(rtp({ ssrc: 8888, seq, time: seq * 960, payloadType: 100, payload: Buffer.from([0x7c, 1, 2, 3]) }), made.port);
    if (seq++ % 10 !== 3) return;
    void from.send(report({ ssrc: 7777, time: seq * 1800 }), made.port);
    void from.send(report({ ssrc: 8888, time: seq * 960 }), made.port);
  }, 20);
  t.after(() => (clearInterval(timer), from.close()));
  return { close: () => api(on, 'DELETE', at) };
}

test('an operator records a room, and everybody sees that', async (t) => {
  const room = freshRoom();
  const camera = await publisher(t, room);
  const ann = await join(room, 'ann');
  assert.equal(ann.joined.recording, undefined);
  const { status, json: info } = await api(server, 'POST', `rooms/${room}/recordings`, {});
  assert.equal(status, 200, JSON.stringify(info));
  assert.deepEqual(await ann.next('recording-changed'), { recording: true });
  const bob = await join(room, 'bob');
  assert.equal(bob.joined.recording, true);
  assert.deepEqual([...bob.joined.users].sort(), ['ann', 'bob', 'camera'], 'the recorder is not seen');
  assert.equal((await api(server, 'POST', `rooms/${room}/recordings`, {})).status, 412, 'once');
  await until('both are in files', () => eventsOf(info).filter(({ event }) => event === 'file-opened').length === 2);
  assert.deepEqual((await api(server, 'GET', `rooms/${room}/recordings`)).json.recordings.map(({ egressId, status, tracks }) => [egressId, status, tracks]), [[info.egressId, 'EGRESS_ACTIVE', 2]]);
  assert.equal((await api(server, 'DELETE', `rooms/${room}/recordings/${info.egressId}`)).status, 200);
  assert.deepEqual(await ann.next('recording-changed'), { recording: false });
  const events = eventsOf(info);
  assert.deepEqual([events.at(-1).event, events.at(-1).reason, events.at(-1).files.length], ['ended', 'stopped', 2]);
  for (const file of events.at(-1).files) assert.equal(readFileSync(`${info.folder}/${file}`).readUInt32BE(0), 0x1a45dfa3, 'EBML');
  const ended = await until('the webhook', () => hooks.find(({ event, egressInfo }) => event === 'egress_ended' && egressInfo.egressId === info.egressId));
  assert.deepEqual([ended.egressInfo.status, ended.egressInfo.roomName, ended.room.name], ['EGRESS_COMPLETE', room, room]);
  assert.ok(hooks.some(({ event, egressInfo }) => event === 'egress_started' && egressInfo.egressId === info.egressId));
  assert.equal((await api(server, 'DELETE', `rooms/${room}/recordings/${info.egressId}`)).status, 404);
  await camera.close();
});

test('a room that was made so is recorded by itself, each time that people come', async () => {
  const room = freshRoom();
  const rooms = new RoomServiceClient(server.origin, ...KEY);
  await rooms.createRoom({ name: room, departureTimeout: 60, egress: new RoomEgress({ participant: new AutoParticipantEgress() }) });
  const running = async () => (await api(server, 'GET', `rooms/${room}/recordings`)).json.recordings;
  assert.deepEqual(await running(), [], 'nobody is there');
  for (const name of ['ann', 'bob']) {
    const client = await join(room, name);
    assert.deepEqual(await client.next('recording-changed'), { recording: true });
    assert.equal((await running()).length, 1);
    await client.request('leave-room', {});
    await until('it ends with the last', async () => (await running()).length === 0);
  }
});

test('one participant alone, until it leaves', async (t) => {
  const room = freshRoom();
  const camera = await publisher(t, room);
  await join(room, 'ann');
  assert.equal((await api(server, 'POST', `rooms/${room}/recordings`, { participant: 'nobody' })).status, 404);
  const { participants } = (await api(server, 'GET', `rooms/${room}/participants`)).json;
  const { sid } = participants.find(({ name }) => name === 'camera');
  const { json: info } = await api(server, 'POST', `rooms/${room}/recordings`, { participant: sid });
  await until('both are in files', () => eventsOf(info).filter(({ event }) => event === 'file-opened').length === 2);
  await camera.close();
  await until('it ends', () => eventsOf(info).at(-1)?.event === 'ended');
  await until('it is forgotten', async () => (await api(server, 'GET', `rooms/${room}/recordings`)).json.recordings.length === 0);
});

test('people whose token says so begin and end it', async () => {
  const room = freshRoom();
  const ann = await join(room, 'ann', { roomRecord: true });
  const bob = await join(room, 'bob');
  await refused(bob, 'forbidden', 'start-recording', {});
  await refused(ann, 'not-found', 'stop-recording', {});
  await ann.request('start-recording');
  for (const client of [ann, bob]) assert.deepEqual(await client.next('recording-changed'), { recording: true });
  await refused(bob, 'forbidden', 'stop-recording', {});
  await ann.request('stop-recording');
  for (const client of [ann, bob]) assert.deepEqual(await client.next('recording-changed'), { recording: false });
});

test('a process that dies ends its recording alone', async (t) => {
  const room = freshRoom();
  await publisher(t, room);
  const ann = await join(room, 'ann');
  const { json: info } = await api(server, 'POST', `rooms/${room}/recordings`, {});
  await ann.next('recording-changed');
  const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8').trim().split(' ');
  assert.equal(children.length, 1);
  process.kill(Number(children[0]), 'SIGKILL');
  assert.deepEqual(await ann.next('recording-changed'), { recording: false });
  const ended = await until('the webhook', () => hooks.find(({ event, egressInfo }) => event === 'egress_ended' && egressInfo.egressId === info.egressId));
  assert.deepEqual([ended.egressInfo.status, /signal 9/.test(ended.egressInfo.error)], ['EGRESS_FAILED', true]);
});

test('what is encrypted from end to end is refused in words, for the room and for one in it', async (t) => {
  const room = freshRoom();
  const ann = await join(room, 'ann', { roomRecord: true });
  const { id: transportId } = await ann.request('create-transport', { direction: 'send' });
  const send = (ssrc, appData) =>
    ann.request('produce', {
      transportId, kind: 'audio', appData,
      rtpParameters: { mid: String(ssrc), codecs: [{ mimeType: 'audio/opus', payloadType: 111, clockRate: 48000, channels: 2 }], encodings: [{ ssrc }], rtcp: { cname: 'c' } },
    });
  await send(1111, { source: 'microphone', e2ee: true });
  const { type, data } = await ann.answer('start-recording', {});
  assert.deepEqual([type, data.code], ['error', 'wrong-state']);
  assert.match(data.message, /all that this room sends is encrypted from end to end: without the key, which no server has/);
  for (const [ask, words] of [[{}, /this room/], [{ participant: 'ann' }, /ann sends/]]) {
    const { status, json } = await api(server, 'POST', `rooms/${room}/recordings`, ask);
    assert.deepEqual([status, words.test(json.msg), /encrypted from end to end/.test(json.msg)], [412, true, true], json.msg);
  }
  await publisher(t, room); // who sends without is recorded, and what is encrypted is left out, with words
  const { json: info } = await api(server, 'POST', `rooms/${room}/recordings`, {});
  await until('the others are in files', () => eventsOf(info).filter(({ event }) => event === 'file-opened').length === 2);
  await until('it is told', () => /not recorded.*ann encrypts from end to end/.test(server.log));
  assert.equal((await api(server, 'DELETE', `rooms/${room}/recordings/${info.egressId}`)).status, 200);
  await ann.close();
});

test('a full disk is told, ends that recording, and leaves what was written', async (t) => {
  const room = freshRoom();
  const first = 40000 + (hook.address().port % 2700) * 4;
  const limited = await Server.startFor(t, { // a file takes 12 KiB here, then writing fails as on a disk that is full
    args: ['--keys', `${folder}/keys`, '--record-dir', folder, '--plain-ports', `${first}-${first + 3}`, '--webhook', `http://127.0.0.1:${hook.address().port}/`],
    around: ['sh', '-c', 'trap "" XFSZ; ulimit -f 24; exec "$@"', 'sh'],
  });
  await publisher(t, room, limited, Buffer.concat([KEY_FRAME, Buffer.alloc(900)]));
  const ann = await Client.join(limited, room, 'ann', { token: tokenOf({ sub: 'ann', video: { room, roomJoin: true } }) });
  const { json: info } = await api(limited, 'POST', `rooms/${room}/recordings`, {});
  assert.deepEqual(await ann.next('recording-changed'), { recording: true });
  await ann.take('the end', ({ type, data }) => type === 'recording-changed' && !data.recording, 30_000);
  const { egressInfo } = await until('the webhook', () => hooks.find(({ event, egressInfo }) => event === 'egress_ended' && egressInfo.egressId === info.egressId));
  assert.equal(egressInfo.status, 'EGRESS_FAILED');
  assert.match(egressInfo.error, /File too large|No space left/);
  assert.ok(readdirSync(info.folder).some((file) => file.endsWith('.webm')), 'what was written is there');
  assert.equal((await ann.answer('ping')).type, 'pong', 'the call goes on');
  await ann.close();
});

test('a recorder hears nobody but who sent its tracks first', async (t) => {
  const program = spawn(`${dirname(process.env.ROTUNDA_BIN ?? 'build/rotunda')}/rotunda-record`, ['--dir', `${folder}/alone`], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [serving, stranger] = [await Port.open(), await Port.open()];
  t.after(() => (program.kill(), serving.close(), stranger.close()));
  const events = [];
  createInterface({ input: program.stdout }).on('line', (line) => events.push(JSON.parse(line)));
  const told = (name) => until(name, () => events.find(({ event }) => event === name));
  const { port } = await told('listening');
  program.stdin.write('{"do":"track","id":"c","ssrc":6,"participant":"p","name":"Ann","mimeType":"video/VP8","payloadType":101,"clockRate":90000}\n');
  await told('track-began');
  const delta = (seq, ssrc = 6) => rtp({ ssrc, seq, time: seq * 1800, marker: true, payload: Buffer.from([0x10, 0x11, 0, 7]) });
  await stranger.send(delta(1, 7), port); // of no track
  await serving.send(delta(1), port);
  await until('a key frame is asked for', () => serving.rtcp.length > 0);
  for (const seq of [2, 3, 4]) await stranger.send(delta(seq), port);
  await serving.send(delta(5), port);
  program.stdin.write('{"do":"end","id":"c"}\n');
  assert.equal((await told('track-ended')).packets, 2);
  assert.equal(stranger.got.length, 0);
});

// RFC 2198: the frame before once more, then the packet's own.
function redundant(seq, payloadType, frame) {
  const [before, own] = [frame(seq - 1), frame(seq)];
  const head = Buffer.alloc(5);
  head[0] = 0x80 | payloadType;
  head.writeUIntBE((960 << 10) | before.length, 1, 3);
  head[4] = payloadType;
  return Buffer.concat([head, before, own]);
}

test('of redundant audio each frame is in the file, once', async (t) => {
  const room = freshRoom();
  const from = await Port.open();
  t.after(() => from.close());
  const made = (await api(server, 'POST', `rooms/${room}/plain-transports`, { name: 'microphone', direction: 'send', comedia: true, rtcpMux: true })).json;
  const sound = AUDIO(9999);
  sound.rtpParameters.codecs.push({ mimeType: 'audio/red', payloadType: 63, clockRate: 48000, channels: 2 });
  const produced = await api(server, 'POST', `rooms/${room}/plain-transports/${made.id}/producers`, sound);
  assert.equal(produced.status, 200, JSON.stringify(produced.json));
  const { json: info } = await api(server, 'POST', `rooms/${room}/recordings`, {});
  const frame = (seq) => Buffer.from(`\x7cframe ${seq};`, 'latin1');
  let seq = 1;
  const timer = setInterval(() => {
    const plain = seq % 10 === 0; // such may come between
    void from.send(rtp({ ssrc: 9999, seq, time: seq * 960, payloadType: plain ? 100 : 63, payload: plain ? frame(seq) : redundant(seq, 100, frame) }), made.port);
    if (seq++ % 10 === 3) void from.send(report({ ssrc: 9999, time: seq * 960 }), made.port);
  }, 20);
  t.after(() => clearInterval(timer));
  await until('it is in a file', () => eventsOf(info).some(({ event }) => event === 'file-opened'));
  const begun = seq;
  await until('a second of it', () => seq > begun + 50);
  clearInterval(timer);
  await new Promise((resolve) => setTimeout(resolve, 200)); // what is on its way
  await api(server, 'DELETE', `rooms/${room}/recordings/${info.egressId}`);
  await until('it has ended', () => eventsOf(info).at(-1).files);
  const { files } = eventsOf(info).at(-1);
  assert.equal(files.length, 1);
  const held = [...readFileSync(`${info.folder}/${files[0]}`, 'latin1').matchAll(/frame (\d+);/g)].map(([, number]) => Number(number));
  assert.ok(held.length > 50, `${held.length} frames`);
  assert.deepEqual(held, Array.from(held, (_, i) => held[0] + i), 'each frame, in order, once');
  assert.equal(held.at(-1), seq - 1, 'to the last one');
});

test('it is off by default, and nobody without the right begins it', async (t) => {
  const room = freshRoom();
  await join(room, 'ann');
  assert.equal((await api(server, 'POST', `rooms/${room}/recordings`, {}, tokenOf({ video: { roomAdmin: true, room } }))).status, 403);
  assert.equal((await api(server, 'POST', `rooms/${room}/recordings`, {}, tokenOf({ video: { roomRecord: true, room: 'other' } }))).status, 403);
  const plain = await Server.startFor(t, { args: ['--keys', `${folder}/keys`] });
  const cid = await Client.join(plain, room, 'cid', { token: tokenOf({ sub: 'cid', video: { room, roomJoin: true, roomRecord: true } }) });
  await refused(cid, 'unsupported', 'start-recording', {});
  assert.equal((await api(plain, 'POST', `rooms/${room}/recordings`, {})).status, 412);
  assert.ok(readdirSync(folder).length > 0);
});
