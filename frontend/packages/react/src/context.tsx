'use client';
// A room for all that is shown below it.
import { Room, type LocalTrack, type RoomOptions, type Source } from '@rotunda/client';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { RoomProvider } from './room-context.tsx';
import { stateOf } from './room-state.ts';

export interface RotundaRoomProps {
  url: string; // of the server's WebSocket: wss://meet.example.org/ws
  roomId: string;
  username: string;
  audio?: boolean | MediaTrackConstraints; // sends the microphone
  video?: boolean | MediaTrackConstraints; // sends the camera
  options?: RoomOptions; // as they are when it joins
  onError?: (error: unknown) => void; // it could not join, or has no device; it is joined without what cannot be had
  children?: ReactNode;
}

// Joins while it is shown, and leaves when it is not any more. With `room` it does neither: that one is somebody else's.
export function RotundaRoom(props: RotundaRoomProps | { room: Room | null; children?: ReactNode }) {
  if ('room' in props) return <RoomProvider room={props.room}>{props.children}</RoomProvider>;
  return <Joined {...props} />;
}

async function capture(wish: MediaStreamConstraints, onError?: (error: unknown) => void): Promise<MediaStream> {
  if (!wish.audio && !wish.video) return new MediaStream();
  try {
    return await navigator.mediaDevices.getUserMedia(wish);
  } catch (error) {
    // One of the two may be there.
    if (wish.audio && wish.video) {
      const audio = await capture({ audio: wish.audio }, onError);
      return audio.getTracks().length > 0 ? audio : capture({ video: wish.video });
    }
    onError?.(error);
    return new MediaStream();
  }
}

const tracksOf = (stream: MediaStream): Partial<Record<Source, LocalTrack>> =>
  Object.fromEntries(
    stream.getTracks().map((track) => [track.kind === 'audio' ? 'microphone' : 'camera', { track, paused: false }]),
  );

function Joined({ url, roomId, username, audio = false, video = false, options, onError, children }: RotundaRoomProps) {
  const [room, setRoom] = useState<Room | null>(null);
  // Only who, where and what for make it join anew; the rest is as it was when it did.
  const latest = useRef({ audio, video, options, onError });
  useEffect(() => void (latest.current = { audio, video, options, onError }));
  const [wantsAudio, wantsVideo] = [Boolean(audio), Boolean(video)];
  useEffect(() => {
    const { options: how, audio: sound, video: picture } = latest.current;
    const failed = (error: unknown) => over || latest.current.onError?.(error);
    const joining = new Room(url, roomId, username, how);
    stateOf(joining);
    let over = false;
    void capture({ audio: wantsAudio && sound, video: wantsVideo && picture }, failed).then(async (stream) => {
      if (over) return stream.getTracks().forEach((track) => track.stop());
      setRoom(joining);
      await joining.join(tracksOf(stream)).catch((error) => {
        stream.getTracks().forEach((track) => track.stop());
        failed(error);
      });
    });
    return () => {
      over = true;
      setRoom(null);
      joining.leave();
      for (const { track } of joining.local.values()) track?.stop();
    };
  }, [url, roomId, username, wantsAudio, wantsVideo]);
  return <RoomProvider room={room}>{children}</RoomProvider>;
}
