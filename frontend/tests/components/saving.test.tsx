import { act } from '@testing-library/react';
import { beforeEach, expect, test, vi } from 'vitest';
import { TileView } from '@/components/tile';
import { useMutedHint } from '@/hooks/use-muted-hint';
import { usePreferences } from '@/lib/preferences';
import { makeTrack } from '../browser';
import { has, inCall, room, show, state } from './people';

const demands: Record<string, unknown> = {};
const sound = vi.hoisted(() => ({ heard: (_level: number) => {}, watching: 0 }));
vi.mock('@/lib/level', () => ({
  watchLevel: (_: unknown, heard: (level: number) => void) => {
    sound.heard = heard;
    sound.watching++;
    return () => void sound.watching--;
  },
}));
const toasts = vi.hoisted(() => [] as string[]);
vi.mock('sonner', () => ({ toast: Object.assign((words: string) => void toasts.push(words), { dismiss: () => {} }) }));

beforeEach(() => {
  toasts.length = 0;
  usePreferences.setState({ pictures: 'all' });
  room.demand = (producerId, demand) => void (demands[producerId] = demand);
});

const tile = (userId: string, source: 'camera' | 'screen' = 'camera', pinned = false) => (
  <TileView
    key={`${userId}${source}`}
    userId={userId}
    source={source}
    rect={{ left: 0, top: 0, width: 400, height: 225 }}
    pinned={pinned}
    unseen={false}
  />
);

test('pictures are received as the person wants: all, who speaks, none', () => {
  inCall(4);
  for (const name of ['bob', 'cid', 'dan']) has(name, 'camera', { track: makeTrack(), producerId: name });
  has('cid', 'screen', { track: makeTrack(), producerId: 'screen' });
  show(<>{[tile('bob'), tile('cid'), tile('dan', 'camera', true), tile('cid', 'screen')]}</>);
  const received = () =>
    Object.keys(demands)
      .filter((id) => demands[id] !== null)
      .sort();
  expect(received()).toEqual(['bob', 'cid', 'dan', 'screen']);
  act(() => void usePreferences.setState({ pictures: 'speaker' }));
  expect(received()).toEqual(['dan', 'screen']);
  act(() => state.set({ speaker: 'bob', lastSpeaker: 'bob' }));
  expect(received()).toEqual(['bob', 'dan', 'screen']);
  act(() => void usePreferences.setState({ pictures: 'none' }));
  expect(received()).toEqual(['dan']); // what the person has pinned is wanted
  expect(document.querySelector('[data-user="bob"]')!.className).toMatch(/no-video/);
});

function Hint() {
  useMutedHint();
  return null;
}

test('who speaks into a muted microphone is told, once in a while', () => {
  inCall(2);
  const copy = makeTrack('audio');
  const track = Object.assign(makeTrack('audio'), { clone: () => copy });
  has('me', 'microphone', { track });
  show(<Hint />);
  expect(sound.watching).toBe(0);
  copy.enabled = false;
  act(() => has('me', 'microphone', { paused: true }));
  expect(sound.watching).toBe(1);
  expect(copy.enabled).toBe(true);
  for (const level of [0.9, 0.1, 0.9, 0.2, 0.9]) sound.heard(level); // a cough, a key
  expect(toasts).toEqual([]);
  for (let i = 0; i < 20; i++) sound.heard(0.8);
  expect(toasts).toEqual(['You are muted: nobody hears you. Press M, or hold the space bar to talk.']);
  act(() => has('me', 'microphone', { paused: false }));
  expect(sound.watching).toBe(0);
});
