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

test('no SSRC is told of sound: of another one it would be played past the transform', async () => {
  vi.stubGlobal('RTCRtpScriptTransform', class {});
  const makeWorker = () => ({ addEventListener: () => {}, terminate: () => {} }) as unknown as Worker;
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
