'use client';
// Rotunda in React. What a room is made of is in @rotunda/client.
export { RotundaRoom, useRoom, type RotundaRoomProps } from './context.tsx';
export { Grid, type GridProps, type GridTile } from './grid-view.tsx';
export { layoutGrid, type GridLayout } from './grid.ts';
export {
  useActiveSpeaker,
  useChat,
  useConnectionState,
  useDevices,
  useParticipants,
  useTracks,
  type Devices,
} from './hooks.ts';
export { arrange, bringForward, type Slots } from './order.ts';
export { placeGrid, placeSpeaker, placeWithPager, type Placement, type Rect } from './place.ts';
export { RoomAudio, Sound, startAudio, type RoomAudioProps } from './room-audio.tsx';
export { stateOf, type Participant, type RoomSnapshot, type TrackState } from './room-state.ts';
export { VideoTile, type Shown, type VideoTileProps } from './video-tile.tsx';
