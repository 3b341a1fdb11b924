import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Connection } from '../src/connection.ts';
import { mayTakeOver, RotundaError, Session, type SessionOptions, type SessionState } from '../src/index.ts';
import { joined, lastSocket, makeSocket, ScriptedSocket, settle } from './scripted-socket.ts';

class MemoryStore {
  items = new Map<string, string>();
  getItem = (key: string) => this.items.get(key) ?? null;
  setItem = (key: string, value: string) => void this.items.set(key, value);
  removeItem = (key: string) => void this.items.delete(key);
}

let states: SessionState[];
let heard: string[];

function make(tokenStore = new MemoryStore(), options: SessionOptions = {}) {
  const session = new Session('ws://host/ws', 'garden', 'ann', { makeSocket, tokenStore, ...options });
  session.on('state', (state) => states.push(state));
  session.on('joined', ({ resumed }) => heard.push(resumed ? 'resumed' : 'joined'));
  session.on('notification', ({ type }) => heard.push(type));
  return session;
}

async function join(session: Session, more: object = {}) {
  const joining = session.join();
  lastSocket().open();
  await settle();
  lastSocket().answers('join-room', 'joined', joined(more));
  await joining;
}

const names = () => states.map(({ name }) => name);

let chance: number;

beforeEach(() => {
  vi.useFakeTimers();
  chance = 0;
  vi.spyOn(Math, 'random').mockImplementation(() => chance);
  ScriptedSocket.all = [];
  states = [];
  heard = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('joining', () => {
  test('asks for the room by name and knows who it is', async () => {
    const session = make();
    await join(session);
    expect(lastSocket().sent[0]).toMatchObject({ type: 'join-room', data: { roomId: 'garden', username: 'ann' } });
    expect(lastSocket().sent[0]!.data).not.toHaveProperty('resumeToken');
    expect(session.userId).toBe('me');
    expect(names()).toEqual(['joining', 'joined']);
  });

  test('tells of notifications only after joined, in their order', async () => {
    const session = make();
    const joining = session.join();
    lastSocket().open();
    await settle();
    lastSocket().answers('join-room', 'joined', joined());
    lastSocket().says('user-joined', { user: 'bob', userId: 'b' });
    lastSocket().says('new-producer', { producerId: 'p' });
    await joining;
    expect(heard).toEqual(['joined', 'user-joined', 'new-producer']);
  });

  test('ends with the reason when it is refused, and does not try again', async () => {
    const session = make();
    const joining = session.join();
    const failed = expect(joining).rejects.toMatchObject({ code: 'username-taken' });
    lastSocket().open();
    await settle();
    lastSocket().answers('join-room', 'error', { code: 'username-taken', message: 'taken' });
    await failed;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ScriptedSocket.all.length).toBe(1);
    expect(states.at(-1)).toMatchObject({ name: 'ended', error: { code: 'username-taken' } });
  });
});

describe('a lost connection', () => {
  test('is resumed with the token, each token once', async () => {
    const session = make();
    await join(session);
    for (const token of ['token-1', 'token-2']) {
      lastSocket().drops();
      await vi.advanceTimersByTimeAsync(0);
      lastSocket().open();
      await settle();
      expect(lastSocket().sent[0]!.data).toMatchObject({ resumeToken: token, username: 'ann' });
      lastSocket().answers('join-room', 'joined', joined({ resumed: true, resumeToken: 'token-2' }));
      await settle();
    }
    expect(heard).toEqual(['joined', 'resumed', 'resumed']);
    expect(names()).toEqual(['joining', 'joined', 'lost', 'joined', 'lost', 'joined']);
  });

  test.each([
    [0, 0, [250, 500, 1000, 1500]],
    [0.5, 250, [500, 1000, 2000, 3000]],
    [0.99, 495, [745, 1490, 2980, 4470]],
  ])(
    'is tried again after growing delays, spread by chance (%d), with the time of the next try told',
    async (by, first, expected) => {
      chance = by;
      const session = make();
      await join(session);
      const start = Date.now();
      lastSocket().drops();
      await vi.advanceTimersByTimeAsync(first);
      const waits: number[] = [];
      for (let i = 0; i < 4; i++) {
        lastSocket().drops();
        await vi.advanceTimersByTimeAsync(0);
        const state = states.at(-1)!;
        if (state.name !== 'lost') throw new Error(`expected lost, got ${state.name}`);
        waits.push(state.retryAt - Date.now());
        await vi.advanceTimersByTimeAsync(state.retryAt - Date.now());
      }
      expect(waits).toEqual(expected);
      expect(Date.now() - start).toBe(expected.reduce((sum, wait) => sum + wait, first));
      expect(ScriptedSocket.all.length).toBe(6);
    },
  );

  test('is tried at once when asked to', async () => {
    const session = make();
    await join(session);
    lastSocket().drops();
    for (let i = 0; i < 3; i++) {
      await vi.advanceTimersByTimeAsync(0);
      lastSocket().drops();
      await vi.advanceTimersByTimeAsync(0);
      session.retryNow();
    }
    await vi.advanceTimersByTimeAsync(0);
    expect(ScriptedSocket.all.length).toBe(5);
  });

  test('is given up in the end, with a reason', async () => {
    const session = make();
    await join(session);
    lastSocket().drops();
    for (let i = 0; i < 40 && states.at(-1)!.name !== 'ended'; i++) {
      await vi.advanceTimersByTimeAsync(5_000);
      lastSocket().drops();
    }
    expect(states.at(-1)).toMatchObject({ name: 'ended', error: { code: 'unreachable' } });
  });

  test('is found out by a ping without answer', async () => {
    const session = make();
    await join(session);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(lastSocket().sent.at(-1)!.type).toBe('ping');
    expect(names().at(-1)).toBe('joined');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(names()).toContain('lost');
    expect(session.state.name).not.toBe('joined');
  });

  test('that was taken over by another tab is not fought for', async () => {
    const session = make();
    await join(session);
    lastSocket().drops(4001);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ScriptedSocket.all.length).toBe(1);
    expect(session.state).toMatchObject({ name: 'ended', error: { code: 'taken-over' } });
  });
});

