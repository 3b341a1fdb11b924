'use client';
// The call.
import { useCallback, useEffect, type MouseEvent } from 'react';
import { useT } from '@/lib/i18n';
import { usePreferences } from '@/lib/preferences';
import { RoomAudio } from '@rotunda/react';
import { Banners } from './banners';
import { Controls, TopBar } from './controls';
import { HelpDialog, LeaveDialog, SettingsDialog } from './dialogs';
import { Reactions } from './reactions';
import { SidePanel } from './side-panel';
import { Stage } from './stage';
import { Tips } from './tips';
import { useAttempt } from './ui';
import { useCallStore } from '@/hooks/use-call';
import { useBackButton } from '@/hooks/use-back-button';
import { useKeyboard } from '@/hooks/use-keyboard';
import { useMutedHint } from '@/hooks/use-muted-hint';
import { useWakeLock } from '@/hooks/use-wake-lock';

export function RoomView(props: { onLeave: () => void }) {
  return (
    <Tips>
      <Call {...props} />
    </Tips>
  );
}

// The address stays as it is: what is behind its # may be the key of the call, and the back button counts its steps.
function skip(event: MouseEvent): void {
  event.preventDefault();
  document.querySelector<HTMLElement>('#controls button')?.focus();
}

function Call({ onLeave }: { onLeave: () => void }) {
  const t = useT();
  const store = useCallStore();
  const soundBlocked = useCallback(() => store.setState({ soundBlocked: true }), [store]);
  const speakerId = usePreferences((state) => state.speakerId);
  useKeyboard(useAttempt());
  useBackButton();
  useWakeLock();
  useMutedHint();
  // Who comes in with a keyboard or a screen reader begins at the top, and hears where they are.
  useEffect(() => document.getElementById('room-name')?.focus(), []);
  return (
    <div className="flex h-dvh flex-col gap-2 p-2 pr-[max(0.5rem,env(safe-area-inset-right))] pl-[max(0.5rem,env(safe-area-inset-left))] sm:p-3">
      <a
        href="#controls"
        onClick={skip}
        className="skip sr-only focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-50 focus:rounded-lg focus:bg-surface focus:px-3 focus:py-2"
      >
        {t('app.skip')}
      </a>
      <TopBar />
      <Banners />
      <main className="flex min-h-0 flex-1 gap-3 max-md:portrait:flex-col">
        <Stage />
        <SidePanel />
      </main>
      <Controls onLeave={onLeave} />
      <Reactions />
      <RoomAudio speakerId={speakerId} onBlocked={soundBlocked} />
      <SettingsDialog />
      <HelpDialog />
      <LeaveDialog onLeave={onLeave} />
    </div>
  );
}
