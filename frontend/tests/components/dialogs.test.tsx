import { act, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import { Controls } from '@/components/controls';
import { HelpDialog, LeaveDialog, SettingsDialog } from '@/components/dialogs';
import { usePreferences } from '@/lib/preferences';
import { useCall } from '@/lib/store';
import { inCall, show } from './people';

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
  expect(useCall.getState().dialog).toBeNull();
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
  expect(useCall.getState().dialog).toBeNull();
  act(() => useCall.setState({ dialog: 'leave' }));
  await userEvent.click(screen.getByRole('button', { name: 'Leave' }));
  expect(onLeave).toHaveBeenCalledOnce();
});
