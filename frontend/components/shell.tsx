'use client';
// What every page needs: the person's language and appearance, toasts.
import { lazy, Suspense, useEffect, type ComponentType, type ReactNode } from 'react';
import { detectLanguage, speak } from '@/lib/i18n';
import { usePreferences } from '@/lib/preferences';
import { toasterMounted, useToaster } from '@/lib/toaster';

// What cannot be fetched is not waited for.
function NoToaster() {
  useEffect(toasterMounted, []);
  return null;
}
const Toaster = lazy<ComponentType>(() =>
  import('./toaster').then(
    (part) => ({ default: part.Toaster }),
    () => ({ default: NoToaster }),
  ),
);

export function Shell({ children }: { children: ReactNode }) {
  const language = usePreferences((state) => state.language);
  const theme = usePreferences((state) => state.theme);
  const toaster = useToaster((state) => state.wanted);
  useEffect(() => void usePreferences.persist.rehydrate(), []);
  useEffect(() => {
    const query = new URLSearchParams(location.search).get('language');
    const wanted = query ? [query] : language === 'auto' ? navigator.languages : [language];
    void speak(detectLanguage(wanted));
  }, [language]);
  useEffect(() => {
    if (theme === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }, [theme]);
  return (
    <>
      {children}
      {toaster && (
        <Suspense fallback={null}>
          <Toaster />
        </Suspense>
      )}
    </>
  );
}
