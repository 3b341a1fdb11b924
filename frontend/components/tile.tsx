'use client';
// One participant's picture, or one shared screen.
import { MicOff, MonitorX, PictureInPicture2, Pin, PinOff, SignalHigh, SignalLow, SignalMedium } from 'lucide-react';
import { memo, useRef, useState } from 'react';
import { useT, type Translate } from '@/lib/i18n';
import {
  tileId,
  useLastSpeaker,
  useParticipant,
  VideoTile,
  type Rect,
  type TileSource,
  type TrackState,
} from '@rotunda/react';
import { useCall, useCallActions } from '@/hooks/use-call';
import { usePreferences } from '@/lib/preferences';
import { videoShown } from '@/lib/store';
import { Ring } from './ring';
import { StatsOverlay } from './stats-overlay';
import { Button, classes, IconButton, useAttempt } from './ui';

const SMALL_TILE = 240;
const OWN_SCREEN_WORDS = 360; // narrower ones have room for the button alone
const TINY_TILE = 150; // there the badge of the connection gives way to the name
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

// Whether this picture is left out to save data. A shared screen is no picture of a person: it is what the call is about.
function useSaved(userId: string, source: TileSource, pinned: boolean): boolean {
  const pictures = usePreferences((state) => state.pictures);
  const speaks = useLastSpeaker()?.userId === userId;
  if (pictures === 'all' || pinned) return false;
  return pictures === 'none' || (source === 'camera' && !speaks);
}

function Initial({ name, coming }: { name: string; coming: boolean }) {
  const t = useT();
  return (
    <span className="pointer-events-none absolute inset-0 grid place-items-center">
      <span
        aria-hidden
        className={classes(
          'grid size-16 max-h-[70%] max-w-[40%] place-items-center rounded-full bg-white/15 text-2xl font-semibold',
          coming && 'animate-pulse ring-2 ring-white/40',
        )}
      >
        {[...name][0]?.toUpperCase() ?? '?'}
      </span>
      {coming && <span className="sr-only">{t('tile.coming')}</span>}
    </span>
  );
}

// What one shares is before one's eyes already, and in a tile would show itself again and again.
function OwnScreen({ small }: { small: boolean }) {
  const t = useT();
  const attempt = useAttempt();
  const { toggleScreen } = useCallActions();
  return (
    <div className="absolute inset-0 grid content-center justify-items-center gap-3 p-3 text-center">
      {!small && <p>{t('tile.sharing')}</p>}
      <Button look="danger" className="sm:min-h-9" onClick={() => attempt(toggleScreen)}>
        <MonitorX aria-hidden className="size-5" />
        {t(small ? 'tile.stop' : 'control.unshare')}
      </Button>
    </div>
  );
}

function Caption({
  title,
  muted,
  width,
  media,
  t,
}: {
  title: string;
  muted: boolean;
  width: number;
  media: (TrackState | undefined)[];
  t: Translate;
}) {
  const quality = qualityOf(media.find((one) => one != null && one.score !== null)?.score ?? null);
  const { icon: QualityIcon, color } = QUALITIES[quality];
  return (
    <figcaption
      className="absolute bottom-1.5 left-1.5 flex max-w-[calc(100%-0.75rem)] items-center gap-1.5 rounded-lg bg-black/70 px-2 py-0.5 text-sm"
      style={width < SMALL_TILE ? { fontSize: 12 } : undefined}
    >
      {muted && <MicOff role="img" aria-label={t('tile.muted')} className="size-4 shrink-0 text-red-300" />}
      <span dir="auto" className="truncate">
        {title}
      </span>
      {(width >= TINY_TILE || quality === 'poor') && (
        <QualityIcon
          role="img"
          aria-label={t('tile.quality', { quality: t(`quality.${quality}`) })}
          className={`size-4 shrink-0 ${color}`}
        />
      )}
    </figcaption>
  );
}

interface TileProps {
  userId: string;
  source: TileSource;
  rect: Rect;
  pinned: boolean;
  unseen: boolean;
}

export const TileView = memo(function TileView({ userId, source, rect, pinned, unseen }: TileProps) {
  const t = useT();
  const stats = useCall((state) => state.stats);
  const { togglePin } = useCallActions();
  const participant = useParticipant(userId);
  const [painted, setPainted] = useState<MediaStreamTrack | null>(null); // the track whose first picture was seen
  const element = useRef<HTMLElement>(null);
  const media = participant?.tracks[source];
  const saved = useSaved(userId, source, pinned) && participant?.isLocal === false;
  if (participant === null) return null;

  const { isLocal, name, away } = participant;
  const microphone = participant.tracks.microphone;
  const mirrors = isLocal && source === 'screen';
  const shown = videoShown(media) && !mirrors && !saved;
  const coming = shown && painted !== media!.track;
  const muted = source === 'camera' && (!microphone?.track || microphone.paused);
  const shownName = isLocal ? t('room.you', { name }) : name;
  const title = source === 'screen' ? t('room.screenOf', { name }) : shownName;
  const pictureInPicture = () =>
    void element.current
      ?.querySelector('video')
      ?.requestPictureInPicture?.()
      .catch(() => {});

  return (
    <figure
      ref={element}
      tabIndex={-1} // a tap on it shows its buttons
      data-user={userId}
      data-name={shownName}
      data-source={source}
      className={classes(
        'tile group absolute inset-0 overflow-hidden rounded-xl bg-tile text-white outline-none',
        isLocal && 'local',
        source === 'screen' && 'screen',
        !shown && 'no-video',
        coming && 'coming',
        muted && 'no-audio',
        away && 'away',
      )}
    >
      {!mirrors && (!shown || coming) && <Initial name={name} coming={coming} />}
      <VideoTile
        track={{ track: mirrors || saved ? null : (media?.track ?? null), producerId: media?.producerId }}
        // A camera's picture fills its tile and may be cut at the sides: then it is wider than the tile.
        width={source === 'camera' ? Math.max(rect.width, rect.height * CAMERA_RATIO) : rect.width}
        unseen={unseen || saved}
        mirrored={isLocal && source === 'camera'}
        fit={source === 'screen' ? 'contain' : 'cover'}
        label={title}
        onFirstFrame={(track) => {
          setPainted(track);
          if (!isLocal && source === 'camera') performance.mark('first-frame', { detail: name });
        }}
      />
      {mirrors && <OwnScreen small={rect.width < OWN_SCREEN_WORDS} />}
      {away && <p className="absolute inset-x-0 top-0 bg-black/70 px-2 py-1 text-center text-sm">{t('tile.away')}</p>}
      {stats && <StatsOverlay participant={participant} source={source} small={rect.width < SMALL_TILE} />}
      <div className="absolute top-1.5 right-1.5 flex gap-1 opacity-0 transition-opacity group-focus-within:opacity-100 group-hover:opacity-100 pointer-coarse:pointer-events-none pointer-coarse:group-focus-within:pointer-events-auto">
        {shown && rect.width > 180 && 'pictureInPictureEnabled' in document && document.pictureInPictureEnabled && (
          <IconButton small icon={PictureInPicture2} label={t('tile.pip')} onClick={pictureInPicture} />
        )}
        <IconButton
          small
          icon={pinned ? PinOff : Pin}
          label={t(pinned ? 'tile.unpin' : 'tile.pin', { name: title })}
          aria-pressed={pinned}
          onClick={() => togglePin(tileId(userId, source))}
        />
      </div>
      <Caption title={title} muted={muted} width={rect.width} media={[media, microphone]} t={t} />
      {source === 'camera' && <Ring userId={userId} />}
    </figure>
  );
});
