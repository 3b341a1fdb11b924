import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AWAY_AFTER_MS, AwayWatch } from '../src/away.ts';
import { EncodingControl, encodeUpTo, encodingUpTo, modeForWidth } from '../src/encoding.ts';
import { PATH_PATIENCE_MS, PathWatch, type Leg } from '../src/path.ts';

describe('the way of the media', () => {
  let told: (Leg | null)[];
  let flows: boolean;
  let path: PathWatch;
  beforeEach(() => {
    vi.useFakeTimers();
    told = [];
    flows = true;
    path = new PathWatch(
      (leg) => told.push(leg),
      async () => flows,
    );
  });
  afterEach(() => vi.useRealTimers());
  const pass = (ms = PATH_PATIENCE_MS) => vi.advanceTimersByTimeAsync(ms);

  test.each([
    ['no packet passes', 'new', 'new', 'ice'],
    ['no keys are agreed on', 'connected', 'connecting', 'dtls'],
    ['the server hears this side, which does not hear it', 'connected', 'connected', 'ice'],
  ] as const)('%s: the leg is named within 8 s, once', async (_, ice, dtls, leg) => {
    path.serverSees(ice, dtls);
    path.becomes('connecting');
    await pass(1000);
    path.becomes('failed');
    path.becomes('connecting');
    await pass(7000);
    expect(told).toEqual([leg]);
    path.becomes('connected');
    expect(told).toEqual([leg, null]);
  });

  test('what is connected in time is well', async () => {
    path.becomes('connecting');
    await pass(PATH_PATIENCE_MS - 1);
    path.becomes('connected');
    await pass(60_000);
    expect(told).toEqual([]);
  });

  test('all is agreed on and nothing comes: told, until it does', async () => {
    flows = false;
    path.becomes('connecting');
    path.becomes('connected');
    await pass();
    expect(told).toEqual(['media']);
    flows = true;
    await pass();
    expect(told).toEqual(['media', null]);
  });

  test('a way that breaks later is told, and one that is closed is nobody’s trouble', async () => {
    path.becomes('connected');
    await pass(60_000);
    path.becomes('disconnected');
    await pass(PATH_PATIENCE_MS - 1);
    expect(told).toEqual([]);
    await pass(1);
    expect(told).toEqual(['ice']);
    path.becomes('closed');
    await pass(60_000);
    expect(told).toEqual(['ice', null]);
  });
});

describe('whose network is gone', () => {
  const flow = (packets: number, more: object = {}) => ({ id: 'mic', userId: 'b', packets, expected: true, ...more });

  test('nothing comes for a while: away, and back with the next packet', () => {
    const watch = new AwayWatch();
    expect(watch.look([flow(1)], 0)).toEqual([]);
    expect(watch.look([flow(2)], 1000)).toEqual([]);
    expect(watch.look([flow(2)], 1000 + AWAY_AFTER_MS - 1)).toEqual([]);
    expect(watch.look([flow(2)], 1000 + AWAY_AFTER_MS)).toEqual([{ userId: 'b', away: true }]);
    expect(watch.look([flow(2)], 60_000)).toEqual([]);
    expect(watch.look([flow(3)], 61_000)).toEqual([{ userId: 'b', away: false }]);
  });

  test.each([
    ['what has never come', [flow(0), flow(0)]],
    ['who is muted', [flow(1), flow(2), flow(2, { expected: false })]],
  ])('%s is not', (_, looks) => {
    const watch = new AwayWatch();
    const last = looks.at(-1)!;
    looks.forEach((one, i) => watch.look([one], i));
    expect(watch.look([last], 60_000)).toEqual([]);
  });

  test('the silence of who was muted counts from the end of it', () => {
    const watch = new AwayWatch();
    watch.look([flow(1)], 0);
    watch.look([flow(2)], 1);
    watch.look([flow(2, { expected: false })], 60_000);
    expect(watch.look([flow(2)], 60_001)).toEqual([]);
    expect(watch.look([flow(2)], 60_000 + AWAY_AFTER_MS)).toEqual([{ userId: 'b', away: true }]);
  });

  test('one source that still comes is enough, and after a silence of one’s own nobody is to blame', () => {
    const watch = new AwayWatch();
    const camera = (packets: number) => flow(packets, { id: 'camera' });
    watch.look([flow(1), camera(1)], 0);
    watch.look([flow(2), camera(2)], 1);
    expect(watch.look([flow(2), camera(9)], 60_000)).toEqual([]);
    expect(watch.look([flow(2), camera(9)], 60_000 + AWAY_AFTER_MS)).toEqual([{ userId: 'b', away: true }]);
    expect(watch.forget()).toEqual([{ userId: 'b', away: false }]);
    expect(watch.look([flow(2), camera(9)], 120_000)).toEqual([]);
  });
});

