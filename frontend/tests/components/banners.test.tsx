import { act, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test, vi } from 'vitest';
import { Banners } from '@/components/banners';
import { call, inCall, show, state } from './people';

const toasts = vi.hoisted(() => [] as [string, string | undefined][]);
vi.mock('sonner', () => ({
  toast: Object.assign(
    (words: string, { description }: { description?: string } = {}) => void toasts.push([words, description]),
    {
      success: (words: string) => void toasts.push([words, undefined]),
      dismiss: () => void toasts.push(['dismissed', undefined]),
    },
  ),
}));
beforeEach(() => {
  toasts.length = 0;
  inCall(2);
  Object.assign(call.actions, { restoreMicrophone: vi.fn(async () => {}), setCamera: vi.fn(async () => {}) });
});

test.each([
  [{ send: 'ice', recv: 'ice' }, 'both', 'ice', /UDP/],
  [{ send: 'dtls' }, 'send', 'dtls', /keys/],
  [{ recv: 'media' }, 'recv', 'media', /no media comes/],
] as const)('a way that fails is named: %j', (paths, way, leg, words) => {
  show(<Banners />);
  expect(document.getElementById('path')).toBeNull();
  act(() => call.store.setState({ paths }));
  const banner = document.getElementById('path')!;
  expect({ ...banner.dataset }).toEqual({ leg, way });
  expect(banner.textContent).toMatch(words);
  expect(screen.getByRole('link', { name: 'Check the connection' }).getAttribute('href')).toBe('/check');
  act(() => state.set({ session: { name: 'lost', attempt: 0, retryAt: Date.now() + 5000 } })); // that comes first
  expect(document.getElementById('path')).toBeNull();
  expect(document.getElementById('lost')).not.toBeNull();
});

test('a device that is lost can be had again, or another one', async () => {
  call.store.setState({ losses: { microphone: 'ended', camera: 'muted' } });
  show(<Banners />);
  await userEvent.click(screen.getByRole('button', { name: 'Restore the microphone' }));
  expect(call.actions.restoreMicrophone).toHaveBeenCalledOnce();
  await userEvent.click(screen.getByRole('button', { name: 'Switch the camera on again' }));
  expect(call.actions.setCamera).toHaveBeenCalledWith(true);
  await userEvent.click(screen.getAllByRole('button', { name: 'Choose another' })[0]!);
  expect(call.store.getState().dialog).toBe('settings');
});

test('the toast of a message tells what was written, no more than fits; none while the chat is open', () => {
  show(<Banners />);
  const news = (said: string, count: number) =>
    act(() => call.store.setState({ news: { text: 'message', name: 'Bob', said, count } }));
  news('hello', 1);
  news('😀'.repeat(200), 2);
  expect(toasts).toEqual([
    ['Message from Bob', 'hello'],
    ['Message from Bob', `${'😀'.repeat(120)}…`],
  ]);
  act(() => call.store.setState({ panel: 'chat' }));
  news('again', 3);
  expect(toasts.length).toBe(3);
  expect(toasts[2]).toEqual(['dismissed', undefined]);
});

test('who comes back after a loss is told once', () => {
  show(<Banners />);
  act(() => state.set({ session: { name: 'lost', attempt: 0, retryAt: 0 } }));
  act(() => state.set({ session: { name: 'lost', attempt: 1, retryAt: 0 } }));
  act(() => state.set({ session: { name: 'joined' } }));
  act(() => state.set({ session: { name: 'joined' } }));
  expect(toasts).toEqual([['You are back in the call.', undefined]]);
});
