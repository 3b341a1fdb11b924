// What of the client it takes to join: the lobby does without, and fetches it while it is looked at.
export { Doorway, mayTakeOver, Room } from '@rotunda/client';
