'use client';
// Who calls whom.
import { ArrowLeft, Link as LinkIcon, Phone } from 'lucide-react';
import Link from 'next/link';
import { useState, type FormEvent } from 'react';
import { useCallSession } from '@rotunda/react';
import { usePair, usePairActions, usePairStore } from '@/hooks/use-pair';
import { usePreferencesRead } from '@/hooks/use-preferences-read';
import { useT } from '@/lib/i18n';
import { USERNAME_CHARS_MAX } from '@/lib/names';
import { usePreferences } from '@/lib/preferences';
import { Button, TextField } from './ui';
import { errorWords, nameWords, secretWords } from '@/lib/words';

function Notice({ same }: { same: boolean }) {
  const t = useT();
  const error = usePair((state) => state.error);
  const mayTakeOver = usePair((state) => state.mayTakeOver);
  const words = same
    ? t('call.sameName')
    : error === null
      ? ''
      : mayTakeOver
        ? t('lobby.takeOverWhy')
        : errorWords(t, error);
  return (
    <div
      id="notice"
      role="alert"
      hidden={words === ''}
      className="flex flex-wrap items-center gap-3 rounded-xl border border-danger-text bg-surface px-4 py-3"
    >
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
  const session = useCallSession();
  const { close } = usePairActions();
  const retry = session.name === 'joining' ? session.retry : undefined;
  if (!retry) return null;
  return (
    <div
      id="retrying"
      role="status"
      className="flex flex-wrap items-center gap-3 rounded-xl border border-line bg-surface px-4 py-3"
    >
      <p className="grow">{t('lobby.retrying', { reason: errorWords(t, retry.error) })}</p>
      <Button onClick={close}>{t('lobby.cancel')}</Button>
    </div>
  );
}

// Who came by a link needs no word. Its names are half of the room's name, so they stay as they are.
function Linked({ disabled }: { disabled: boolean }) {
  const t = useT();
  const { forgetLink } = usePairActions();
  return (
    <>
      <p id="linked" className="text-sm text-faint">
        {t('call.linked')}
      </p>
      <CallButtons disabled={disabled} />
      <Button id="somebody-else" disabled={disabled} onClick={forgetLink}>
        {t('call.somebodyElse')}
      </Button>
    </>
  );
}

function CallButtons({ disabled }: { disabled: boolean }) {
  const t = useT();
  return (
    <>
      <Button id="call" type="submit" look="primary" disabled={disabled}>
        <Phone aria-hidden className="size-5" />
        {t('call.call')}
      </Button>
      <Button id="wait" type="submit" disabled={disabled}>
        {t('call.wait')}
      </Button>
    </>
  );
}

// Names alone are known to many: the two need a link, or a word that both type.
function WordOrLink({
  disabled,
  problem,
  onType,
}: {
  disabled: boolean;
  problem: string | null;
  onType: (secret: string) => void;
}) {
  const t = useT();
  const partner = usePair((state) => state.partner);
  const secret = usePair((state) => state.secret);
  return (
    <>
      <TextField
        id="secret"
        label={t('call.secret')}
        hint={t('call.secretWhy')}
        value={secret}
        problem={problem}
        onChange={({ target }) => onType(target.value)}
        autoComplete="off"
      />
      {secret.trim() === '' ? (
        <Button id="invite" type="submit" look="primary" disabled={disabled}>
          <LinkIcon aria-hidden className="size-5" />
          {t('call.invite', { name: partner.trim() || '…' })}
        </Button>
      ) : (
        <CallButtons disabled={disabled} />
      )}
    </>
  );
}

export function CallForm() {
  const t = useT();
  const name = usePair((state) => state.name);
  const partner = usePair((state) => state.partner);
  const secret = usePair((state) => state.secret);
  const linked = usePair((state) => state.linked);
  const entering = usePair((state) => state.phase === 'entering');
  const store = usePairStore();
  const { enter } = usePairActions();
  const ready = usePreferencesRead();
  const [same, setSame] = useState(false);
  const problems = {
    name: nameWords(t, name, USERNAME_CHARS_MAX),
    partner: nameWords(t, partner, USERNAME_CHARS_MAX),
    secret: secretWords(t, secret),
  };
  const bad = Object.values(problems).some((problem) => problem !== null);
  const disabled = entering || !ready || bad;
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
  const type = (change: { name?: string; partner?: string; secret?: string }) => {
    setSame(false);
    store.setState(change);
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
        <TextField
          id="name"
          label={t('lobby.name')}
          value={name}
          problem={problems.name}
          onChange={({ target }) => type({ name: target.value })}
          readOnly={linked}
          required
          pattern=".*\S.*"
          autoComplete="nickname"
        />
        <TextField
          id="partner"
          label={t('call.partner')}
          value={partner}
          problem={problems.partner}
          onChange={({ target }) => type({ partner: target.value })}
          readOnly={linked}
          required
          pattern=".*\S.*"
          autoComplete="off"
        />
        {linked ? (
          <Linked disabled={disabled} />
        ) : (
          <WordOrLink disabled={disabled} problem={problems.secret} onType={(typed) => type({ secret: typed })} />
        )}
      </form>
      <Link href="/" prefetch={false} className="inline-flex min-h-11 items-center gap-2 text-sm underline">
        <ArrowLeft aria-hidden className="size-4" />
        {t('end.lobby')}
      </Link>
    </main>
  );
}
