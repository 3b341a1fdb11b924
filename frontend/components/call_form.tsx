'use client';
// Who calls whom.
import { ArrowLeft, Phone } from 'lucide-react';
import Link from 'next/link';
import { useState, type FormEvent } from 'react';
import { close, enter } from '@/lib/call_actions';
import { usePair } from '@/lib/call_store';
import { usePreferencesRead } from '@/lib/entrance';
import { useT } from '@/lib/i18n';
import { USERNAME_CHARS_MAX } from '@/lib/names';
import { usePreferences } from '@/lib/preferences';
import { Button, TextField } from './ui';
import { errorWords, nameWords } from './words';

function Notice({ same }: { same: boolean }) {
  const t = useT();
  const error = usePair((state) => state.error);
  const mayTakeOver = usePair((state) => state.mayTakeOver);
  const words = same ? t('call.sameName') : error === null ? '' : mayTakeOver ? t('lobby.takeOverWhy') : errorWords(t, error);
  return (
    <div id="notice" role="alert" hidden={words === ''} className="flex flex-wrap items-center gap-3 rounded-xl border border-danger-text bg-surface px-4 py-3">
      <p className="grow">{words}</p>
      {mayTakeOver && !same && (
        <Button id="take-over" type="submit" form="pair" look="primary">
          {t('lobby.takeOver')}
        </Button>
      )}
    </div>
  );
}

function Retrying() {
  const t = useT();
  const session = usePair((state) => state.session);
  const retry = session.name === 'joining' ? session.retry : undefined;
  if (!retry) return null;
  return (
    <div id="retrying" role="status" className="flex flex-wrap items-center gap-3 rounded-xl border border-line bg-surface px-4 py-3">
      <p className="grow">{t('lobby.retrying', { reason: errorWords(t, retry.error) })}</p>
      <Button onClick={close}>{t('lobby.cancel')}</Button>
    </div>
  );
}

export function CallForm() {
  const t = useT();
  const name = usePair((state) => state.name);
  const partner = usePair((state) => state.partner);
  const entering = usePair((state) => state.phase === 'entering');
  const ready = usePreferencesRead();
  const [same, setSame] = useState(false);
  const problems = { name: nameWords(t, name, USERNAME_CHARS_MAX), partner: nameWords(t, partner, USERNAME_CHARS_MAX) };
  const bad = problems.name !== null || problems.partner !== null;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (bad) return;
    const pressed = (event.nativeEvent as SubmitEvent).submitter?.id;
    const [me, other] = [name.trim(), partner.trim()];
    const isSame = me.toLowerCase() === other.toLowerCase();
    setSame(isSame);
    if (isSame) return;
    usePreferences.setState({ name: me });
    void enter(me, other, { ring: pressed !== 'wait', takeOver: pressed === 'take-over' });
  };
  const type = (change: { name?: string; partner?: string }) => {
    setSame(false);
    usePair.setState(change);
  };
  return (
    <main className="mx-auto grid min-h-full max-w-md content-center gap-5 p-4 sm:p-8">
      <div>
        <h1 className="text-2xl font-bold">{t('call.title')}</h1>
        <p className="text-faint">{t('call.intro')}</p>
      </div>
      <Notice same={same} />
      <Retrying />
      <form id="pair" onSubmit={submit} className="grid gap-4 rounded-2xl border border-line bg-surface p-5">
        <TextField id="name" label={t('lobby.name')} value={name} problem={problems.name} onChange={({ target }) => type({ name: target.value })} required pattern=".*\S.*" autoComplete="nickname" />
        <TextField id="partner" label={t('call.partner')} value={partner} problem={problems.partner} onChange={({ target }) => type({ partner: target.value })} required pattern=".*\S.*" autoComplete="off" />
        <Button id="call" type="submit" look="primary" disabled={entering || !ready || bad}>
          <Phone aria-hidden className="size-5" />
          {t('call.call')}
        </Button>
        <Button id="wait" type="submit" disabled={entering || !ready || bad}>
          {t('call.wait')}
        </Button>
      </form>
      <Link href="/" prefetch={false} className="inline-flex min-h-11 items-center gap-2 text-sm underline">
        <ArrowLeft aria-hidden className="size-4" />
        {t('end.lobby')}
      </Link>
    </main>
  );
}
