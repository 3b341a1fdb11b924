'use client';
// Who calls whom.
import { ArrowLeft, Link as LinkIcon, Phone } from 'lucide-react';
import Link from 'next/link';
import { useState, type FormEvent } from 'react';
import { close, enter, invitation } from '@/lib/call-actions';
import { usePair } from '@/lib/call-store';
import { usePreferencesRead } from '@/lib/entrance';
import { copyText } from '@/lib/copy-text';
import { useT } from '@/lib/i18n';
import { SECRET_CHARS_MAX, USERNAME_CHARS_MAX } from '@/lib/names';
import { usePreferences } from '@/lib/preferences';
import { callSecret } from '@rotunda/client';
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

// A link in place of names that others may know as well.
function Invite({ disabled, samePair }: { disabled: boolean; samePair: () => boolean }) {
  const t = useT();
  const partner = usePair((state) => state.partner);
  const [copied, setCopied] = useState('');
  const copy = async () => {
    if (samePair()) return;
    const { name, partner: other, secret: known } = usePair.getState();
    const secret = known.trim() === '' ? callSecret() : known.trim();
    usePair.setState({ secret });
    const link = invitation(name.trim(), other.trim(), secret);
    setCopied(await copyText(link).then(() => t('toast.copied'), () => link));
  };
  return (
    <>
      <Button id="invite" disabled={disabled} onClick={() => void copy()}>
        <LinkIcon aria-hidden className="size-5" />
        {t('call.invite', { name: partner.trim() || '…' })}
      </Button>
      <p role="status" className="text-sm break-all text-faint empty:hidden">
        {copied}
      </p>
    </>
  );
}

export function CallForm() {
  const t = useT();
  const name = usePair((state) => state.name);
  const partner = usePair((state) => state.partner);
  const secret = usePair((state) => state.secret);
  const entering = usePair((state) => state.phase === 'entering');
  const ready = usePreferencesRead();
  const [same, setSame] = useState(false);
  const problems = {
    name: nameWords(t, name, USERNAME_CHARS_MAX),
    partner: nameWords(t, partner, USERNAME_CHARS_MAX),
    secret: secret.trim() === '' ? null : nameWords(t, secret, SECRET_CHARS_MAX),
  };
  const bad = Object.values(problems).some((problem) => problem !== null);
  const samePair = () => {
    const isSame = name.trim().toLowerCase() === partner.trim().toLowerCase();
    setSame(isSame);
    return isSame;
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (bad) return;
    const pressed = (event.nativeEvent as SubmitEvent).submitter?.id;
    const [me, other] = [name.trim(), partner.trim()];
    if (samePair()) return;
    usePreferences.setState({ name: me });
    void enter(me, other, { ring: pressed !== 'wait', takeOver: pressed === 'take-over', secret });
  };
  const type = (change: { name?: string; partner?: string; secret?: string }) => {
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
        <TextField id="secret" label={t('call.secret')} hint={t('call.secretWhy')} value={secret} problem={problems.secret} onChange={({ target }) => type({ secret: target.value })} autoComplete="off" />
        <Button id="call" type="submit" look="primary" disabled={entering || !ready || bad}>
          <Phone aria-hidden className="size-5" />
          {t('call.call')}
        </Button>
        <Button id="wait" type="submit" disabled={entering || !ready || bad}>
          {t('call.wait')}
        </Button>
        <Invite disabled={entering || !ready || bad} samePair={samePair} />
      </form>
      <Link href="/" prefetch={false} className="inline-flex min-h-11 items-center gap-2 text-sm underline">
        <ArrowLeft aria-hidden className="size-4" />
        {t('end.lobby')}
      </Link>
    </main>
  );
}
