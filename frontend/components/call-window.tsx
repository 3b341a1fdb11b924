'use client';
// Picture in picture of the whole call: a small window over all others, where the browser has such a thing.
import { Mic, MicOff, PictureInPicture } from 'lucide-react';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { createPortal } from 'react-dom';
import { mainTile, tilesOf, useLastSpeaker, useParticipants, VideoTile, type Tile } from '@rotunda/react';
import { useCall, useCallActions } from '@/hooks/use-call';
import { useT } from '@/lib/i18n';
import { videoShown } from '@/lib/store';
import { Button, IconButton, useAttempt } from './ui';

const SIZE = { width: 420, height: 300 };
const OTHERS_MAX = 4;

interface DocumentPictureInPicture {
  requestWindow: (size: typeof SIZE) => Promise<Window>;
}
const pictureInPicture = () =>
  (window as { documentPictureInPicture?: DocumentPictureInPicture }).documentPictureInPicture;
const never = () => () => {};

// The new window is empty: it looks as this one does.
function dress(to: Window): void {
  for (const style of document.querySelectorAll('link[rel="stylesheet"], style'))
    to.document.head.append(style.cloneNode(true));
  Object.assign(to.document.documentElement.dataset, document.documentElement.dataset);
  to.document.documentElement.lang = document.documentElement.lang;
  to.document.title = document.title;
}

function Small({ tile: { participant, source }, className }: { tile: Tile; className: string }) {
  const media = participant.tracks[source];
  const shown = videoShown(media);
  return (
    <figure
      data-name={participant.name}
      className={`relative min-h-0 min-w-0 overflow-hidden rounded-lg bg-tile text-white ${className}`}
    >
      <VideoTile
        track={{ track: media?.track ?? null, producerId: media?.producerId }}
        unseen={!shown}
        mirrored={participant.isLocal && source === 'camera'}
        fit={source === 'screen' ? 'contain' : 'cover'}
        label={participant.name}
        style={{ position: 'absolute', inset: 0, visibility: shown ? 'visible' : 'hidden' }}
      />
      <figcaption
        dir="auto"
        className="absolute bottom-1 left-1 max-w-[90%] truncate rounded bg-black/70 px-1.5 text-xs"
      >
        {participant.name}
      </figcaption>
    </figure>
  );
}

function Contents() {
  const t = useT();
  const attempt = useAttempt();
  const { toggleMicrophone } = useCallActions();
  const participants = useParticipants();
  const pinned = useCall((state) => state.pinned);
  const lastSpeaker = useLastSpeaker()?.userId ?? null;
  const tiles = tilesOf(participants);
  const main = mainTile(tiles, pinned, lastSpeaker);
  const others = tiles.filter((tile) => tile !== main).slice(0, OTHERS_MAX);
  const microphone = participants.find(({ isLocal }) => isLocal)?.tracks.microphone;
  const muted = !microphone?.track || microphone.paused;
  return (
    <div className="flex h-dvh flex-col gap-1 bg-page p-1 text-text">
      {main && <Small key={main.id} tile={main} className="flex-1" />}
      <div className="flex h-20 gap-1">
        {others.map((tile) => (
          <Small key={tile.id} tile={tile} className="flex-1" />
        ))}
        <Button
          look={muted ? 'danger' : 'plain'}
          className="h-full"
          aria-label={t(muted ? 'control.unmute' : 'control.mute')}
          onClick={() => attempt(toggleMicrophone)}
        >
          {muted ? <MicOff aria-hidden className="size-5" /> : <Mic aria-hidden className="size-5" />}
        </Button>
      </div>
    </div>
  );
}

// The button, and the window while it is open.
export function CallWindow() {
  const t = useT();
  const attempt = useAttempt();
  const [open, setOpen] = useState<Window | null>(null);
  const can = useSyncExternalStore(
    never,
    () => pictureInPicture() !== undefined,
    () => false,
  );
  useEffect(() => {
    if (open === null) return;
    const closed = () => setOpen(null);
    open.addEventListener('pagehide', closed);
    return () => {
      open.removeEventListener('pagehide', closed);
      open.close();
    };
  }, [open]);
  if (!can) return null;
  const toggle = async () => {
    if (open !== null) return setOpen(null);
    const made = await pictureInPicture()!.requestWindow(SIZE);
    dress(made);
    setOpen(made);
  };
  return (
    <>
      <IconButton
        small
        id="call-window"
        look={open ? 'primary' : 'ghost'}
        icon={PictureInPicture}
        label={t('control.window')}
        aria-pressed={open !== null}
        onClick={() => attempt(toggle)}
      />
      {open && createPortal(<Contents />, open.document.body)}
    </>
  );
}
