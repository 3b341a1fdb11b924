import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Session, type SessionState } from '@/lib/rotunda';
import { joined, lastSocket, makeSocket, ScriptedSocket, settle } from './scripted_socket';

class MemoryStore {
  items = new Map<string, string>();
  getItem = (key: string) => this.items.get(key) ?? null;
  setItem = (key: string, value: string) => void this.items.set(key, value);
  removeItem = (key: string) => void this.items.delete(key);
}

let states: SessionState[];
let heard: string[];

function make(tokenStore = new MemoryStore()) {
  const session = new Session('ws://host/ws', 'garden', 'ann', { makeSocket, tokenStore });
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

beforeEach(() => {
  vi.useFakeTimers();
  ScriptedSocket.all = [];
  states = [];
  heard = [];
});
afterEach(() => vi.useRealTimers());

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

  test('is tried again after growing delays, with the time of the next try told', async () => {
    const session = make();
    await join(session);
    const start = Date.now();
    lastSocket().drops();
    await vi.advanceTimersByTimeAsync(0);
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      lastSocket().drops();
      await vi.advanceTimersByTimeAsync(0);
      const state = states.at(-1)!;
      if (state.name !== 'lost') throw new Error(`expected lost, got ${state.name}`);
      waits.push(state.retryAt - Date.now());
      await vi.advanceTimersByTimeAsync(state.retryAt - Date.now());
    }
    expect(waits).toEqual([500, 1000, 2000, 3000]);
    expect(Date.now() - start).toBe(6500);
    expect(ScriptedSocket.all.length).toBe(6);
  });

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
