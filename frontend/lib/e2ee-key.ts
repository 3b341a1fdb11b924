// The key of a call that is encrypted from end to end: in the fragment of the address, which browsers send to no server.
import { e2eeKey, isE2eeKey } from '@rotunda/client';

const NAME = 'e2ee';
const fragment = () => new URLSearchParams(location.hash.slice(1));

// null: the link has none. What is no key is kept as it is, so that the join can say so.
export function keyOfAddress(): string | null {
  return typeof location === 'undefined' ? null : fragment().get(NAME);
}

export const isSound = (key: string | null): boolean => key === null || isE2eeKey(key);

// Makes a key for this address, or takes it out.
export function setEncrypted(wanted: boolean): void {
  const rest = fragment();
  if (wanted) rest.set(NAME, e2eeKey());
  else rest.delete(NAME);
  const hash = String(rest);
  history.replaceState(history.state, '', `${location.pathname}${location.search}${hash && `#${hash}`}`);
}

// A link's key is of the link's room: another one gets a key of its own, lest who has this link can read that.
export interface LinkedKey {
  key: string | null;
  room: string;
}
export const isOfAnotherRoom = (linked: LinkedKey, key: string | null, room: string): boolean =>
  key !== null && key === linked.key && linked.room !== '' && room.trim() !== linked.room.trim();

// For whoever gets the link of this call.
export const withKey = (url: URL): URL => {
  const key = keyOfAddress();
  if (key !== null) url.hash = String(new URLSearchParams({ [NAME]: key }));
  return url;
};
