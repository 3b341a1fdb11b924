import { useSyncExternalStore } from 'react';
import { usePreferences } from '@/lib/preferences';

// True once what the browser remembers was read: only then is it known who comes. The page was written before that.
export function usePreferencesRead(): boolean {
  return useSyncExternalStore(
    (changed) => usePreferences.persist.onFinishHydration(changed),
    () => usePreferences.persist.hasHydrated(),
    () => false,
  );
}
