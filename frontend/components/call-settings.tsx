'use client';
import { usePair, usePairActions, usePairStore } from '@/hooks/use-pair';
import { useT } from '@/lib/i18n';
import { DeviceSelects } from './device-selects';
import { Dialog } from './dialog';
import { useAttempt } from './ui';

export function CallSettings() {
  const t = useT();
  const attempt = useAttempt();
  const store = usePairStore();
  const { changeDevice } = usePairActions();
  const open = usePair((state) => state.settings);
  return (
    <Dialog
      title={t('settings.title')}
      opener="settings"
      open={open}
      onOpenChange={(settings) => store.setState({ settings })}
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
