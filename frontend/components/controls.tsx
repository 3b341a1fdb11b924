'use client';
// The bar below the call, and the one above it.
import {
  ChartNoAxesColumn,
  Keyboard,
  LayoutGrid,
  Link2,
  LogOut,
  Maximize,
  MessageSquare,
  Mic,
  MicOff,
  MonitorUp,
  MonitorX,
  Presentation,
  ShieldCheck,
  Settings,
  Users,
  Video as VideoIcon,
  VideoOff,
} from 'lucide-react';
import { useSyncExternalStore } from 'react';
import { toast } from 'sonner';
import { copyText } from '@/lib/copy-text';
import { withKey } from '@/lib/e2ee-key';
import { useT } from '@/lib/i18n';
import { useCall, useCallActions, useCallStore } from '@/hooks/use-call';
import { useLocalParticipant, useParticipantCount } from '@rotunda/react';
import { CallWindow } from './call-window';
import { HandButton, ReactionButton } from './reactions';
import { IconButton, useAttempt } from './ui';

// Copies the link to this room, and says so.
export function useCopyLink(): () => void {
  const t = useT();
  const attempt = useAttempt();
  const store = useCallStore();
  return () =>
    attempt(async () => {
      const url = new URL(location.pathname, location.href);
      url.searchParams.set('room', store.getState().roomId);
      await copyText(withKey(url).href);
      toast.success(t('toast.copied'));
    });
}

const never = () => () => {};

// Whether this browser has such a thing. The page was written before anybody knew: there the answer is `before`.
function useSupport(has: () => boolean, before: boolean): boolean {
  return useSyncExternalStore(never, has, () => before);
}

const canShareScreen = () => typeof navigator.mediaDevices?.getDisplayMedia === 'function';

export function Controls({ onLeave }: { onLeave: () => void }) {
  const t = useT();
  const attempt = useAttempt();
  const store = useCallStore();
  const { setPanel, toggleCamera, toggleMicrophone, toggleScreen } = useCallActions();
  const media = useLocalParticipant()?.tracks;
  const panel = useCall((state) => state.panel);
  const unread = useCall((state) => state.unread);
  const participants = useParticipantCount();
  const waiting = useCall(({ moderation }) => moderation.waiting.length);
  const canShare = useSupport(canShareScreen, true);
  const microphone = media?.microphone?.track != null && !media.microphone.paused;
  const camera = media?.camera?.track != null && !media.camera.paused;
  const screen = media?.screen !== undefined;
  return (
    <nav
      id="controls"
      aria-label={t('control.bar')}
      className="flex flex-wrap items-center justify-center gap-1.5 pb-[env(safe-area-inset-bottom)] sm:gap-3"
    >
      <IconButton
        id="microphone"
        icon={microphone ? Mic : MicOff}
        look={microphone ? 'plain' : 'danger'}
        label={t(microphone ? 'control.mute' : 'control.unmute')}
        shortcut="M"
        onClick={() => attempt(toggleMicrophone)}
      />
      <IconButton
        id="camera"
        icon={camera ? VideoIcon : VideoOff}
        look={camera ? 'plain' : 'danger'}
        label={t(camera ? 'control.cameraOff' : 'control.cameraOn')}
        shortcut="V"
        onClick={() => attempt(toggleCamera)}
      />
      {canShare && (
        <IconButton
          id="screen"
          icon={screen ? MonitorX : MonitorUp}
          look={screen ? 'primary' : 'plain'}
          label={t(screen ? 'control.unshare' : 'control.share')}
          onClick={() => attempt(toggleScreen)}
        />
      )}
      <IconButton
        id="chat"
        icon={MessageSquare}
        look={panel === 'chat' ? 'primary' : 'plain'}
        label={unread > 0 ? t('control.chatUnread', { count: unread }) : t('control.chat')}
        shortcut="C"
        badge={unread}
        aria-expanded={panel === 'chat'}
        onClick={() => setPanel(panel === 'chat' ? null : 'chat')}
      />
      <IconButton
        id="people"
        icon={Users}
        look={panel === 'people' ? 'primary' : 'plain'}
        label={`${t('control.people')} (${participants})`}
        badge={waiting}
        aria-expanded={panel === 'people'}
        onClick={() => setPanel(panel === 'people' ? null : 'people')}
      />
      <HandButton />
      <ReactionButton />
      <IconButton
        id="settings"
        icon={Settings}
        label={t('control.settings')}
        onClick={() => store.setState({ dialog: 'settings' })}
      />
      <IconButton id="leave" icon={LogOut} look="danger" label={t('control.leave')} onClick={onLeave} />
    </nav>
  );
}

// That nobody but those who have the link can hear and see this call.
function EncryptedBadge() {
  const t = useT();
  const encrypted = useCall(({ room }) => room?.encrypted === true);
  if (!encrypted) return null;
  return (
    <span
      id="encrypted"
      title={t('e2ee.why')}
      className="flex shrink-0 items-center gap-1 rounded-full border border-good px-2 py-0.5 text-sm text-good"
    >
      <ShieldCheck aria-hidden className="size-4" />
      <span className="max-sm:sr-only">{t('e2ee.badge')}</span>
    </span>
  );
}

// Everybody sees that, whoever began it.
function RecordingMark() {
  const t = useT();
  const recording = useCall(({ moderation }) => moderation.recording);
  return (
    <span role="status" className="shrink-0">
      {recording && (
        <span id="recording" className="flex items-center gap-1.5 px-2 text-sm font-medium text-danger-text">
          <span aria-hidden className="size-2.5 rounded-full bg-danger" />
          {t('recording.on')}
        </span>
      )}
    </span>
  );
}

export function TopBar() {
  const t = useT();
  const store = useCallStore();
  const { setView } = useCallActions();
  const roomId = useCall((state) => state.roomId);
  const view = useCall((state) => state.view);
  const stats = useCall((state) => state.stats);
  const attempt = useAttempt();
  const copyLink = useCopyLink();
  const fullScreen = async () => {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await document.documentElement.requestFullscreen();
  };
  return (
    <header className="flex items-center gap-1">
      <h1 id="room-name" tabIndex={-1} dir="auto" className="mr-auto truncate pl-1 font-semibold">
        {roomId}
      </h1>
      <EncryptedBadge />
      <RecordingMark />
      <IconButton small look="ghost" id="copy-link" icon={Link2} label={t('control.copyLink')} onClick={copyLink} />
      <IconButton
        small
        id="view"
        look="ghost"
        icon={view === 'grid' ? Presentation : LayoutGrid}
        label={t(view === 'grid' ? 'control.speakerView' : 'control.gridView')}
        onClick={() => setView(view === 'grid' ? 'speaker' : 'grid')}
      />
      <IconButton
        small
        id="stats"
        look={stats ? 'primary' : 'ghost'}
        icon={ChartNoAxesColumn}
        label={t('control.stats')}
        shortcut="S"
        aria-pressed={stats}
        onClick={() => store.setState({ stats: !stats })}
      />
      <CallWindow />
      <IconButton
        small
        look="ghost"
        id="full-screen"
        icon={Maximize}
        label={t('control.fullScreen')}
        onClick={() => attempt(fullScreen)}
      />
      <IconButton
        small
        id="help"
        look="ghost"
        icon={Keyboard}
        label={t('control.help')}
        shortcut="?"
        className="max-sm:hidden"
        onClick={() => store.setState({ dialog: 'help' })}
      />
    </header>
  );
}
