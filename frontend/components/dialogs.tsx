'use client';
import { isMessageKey, LANGUAGES, useT } from '@/lib/i18n';
import { usePreferences, type Preferences } from '@/lib/preferences';
import { useCall, useCallActions, useCallStore } from '@/hooks/use-call';
import type { CallState } from '@/lib/store';
import { DeviceSelects } from './device-selects';
import { Button, Checkbox, Dialog, Select, useAttempt } from './ui';

// The dialog that is open, of those a call has.
function useDialog(name: NonNullable<CallState['dialog']>) {
  const store = useCallStore();
  const open = useCall((state) => state.dialog === name);
  return { open, onOpenChange: (wanted: boolean) => store.setState({ dialog: wanted ? name : null }) };
}

const ROOM = 'room'; // what the room gives; no number
const PEOPLE = [0, 3, 5, 9, 16]; // 0: everybody

// How much of a large room is received.
function RoomSettings() {
  const t = useT();
  const lastN = usePreferences((state) => state.lastN);
  const loudestN = usePreferences((state) => state.loudestN);
  const options = [
    { value: ROOM, text: t('settings.people.room') },
    ...PEOPLE.map((number) => ({
      value: String(number),
      text: number === 0 ? t('settings.people.all') : t('settings.people.some', { number }),
    })),
  ];
  const numberOf = (value: string) => (value === ROOM ? null : Number(value));
  return (
    <div className="grid gap-3 sm:grid-cols-2">
      <Select
        label={t('settings.lastN')}
        value={lastN === null ? ROOM : String(lastN)}
        onChange={({ target }) => usePreferences.setState({ lastN: numberOf(target.value) })}
        options={options}
      />
      <Select
        label={t('settings.loudestN')}
        value={loudestN === null ? ROOM : String(loudestN)}
        onChange={({ target }) => usePreferences.setState({ loudestN: numberOf(target.value) })}
        options={options}
      />
    </div>
  );
}

// How the microphone is treated, and how much is received.
function MediaSettings() {
  const t = useT();
  const attempt = useAttempt();
  const { changeDevice } = useCallActions();
  const noiseSuppression = usePreferences((state) => state.noiseSuppression);
  const echoCancellation = usePreferences((state) => state.echoCancellation);
  const blur = usePreferences((state) => state.blur);
  const pictures = usePreferences((state) => state.pictures);
  const change = (processing: Partial<Preferences>) => {
    usePreferences.setState(processing);
    attempt(() => changeDevice('microphone'));
  };
  return (
    <div className="grid gap-3">
      <div>
        <Checkbox
          label={t('settings.noise')}
          checked={noiseSuppression}
          onChange={({ target }) => change({ noiseSuppression: target.checked })}
        />
        <Checkbox
          label={t('settings.echo')}
          checked={echoCancellation}
          onChange={({ target }) => change({ echoCancellation: target.checked })}
        />
        <Checkbox
          id="blur"
          label={t('settings.blur')}
          checked={blur}
          onChange={({ target }) => {
            usePreferences.setState({ blur: target.checked });
            attempt(() => changeDevice('camera'));
          }}
        />
      </div>
      <Select
        label={t('settings.pictures')}
        value={pictures}
        onChange={({ target }) => usePreferences.setState({ pictures: target.value as Preferences['pictures'] })}
        options={(['all', 'speaker', 'none'] as const).map((value) => ({
          value,
          text: t(`settings.pictures.${value}`),
        }))}
      />
    </div>
  );
}

export function SettingsDialog() {
  const t = useT();
  const attempt = useAttempt();
  const { changeDevice } = useCallActions();
  const language = usePreferences((state) => state.language);
  const theme = usePreferences((state) => state.theme);
  const dialog = useDialog('settings');
  return (
    <Dialog title={t('settings.title')} opener="settings" {...dialog}>
      <DeviceSelects
        fresh={dialog.open}
        onChange={(key) => {
          if (key !== 'speakerId') attempt(() => changeDevice(key === 'cameraId' ? 'camera' : 'microphone'));
        }}
      />
      <MediaSettings />
      <RoomSettings />
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
  ['H', 'help.h'],
  ['key.space', 'help.space'],
  ['S', 'help.s'],
  ['Esc', 'help.escape'],
  ['?', 'help.help'],
] as const;

export function HelpDialog() {
  const t = useT();
  return (
    <Dialog title={t('help.title')} opener="help" {...useDialog('help')}>
      <dl className="grid grid-cols-[auto_1fr] items-center gap-x-4 gap-y-2">
        {KEYS.map(([key, words]) => (
          <div key={key} className="contents">
            <dt>
              <kbd className="rounded-md border border-line bg-raised px-2 py-1 font-sans text-sm">
                {isMessageKey(key) ? t(key) : key}
              </kbd>
            </dt>
            <dd>{t(words)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

// The back button of a phone is pressed by mistake.
export function LeaveDialog({ onLeave }: { onLeave: () => void }) {
  const t = useT();
  const dialog = useDialog('leave');
  return (
    <Dialog title={t('leave.title')} opener="leave" {...dialog}>
      <div className="flex flex-wrap justify-end gap-3">
        <Button id="stay" onClick={() => dialog.onOpenChange(false)}>
          {t('leave.stay')}
        </Button>
        <Button id="leave-now" look="danger" onClick={onLeave}>
          {t('control.leave')}
        </Button>
      </div>
    </Dialog>
  );
}
