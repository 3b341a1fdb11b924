// Publishers that cost next to nothing, so that a machine which also runs the viewer's browser has its cores for that: real
// pictures, which Chromium's VP8 encoder has made beforehand, played into a room as plain RTP, one participant each, with a
// silent microphone. Each shows its own name and colour. They begin anew with a key frame when one is asked for (PLI, FIR),
// with the next picture, as a camera's encoder does, and send none besides. Their parameters have what a browser's have (RTX,
// header extensions), so receivers are told as much of them.
import { createSocket } from 'node:dgram';
import { api, report, rtp } from '../e2e/plain_kit.mjs';

const FPS = 10;
const CLOCK = 90_000 / FPS;
const SECONDS = 20; // of pictures, before they begin anew by themselves
const PACKET_MAX = 1100;
const SILENCE = Buffer.from([0xf8, 0xff, 0xfe]); // RFC 6716: 20 ms

// Per name a list of frames. `origin`: of a server whose pages may use WebCodecs.
export async function recordPictures(browser, origin, names) {
  const page = await browser.newPage();
  await page.goto(`${origin}/healthz`);
  const recorded = [];
  for (const [index, name] of names.entries())
    recorded.push(await page.evaluate(encode, { name, hue: (index * 360) / names.length, count: FPS * SECONDS, fps: FPS }));
  await page.close();
  return recorded.map((frames) => frames.map((text) => Buffer.from(text, 'base64')));
}

// In the page.
async function encode({ name, hue, count, fps }) {
  const [width, height] = [320, 180];
  const frames = [];
  const encoder = new VideoEncoder({
    output: (chunk) => {
      const bytes = new Uint8Array(chunk.byteLength);
      chunk.copyTo(bytes);
      frames.push(btoa(String.fromCharCode(...bytes)));
    },
    error: (error) => console.error(error),
  });
  encoder.configure({ codec: 'vp8', width, height, framerate: fps, bitrate: 250_000, latencyMode: 'realtime' });
  const canvas = new OffscreenCanvas(width, height);
  const drawing = canvas.getContext('2d');
  for (let i = 0; i < count; i++) {
    drawing.fillStyle = `hsl(${hue} 60% 40%)`;
    drawing.fillRect(0, 0, width, height);
    for (let spot = 0; spot < 60; spot++) {
      drawing.fillStyle = `hsl(${hue + spot * 3} 50% ${30 + (spot % 5) * 10}%)`; // something to compress, as a room has
      drawing.fillRect((spot * 73) % width, (spot * 41) % height, 34, 21);
    }
    drawing.fillStyle = 'white';
    drawing.font = 'bold 40px sans-serif';
    drawing.fillText(`${name} ${i}`, 20 + ((i * 3) % 60), 100);
    const frame = new VideoFrame(canvas, { timestamp: (i * 1e6) / fps });
    encoder.encode(frame, { keyFrame: i === 0 });
    frame.close();
    if (encoder.encodeQueueSize > 8) await new Promise((resolve) => (encoder.ondequeue = resolve));
  }
  await encoder.flush();
  encoder.close();
  return frames;
}

const extension = (uri, id) => ({ uri, id, encrypt: false, parameters: {} });
const EXTENSIONS = [
  extension('urn:ietf:params:rtp-hdrext:sdes:mid', 4),
  extension('http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time', 2),
  extension('http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01', 3),
];
const video = (ssrc, cname) => ({
  kind: 'video',
  source: 'CAMERA',
  rtpParameters: {
    mid: '0',
    codecs: [
      {
        mimeType: 'video/VP8',
        payloadType: 96,
        clockRate: 90_000,
        parameters: {},
        rtcpFeedback: [
          { type: 'goog-remb', parameter: '' },
          { type: 'transport-cc', parameter: '' },
          { type: 'ccm', parameter: 'fir' },
          { type: 'nack', parameter: '' },
          { type: 'nack', parameter: 'pli' },
        ],
      },
      { mimeType: 'video/rtx', payloadType: 97, clockRate: 90_000, parameters: { apt: 96 }, rtcpFeedback: [] },
    ],
    headerExtensions: EXTENSIONS,
    encodings: [{ ssrc, rtx: { ssrc: ssrc + 1 }, dtx: false }],
    rtcp: { cname, reducedSize: true },
  },
});
const audio = (ssrc, cname) => ({
  kind: 'audio',
  source: 'MICROPHONE',
  rtpParameters: {
    mid: '1',
    codecs: [
      {
        mimeType: 'audio/opus',
        payloadType: 111,
        clockRate: 48_000,
        channels: 2,
        parameters: { minptime: 10, useinbandfec: 1, 'sprop-stereo': 0, usedtx: 0 }, // as the page has them
        rtcpFeedback: [{ type: 'transport-cc', parameter: '' }],
      },
    ],
    headerExtensions: EXTENSIONS,
    encodings: [{ ssrc, dtx: false }],
    rtcp: { cname, reducedSize: true },
  },
});

