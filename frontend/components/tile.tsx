'use client';
// One participant's picture, or one shared screen.
import { MicOff, PictureInPicture2, Pin, PinOff, SignalHigh, SignalLow, SignalMedium } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { useT } from '@/lib/i18n';
import type { Rect } from '@/lib/place';
import { currentRoom, togglePin } from '@/lib/room_actions';
import { useCall, videoShown, type Tile } from '@/lib/store';
import { Video } from './media';
import { StatsOverlay } from './stats_overlay';
import { classes, IconButton } from './ui';

const SMALL_TILE = 240;
const GOOD_SCORE = 7;
const FAIR_SCORE = 4;
const QUALITIES = {
  good: { icon: SignalHigh, color: 'text-white' },
  fair: { icon: SignalMedium, color: 'text-amber-300' },
  poor: { icon: SignalLow, color: 'text-red-300' },
} as const;

function qualityOf(score: number | null): keyof typeof QUALITIES {
  if (score === null || score >= GOOD_SCORE) return 'good';
  return score >= FAIR_SCORE ? 'fair' : 'poor';
}

const CAMERA_RATIO = 16 / 9;

// Tells the room how large this picture is shown, and that it is not shown any more.
function useDemand(producerId: string | null | undefined, width: number, unseen: boolean): void {
  const pixels = Math.round(width * (typeof window === 'undefined' ? 1 : window.devicePixelRatio));
  useEffect(() => {
    if (producerId) currentRoom()?.demand(producerId, unseen ? null : { width: pixels });
  }, [producerId, pixels, unseen]);
  useEffect(() => {
    if (producerId) return () => currentRoom()?.demand(producerId, null);
  }, [producerId]);
}

export function TileView({ tile, rect, pinned, speaking, unseen }: { tile: Tile; rect: Rect; pinned: boolean; speaking: boolean; unseen: boolean }) {
  const t = useT();
  const stats = useCall((state) => state.stats);
  const element = useRef<HTMLElement>(null);
  const { participant, source } = tile;
  const { isLocal, name } = participant;
  const media = participant.media[source];
  const microphone = participant.media.microphone;
  const shown = videoShown(media);
  const muted = source === 'camera' && (!microphone?.track || microphone.paused);
  // A camera's picture fills its tile and may be cut at the sides: then it is wider than the tile.
  useDemand(media?.producerId, source === 'camera' ? Math.max(rect.width, rect.height * CAMERA_RATIO) : rect.width, unseen);

  const shownName = isLocal ? t('room.you', { name }) : name;
  const title = source === 'screen' ? t('room.screenOf', { name }) : shownName;
  const quality = qualityOf(media?.score ?? microphone?.score ?? null);
  const { icon: QualityIcon, color } = QUALITIES[quality];
  const pictureInPicture = () => void element.current?.querySelector('video')?.requestPictureInPicture?.().catch(() => {});

  return (
    <figure
      ref={element}
      data-user={participant.userId}
      data-name={shownName}
      data-source={source}
      style={rect}
      className={classes(
        'tile group absolute overflow-hidden rounded-xl bg-tile text-white',
        isLocal && 'local',
        source === 'screen' && 'screen',
        !shown && 'no-video',
        muted && 'no-audio',
        speaking && 'speaking',
      )}
    >
      {!shown && (
        <span aria-hidden className="absolute inset-0 grid place-items-center">
          <span className="grid size-16 max-h-[70%] max-w-[40%] place-items-center rounded-full bg-white/15 text-2xl font-semibold">
            {[...name][0]?.toUpperCase() ?? '?'}
          </span>
        </span>
      )}
      <Video
        track={media?.track ?? null}
        mirrored={isLocal && source === 'camera'}
        fit={source === 'screen' ? 'contain' : 'cover'}
        label={title}
        onFirstFrame={() => {
          if (!isLocal && source === 'camera') performance.mark('first-frame', { detail: name });
        }}
      />
      {stats && <StatsOverlay participant={participant} source={source} small={rect.width < SMALL_TILE} />}
      <div className="absolute top-1.5 right-1.5 flex gap-1 opacity-0 transition-opacity group-focus-within:opacity-100 group-hover:opacity-100 pointer-coarse:opacity-100">
        {shown && rect.width > 180 && 'pictureInPictureEnabled' in document && document.pictureInPictureEnabled && (
          <IconButton small icon={PictureInPicture2} label={t('tile.pip')} onClick={pictureInPicture} />
        )}
        <IconButton
          small
          icon={pinned ? PinOff : Pin}
          label={t(pinned ? 'tile.unpin' : 'tile.pin', { name: title })}
          aria-pressed={pinned}
          onClick={() => togglePin(tile.id)}
        />
      </div>
      <figcaption className="absolute bottom-1.5 left-1.5 flex max-w-[calc(100%-0.75rem)] items-center gap-1.5 rounded-lg bg-black/70 px-2 py-0.5 text-sm" style={rect.width < SMALL_TILE ? { fontSize: 12 } : undefined}>
        {muted && <MicOff role="img" aria-label={t('tile.muted')} className="size-4 shrink-0 text-red-300" />}
        <span className="truncate">{title}</span>
        <QualityIcon role="img" aria-label={t('tile.quality', { quality: t(`quality.${quality}`) })} className={`size-4 shrink-0 ${color}`} />
      </figcaption>
    </figure>
  );
}
