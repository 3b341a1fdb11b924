import { act, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test, vi } from 'vitest';
import { Controls, TopBar } from '@/components/controls';
import { makeTrack } from '../browser';
import { call, has, inCall, show } from './people';

const toasts = vi.hoisted(() => [] as string[]);
vi.mock('@/lib/toaster', () => ({ tellFailure: async (words: string) => void toasts.push(words) }));

beforeEach(() => {
  toasts.length = 0;
  Object.assign(call.actions, {
    toggleMicrophone: vi.fn(async () => {}),
    toggleCamera: vi.fn(async () => Promise.reject(new DOMException('no', 'NotFoundError'))),
  });
});
const button = (name: string | RegExp) => screen.getByRole('button', { name });

test('the buttons say what they would do, as it stands', () => {
  inCall(3);
  show(<Controls onLeave={() => {}} />);
  expect(button('Unmute microphone')).toBeTruthy();
  act(() => has('me', 'microphone', { track: makeTrack('audio') }));
  expect(button('Mute microphone')).toBeTruthy();
  expect(button('Switch camera on')).toBeTruthy();
  expect(button('People (3)')).toBeTruthy();
  act(() => call.store.setState({ unread: 2 }));
  expect(button('Chat, 2 unread')).toBeTruthy();
});

test('where no screen can be shared there is no button for it', () => {
  inCall(1);
  show(<Controls onLeave={() => {}} />);
  expect(screen.queryByRole('button', { name: /screen/ })).toBeNull();
});

test('a press does it, and a failure is told in words', async () => {
  inCall(1);
  const onLeave = vi.fn();
  show(<Controls onLeave={onLeave} />);
  await userEvent.click(button('Unmute microphone'));
  expect(call.actions.toggleMicrophone).toHaveBeenCalledOnce();
  await userEvent.click(button('Switch camera on'));
  expect(toasts).toEqual(['No camera or microphone was found. You can join without them, or plug one in.']);
  await userEvent.click(button('Chat'));
  expect(call.store.getState().panel).toBe('chat');
  await userEvent.click(button('Settings'));
  expect(call.store.getState().dialog).toBe('settings');
  await userEvent.click(button('Leave'));
  expect(onLeave).toHaveBeenCalledOnce();
});

test('the bar above: the room, the view, the statistics, the keys', async () => {
  inCall(1);
  show(<TopBar />);
  expect(screen.getByRole('heading', { name: 'garden' })).toBeTruthy();
  await userEvent.click(button('Speaker view'));
  expect(call.store.getState().view).toBe('speaker');
  await userEvent.click(button('Statistics'));
  expect(call.store.getState().stats).toBe(true);
  await userEvent.click(button('Keyboard'));
  expect(call.store.getState().dialog).toBe('help');
});
