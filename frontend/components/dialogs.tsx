'use client';
import { isMessageKey, LANGUAGES, useT } from '@/lib/i18n';
import { usePreferences, type Preferences } from '@/lib/preferences';
import { changeDevice } from '@/lib/room_actions';
import { DeviceSelects } from './device_selects';
import { Dialog, Select, useAttempt } from './ui';

interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

export function SettingsDialog(props: DialogProps) {
  const t = useT();
  const attempt = useAttempt();
  const { language, theme } = usePreferences();
  return (
    <Dialog title={t('settings.title')} {...props}>
      <DeviceSelects
        fresh={props.open}
        onChange={(key) => {
          if (key !== 'speakerId') attempt(() => changeDevice(key === 'cameraId' ? 'camera' : 'microphone'));
        }}
      />
      <div className="grid gap-3 sm:grid-cols-2">
        <Select
          label={t('settings.language')}
          value={language}
          onChange={({ target }) => usePreferences.setState({ language: target.value as Preferences['language'] })}
          options={[
            { value: 'auto', text: t('settings.auto') },
            ...Object.entries(LANGUAGES).map(([value, text]) => ({ value, text })),
          ]}
        />
        <Select
          label={t('settings.theme')}
          value={theme}
          onChange={({ target }) => usePreferences.setState({ theme: target.value as Preferences['theme'] })}
          options={(['auto', 'light', 'dark'] as const).map((value) => ({ value, text: t(`settings.${value}`) }))}
        />
      </div>
    </Dialog>
  );
}

const KEYS = [
  ['M', 'help.m'],
  ['V', 'help.v'],
  ['C', 'help.c'],
  ['key.space', 'help.space'],
  ['S', 'help.s'],
  ['?', 'help.help'],
] as const;

export function HelpDialog(props: DialogProps) {
  const t = useT();
  return (
    <Dialog title={t('help.title')} {...props}>
      <dl className="grid grid-cols-[auto_1fr] items-center gap-x-4 gap-y-2">
        {KEYS.map(([key, words]) => (
          <div key={key} className="contents">
            <dt>
              <kbd className="rounded-md border border-line bg-raised px-2 py-1 font-sans text-sm">{isMessageKey(key) ? t(key) : key}</kbd>
            </dt>
            <dd>{t(words)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
