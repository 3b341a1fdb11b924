// Words of the page: messages/*.json, one file a language, with {name} for what is filled in.
import { useCallback } from 'react';
import { create } from 'zustand';
import de from '@/messages/de.json';
import en from '@/messages/en.json';

export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;
export type MessageKey = keyof typeof en;
export type Translate = (key: MessageKey, values?: Record<string, string | number>) => string;

const MESSAGES: Record<Language, Record<MessageKey, string>> = { en, de };

export const useLanguage = create<{ language: Language }>(() => ({ language: 'en' }));

export function translate(language: Language, key: MessageKey, values: Record<string, string | number> = {}): string {
  const text = MESSAGES[language][key] ?? en[key] ?? key;
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

export function useT(): Translate {
  const language = useLanguage((state) => state.language);
  return useCallback<Translate>((key, values) => translate(language, key, values), [language]);
}

export function isMessageKey(key: string): key is MessageKey {
  return key in en;
}
