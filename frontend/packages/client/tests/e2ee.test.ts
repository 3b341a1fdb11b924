// Frames that are encrypted from end to end: known vectors, each byte changed, replays, restarts, other people's frames.
import { createDecipheriv, hkdfSync } from 'node:crypto';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import {
  clearBytesOf,
  COUNTER_MAX,
  deriveStreamKey,
  FrameDecryptor,
  FrameEncryptor,
  importSecret,
  obusOf,
  ReplayWindow,
  TRAILER_BYTES,
  unwrapAv1,
  wrapAv1,
  type E2eeCodec,
} from '../src/e2ee/frame.ts';
import { e2eeKey, isE2eeKey, keyBytesOf } from '../src/e2ee/key.ts';

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const bytes = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const owner = { senderId: 'ann', source: 'camera' };
const SECRET = bytes('000102030405060708090a0b0c0d0e0f');
const KEY_FRAME = bytes('5042009d012a40010b00112233445566778899aabb');
const DELTA_FRAME = bytes('b1020304aabbccddeeff');
const frames: Record<E2eeCodec, Uint8Array<ArrayBuffer>[]> = {
  vp8: [KEY_FRAME, DELTA_FRAME],
  opus: [bytes('78aabbccddeeff00112233'), bytes('08')],
  av1: [bytes('0a0b00000004478eab7ffa010032050102030405'), bytes('3628050102030405')],
};
const VECTORS = [
  '5042009d012a40010b00d43782c8548dfef846ed2b728628424887a606fab6063ac0b9edb0a0a1a2a3a4a5a6a7000000000a01',
  'b10203b711bca40312d868bd0f1ab1dff218ae60e0e832f75efba0a1a2a3a4a5a6a7000000010301',
  '78fc2f06c61f0282016f82dc7bbba407ba49ba4f1f2bc947195622a0a1a2a3a4a5a6a7000000070101',
];
let secret: CryptoKey;
let other: CryptoKey;
beforeAll(async () => {
  secret = await importSecret(SECRET);
  other = await importSecret(bytes('ff0102030405060708090a0b0c0d0e0f'));
});

// The id of a stream is drawn by chance: here it is known.
async function withId<T>(id: string, work: () => Promise<T>): Promise<T> {
  const spy = vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
    (array as unknown as Uint8Array).set(bytes(id));
    return array;
  });
  try {
    return await work();
  } finally {
    spy.mockRestore();
  }
}

describe('what goes over the wire', () => {
  test('vectors, so that what is read today is read tomorrow and by others', async () => {
    const sealed = await withId('a0a1a2a3a4a5a6a7', async () => {
      const vp8 = new FrameEncryptor(secret, owner, 'vp8');
      const opus = new FrameEncryptor(secret, { senderId: 'ann', source: 'microphone' }, 'opus', 7);
      return [await vp8.encrypt(KEY_FRAME), await vp8.encrypt(DELTA_FRAME), await opus.encrypt(frames.opus[0]!)].map(
        hex,
      );
    });
    expect(sealed).toEqual(VECTORS);
  });

  test('the second of them as OpenSSL opens it, by the description alone', () => {
    const sealed = Buffer.from(VECTORS[1]!, 'hex');
    const info = Buffer.concat(
      ['rotunda e2ee 1', 'ann', 'camera'].flatMap((text) => [Buffer.from([0, text.length]), Buffer.from(text)]),
    );
    const key = Buffer.from(hkdfSync('sha256', SECRET, sealed.subarray(-14, -6), info, 16));
    const cipher = createDecipheriv('aes-128-gcm', key, Buffer.from('000000000000000000000001', 'hex'));
    cipher.setAAD(Buffer.concat([sealed.subarray(0, 3), sealed.subarray(-14)]));
    cipher.setAuthTag(sealed.subarray(-30, -14));
    const opened = Buffer.concat([cipher.update(sealed.subarray(3, -30)), cipher.final()]);
    expect(hex(opened)).toBe(hex(DELTA_FRAME.subarray(3)));
  });

  test.each(['vp8', 'opus', 'av1'] as const)(
    '%s: what is encrypted is opened, and grows by no more than is said',
    async (codec) => {
      const encryptor = new FrameEncryptor(secret, owner, codec);
      const decryptor = new FrameDecryptor(secret, owner, codec);
      for (const frame of frames[codec]) {
        const sealed = await encryptor.encrypt(frame);
        // AV1: an OBU around it, with its layer, and a copy of the sequence header.
        const around = codec !== 'av1' ? 0 : frame === frames.av1[0] ? 2 + 13 : 3;
        expect(sealed.length).toBe(frame.length + 16 + TRAILER_BYTES + around);
        const hidden = hex(frame.subarray(clearBytesOf(codec, frame)));
        if (hidden !== '') expect(hex(sealed)).not.toContain(hidden);
        expect(await decryptor.decrypt(sealed)).toEqual(frame);
      }
    },
  );

  test('what a server reads stays readable: VP8 says whether it is a key frame, and how large', async () => {
    const encryptor = new FrameEncryptor(secret, owner, 'vp8');
    const key = await encryptor.encrypt(KEY_FRAME);
    expect(hex(key.subarray(0, 10))).toBe(hex(KEY_FRAME.subarray(0, 10)));
    expect((await encryptor.encrypt(DELTA_FRAME))[0]! & 1).toBe(1);
  });

  test('of AV1 a server sees a key frame and layers, and what is inside comes out however its OBUs are written', async () => {
    const encryptor = new FrameEncryptor(secret, owner, 'av1');
    const [key, upper] = [await encryptor.encrypt(frames.av1[0]!), await encryptor.encrypt(frames.av1[1]!)];
    expect(obusOf(key)!.map(({ type }) => type)).toEqual([1, 5]);
    expect(obusOf(upper)!.map(({ type, extension }) => [type, extension])).toEqual([[5, 0x28]]);
    // A temporal delimiter before it, no size at the end, as a depacketizer may have it.
    const rewritten = Uint8Array.from([0x12, 0, ...upper]);
    expect(await new FrameDecryptor(secret, owner, 'av1').decrypt(rewritten)).toEqual(frames.av1[1]);
    const bare = Uint8Array.from([upper[0]! & ~2, upper[1]!, ...upper.subarray(3)]);
    expect(await new FrameDecryptor(secret, owner, 'av1').decrypt(bare)).toEqual(frames.av1[1]);
  });

  test.each([0, 1, 127, 128, 16_383, 70_000, 3_000_000])('an envelope of %i bytes', (size) => {
    const inner = new Uint8Array(size).fill(7);
    expect(unwrapAv1(wrapAv1(bytes('3200'), inner))!.length).toBe(size);
  });

  test.each(['0a0bff', '32', '3285', '3605', 'b200', '32ffffffffff', '2a05aa', '3200'])(
    '%s is no sequence of OBUs, or has nothing in it',
    (text) => expect(unwrapAv1(bytes(text))).toBeNull(),
  );
});

