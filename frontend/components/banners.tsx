'use client';
// What a person should know of now: a lost connection, a way that is blocked, sound that waits, a device that was taken.
import { useEffect, useRef, useState } from 'react';
import { toast } from 'sonner';
import { useT } from '@/lib/i18n';
import { useCall, useCallActions, useCallStore, useModeration } from '@/hooks/use-call';
import { startAudio, useConnectionState, useParticipantCount, useRoom } from '@rotunda/react';
import type { DeviceLoss } from '@/lib/devices';
import { useCopyLink } from './controls';
import { CheckLink } from './check-link';
import { Banner, Button, useAttempt } from './ui';

const WORTH_COUNTING_MS = 1000;
const TOAST_CHARS_MAX = 120;

export function LostBanner({ retryAt, onRetry }: { retryAt: number; onRetry: () => void }) {
  const t = useT();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, []);
  const left = retryAt - now;
  return (
    <Banner tone="danger">
      {/* The seconds are for the eye: read aloud each second they would be noise. */}
      <span className="sr-only">{t('banner.lost')}</span>
      <span aria-hidden id="lost">
        {left >= WORTH_COUNTING_MS ? t('banner.lostIn', { seconds: Math.ceil(left / 1000) }) : t('banner.lost')}
      </span>
      <Button className="sm:min-h-9" onClick={onRetry}>
        {t('banner.retry')}
      </Button>
    </Banner>
  );
}

// Media finds no way, though the server can be talked to.
function PathBanner() {
  const t = useT();
  const send = useCall((state) => state.paths.send);
  const recv = useCall((state) => state.paths.recv);
  const leg = send ?? recv;
  if (!leg) return null;
  const way = send && recv ? 'both' : send ? 'send' : 'recv';
  return (
    <Banner tone="danger">
      <span id="path" data-leg={leg} data-way={way} className="max-w-prose">
        <strong>{t(`path.${way}`)}</strong> {t(`path.${leg}`)}
      </span>
      <CheckLink />
    </Banner>
  );
}

// A device that went away: take it back, or another one.
export function DeviceLossBanner(props: {
  source: 'microphone' | 'camera';
  loss: DeviceLoss | undefined;
  onRestore: () => Promise<void>;
  onAnother: () => void;
}) {
  const t = useT();
  const attempt = useAttempt();
  const { source, loss } = props;
  if (!loss) return null;
  return (
    <Banner tone="danger">
      {t(`loss.${source}.${loss}`)}
      <Button id={`restore-${source}`} look="primary" className="sm:min-h-9" onClick={() => attempt(props.onRestore)}>
        {t(`loss.${source}.restore`)}
      </Button>
      <Button className="sm:min-h-9" onClick={props.onAnother}>
        {t('loss.another')}
      </Button>
    </Banner>
  );
}

function LossBanner({ source }: { source: 'microphone' | 'camera' }) {
  const store = useCallStore();
  const { restoreMicrophone, setCamera } = useCallActions();
  const loss = useCall((state) => state.losses[source]);
  return (
    <DeviceLossBanner
      source={source}
      loss={loss}
      onRestore={() => (source === 'microphone' ? restoreMicrophone() : setCamera(true))}
      onAnother={() => store.setState({ dialog: 'settings' })}
    />
  );
}

// The browser lets no sound through before a click.
export function SoundBanner({ onStarted }: { onStarted: () => void }) {
  const t = useT();
  const start = () => {
    startAudio();
    onStarted();
  };
  return (
    <Banner>
      {t('banner.sound')}
      <Button id="start-sound" look="primary" className="sm:min-h-9" onClick={start}>
        {t('banner.soundButton')}
      </Button>
    </Banner>
  );
}

// Somebody waits outside, for a moderator.
function KnockBanner() {
  const t = useT();
  const attempt = useAttempt();
  const { admit, admitAll } = useModeration();
  const { setPanel } = useCallActions();
  const waiting = useCall(({ moderation }) => moderation.waiting);
  const panel = useCall((state) => state.panel);
  if (waiting.length === 0 || panel === 'people') return null;
  return (
    <Banner>
      {waiting.length === 1
        ? t('waiting.one', { name: waiting[0]!.username })
        : t('waiting.several', { count: waiting.length })}
      <Button
        id="admit-now"
        look="primary"
        className="sm:min-h-9"
        onClick={() => attempt(() => (waiting.length === 1 ? admit(waiting[0]!.userId) : admitAll()))}
      >
        {t(waiting.length === 1 ? 'waiting.letIn' : 'waiting.admitAll')}
      </Button>
      <Button className="sm:min-h-9" onClick={() => setPanel('people')}>
        {t('waiting.show')}
      </Button>
    </Banner>
  );
}

// What is worth a toast: people and messages, a way back, a device that stands in.
function useNews(): void {
  const t = useT();
  const news = useCall((state) => state.news);
  const missed = useCall((state) => state.missed);
  const panel = useCall((state) => state.panel);
  const store = useCallStore();
  const session = useConnectionState().name;
  const words = useRef(t);
  const wasLost = useRef(false);
  useEffect(() => void (words.current = t));
  useEffect(() => {
    if (news === null || (news.text === 'message' && store.getState().panel === 'chat')) return;
    const said = [...news.said];
    const description =
      said.length > TOAST_CHARS_MAX ? `${said.slice(0, TOAST_CHARS_MAX).join('')}…` : news.said || undefined;
    toast(words.current(`news.${news.text}`, { name: news.name }), {
      description,
      duration: description ? 4000 : 2500,
    });
  }, [news, store]);
  // What the chat shows needs no toast any more.
  useEffect(() => {
    if (panel === 'chat') toast.dismiss();
  }, [panel]);
  useEffect(() => {
    if (missed !== null)
      toast(words.current(missed.source === 'camera' ? 'device.missedCamera' : 'device.missedMicrophone'));
  }, [missed]);
  useEffect(() => {
    if (session === 'joined' && wasLost.current) toast.success(words.current('banner.back'));
    wasLost.current = session === 'lost' || (wasLost.current && session !== 'joined');
  }, [session]);
}

export function Banners() {
  const t = useT();
  const copyLink = useCopyLink();
  const room = useRoom();
  const store = useCallStore();
  const session = useConnectionState();
  const soundBlocked = useCall((state) => state.soundBlocked);
  const draining = useCall((state) => state.draining);
  const alone = useParticipantCount() === 1;
  const joined = session.name === 'joined';
  useNews();
  return (
    <div role="status" className="mx-auto grid gap-2 empty:hidden">
      {session.name === 'lost' && <LostBanner retryAt={session.retryAt} onRetry={() => room?.session.retryNow()} />}
      {joined && <PathBanner />}
      {draining && joined && <Banner>{t('banner.draining')}</Banner>}
      {session.name === 'waiting' && <Banner>{t('waiting.title')}</Banner>}
      {joined && <KnockBanner />}
      {soundBlocked && <SoundBanner onStarted={() => store.setState({ soundBlocked: false })} />}
      <LossBanner source="microphone" />
      <LossBanner source="camera" />
      {alone && joined && (
        <Banner>
          {t('room.alone')}
          <Button look="primary" className="sm:min-h-9" onClick={copyLink}>
            {t('room.copy')}
          </Button>
        </Banner>
      )}
    </div>
  );
}
