// Words of the page: messages/*.json, one file a language, with {name} for what is filled in. English is there from the
// beginning; another language is fetched by those who want it.
import { useCallback } from 'react';
import { create } from 'zustand';
import en from '@/messages/en.json';

export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;
export type MessageKey = keyof typeof en;
export type Translate = (key: MessageKey, values?: Record<string, string | number>) => string;

type Messages = Record<MessageKey, string>;
const MESSAGES: Partial<Record<Language, Messages>> = { en };
const FETCH: Partial<Record<Language, () => Promise<{ default: Messages }>>> = {
  de: () => import('@/messages/de.json'),
};

export const useLanguage = create<{ language: Language }>(() => ({ language: 'en' }));

export function translate(language: Language, key: MessageKey, values: Record<string, string | number> = {}): string {
  const text = MESSAGES[language]?.[key] ?? en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

// The first of the browser's languages that the page has.
export function detectLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const language = tag.toLowerCase().split('-')[0]!;
    if (language in LANGUAGES) return language as Language;
  }
  return 'en';
}

async function fetchMessages(language: Language): Promise<void> {
  MESSAGES[language] ??= (await FETCH[language]!()).default;
}

let wanted: Language = 'en';

// From now on in this language: at once where its words are there, else as soon as they are.
export async function speak(language: Language): Promise<void> {
  wanted = language;
  await fetchMessages(language).catch(() => {}); // then English it is
  if (wanted !== language || MESSAGES[language] === undefined) return;
  useLanguage.setState({ language });
  document.documentElement.lang = language;
}

// The browser's own is most often the one, and on its way before the page has looked.
if (typeof window !== 'undefined') void fetchMessages(detectLanguage(navigator.languages)).catch(() => {});

export function useT(): Translate {
  const language = useLanguage((state) => state.language);
  return useCallback<Translate>((key, values) => translate(language, key, values), [language]);
}

export function isMessageKey(key: string): key is MessageKey {
  return key in en;
}
