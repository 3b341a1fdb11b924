// One picture may be shown in several places: the room is asked for the largest of them, and for none when nobody shows it.
import type { Room } from '@rotunda/client';

const rooms = new WeakMap<Room, Map<string, Map<object, number>>>();

// `place` stands for where it is shown; width: in device pixels; null: not there (any more).
export function demandFor(room: Room, producerId: string, place: object, width: number | null): void {
  let producers = rooms.get(room);
  if (producers === undefined) rooms.set(room, (producers = new Map()));
  const places = producers.get(producerId) ?? new Map<object, number>();
  if (width === null) places.delete(place);
  else places.set(place, width);
  if (places.size === 0) producers.delete(producerId);
  else producers.set(producerId, places);
  room.demand(producerId, places.size === 0 ? null : { width: Math.max(...places.values()) });
}
