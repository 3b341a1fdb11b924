'use client';
// Which room something is shown in. Of its own, so that who shows a room that is made later has nothing else of it yet.
import type { Room } from '@rotunda/client';
import { createContext, useContext, type ReactNode } from 'react';

const Context = createContext<Room | null>(null);

// The room that this is shown in; null outside of one, and before it is joined.
export const useRoom = (): Room | null => useContext(Context);

// A room that somebody else makes, joins and leaves; as <RotundaRoom room={…}>.
export function RoomProvider({ room, children }: { room: Room | null; children?: ReactNode }) {
  return <Context.Provider value={room}>{children}</Context.Provider>;
}
