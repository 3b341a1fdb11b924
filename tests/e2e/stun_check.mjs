// A connectivity check as a browser would send it, and the framing of media over TCP (RFC 8489, RFC 4571).

import { createHmac, randomBytes } from 'node:crypto';

const USERNAME = 0x0006;
const MESSAGE_INTEGRITY = 0x0008;
const PRIORITY = 0x0024;
const USE_CANDIDATE = 0x0025;
const FINGERPRINT = 0x8028;
const ICE_CONTROLLING = 0x802a;

const CRC_TABLE = Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n >>> 0;
});
const crc32 = (bytes) => (bytes.reduce((crc, byte) => CRC_TABLE[(crc ^ byte) & 255] ^ (crc >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0;

function attribute(type, value) {
  const out = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  out.writeUInt16BE(type, 0);
  out.writeUInt16BE(value.length, 2);
  value.copy(out, 4);
  return out;
}

function number(type, value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return attribute(type, bytes);
}

const message = (id, attributes, length) => {
  const head = Buffer.alloc(20);
  head.writeUInt16BE(0x0001, 0);
  head.writeUInt16BE(length, 2);
  head.writeUInt32BE(0x2112a442, 4);
  id.copy(head, 8);
  return Buffer.concat([head, ...attributes]);
};

// ice: the server's iceParameters; password: another one than theirs.
export function check(ice, { password = ice.password, nominate = true } = {}) {
  const id = randomBytes(12);
  const attributes = [
    attribute(USERNAME, Buffer.from(`${ice.usernameFragment}:peer`)),
    attribute(ICE_CONTROLLING, randomBytes(8)),
    number(PRIORITY, 0x6e7f1eff),
  ];
  if (nominate) attributes.push(attribute(USE_CANDIDATE, Buffer.alloc(0)));
  const length = attributes.reduce((sum, { length: l }) => sum + l, 0);
  const signed = createHmac('sha1', password).update(message(id, attributes, length + 24)).digest();
  attributes.push(attribute(MESSAGE_INTEGRITY, signed));
  const crc = (crc32(message(id, attributes, length + 32)) ^ 0x5354554e) >>> 0;
  attributes.push(number(FINGERPRINT, crc));
  return message(id, attributes, length + 32);
}

export function framed(packet) {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(packet.length);
  return Buffer.concat([head, packet]);
}
