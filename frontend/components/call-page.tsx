'use client';
// Two people by name, as on a telephone; their media goes from browser to browser.
import { useEffect, useRef } from 'react';
import { close, currentCall, enter } from '@/lib/call-actions';
import { usePair } from '@/lib/call-store';
import { usePreferencesRead } from '@/hooks/use-preferences-read';
import { secretProblem } from '@/lib/names';
import { usePreferences } from '@/lib/preferences';
import { CallForm } from './call-form';
import { CallView } from './call-view';

// The two names, their secret, and whether to begin at once, may come with the address.
function useAddress(): void {
  const read = usePreferencesRead();
  const begun = useRef(false);
  useEffect(() => {
    if (!read || begun.current) return;
    begun.current = true;
    const query = new URLSearchParams(location.search);
    const name = query.get('name') ?? usePreferences.getState().name;
    const partner = query.get('partner') ?? '';
    const auto = query.get('auto'); // call, wait
    const secret = new URLSearchParams(location.hash.slice(1)).get('key') ?? '';
    const sound = secretProblem(secret) === null;
    usePair.setState({ name, partner, secret, linked: secret.trim() !== '' && sound });
    if (auto && name && partner && sound) void enter(name, partner, { ring: auto === 'call' });
  }, [read]);
}

export function CallPage() {
  const phase = usePair((state) => state.phase);
  useAddress();
  useEffect(() => {
    const online = () => currentCall()?.recover();
    window.addEventListener('pagehide', close);
    window.addEventListener('online', online);
    return () => {
      close();
      window.removeEventListener('pagehide', close);
      window.removeEventListener('online', online);
    };
  }, []);
  return phase === 'call' ? <CallView /> : <CallForm />;
}
