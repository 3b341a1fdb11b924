'use client';
// The room's part of the page: the lobby is usable before it is here, and fetches it meanwhile. Without Suspense, which
// keeps what replaces a fallback back for 300 ms, loaded or not: the first picture would wait for that.
import { useEffect, useState, type ComponentProps } from 'react';
import { showToaster } from '@/lib/toaster';
import type { RoomView } from './room-view';

type View = typeof RoomView;
let loaded: View | null = null;

export async function loadRoomPart(): Promise<View> {
  const [part] = await Promise.all([import('./room-view'), showToaster()]);
  loaded ??= part.RoomView;
  return loaded;
}

export function RoomPart(props: ComponentProps<View>) {
  const [view, setView] = useState<View | null>(() => loaded);
  useEffect(() => {
    if (view !== null) return;
    const fail = (error: unknown) =>
      setView(() => {
        throw error; // to the boundary above
      });
    loadRoomPart().then((part) => setView(() => part), fail);
  }, [view]);
  const Shown = view;
  return Shown && <Shown {...props} />;
}
