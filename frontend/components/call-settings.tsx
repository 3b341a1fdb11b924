'use client';
import { changeDevice } from '@/lib/call-actions';
import { usePair } from '@/lib/call-store';
import { useT } from '@/lib/i18n';
import { DeviceSelects } from './device-selects';
import { Dialog, useAttempt } from './ui';

export function CallSettings() {
  const t = useT();
  const attempt = useAttempt();
  const open = usePair((state) => state.settings);
  return (
    <Dialog
      title={t('settings.title')}
      opener="settings"
      open={open}
      onOpenChange={(settings) => usePair.setState({ settings })}
    >
      <DeviceSelects
        fresh={open}
        onChange={(key) => {
          if (key !== 'speakerId') attempt(() => changeDevice(key === 'cameraId' ? 'camera' : 'microphone'));
        }}
      />
    </Dialog>
  );
}
