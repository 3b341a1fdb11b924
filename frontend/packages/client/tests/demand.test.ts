import { expect, test, vi } from 'vitest';
import { DemandControl } from '../src/demand.ts';
import type { RemoteTrack } from '../src/room-events.ts';
import { settle } from './scripted-socket.ts';

const asked: [string, object][] = [];
const session = {
  request: async (type: string, data: object) => void asked.push([type, data]),
} as never;
const entry = (kind: 'audio' | 'video', type: RemoteTrack['type'] = 'simple') =>
  ({ kind, type, appData: { width: 1280, layers: 3 }, consumer: { id: 'k', closed: false } }) as unknown as RemoteTrack;

function control(of: RemoteTrack): DemandControl {
  asked.length = 0;
  return new DemandControl(session, () => of);
}

test('a picture that is asked for while it is found that nobody has asked yet', async () => {
  const demands = control(entry('video'));
  const first = demands.settle('p'); // nothing is wanted
  demands.set('p', { width: 300 }); // before anybody has waited for that
  await first;
  await settle();
  expect(asked).toEqual([['resume-consumer', { consumerId: 'k' }]]);
});

test('the layer first, then the picture; what changes meanwhile is asked for afterwards, once', async () => {
  const demands = control(entry('video', 'simulcast'));
  demands.set('p', { width: 200 });
  demands.set('p', { width: 400 });
  demands.set('p', { width: 1200 });
  await settle();
  demands.set('p', null);
  await settle();
  expect(asked).toEqual([
    ['set-preferred-layers', { consumerId: 'k', spatialLayer: 0 }],
    ['set-preferred-layers', { consumerId: 'k', spatialLayer: 2 }],
    ['resume-consumer', { consumerId: 'k' }],
    ['pause-consumer', { consumerId: 'k' }],
  ]);
});

test('sound comes unasked; what may have been lost is asked for again', async () => {
  const demands = control(entry('audio'));
  await demands.settle('p');
  expect(demands.comes('p')).toBe(true);
  demands.anew('p');
  await settle();
  expect(asked.map(([type]) => type)).toEqual(['resume-consumer', 'resume-consumer']);
});

test.each([
  ['is wanted as the one in whose place it comes', { width: 300 }, null, ['resume-consumer']],
  [
    'that nobody looks at just then is not stopped at once, since a tile may be about to',
    null,
    null,
    ['resume-consumer', 'pause-consumer'],
  ],
  ['goes on where one does', null, { width: 300 }, ['resume-consumer']],
])('a picture of the next server %s', async (_, before, then, wanted) => {
  vi.useFakeTimers();
  asked.length = 0;
  const next = entry('video');
  const demands = new DemandControl(session, (producerId) => (producerId === 'p' ? next : undefined));
  demands.set('former', before);
  await demands.inPlaceOf('former', 'p', Promise.resolve());
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked.map(([type]) => type)).toEqual(['resume-consumer']);
  if (then) demands.set('p', then);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(asked.map(([type]) => type)).toEqual(wanted);
  vi.useRealTimers();
});