describe('a first join', () => {
  const fails = async (code: string) => {
    lastSocket().open();
    await settle();
    lastSocket().answers('join-room', 'error', { code, message: 'words' });
    await settle();
  };

  test('that finds no server is tried again, with the reason told, until there is one', async () => {
    const session = make();
    const joining = session.join();
    lastSocket().drops();
    await settle();
    expect(states.at(-1)).toMatchObject({ name: 'joining', retry: { error: { code: 'unreachable' } } });
    await vi.advanceTimersByTimeAsync(0);
    await fails('rate-limited');
    expect(states.at(-1)).toMatchObject({ name: 'joining', retry: { error: { code: 'rate-limited' } } });
    await vi.advanceTimersByTimeAsync(500);
    lastSocket().open();
    await settle();
    lastSocket().answers('join-room', 'joined', joined());
    await joining;
    expect(names()).toEqual(['joining', 'joining', 'joining', 'joined']);
  });

  test.each(['username-taken', 'room-full', 'bad-request', 'draining'])(
    'that is refused as %s is not',
    async (code) => {
      const joining = make().join();
      const refused = expect(joining).rejects.toMatchObject({ code });
      await fails(code);
      await refused;
      await vi.advanceTimersByTimeAsync(60_000);
      expect(ScriptedSocket.all.length).toBe(1);
    },
  );

  test('ends when the person leaves, or where nobody wants it tried again', async () => {
    const session = make();
    const refused = expect(session.join()).rejects.toMatchObject({ code: 'left' });
    lastSocket().drops();
    await settle();
    session.leave();
    await refused;
    const once = make(undefined, { retryFirst: false });
    const failed = expect(once.join()).rejects.toBeInstanceOf(RotundaError);
    lastSocket().drops();
    await failed;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ScriptedSocket.all.length).toBe(2);
  });
});

