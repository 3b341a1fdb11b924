// Where each tile of a page lies on the stage, in CSS pixels.
import { layoutGrid } from './grid-layout.ts';

export interface Rect {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Placement {
  rects: Map<string, Rect>; // by tile id; what is not on this page is not in it
  page: number; // the page that is shown: the wanted one, or the last there is
  pages: number;
  perPage: number; // tiles of a full page, the large one not counted
}

const GAP = 8;
const STRIP_TILE_WIDTH = 168;
const STRIP_TILE_LOWEST = 56;

// `null` keeps a place free.
export function placeGrid(ids: (string | null)[], width: number, height: number, wantedPage: number): Placement {
  const { columns, rows, perPage, pages, tileWidth, tileHeight: gridHeight } = layoutGrid(width, height, ids.length);
  const page = Math.min(wantedPage, pages - 1);
  const shown = ids.slice(page * perPage, (page + 1) * perPage);
  // One alone fills the stage; several keep their shape.
  const tileHeight = ids.length === 1 ? height : gridHeight;
  const wide = ids.length === 1 ? Math.min(width, height * 2) : tileWidth;
  const usedRows = Math.min(rows, Math.ceil(shown.length / columns));
  const top = (height - usedRows * tileHeight - (usedRows - 1) * GAP) / 2;
  const rects = new Map<string, Rect>();
  shown.forEach((id, i) => {
    if (id === null) return;
    const row = Math.floor(i / columns);
    const inRow = Math.min(columns, shown.length - row * columns);
    const left = (width - inRow * wide - (inRow - 1) * GAP) / 2;
    rects.set(id, {
      left: left + (i % columns) * (wide + GAP),
      top: top + row * (tileHeight + GAP),
      width: wide,
      height: tileHeight,
    });
  });
  return { rects, page, pages, perPage };
}

// One large tile; the others in a strip beside it, or below it where the stage is high.
export function placeSpeaker(
  ids: string[],
  main: string,
  width: number,
  height: number,
  wantedPage: number,
): Placement {
  const others = ids.filter((id) => id !== main);
  if (others.length === 0) return placeGrid([main], width, height, 0);
  const beside = width > height * 1.2;
  // As wide as can be, but for a stage as low as a phone's on its side: three in the strip say more than one and a half.
  const low = beside ? (Math.max(STRIP_TILE_LOWEST, (height - 2 * GAP) / 3) * 16) / 9 : Infinity;
  const stripWidth = Math.min(STRIP_TILE_WIDTH, (width - 2 * GAP) / 3, low);
  const stripHeight = (stripWidth * 9) / 16;
  // What fits to a hair fits: a division leaves less than that behind.
  const perPage = Math.max(
    1,
    Math.floor((beside ? (height + GAP) / (stripHeight + GAP) : (width + GAP) / (stripWidth + GAP)) + 1e-6),
  );
  const pages = Math.ceil(others.length / perPage);
  const page = Math.min(wantedPage, pages - 1);
  const rects = new Map<string, Rect>([
    [
      main,
      {
        left: 0,
        top: 0,
        width: beside ? width - stripWidth - GAP : width,
        height: beside ? height : height - stripHeight - GAP,
      },
    ],
  ]);
  others.slice(page * perPage, (page + 1) * perPage).forEach((id, i) =>
    rects.set(id, {
      left: beside ? width - stripWidth : i * (stripWidth + GAP),
      top: beside ? i * (stripHeight + GAP) : height - stripHeight,
      width: stripWidth,
      height: stripHeight,
    }),
  );
  return { rects, page, pages, perPage };
}

// Room for the buttons that turn pages, below the tiles, where there are pages to turn.
export const PAGER_HEIGHT = 52;

export function placeWithPager(place: (height: number) => Placement, height: number): Placement {
  const whole = place(height);
  return whole.pages > 1 ? place(Math.max(0, height - PAGER_HEIGHT)) : whole;
}
