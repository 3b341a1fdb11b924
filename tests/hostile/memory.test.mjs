// What an address can make the server hold: participants who say as much as they may, everywhere they may.
// The server's own count is checked (rotunda_control_memory_bytes); the process' growth is told beside it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, Server } from '../e2e/harness.mjs';

const PEOPLE = Number(process.env.ROTUNDA_TEST_PEOPLE ?? 50);
const HELD_BYTES_MAX = 100_000; // a participant

// As fat as a message may be, and every value of it well formed.
function fatCapabilities() {
  const codec = (i) => ({
    kind: 'video', mimeType: i ? `video/FAT-${i}` : 'video/VP8', clockRate: 90000, preferredPayloadType: 96,
    parameters: Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`p${n}`, n])),
    rtcpFeedback: Array.from({ length: 6 }, (_, n) => ({ type: `t${n}` })),
  });
  return { codecs: Array.from({ length: 128 }, (_, i) => codec(i)) };
}

const fatOpus = (mid) => ({
  mid: String(mid), msid: 'm'.repeat(250),
  codecs: [{ mimeType: 'audio/opus', payloadType: 111, clockRate: 48000, channels: 2,
    parameters: Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`k${n}`, 'v'.repeat(1000)])) }],
  encodings: [{ ssrc: 1000 + mid }],
  rtcp: { cname: 'c'.repeat(30) },
});

async function fatParticipant(server, n) {
  const rtpCapabilities = fatCapabilities();
  const size = JSON.stringify(rtpCapabilities).length;
  assert.ok(size > 30_000 && size < 64_000, `${size} bytes`);
  const client = await Client.join(server, `fat room ${n >> 4} ${'r'.repeat(100)}`, `${n} ${'\u{1f600}'.repeat(60)}`, {
    rtpCapabilities });
  const transport = await client.request('create-transport', { direction: 'send' });
  for (let i = 0; i < 7; i++) await client.request('create-transport', { direction: i & 1 ? 'send' : 'recv' });
  const refused = new Set();
  for (let i = 0; i < 16; i++) {
    const answer = await client.answer('produce', {
      transportId: transport.id, kind: 'audio', rtpParameters: fatOpus(i), appData: { list: Array(1000).fill([]) } });
    if (answer.type === 'error') refused.add(answer.data.code);
  }
  assert.deepEqual([...refused].filter((code) => code !== 'limit-reached' && code !== 'rate-limited'), []);
  for (let i = 0; i < 6; i++) await client.answer('chat-message', { text: '"'.repeat(8000) });
  return client;
}

test(`${PEOPLE} participants who say as much as they may`, async (t) => {
  const server = await Server.startFor(t, { args: ['--log-level', 'error', '--message-rate-max', '1000'] });
  const first = await fatParticipant(server, 0); // what is made once
  const heldBefore = await server.metric('rotunda_control_memory_bytes');
  const residentBefore = server.residentKiB();
  const people = [];
  for (let n = 1; n <= PEOPLE; n++) people.push(await fatParticipant(server, n));
  const held = ((await server.metric('rotunda_control_memory_bytes')) - heldBefore) / PEOPLE;
  const resident = ((server.residentKiB() - residentBefore) * 1024) / PEOPLE;
  t.diagnostic(`measured: ${Math.round(held)} bytes counted and ${Math.round(resident)} bytes resident a participant who says as much as it may`);
  assert.ok(held < HELD_BYTES_MAX, `${held} bytes a participant`);
  await Promise.all(people.map((client) => client.request('leave-room')));
  await first.request('leave-room');
});

test('the bound of all together', async (t) => {
  const server = await Server.startFor(t, { args: ['--control-memory-max', '16777216', '--log-level', 'error'] });
  const most = 16_777_216;
  let refused;
  const people = [];
  for (let n = 0; n < 4000 && !refused; n++) {
    const client = await Client.connect(server);
    people.push(client);
    const answer = await client.answer('join-room', { roomId: `room ${n >> 3}`, username: `user ${n}` });
    if (answer.type === 'error') refused = answer.data;
    for (let i = 0; i < 5 && !refused; i++) await client.answer('chat-message', { text: '"'.repeat(8000) });
  }
  assert.equal(refused?.code, 'limit-reached');
  assert.match(refused.message, /16777216 bytes/);
  const held = await server.metric('rotunda_control_memory_bytes');
  assert.ok(held > most * 0.9 && held < most * 1.1, `${held} held`);
  // who is there goes on, and whoever leaves makes place
  assert.equal((await people[0].answer('ping')).type, 'pong');
});
