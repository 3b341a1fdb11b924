// How what is encrypted from end to end is received. Whether a browser then keeps to it: tests/interop/e2ee.test.mjs.
import { expect, test, vi } from 'vitest';
import { Encryption } from '../src/e2ee/encryption.ts';
import { e2eeKey } from '../src/e2ee/key.ts';

const parameters = (mimeType: string) => ({
  mid: '3',
  codecs: [{ mimeType, payloadType: 100, clockRate: 48_000 }],
  encodings: [{ ssrc: 1234 }],
  rtcp: { cname: 'c', reducedSize: true },
});

type Listener = (event: { data: unknown }) => void;
const makeWorker = () =>
  ({
    addEventListener: (type: string, listener: Listener) =>
      type === 'message' && queueMicrotask(() => listener({ data: 'ready' })),
    terminate: () => {},
  }) as unknown as Worker;

test('a worker that does not come is told, before anything is sent', async () => {
  vi.stubGlobal('RTCRtpScriptTransform', class {});
  let terminated = 0;
  const broken = (type: string) => () =>
    ({
      addEventListener: (of: string, listener: Listener) =>
        of === type && queueMicrotask(() => listener({ data: null })),
      terminate: () => terminated++,
    }) as unknown as Worker;
  const key = e2eeKey();
  await expect(Encryption.open({ key, makeWorker: broken('error') })).rejects.toMatchObject({ code: 'e2ee-worker' });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const silent = expect(Encryption.open({ key, makeWorker: broken('none') })).rejects.toMatchObject({
    code: 'e2ee-worker',
  });
  while (vi.getTimerCount() === 0) await new Promise((resolve) => setImmediate(resolve));
  vi.advanceTimersByTime(60_000);
  await silent;
  vi.useRealTimers();
  const throws = () => {
    throw new Error('blocked by a policy');
  };
  await expect(Encryption.open({ key, makeWorker: throws })).rejects.toMatchObject({ code: 'e2ee-worker' });
  expect(terminated).toBe(2);
  vi.unstubAllGlobals();
});

test('no SSRC is told of sound: of another one it would be played past the transform', async () => {
  vi.stubGlobal('RTCRtpScriptTransform', class {});
  const encryption = await Encryption.open({ key: e2eeKey(), makeWorker });
  const of = { senderId: 'ann', source: 'microphone' };
  const sound = encryption.reading('audio', parameters('audio/opus'), of, () => {});
  expect(sound.rtpParameters).toEqual({ ...parameters('audio/opus'), rtcp: { reducedSize: true } });
  const receiver = {} as { transform?: object };
  sound.onRtpReceiver!(receiver as RTCRtpReceiver);
  expect(receiver.transform).toBeDefined();
  const picture = encryption.reading('video', parameters('video/VP8'), { ...of, source: 'camera' }, () => {});
  expect(picture.rtpParameters).toEqual(parameters('video/VP8')); // its repeats are found by SSRC
  vi.unstubAllGlobals();
});
