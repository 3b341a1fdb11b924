// What is shown of a room: a tile for each participant's camera, and one more for each shared screen.
import type { Participant } from './room-state.ts';

export type TileSource = 'camera' | 'screen';

export interface Tile {
  id: string; // userId and source
  participant: Participant;
  source: TileSource;
}

export const tileId = (userId: string, source: TileSource): string => `${userId}:${source}`;

export function tileOf(id: string): { userId: string; source: TileSource } {
  const at = id.lastIndexOf(':');
  return { userId: id.slice(0, at), source: id.slice(at + 1) as TileSource };
}

export function tilesOf(participants: Participant[]): Tile[] {
  return participants.flatMap((participant) => {
    const tiles: Tile[] = [{ id: tileId(participant.userId, 'camera'), participant, source: 'camera' }];
    if (participant.tracks.screen)
      tiles.push({ id: tileId(participant.userId, 'screen'), participant, source: 'screen' });
    return tiles;
  });
}

// The tile that a speaker's view shows large: what is pinned, else a shared screen, else who spoke last.
export function mainTile(tiles: Tile[], pinned: string | null, lastSpeaker: string | null): Tile | undefined {
  return (
    tiles.find(({ id }) => id === pinned) ??
    tiles.find(({ source, participant }) => source === 'screen' && !participant.isLocal) ??
    tiles.find(({ participant }) => participant.userId === lastSpeaker) ??
    tiles.find(({ participant }) => !participant.isLocal) ??
    tiles[0]
  );
}
