import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Connection, Handlers } from '../src/connection.ts';
import { People } from '../src/people.ts';
import type { RemoteTrack } from '../src/room-events.ts';

let handlers: Handlers;
let asked: unknown[];
let closed: boolean;
let news: unknown[];
let sending: { id: string; closed: boolean; close(): void };
let transport: { closed: boolean; close(): void };
let peers: Map<string, string>;
let people: People;

const shut = <Thing extends object>(thing: Thing) => ({
  ...thing,
  closed: false,
  close() {
    this.closed = true;
  },
});

const entryOf = (userId: string, producerId: string, kind: 'video' | 'audio' = 'video') => {
  const consumer = shut({ frames: 0, getStats: async () => new Map() });
  consumer.getStats = async () =>
    new Map([['one', { type: 'inbound-rtp', framesDecoded: consumer.frames, packetsReceived: consumer.frames }]]);
  const source = kind === 'video' ? 'camera' : 'microphone';
  return { consumer, producerId, userId, kind, source, paused: false } as unknown as RemoteTrack & {
    consumer: { frames: number };
  };
};
const joined = (...list: [string, string][]) =>
  people.sync({ peers: list.map(([userId, username]) => ({ userId, username })) } as never);
const hears = (type: string, data: object) => handlers.notified(type as never, data);

let bobs: ReturnType<typeof entryOf>;

beforeEach(() => {
  vi.useFakeTimers();
  news = [];
  asked = [];
  closed = false;
  bobs = entryOf('b1', 'video-b1');
  sending = shut({ id: 'mine' });
  transport = shut({});
  peers = new Map([
    ['b1', 'bob'],
    ['c1', 'cid'],
  ]);
  people = new People(
    peers,
    (type, detail) => {
      const { userId, producerId, moved } = detail as { userId: string; producerId?: string; moved?: boolean };
      news.push([type, userId, ...(producerId ? [producerId] : []), ...(moved ? ['moved'] : [])]);
    },
    () => {},
    () => {},
  );
  const connection = {
    handOver: (to: Handlers) => (handlers = to),
    request: async (type: string) => void asked.push(type),
    close: () => ((closed = true), handlers.closed(1000, '')),
  } as unknown as Connection;
  people.moved({
    connection,
    transports: [transport as never, null],
    producers: [['camera', sending as never]],
    tracks: [bobs],
  });
});
afterEach(() => void vi.useRealTimers());

const isOver = () => transport.closed && bobs.consumer.closed && asked.includes('leave-room');

describe('a move to another server', () => {
  test('shows everybody as before, and those who are there already under their new names', () => {
    joined(['b2', 'bob'], ['d2', 'dan']);
    expect(news).toEqual([
      ['track-ended', 'b1', 'video-b1'],
      ['peer-left', 'b1', 'moved'],
      ['peer-joined', 'b2'],
      ['track', 'b2', 'video-b1'],
      ['peer-joined', 'd2'],
    ]);
    expect([...peers.keys()]).toEqual(['c1', 'b2', 'd2']);
    expect(bobs.consumer.closed).toBe(false);
    people.joined('c2', 'cid', true);
    expect(news.slice(-2)).toEqual([
      ['peer-left', 'c1', 'moved'],
      ['peer-joined', 'c2'],
    ]);
    joined(['b2', 'bob'], ['c2', 'cid'], ['d2', 'dan']); // the next server is lost, and resumed
    expect([...peers.keys()]).toEqual(['b2', 'd2', 'c2']);
  });

  test('leaves the former one when all has come, a little later', async () => {
    joined(['b2', 'bob'], ['c2', 'cid']);
    const former = people.handover!.shown('b2', 'camera')!;
    expect(former.producerId).toBe('video-b1');
    expect(people.handover!.shown('b2', 'microphone')).toBeUndefined();
    const next = entryOf('b2', 'video-b2');
    let ready = false;
    void people.handover!.ready(next).then(() => (ready = true));
    await vi.advanceTimersByTimeAsync(500);
    expect(ready).toBe(false);
    next.consumer.frames = 1;
    await vi.advanceTimersByTimeAsync(100);
    expect(ready).toBe(true);
    people.handover!.replaced(former);
    expect(news.at(-1)).toEqual(['track-ended', 'b2', 'video-b1']);
    expect(bobs.consumer.closed).toBe(true);
    await vi.advanceTimersByTimeAsync(2_500);
    expect(isOver()).toBe(false); // others may still wait for what is sent
    expect(sending.closed).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(isOver() && closed).toBe(true);
  });

  test.each([
    ['is paused', (next: RemoteTrack) => void (next.paused = true)],
    ['is closed', (next: RemoteTrack) => next.consumer.close()],
    ['has nothing until the end', () => {}],
  ])('does not wait for what %s', async (_, does) => {
    joined(['b2', 'bob']);
    const next = entryOf('b2', 'audio-b2', 'audio');
    let ready = false;
    void people.handover!.ready(next).then(() => (ready = true));
    does(next);
    await vi.advanceTimersByTimeAsync(10_100);
    expect(ready).toBe(true);
  });

  test('does not last for ever: who does not come along is gone', async () => {
    joined(['b2', 'bob']);
    await vi.advanceTimersByTimeAsync(9_000);
    expect(isOver()).toBe(false);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(isOver()).toBe(true);
    expect([...peers.keys()]).toEqual(['b2']);
    expect(news.slice(-2)).toEqual([
      ['track-ended', 'b2', 'video-b1'],
      ['peer-left', 'c1'],
    ]);
  });

  test('whoever leaves the former server for good is gone at once, and who moved is not', async () => {
    joined(['b2', 'bob']);
    hears('user-left', { userId: 'c1' });
    expect(news.at(-1)).toEqual(['peer-left', 'c1']);
    hears('producer-closed', { producerId: 'video-b1' });
    hears('user-left', { userId: 'b1' });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(bobs.consumer.closed).toBe(false);
    people.left('b2');
    expect(bobs.consumer.closed).toBe(true);
    expect(news.slice(-2)).toEqual([
      ['track-ended', 'b2', 'video-b1'],
      ['peer-left', 'b2'],
    ]);
  });

  test('what ends at the former server ends', async () => {
    joined(['b2', 'bob']);
    hears('producer-closed', { producerId: 'video-b1' });
    await vi.advanceTimersByTimeAsync(300);
    expect(news.at(-1)).toEqual(['track-ended', 'b2', 'video-b1']);
    expect(bobs.consumer.closed).toBe(true);
  });

  test('what is paused or stopped here goes out there no more', () => {
    people.handover!.silence('microphone');
    expect(asked).toEqual([]);
    people.handover!.silence('camera');
    expect(sending.closed).toBe(true);
    expect(asked).toEqual(['close-producer']);
  });

  test('ends with the former server, with the next move and with the stay', async () => {
    handlers.closed(1001, '');
    expect(isOver()).toBe(true);
    expect(people.handover!.meets('bob', 'b9')).toBeNull();
    const told = news.length;
    people.handover!.close();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(news.length).toBe(told);
  });
});
