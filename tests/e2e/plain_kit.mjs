// Plain RTP for tests: the operators' calls, and a socket that sends and gets packets.

import { createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';

export const KEY = ['devkey', '0123456789abcdef0123456789abcdef'];
const part = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

// A token with any claims, as `rotunda token` makes it.
export function tokenOf(claims) {
  const head = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ iss: KEY[0], exp: Math.floor(Date.now() / 1000) + 3600, ...claims })}`;
  return `${head}.${createHmac('sha256', KEY[1]).update(head).digest('base64url')}`;
}
export const operator = () => tokenOf({ rotunda: { operator: true } });

// One call of /api/v1: {status, json}.
export async function api(server, method, path, body, token = operator()) {
  const answer = await server.fetch(`/api/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
    body: body && JSON.stringify(body),
  });
  return { status: answer.status, json: await answer.json() };
}

export const VIDEO = (ssrc, payloadType = 101) => ({
  kind: 'video',
  rtpParameters: {
    codecs: [{ mimeType: 'video/VP8', payloadType, clockRate: 90000, rtcpFeedback: [{ type: 'nack', parameter: 'pli' }] }],
    encodings: [{ ssrc }],
    rtcp: { cname: 'plain' },
  },
});
export const AUDIO = (ssrc, payloadType = 100) => ({
  kind: 'audio',
  rtpParameters: {
    codecs: [{ mimeType: 'audio/opus', payloadType, clockRate: 48000, channels: 2 }],
    encodings: [{ ssrc }],
    rtcp: { cname: 'plain' },
  },
});

// A UDP socket that keeps what it gets.
export class Port {
  got = [];

  static async open(host = '127.0.0.1') {
    const port = new Port();
    port.socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    await new Promise((resolve) => port.socket.bind(0, host, resolve));
    port.number = port.socket.address().port;
    port.socket.on('message', (bytes, from) => port.got.push({ bytes, from }));
    return port;
  }

  send(bytes, to, host = '127.0.0.1') {
    return new Promise((resolve) => this.socket.send(bytes, to, host, resolve));
  }

  get rtp() {
    return this.got.filter(({ bytes }) => bytes.length >= 12 && (bytes[1] < 192 || bytes[1] > 223)).map(({ bytes }) => bytes);
  }

  get rtcp() {
    return this.got.filter(({ bytes }) => bytes[1] >= 192 && bytes[1] <= 223).map(({ bytes }) => bytes);
  }

  close() {
    this.socket.close();
  }
}

export function rtp({ ssrc, seq, time = seq * 3000, payloadType = 101, marker = false, payload }) {
  const head = Buffer.alloc(12);
  head[0] = 0x80;
  head[1] = payloadType | (marker ? 0x80 : 0);
  head.writeUInt16BE(seq & 0xffff, 2);
  head.writeUInt32BE(time >>> 0, 4);
  head.writeUInt32BE(ssrc, 8);
  return Buffer.concat([head, payload]);
}

// A sender report (RFC 3550, section 6.4.1) of what was captured now.
export function report({ ssrc, time }) {
  const bytes = Buffer.alloc(28);
  bytes.set([0x80, 200, 0, 6]);
  bytes.writeUInt32BE(ssrc, 4);
  bytes.writeUInt32BE(Math.floor(Date.now() / 1000) + 2_208_988_800, 8);
  bytes.writeUInt32BE(Math.floor(((Date.now() % 1000) / 1000) * 2 ** 32), 12);
  bytes.writeUInt32BE(time >>> 0, 16);
  return bytes;
}

// A VP8 key frame (RFC 7741, RFC 6386): what says so and its size; no decoder looks at the rest.
export const KEY_FRAME = Buffer.from([0x10, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00, 1, 2, 3, 4]);
