import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { needsPassword, RotundaError, Session, type SessionOptions, type SessionState } from '../src/index.ts';
import { joined, lastSocket, makeSocket, ScriptedSocket, settle } from './scripted-socket.ts';

let states: SessionState[];
const names = () => states.map(({ name }) => name);

async function knocks(options: SessionOptions = {}) {
  const session = new Session('ws://host/ws', 'garden', 'bob', { makeSocket, retryFirst: false, ...options });
  session.on('state', (state) => states.push(state));
  const joining = session.join();
  joining.catch(() => {}); // looked at below
  lastSocket().open();
  await settle();
  lastSocket().answers('join-room', 'lobby', { state: 'waiting', roomId: 'garden', userId: 'k', username: 'bob' });
  await settle();
  return { session, joining };
}

beforeEach(() => {
  vi.useFakeTimers();
  ScriptedSocket.all = [];
  states = [];
});
afterEach(() => void vi.useRealTimers());

test('who is let in joins on the same connection, with the same request', async () => {
  const { joining, session } = await knocks({ password: 'rake' });
  expect(names()).toEqual(['joining', 'waiting']);
  lastSocket().says('lobby', { state: 'admitted', roomId: 'garden', by: 'ann' });
  await settle();
  lastSocket().answers('join-room', 'joined', joined());
  await joining;
  const joins = lastSocket().sent.filter(({ type }) => type === 'join-room');
  expect(joins.map(({ data }) => data)).toEqual([
    { roomId: 'garden', username: 'bob', password: 'rake' },
    { roomId: 'garden', username: 'bob', password: 'rake' },
  ]);
  expect(ScriptedSocket.all.length).toBe(1);
  expect(session.state.name).toBe('joined');
});

test('who is sent away hears by whom and why; a closed room is an end, too', async () => {
  for (const [state, code] of [
    ['denied', 'denied'],
    ['room-closed', 'room-closed'],
  ] as const) {
    const { joining, session } = await knocks();
    lastSocket().says('lobby', { state, roomId: 'garden', by: 'ann', message: 'members only' });
    await expect(joining).rejects.toMatchObject({ code, by: 'ann', message: 'members only' });
    expect(session.state.name).toBe('ended');
    expect(lastSocket().closedWith).not.toBeNull();
  }
});

test('waiting ends with the connection, one that does not answer is dead, and one may give it up', async () => {
  const lost = await knocks();
  lastSocket().drops();
  await expect(lost.joining).rejects.toMatchObject({ code: 'connection-lost' });
  const silent = await knocks();
  await vi.advanceTimersByTimeAsync(16_000);
  await expect(silent.joining).rejects.toMatchObject({ code: 'connection-lost' });
  const given = await knocks();
  given.session.leave();
  await expect(given.joining).rejects.toMatchObject({ code: 'left' });
  expect(lastSocket().closedWith).not.toBeNull(); // the server forgets who waited
});

test('what is asked for is a password, or it is a token', () => {
  for (const code of ['password-needed', 'password-wrong', 'password-attempts'] as const)
    expect(needsPassword(new RotundaError(code, ''))).toBe(true);
  expect(
    needsPassword(new RotundaError('unauthorized', 'join-room: this server admits nobody without a `token`')),
  ).toBe(false);
  expect(needsPassword(null)).toBe(false);
});
