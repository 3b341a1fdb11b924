'use client';
// Before the call: who, where, and with which camera and microphone.
import { Mic, MicOff, Phone, Stethoscope, Video as VideoIcon, VideoOff } from 'lucide-react';
import Link from 'next/link';
import { useCallback, useEffect, useRef, useState, type FormEvent } from 'react';
import { browserName, capture, stopTracks, type Capture, type DeviceProblem, type TrackKind } from '@/lib/devices';
import type { Entrance } from '@/lib/entrance';
import { isOfAnotherRoom, isSound, keyOfAddress, setEncrypted } from '@/lib/e2ee-key';
import { useT } from '@/lib/i18n';
import { ROOM_CHARS_MAX, USERNAME_CHARS_MAX } from '@/lib/names';
import { usePreferences } from '@/lib/preferences';
import { useCall, useCallActions } from '@/hooks/use-call';
import type { JoinOptions } from '@/lib/room-actions';
import { e2eeSupported, needsPassword } from '@rotunda/client';
import { useConnectionState, VideoTile } from '@rotunda/react';
import { DeviceSelects } from './device-selects';
import { LevelMeter } from './level-meter';
import { loadRoomPart } from './room-part';
import { Button, Checkbox, IconButton, TextField } from './ui';
import { errorWords, nameWords } from '@/lib/words';

type OnJoin = (to: Entrance, stream: MediaStream, options?: JoinOptions) => void;

const DEVICES_WITHIN_MS = 5000; // then somebody leaves the browser's question unanswered, and goes in without

// The preview; begins anew when another device is wanted, or when joining has failed.
function usePreview(wanted: boolean) {
  const cameraOn = usePreferences((state) => state.cameraOn);
  const microphoneId = usePreferences((state) => state.microphoneId);
  const cameraId = usePreferences((state) => state.cameraId);
  const [captured, setCaptured] = useState<Capture | null>(null);
  const [attempt, setAttempt] = useState(0);
  const handedOver = useRef<MediaStream | null>(null);
  const coming = useRef<Promise<Capture> | null>(null);
  useEffect(() => {
    if (!wanted) return;
    let mine: MediaStream | null = null;
    let over = false;
    coming.current = capture({ audio: true, video: cameraOn, microphoneId, cameraId });
    void coming.current.then((got) => {
      mine = got.stream;
      if (over) return stopTracks(mine);
      setCaptured(got);
    });
    return () => {
      over = true;
      if (mine !== handedOver.current) stopTracks(mine);
      setCaptured(null);
    };
  }, [wanted, cameraOn, microphoneId, cameraId, attempt]);
  return {
    captured,
    retry: () => setAttempt(attempt + 1),
    // Who is quicker than the devices (after a password that was wrong, say) does not go in without them.
    handOver: async () => {
      const got =
        captured ??
        (await Promise.race([
          coming.current,
          new Promise<null>((resolve) => setTimeout(() => resolve(null), DEVICES_WITHIN_MS)),
        ]));
      return (handedOver.current = got?.stream ?? new MediaStream());
    },
  };
}

function Notice() {
  const t = useT();
  const error = useCall((state) => state.error);
  const mayTakeOver = useCall((state) => state.mayTakeOver);
  return (
    <div
      id="notice"
      role="alert"
      hidden={error === null}
      className="flex flex-wrap items-center gap-3 rounded-xl border border-danger-text bg-surface px-4 py-3"
    >
      <p className="grow">{error === null ? '' : mayTakeOver ? t('lobby.takeOverWhy') : errorWords(t, error)}</p>
      {mayTakeOver && (
        <Button id="take-over" type="submit" form="entrance" look="primary">
          {t('lobby.takeOver')}
        </Button>
      )}
    </div>
  );
}

// A server that is not found is tried again; the person may have seen enough.
function Retrying() {
  const t = useT();
  const session = useConnectionState();
  const { cancelJoin } = useCallActions();
  const awaited = useCall((state) => state.awaited);
  const error = session.name === 'joining' ? session.retry?.error : awaited;
  if (!error) return null;
  return (
    <div
      id="retrying"
      role="status"
      className="flex flex-wrap items-center gap-3 rounded-xl border border-line bg-surface px-4 py-3"
    >
      <p className="grow">{t('lobby.retrying', { reason: errorWords(t, error) })}</p>
      <Button onClick={cancelJoin}>{t('lobby.cancel')}</Button>
    </div>
  );
}

function Trouble({
  problem,
  missed,
  onRetry,
}: {
  problem: DeviceProblem | null;
  missed: TrackKind[];
  onRetry: () => void;
}) {
  const t = useT();
  if (problem === null && missed.length === 0) return null;
  return (
    <div role="status" className="grid gap-2 rounded-xl border border-line bg-surface p-4 text-sm">
      {missed.map((kind) => (
        <p key={kind}>{t(kind === 'video' ? 'device.missedCamera' : 'device.missedMicrophone')}</p>
      ))}
      {problem !== null && <p className="font-medium">{t(`problem.${problem}`)}</p>}
      {problem === 'denied' && <p>{t(`fix.${browserName()}`)}</p>}
      {problem !== null && problem !== 'insecure' && (
        <Button className="justify-self-start" onClick={onRetry}>
          {t('problem.retry')}
        </Button>
      )}
    </div>
  );
}

