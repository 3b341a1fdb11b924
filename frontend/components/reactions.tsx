'use client';
// Hands and reactions: their buttons, and what is shown of them over the call.
import { Hand, Smile } from 'lucide-react';
import { useT } from '@/lib/i18n';
import { useCall, useModeration } from '@/hooks/use-call';
import { useLocalParticipant } from '@rotunda/react';
import { Menu } from './menu';
import { IconButton, useAttempt } from './ui';

const REACTIONS = [
  ['👍', 'reaction.thumb'],
  ['👏', 'reaction.clap'],
  ['❤️', 'reaction.heart'],
  ['😂', 'reaction.laugh'],
  ['🎉', 'reaction.party'],
  ['🤔', 'reaction.think'],
] as const;

export function HandButton() {
  const t = useT();
  const attempt = useAttempt();
  const { setHand } = useModeration();
  const me = useLocalParticipant()?.userId;
  const up = useCall(({ moderation }) => me !== undefined && moderation.hands.includes(me));
  return (
    <IconButton
      id="hand"
      icon={Hand}
      look={up ? 'primary' : 'plain'}
      label={t(up ? 'hands.down' : 'hands.up')}
      shortcut="H"
      aria-pressed={up}
      onClick={() => attempt(() => setHand(!up))}
    />
  );
}

export function ReactionButton() {
  const t = useT();
  const attempt = useAttempt();
  const { sendReaction } = useModeration();
  const may = useCall(({ moderation }) => moderation.permissions.data);
  if (!may) return null;
  const items = REACTIONS.map(([text, words]) => ({
    id: text,
    label: t(words),
    text,
    onSelect: () => attempt(() => sendReaction(text)),
  }));
  return <Menu row above id="react" icon={Smile} label={t('reaction.send')} items={items} />;
}

// They pass by themselves; a screen reader says who and what.
export function Reactions() {
  const reactions = useCall(({ moderation }) => moderation.reactions);
  return (
    <ul
      id="reactions"
      aria-live="polite"
      className="pointer-events-none fixed bottom-24 left-4 z-30 grid max-w-[60vw] justify-items-start gap-1"
    >
      {reactions.map(({ id, name, text }) => (
        <li
          key={id}
          className="flex max-w-full items-center gap-2 rounded-full border border-line bg-surface px-3 py-1 shadow"
        >
          <span className="text-2xl">{text}</span>
          <span dir="auto" className="truncate text-sm">
            {name}
          </span>
        </li>
      ))}
    </ul>
  );
}
