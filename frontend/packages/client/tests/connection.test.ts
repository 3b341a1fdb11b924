import { beforeEach, afterEach, describe, expect, test, vi } from 'vitest';
import { Connection } from '../src/index.ts';
import { lastSocket, makeSocket, settle } from './scripted-socket.ts';

const heard: unknown[] = [];
const closings: unknown[] = [];

async function open() {
  const opening = Connection.open(
    'ws://host/ws',
    { notified: (type, data) => heard.push([type, data]), closed: (code, reason) => closings.push([code, reason]) },
    makeSocket,
  );
  lastSocket().open();
  return { connection: await opening, socket: lastSocket() };
}

beforeEach(() => {
  vi.useFakeTimers();
  heard.length = closings.length = 0;
});
afterEach(() => vi.useRealTimers());

describe('a connection', () => {
  test('matches answers to requests by id, in any order', async () => {
    const { connection, socket } = await open();
    const first = connection.request('ping', {});
    const second = connection.request('chat-message', { text: 'hello' });
    const [one, two] = socket.sent;
    expect(one!.id).not.toBe(two!.id);
    socket.says('chat-message', { text: 'hello' }, two!.id);
    socket.says('pong', { ts: 5 }, one!.id);
    expect(await second).toEqual({ text: 'hello' });
    expect(await first).toEqual({ ts: 5 });
    expect(heard).toEqual([]);
  });

  test('never sends half a character: the server could not read it', async () => {
    const { connection, socket } = await open();
    const raw = vi.spyOn(socket, 'send');
    const [half, whole] = ['\u{1F600}'.slice(0, 1), '\u{1F600}'];
    connection.request('chat-message', { text: `a${half}b${whole}${whole.slice(1)}`, timestamp: half }).catch(() => {});
    expect(socket.sent[0]!.data).toEqual({ text: `a\ufffdb${whole}\ufffd`, timestamp: '\ufffd' });
    expect(raw.mock.calls[0]![0]).not.toMatch(/\\ud[89a-f]/i);
  });

  test('rejects with the code of an error answer', async () => {
    const { connection, socket } = await open();
    const request = connection.request('join-room', { roomId: 'garden', username: 'ann' });
    socket.answers('join-room', 'error', { code: 'username-taken', message: 'taken', request: 'join-room' });
    await expect(request).rejects.toMatchObject({ code: 'username-taken', message: 'taken', request: 'join-room' });
  });

  test('times out, and ignores the answer that comes later', async () => {
    const { connection, socket } = await open();
    const request = connection.request('ping', {}, 500);
    const failed = expect(request).rejects.toMatchObject({ code: 'timeout' });
    await vi.advanceTimersByTimeAsync(500);
    await failed;
    socket.answers('ping', 'pong', { ts: 1 });
    expect(heard).toEqual([]);
  });

  test('passes notifications on, and survives text that is no JSON', async () => {
    const { socket } = await open();
    socket.raw('not json');
    socket.says('user-joined', { user: 'bob', userId: 'b' });
    expect(heard).toEqual([['user-joined', { user: 'bob', userId: 'b' }]]);
  });

  test('rejects what waits when it is lost, and says so once', async () => {
    const { connection, socket } = await open();
    const request = connection.request('ping', {});
    socket.drops(1006);
    await expect(request).rejects.toMatchObject({ code: 'connection-lost' });
    await expect(connection.request('ping', {})).rejects.toMatchObject({ code: 'connection-lost' });
    expect(closings).toEqual([[1006, '']]);
  });

  test('that cannot be made is unreachable', async () => {
    const opening = Connection.open('ws://host/ws', { notified: () => {}, closed: () => {} }, makeSocket);
    lastSocket().drops();
    await expect(opening).rejects.toMatchObject({ code: 'unreachable' });
  });

  test('that takes too long is unreachable', async () => {
    const opening = Connection.open('ws://host/ws', { notified: () => {}, closed: () => {} }, makeSocket);
    const failed = expect(opening).rejects.toMatchObject({ code: 'unreachable' });
    await vi.advanceTimersByTimeAsync(10_000);
    await failed;
    await settle();
    expect(lastSocket().closedWith).not.toBeNull();
  });
});
