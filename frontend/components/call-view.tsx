'use client';
// A one-to-one call: how it stands, both pictures, what one can do.
import { Copy, MicOff, Share2 } from 'lucide-react';
import { useCallback, useEffect, useRef, useState } from 'react';
import { toast } from 'sonner';
import { usePair, usePairActions, usePairStore } from '@/hooks/use-pair';
import { invitation } from '@/lib/call-actions';
import { pathWords } from '@/lib/call-store';
import { copyText } from '@/lib/copy-text';
import { useT } from '@/lib/i18n';
import { usePreferences } from '@/lib/preferences';
import { ring } from '@/lib/tones';
import {
  Sound,
  useCallEnd,
  useCallPath,
  useCallSession,
  useCallState,
  usePartner,
  useRotundaCall,
  VideoTile,
} from '@rotunda/react';
import { DeviceLossBanner, LostBanner, SoundBanner } from './banners';
import { CallControls } from './call-controls';
import { CallSettings } from './call-settings';
import { Tips } from './tips';
import { CheckLink } from './check-link';
import { Banner, Button, classes, useAttempt } from './ui';
import { useWakeLock } from '@/hooks/use-wake-lock';

const WAY_WITHIN_MS = 8000;

function useWords(): string {
  const t = useT();
  const name = usePair((pair) => pair.partner);
  const state = useCallState();
  const { isHere } = usePartner();
  const end = useCallEnd();
  if (state === 'in-call') return t('call.inCall', { name });
  if (state === 'ringing') return t('call.ringing', { name });
  if (state === 'calling') return t(isHere ? 'call.calling' : 'call.absent', { name });
  if (end !== null) return t(`call.${end}`, { name });
  return t(isHere ? 'call.here' : 'call.waiting', { name });
}

// How the way between the two stands, in a word; the engineer's words are behind it.
function Path() {
  const t = useT();
  const { connection, ice } = useCallPath();
  const words = pathWords(connection);
  return (
    <details id="paths" data-path={words} className="text-sm text-faint">
      <summary className="inline-flex min-h-11 items-center gap-1.5 rounded-lg px-2 sm:min-h-8">
        <span
          aria-hidden
          className={`size-2 rounded-full ${words === 'connected' ? 'bg-good' : words === 'blocked' ? 'bg-danger' : 'bg-warn'}`}
        />
        {t(`call.path.${words}`)}
      </summary>
      <p className="px-2">
        {t('call.connection')}: <span id="connection-state">{connection}</span> · {t('call.ice')}:{' '}
        <span id="ice-state">{ice}</span>
      </p>
    </details>
  );
}

// The two are in a call and no way between them is found: after a while in words, with what to do.
function PathBanner() {
  const t = useT();
  const name = usePair((state) => state.partner);
  const inCall = useCallState() === 'in-call';
  const { connection } = useCallPath();
  const [late, setLate] = useState(false);
  const coming = inCall && connection !== 'connected';
  useEffect(() => {
    if (!coming) return;
    const timer = setTimeout(() => setLate(true), WAY_WITHIN_MS);
    return () => {
      clearTimeout(timer);
      setLate(false);
    };
  }, [coming]);
  if (!coming || !(late || connection === 'failed')) return null;
  return (
    <Banner tone="danger">
      <span id="path" className="max-w-prose">
        {t('call.noWay', { name })}
      </span>
      <CheckLink />
    </Banner>
  );
}

function LossBanner({ source }: { source: 'microphone' | 'camera' }) {
  const store = usePairStore();
  const { setCamera, take } = usePairActions();
  const loss = usePair((state) => state.losses[source]);
  return (
    <DeviceLossBanner
      source={source}
      loss={loss}
      onRestore={() => (source === 'camera' ? setCamera(true) : take(source))}
      onAnother={() => store.setState({ settings: true })}
    />
  );
}

function CallBanners() {
  const t = useT();
  const call = useRotundaCall();
  const store = usePairStore();
  const session = useCallSession();
  const problem = usePair((state) => state.problem);
  const blocked = usePair((state) => state.soundBlocked);
  return (
    <div role="status" className="mx-auto grid gap-2 empty:hidden">
      {session.name === 'lost' && <LostBanner retryAt={session.retryAt} onRetry={() => call?.session.retryNow()} />}
      <PathBanner />
      {problem !== null && <Banner>{t(`problem.${problem}`)}</Banner>}
      <LossBanner source="microphone" />
      <LossBanner source="camera" />
      {blocked && <SoundBanner onStarted={() => store.setState({ soundBlocked: false })} />}
    </div>
  );
}

// Shown until the other is there: only who has it comes into this room.
function LinkToSend() {
  const t = useT();
  const attempt = useAttempt();
  const name = usePair((one) => one.name);
  const partner = usePair((one) => one.partner);
  const secret = usePair((one) => one.secret);
  const linked = usePair((one) => one.linked);
  const { isHere } = usePartner();
  if (!linked || isHere) return null;
  const link = invitation(name, partner, secret);
  const copy = async () => {
    await copyText(link);
    toast.success(t('toast.copied'));
  };
  return (
    <section
      aria-label={t('call.send', { name: partner })}
      className="absolute inset-x-0 top-0 z-10 mx-auto grid max-w-md gap-3 p-3"
    >
      <div className="grid gap-3 rounded-2xl border border-line bg-surface p-4 shadow-lg">
        <p>{t('call.send', { name: partner })}</p>
        <input
          id="link"
          readOnly
          aria-label={t('call.link')}
          value={link}
          onFocus={({ target }) => target.select()}
          className="min-h-11 w-full rounded-xl border border-field bg-surface px-3 text-sm text-text"
        />
        <div className="flex flex-wrap gap-3">
          <Button id="copy-link" look="primary" className="grow" onClick={() => attempt(copy)}>
            <Copy aria-hidden className="size-5" />
            {t('room.copy')}
          </Button>
          {typeof navigator.share === 'function' && (
            <Button id="share-link" className="grow" onClick={() => attempt(() => shareLink(link))}>
              <Share2 aria-hidden className="size-5" />
              {t('call.share')}
            </Button>
          )}
        </div>
        <p className="text-sm text-faint">{t('call.sendWhy')}</p>
      </div>
    </section>
  );
}

