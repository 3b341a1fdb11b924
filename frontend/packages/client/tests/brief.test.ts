import { expect, test } from 'vitest';
import { unfold } from '../src/brief.ts';
import type { Joined } from '../src/protocol.ts';
import { joined } from './scripted-socket.ts';

const common = { codecs: [{ mimeType: 'video/VP8' }], headerExtensions: [{ uri: 'a' }] };
const of = { userId: 'b', user: 'bob', type: 'simple', appData: { source: 'camera' } };

test('an answer that tells everything once becomes the usual one', () => {
  const { routerRtpCapabilities: _, ...brief } = joined({
    producers: [{ producerId: 'p9', kind: 'video', paused: true, ...of }],
    sharedParameters: [{ codecs: [] }, common],
    newConsumers: [
      { id: 'c1', producerId: 'p1', kind: 'video', ...of, shared: 1, rtpParameters: { mid: '0' } },
      {
        id: 'c2',
        producerId: 'p2',
        kind: 'audio',
        ...of,
        paused: true,
        producerPaused: true,
        rtpParameters: { mid: '1' },
      },
    ],
  });
  const whole = unfold(brief as unknown as Joined);
  expect(whole.newConsumers).toEqual([
    {
      ...{ id: 'c1', producerId: 'p1', kind: 'video', ...of, producerPaused: false, paused: false, held: false },
      rtpParameters: { mid: '0', ...common },
    },
    {
      ...{ id: 'c2', producerId: 'p2', kind: 'audio', ...of, producerPaused: true, paused: true, held: false },
      rtpParameters: { mid: '1' },
    },
  ]);
  expect(whole.producers).toEqual([
    { producerId: 'p9', kind: 'video', paused: true, ...of },
    { producerId: 'p1', kind: 'video', paused: false, ...of },
    { producerId: 'p2', kind: 'audio', paused: true, ...of },
  ]);
  expect(whole).not.toHaveProperty('sharedParameters');
});

test('the usual answer stays as it is', () => {
  const usual = joined({ newConsumers: [] }) as unknown as Joined;
  expect(unfold(usual)).toBe(usual);
});