class Publisher {
  #socket = createSocket('udp4');
  #frames;
  #at = 0; // of the next frame
  #ssrc;
  #seq = { video: 1000, audio: 5000 };
  #pictures = 0;
  #sounds = 0;
  #timers = [];

  constructor(frames, index) {
    this.#frames = frames;
    this.#ssrc = { video: 10_000 + index * 10, audio: 10_005 + index * 10 };
  }

  async start(server, room, name) {
    const opened = await api(server, 'POST', `rooms/${room}/plain-transports`, { name, direction: 'send', comedia: true, rtcpMux: true });
    if (opened.status !== 200) throw new Error(JSON.stringify(opened.json));
    const path = `rooms/${room}/plain-transports/${opened.json.id}/producers`;
    for (const body of [video(this.#ssrc.video, `light-${name}`), audio(this.#ssrc.audio, `light-${name}`)]) {
      const made = await api(server, 'POST', path, body);
      if (made.status !== 200) throw new Error(JSON.stringify(made.json));
    }
    await new Promise((resolve) => this.#socket.connect(opened.json.port, opened.json.ip, resolve));
    this.#socket.on('message', (bytes) => this.#hear(bytes));
    this.#timers.push(setInterval(() => this.#picture(), 1000 / FPS));
    this.#timers.push(setInterval(() => this.#sound(), 20));
    this.#timers.push(setInterval(() => this.#report(), 1000));
  }

  close() {
    this.#timers.forEach(clearInterval);
    this.#socket.close();
  }

  // RTCP: whether a key frame is asked for (RFC 4585, section 6.3.1; RFC 5104, section 4.3.1).
  #hear(bytes) {
    for (let at = 0; at + 4 <= bytes.length; at += 4 + 4 * bytes.readUInt16BE(at + 2))
      if (bytes[at + 1] === 206 && [1, 4].includes(bytes[at] & 0x1f)) this.#at = 0;
  }

  // RFC 7741, section 4.2.
  #picture() {
    const frame = this.#frames[this.#at++ % this.#frames.length];
    const time = this.#pictures++ * CLOCK;
    const parts = Math.ceil(frame.length / PACKET_MAX);
    for (let part = 0; part < parts; part++) {
      const slice = frame.subarray((frame.length * part) / parts, (frame.length * (part + 1)) / parts);
      const id = this.#pictures & 0x7fff;
      const payload = Buffer.concat([Buffer.from([part === 0 ? 0x90 : 0x80, 0x80, 0x80 | (id >> 8), id & 0xff]), slice]);
      const marker = part === parts - 1;
      this.#socket.send(rtp({ ssrc: this.#ssrc.video, seq: this.#seq.video++, time, payloadType: 96, marker, payload }));
    }
  }

  #sound() {
    const time = this.#sounds++ * 960;
    this.#socket.send(rtp({ ssrc: this.#ssrc.audio, seq: this.#seq.audio++, time, payloadType: 111, payload: SILENCE }));
  }

  #report() {
    this.#socket.send(report({ ssrc: this.#ssrc.video, time: this.#pictures * CLOCK }));
    this.#socket.send(report({ ssrc: this.#ssrc.audio, time: this.#sounds * 960 }));
  }
}

// Lets them into the room, one for each recording; returns what ends them.
export async function publishLight(server, room, names, recorded) {
  const publishers = names.map((_, index) => new Publisher(recorded[index], index));
  for (const [index, name] of names.entries()) await publishers[index].start(server, room, name);
  return () => publishers.forEach((publisher) => publisher.close());
}
