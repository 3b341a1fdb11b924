'use client';
// The call.
import { useState } from 'react';
import { useCall } from '@/lib/store';
import { Banners } from './banners';
import { Controls, TopBar } from './controls';
import { HelpDialog, SettingsDialog } from './dialogs';
import { Sound } from './media';
import { ChatPanel, PeoplePanel } from './side_panel';
import { Stage } from './stage';
import { useAttempt } from './ui';
import { useKeyboard } from './use_keyboard';

const soundBlocked = () => useCall.setState({ soundBlocked: true });

function Sounds() {
  const participants = useCall((state) => state.participants);
  return participants
    .filter(({ isLocal }) => !isLocal)
    .flatMap(({ userId, media }) =>
      (['microphone', 'screen-audio'] as const).map((source) => {
        const track = media[source]?.track;
        return track && <Sound key={`${userId}:${source}`} track={track} onBlocked={soundBlocked} />;
      }),
    );
}

export function RoomView({ onLeave }: { onLeave: () => void }) {
  const [settings, setSettings] = useState(false);
  const [help, setHelp] = useState(false);
  const panel = useCall((state) => state.panel);
  useKeyboard(useAttempt(), () => setHelp(true));
  return (
    <div className="flex h-dvh flex-col gap-2 p-2 sm:p-3">
      <TopBar onHelp={() => setHelp(true)} />
      <Banners />
      <main className="flex min-h-0 flex-1 gap-3">
        <Stage />
        {panel === 'chat' && <ChatPanel />}
        {panel === 'people' && <PeoplePanel />}
      </main>
      <Controls onLeave={onLeave} onSettings={() => setSettings(true)} />
      <Sounds />
      <SettingsDialog open={settings} onOpenChange={setSettings} />
      <HelpDialog open={help} onOpenChange={setHelp} />
    </div>
  );
}
