'use client';
// Everybody's camera and every shared screen, as large as they fit in the box around. Places are kept: who leaves leaves a
// gap for the next one.
import { useEffect, useLayoutEffect, useRef, useState, type CSSProperties, type ReactNode } from 'react';
import { useParticipants } from './hooks.ts';
import { arrange, type Slots } from './order.ts';
import { placeGrid, placeWithPager, type Rect } from './place.ts';
import type { Participant, TrackState } from './room-state.ts';
import { VideoTile } from './video-tile.tsx';

export interface GridTile {
  id: string;
  participant: Participant;
  source: 'camera' | 'screen';
  track: TrackState | null; // null: no camera
  rect: Rect; // in CSS pixels
}

export interface GridProps {
  page?: number;
  onPages?: (pages: number) => void; // how many there are
  children?: (tile: GridTile) => ReactNode; // draws a tile; it is placed already
  className?: string;
  style?: CSSProperties;
}

const FILL: CSSProperties = { position: 'absolute', inset: 0 };

function Tile({ participant, source, track, rect }: GridTile) {
  const shown = track?.track && !track.paused && !track.held;
  return (
    <figure
      style={{
        ...FILL,
        margin: 0,
        overflow: 'hidden',
        borderRadius: 8,
        background: '#23272f',
        color: '#fff',
        font: '14px sans-serif',
      }}
    >
      <VideoTile
        track={track}
        width={rect.width}
        fit={source === 'screen' ? 'contain' : 'cover'}
        mirrored={participant.isLocal && source === 'camera'}
        label={participant.name}
        style={shown ? undefined : { visibility: 'hidden' }}
      />
      {!shown && (
        <span aria-hidden style={{ ...FILL, display: 'grid', placeItems: 'center', fontSize: 32 }}>
          {[...participant.name][0]?.toUpperCase() ?? '?'}
        </span>
      )}
      <figcaption
        dir="auto"
        style={{ position: 'absolute', left: 6, bottom: 6, padding: '2px 8px', borderRadius: 6, background: '#000b' }}
      >
        {participant.name}
      </figcaption>
    </figure>
  );
}

const tilesOf = (participants: Participant[]): Omit<GridTile, 'rect'>[] =>
  participants.flatMap((participant) =>
    (['camera', 'screen'] as const)
      .filter((source) => source === 'camera' || participant.tracks.screen)
      .map((source) => ({
        id: `${participant.userId}:${source}`,
        participant,
        source,
        track: participant.tracks[source] ?? null,
      })),
  );

export function Grid({ page = 0, onPages, children, className, style }: GridProps) {
  const box = useRef<HTMLDivElement>(null);
  const [{ width, height }, setSize] = useState({ width: 0, height: 0 });
  const [slots, setSlots] = useState<Slots>([]);
  const tiles = tilesOf(useParticipants());
  const kept = arrange(
    slots,
    tiles.map(({ id }) => id),
    width,
    height,
  ); // the same array when nothing moves
  if (kept !== slots && width > 0) setSlots(kept);
  const { rects, pages } = placeWithPager((to) => placeGrid(kept, width, to, page), height);
  useLayoutEffect(() => {
    const measure = () => setSize({ width: box.current!.clientWidth, height: box.current!.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  useEffect(() => onPages?.(pages), [pages, onPages]);
  return (
    <div
      ref={box}
      className={className}
      style={{ position: 'relative', width: '100%', height: '100%', overflow: 'hidden', ...style }}
    >
      {width > 0 &&
        tiles.map((tile) => {
          const rect = rects.get(tile.id);
          if (rect === undefined) return null;
          const placed = { ...tile, rect };
          return (
            <div
              key={tile.id}
              data-name={tile.participant.name}
              data-source={tile.source}
              style={{ position: 'absolute', ...rect }}
            >
              {children ? children(placed) : <Tile {...placed} />}
            </div>
          );
        })}
    </div>
  );
}
