import { act, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Lobby } from '@/components/lobby';
import { makeTrack } from '../browser';
import { call, show } from './people';

// The browser's question for camera and microphone is answered when the test says so.
let answer: (stream: MediaStream) => void;
const onJoin = vi.fn();

beforeEach(() => {
  onJoin.mockReset();
  Object.assign(call.actions, { prepareToJoin: vi.fn(), forgetToJoin: vi.fn() });
  Object.defineProperty(navigator, 'mediaDevices', {
    configurable: true,
    value: Object.assign(new EventTarget(), {
      getUserMedia: () => new Promise<MediaStream>((resolve) => (answer = resolve)),
      enumerateDevices: async () => [],
    }),
  });
  Object.assign(globalThis, {
    AudioContext: class {
      resume = async () => {};
      close = async () => {};
      createAnalyser = () => ({ connect() {}, getFloatTimeDomainData() {} });
      createMediaStreamSource = () => ({ connect() {} });
    },
  });
});
afterEach(() => void vi.useRealTimers());

const lobby = () => show(<Lobby initial={{ room: 'garden', name: 'Ann' }} onJoin={onJoin} />);
const press = () => userEvent.click(screen.getByRole('button', { name: 'Join' }));
const tracksOf = ([, stream]: unknown[]) => (stream as MediaStream).getTracks();

test('who joins before the devices have come goes in with them', async () => {
  lobby();
  await press();
  expect(onJoin).not.toHaveBeenCalled();
  const track = makeTrack();
  await act(async () => answer(new MediaStream([track])));
  expect(onJoin).toHaveBeenCalledOnce();
  expect(onJoin.mock.calls[0]![0]).toEqual({ room: 'garden', name: 'Ann' });
  expect(tracksOf(onJoin.mock.calls[0]!)).toEqual([track]);
});

test('who leaves the browser’s question unanswered goes in without, after a while', async () => {
  lobby();
  vi.useFakeTimers({ shouldAdvanceTime: true });
  await press();
  await act(() => vi.advanceTimersByTimeAsync(4000));
  expect(onJoin).not.toHaveBeenCalled();
  await act(() => vi.advanceTimersByTimeAsync(1100));
  expect(onJoin).toHaveBeenCalledOnce();
  expect(tracksOf(onJoin.mock.calls[0]!)).toEqual([]);
});

test('who waits for the preview goes in with what it showed', async () => {
  lobby();
  const track = makeTrack();
  await act(async () => answer(new MediaStream([track])));
  await press();
  expect(tracksOf(onJoin.mock.calls[0]!)).toEqual([track]);
});

test('another room gets a key of its own, which is said before; the link’s room keeps the link’s', async () => {
  const KEY = 'AAECAwQFBgcICQoLDA0ODw';
  vi.stubGlobal('RTCRtpScriptTransform', class {});
  const key = () => new URLSearchParams(location.hash.slice(1)).get('e2ee');
  for (const [room, other] of [
    ['cellar', true],
    [' garden ', false],
  ] as const) {
    onJoin.mockReset();
    history.replaceState(null, '', `/#e2ee=${KEY}`);
    const { unmount } = lobby();
    const field = document.querySelector<HTMLInputElement>('#room')!;
    await userEvent.clear(field);
    await userEvent.type(field, room);
    expect(document.querySelector('#e2ee-hint')!.textContent).toMatch(other ? /key is for garden/ : /have the link/);
    expect(key()).toBe(KEY);
    await act(async () => answer(new MediaStream([makeTrack()])));
    await press();
    expect(onJoin.mock.calls[0]![0]).toMatchObject({ room: room.trim() });
    expect(key() === KEY).toBe(!other);
    expect(key()).toMatch(/^[\w-]{22}$/);
    unmount();
  }
  vi.unstubAllGlobals();
  history.replaceState(null, '', '/');
});

test('a link without the key, in the same tab, is not said to be encrypted', async () => {
  const goTo = (hash: string) => {
    history.replaceState(null, '', `/${hash}`);
    window.dispatchEvent(new Event('hashchange'));
  };
  goTo('#e2ee=AAECAwQFBgcICQoLDA0ODw');
  lobby();
  const box = () => document.querySelector<HTMLInputElement>('#e2ee')!;
  expect(box().checked).toBe(true);
  act(() => goTo('#'));
  expect(box().checked).toBe(false);
  act(() => goTo('#e2ee=AAECAwQFBgcICQoLDA0ODw'));
  expect(box().checked).toBe(true);
  goTo('');
});

test('a truncated key, and a browser that cannot encrypt, are told before the join', async () => {
  const said = () => document.querySelector('#e2ee-problem')?.textContent ?? '';
  const problemOf = (key: string) => {
    history.replaceState(null, '', `/#e2ee=${key}`);
    const { unmount } = lobby();
    const problem = said();
    unmount();
    return problem;
  };
  vi.stubGlobal('RTCRtpScriptTransform', class {});
  const truncated = problemOf('AAECAw');
  expect(truncated).not.toBe('');
  expect(problemOf('AAECAwQFBgcICQoLDA0ODw')).toBe('');
  const { subtle } = crypto;
  Object.defineProperty(crypto, 'subtle', { value: undefined, configurable: true }); // as over http
  const unable = problemOf('AAECAwQFBgcICQoLDA0ODw');
  Object.defineProperty(crypto, 'subtle', { value: subtle, configurable: true });
  expect(['', truncated]).not.toContain(unable);
  vi.unstubAllGlobals();
  history.replaceState(null, '', '/');
});
