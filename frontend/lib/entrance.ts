// Who comes into which room: as the address says, or as it was before a reload.
import { invitation } from './invitation';
import { usePreferences } from './preferences';

export interface Entrance {
  room: string;
  name: string;
}

const IN_CALL = 'rotunda:in-call'; // in the tab's storage while it is in a call: a reload goes on with it

const WORDS = [
  'amber',
  'cedar',
  'coral',
  'dune',
  'elm',
  'fern',
  'harbor',
  'lake',
  'maple',
  'meadow',
  'olive',
  'pine',
  'river',
  'stone',
];
const word = () => WORDS[Math.floor(Math.random() * WORDS.length)]!;
const freshRoomName = () => `${word()}-${word()}-${Math.floor(Math.random() * 900 + 100)}`;

function reloaded(): Entrance | null {
  const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  if (navigation?.type !== 'reload') return null;
  try {
    return JSON.parse(sessionStorage.getItem(IN_CALL) ?? 'null');
  } catch {
    return null;
  }
}

export function remember(entrance: Entrance | null): void {
  try {
    if (entrance) sessionStorage.setItem(IN_CALL, JSON.stringify(entrance));
    else sessionStorage.removeItem(IN_CALL);
  } catch {
    // Without storage a reload leads to the lobby.
  }
}

// atOnce: without a stay in the lobby.
export function firstEntrance(): { entrance: Entrance; atOnce: boolean } {
  const back = reloaded();
  if (back) return { entrance: back, atOnce: true };
  const query = new URLSearchParams(location.search);
  const invited = invitation();
  const entrance = {
    room: query.get('room') || invited?.room || freshRoomName(),
    name: query.get('name') ?? (invited?.name || usePreferences.getState().name),
  };
  return { entrance, atOnce: query.get('auto') === '1' };
}
