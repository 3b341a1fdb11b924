// Errors in the person's language.
import { isMessageKey, type Translate } from '@/lib/i18n';
import { problemOf } from '@/lib/devices';
import { codeOf } from '@/lib/rotunda';

export function errorWords(t: Translate, error: unknown): string {
  const key = `error.${codeOf(error) ?? ''}`;
  if (isMessageKey(key)) return t(key);
  const { name = '', message = String(error) } = (error ?? {}) as Error;
  if (/^(NotAllowed|NotFound|NotReadable|Overconstrained|Security)Error$/.test(name)) return t(`problem.${problemOf(error)}`);
  return t('error.unknown', { reason: message });
}
