'use client';
// Who is here, whose hand is up, who waits outside, and what a moderator can do about all of them.
import {
  Ban,
  Crown,
  DoorClosed,
  DoorOpen,
  EllipsisVertical,
  Eye,
  Hand,
  Lock,
  LockOpen,
  Mic,
  MicOff,
  UserCheck,
  UserMinus,
  UserRound,
  UserX,
  Video,
  VideoOff,
  WifiOff,
} from 'lucide-react';
import { useState } from 'react';
import { toast } from 'sonner';
import { useT } from '@/lib/i18n';
import { useCall, useModeration } from '@/hooks/use-call';
import { useIsSpeaking, useParticipants, type Participant } from '@rotunda/react';
import { Menu, type MenuItem } from './menu';
import { Dialog } from './dialog';
import { Button, IconButton, useAttempt } from './ui';

// What is hard to take back is asked for once more.
function useConfirm() {
  const t = useT();
  const attempt = useAttempt();
  const [asked, setAsked] = useState<{
    title: string;
    verb: string;
    opener: string;
    action: () => Promise<void>;
  } | null>(null);
  const dialog = (
    <Dialog
      title={asked?.title ?? ''}
      opener={asked?.opener ?? ''}
      open={asked !== null}
      onOpenChange={() => setAsked(null)}
    >
      <div className="flex flex-wrap justify-end gap-3">
        <Button onClick={() => setAsked(null)}>{t('lobby.cancel')}</Button>
        <Button
          id="confirm"
          look="danger"
          onClick={() => {
            if (asked) attempt(asked.action);
            setAsked(null);
          }}
        >
          {asked?.verb}
        </Button>
      </div>
    </Dialog>
  );
  return { confirm: setAsked, dialog };
}

function PersonMenu({ person }: { person: Participant }) {
  const t = useT();
  const attempt = useAttempt();
  const { allowUnmute, ban, hold, mute, putOut, setRole } = useModeration();
  const { confirm, dialog } = useConfirm();
  const role = useCall(({ moderation }) => moderation.roles[person.userId] ?? 'participant');
  const held = useCall(({ moderation }) => moderation.held[person.userId]);
  const { userId, name, tracks } = person;
  const holding = (kind: 'audio' | 'video'): MenuItem =>
    held?.includes(kind)
      ? {
          id: `allow-${kind}`,
          label: t(`moderate.allow.${kind}`),
          icon: kind === 'audio' ? Mic : Video,
          onSelect: () => attempt(() => allowUnmute(userId, kind)),
        }
      : {
          id: `hold-${kind}`,
          label: t(`moderate.hold.${kind}`),
          icon: kind === 'audio' ? MicOff : VideoOff,
          onSelect: () => attempt(() => hold(userId, kind)),
        };
  const opener = `menu-${userId}`;
  const items: (MenuItem | false)[] = [
    tracks.microphone?.track != null &&
      !tracks.microphone.paused && {
        id: 'mute',
        label: t('moderate.mute'),
        icon: MicOff,
        onSelect: () => attempt(() => mute(userId, 'audio')),
      },
    tracks.camera?.track != null &&
      !tracks.camera.paused && {
        id: 'camera',
        label: t('moderate.camera'),
        icon: VideoOff,
        onSelect: () => attempt(() => mute(userId, 'video')),
      },
    holding('audio'),
    holding('video'),
    role !== 'moderator' && {
      id: 'moderator',
      label: t('moderate.moderator'),
      icon: Crown,
      onSelect: () => attempt(() => setRole(userId, 'moderator')),
    },
    role !== 'participant' && {
      id: 'participant',
      label: t('moderate.participant'),
      icon: UserRound,
      onSelect: () => attempt(() => setRole(userId, 'participant')),
    },
    role !== 'viewer' && {
      id: 'viewer',
      label: t('moderate.viewer'),
      icon: Eye,
      onSelect: () => attempt(() => setRole(userId, 'viewer')),
    },
    {
      id: 'remove',
      label: t('moderate.remove'),
      icon: UserMinus,
      danger: true,
      onSelect: () =>
        confirm({
          title: t('moderate.removeAsk', { name }),
          verb: t('moderate.remove'),
          opener,
          action: () => putOut(userId),
        }),
    },
    {
      id: 'ban',
      label: t('moderate.ban'),
      icon: Ban,
      danger: true,
      onSelect: () =>
        confirm({ title: t('moderate.banAsk', { name }), verb: t('moderate.ban'), opener, action: () => ban(userId) }),
    },
  ];
  return (
    <>
      <Menu
        small
        id={opener}
        icon={EllipsisVertical}
        label={t('moderate.menu', { name })}
        items={items.filter((item) => item !== false)}
      />
      {dialog}
    </>
  );
}

function Person({ person }: { person: Participant }) {
  const t = useT();
  const speaks = useIsSpeaking(person.userId);
  const moderates = useCall(({ moderation }) => moderation.permissions.moderate);
  const role = useCall(({ moderation }) => moderation.roles[person.userId]);
  const { name, isLocal, away, tracks } = person;
  return (
    <li className={`flex min-h-11 items-center gap-2 rounded-lg px-2 py-1 ${speaks ? 'bg-raised' : ''}`}>
      <span dir="auto" className="mr-auto truncate">
        {isLocal ? t('room.you', { name }) : name}
      </span>
      {away && <WifiOff role="img" aria-label={t('tile.away')} className="size-4 shrink-0 text-warn" />}
      {role === 'moderator' && (
        <Crown role="img" aria-label={t('role.moderator')} className="size-4 shrink-0 text-accent" />
      )}
      {role === 'viewer' && <Eye role="img" aria-label={t('role.viewer')} className="size-4 shrink-0 text-faint" />}
      {(!tracks.camera?.track || tracks.camera.paused) && (
        <VideoOff role="img" aria-label={t('lobby.cameraOff')} className="size-4 shrink-0 text-faint" />
      )}
      {(!tracks.microphone?.track || tracks.microphone.paused) && (
        <MicOff role="img" aria-label={t('tile.muted')} className="size-4 shrink-0 text-danger-text" />
      )}
      {moderates && !isLocal && <PersonMenu person={person} />}
    </li>
  );
}