// Whoever closes the phone's sheet without a choice has done nothing wrong.
async function shareLink(url: string): Promise<void> {
  await navigator.share({ url }).catch((error: unknown) => {
    if ((error as Error).name !== 'AbortError') throw error;
  });
}

function Remote() {
  const t = useT();
  const store = usePairStore();
  const soundBlocked = useCallback(() => store.setState({ soundBlocked: true }), [store]);
  const speakerId = usePreferences((state) => state.speakerId);
  const partner = usePair((state) => state.partner);
  const { tracks, marks } = usePartner();
  const inCall = useCallState() === 'in-call';
  const video = tracks.find(({ kind }) => kind === 'video');
  const audio = tracks.find(({ kind }) => kind === 'audio');
  const [painted, setPainted] = useState<MediaStreamTrack | null>(null); // the track whose first picture was seen
  const shown = inCall && video !== undefined && marks.camera;
  const coming = shown && painted !== video;
  return (
    <>
      <div id="remote" className={`size-full ${shown ? '' : 'no-video'}`}>
        <VideoTile
          track={{ track: shown ? video : null }}
          fit="contain"
          label={partner}
          onFirstFrame={(track) => setPainted(track)}
        />
      </div>
      {(!shown || coming) && (
        <span className="pointer-events-none absolute inset-0 grid place-items-center text-white">
          <span
            aria-hidden
            className={classes(
              'grid size-24 place-items-center rounded-full bg-white/15 text-4xl font-semibold',
              coming && 'animate-pulse ring-2 ring-white/40',
            )}
          >
            {[...partner][0]?.toUpperCase()}
          </span>
          {coming && <span className="sr-only">{t('tile.coming')}</span>}
        </span>
      )}
      <p className="absolute bottom-3 left-3 flex max-w-[60%] items-center gap-1.5 rounded-lg bg-black/70 px-2 py-0.5 text-sm text-white">
        {inCall && !marks.microphone && (
          <MicOff id="partner-muted" role="img" aria-label={t('tile.muted')} className="size-4 shrink-0 text-red-300" />
        )}
        <span dir="auto" className="truncate">
          {partner}
        </span>
      </p>
      {audio && <Sound track={audio} speakerId={speakerId} onBlocked={soundBlocked} />}
    </>
  );
}

function Local() {
  const t = useT();
  const name = usePair((state) => state.name);
  const camera = usePair((state) => state.camera);
  const muted = usePair((state) => state.muted || state.microphone === null);
  return (
    <div
      id="local"
      className="absolute right-3 bottom-3 grid aspect-video w-1/3 max-w-60 place-items-center overflow-hidden rounded-xl bg-black/60 text-white shadow-lg"
    >
      {camera ? (
        <VideoTile track={{ track: camera }} mirrored label={t('room.you', { name })} />
      ) : (
        <p className="p-2 text-center text-xs">{t('lobby.cameraOff')}</p>
      )}
      {muted && (
        <MicOff role="img" aria-label={t('tile.muted')} className="absolute bottom-1.5 left-1.5 size-4 text-red-300" />
      )}
    </div>
  );
}

// A device that stands in for the chosen one.
function useMissed(): void {
  const t = useT();
  const missed = usePair((state) => state.missed);
  const words = useRef(t);
  useEffect(() => void (words.current = t));
  useEffect(() => {
    for (const source of missed)
      toast(words.current(source === 'camera' ? 'device.missedCamera' : 'device.missedMicrophone'));
  }, [missed]);
}

function useRinging(): void {
  const ringing = useCallState() === 'ringing';
  useEffect(() => (ringing ? ring(usePreferences.getState().speakerId) : undefined), [ringing]);
}

export function CallView() {
  return (
    <Tips>
      <View />
    </Tips>
  );
}

function View() {
  const words = useWords();
  const state = useCallState();
  const heading = useRef<HTMLHeadingElement>(null);
  useRinging();
  useMissed();
  useWakeLock();
  useEffect(() => heading.current?.focus(), []);
  return (
    <main className="flex h-dvh flex-col gap-2 p-2 sm:p-3" data-state={state}>
      <header className="flex flex-wrap items-center gap-x-3">
        <h1
          id="call-state"
          ref={heading}
          tabIndex={-1}
          dir="auto"
          aria-live="assertive"
          className="mr-auto font-semibold"
        >
          {words}
        </h1>
        {state === 'in-call' && <Path />}
      </header>
      <CallBanners />
      <div className="relative min-h-0 flex-1 overflow-hidden rounded-2xl bg-tile">
        <Remote />
        <Local />
        <LinkToSend />
      </div>
      <CallControls />
      <CallSettings />
    </main>
  );
}
