'use client';
import { useEffect } from 'react';
import { Toaster as Toasts } from 'sonner';
import { usePreferences } from '@/lib/preferences';
import { toasterMounted } from '@/lib/toaster';

export function Toaster() {
  const theme = usePreferences((state) => state.theme);
  useEffect(toasterMounted, []);
  return <Toasts position="top-center" theme={theme === 'auto' ? 'system' : theme} offset={64} mobileOffset={64} />;
}
