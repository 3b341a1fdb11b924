'use client';
// Video and sound elements for tracks, and a meter of how loud one is.
import { useEffect, useMemo, useRef, useState } from 'react';
import { usePreferences } from '@/lib/preferences';

export function Video({ track, mirrored, fit = 'cover', label, onFirstFrame }: {
  track: MediaStreamTrack | null;
  mirrored?: boolean;
  fit?: 'cover' | 'contain';
  label: string;
  onFirstFrame?: () => void;
}) {
  const ref = useRef<HTMLVideoElement>(null);
  const firstFrame = useRef(onFirstFrame);
  firstFrame.current = onFirstFrame;
  useEffect(() => {
    const video = ref.current!;
    video.srcObject = track ? new MediaStream([track]) : null;
    if (!track) return;
    video.play().catch(() => {});
    const seen = () => firstFrame.current?.();
    if ('requestVideoFrameCallback' in video) {
      const handle = video.requestVideoFrameCallback(seen);
      return () => video.cancelVideoFrameCallback(handle);
    }
    (video as HTMLVideoElement).addEventListener('loadeddata', seen, { once: true });
    return () => (video as HTMLVideoElement).removeEventListener('loadeddata', seen);
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

// Sound of one remote track, on the chosen speaker.
export function Sound({ track, onBlocked }: { track: MediaStreamTrack; onBlocked: () => void }) {
  const ref = useRef<HTMLAudioElement>(null);
  const speakerId = usePreferences((state) => state.speakerId);
  useEffect(() => {
    const audio = ref.current!;
    audio.srcObject = new MediaStream([track]);
    audio.play().catch((error: Error) => error.name === 'NotAllowedError' && onBlocked());
    return () => void (audio.srcObject = null);
  }, [track, onBlocked]);
  useEffect(() => {
    const audio = ref.current!;
    if (speakerId && 'setSinkId' in audio) audio.setSinkId(speakerId).catch(() => {});
  }, [speakerId]);
  return <audio ref={ref} autoPlay data-remote />;
}

export function startSounds(): void {
  for (const audio of document.querySelectorAll<HTMLAudioElement>('audio[data-remote]')) void audio.play();
}

// 0 to 1, ten times a second.
export function useLevel(track: MediaStreamTrack | null | undefined): number {
  const [level, setLevel] = useState(0);
  useEffect(() => {
    if (!track) {
      setLevel(0);
      return;
    }
    const context = new AudioContext();
    // Before the first click or key some browsers let it stand still.
    const start = () => void context.resume().catch(() => {});
    for (const event of ['pointerdown', 'keydown']) window.addEventListener(event, start);
    const analyser = context.createAnalyser();
    analyser.fftSize = 1024;
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      setLevel(Math.max(0, Math.min(1, (10 * Math.log10(power + 1e-10) + 60) / 55)));
    }, 100);
    return () => {
      clearInterval(timer);
      for (const event of ['pointerdown', 'keydown']) window.removeEventListener(event, start);
      void context.close();
    };
  }, [track]);
  return level;
}

export function LevelMeter({ track, label }: { track: MediaStreamTrack | null | undefined; label: string }) {
  const level = useLevel(track);
  const bars = useMemo(() => [0.1, 0.25, 0.4, 0.55, 0.7, 0.85], []);
  return (
    <div role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(level * 100)} className="flex h-5 items-end gap-0.5">
      {bars.map((bar, i) => (
        <span key={bar} style={{ height: `${30 + i * 14}%` }} className={`w-1.5 rounded-sm ${level >= bar ? 'bg-good' : 'bg-line'}`} />
      ))}
    </div>
  );
}
