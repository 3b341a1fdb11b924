// How many tiles fit, and how they lie.
export interface GridLayout {
  columns: number;
  rows: number;
  perPage: number;
  pages: number;
  tileWidth: number;
  tileHeight: number;
}

const WIDEST = 16 / 9; // a tile is as wide as a camera's picture, or cut at its sides
const NARROWEST = 4 / 3;
const NARROWEST_ON_PHONES = 1;
const PHONE_WIDTH = 640;
const GAP = 8;
const MIN_TILE_WIDTH = 150;
const MAX_PER_PAGE = 25;

function tileSize(
  width: number,
  height: number,
  columns: number,
  rows: number,
): { tileWidth: number; tileHeight: number } {
  const cellWidth = Math.max(0, (width - GAP * (columns - 1)) / columns);
  const cellHeight = Math.max(0, (height - GAP * (rows - 1)) / rows);
  const narrowest = width < PHONE_WIDTH ? NARROWEST_ON_PHONES : NARROWEST;
  return {
    tileWidth: Math.min(cellWidth, cellHeight * WIDEST),
    tileHeight: Math.min(cellHeight, cellWidth / narrowest),
  };
}

// The columns that make `count` tiles largest; as many to a page as keep them wide enough to see a face.
export function layoutGrid(width: number, height: number, count: number): GridLayout {
  for (let perPage = Math.min(Math.max(count, 1), MAX_PER_PAGE); ; perPage--) {
    const pages = Math.max(1, Math.ceil(count / perPage));
    let best: GridLayout = { columns: 1, rows: 1, perPage, pages, tileWidth: 0, tileHeight: 0 };
    for (let columns = 1; columns <= perPage; columns++) {
      const rows = Math.ceil(perPage / columns);
      const size = tileSize(width, height, columns, rows);
      if (size.tileWidth * size.tileHeight > best.tileWidth * best.tileHeight)
        best = { columns, rows, perPage, pages, ...size };
    }
    if (best.tileWidth >= MIN_TILE_WIDTH || perPage === 1) return best;
  }
}
