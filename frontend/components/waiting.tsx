'use client';
// Outside: a moderator has to let this person in.
import { useEffect, useRef } from 'react';
import { useT } from '@/lib/i18n';
import { useCall, useCallActions } from '@/hooks/use-call';
import { Button } from './ui';

export function Waiting() {
  const t = useT();
  const { cancelJoin } = useCallActions();
  const roomId = useCall((state) => state.roomId);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <main
      id="waiting-room"
      className="mx-auto grid min-h-full max-w-lg content-center justify-items-center gap-4 p-6 text-center"
    >
      <span aria-hidden className="size-4 animate-pulse rounded-full bg-accent motion-reduce:animate-none" />
      <h1 ref={heading} tabIndex={-1} className="text-2xl font-bold">
        {t('waiting.title')}
      </h1>
      <p role="status">{t('waiting.why', { room: roomId })}</p>
      <Button id="stop-waiting" onClick={cancelJoin}>
        {t('lobby.cancel')}
      </Button>
    </main>
  );
}