describe('a place that is taken over', () => {
  const token = () => lastSocket().sent[0]!.data.resumeToken;

  test('by a new tab, when the person says so and not before', async () => {
    const placeStore = new MemoryStore();
    await join(make(new MemoryStore(), { placeStore }));
    expect(mayTakeOver(placeStore, 'garden', 'ann')).toBe(true);
    expect(mayTakeOver(placeStore, 'garden', 'bob')).toBe(false);
    void make(new MemoryStore(), { placeStore }).join();
    lastSocket().open();
    await settle();
    expect(token()).toBeUndefined();
    void make(new MemoryStore(), { placeStore, takeOver: true }).join();
    lastSocket().open();
    await settle();
    expect(token()).toBe('token-1');
  });

  test('is not forgotten by the tab that lost it, and is by the one that leaves', async () => {
    const placeStore = new MemoryStore();
    const old = make(new MemoryStore(), { placeStore });
    await join(old);
    const socket = lastSocket();
    const next = make(new MemoryStore(), { placeStore, takeOver: true });
    await join(next, { resumed: true, resumeToken: 'token-2' });
    socket.drops(4001);
    await settle();
    expect([...placeStore.items.values()]).toEqual(['token-2']);
    next.leave();
    expect(mayTakeOver(placeStore, 'garden', 'ann')).toBe(false);
  });
});

describe('leaving', () => {
  test('says goodbye, forgets the token, and comes back no more', async () => {
    const store = new MemoryStore();
    const session = make(store);
    await join(session);
    expect([...store.items.values()]).toEqual(['token-1']);
    session.leave();
    expect(lastSocket().sent.at(-1)!.type).toBe('leave-room');
    expect(session.state).toEqual({ name: 'ended', error: null });
    expect(store.items.size).toBe(0);
    lastSocket().answers('leave-room', 'left', {});
    await settle();
    expect(lastSocket().closedWith).toBe(1000);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ScriptedSocket.all.length).toBe(1);
  });

  test('while it reconnects ends the trying', async () => {
    const session = make();
    await join(session);
    lastSocket().drops();
    await vi.advanceTimersByTimeAsync(0);
    lastSocket().drops();
    await vi.advanceTimersByTimeAsync(0);
    const tries = ScriptedSocket.all.length;
    session.leave();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ScriptedSocket.all.length).toBe(tries);
  });

  test('of a page that reloads keeps the token, and the next page resumes with it', async () => {
    const store = new MemoryStore();
    const session = make(store);
    await join(session);
    session.leave({ keepToken: true });
    const again = make(store);
    void again.join();
    lastSocket().open();
    await settle();
    expect(lastSocket().sent[0]!.data).toMatchObject({ resumeToken: 'token-1', username: 'ann' });
  });
});

