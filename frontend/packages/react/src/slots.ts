// Which place of the grid each tile has. Places are kept: who leaves leaves a gap, which the next one fills; who speaks on
// another page changes places with one of the first page, and nobody else moves.
import { layoutGrid } from './grid-layout.ts';

export type Slots = (string | null)[]; // tile ids; null: a gap

const WORTH_MOVING = 1.3; // gaps are closed once the tiles grow by this factor

// Those who are still there keep their places; new ones take the first gap, or the end.
function fill(slots: Slots, ids: string[]): Slots {
  const here = new Set(ids);
  const filled = slots.map((id) => (id !== null && here.has(id) ? id : null));
  const placed = new Set(filled);
  for (const id of ids) {
    if (placed.has(id)) continue;
    const gap = filled.indexOf(null);
    if (gap === -1) filled.push(id);
    else filled[gap] = id;
  }
  while (filled.at(-1) === null) filled.pop();
  return filled;
}

// The last ones move into the gaps.
function close(slots: Slots): Slots {
  const closed = [...slots];
  for (let gap = closed.indexOf(null); gap !== -1; gap = closed.indexOf(null)) {
    const last = closed.pop()!;
    if (gap < closed.length) closed[gap] = last;
    while (closed.at(-1) === null) closed.pop();
  }
  return closed;
}

// The same array when nothing changes.
export function arrange(slots: Slots, ids: string[], width: number, height: number): Slots {
  let next = fill(slots, ids);
  if (next.includes(null)) {
    const kept = layoutGrid(width, height, next.length);
    const closed = layoutGrid(width, height, ids.length);
    const area = ({ tileWidth, tileHeight }: typeof kept) => tileWidth * tileHeight;
    if (closed.pages < kept.pages || area(closed) >= area(kept) * WORTH_MOVING) next = close(next);
  }
  return next.length === slots.length && next.every((id, i) => id === slots[i]) ? slots : next;
}

// Brings a tile to the first page, in place of the one there that was quiet longest; `spoke` grows with each turn to speak,
// and is Infinity for what must stay. The same array when the tile is there already.
export function bringForward(slots: Slots, id: string, perPage: number, spoke: (id: string) => number): Slots {
  const from = slots.indexOf(id);
  if (from < perPage) return slots;
  let to = -1;
  let quietest = Infinity;
  for (let place = 0; place < perPage; place++) {
    const other = slots[place];
    const turn = other == null ? -1 : spoke(other);
    if (turn < quietest) [to, quietest] = [place, turn];
  }
  if (to === -1) return slots;
  const moved = [...slots];
  [moved[to], moved[from]] = [id, slots[to] ?? null];
  while (moved.at(-1) === null) moved.pop();
  return moved;
}
