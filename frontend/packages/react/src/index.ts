'use client';
// Rotunda in React. What a room is made of is in @rotunda/client.
export {
  RotundaCall,
  useCallEnd,
  useCallPath,
  useCallSession,
  useCallState,
  usePartner,
  useRotundaCall,
  type Partner,
} from './call.tsx';
export { snapshotsOf, type CallSnapshot, type CallSnapshots } from './call-state.ts';
export { RotundaRoom, type RotundaRoomProps } from './context.tsx';
export { RoomProvider, useRoom } from './room-context.tsx';
export { Grid, type GridProps, type GridTile } from './grid.tsx';
export { layoutGrid, type GridLayout } from './grid-layout.ts';
export {
  encryptionTrouble,
  useActiveSpeaker,
  useAudioLevel,
  useChat,
  useConnectionState,
  useDevices,
  useIsSpeaking,
  useLastSpeaker,
  useLatest,
  useLocalParticipant,
  useMainTileId,
  useParticipant,
  useParticipantCount,
  useParticipants,
  useTileIds,
  useTracks,
  type Devices,
} from './hooks.ts';
export { LEVEL_STEPS, levelStep } from './levels.ts';
export { placeGrid, placeSpeaker, placeWithPager, type Placement, type Rect } from './placement.ts';
export { RoomAudio, Sound, startAudio, type RoomAudioProps } from './room-audio.tsx';
export {
  stateOf,
  withTrack,
  type Participant,
  type RoomSnapshot,
  type RoomState,
  type TrackState,
} from './room-state.ts';
export { arrange, bringForward, type Slots } from './slots.ts';
export { mainTile, tileId, tileOf, tilesOf, type Tile, type TileSource } from './tiles.ts';
export { VideoTile, type Shown, type VideoTileProps } from './video-tile.tsx';
