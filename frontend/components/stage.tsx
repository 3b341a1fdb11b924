'use client';
// The tiles of the call: a grid with pages, or one large with the others beside it.
import { ChevronLeft, ChevronRight } from 'lucide-react';
import { useCallback, useState } from 'react';
import { Grid, type GridTile } from '@rotunda/react';
import { useCall, useCallStore } from '@/hooks/use-call';
import { useUnseen } from '@/hooks/use-unseen';
import { useT } from '@/lib/i18n';
import { TileView } from './tile';
import { IconButton } from './ui';

export function Stage() {
  const t = useT();
  const store = useCallStore();
  const view = useCall((state) => state.view);
  const pinned = useCall((state) => state.pinned);
  const wanted = useCall((state) => state.page);
  const [pages, setPages] = useState(1);
  const page = Math.min(wanted, pages - 1);
  const unseen = useUnseen();
  const tile = useCallback(
    ({ id, participant, source, rect }: GridTile) => (
      <TileView userId={participant.userId} source={source} rect={rect} pinned={pinned === id} unseen={unseen} />
    ),
    [pinned, unseen],
  );
  const turn = (by: number) => store.setState({ page: Math.max(0, Math.min(pages - 1, page + by)) });
  return (
    <section aria-label={t('room.people')} className="relative min-h-0 min-w-0 flex-1">
      <Grid id="tiles" view={view} pinned={pinned} page={wanted} onPages={setPages}>
        {tile}
      </Grid>
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
