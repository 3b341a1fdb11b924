'use client';
// The call that a part of the page is about: its store, and what can be done in it. There may be several on one page.
import { createContext, useContext, type ReactNode } from 'react';
import { useStore } from 'zustand';
import { ModerationActions } from '@/lib/moderation-actions';
import { RoomActions } from '@/lib/room-actions';
import { makeCallStore, type CallState, type CallStore } from '@/lib/store';

export interface Call {
  store: CallStore;
  actions: RoomActions;
  moderation: ModerationActions;
}

export function makeCall(): Call {
  const store = makeCallStore();
  return { store, actions: new RoomActions(store), moderation: new ModerationActions(store) };
}

const Context = createContext<Call | null>(null);

export function CallProvider({ call, children }: { call: Call; children: ReactNode }) {
  return <Context.Provider value={call}>{children}</Context.Provider>;
}

function useContextCall(): Call {
  const call = useContext(Context);
  if (call === null) throw new Error('This is shown outside of a <CallProvider>.');
  return call;
}

// A part of what the call shows; renders when that has changed.
export function useCall<Part>(choose: (state: CallState) => Part): Part {
  return useStore(useContextCall().store, choose);
}

export const useCallStore = (): CallStore => useContextCall().store;
export const useCallActions = (): RoomActions => useContextCall().actions;
export const useModeration = (): ModerationActions => useContextCall().moderation;
