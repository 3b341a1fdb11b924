'use client';
// A picture that asks for no more than it shows: the layer that fills it, or nothing while it is not seen.
import { useEffect, useRef, useState, type CSSProperties } from 'react';
import { useRoom } from './room-context.tsx';
import { demandFor } from './demands.ts';

// A track with its producer, as hooks give it, or one's own.
export interface Shown {
  track: MediaStreamTrack | null;
  producerId?: string | null;
}

export interface VideoTileProps {
  track: Shown | null;
  width?: number; // of what is seen of it, in CSS pixels; measured when it is left out
  unseen?: boolean; // for now it need not come
  mirrored?: boolean;
  fit?: 'cover' | 'contain';
  label?: string;
  className?: string;
  style?: CSSProperties;
  onFirstFrame?: (track: MediaStreamTrack) => void;
}

function useWidth(element: { current: HTMLElement | null }, given: number | undefined): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const box = element.current;
    if (box === null || given !== undefined) return;
    const measure = () => setWidth(box.clientWidth);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box);
    return () => observer.disconnect();
  }, [element, given]);
  return given ?? width;
}

function useDemand(producerId: string | null | undefined, width: number, unseen: boolean): void {
  const room = useRoom();
  const [place] = useState(() => ({}));
  const pixels = Math.round(width * (typeof window === 'undefined' ? 1 : window.devicePixelRatio));
  const nothing = unseen || pixels === 0;
  useEffect(() => {
    if (room && producerId) demandFor(room, producerId, place, nothing ? null : pixels);
  }, [room, producerId, place, pixels, nothing]);
  useEffect(() => {
    if (room && producerId) return () => demandFor(room, producerId, place, null);
  }, [room, producerId, place]);
}

export function VideoTile({
  track: shown,
  width,
  unseen = false,
  mirrored,
  fit = 'cover',
  label,
  className,
  style,
  onFirstFrame,
}: VideoTileProps) {
  const ref = useRef<HTMLVideoElement>(null);
  const seen = useRef(onFirstFrame);
  const track = shown?.track ?? null;
  useEffect(() => void (seen.current = onFirstFrame));
  useDemand(shown?.producerId, useWidth(ref, width), unseen);
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
  const look: CSSProperties = {
    width: '100%',
    height: '100%',
    objectFit: fit,
    ...(mirrored ? { transform: 'scaleX(-1)' } : {}),
    ...style,
  };
  return <video ref={ref} autoPlay playsInline muted aria-label={label} className={className} style={look} />;
}
