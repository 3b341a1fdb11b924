'use client';
// A meter of how loud one's own sound is.
import { useEffect, useState } from 'react';
import { watchLevel } from '@/lib/level';

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
