'use client';
import { useEffect, useRef } from 'react';

interface VideoProps {
  track: MediaStreamTrack | null;
  mirrored?: boolean;
  fit?: 'cover' | 'contain';
  label: string;
  onFirstFrame?: (track: MediaStreamTrack) => void;
}

export function Video({ track, mirrored, fit = 'cover', label, onFirstFrame }: VideoProps) {
  const ref = useRef<HTMLVideoElement>(null);
  const seen = useRef(onFirstFrame);
  useEffect(() => void (seen.current = onFirstFrame));
  useEffect(() => {
    const video = ref.current!;
    video.srcObject = track ? new MediaStream([track]) : null;
    if (!track) return;
    video.play()?.catch(() => {});
    const first = () => seen.current?.(track);
    if ('requestVideoFrameCallback' in video) {
      const handle = video.requestVideoFrameCallback(first);
      return () => video.cancelVideoFrameCallback(handle);
    }
    (video as HTMLVideoElement).addEventListener('loadeddata', first, { once: true });
    return () => (video as HTMLVideoElement).removeEventListener('loadeddata', first);
  }, [track]);
  return (
    <video
      ref={ref}
      autoPlay
      playsInline
      muted
      aria-label={label}
      className={`size-full ${fit === 'cover' ? 'object-cover' : 'object-contain'} ${mirrored ? '-scale-x-100' : ''}`}
    />
  );
}