function Preview({ captured, onRetry }: { captured: Capture | null; onRetry: () => void }) {
  const t = useT();
  const microphoneOn = usePreferences((state) => state.microphoneOn);
  const cameraOn = usePreferences((state) => state.cameraOn);
  const camera = captured?.stream.getVideoTracks()[0];
  return (
    <section aria-label={t('lobby.preview')} className="grid gap-3">
      <div className="relative aspect-video overflow-hidden rounded-2xl bg-tile text-white">
        {camera ? (
          <VideoTile track={{ track: camera }} mirrored label={t('lobby.preview')} />
        ) : (
          <p className="absolute inset-0 grid place-items-center">{t('lobby.cameraOff')}</p>
        )}
        <div className="absolute inset-x-0 bottom-3 flex justify-center gap-3">
          <IconButton
            icon={microphoneOn ? Mic : MicOff}
            look={microphoneOn ? 'plain' : 'danger'}
            label={t(microphoneOn ? 'control.mute' : 'control.unmute')}
            onClick={() => usePreferences.setState({ microphoneOn: !microphoneOn })}
          />
          <IconButton
            icon={cameraOn ? VideoIcon : VideoOff}
            look={cameraOn ? 'plain' : 'danger'}
            label={t(cameraOn ? 'control.cameraOff' : 'control.cameraOn')}
            onClick={() => usePreferences.setState({ cameraOn: !cameraOn })}
          />
        </div>
      </div>
      <div className="flex items-center gap-3 text-sm text-faint">
        {t('lobby.level')}
        <LevelMeter track={microphoneOn ? captured?.stream.getAudioTracks()[0] : null} label={t('lobby.level')} />
      </div>
      {captured && <Trouble problem={captured.problem} missed={captured.missed} onRetry={onRetry} />}
    </section>
  );
}

// Whether the call is encrypted from end to end: as the link says, or as whoever opens it wants.
function useEncrypted(known: boolean, linkedRoom: string, room: string) {
  // linked: that came with the address. null: the address is not known yet.
  const [keys, setKeys] = useState<{ key: string | null; linked: string | null } | null>(null);
  const { key, linked } = keys ?? { key: null, linked: null };
  const fromAddress = () => ({ key: keyOfAddress(), linked: keyOfAddress() });
  if (known && keys === null) setKeys(fromAddress());
  // Another link in the same tab, which loads nothing anew: the join goes by the address, and so does what is said of it.
  useEffect(() => {
    const changed = () => setKeys(fromAddress());
    window.addEventListener('hashchange', changed);
    return () => window.removeEventListener('hashchange', changed);
  }, []);
  const t = useT();
  const can = !known || e2eeSupported();
  const problem = key === null ? null : !can ? t('error.e2ee-unsupported') : isSound(key) ? null : t('error.e2ee-key');
  const set = (wanted: boolean) => {
    setEncrypted(wanted);
    setKeys({ key: keyOfAddress(), linked });
  };
  const other = isOfAnotherRoom({ key: linked, room: linkedRoom }, key, room);
  return { encrypted: key !== null, can, problem, set, other };
}

