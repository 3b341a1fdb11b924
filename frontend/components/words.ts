// Errors in the person's language.
import { isMessageKey, type Translate } from '@/lib/i18n';
import { DeviceError, problemOf } from '@/lib/devices';
import { nameProblem, secretProblem, SECRET_CHARS_MAX, SECRET_CHARS_MIN } from '@/lib/names';
import { codeOf } from '@rotunda/client';

export function errorWords(t: Translate, error: unknown): string {
  const key = `error.${codeOf(error) ?? ''}`;
  if (isMessageKey(key)) return t(key);
  const { name = '', message = String(error) } = (error ?? {}) as Error;
  if (error instanceof DeviceError || /^(NotAllowed|NotFound|NotReadable|Overconstrained|Security|Abort)Error$/.test(name)) return t(`problem.${problemOf(error)}`);
  return t('error.unknown', { reason: message });
}

// What is wrong with a name, for whoever types it; null: nothing, or nothing yet.
export function nameWords(t: Translate, name: string, max: number): string | null {
  const problem = nameProblem(name, max);
  return problem === null || problem === 'empty' ? null : t(`name.${problem}`, { max });
}

export function secretWords(t: Translate, secret: string): string | null {
  const problem = secretProblem(secret);
  if (problem === 'short') return t('call.secretShort', { min: SECRET_CHARS_MIN });
  return problem === null || problem === 'empty' ? null : t(`name.${problem}`, { max: SECRET_CHARS_MAX });
}
