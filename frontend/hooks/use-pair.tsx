'use client';
// The one-to-one call that a part of the page is about: its store, and what can be done in it. There may be several on one
// page.
import { createContext, useContext, type ReactNode } from 'react';
import { useStore } from 'zustand';
import { RotundaCall } from '@rotunda/react';
import { PairActions } from '@/lib/call-actions';
import { makePairStore, type PairState, type PairStore } from '@/lib/call-store';

export interface Pair {
  store: PairStore;
  actions: PairActions;
}

export function makePair(): Pair {
  const store = makePairStore();
  return { store, actions: new PairActions(store) };
}

const Context = createContext<Pair | null>(null);

function useContextPair(): Pair {
  const pair = useContext(Context);
  if (pair === null) throw new Error('This is shown outside of a <PairProvider>.');
  return pair;
}

// A part of what the page keeps; renders when that has changed.
export function usePair<Part>(choose: (state: PairState) => Part): Part {
  return useStore(useContextPair().store, choose);
}

export const usePairStore = (): PairStore => useContextPair().store;
export const usePairActions = (): PairActions => useContextPair().actions;

// What is below it knows the call that there is, if there is one (useRotundaCall, useCallState, ...).
export function PairProvider({ pair, children }: { pair: Pair; children: ReactNode }) {
  const call = useStore(pair.store, (state) => state.call);
  return (
    <Context.Provider value={pair}>
      <RotundaCall call={call}>{children}</RotundaCall>
    </Context.Provider>
  );
}
