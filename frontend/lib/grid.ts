// How many tiles fit, and how they lie.
export interface GridLayout {
  columns: number;
  rows: number;
  perPage: number;
  pages: number;
  tileWidth: number;
}

const RATIO = 16 / 9;
const GAP = 8;
const MIN_TILE_WIDTH = 150;
const MAX_PER_PAGE = 25;

function tileWidthFor(width: number, height: number, columns: number, rows: number): number {
  const byWidth = (width - GAP * (columns - 1)) / columns;
  const byHeight = ((height - GAP * (rows - 1)) / rows) * RATIO;
  return Math.min(byWidth, byHeight);
}

// The columns that make `count` tiles largest; as many to a page as keep them wide enough to see a face.
export function layoutGrid(width: number, height: number, count: number): GridLayout {
  for (let perPage = Math.min(Math.max(count, 1), MAX_PER_PAGE); ; perPage--) {
    let best: GridLayout = { columns: 1, rows: 1, perPage: 1, pages: Math.max(count, 1), tileWidth: 0 };
    for (let columns = 1; columns <= perPage; columns++) {
      const rows = Math.ceil(perPage / columns);
      const tileWidth = tileWidthFor(width, height, columns, rows);
      if (tileWidth > best.tileWidth)
        best = { columns, rows, perPage, pages: Math.max(1, Math.ceil(count / perPage)), tileWidth };
    }
    if (best.tileWidth >= MIN_TILE_WIDTH || perPage === 1) return { ...best, tileWidth: Math.max(best.tileWidth, 0) };
  }
}
