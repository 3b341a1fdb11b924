'use client';
// Which microphone, camera and speaker; the choice is remembered.
import { Mic, Volume2 } from 'lucide-react';
import { useState } from 'react';
import { useShallow } from 'zustand/react/shallow';
import { echoTest, type EchoPhase } from '@/lib/echo-test';
import { useT } from '@/lib/i18n';
import { usePreferences } from '@/lib/preferences';
import { testTone } from '@/lib/tones';
import { useDevices } from '@rotunda/react';
import { Button, Select, useAttempt } from './ui';

const KINDS = [
  { kind: 'microphones', key: 'microphoneId', label: 'device.microphone' },
  { kind: 'cameras', key: 'cameraId', label: 'device.camera' },
  { kind: 'speakers', key: 'speakerId', label: 'device.speaker' },
] as const;

// Says something back, as the others would hear it.
function EchoTest() {
  const t = useT();
  const attempt = useAttempt();
  const [phase, setPhase] = useState<EchoPhase>(null);
  const start = () => {
    const { microphoneId, speakerId } = usePreferences.getState();
    return echoTest(microphoneId, speakerId, setPhase);
  };
  return (
    <Button id="test-microphone" aria-live="polite" disabled={phase !== null} onClick={() => attempt(start)}>
      <Mic aria-hidden className="size-5" />
      {t(phase === null ? 'device.echo' : `device.echo.${phase}`)}
    </Button>
  );
}

// `fresh` changes when there may be new devices or names to see, as after a permission was given.
export function DeviceSelects({
  fresh,
  onChange,
}: {
  fresh: unknown;
  onChange?: (key: 'microphoneId' | 'cameraId' | 'speakerId') => void;
}) {
  const t = useT();
  const attempt = useAttempt();
  const chosen = usePreferences(
    useShallow(({ microphoneId, cameraId, speakerId }) => ({ microphoneId, cameraId, speakerId })),
  );
  const devices = useDevices(fresh);
  const playTone = async () => {
    const url = URL.createObjectURL(testTone());
    const audio = new Audio(url);
    audio.onended = () => URL.revokeObjectURL(url);
    const { speakerId } = usePreferences.getState();
    if (speakerId && 'setSinkId' in audio) await audio.setSinkId(speakerId);
    await audio.play();
  };
  return (
    <div className="grid gap-3">
      {KINDS.map(({ kind, key, label }) => {
        const known = devices[kind];
        // Where the browser lets a page choose no speaker there is nothing to choose.
        if (kind === 'speakers' && known.length === 0) return null;
        return (
          <Select
            key={key}
            label={t(label)}
            value={known.some(({ deviceId }) => deviceId === chosen[key]) ? chosen[key] : ''}
            onChange={({ target }) => {
              usePreferences.setState({ [key]: target.value });
              onChange?.(key);
            }}
            options={[
              { value: '', text: t('device.default') },
              ...known.map(({ deviceId, label: name }, i) => ({
                value: deviceId,
                text: name || t('device.numbered', { kind: t(label), number: i + 1 }),
              })),
            ]}
          />
        );
      })}
      <div className="grid gap-3 sm:grid-cols-2">
        <Button id="test-speaker" onClick={() => attempt(playTone)}>
          <Volume2 aria-hidden className="size-5" />
          {t('device.test')}
        </Button>
        <EchoTest />
      </div>
    </div>
  );
}
