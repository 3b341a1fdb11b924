'use client';
// A meter of how loud one's own sound is.
import { useEffect, useState } from 'react';

const LEVEL_EVERY_MS = 100;

// Tells how loud the track is, from 0 to 1, ten times a second, until what is returned is called.
export function watchLevel(track: MediaStreamTrack, heard: (level: number) => void): () => void {
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
    heard(Math.max(0, Math.min(1, (10 * Math.log10(power + 1e-10) + 60) / 55)));
  }, LEVEL_EVERY_MS);
  return () => {
    clearInterval(timer);
    for (const event of ['pointerdown', 'keydown']) window.removeEventListener(event, start);
    void context.close();
  };
}

function useLevel(track: MediaStreamTrack | null | undefined): number {
  const [heard, setHeard] = useState({ track, level: 0 });
  useEffect(() => (track ? watchLevel(track, (level) => setHeard({ track, level })) : undefined), [track]);
  return heard.track === track ? heard.level : 0;
}

const BARS = [0.1, 0.25, 0.4, 0.55, 0.7, 0.85];

export function LevelMeter({ track, label }: { track: MediaStreamTrack | null | undefined; label: string }) {
  const level = useLevel(track);
  return (
    <div
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(level * 100)}
      className="flex h-5 items-end gap-0.5"
    >
      {BARS.map((bar, i) => (
        <span
          key={bar}
          style={{ height: `${30 + i * 14}%` }}
          className={`w-1.5 rounded-sm ${level >= bar ? 'bg-good' : 'bg-line'}`}
        />
      ))}
    </div>
  );
}