describe('a server that ends', () => {
  const drains = async (url: string | null = null) => {
    lastSocket().says('server-draining', { deadline: Date.now() + 60_000, url });
    await vi.advanceTimersByTimeAsync(10);
  };

  test('is left for the process that lets in, and the call goes on meanwhile', async () => {
    const session = make();
    await join(session);
    const before = lastSocket();
    await drains();
    const refusing = lastSocket();
    refusing.open();
    await settle();
    expect(refusing.sent[0]!.data).not.toHaveProperty('resumeToken');
    refusing.answers('join-room', 'error', { code: 'draining', message: '', request: 'join-room' });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(before.closedWith).toBeNull();
    expect(session.state.name).toBe('joined');
    const after = lastSocket();
    expect(after).not.toBe(refusing);
    after.open();
    await settle();
    after.answers('join-room', 'joined', joined({ userId: 'me-2' }));
    await settle();
    expect(session.userId).toBe('me-2');
    expect(heard).toEqual(['joined', 'server-draining', 'joined']);
    before.says('user-left', { user: 'bob', userId: 'b', reason: 'left' });
    expect(heard.length).toBe(3);
    before.answers('leave-room', 'left', {});
    await settle();
    expect(before.closedWith).toBe(1000);
    expect(after.closedWith).toBeNull();
  });

  test('is not left by itself where somebody keeps it', async () => {
    const kept: Connection[] = [];
    const session = make(undefined, { keepFormer: (connection) => kept.push(connection) });
    await join(session);
    const before = lastSocket();
    await drains();
    lastSocket().open();
    await settle();
    lastSocket().answers('join-room', 'joined', joined({ userId: 'me-2' }));
    await settle();
    expect(session.userId).toBe('me-2');
    expect(before.sent.some(({ type }) => type === 'leave-room')).toBe(false);
    expect(before.closedWith).toBeNull();
    expect(kept.length).toBe(1);
  });

  test('is left for the place that it names, but not for one that is less safe', async () => {
    const session = make();
    await join(session);
    await drains('wss://other/ws');
    expect(lastSocket().url).toBe('wss://other/ws');
    lastSocket().open();
    await settle();
    lastSocket().answers('join-room', 'joined', joined());
    await settle();
    expect(session.url).toBe('wss://other/ws');
    for (const url of ['ws://other/ws', 'https://other/', 'javascript:alert(1)']) {
      const count = ScriptedSocket.all.length;
      await drains(url);
      expect(ScriptedSocket.all.length).toBe(count + 1);
      expect(lastSocket().url).toBe('wss://other/ws');
      lastSocket().open();
      await settle();
      lastSocket().answers('join-room', 'joined', joined());
      await settle();
    }
  });

  test('is left after a return, too, which was not there when the others heard', async () => {
    const session = make();
    await join(session);
    const lost = lastSocket();
    await drains('wss://other/ws');
    lastSocket().drops(); // the other one is not there yet
    await settle();
    lost.drops();
    await vi.advanceTimersByTimeAsync(10);
    const again = lastSocket();
    expect(again.url).toBe('ws://host/ws');
    again.open();
    await settle();
    expect(again.sent[0]!.data).toHaveProperty('resumeToken');
    again.answers('join-room', 'joined', joined({ resumed: true }));
    await drains('wss://other/ws'); // while the move from the lost one may still wait for its next try
    const other = lastSocket();
    expect(other.url).toBe('wss://other/ws');
    other.open();
    await settle();
    other.answers('join-room', 'joined', joined({ userId: 'me-2' }));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(session.userId).toBe('me-2');
    expect(again.sent.some(({ type }) => type === 'leave-room')).toBe(true);
    expect(ScriptedSocket.all.filter(({ url }) => url === 'wss://other/ws').length).toBe(2);
  });

  test('sends newcomers to the next one, where it names one', async () => {
    const session = make();
    const joining = session.join();
    const refusal = { code: 'draining', message: '', request: 'join-room' };
    lastSocket().open();
    await settle();
    lastSocket().says('server-draining', { deadline: null, url: 'wss://other/ws' });
    lastSocket().answers('join-room', 'error', refusal);
    await vi.advanceTimersByTimeAsync(10);
    expect(lastSocket().url).toBe('wss://other/ws');
    lastSocket().open();
    await settle();
    lastSocket().answers('join-room', 'joined', joined());
    await joining;
    expect(session.url).toBe('wss://other/ws');
    const nowhere = make().join();
    const refused = expect(nowhere).rejects.toMatchObject({ code: 'draining' });
    lastSocket().open();
    await settle();
    lastSocket().says('server-draining', { deadline: null, url: null });
    lastSocket().answers('join-room', 'error', refusal);
    await refused;
  });

  test('that is gone before another lets in is a lost connection', async () => {
    const session = make();
    await join(session);
    const before = lastSocket();
    await drains();
    before.drops(1001);
    lastSocket().drops();
    await vi.advanceTimersByTimeAsync(10);
    expect(session.state.name).toBe('lost');
    lastSocket().open();
    await settle();
    lastSocket().answers('join-room', 'joined', joined());
    await settle();
    expect(session.state.name).toBe('joined');
    expect(ScriptedSocket.all.filter(({ closedWith }) => closedWith === null).length).toBe(1);
  });
});
