import { act, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test } from 'vitest';
import { RotundaError, type RequestType } from '@rotunda/client';
import { Banners } from '@/components/banners';
import { Ended } from '@/components/ended';
import { TopBar } from '@/components/controls';
import { Reactions, HandButton, ReactionButton } from '@/components/reactions';
import { SidePanel } from '@/components/side-panel';
import { Waiting } from '@/components/waiting';
import { NO_MODERATION, type Moderation } from '@/lib/moderation';
import { call, has, inCall, room, show } from './people';

const asked: [RequestType, object][] = [];

const moderating = (part: Partial<Moderation> = {}) => ({
  moderation: { ...NO_MODERATION, permissions: { ...NO_MODERATION.permissions, moderate: true }, ...part },
});
beforeEach(() => {
  asked.length = 0;
  room.session.request = ((type: RequestType, data: object) => {
    asked.push([type, data]);
    return Promise.resolve({ userId: 'me', user: 'me', text: '👍' });
  }) as never;
});

test('who is no moderator has no menus, and sees hands in their order', () => {
  inCall(3, { panel: 'people', moderation: { ...NO_MODERATION, hands: ['cid', 'me'], roles: { bob: 'moderator' } } });
  show(<SidePanel />);
  expect(screen.queryByRole('button', { name: /What to do/ })).toBeNull();
  expect(screen.queryByRole('toolbar')).toBeNull();
  const hands = within(screen.getByRole('region', { name: 'Raised hands' })).getAllByRole('listitem');
  expect(hands.map((one) => one.textContent)).toEqual(['1.cid', '2.me (you)']);
  expect(screen.getByRole('img', { name: 'moderator' })).toBeTruthy();
});

test('whoever may has the call recorded, and everybody sees that it is', async () => {
  inCall(2, { panel: 'people', moderation: NO_MODERATION });
  show(
    <>
      <TopBar />
      <SidePanel />
    </>,
  );
  expect(screen.queryByText('Being recorded')).toBeNull();
  expect(screen.queryByRole('button', { name: 'Record the call' })).toBeNull();
  const permissions = { ...NO_MODERATION.permissions, record: true };
  act(() => call.store.setState({ moderation: { ...NO_MODERATION, permissions } }));
  await userEvent.click(screen.getByRole('button', { name: 'Record the call' }));
  act(() => call.store.setState({ moderation: { ...NO_MODERATION, permissions, recording: true } }));
  expect(screen.getByText('Being recorded')).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'Stop recording' }));
  expect(asked.map(([type]) => type)).toEqual(['start-recording', 'stop-recording']);
  act(() => call.store.setState({ moderation: { ...NO_MODERATION, recording: true } }));
  expect(screen.queryByRole('button', { name: 'Stop recording' })).toBeNull();
  expect(screen.getByText('Being recorded')).toBeTruthy();
});

test('a menu by keyboard: opens, moves, chooses, gives the focus back', async () => {
  inCall(2, { panel: 'people', ...moderating() });
  has('bob', 'microphone', { track: {} as MediaStreamTrack });
  show(<SidePanel />);
  const button = screen.getByRole('button', { name: 'Actions for bob' });
  button.focus();
  await userEvent.keyboard('{Enter}');
  expect(button.getAttribute('aria-expanded')).toBe('true');
  expect(document.activeElement?.textContent).toBe('Mute microphone');
  await userEvent.keyboard('{End}');
  expect(document.activeElement?.textContent).toBe('Ban from the room');
  await userEvent.keyboard('{ArrowDown}{Escape}');
  expect(screen.queryByRole('menu')).toBeNull();
  expect(document.activeElement).toBe(button);
  expect(call.store.getState().panel).toBe('people'); // Escape closed the menu alone
  await userEvent.keyboard('{Enter}{Enter}');
  expect(asked).toEqual([['mute-user', { target: 'bob', kind: 'audio' }]]);
});

test('who is muted until a moderator allows it, and is allowed again', async () => {
  inCall(2, { panel: 'people', ...moderating() });
  show(<SidePanel />);
  const choose = async (name: string) => {
    await userEvent.click(screen.getByRole('button', { name: 'Actions for bob' }));
    await userEvent.click(screen.getByRole('menuitem', { name }));
  };
  await choose('Mute microphone until I allow it');
  await choose('Pause camera until I allow it');
  act(() => call.store.setState(moderating({ held: { bob: ['audio'] } })));
  await choose('Allow unmuting');
  expect(asked).toEqual([
    ['mute-user', { target: 'bob', kind: 'audio', hold: true }],
    ['mute-user', { target: 'bob', kind: 'video', hold: true }],
    ['allow-unmute', { target: 'bob', kind: 'audio' }],
  ]);
});

