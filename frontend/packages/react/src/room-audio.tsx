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

// On the device that was chosen; while that is away (a headset out of reach), on the browser's own choice.
function playOn(audio: HTMLAudioElement, speakerId: string): void | (() => void) {
  if (!('setSinkId' in audio)) return;
  const playsOn = (deviceId: string) => audio.setSinkId(deviceId).catch(() => {});
  void playsOn(speakerId);
  const { mediaDevices } = navigator;
  if (speakerId === '' || mediaDevices === undefined) return;
  const look = async () => {
    const all = await mediaDevices.enumerateDevices().catch(() => []);
    await playsOn(all.some(({ kind, deviceId }) => kind === 'audiooutput' && deviceId === speakerId) ? speakerId : '');
  };
  mediaDevices.addEventListener('devicechange', look);
  return () => mediaDevices.removeEventListener('devicechange', look);
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
  useEffect(() => playOn(ref.current!, speakerId), [speakerId]);
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
