import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test, vi } from 'vitest';
import { CallForm } from '@/components/call-form';
import { CallView } from '@/components/call-view';
import { NO_CALL, usePair } from '@/lib/call-store';
import { usePreferences } from '@/lib/preferences';
import { show } from './people';

const rooms: string[] = []; // of the calls that began
vi.mock('@/lib/devices', async (original) => ({
  ...(await original<object>()),
  capture: async () => ({
    stream: { getTracks: () => [], getAudioTracks: () => [], getVideoTracks: () => [] },
    problem: null,
    missed: [],
  }),
}));
vi.mock('@rotunda/client', async (original) => {
  const { Call: Real, ...others } = await original<typeof import('@rotunda/client')>();
  class Call extends Real {
    override async join() {
      rooms.push(this.session.roomId);
    }
  }
  return { ...others, Call };
});

const SECRET = '0123456789abcdef0123456789abcdef';
const press = (name: string) => userEvent.click(screen.getByRole('button', { name }));
const began = () => vi.waitFor(() => expect(usePair.getState().phase).toBe('call'));

beforeEach(async () => {
  rooms.length = 0;
  history.replaceState(null, '', '/call');
  usePair.setState({ ...NO_CALL, name: 'Ann', partner: 'Bob', secret: '', linked: false, error: null });
  await usePreferences.persist.rehydrate();
});

test('names alone make a link, each time with another secret, which the address keeps', async () => {
  for (let i = 0; i < 2; i++) {
    usePair.setState({ ...NO_CALL, secret: '', linked: false });
    const { unmount } = show(<CallForm />);
    expect(screen.queryByRole('button', { name: 'Call' })).toBeNull();
    await press('Make a link for Bob');
    await began();
    unmount();
  }
  expect(rooms[0]).toMatch(/^call:ann\+bob#[0-9a-f]{32}$/);
  expect(rooms[1]).toMatch(/^call:ann\+bob#[0-9a-f]{32}$/);
  expect(rooms[0]).not.toBe(rooms[1]);
  expect(location.search + location.hash).toBe(`?name=Ann&partner=Bob#key=${rooms[1]!.split('#')[1]}`);
});

test('a word that both type is taken, if it is not too short to be guessed', async () => {
  show(<CallForm />);
  await userEvent.type(screen.getByRole('textbox', { name: /^A word/ }), 'tulip');
  expect(screen.getByRole('alert').textContent).toMatch(/at least 6/);
  expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Call' }).disabled).toBe(true);
  await userEvent.type(screen.getByRole('textbox', { name: /^A word/ }), 's');
  await press('Wait for a call');
  await began();
  expect(rooms).toEqual(['call:ann+bob#tulips']);
  expect(location.hash).toBe('');
});

test('who came by a link types nothing, and may turn to somebody else', async () => {
  usePair.setState({ secret: SECRET, linked: true });
  history.replaceState(null, '', `/call?name=Ann&partner=Bob#key=${SECRET}`);
  const { unmount } = show(<CallForm />);
  expect(screen.queryByRole('textbox', { name: /^A word/ })).toBeNull();
  await press('Call');
  await began();
  expect(rooms).toEqual([`call:ann+bob#${SECRET}`]);
  unmount();
  usePair.setState(NO_CALL);
  show(<CallForm />);
  await press('Call somebody else');
  expect(usePair.getState()).toMatchObject({ name: 'Ann', partner: '', secret: '', linked: false });
  expect(location.search + location.hash).toBe('');
});

test('the link is shown until the other is there', () => {
  usePair.setState({ phase: 'call', state: 'calling', secret: SECRET, linked: true });
  const { rerender } = show(<CallView />);
  const link = new URL(screen.getByRole<HTMLInputElement>('textbox', { name: 'Link' }).value);
  expect(link.search + link.hash).toBe(`?name=Bob&partner=Ann#key=${SECRET}`);
  usePair.setState({ partnerIsHere: true });
  rerender(<CallView />);
  expect(screen.queryByRole('textbox', { name: 'Link' })).toBeNull();
});
