// What the clients in JavaScript share: the lines that the runner and a client exchange (see docs/interop.md), and
// sound and pictures that are none: RTP whose payload has the form alone, 30 pictures and 50 pieces of sound a second.

import { createInterface } from 'node:readline';

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

// verbs: { offer(), answer(sdp), receive(sdp), close(), states() }; counts: { sent, got }, of packets of each kind.
export function serve(verbs, counts) {
  const timer = setInterval(() => say({ ...counts, states: verbs.states() }), 250);
  const orders = {
    offer: async () => say({ offer: await verbs.offer() }),
    answer: ({ sdp }) => verbs.answer(sdp),
    receive: async ({ sdp }) => say({ answer: await verbs.receive(sdp) }),
    mute: () => (counts.muted = true),
    unmute: () => (counts.muted = false),
    close: async () => {
      clearInterval(timer);
      await verbs.close();
      process.exit(0);
    },
  };
  createInterface({ input: process.stdin }).on('line', async (line) => {
    const order = JSON.parse(line);
    await orders[order.do](order);
  });
}

export const newCounts = () => ({ sent: { audio: 0, video: 0 }, got: { audio: 0, video: 0 }, muted: false });

function rtp({ type, ssrc, seq, timestamp, marker }, payload) {
  const head = Buffer.alloc(12);
  head[0] = 0x80;
  head[1] = type | (marker ? 0x80 : 0);
  head.writeUInt16BE(seq & 0xffff, 2);
  head.writeUInt32BE(timestamp >>> 0, 4);
  head.writeUInt32BE(ssrc, 8);
  return Buffer.concat([head, payload]);
}

// Two packets a picture; a key frame each second.
function picture(number, part) {
  const payload = Buffer.alloc(part === 0 ? 800 : 400, number);
  payload[0] = 0x80 | (part === 0 ? 0x10 : 0); // the descriptor: more follows; a partition starts
  payload[1] = 0x80;                           // a picture id follows
  payload.writeUInt16BE(0x8000 | (number & 0x7fff), 2);
  if (part === 0) payload.set(number % 30 === 0 ? [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0] : [0x11], 4);
  return payload;
}

// Calls send(kind, packet) for all that is due, until the process ends. tracks: { audio, video }, of { type, ssrc }.
export function speak(tracks, counts, send) {
  const start = performance.now();
  const seq = { audio: 0, video: 0 };
  let pieces = 0, pictures = 0;
  const emit = (kind, timestamp, marker, payload) => {
    if (counts.muted) return;
    send(kind, rtp({ ...tracks[kind], seq: seq[kind]++, timestamp, marker }, payload));
    counts.sent[kind]++;
  };
  setInterval(() => {
    const elapsed = performance.now() - start;
    for (; pieces * 20 < elapsed; pieces++) emit('audio', pieces * 960, pieces === 0, Buffer.alloc(60, 0xfc));
    for (; (pictures * 1000) / 30 < elapsed; pictures++) {
      emit('video', pictures * 3000, false, picture(pictures, 0));
      emit('video', pictures * 3000, true, picture(pictures, 1));
    }
  }, 10);
}
