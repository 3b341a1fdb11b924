// Errors in the person's language.
import { isMessageKey, type Translate } from './i18n';
import { DeviceError, problemOf } from './devices';
import { nameProblem, secretProblem, SECRET_CHARS_MAX, SECRET_CHARS_MIN } from './names';
import { codeOf, type RotundaError } from '@rotunda/client';

const NOT_LET_IN = [
  [/room is locked/, 'error.locked'],
  [/has banned you/, 'error.banned'],
  [/nobody may join/, 'error.closedRoom'],
] as const;

export function errorWords(t: Translate, error: unknown): string {
  const code = codeOf(error) ?? '';
  // The server says in words why one is not let in.
  if (code === 'forbidden')
    for (const [words, key] of NOT_LET_IN) if (words.test((error as Error).message)) return t(key);
  const { by, message: said } = error as RotundaError;
  const named = `error.${code}.by`;
  // What a moderator did, and the words that came with it.
  if (by && isMessageKey(named)) return said ? `${t(named, { name: by })} \u201c${said}\u201d` : t(named, { name: by });
  const key = `error.${code}`;
  if (isMessageKey(key)) return t(key);
  const { name = '', message = String(error) } = (error ?? {}) as Error;
  if (
    error instanceof DeviceError ||
    /^(NotAllowed|NotFound|NotReadable|Overconstrained|Security|Abort)Error$/.test(name)
  )
    return t(`problem.${problemOf(error)}`);
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
