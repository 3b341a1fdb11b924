// What the worker lets through: nothing that is not authentic, nothing that was not encrypted. And a server that makes a receiver
// anew, or has a client join anew, to show once more what was shown before.
import { beforeEach, expect, test, vi } from 'vitest';
import { FrameEncryptor, importSecret } from '../src/e2ee/frame.ts';

const DELTA_FRAME = Uint8Array.from([0xb1, 2, 3, 4, 0xaa, 0xbb, 0xcc, 0xdd]);
const owner = { senderId: 'ann', source: 'camera' };
const scope = globalThis as unknown as {
  onrtctransform: (event: object) => void;
  postMessage: (news: object) => void;
};
let secret: CryptoKey;
beforeEach(async () => {
  secret = await importSecret(new Uint8Array(16).fill(7));
  vi.resetModules();
  scope.postMessage = () => {};
  await import('../src/e2ee/worker.ts');
});

// What of these a receiver made now lets through.
async function shown(frames: Uint8Array<ArrayBuffer>[], more: object = {}): Promise<number> {
  const out: object[] = [];
  const readable = new ReadableStream({
    start(controller) {
      for (const frame of frames) controller.enqueue({ data: frame.slice().buffer });
      controller.close();
    },
  });
  await new Promise<void>((closed) => {
    const writable = new WritableStream({ write: (frame) => void out.push(frame), close: () => closed() });
    const options = { operation: 'decrypt', codec: 'vp8', streamKey: '1', secret, ...owner, ...more };
    scope.onrtctransform({ transformer: { readable, writable, options } });
  });
  return out.length;
}

test('what one receiver has shown the next one of the same sender and source does not', async () => {
  const encryptor = new FrameEncryptor(secret, owner, 'vp8');
  const before = [await encryptor.encrypt(DELTA_FRAME), await encryptor.encrypt(DELTA_FRAME)];
  const after = [await encryptor.encrypt(DELTA_FRAME)];
  expect(await shown(before)).toBe(2);
  expect(await shown(before), 'again, to a receiver that the server had made').toBe(0);
  expect(await shown([...before, ...after])).toBe(1);
});

test('what was held back until the next receiver is not shown behind what came after it', async () => {
  const encryptor = new FrameEncryptor(secret, owner, 'vp8');
  const [held, newer] = [await encryptor.encrypt(DELTA_FRAME), await encryptor.encrypt(DELTA_FRAME)];
  expect(await shown([newer])).toBe(1);
  expect(await shown([held])).toBe(0);
});

test('a sender that begins anew is taken, and what it sent before is not any more', async () => {
  const first = await new FrameEncryptor(secret, owner, 'vp8').encrypt(DELTA_FRAME);
  expect(await shown([first])).toBe(1);
  for (let i = 0; i < 10; i++)
    expect(await shown([await new FrameEncryptor(secret, owner, 'vp8').encrypt(DELTA_FRAME)])).toBe(1);
  expect(await shown([first])).toBe(0);
});

test('other senders and sources are remembered apart', async () => {
  for (const other of [{ senderId: 'bob' }, { source: 'screen' }]) {
    const frame = await new FrameEncryptor(secret, { ...owner, ...other }, 'vp8').encrypt(DELTA_FRAME);
    expect(await shown([frame])).toBe(0);
    expect(await shown([frame], other)).toBe(1);
    expect(await shown([frame], other)).toBe(0);
  }
});

test('what is not authentic is not let through, and is told', async () => {
  const told: object[] = [];
  scope.postMessage = (news) => void told.push(news);
  const other = await importSecret(new Uint8Array(16).fill(8));
  const strange = await new FrameEncryptor(other, owner, 'vp8').encrypt(DELTA_FRAME);
  const good = await new FrameEncryptor(secret, owner, 'vp8').encrypt(DELTA_FRAME);
  expect(await shown(Array(4).fill(DELTA_FRAME))).toBe(0);
  expect(await shown(Array(4).fill(strange))).toBe(0);
  expect(await shown([DELTA_FRAME, good, strange])).toBe(1);
  expect(told).toEqual(['not-encrypted', 'wrong-key', null].map((refusal) => ({ streamKey: '1', refusal })));
});

test('what cannot be encrypted is not sent', async () => {
  const sends = { operation: 'encrypt' };
  expect(await shown([DELTA_FRAME, new Uint8Array()], sends)).toBe(1);
  const useless = await crypto.subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', false, ['encrypt']);
  expect(await shown([DELTA_FRAME], { ...sends, secret: useless })).toBe(0);
});
