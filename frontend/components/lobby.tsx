'use client';
// Before the call: who, where, and with which camera and microphone.
import { Mic, MicOff, Phone, Stethoscope, Video as VideoIcon, VideoOff } from 'lucide-react';
import Link from 'next/link';
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { browserName, capture, stopTracks, type DeviceProblem } from '@/lib/devices';
import { useT } from '@/lib/i18n';
import { usePreferences } from '@/lib/preferences';
import { useCall } from '@/lib/store';
import { DeviceSelects } from './device_selects';
import { LevelMeter, Video } from './media';
import { Button, IconButton, TextField } from './ui';
import { errorWords } from './words';

export interface Entrance {
  room: string;
  name: string;
}

export function Lobby({ initial, onJoin }: { initial: Entrance | null; onJoin: (to: Entrance, stream: MediaStream) => void }) {
  const t = useT();
  const { microphoneOn, cameraOn, microphoneId, cameraId } = usePreferences();
  const joining = useCall(({ phase }) => phase === 'joining');
  const error = useCall((state) => state.error);
  const [room, setRoom] = useState('');
  const [name, setName] = useState('');
  const [stream, setStream] = useState<MediaStream | null>(null);
  const [problem, setProblem] = useState<DeviceProblem | null>(null);
  const [attempt, setAttempt] = useState(0);
  const handedOver = useRef<MediaStream | null>(null);

  useEffect(() => {
    if (initial === null) return;
    setRoom(initial.room);
    setName(initial.name);
  }, [initial]);

  // The preview; begins anew when another device is wanted, or when joining has failed.
  useEffect(() => {
    if (initial === null || joining) return;
    let mine: MediaStream | null = null;
    let over = false;
    void capture({ audio: true, video: cameraOn, microphoneId, cameraId }).then((captured) => {
      mine = captured.stream;
      if (over) return stopTracks(mine);
      setStream(mine);
      setProblem(captured.problem);
    });
    return () => {
      over = true;
      if (mine !== handedOver.current) stopTracks(mine);
      setStream(null);
    };
  }, [initial, cameraOn, microphoneId, cameraId, attempt, joining]);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const entering = stream ?? new MediaStream();
    handedOver.current = entering;
    usePreferences.setState({ name: name.trim() });
    onJoin({ room: room.trim(), name: name.trim() || `${t('lobby.guest')} ${Math.floor(Math.random() * 900 + 100)}` }, entering);
  };
  const microphone = stream?.getAudioTracks()[0];
  const camera = stream?.getVideoTracks()[0];

  return (
    <main className="mx-auto flex min-h-full w-full max-w-5xl flex-col justify-center gap-4 p-4 sm:gap-6 sm:p-8">
      <header>
        <h1 className="text-2xl font-bold tracking-tight sm:text-3xl">Rotunda</h1>
        <p className="text-faint max-sm:hidden">{t('app.tagline')}</p>
      </header>
      <p id="notice" role="alert" hidden={error === null} className="rounded-xl border border-danger bg-surface px-4 py-3">
        {error === null ? '' : errorWords(t, error)}
      </p>
      <div className="grid items-start gap-4 sm:gap-6 md:grid-cols-[3fr_2fr]">
        <section aria-label={t('lobby.preview')} className="grid gap-3">
          <div className="relative aspect-video overflow-hidden rounded-2xl bg-tile text-white">
            {camera ? (
              <Video track={camera} mirrored label={t('lobby.preview')} />
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
            <LevelMeter track={microphoneOn ? microphone : null} label={t('lobby.level')} />
          </div>
          {problem !== null && (
            <div role="status" className="grid gap-2 rounded-xl border border-line bg-surface p-4 text-sm">
              <p className="font-medium">{t(`problem.${problem}`)}</p>
              {problem === 'denied' && <p>{t(`mend.${browserName()}`)}</p>}
              {problem !== 'insecure' && (
                <Button className="justify-self-start" onClick={() => setAttempt(attempt + 1)}>
                  {t('problem.retry')}
                </Button>
              )}
            </div>
          )}
        </section>
        <form onSubmit={submit} className="grid gap-3 rounded-2xl border border-line bg-surface p-4 sm:gap-4 sm:p-5">
          <h2 className="text-xl font-semibold max-sm:sr-only">{t('lobby.title')}</h2>
          <TextField id="name" label={t('lobby.name')} placeholder={t('lobby.guest')} value={name} onChange={({ target }) => setName(target.value)} maxLength={40} autoComplete="nickname" />
          <TextField id="room" label={t('lobby.room')} value={room} onChange={({ target }) => setRoom(target.value)} required pattern=".*\S.*" maxLength={60} autoCapitalize="none" spellCheck={false} autoComplete="off" />
          <Button id="join" type="submit" look="primary" disabled={joining || initial === null}>
            {t(joining ? 'lobby.joining' : 'lobby.join')}
          </Button>
          <details>
            <summary className="py-2.5 text-sm text-faint sm:py-1">{t('lobby.devices')}</summary>
            <DeviceSelects fresh={stream} />
          </details>
        </form>
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
