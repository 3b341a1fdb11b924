// What one participant says must not keep others out of a room, nor throw them out: the size of `joined`, and what
// may wait for somebody who reads slowly.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, Server, startRefused, until } from '../e2e/harness.mjs';

const JOINED_BYTES_MAX = 256 * 1024;

let server;
before(async () => {
  server = await Server.start({ args: ['--message-rate-max', '1000', '--log-level', 'warn'] });
});
after(() => server.stop());

let rooms = 0;
const freshRoom = () => `flood ${++rooms}`;

// Somebody joins; how long `joined` was.
async function joinedBytes(roomId, username = 'Late') {
  const client = await Client.connect(server);
  let bytes = 0;
  client.socket.once('message', (data) => (bytes = data.length));
  const joined = await client.request('join-room', { roomId, username });
  await client.request('leave-room');
  await client.close();
  assert.ok(bytes > 0 && bytes < JOINED_BYTES_MAX, `joined has ${bytes} bytes`);
  return { bytes, joined };
}

// Reads at most so many bits a second, as a slow link would. The kernel's buffers come on top of it.
function readSlowly(client, bitsPerSecond) {
  const socket = client.socket._socket;
  const tickMs = 20;
  let left = 0;
  const onData = (data) => {
    left -= data.length;
    if (left < 0) socket.pause();
  };
  socket.on('data', onData);
  const timer = setInterval(() => {
    left = Math.min(left + (bitsPerSecond / 8000) * tickMs, (bitsPerSecond / 8000) * tickMs);
    if (left > 0) socket.resume();
  }, tickMs);
  return () => {
    clearInterval(timer);
    socket.off('data', onData);
    socket.resume();
  };
}

async function send(client, count, type, data) {
  const outcome = { passed: 0, refused: 0 };
  const answers = [];
  for (let i = 0; i < count; i++) answers.push(client.answer(type, data(i)));
  for (const answer of await Promise.all(answers)) {
    if (answer.type !== 'error') {
      outcome.passed++;
      continue;
    }
    assert.equal(answer.data.code, 'rate-limited', answer.data.message);
    assert.match(answer.data.message, /bytes .*send it again in \d+ s/);
    outcome.refused++;
  }
  return outcome;
}

const opus = (mid) => ({
  mid: String(mid),
  codecs: [{ mimeType: 'audio/opus', payloadType: 111, clockRate: 48000, channels: 2 }],
  encodings: [{ ssrc: 1000 + mid }],
});

test('24 chat messages of 8 KiB control characters', async () => {
  const roomId = freshRoom();
  const ann = await Client.join(server, roomId, 'Ann');
  for (let i = 0; i < 24; i++) {
    const answer = await ann.answer('chat-message', { text: '\u0001'.repeat(8192) });
    assert.equal(answer.data.code, 'bad-request');
    assert.match(answer.data.message, /newline and tab/);
  }
  const { joined } = await joinedBytes(roomId);
  assert.equal(joined.chat.length, 0);
});

test('100 chat messages of 8192 quotes: people join and resume', async () => {
  const roomId = freshRoom();
  const ann = await Client.join(server, roomId, 'Ann');
  for (let i = 0; i < 100; i++) await ann.request('chat-message', { text: '"'.repeat(8192) });
  await joinedBytes(roomId);
  const { resumeToken } = ann.joined;
  ann.cut();
  const again = await Client.connect(server);
  const joined = await again.request('join-room', { roomId, resumeToken });
  assert.equal(joined.resumed, true);
  assert.equal(joined.chat.length, 2);
});

