'use client';
// Two people by name, as on a telephone; their media goes from browser to browser.
import { useEffect, useRef, useState } from 'react';
import { makePair, PairProvider, usePair, usePairActions, usePairStore } from '@/hooks/use-pair';
import { usePreferencesRead } from '@/hooks/use-preferences-read';
import { secretProblem } from '@/lib/names';
import { usePreferences } from '@/lib/preferences';
import { showToaster } from '@/lib/toaster';
import { CallForm } from './call-form';
import { CallView } from './call-view';

// The two names, their secret, and whether to begin at once, may come with the address.
function useAddress(): void {
  const store = usePairStore();
  const { enter } = usePairActions();
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
    store.setState({ name, partner, secret, linked: secret.trim() !== '' && sound });
    if (auto && name && partner && sound) void enter(name, partner, { ring: auto === 'call' });
  }, [read, store, enter]);
}

function useNetworkAndGoing(): void {
  const store = usePairStore();
  const { close } = usePairActions();
  useEffect(() => {
    const online = () => store.getState().call?.recover();
    window.addEventListener('pagehide', close);
    window.addEventListener('online', online);
    return () => {
      close();
      window.removeEventListener('pagehide', close);
      window.removeEventListener('online', online);
    };
  }, [store, close]);
}

function Phases() {
  const phase = usePair((state) => state.phase);
  useAddress();
  useNetworkAndGoing();
  useEffect(() => void showToaster(), []);
  return phase === 'call' ? <CallView /> : <CallForm />;
}

export function CallPage() {
  const [pair] = useState(makePair);
  return (
    <PairProvider pair={pair}>
      <Phases />
    </PairProvider>
  );
}
