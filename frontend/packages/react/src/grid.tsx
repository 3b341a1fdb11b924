'use client';
// Everybody's camera and every shared screen, as large as they fit in the box around. Places are kept: who leaves leaves a
// gap for the next one, and who speaks on another page comes to the first without others moving. The grid is drawn anew when
// tiles come, go or move; what a tile shows is the tile's own affair.
import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState, type CSSProperties, type ReactNode } from 'react';
import { useMainTileId, useParticipant, usePart, useTileIds } from './hooks.ts';
import { placeGrid, placeSpeaker, placeWithPager, type Placement, type Rect } from './placement.ts';
import type { Participant, RoomSnapshot, TrackState } from './room-state.ts';
import { arrange, bringForward, type Slots } from './slots.ts';
import { tileId, tileOf, type TileSource } from './tiles.ts';
import { VideoTile } from './video-tile.tsx';

export interface GridTile {
  id: string;
  participant: Participant;
  source: TileSource;
  track: TrackState | null; // null: no camera
  rect: Rect; // in CSS pixels
}

export interface GridProps {
  view?: 'grid' | 'speaker'; // speaker: one large, the others beside it
  pinned?: string | null; // id of a tile that the speaker's view shows, whoever speaks
  page?: number;
  onPages?: (pages: number) => void; // how many there are
  children?: (tile: GridTile) => ReactNode; // draws a tile, which is placed already; the same function draws none anew
  className?: string;
  style?: CSSProperties;
  id?: string;
}

const FILL: CSSProperties = { position: 'absolute', inset: 0 };

function PlainTile({ participant, source, track, rect }: GridTile) {
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

interface PlaceProps {
  id: string;
  rect: Rect;
  children?: (tile: GridTile) => ReactNode;
}

const sameRect = (a: Rect, b: Rect) =>
  a.left === b.left && a.top === b.top && a.width === b.width && a.height === b.height;
const samePlace = (a: PlaceProps, b: PlaceProps) =>
  a.id === b.id && a.children === b.children && sameRect(a.rect, b.rect);

// Drawn anew when it moves, or its participant changes: not when others come.
const Place = memo(function Place({ id, rect, children }: PlaceProps) {
  const { userId, source } = tileOf(id);
  const participant = useParticipant(userId);
  if (participant === null) return null;
  const tile: GridTile = { id, participant, source, track: participant.tracks[source] ?? null, rect };
  return (
    <div data-name={participant.name} data-source={source} style={{ position: 'absolute', ...rect }}>
      {children ? children(tile) : <PlainTile {...tile} />}
    </div>
  );
}, samePlace);

function useSize(box: { current: HTMLElement | null }): { width: number; height: number } {
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const measure = () => setSize({ width: box.current!.clientWidth, height: box.current!.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, [box]);
  return size;
}

const turnsOf = ({ turns }: RoomSnapshot) => turns;
const lastSpeakerOf = ({ lastSpeaker }: RoomSnapshot) => lastSpeaker;
const ownIdOf = ({ participants }: RoomSnapshot) => participants.find(({ isLocal }) => isLocal)?.userId;

// Where everybody is, with the places of before kept.
function usePlacement(
  width: number,
  height: number,
  main: string | null,
  page: number,
  pinned: string | null,
): Placement {
  const ids = useTileIds();
  const me = usePart(ownIdOf);
  const turns = usePart(turnsOf);
  const lastSpeaker = usePart(lastSpeakerOf);
  const [slots, setSlots] = useState<Slots>([]);
  const kept = useMemo(() => arrange(slots, ids, width, height), [slots, ids, width, height]);
  const placement = useMemo(() => {
    const tiles = kept.filter((id) => id !== null);
    return placeWithPager(
      (to) => (main === null ? placeGrid(kept, width, to, page) : placeSpeaker(tiles, main, width, to, page)),
      height,
    );
  }, [kept, main, width, height, page]);
  const spoke = (id: string) => {
    const { userId, source } = tileOf(id);
    return userId === me || source === 'screen' || id === pinned ? Infinity : (turns[userId] ?? 0);
  };
  // Whoever has turned to another page looks for somebody there: nothing is moved away under their eyes.
  const speaks = lastSpeaker !== null && page === 0 && main === null;
  const next = speaks ? bringForward(kept, tileId(lastSpeaker, 'camera'), placement.perPage, spoke) : kept;
  if (width > 0 && next !== slots) setSlots(next); // the same array when nobody moves
  return placement;
}

export function Grid({ view = 'grid', pinned = null, page = 0, onPages, children, className, style, id }: GridProps) {
  const box = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(box);
  const ids = useTileIds();
  const main = useMainTileId(view === 'speaker', pinned);
  const { rects, pages } = usePlacement(width, height, main, page, pinned);
  useEffect(() => onPages?.(pages), [pages, onPages]);
  return (
    <div
      ref={box}
      id={id}
      className={className}
      style={{ position: 'relative', width: '100%', height: '100%', overflow: 'hidden', ...style }}
    >
      {width > 0 &&
        ids.map((tile) => {
          const rect = rects.get(tile);
          return rect && <Place key={tile} id={tile} rect={rect} children={children} />;
        })}
    </div>
  );
}