test('what is hard to take back is asked for once more', async () => {
  inCall(2, { panel: 'people', ...moderating() });
  show(<SidePanel />);
  for (const [item, question, request] of [
    ['Remove from the room', 'Remove bob from the room?', 'kick-user'],
    ['Ban from the room', 'Ban bob, and everybody from the same network?', 'ban'],
  ] as const) {
    await userEvent.click(screen.getByRole('button', { name: 'Actions for bob' }));
    await userEvent.click(screen.getByRole('menuitem', { name: item }));
    const dialog = screen.getByRole('dialog', { name: question });
    expect(asked).toEqual([]);
    await userEvent.click(within(dialog).getByRole('button', { name: item }));
    expect(asked.splice(0)).toEqual([[request, { target: 'bob' }]]);
  }
  await userEvent.click(screen.getByRole('button', { name: 'Close the room' }));
  await userEvent.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Cancel' }));
  expect(asked).toEqual([]);
});

test('roles, lock, lobby and everybody muted', async () => {
  inCall(2, { panel: 'people', ...moderating() });
  show(<SidePanel />);
  await userEvent.click(screen.getByRole('button', { name: 'Actions for bob' }));
  await userEvent.click(screen.getByRole('menuitem', { name: 'Make moderator' }));
  expect(screen.getByRole('img', { name: 'moderator' })).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: /Lock the room/ }));
  expect(screen.getByRole('button', { name: /Lock the room/ }).getAttribute('aria-pressed')).toBe('true');
  await userEvent.click(screen.getByRole('button', { name: /^Lobby/ }));
  await userEvent.click(screen.getByRole('button', { name: 'Mute everybody' }));
  expect(asked.map(([type]) => type)).toEqual(['set-role', 'lock-room', 'set-lobby', 'mute-all']);
});

test('who waits is told of, and let in or sent away', async () => {
  const waiting = [
    { userId: 'w1', username: 'Dan' },
    { userId: 'w2', username: 'Eve' },
    { userId: 'w3', username: 'Fay' },
  ];
  inCall(2, { ...moderating({ waiting: [waiting[0]!] }) });
  const { unmount } = show(<Banners />);
  expect(screen.getByRole('status').textContent).toContain('Dan is waiting outside.');
  await userEvent.click(screen.getByRole('button', { name: 'Let in' }));
  expect(asked.splice(0)).toEqual([['admit-user', { target: 'w1' }]]); // that one alone, whoever else has come meanwhile
  act(() => call.store.setState(moderating({ waiting })));
  expect(screen.getByRole('status').textContent).toContain('3 people are waiting outside.');
  await userEvent.click(screen.getByRole('button', { name: 'Show' }));
  unmount();
  show(<SidePanel />);
  const list = screen.getByRole('region', { name: 'Waiting outside (3)' });
  await userEvent.click(within(list).getByRole('button', { name: 'Let Dan in' }));
  await userEvent.click(within(list).getByRole('button', { name: 'Send Eve away' }));
  expect(call.store.getState().moderation.waiting.map(({ username }) => username)).toEqual(['Fay']);
  await userEvent.click(screen.getByRole('button', { name: 'Let all in' }));
  expect(asked).toEqual([
    ['admit-user', { target: 'w1' }],
    ['deny-user', { target: 'w2' }],
    ['admit-all', {}],
  ]);
  expect(screen.queryByRole('region', { name: /Waiting/ })).toBeNull();
});

test('one says that one waits, with the focus on it, and how to stop', () => {
  inCall(1, { phase: 'joining' }, { session: { name: 'waiting' } });
  show(<Waiting />);
  expect(document.activeElement?.textContent).toBe('Waiting to be let in');
  expect(screen.getByRole('status').textContent).toContain('garden');
  expect(screen.getByRole('button', { name: 'Cancel' })).toBeTruthy();
});

test('hands and reactions', async () => {
  inCall(2);
  show(
    <>
      <HandButton />
      <ReactionButton />
      <Reactions />
    </>,
  );
  await userEvent.click(screen.getByRole('button', { name: 'Raise hand' }));
  expect(call.store.getState().moderation.hands).toEqual(['me']);
  await userEvent.click(screen.getByRole('button', { name: 'Lower hand' }));
  await userEvent.click(screen.getByRole('button', { name: 'React' }));
  await userEvent.click(screen.getByRole('menuitem', { name: 'Thumbs up' }));
  expect(asked.map(([type]) => type)).toEqual(['raise-hand', 'lower-hand', 'reaction']);
  expect(await screen.findByText('👍')).toBeTruthy();
  act(() => call.store.setState(moderating({ permissions: { ...NO_MODERATION.permissions, data: false } })));
  expect(screen.queryByRole('button', { name: 'React' })).toBeNull();
});

test('whose doing it was that one is out, in whose words', () => {
  for (const [error, words] of [
    [new RotundaError('kicked', 'no shouting', undefined, 'Ann'), 'Ann has removed you from the room. “no shouting”'],
    [new RotundaError('banned', '', undefined, 'Ann'), 'Ann has banned you from the room.'],
    [new RotundaError('room-closed', '', undefined, 'Ann'), 'Ann has closed the room.'],
    [new RotundaError('kicked', 'kicked'), 'A moderator has removed you from the room.'],
  ] as const) {
    call.store.setState({ error });
    const { unmount } = show(<Ended onAgain={() => {}} onLobby={() => {}} />);
    expect(screen.getByRole('alert').textContent).toBe(words);
    unmount();
  }
});
