'use client';
// Two people by name, as on a telephone; their media goes from browser to browser.
import { ArrowLeft, Mic, MicOff, Phone, PhoneOff, Video as VideoIcon, VideoOff } from 'lucide-react';
import Link from 'next/link';
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { capture, stopTracks, type DeviceProblem } from '@/lib/devices';
import { useT } from '@/lib/i18n';
import { usePreferences } from '@/lib/preferences';
import { Call, type CallEnd, type CallState, type RotundaError, type SessionState } from '@/lib/rotunda';
import { icePolicy, serverUrl } from '@/lib/server_url';
import { Sound, startSounds, Video } from './media';
import { Banner, Button, IconButton, TextField } from './ui';
import { errorWords } from './words';

interface Shown {
  state: CallState;
  partnerIsHere: boolean;
  end: CallEnd | null;
}

const IDLE: Shown = { state: 'waiting', partnerIsHere: false, end: null };
const NOTHING = { connection: 'new', ice: 'new' } as { connection: RTCPeerConnectionState; ice: RTCIceConnectionState };

export function CallPage() {
  const t = useT();
  const [name, setName] = useState('');
  const [partner, setPartner] = useState('');
  const [call, setCall] = useState<Call | null>(null);
  const [shown, setShown] = useState(IDLE);
  const [session, setSession] = useState<SessionState>({ name: 'idle' });
  const [paths, setPaths] = useState(NOTHING);
  const [local, setLocal] = useState<MediaStream | null>(null);
  const [remote, setRemote] = useState<MediaStreamTrack[]>([]);
  const [problem, setProblem] = useState<DeviceProblem | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [microphone, setMicrophone] = useState(true);
  const [camera, setCamera] = useState(true);
  const [blocked, setBlocked] = useState(false);
  const [busy, setBusy] = useState(true);
  const open = useRef<{ call: Call; stream: MediaStream } | null>(null);

  const close = () => {
    open.current?.call.leave();
    stopTracks(open.current?.stream ?? null);
    open.current = null;
    setCall(null);
    setLocal(null);
    setRemote([]);
    setShown(IDLE);
    setPaths(NOTHING);
  };

  const enter = async (me: string, other: string, ring: boolean) => {
    setBusy(true);
    setError(null);
    const { microphoneId, cameraId } = usePreferences.getState();
    const captured = await capture({ audio: true, video: true, microphoneId, cameraId });
    const entering = new Call(serverUrl(), me, other, captured.stream, { iceTransportPolicy: icePolicy() });
    open.current = { call: entering, stream: captured.stream };
    entering.on('state', setShown);
    entering.on('connection', setPaths);
    entering.on('stream', (stream) => setRemote(stream?.getTracks() ?? []));
    entering.session.on('state', (state) => {
      setSession(state);
      if (state.name !== 'ended' || open.current?.call !== entering) return;
      setError(state.error);
      close();
    });
    try {
      if (ring) entering.call();
      await entering.join();
      setLocal(captured.stream);
      setProblem(captured.problem);
      setMicrophone(true);
      setCamera(true);
      setCall(entering);
      Object.assign(window, { rotunda: { call: entering } });
    } catch (reason) {
      setError(reason);
      close();
    }
    setBusy(false);
  };

  useEffect(() => {
    void usePreferences.persist.rehydrate();
    const query = new URLSearchParams(location.search);
    const me = query.get('name') ?? usePreferences.getState().name;
    const other = query.get('partner') ?? '';
    setName(me);
    setPartner(other);
    setBusy(false);
    const auto = query.get('auto'); // call, wait
    if (auto && me && other && open.current === null) void enter(me, other, auto === 'call');
    const hide = () => close();
    const online = () => open.current?.call.recover();
    window.addEventListener('pagehide', hide);
    window.addEventListener('online', online);
    return () => {
      window.removeEventListener('pagehide', hide);
      window.removeEventListener('online', online);
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once, at the start
  }, []);

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const ring = (event.nativeEvent as SubmitEvent).submitter?.id !== 'wait';
    const [me, other] = [name.trim(), partner.trim()];
    if (me.toLowerCase() === other.toLowerCase()) {
      setError(new Error(t('call.sameName')));
      return;
    }
    usePreferences.setState({ name: me });
    void enter(me, other, ring);
  };
  const toggle = (kind: 'audio' | 'video', on: boolean) => {
    for (const track of local?.getTracks() ?? []) if (track.kind === kind) track.enabled = on;
    if (kind === 'audio') setMicrophone(on);
    else setCamera(on);
  };

  const words = (() => {
    const values = { name: partner.trim() };
    if (shown.state === 'in-call') return t('call.inCall', values);
    if (shown.state === 'ringing') return t('call.ringing', values);
    if (shown.state === 'calling') return t(shown.partnerIsHere ? 'call.calling' : 'call.absent', values);
    if (shown.end !== null) return t(`call.${shown.end}`, values);
    return t(shown.partnerIsHere ? 'call.here' : 'call.waiting', values);
  })();
  const remoteVideo = remote.find(({ kind }) => kind === 'video');
  const remoteAudio = remote.find(({ kind }) => kind === 'audio');

  if (call === null)
    return (
      <main className="mx-auto grid min-h-full max-w-md content-center gap-5 p-4 sm:p-8">
        <div>
          <h1 className="text-2xl font-bold">{t('call.title')}</h1>
          <p className="text-faint">{t('call.intro')}</p>
        </div>
        <p id="notice" role="alert" hidden={error === null} className="rounded-xl border border-danger bg-surface px-4 py-3">
          {error === null ? '' : (error as Error).message === t('call.sameName') ? t('call.sameName') : errorWords(t, error as RotundaError)}
        </p>
        <form onSubmit={submit} className="grid gap-4 rounded-2xl border border-line bg-surface p-5">
          <TextField id="name" label={t('lobby.name')} value={name} onChange={({ target }) => setName(target.value)} required pattern=".*\S.*" maxLength={40} autoComplete="nickname" />
          <TextField id="partner" label={t('call.partner')} value={partner} onChange={({ target }) => setPartner(target.value)} required pattern=".*\S.*" maxLength={40} autoComplete="off" />
          <Button id="call" type="submit" look="primary" disabled={busy}>
            <Phone aria-hidden className="size-5" />
            {t('call.call')}
          </Button>
          <Button id="wait" type="submit" disabled={busy}>
            {t('call.wait')}
          </Button>
        </form>
        <Link href="/" prefetch={false} className="inline-flex min-h-11 items-center gap-2 text-sm underline">
          <ArrowLeft aria-hidden className="size-4" />
          {t('end.lobby')}
        </Link>
      </main>
    );

  return (
    <main className="flex h-dvh flex-col gap-2 p-2 sm:p-3" data-state={shown.state}>
      <header className="flex flex-wrap items-center gap-3">
        <h1 id="call-state" aria-live="assertive" className="mr-auto font-semibold">
          {words}
        </h1>
        {shown.state === 'in-call' && (
          <p id="paths" className="text-sm text-faint">
            {t('call.connection')}: <span id="connection-state">{paths.connection}</span> · {t('call.ice')}: <span id="ice-state">{paths.ice}</span>
          </p>
        )}
      </header>
      <div role="status" className="mx-auto grid gap-2 empty:hidden">
        {session.name === 'lost' && (
          <Banner tone="danger">
            {t('banner.lost')}
            <Button className="sm:min-h-9" onClick={() => call.session.retryNow()}>
              {t('banner.retry')}
            </Button>
          </Banner>
        )}
        {problem !== null && <Banner>{t(`problem.${problem}`)}</Banner>}
        {blocked && (
          <Banner>
            {t('banner.sound')}
            <Button
              look="primary"
              className="sm:min-h-9"
              onClick={() => {
                startSounds();
                setBlocked(false);
              }}
            >
              {t('banner.soundButton')}
            </Button>
          </Banner>
        )}
      </div>
      <div className="relative min-h-0 flex-1 overflow-hidden rounded-2xl bg-tile">
        <div id="remote" className="size-full">
          <Video track={remoteVideo ?? null} fit="contain" label={partner.trim()} />
        </div>
        <div id="local" className="absolute right-3 bottom-3 aspect-video w-1/3 max-w-60 overflow-hidden rounded-xl bg-black/40 shadow-lg">
          <Video track={local?.getVideoTracks()[0] ?? null} mirrored label={t('room.you', { name: name.trim() })} />
        </div>
        {remoteAudio && <Sound track={remoteAudio} onBlocked={() => setBlocked(true)} />}
      </div>
      <nav aria-label={t('control.bar')} className="flex flex-wrap items-center justify-center gap-3 pb-[env(safe-area-inset-bottom)]">
        {shown.state === 'ringing' ? (
          <>
            <Button id="accept" look="primary" onClick={() => call.accept()}>
              <Phone aria-hidden className="size-5" />
              {t('call.accept')}
            </Button>
            <Button id="decline" look="danger" onClick={() => call.decline()}>
              <PhoneOff aria-hidden className="size-5" />
              {t('call.decline')}
            </Button>
          </>
        ) : (
          <>
            <IconButton icon={microphone ? Mic : MicOff} look={microphone ? 'plain' : 'danger'} label={t(microphone ? 'control.mute' : 'control.unmute')} onClick={() => toggle('audio', !microphone)} />
            <IconButton icon={camera ? VideoIcon : VideoOff} look={camera ? 'plain' : 'danger'} label={t(camera ? 'control.cameraOff' : 'control.cameraOn')} onClick={() => toggle('video', !camera)} />
            {shown.state === 'waiting' ? (
              <>
                <Button id="again" look="primary" onClick={() => call.call()}>
                  <Phone aria-hidden className="size-5" />
                  {t(shown.end === null ? 'call.call' : 'call.again')}
                </Button>
                <Button id="back" onClick={close}>
                  {t('call.back')}
                </Button>
              </>
            ) : (
              <Button id="hang-up" look="danger" onClick={() => call.hangUp()}>
                <PhoneOff aria-hidden className="size-5" />
                {t('call.hangUp')}
              </Button>
            )}
          </>
        )}
      </nav>
    </main>
  );
}
