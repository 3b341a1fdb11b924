import { act, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { Profiler } from 'react';
import { expect, test, vi } from 'vitest';
import { Stage } from '@/components/stage';
import { TileView } from '@/components/tile';
import { Room } from '@rotunda/client';
import { follow } from '@/lib/store';
import { STAGE } from '../browser';
import { joined, lastSocket, makeSocket, settle } from '@/packages/client/tests/scripted-socket';
import { call, has, inCall, person, putRoom, show, state } from './people';

// Counts how often a tile as such is rendered: each has one picture.
const pictures = vi.hoisted(() => ({ rendered: 0 }));
vi.mock('@/packages/react/src/video-tile.tsx', () => ({
  VideoTile: () => {
    pictures.rendered++;
    return null;
  },
}));

const rect = { left: 0, top: 0, width: 300, height: 200 };
const names = () => [...document.querySelectorAll<HTMLElement>('.tile')].map(({ dataset }) => dataset.user!);
const placeOf = (user: string) => {
  const { left, top } = document.querySelector(`.tile[data-user="${user}"]`)!.parentElement!.style;
  return `${left} ${top}`;
};

async function roomOf(count: number): Promise<void> {
  const room = new Room('ws://host/ws', 'garden', 'me', { makeSocket });
  putRoom(room);
  follow(room, call.store);
  const joining = room.session.join();
  lastSocket().open();
  await settle();
  const peers = Array.from({ length: count - 1 }, (_, i) => ({ userId: `p${i}`, username: `p${i}` }));
  lastSocket().answers('join-room', 'joined', joined({ peers }));
  await joining;
}

test('an audio-levels event renders the ring of whose level has changed, and no tile', async () => {
  await roomOf(25);
  const commits: string[] = [];
  const ids = state.snapshot.participants.map(({ userId }) => userId);
  show(
    <>
      {ids.map((id) => (
        <Profiler key={id} id={id} onRender={(who) => commits.push(who)}>
          <TileView userId={id} source="camera" rect={rect} pinned={false} unseen={false} />
        </Profiler>
      ))}
    </>,
  );
  expect(pictures.rendered).toBe(25);
  expect(new Set(commits).size).toBe(25);
  commits.length = 0;
  pictures.rendered = 0;
  const says = (levels: [string, number][]) =>
    act(() => lastSocket().says('audio-levels', { levels: levels.map(([userId, level]) => ({ userId, level })) }));
  says([['p3', -20]]);
  expect(commits).toEqual(['p3']);
  says([['p3', -21]]); // nobody could tell it apart
  expect(commits).toEqual(['p3']);
  says([
    ['p3', -50],
    ['p7', -20],
  ]);
  expect(commits).toEqual(['p3', 'p3', 'p7']);
  expect(pictures.rendered).toBe(0);
  expect(document.querySelector('[data-user="p7"] [data-step="4"]')).not.toBeNull();
});

test('the stage as a whole is not rendered by levels, nor by what one tile shows', async () => {
  await roomOf(9);
  let stage = 0;
  show(
    <Profiler id="stage" onRender={() => stage++}>
      <Stage />
    </Profiler>,
  );
  pictures.rendered = 0;
  act(() => has('p2', 'camera', { paused: true }));
  expect(pictures.rendered).toBe(1);
  pictures.rendered = stage = 0;
  for (let level = -60; level < 0; level += 4)
    act(() => lastSocket().says('audio-levels', { levels: [{ userId: 'p2', level }] }));
  expect(pictures.rendered).toBe(0);
  expect(stage).toBe(4); // once for each step of one ring
});

test('who leaves moves nobody, and who comes takes their place', () => {
  inCall(25);
  show(<Stage />);
  const before = new Map(names().map((name) => [name, placeOf(name)]));
  const leave = (gone: string) =>
    state.set({ participants: state.snapshot.participants.filter(({ userId }) => userId !== gone) });
  act(() => leave('cid'));
  expect(names().filter((name) => placeOf(name) !== before.get(name))).toEqual([]);
  act(() => state.set({ participants: [...state.snapshot.participants, person('new')] }));
  expect(placeOf('new')).toBe(before.get('cid'));
});

test('who speaks on the second page comes to the first, and one other goes there', () => {
  inCall(30);
  show(<Stage />);
  expect(names().length).toBe(25);
  const before = new Map(names().map((name) => [name, placeOf(name)]));
  const late = state.snapshot.participants.map(({ userId }) => userId).filter((id) => !before.has(id));
  act(() => state.set({ speaker: late[0], lastSpeaker: late[0], turns: { [late[0]!]: 1 } }));
  expect(names()).toContain(late[0]);
  expect(names()).toContain('me');
  expect(names().filter((name) => placeOf(name) !== before.get(name))).toEqual([late[0]]);
});

test('on another page nothing is moved away under one’s eyes', async () => {
  inCall(30);
  show(<Stage />);
  await userEvent.click(screen.getByRole('button', { name: 'Next page' }));
  const shown = names();
  expect(shown.length).toBe(5);
  act(() => state.set({ speaker: shown[0], lastSpeaker: shown[0], turns: { [shown[0]!]: 1 } }));
  expect(names()).toEqual(shown);
  await userEvent.click(screen.getByRole('button', { name: 'Previous page' }));
  expect(names()).toContain(shown[0]);
});

test('the speaker view keeps who spoke last large, until another does', () => {
  inCall(4, { view: 'speaker' });
  show(<Stage />);
  const large = () =>
    names().filter(
      (name) =>
        parseFloat(document.querySelector(`[data-user="${name}"]`)!.parentElement!.style.width) > STAGE.width / 2,
    );
  expect(large()).toEqual(['bob']);
  act(() => state.set({ speaker: 'cid', lastSpeaker: 'cid' }));
  expect(large()).toEqual(['cid']);
  act(() => state.set({ speaker: null }));
  expect(large()).toEqual(['cid']);
});

test('24 people who come in a row: each time their own tile is drawn, and those that move for it', async () => {
  await roomOf(1);
  show(<Stage />);
  let commits = 0;
  const off = state.subscribe(() => commits++);
  const comes = (i: number) => {
    pictures.rendered = 0;
    act(() => lastSocket().says('user-joined', { userId: `n${i}`, user: `n${i}` }));
    return pictures.rendered;
  };
  const rendered: number[] = [];
  for (let i = 1; i <= 24; i++) {
    const rectOf = (name: string) => document.querySelector(`.tile[data-user="${name}"]`)!.parentElement!.style.cssText;
    const before = new Map(names().map((name) => [name, rectOf(name)]));
    rendered.push(comes(i));
    const moved = [...before].filter(([name, place]) => rectOf(name) !== place).length;
    expect(rendered.at(-1), `${i} came`).toBe(moved + 1);
  }
  expect(commits).toBe(24);
  expect(rendered.reduce((sum, count) => sum + count)).toBeLessThan(324); // not everybody each time
  off();
});
