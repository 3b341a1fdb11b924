'use client';
// What every page needs: the person's language and appearance, toasts.
import { useEffect, type ReactNode } from 'react';
import { Toaster } from 'sonner';
import { detectLanguage, useLanguage } from '@/lib/i18n';
import { usePreferences } from '@/lib/preferences';

export function Shell({ children }: { children: ReactNode }) {
  const language = usePreferences((state) => state.language);
  const theme = usePreferences((state) => state.theme);
  useEffect(() => void usePreferences.persist.rehydrate(), []);
  useEffect(() => {
    const query = new URLSearchParams(location.search).get('language');
    const wanted = query ? [query] : language === 'auto' ? navigator.languages : [language];
    const found = detectLanguage(wanted);
    useLanguage.setState({ language: found });
    document.documentElement.lang = found;
  }, [language]);
  useEffect(() => {
    if (theme === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }, [theme]);
  return (
    <>
      {children}
      <Toaster position="top-center" theme={theme === 'auto' ? 'system' : theme} offset={64} mobileOffset={64} />
    </>
  );
}
