'use client';
import { ArrowLeft, CircleCheck, CircleDashed, CircleX, Loader } from 'lucide-react';
import Link from 'next/link';
import { useState } from 'react';
import { emptyReport, runCheck, STEPS, type Step, type StepState } from '@/lib/check';
import { useT } from '@/lib/i18n';
import { serverUrl } from '@/lib/server-url';
import { Button } from './ui';

const ICONS: Record<StepState, { icon: typeof Loader; color: string }> = {
  waiting: { icon: CircleDashed, color: 'text-faint' },
  running: { icon: Loader, color: 'text-accent animate-spin' },
  ok: { icon: CircleCheck, color: 'text-good' },
  failed: { icon: CircleX, color: 'text-danger' },
  skipped: { icon: CircleDashed, color: 'text-faint' },
};

export function CheckPage() {
  const t = useT();
  const [report, setReport] = useState(emptyReport);
  const [running, setRunning] = useState(false);
  const [result, setResult] = useState<{ failed: Step | null } | null>(null);
  const start = async () => {
    setRunning(true);
    setResult(null);
    setReport(emptyReport());
    setResult({ failed: await runCheck(serverUrl(), setReport) });
    setRunning(false);
  };
  return (
    <main className="mx-auto grid min-h-full max-w-xl content-center gap-5 p-4 sm:p-8">
      <div>
        <h1 className="text-2xl font-bold">{t('check.title')}</h1>
        <p className="text-faint">{t('check.intro')}</p>
      </div>
      <ol className="grid gap-1 rounded-2xl border border-line bg-surface p-3">
        {STEPS.map((step) => {
          const { state, detail } = report[step];
          const { icon: Icon, color } = ICONS[state];
          return (
            <li key={step} data-step={step} data-state={state} className="flex items-start gap-3 px-2 py-2">
              <Icon aria-hidden className={`mt-0.5 size-5 shrink-0 ${color}`} />
              <span className="grid">
                <span>
                  {t(`check.${step}`)}{' '}
                  <span className="text-sm text-faint">
                    ({t(`check.state.${state}`)}
                    {detail && `, ${detail}`})
                  </span>
                </span>
                {state === 'failed' && <span className="text-sm">{t(`check.help.${step}`)}</span>}
              </span>
            </li>
          );
        })}
      </ol>
      <p id="result" role="status" className="font-medium">
        {running && t('check.running')}
        {result && (result.failed === null ? t('check.ok') : t('check.bad', { step: t(`check.${result.failed}`) }))}
      </p>
      <Button id="start" look="primary" disabled={running} onClick={() => void start()}>
        {t(result === null ? 'check.start' : 'check.again')}
      </Button>
      <Link href="/" prefetch={false} className="inline-flex min-h-11 items-center gap-2 text-sm underline">
        <ArrowLeft aria-hidden className="size-4" />
        {t('end.lobby')}
      </Link>
    </main>
  );
}