function RoomControls() {
  const t = useT();
  const attempt = useAttempt();
  const { closeRoom, muteAll, setLobby, setLocked } = useModeration();
  const { confirm, dialog } = useConfirm();
  const locked = useCall(({ moderation }) => moderation.locked);
  const lobby = useCall(({ moderation }) => moderation.lobby);
  return (
    <div role="toolbar" aria-label={t('moderate.room')} className="flex items-center gap-1 pb-2">
      <IconButton
        small
        id="mute-all"
        look="ghost"
        icon={MicOff}
        label={t('moderate.muteAll')}
        onClick={() =>
          attempt(async () => {
            await muteAll();
            toast.success(t('moderate.mutedAll'));
          })
        }
      />
      <IconButton
        small
        id="lock"
        look={locked ? 'primary' : 'ghost'}
        icon={locked ? Lock : LockOpen}
        aria-pressed={locked}
        label={t('moderate.lock')}
        onClick={() => attempt(() => setLocked(!locked))}
      />
      <IconButton
        small
        id="lobby"
        look={lobby ? 'primary' : 'ghost'}
        icon={lobby ? DoorClosed : DoorOpen}
        aria-pressed={lobby}
        label={t('moderate.lobby')}
        onClick={() => attempt(() => setLobby(!lobby))}
      />
      <Button
        id="close-room"
        className="ml-auto min-h-9! px-3! text-sm text-danger-text"
        onClick={() =>
          confirm({ title: t('moderate.closeAsk'), verb: t('moderate.close'), opener: 'close-room', action: closeRoom })
        }
      >
        {t('moderate.close')}
      </Button>
      {dialog}
    </div>
  );
}

function RecordButton() {
  const t = useT();
  const attempt = useAttempt();
  const { setRecording } = useModeration();
  const recording = useCall(({ moderation }) => moderation.recording);
  return (
    <Button
      id="record"
      className="mb-2 min-h-9! px-3! text-sm"
      aria-pressed={recording}
      onClick={() => attempt(() => setRecording(!recording))}
    >
      {t(recording ? 'recording.stop' : 'recording.start')}
    </Button>
  );
}

function WaitingList() {
  const t = useT();
  const attempt = useAttempt();
  const { admit, admitAll, deny } = useModeration();
  const waiting = useCall(({ moderation }) => moderation.waiting);
  if (waiting.length === 0) return null;
  return (
    <section
      aria-label={t('waiting.list', { count: waiting.length })}
      className="mb-2 rounded-xl border border-line p-2"
    >
      <div className="flex items-center justify-between gap-2 pb-1">
        <h3 className="text-sm font-medium">{t('waiting.list', { count: waiting.length })}</h3>
        <Button id="admit-all" className="min-h-9! px-3! text-sm" onClick={() => attempt(admitAll)}>
          {t('waiting.admitAll')}
        </Button>
      </div>
      <ul id="waiting" className="max-h-48 overflow-y-auto">
        {waiting.map(({ userId, username }) => (
          <li key={userId} className="flex items-center gap-1">
            <span dir="auto" className="mr-auto truncate">
              {username}
            </span>
            <IconButton
              small
              look="ghost"
              icon={UserCheck}
              label={t('waiting.admit', { name: username })}
              onClick={() => attempt(() => admit(userId))}
            />
            <IconButton
              small
              look="ghost"
              icon={UserX}
              label={t('waiting.deny', { name: username })}
              onClick={() => attempt(() => deny(userId))}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Hands() {
  const t = useT();
  const attempt = useAttempt();
  const { lowerHand } = useModeration();
  const hands = useCall(({ moderation }) => moderation.hands);
  const moderates = useCall(({ moderation }) => moderation.permissions.moderate);
  const participants = useParticipants();
  const up = hands.flatMap((userId) => participants.find((one) => one.userId === userId) ?? []);
  if (up.length === 0) return null;
  return (
    <section aria-label={t('hands.list')} className="mb-2 rounded-xl border border-line p-2">
      <h3 className="flex items-center gap-2 text-sm font-medium">
        <Hand aria-hidden className="size-4" />
        {t('hands.list')}
      </h3>
      <ol id="hands">
        {up.map(({ userId, name, isLocal }, i) => (
          <li key={userId} className="flex min-h-9 items-center gap-2">
            <span aria-hidden className="w-5 text-right text-faint">
              {i + 1}.
            </span>
            <span dir="auto" className="mr-auto truncate">
              {isLocal ? t('room.you', { name }) : name}
            </span>
            {moderates && !isLocal && (
              <IconButton
                small
                look="ghost"
                icon={Hand}
                label={t('hands.lower', { name })}
                onClick={() => attempt(() => lowerHand(userId))}
              />
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

export function People() {
  const participants = useParticipants();
  const moderates = useCall(({ moderation }) => moderation.permissions.moderate);
  const records = useCall(({ moderation }) => moderation.permissions.record === true);
  return (
    <>
      {moderates && <RoomControls />}
      {records && <RecordButton />}
      {moderates && <WaitingList />}
      <Hands />
      <div className="min-h-0 flex-1 overflow-y-auto">
        {/* room for the last person's menu */}
        <ul className="pb-40">
          {participants.map((person) => (
            <Person key={person.userId} person={person} />
          ))}
        </ul>
      </div>
    </>
  );
}
