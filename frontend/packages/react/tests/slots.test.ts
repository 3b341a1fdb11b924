import { describe, expect, test } from 'vitest';
import { arrange, bringForward } from '../src/slots.ts';
import { PAGER_HEIGHT, placeGrid, placeSpeaker, placeWithPager } from '../src/placement.ts';

const WIDE = [1280, 640] as const;
const people = (count: number) => Array.from({ length: count }, (_, i) => `p${i}`);
const moved = (before: (string | null)[], after: (string | null)[]) =>
  after.filter((id, place) => id !== null && before[place] !== id).length;

describe('places in the grid', () => {
  test('who leaves moves nobody, and the next one takes the gap', () => {
    const before = arrange([], people(25), ...WIDE);
    const left = people(25).filter((id) => id !== 'p3');
    const after = arrange(before, left, ...WIDE);
    expect(moved(before, after)).toBe(0);
    expect(after[3]).toBeNull();
    const next = arrange(after, [...left, 'new'], ...WIDE);
    expect(next[3]).toBe('new');
    expect(moved(after, next)).toBe(1);
  });

  test('gaps are closed by as few moves as there are gaps once the tiles grow by it', () => {
    const before = arrange([], people(25), ...WIDE);
    const left = people(25).slice(13);
    const after = arrange(before, left, ...WIDE);
    expect(after).not.toContain(null);
    expect([...after].sort()).toEqual([...left].sort());
    expect(arrange(['a', 'b'], ['b'], ...WIDE)).toEqual(['b']);
  });

  test('the last one leaves no gap, and nothing is made anew when nothing changes', () => {
    const slots = arrange([], ['a', 'b', 'c'], ...WIDE);
    expect(arrange(slots, ['a', 'b', 'c'], ...WIDE)).toBe(slots);
    expect(arrange(slots, ['a', 'b'], ...WIDE)).toEqual(['a', 'b']);
    const kept = arrange(arrange([], people(25), ...WIDE), people(25).slice(1), ...WIDE);
    expect(arrange(kept, people(25).slice(1), ...WIDE)).toBe(kept);
  });

  test.each([
    [
      'who speaks on the second page comes to the first, where one was quiet longest',
      'e',
      { me: Infinity, a: 3, b: 1, e: 4 },
      ['me', 'a', 'e', 'c', 'd', 'b'],
    ],
    ['a gap is taken first', 'e', {}, ['me', 'a', 'e', 'c', 'd'], ['me', 'a', null, 'c', 'd', 'e']],
    ['who is on the first page stays', 'a', { me: Infinity, a: 5, b: 1 }, ['me', 'a', 'b', 'c', 'd', 'e']],
    [
      'where all must stay nobody moves',
      'e',
      { me: Infinity, a: Infinity, b: Infinity },
      ['me', 'a', 'b', 'c', 'd', 'e'],
    ],
  ] as [string, string, Record<string, number>, string[], (string | null)[]?][])(
    '%s',
    (_, id, turns, expected, slots = ['me', 'a', 'b', 'c', 'd', 'e']) => {
      expect(bringForward(slots, id, 3, (one) => turns[one] ?? 0)).toEqual(expected);
    },
  );
});

describe('pages', () => {
  const ids = people(30);
  test.each([
    [800, 266, 4],
    [360, 320, 5],
    [360, 560, 30],
    [1280, 640, 30],
    [800, 222, 12],
  ])(
    'a stage of %i by %i with %i tiles lies within itself, above the buttons that turn pages',
    (width, height, count) => {
      for (const place of [
        (to: number) => placeGrid(ids.slice(0, count), width, to, 0),
        (to: number) => placeSpeaker(ids.slice(0, count), 'p1', width, to, 0),
      ]) {
        const { rects, pages } = placeWithPager(place, height);
        const free = pages > 1 ? height - PAGER_HEIGHT : height;
        for (const { left, top, width: wide, height: high } of rects.values()) {
          expect(top + high).toBeLessThanOrEqual(free + 0.01);
          expect(left + wide).toBeLessThanOrEqual(width + 0.01);
          expect(Math.min(left, top)).toBeGreaterThanOrEqual(-0.01);
        }
      }
    },
  );

  test('on a phone on its side three others stand beside the large one', () => {
    expect(placeSpeaker(ids.slice(0, 4), 'p1', 776, 266, 0)).toMatchObject({ pages: 1, perPage: 3 });
  });
});
