import { act, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import { TileView } from '@/components/tile';
import { makeTrack } from '../browser';
import { call, change, has, inCall, show } from './people';

// The picture's first frame comes when the test says so.
const video = vi.hoisted(() => ({ paint: () => {} }));
vi.mock('@rotunda/react', async (original) => ({
  ...(await original<object>()),
  VideoTile: ({
    track: { track },
    onFirstFrame,
  }: {
    track: { track: MediaStreamTrack | null };
    onFirstFrame: (track: MediaStreamTrack) => void;
  }) => {
    video.paint = () => track && onFirstFrame(track);
    return null;
  },
}));

const tile = (userId: string, source: 'camera' | 'screen' = 'camera', width = 400) => (
  <TileView
    userId={userId}
    source={source}
    rect={{ left: 0, top: 0, width, height: 225 }}
    pinned={false}
    unseen={false}
  />
);
const figure = () => document.querySelector<HTMLElement>('.tile')!;

test('a tile shows the initial, and that the picture is coming, until its first frame', () => {
  inCall(2);
  show(tile('bob'));
  expect(figure().className).toMatch(/no-video/);
  act(() => has('bob', 'camera', { track: makeTrack(), producerId: 'p' }));
  expect(figure().className).not.toMatch(/no-video/);
  expect(screen.getByText('The picture is coming')).toBeTruthy();
  expect(screen.getByText('B')).toBeTruthy();
  act(() => video.paint());
  expect(screen.queryByText('The picture is coming')).toBeNull();
  expect(screen.queryByText('B')).toBeNull();
  act(() => has('bob', 'camera', { track: makeTrack() })); // another track: another wait
  expect(screen.getByText('The picture is coming')).toBeTruthy();
});

test('muted, paused, left out by the server, away: each is to be seen', () => {
  inCall(2);
  has('bob', 'microphone', { track: makeTrack('audio'), producerId: 'm' });
  has('bob', 'camera', { track: makeTrack(), producerId: 'p' });
  show(tile('bob'));
  const shows = () => ['no-audio', 'no-video', 'away'].filter((name) => figure().classList.contains(name));
  expect(shows()).toEqual([]);
  act(() => has('bob', 'microphone', { paused: true }));
  expect(screen.getByRole('img', { name: 'muted' })).toBeTruthy();
  act(() => has('bob', 'camera', { held: true }));
  act(() => change((one) => ({ ...one, away: !one.isLocal })));
  expect(shows()).toEqual(['no-audio', 'no-video', 'away']);
  expect(screen.getByText('Reconnecting…')).toBeTruthy();
});

test.each([
  [null, 'good'],
  [10, 'good'],
  [5, 'fair'],
  [0, 'poor'],
])('score %s: the connection is %s', (score, words) => {
  inCall(2);
  has('bob', 'camera', { track: makeTrack(), score });
  show(tile('bob'));
  expect(screen.getByRole('img', { name: `Connection: ${words}` })).toBeTruthy();
});

test('a tiny tile leaves its room to the name, unless the connection is poor', () => {
  inCall(2);
  show(tile('bob', 'camera', 120));
  expect(screen.queryByRole('img', { name: /Connection/ })).toBeNull();
  act(() => has('bob', 'camera', { score: 1 }));
  expect(screen.getByRole('img', { name: 'Connection: poor' })).toBeTruthy();
});

test('one’s own screen is not shown to oneself again: a button ends it', () => {
  inCall(2);
  has('me', 'screen', { track: makeTrack() });
  show(tile('me', 'screen'));
  expect(screen.getByText('Everyone here sees your screen.')).toBeTruthy();
  expect(screen.getByRole('button', { name: 'Stop sharing your screen' })).toBeTruthy();
});

test('names of any script stand in their own direction; a pin makes a tile large', async () => {
  inCall(2);
  show(tile('bob'));
  expect(screen.getByText('bob').getAttribute('dir')).toBe('auto');
  await userEvent.click(screen.getByRole('button', { name: 'Pin bob' }));
  expect(call.store.getState()).toMatchObject({ pinned: 'bob:camera', view: 'speaker' });
});

test.each([
  ['wrong-key', /uses another key/],
  ['not-encrypted', /is not using encryption/],
  ['no-key', /You need the link with the key/],
] as const)(
  'encrypted from end to end, %s: words and no picture; on a small tile a mark that says them',
  (encryption, words) => {
    inCall(2);
    has('bob', 'camera', { track: makeTrack(), producerId: 'p' });
    change((one) => ({ ...one, encryption: one.isLocal ? {} : { microphone: 'ok', camera: encryption } }));
    const { unmount } = show(tile('bob'));
    expect(figure().className).toMatch(/no-video/);
    expect(screen.getByText(words)).toBeTruthy();
    unmount();
    show(tile('bob', 'camera', 160));
    expect(screen.getByRole('img', { name: words })).toBeTruthy();
  },
);
