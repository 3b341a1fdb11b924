'use client';
import { Mic, MicOff, Phone, PhoneOff, Settings, Video as VideoIcon, VideoOff } from 'lucide-react';
import { usePair, usePairActions, usePairStore } from '@/hooks/use-pair';
import { useT } from '@/lib/i18n';
import { useCallEnd, useCallState, useRotundaCall } from '@rotunda/react';
import { Button, IconButton, useAttempt } from './ui';

function Ringing() {
  const t = useT();
  const call = useRotundaCall();
  return (
    <>
      <Button id="accept" look="primary" onClick={() => call?.accept()}>
        <Phone aria-hidden className="size-5" />
        {t('call.accept')}
      </Button>
      <Button id="decline" look="danger" onClick={() => call?.decline()}>
        <PhoneOff aria-hidden className="size-5" />
        {t('call.decline')}
      </Button>
    </>
  );
}

function Waiting() {
  const t = useT();
  const call = useRotundaCall();
  const { close } = usePairActions();
  const again = useCallEnd() !== null;
  return (
    <>
      <Button id="again" look="primary" onClick={() => call?.call()}>
        <Phone aria-hidden className="size-5" />
        {t(again ? 'call.again' : 'call.call')}
      </Button>
      <Button id="back" onClick={close}>
        {t('call.back')}
      </Button>
    </>
  );
}

export function CallControls() {
  const t = useT();
  const attempt = useAttempt();
  const call = useRotundaCall();
  const store = usePairStore();
  const { setCamera, setMuted } = usePairActions();
  const state = useCallState();
  const microphone = usePair((one) => one.microphone !== null && !one.muted);
  const camera = usePair((one) => one.camera !== null);
  return (
    <nav
      aria-label={t('control.bar')}
      className="flex flex-wrap items-center justify-center gap-3 pb-[env(safe-area-inset-bottom)]"
    >
      {state === 'ringing' && <Ringing />}
      {state !== 'ringing' && (
        <>
          <IconButton
            id="microphone"
            icon={microphone ? Mic : MicOff}
            look={microphone ? 'plain' : 'danger'}
            label={t(microphone ? 'control.mute' : 'control.unmute')}
            onClick={() => attempt(() => setMuted(microphone))}
          />
          <IconButton
            id="camera"
            icon={camera ? VideoIcon : VideoOff}
            look={camera ? 'plain' : 'danger'}
            label={t(camera ? 'control.cameraOff' : 'control.cameraOn')}
            onClick={() => attempt(() => setCamera(!camera))}
          />
          <IconButton
            id="settings"
            icon={Settings}
            label={t('control.settings')}
            onClick={() => store.setState({ settings: true })}
          />
        </>
      )}
      {state === 'waiting' && <Waiting />}
      {(state === 'calling' || state === 'in-call') && (
        <Button id="hang-up" look="danger" onClick={() => call?.hangUp()}>
          <PhoneOff aria-hidden className="size-5" />
          {t('call.hangUp')}
        </Button>
      )}
    </nav>
  );
}