test('64 and 256 producers of 4 KiB appData', async () => {
  const roomId = freshRoom();
  let taken = 0;
  let refused = 0;
  for (let person = 0; person < 16; person++) {
    const client = await Client.join(server, roomId, `Person ${person}`);
    const transport = await client.request('create-transport', { direction: 'send' });
    for (let i = 0; i < 16; i++) {
      const appData = { x: '"'.repeat(2000) };
      const answer = await client.answer('produce', {
        transportId: transport.id, kind: 'audio', rtpParameters: opus(i), appData });
      if (answer.type === 'produced') taken++;
      else {
        assert.ok(['limit-reached', 'rate-limited'].includes(answer.data.code), JSON.stringify(answer.data));
        refused++;
      }
    }
    if (person === 3) await joinedBytes(roomId); // 64 tried so far
  }
  assert.ok(taken >= 4 && refused > 200, `${taken} taken, ${refused} refused`);
  const { joined } = await joinedBytes(roomId);
  assert.equal(joined.producers.length, taken);
  // whoever says little is not kept from it
  const honest = await Client.join(server, roomId, 'Honest');
  const transport = await honest.request('create-transport', { direction: 'send' });
  await honest.request('produce', {
    transportId: transport.id, kind: 'audio', rtpParameters: opus(0), appData: { source: 'microphone' } });
});

test('payloads of 64 KiB to a reader at 20 Mbit/s, and 300 of 60 KB', async () => {
  const roomId = freshRoom();
  const target = await Client.join(server, roomId, 'Target');
  const full = readSlowly(target, 20e6);
  const senders = [];
  for (let n = 0; n < 3; n++) senders.push(await Client.join(server, roomId, `Sender ${n}`));
  const outcomes = await Promise.all(
    senders.map((sender) => send(sender, 300, 'webrtc-offer', () => ({ target: 'Target', payload: { sdp: 'x'.repeat(60_000) } }))),
  );
  const biggest = 65_536 - 120;
  outcomes.push(await send(senders[0], 20, 'webrtc-offer', () => ({ target: 'Target', payload: { sdp: 'x'.repeat(biggest) } })));
  const refused = outcomes.reduce((sum, outcome) => sum + outcome.refused, 0);
  assert.ok(refused > 850, `only ${refused} of 920 were refused`);
  full();
  assert.equal((await target.answer('ping')).type, 'pong');
  // somebody else is heard by the target all the same
  const other = await Client.join(server, roomId, 'Other');
  assert.equal((await other.answer('call-remote', { target: 'Target' })).type, 'relayed');
});

test('250 chat texts of 8 KB: three readers at 10 Mbit/s stay, the talker is refused', async () => {
  const roomId = freshRoom();
  const readers = [];
  for (let n = 0; n < 3; n++) readers.push(await Client.join(server, roomId, `Reader ${n}`));
  const full = readers.map((reader) => readSlowly(reader, 10e6));
  const talker = await Client.join(server, roomId, 'Talker');
  const { passed, refused } = await send(talker, 250, 'chat-message', () => ({ text: 'x'.repeat(8_000) }));
  assert.ok(passed >= 10 && refused > 150, `${passed} passed, ${refused} refused`);
  full.forEach((stop) => stop());
  for (const reader of readers) {
    assert.equal((await reader.answer('ping')).type, 'pong');
    assert.equal(reader.inbox.filter(({ type }) => type === 'chat-message').length, passed);
  }
  const heard = async () => (await talker.answer('chat-message', { text: 'hello' })).type === 'chat-message';
  await until('the talker is heard again', heard, { everyMs: 200 });
});

test('settings that would cut off whoever joins are refused', async () => {
  const tooLittle = await startRefused(['--ws-backlog-max', '65536']);
  assert.equal(tooLittle.status, 2);
  assert.match(tooLittle.err, /ws-backlog-max: "65536".* is not allowed; it must be a number from 262144/);
  const tooMany = await startRefused(['--consumers-max', '10000']); // their ids alone would be longer than an answer may be
  assert.equal(tooMany.status, 2);
  assert.match(tooMany.err, /consumers-max: "10000".* is not allowed; it must be a number from 1 to 5000/);
});

test('142 ordinary people with the smallest backlog', async (t) => {
  const own = await Server.startFor(t, { args: ['--ws-backlog-max', '262144', '--log-level', 'warn'] });
  const people = [];
  for (let i = 0; i < 142; i++) people.push(await Client.join(own, 'hall', `Somebody with a name ${i}`));
  for (const person of people) assert.equal((await person.answer('ping')).type, 'pong');
});
