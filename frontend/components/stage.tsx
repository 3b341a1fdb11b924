'use client';
// The tiles of the call: a grid with pages, or one large with the others beside it. It is drawn anew when tiles come, go or
// move; what a tile shows is the tile's own affair.
import { ChevronLeft, ChevronRight } from 'lucide-react';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useShallow } from 'zustand/react/shallow';
import { useT } from '@/lib/i18n';
import { arrange, bringForward } from '@rotunda/react';
import { placeGrid, placeSpeaker, placeWithPager, type Placement } from '@rotunda/react';
import { mainTile, tileId, tileOf, tilesOf, useCall, type CallStore } from '@/lib/store';
import { TileView } from './tile';
import { IconButton } from './ui';

const HIDDEN_PATIENCE_MS = 60_000;

// True once nobody has looked for a while: another tab is in front, and no picture-in-picture is open.
function useUnseen(): boolean {
  const [unseen, setUnseen] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const changed = () => {
      clearTimeout(timer);
      if (document.hidden)
        timer = setTimeout(() => setUnseen(document.pictureInPictureElement == null), HIDDEN_PATIENCE_MS);
      else setUnseen(false);
    };
    document.addEventListener('visibilitychange', changed);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', changed);
    };
  }, []);
  return unseen;
}

const tileIds = ({ participants }: CallStore) => tilesOf(participants).map(({ id }) => id);

// The id of the tile that the speaker view shows large.
function mainId({ view, participants, pinned, lastSpeaker }: CallStore): string | null {
  return view === 'speaker' ? (mainTile(tilesOf(participants), pinned, lastSpeaker)?.id ?? null) : null;
}

// Keeps everyone's place in the grid, and brings who speaks on another page to the first.
function usePlaces(width: number, height: number): Placement {
  const ids = useCall(useShallow(tileIds));
  const main = useCall(mainId);
  const slots = useCall((state) => state.slots);
  const wantedPage = useCall((state) => state.page);
  const lastSpeaker = useCall((state) => state.lastSpeaker);
  const kept = useMemo(() => arrange(slots, ids, width, height), [slots, ids, width, height]);
  const placement = useMemo(() => {
    const tiles = kept.filter((id) => id !== null);
    const place = (to: number) =>
      main === null ? placeGrid(kept, width, to, wantedPage) : placeSpeaker(tiles, main, width, to, wantedPage);
    return placeWithPager(place, height);
  }, [kept, main, width, height, wantedPage]);
  const { perPage } = placement;
  useEffect(() => {
    if (width === 0) return;
    const { participants, turns, pinned, page } = useCall.getState();
    const me = participants.find(({ isLocal }) => isLocal)?.userId;
    const spoke = (id: string) => {
      const { userId, source } = tileOf(id);
      return userId === me || source === 'screen' || id === pinned ? Infinity : (turns[userId] ?? 0);
    };
    // Whoever has turned to another page looks for somebody there: nothing is moved away under their eyes.
    const speaks = lastSpeaker !== null && page === 0 && main === null;
    useCall.setState({ slots: speaks ? bringForward(kept, tileId(lastSpeaker, 'camera'), perPage, spoke) : kept });
  }, [kept, lastSpeaker, wantedPage, main, width, perPage]);
  return placement;
}

export function Stage() {
  const t = useT();
  const box = useRef<HTMLDivElement>(null);
  const [{ width, height }, setSize] = useState({ width: 0, height: 0 });
  const pinned = useCall((state) => state.pinned);
  const ids = useCall(useShallow(tileIds));
  const { rects, page, pages } = usePlaces(width, height);
  const unseen = useUnseen();

  useLayoutEffect(() => {
    const measure = () => setSize({ width: box.current!.clientWidth, height: box.current!.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);

  const turn = (by: number) => useCall.setState({ page: Math.max(0, Math.min(pages - 1, page + by)) });

  return (
    <section aria-label={t('room.people')} className="relative min-h-0 min-w-0 flex-1">
      <div ref={box} id="tiles" className="relative size-full overflow-hidden">
        {ids.map((id) => {
          const rect = rects.get(id);
          const { userId, source } = tileOf(id);
          return (
            rect && (
              <TileView key={id} userId={userId} source={source} rect={rect} pinned={pinned === id} unseen={unseen} />
            )
          );
        })}
      </div>
      {pages > 1 && (
        <nav
          className="absolute inset-x-0 bottom-0 flex items-center justify-center gap-3 text-sm"
          aria-label={t('room.page', { page: page + 1, pages })}
        >
          <IconButton
            small
            icon={ChevronLeft}
            label={t('room.previous')}
            disabled={page === 0}
            onClick={() => turn(-1)}
          />
          {t('room.page', { page: page + 1, pages })}
          <IconButton
            small
            icon={ChevronRight}
            label={t('room.next')}
            disabled={page === pages - 1}
            onClick={() => turn(1)}
          />
        </nav>
      )}
    </section>
  );
}