describe('what is refused', () => {
  test.each(['vp8', 'opus', 'av1'] as const)(
    '%s: every byte that was changed, and every byte that is missing',
    async (codec) => {
      const sealed = await new FrameEncryptor(secret, owner, codec).encrypt(frames[codec][0]!);
      for (let at = 0; at < sealed.length; at++)
        for (const bit of [1, 128]) {
          const changed = sealed.slice();
          changed[at]! ^= bit;
          const opened = await new FrameDecryptor(secret, owner, codec).decrypt(changed);
          // What lies around AV1's frame says nothing of it: it is refused, or the frame is what it was.
          const around = codec === 'av1' && at < sealed.length - frames.av1[0]!.length - 16 - TRAILER_BYTES;
          if (around && typeof opened !== 'string') expect(opened, `byte ${at}`).toEqual(frames.av1[0]);
          else expect(opened, `byte ${at}`).toMatch(/^(wrong-key|not-encrypted)$/);
        }
      for (let length = 0; length < sealed.length; length++)
        expect(
          await new FrameDecryptor(secret, owner, codec).decrypt(sealed.slice(0, length)),
          `${length} bytes`,
        ).toMatch(/^(wrong-key|not-encrypted)$/);
      expect(await new FrameDecryptor(secret, owner, codec).decrypt(sealed)).toEqual(frames[codec][0]); // and it was good
    },
  );

  test('what was made with another key, for another person, or of another source', async () => {
    const sealed = await new FrameEncryptor(secret, owner, 'vp8').encrypt(KEY_FRAME);
    for (const [key, of] of [
      [other, owner],
      [secret, { senderId: 'bob', source: 'camera' }],
      [secret, { senderId: 'ann', source: 'screen' }],
      [secret, { senderId: 'anncam', source: 'era' }], // fields do not run into each other
    ] as const)
      expect(await new FrameDecryptor(key, of, 'vp8').decrypt(sealed)).toBe('wrong-key');
  });

  test('what nobody encrypted', async () => {
    const decryptor = new FrameDecryptor(secret, owner, 'vp8');
    for (const frame of [KEY_FRAME, DELTA_FRAME, new Uint8Array(), new Uint8Array(500)])
      expect(await decryptor.decrypt(frame)).toBe('not-encrypted');
    // With our version at the end, and fewer bytes than a tag and the clear ones take.
    for (const [length, clear] of [
      [2, 0],
      [29, 0],
      [31, 2],
      [200, 171],
    ] as const) {
      const frame = new Uint8Array(length);
      frame.set([clear, 1], length - 2);
      expect(await decryptor.decrypt(frame), `${length} bytes`).toBe('not-encrypted');
    }
  });

  test('a frame that was there before, also when both come at once', async () => {
    const encryptor = new FrameEncryptor(secret, owner, 'vp8');
    const decryptor = new FrameDecryptor(secret, owner, 'vp8');
    const sealed = [];
    for (let i = 0; i < 5; i++) sealed.push(await encryptor.encrypt(DELTA_FRAME));
    const twice = await Promise.all([decryptor.decrypt(sealed[0]!), decryptor.decrypt(sealed[0]!)]);
    expect(twice.filter((one) => one === 'replayed').length).toBe(1);
    for (const i of [3, 1, 4, 2]) expect(await decryptor.decrypt(sealed[i]!)).toEqual(DELTA_FRAME); // they may overtake each other
    for (const again of sealed) expect(await decryptor.decrypt(again)).toBe('replayed');
  });

  test('a frame that is changed does not use up the place of the one that was meant', async () => {
    const sealed = await new FrameEncryptor(secret, owner, 'vp8', 500).encrypt(DELTA_FRAME);
    const decryptor = new FrameDecryptor(secret, owner, 'vp8');
    const changed = sealed.slice();
    changed[5]! ^= 1;
    expect(await decryptor.decrypt(changed)).toBe('wrong-key');
    expect(await decryptor.decrypt(sealed)).toEqual(DELTA_FRAME);
  });

  test('streams of before are not taken again once there have been many since', async () => {
    const decryptor = new FrameDecryptor(secret, owner, 'vp8');
    const first = new FrameEncryptor(secret, owner, 'vp8');
    expect(await decryptor.decrypt(await first.encrypt(DELTA_FRAME))).toEqual(DELTA_FRAME);
    for (let i = 0; i < 8; i++)
      expect(await decryptor.decrypt(await new FrameEncryptor(secret, owner, 'vp8').encrypt(DELTA_FRAME))).toEqual(
        DELTA_FRAME,
      );
    expect(await decryptor.decrypt(await first.encrypt(DELTA_FRAME))).toBe('replayed');
  });
});

