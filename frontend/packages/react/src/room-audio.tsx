'use client';
// The sound of everybody else, which must be somewhere on the page to be heard.
import { useEffect, useRef } from 'react';
import { useTracks } from './hooks.ts';

export interface RoomAudioProps {
  speakerId?: string; // of the device to play on; '': the browser's own choice
  onBlocked?: () => void; // the browser wants a click first: then call startAudio()
}

interface SoundProps extends RoomAudioProps {
  track: MediaStreamTrack;
}

// The sound of one track.
export function Sound({ track, speakerId = '', onBlocked }: SoundProps) {
  const ref = useRef<HTMLAudioElement>(null);
  const blocked = useRef(onBlocked);
  useEffect(() => void (blocked.current = onBlocked));
  useEffect(() => {
    const audio = ref.current!;
    audio.srcObject = new MediaStream([track]);
    audio.play()?.catch((error: Error) => error.name === 'NotAllowedError' && blocked.current?.());
    return () => void (audio.srcObject = null);
  }, [track]);
  useEffect(() => {
    const audio = ref.current!;
    if ('setSinkId' in audio) audio.setSinkId(speakerId).catch(() => {});
  }, [speakerId]);
  return <audio ref={ref} autoPlay data-remote />;
}

export function RoomAudio(props: RoomAudioProps) {
  const tracks = useTracks('microphone', 'screen-audio');
  return tracks.map(({ isLocal, track }) => !isLocal && track && <Sound key={track.id} track={track} {...props} />);
}

// In the handler of a click, after onBlocked.
export function startAudio(): void {
  for (const audio of document.querySelectorAll<HTMLAudioElement>('audio[data-remote]'))
    void audio.play().catch(() => {});
}
