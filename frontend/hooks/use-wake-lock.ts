import { useEffect } from 'react';

// Keeps the screen from going dark while this is shown. The browser lets go of it whenever the page is hidden.
export function useWakeLock(): void {
  useEffect(() => {
    let lock: WakeLockSentinel | null = null;
    let over = false;
    const take = async () => {
      if (document.hidden || !('wakeLock' in navigator)) return;
      const taken = await navigator.wakeLock.request('screen');
      if (over) await taken.release();
      else lock = taken;
    };
    // A phone that saves power refuses; the call goes on all the same.
    const attempt = () => void take().catch(() => {});
    attempt();
    document.addEventListener('visibilitychange', attempt);
    return () => {
      over = true;
      document.removeEventListener('visibilitychange', attempt);
      void lock?.release().catch(() => {});
    };
  }, []);
}