describe('a nonce is used once', () => {
  // What is encrypted with: the key is that of the id.
  const used = (sealed: Uint8Array) => hex(sealed.subarray(sealed.length - TRAILER_BYTES, sealed.length - 2));

  test('frames at once, and after a restart of the sender or the worker', async () => {
    const nonces = new Set<string>();
    for (let restart = 0; restart < 20; restart++) {
      const encryptor = new FrameEncryptor(secret, owner, 'opus');
      for (const sealed of await Promise.all(Array.from({ length: 20 }, () => encryptor.encrypt(frames.opus[0]!))))
        nonces.add(used(sealed));
    }
    expect(nonces.size).toBe(400);
  });

  test('at the end of the counter a new stream begins, with another key', async () => {
    const encryptor = new FrameEncryptor(secret, owner, 'vp8', COUNTER_MAX - 1);
    const decryptor = new FrameDecryptor(secret, owner, 'vp8');
    const sealed = [];
    for (let i = 0; i < 4; i++) sealed.push(await encryptor.encrypt(DELTA_FRAME));
    const ids = sealed.map((one) => used(one).slice(0, 16));
    const counters = sealed.map((one) => parseInt(used(one).slice(16), 16));
    expect(counters).toEqual([COUNTER_MAX - 1, COUNTER_MAX, 0, 1]);
    expect([ids[0] === ids[1], ids[1] === ids[2], ids[2] === ids[3]]).toEqual([true, false, true]);
    for (const one of sealed) expect(await decryptor.decrypt(one)).toEqual(DELTA_FRAME);
  });

  test('the key of a stream is no other’s, and cannot be taken out', async () => {
    const id = bytes('a0a1a2a3a4a5a6a7');
    const key = await deriveStreamKey(secret, owner, id);
    expect([key.extractable, secret.extractable]).toEqual([false, false]);
    await expect(crypto.subtle.exportKey('raw', key)).rejects.toThrow();
  });
});

test('the window of what was there: late ones yes, too late ones and second ones no', () => {
  const window = new ReplayWindow();
  const take = (counter: number) => {
    const fresh = !window.has(counter);
    if (fresh) window.add(counter);
    return fresh;
  };
  expect([0, 5, 3, 5, 3, 1].map(take)).toEqual([true, true, true, false, false, true]);
  expect(take(5000)).toBe(true);
  expect([5000 - 1023, 5000 - 1024, 4, 5000].map(take)).toEqual([true, false, false, false]);
  for (let i = 5001; i < 20_000; i++) expect(take(i)).toBe(true);
  for (let i = 5001; i < 20_000; i++) expect(take(i)).toBe(false);
});

test('keys are 128 bits in a form that a link takes, and nothing else is one', () => {
  const keys = new Set(Array.from({ length: 100 }, e2eeKey));
  expect(keys.size).toBe(100);
  for (const key of keys) {
    expect(key).toMatch(/^[\w-]{22}$/);
    expect(isE2eeKey(key)).toBe(true);
    expect(keyBytesOf(key).length).toBe(16);
  }
  for (const wrong of [
    '',
    'short',
    'a'.repeat(21),
    'a'.repeat(25),
    'a'.repeat(87),
    `${'a'.repeat(21)}%`,
    'ä'.repeat(22),
  ])
    expect(isE2eeKey(wrong)).toBe(false);
});

test('no frame is encrypted with fewer than 128 bits', async () => {
  await expect(importSecret(new Uint8Array(15))).rejects.toThrow(RangeError);
  await importSecret(new Uint8Array(16));
});
