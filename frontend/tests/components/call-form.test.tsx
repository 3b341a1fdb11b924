import { act, render, screen } from '@testing-library/react';
import type { ReactElement } from 'react';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test, vi } from 'vitest';
import { CallForm } from '@/components/call-form';
import { CallView } from '@/components/call-view';
import { NO_CALL } from '@/lib/call-store';
import { usePreferences } from '@/lib/preferences';
import { makePair, PairProvider, type Pair } from '@/hooks/use-pair';
import { Call } from '@rotunda/client';
import { makeTrack } from '../browser';
import { makeSocket } from '@/packages/client/tests/scripted-socket';
import { snapshotsOf } from '@rotunda/react';

const toasts = vi.hoisted(() => [] as string[]);
vi.mock('sonner', () => ({ toast: (words: string) => void toasts.push(words) }));
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

let pair: Pair;
const show = (element: ReactElement) =>
  render(element, { wrapper: ({ children }) => <PairProvider pair={pair}>{children}</PairProvider> });
const SECRET = '0123456789abcdef0123456789abcdef';
const press = (name: string) => userEvent.click(screen.getByRole('button', { name }));
const began = () => vi.waitFor(() => expect(pair.store.getState().phase).toBe('call'));

beforeEach(async () => {
  rooms.length = 0;
  history.replaceState(null, '', '/call');
  pair = makePair();
  pair.store.setState({ ...NO_CALL, name: 'Ann', partner: 'Bob', secret: '', linked: false, error: null });
  await usePreferences.persist.rehydrate();
});

test('names alone make a link, each time with another secret, which the address keeps', async () => {
  for (let i = 0; i < 2; i++) {
    pair.store.setState({ ...NO_CALL, secret: '', linked: false });
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
  pair.store.setState({ secret: SECRET, linked: true });
  history.replaceState(null, '', `/call?name=Ann&partner=Bob#key=${SECRET}`);
  const { unmount } = show(<CallForm />);
  expect(screen.queryByRole('textbox', { name: /^A word/ })).toBeNull();
  await press('Call');
  await began();
  expect(rooms).toEqual([`call:ann+bob#${SECRET}`]);
  unmount();
  pair.store.setState(NO_CALL);
  show(<CallForm />);
  await press('Call somebody else');
  expect(pair.store.getState()).toMatchObject({ name: 'Ann', partner: '', secret: '', linked: false });
  expect(location.search + location.hash).toBe('');
});

const ringing = () => {
  const call = new Call('ws://host/ws', 'Ann', 'Bob', new MediaStream(), { secret: SECRET, makeSocket });
  pair.store.setState({ call, phase: 'call', secret: SECRET, linked: true });
  return snapshotsOf(call);
};

test('the link is shown until the other is there', () => {
  const state = ringing();
  show(<CallView />);
  const link = new URL(screen.getByRole<HTMLInputElement>('textbox', { name: 'Link' }).value);
  expect(link.search + link.hash).toBe(`?name=Bob&partner=Ann#key=${SECRET}`);
  act(() => state.set({ partnerIsHere: true }));
  expect(screen.queryByRole('textbox', { name: 'Link' })).toBeNull();
});

test('two pages in one know nothing of each other', async () => {
  const other = makePair();
  render(
    <>
      <PairProvider pair={pair}>
        <CallForm />
      </PairProvider>
      <PairProvider pair={other}>
        <CallForm />
      </PairProvider>
    </>,
  );
  await userEvent.type(screen.getAllByRole('textbox', { name: /^A word/ })[0]!, 'tulips');
  expect([pair, other].map(({ store }) => store.getState().secret)).toEqual(['tulips', '']);
});

test('no way to the other: said after a while, with what to do, until there is one', () => {
  vi.useFakeTimers();
  const state = ringing();
  show(<CallView />);
  act(() => state.set({ partnerIsHere: true, state: 'in-call', connection: 'connecting' }));
  act(() => void vi.advanceTimersByTime(7000));
  expect(document.getElementById('path')).toBeNull();
  act(() => void vi.advanceTimersByTime(1500));
  expect(document.getElementById('path')!.textContent).toMatch(/No route to Bob.*UDP/);
  expect(screen.getByRole('link', { name: 'Check the connection' })).not.toBeNull();
  act(() => state.set({ connection: 'connected' }));
  expect(document.getElementById('path')).toBeNull();
  act(() => state.set({ connection: 'failed' }));
  expect(document.getElementById('path')).not.toBeNull();
  vi.useRealTimers();
});

test('a chosen device that another one stands in for is said; sound goes to the chosen speaker', () => {
  const sinks: string[] = [];
  Object.assign(HTMLMediaElement.prototype, { setSinkId: async (id: string) => void sinks.push(id) });
  usePreferences.setState({ speakerId: 'headset' });
  const state = ringing();
  show(<CallView />);
  act(() => pair.store.setState({ missed: ['camera'] }));
  expect(toasts).toEqual(['The camera you chose is not available. Another one is used.']);
  act(() => state.set({ state: 'in-call', tracks: [makeTrack('audio'), makeTrack('video')] }));
  expect(screen.getByText('The picture is coming')).not.toBeNull();
  expect(sinks).toEqual(['headset']);
  usePreferences.setState({ speakerId: '' });
  delete (HTMLMediaElement.prototype as Partial<HTMLMediaElement>).setSinkId;
});
