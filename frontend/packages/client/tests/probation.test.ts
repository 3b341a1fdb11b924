// With mediasoup-client itself, whose inside this relies on.
import { Device, type types } from 'mediasoup-client';
import * as fake from 'mediasoup-client/fakeParameters';
import { FakeHandler } from 'mediasoup-client/handlers/FakeHandler';
import { expect, test, vi } from 'vitest';
import { expectProbation } from '../src/probation.ts';
import type { AppData } from '../src/protocol.ts';

async function receiver() {
  const device = new Device({ handlerFactory: FakeHandler.createFactory(fake) });
  await device.load({ routerRtpCapabilities: fake.generateRouterRtpCapabilities() });
  const transport = device.createRecvTransport<AppData>(fake.generateTransportRemoteParameters());
  transport.on('connect', (_, done) => done());
  const rounds = vi.spyOn(transport.handler as unknown as { receive: (list: unknown[]) => unknown }, 'receive');
  const consume = (codecMimeType: string, rtx: boolean) => {
    const options = fake.generateConsumerRemoteParameters({ codecMimeType });
    const { codecs } = options.rtpParameters;
    const rtpParameters: types.RtpParameters = {
      ...options.rtpParameters,
      codecs: rtx ? codecs : codecs.filter(({ mimeType }) => mimeType !== 'video/rtx'),
    };
    expectProbation(transport, options.kind as 'audio' | 'video', rtpParameters);
    return transport.consume({ ...options, rtpParameters });
  };
  const settled = () => new Promise((resolve) => setTimeout(resolve, 10));
  return { consume, settled, rounds: () => rounds.mock.calls.map(([list]) => list.length) };
}

test('pictures with RTX and sound are one round of offer and answer', async () => {
  const { consume, settled, rounds } = await receiver();
  await Promise.all([consume('audio/opus', true), consume('video/VP8', true), consume('video/VP8', true)]);
  await settled();
  expect(rounds()).toEqual([3]);
});

test('a picture without RTX brings the stream for probes, whenever it comes', async () => {
  const { consume, settled, rounds } = await receiver();
  await consume('video/VP8', true);
  await Promise.all([consume('video/VP8', false), consume('video/VP8', true)]);
  await settled();
  await consume('video/VP8', false);
  await settled();
  expect(rounds()).toEqual([1, 2, 1, 1]); // the third is the stream
});