describe('what is encoded', () => {
  class Sender {
    encodings: { active?: boolean }[];
    changes = 0;
    constructor(layers: number) {
      this.encodings = Array.from({ length: layers }, () => ({}));
    }
    getParameters = () => ({ encodings: this.encodings.map((one) => ({ ...one })) });
    setParameters = async ({ encodings }: { encodings: { active?: boolean }[] }) => {
      this.changes++;
      this.encodings = encodings;
    };
    get active() {
      return this.encodings.map(({ active = true }) => active);
    }
  }
  const producerOf = (sender: Sender) =>
    ({ id: 'p', closed: false, rtpSender: sender, rtpParameters: { encodings: sender.encodings } }) as never;

  test.each([
    [null, [false, false, false]],
    [0, [true, false, false]],
    [1, [true, true, false]],
    [2, [true, true, true]],
    [Infinity, [true, true, true]],
  ])('up to layer %s', async (top, active) => {
    const sender = new Sender(3);
    await encodeUpTo(sender as never, top);
    expect(sender.active).toEqual(active);
    await encodeUpTo(sender as never, top);
    expect(sender.changes).toBeLessThanOrEqual(1);
  });

  test.each([
    ['L3T3_KEY', Infinity, Infinity, { scalabilityMode: 'L3T3_KEY' }],
    ['L3T3_KEY', 1, Infinity, { scalabilityMode: 'L2T3_KEY', scaleResolutionDownBy: 2, maxBitrate: 350 }],
    ['L3T3_KEY', 0, 1, { scalabilityMode: 'L1T2', scaleResolutionDownBy: 4, maxBitrate: 122, maxFramerate: 15 }],
    ['L2T2h', 0, 5, { scalabilityMode: 'L1T2', scaleResolutionDownBy: 1.5, maxBitrate: 350 }],
    ['L1T3', Infinity, 0, { scalabilityMode: 'L1T1', maxFramerate: 7.5 }],
    ['S3T3', 0, 0, { scalabilityMode: 'S3T3' }], // left as it is
    [undefined, 0, 0, {}],
  ])('%s up to layers %s and %s', (scalabilityMode, spatial, temporal, expected) => {
    expect(encodingUpTo({ scalabilityMode, maxBitrate: 1000 } as never, spatial, temporal)).toEqual({
      maxBitrate: 1000,
      scalabilityMode,
      ...expected,
    });
  });

  test.each([
    ['L3T3_KEY', 1280, 'L3T3_KEY'],
    ['L3T3_KEY', 640, 'L2T3_KEY'],
    ['L3T3_KEY', 320, 'L1T3'],
    ['L1T3', 320, 'L1T3'],
    ['S3T3', 320, 'S3T3'],
    [undefined, 320, undefined],
  ])('%s of a picture %i pixels wide', (mode, width, expected) => expect(modeForWidth(mode, width)).toBe(expected));

  test('layers in one encoding are taken back and given again', async () => {
    const sender = new Sender(1);
    sender.encodings = [{ active: true, scalabilityMode: 'L3T3' } as never];
    await encodeUpTo(sender as never, 1, 0);
    expect(sender.encodings).toEqual([
      { active: true, scalabilityMode: 'L2T1', scaleResolutionDownBy: 2, maxFramerate: 7.5 },
    ]);
    await encodeUpTo(sender as never, null);
    expect(sender.active).toEqual([false]);
    await encodeUpTo(sender as never, Infinity);
    expect(sender.encodings).toEqual([{ active: true, scalabilityMode: 'L3T3' }]);
  });

  test.each([
    ['alone, nothing', 1, undefined, true, null],
    ['a source without layers, as soon as somebody is there', 1, undefined, false, 0],
    ['layers, once somebody wants them', 3, undefined, false, null],
    ['what is told', 3, 1, false, 1],
    ['what is told, even to one who seems alone', 3, 2, true, 2],
    ['nothing, when it is told so', 3, null, false, null],
  ] as const)('%s', async (_, layers, told, alone, expected) => {
    const control = new EncodingControl();
    if (told !== undefined) control.told('p', told);
    expect(control.wanted(producerOf(new Sender(layers)), alone)).toBe(expected);
  });

  test('after a loss all is wanted until it is told anew; while one is alone, nothing', () => {
    const control = new EncodingControl();
    const producer = producerOf(new Sender(3));
    control.told('p', null);
    control.missed(['p'], false);
    expect(control.wanted(producer, false)).toBe(Infinity);
    control.told('p', 0);
    expect(control.wanted(producer, false)).toBe(0);
    control.missed(['p'], true);
    expect(control.wanted(producer, true)).toBeNull();
  });

  test('changes follow one another, and the last one holds', async () => {
    const sender = new Sender(3);
    const control = new EncodingControl();
    for (const layer of [2, null, 1]) {
      control.told('p', layer);
      control.settle(producerOf(sender), false);
    }
    await vi.waitFor(() => expect(sender.active).toEqual([true, true, false]));
  });
});