function Form({
  initial,
  fresh,
  onSubmit,
}: {
  initial: Entrance | null;
  fresh: unknown;
  onSubmit: (to: Entrance, options: JoinOptions) => void;
}) {
  const t = useT();
  const joining = useCall(({ phase }) => phase === 'joining');
  // null: nothing was typed, so as it was when one came. That is known later than this is shown.
  const [typedRoom, setRoom] = useState<string | null>(null);
  const [typedName, setName] = useState<string | null>(null);
  const room = typedRoom ?? initial?.room ?? '';
  const name = typedName ?? initial?.name ?? '';
  const [password, setPassword] = useState('');
  const asked = useCall((state) => needsPassword(state.error));
  const problems = { name: nameWords(t, name, USERNAME_CHARS_MAX), room: nameWords(t, room, ROOM_CHARS_MAX) };
  const e2ee = useEncrypted(initial !== null, initial?.room ?? '', room);
  const bad = problems.name !== null || problems.room !== null || e2ee.problem !== null;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (bad) return;
    const takeOver = (event.nativeEvent as SubmitEvent).submitter?.id === 'take-over';
    const guest = `${t('lobby.guest')} ${Math.floor(Math.random() * 900 + 100)}`;
    usePreferences.setState({ name: name.trim() });
    if (e2ee.other) e2ee.set(true); // a new key
    onSubmit(
      { room: room.trim(), name: name.trim() || guest },
      { takeOver, password: asked && password ? password : undefined },
    );
  };
  return (
    <form
      id="entrance"
      onSubmit={submit}
      className="grid gap-3 rounded-2xl border border-line bg-surface p-4 sm:gap-4 sm:p-5"
    >
      <h2 className="text-xl font-semibold max-sm:sr-only [@media(max-height:480px)]:sr-only">{t('lobby.title')}</h2>
      <TextField
        id="name"
        label={t('lobby.name')}
        placeholder={t('lobby.guest')}
        value={name}
        problem={problems.name}
        onChange={({ target }) => setName(target.value)}
        autoComplete="nickname"
      />
      <TextField
        id="room"
        label={t('lobby.room')}
        value={room}
        problem={problems.room}
        onChange={({ target }) => setRoom(target.value)}
        required
        pattern=".*\S.*"
        autoCapitalize="none"
        spellCheck={false}
        autoComplete="off"
      />
      {asked && (
        <TextField
          id="password"
          type="password"
          label={t('lobby.password')}
          value={password}
          onChange={({ target }) => setPassword(target.value)}
          autoComplete="off"
          autoFocus
        />
      )}
      <div>
        <Checkbox
          id="e2ee"
          label={t('e2ee.label')}
          checked={e2ee.encrypted}
          disabled={joining || (!e2ee.can && !e2ee.encrypted)}
          onChange={({ target }) => e2ee.set(target.checked)}
        />
        {e2ee.encrypted && e2ee.problem === null && (
          <p id="e2ee-hint" className="text-sm text-faint">
            {e2ee.other ? t('e2ee.otherRoom', { room: initial?.room ?? '' }) : t('e2ee.hint')}
          </p>
        )}
        {e2ee.problem !== null && (
          <p id="e2ee-problem" role="alert" className="text-sm text-danger-text">
            {e2ee.problem}
          </p>
        )}
      </div>
      <Button id="join" type="submit" look="primary" disabled={joining || initial === null || bad}>
        {t(joining ? 'lobby.joining' : 'lobby.join')}
      </Button>
      <details>
        <summary className="py-2.5 text-sm text-faint sm:py-1">{t('lobby.devices')}</summary>
        <DeviceSelects fresh={fresh} />
      </details>
    </form>
  );
}

const whenIdle = (work: () => void): (() => void) => {
  if (!('requestIdleCallback' in window)) {
    const timer = setTimeout(work, 200); // Safari
    return () => clearTimeout(timer);
  }
  const handle = requestIdleCallback(work, { timeout: 2000 });
  return () => cancelIdleCallback(handle);
};

// The way in is opened once the lobby is there to be used and its preview seen, and again when people do something: it does
// not stay open for ever.
function usePreparation(wanted: boolean, previewed: boolean) {
  const { prepareToJoin, forgetToJoin } = useCallActions();
  // Whatever a join takes time for: the connection, mediasoup-client, the room's part of the page.
  const prepare = useCallback(() => {
    prepareToJoin();
    void loadRoomPart().catch(() => {}); // a join will ask again
  }, [prepareToJoin]);
  useEffect(() => (wanted && previewed ? whenIdle(prepare) : undefined), [wanted, previewed, prepare]);
  useEffect(() => {
    if (!wanted) return;
    const signs = ['pointerdown', 'pointermove', 'keydown', 'focus'] as const;
    for (const sign of signs) window.addEventListener(sign, prepare, { passive: true });
    return () => {
      for (const sign of signs) window.removeEventListener(sign, prepare);
    };
  }, [wanted, prepare]);
  useEffect(() => () => forgetToJoin(), [forgetToJoin]);
}

export function Lobby({ initial, onJoin }: { initial: Entrance | null; onJoin: OnJoin }) {
  const t = useT();
  const joining = useCall(({ phase }) => phase === 'joining');
  const { captured, retry, handOver } = usePreview(initial !== null && !joining);
  usePreparation(initial !== null && !joining, captured !== null);
  return (
    <main className="mx-auto flex min-h-full w-full max-w-5xl flex-col justify-center gap-4 p-4 sm:gap-6 sm:p-8 [@media(max-height:480px)]:sm:gap-3 [@media(max-height:480px)]:sm:p-3">
      <header className="[@media(max-height:480px)]:sr-only">
        <h1 className="text-2xl font-bold tracking-tight sm:text-3xl">Rotunda</h1>
        <p className="text-faint max-sm:hidden">{t('app.tagline')}</p>
      </header>
      <Notice />
      <Retrying />
      <div className="grid items-start gap-4 sm:grid-cols-[3fr_2fr] sm:gap-6">
        <Preview captured={captured} onRetry={retry} />
        <Form
          initial={initial}
          fresh={captured}
          onSubmit={(to, options) => void handOver().then((stream) => onJoin(to, stream, options))}
        />
      </div>
      <nav className="flex flex-wrap gap-x-6 text-sm">
        <Link href="/call" prefetch={false} className="inline-flex min-h-11 items-center gap-2 underline">
          <Phone aria-hidden className="size-4" />
          {t('lobby.call')}
        </Link>
        <Link href="/check" prefetch={false} className="inline-flex min-h-11 items-center gap-2 underline">
          <Stethoscope aria-hidden className="size-4" />
          {t('lobby.check')}
        </Link>
      </nav>
    </main>
  );
}
