import { act, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import { Controls } from '@/components/controls';
import { HelpDialog, LeaveDialog, SettingsDialog } from '@/components/dialogs';
import { usePreferences } from '@/lib/preferences';
import { followChoice } from '@/lib/room-actions';
import { call, inCall, show } from './people';

test('settings: closed by Escape, and the focus goes back to the button', async () => {
  inCall(1);
  show(
    <>
      <Controls onLeave={() => {}} />
      <SettingsDialog />
    </>,
  );
  await userEvent.click(screen.getByRole('button', { name: 'Settings' }));
  expect(screen.getByRole('dialog', { name: 'Settings' })).toBeTruthy();
  await userEvent.selectOptions(screen.getByLabelText('Appearance'), 'dark');
  expect(usePreferences.getState().theme).toBe('dark');
  await userEvent.keyboard('{Escape}');
  expect(screen.queryByRole('dialog')).toBeNull();
  await waitFor(() => expect(document.activeElement?.id).toBe('settings'));
  expect(call.store.getState().dialog).toBeNull();
});

test('settings: how much of a large room comes is told as it is chosen, with whoever is pinned', async () => {
  const told: unknown[] = [];
  inCall(2, { dialog: 'settings' });
  const off = followChoice({ choose: (choice) => void told.push(choice) }, call.store);
  show(<SettingsDialog />);
  await userEvent.selectOptions(screen.getByLabelText('Video of those who spoke last'), '5 people');
  await userEvent.selectOptions(screen.getByLabelText('Sound of the loudest'), 'Everybody');
  act(() => call.store.setState({ pinned: 'u2:camera' }));
  act(() => call.store.setState({ unread: 3 })); // nothing to tell
  await userEvent.selectOptions(screen.getByLabelText('Video of those who spoke last'), 'As set for the room');
  off();
  act(() => void usePreferences.setState({ loudestN: 3 }));
  expect(told).toEqual([
    { lastN: null, loudestN: null, pinned: [] },
    { lastN: 5, loudestN: null, pinned: [] },
    { lastN: 5, loudestN: 0, pinned: [] },
    { lastN: 5, loudestN: 0, pinned: ['u2'] },
    { lastN: null, loudestN: 0, pinned: ['u2'] },
  ]);
  act(() => void usePreferences.setState({ lastN: null, loudestN: null }));
});

test('the keys are explained', () => {
  inCall(1, { dialog: 'help' });
  show(<HelpDialog />);
  expect(screen.getByText('hold to talk while muted')).toBeTruthy();
});

test('leaving is asked for', async () => {
  const onLeave = vi.fn();
  inCall(1, { dialog: 'leave' });
  show(<LeaveDialog onLeave={onLeave} />);
  await userEvent.click(screen.getByRole('button', { name: 'Stay' }));
  expect(call.store.getState().dialog).toBeNull();
  act(() => call.store.setState({ dialog: 'leave' }));
  await userEvent.click(screen.getByRole('button', { name: 'Leave' }));
  expect(onLeave).toHaveBeenCalledOnce();
});
