import { act, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import { Controls } from '@/components/controls';
import { SidePanel } from '@/components/side-panel';
import { call, change, inCall, show } from './people';

const said = (text: string, from = 'Bob') => ({ from, fromId: 'bob', text, timestamp: '2026-05-01T12:00:00Z' });

test('the chat: links lead out without a trace, every script has its direction, a long name does not push the time away', () => {
  inCall(
    2,
    { panel: 'chat' },
    {
      messages: [
        said('see https://example.org.', 'A name that is far too long for its place'),
        said('javascript:alert(1) <b>'),
      ],
    },
  );
  show(<SidePanel />);
  const links = screen.getAllByRole('link');
  expect(
    links.map((link) => [link.getAttribute('href'), link.getAttribute('rel'), link.getAttribute('target')]),
  ).toEqual([['https://example.org', 'noopener noreferrer nofollow', '_blank']]);
  expect(screen.getByText('javascript:alert(1) <b>').getAttribute('dir')).toBe('auto');
  const name = screen.getByText('A name that is far too long for its place');
  expect(name.className).toMatch(/truncate/);
  expect(document.querySelector('time')!.className).toMatch(/whitespace-nowrap/);
});

test('closing gives the focus back to the button that opened it', async () => {
  inCall(2);
  show(
    <>
      <SidePanel />
      <Controls onLeave={() => {}} />
    </>,
  );
  for (const [open, id] of [
    ['Chat', 'chat'],
    ['People (2)', 'people'],
  ] as const) {
    await userEvent.click(screen.getByRole('button', { name: open }));
    await userEvent.click(screen.getByRole('button', { name: 'Close' }));
    expect(document.activeElement?.id).toBe(id);
    expect(call.store.getState().panel).toBeNull();
  }
});

test('the list says whose network is gone', () => {
  inCall(2, { panel: 'people' });
  show(<SidePanel />);
  expect(screen.queryByRole('img', { name: 'Reconnecting…' })).toBeNull();
  act(() => change((one) => ({ ...one, away: !one.isLocal })));
  expect(screen.getByRole('img', { name: 'Reconnecting…' })).toBeTruthy();
});
