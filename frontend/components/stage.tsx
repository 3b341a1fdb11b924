'use client';
// The tiles of the call: a grid with pages, or one large with the others beside it.
import { ChevronLeft, ChevronRight } from 'lucide-react';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useT } from '@/lib/i18n';
import { placeGrid, placeSpeaker } from '@/lib/place';
import { mainTile, tilesOf, useCall } from '@/lib/store';
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
      if (document.hidden) timer = setTimeout(() => setUnseen(document.pictureInPictureElement == null), HIDDEN_PATIENCE_MS);
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

export function Stage() {
  const t = useT();
  const participants = useCall((state) => state.participants);
  const { view, pinned, speaker, page: wantedPage } = useCall();
  const box = useRef<HTMLDivElement>(null);
  const [{ width, height }, setSize] = useState({ width: 0, height: 0 });
  const unseen = useUnseen();
  // The large tile stays while nobody speaks.
  const lastSpeaker = useRef<string | null>(null);
  const me = participants.find((one) => one.isLocal)?.userId;
  if (speaker !== null && speaker !== me) lastSpeaker.current = speaker;

  useLayoutEffect(() => {
    const measure = () => setSize({ width: box.current!.clientWidth, height: box.current!.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);

  const tiles = useMemo(() => tilesOf(participants), [participants]);
  const main = view === 'speaker' ? mainTile(tiles, pinned, lastSpeaker.current)?.id : undefined;
  const ids = tiles.map(({ id }) => id);
  const { rects, page, pages } =
    main === undefined ? placeGrid(ids, width, height, wantedPage) : placeSpeaker(ids, main, width, height, wantedPage);
  const turn = (by: number) => useCall.setState({ page: Math.max(0, Math.min(pages - 1, page + by)) });

  return (
    <section aria-label={t('room.people')} className="flex min-h-0 min-w-0 flex-1 flex-col gap-2">
      <div ref={box} id="tiles" className="relative min-h-0 flex-1 overflow-hidden">
        {tiles.map((tile) => {
          const rect = rects.get(tile.id);
          return (
            rect && (
              <TileView
                key={tile.id}
                tile={tile}
                rect={rect}
                pinned={pinned === tile.id}
                speaking={tile.source === 'camera' && speaker === tile.participant.userId}
                unseen={unseen}
              />
            )
          );
        })}
      </div>
      {pages > 1 && (
        <nav className="flex items-center justify-center gap-3 text-sm" aria-label={t('room.page', { page: page + 1, pages })}>
          <IconButton small icon={ChevronLeft} label={t('room.previous')} disabled={page === 0} onClick={() => turn(-1)} />
          {t('room.page', { page: page + 1, pages })}
          <IconButton small icon={ChevronRight} label={t('room.next')} disabled={page === pages - 1} onClick={() => turn(1)} />
        </nav>
      )}
    </section>
  );
}
