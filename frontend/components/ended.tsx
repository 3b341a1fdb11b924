'use client';
import { useEffect, useRef } from 'react';
import { useT } from '@/lib/i18n';
import { useCall } from '@/hooks/use-call';
import { Button } from './ui';
import { errorWords } from '@/lib/words';

export function Ended({ onAgain, onLobby }: { onAgain: () => void; onLobby: () => void }) {
  const t = useT();
  const error = useCall((state) => state.error);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <main className="mx-auto grid min-h-full max-w-lg content-center justify-items-center gap-4 p-6 text-center">
      <h1 ref={heading} tabIndex={-1} className="text-2xl font-bold">
        {t(error ? 'end.lost' : 'end.left')}
      </h1>
      <p id="notice" role="alert" hidden={error === null}>
        {error === null ? '' : errorWords(t, error)}
      </p>
      <div className="flex flex-wrap justify-center gap-3">
        <Button id="again" look="primary" onClick={onAgain}>
          {t('end.again')}
        </Button>
        <Button onClick={onLobby}>{t('end.lobby')}</Button>
      </div>
    </main>
  );
}
