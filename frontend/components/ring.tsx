'use client';
import { useCall } from '@/lib/store';
import { classes } from './ui';

// Around the tile of who speaks; the louder, the stronger. Of all that a tile shows, only this follows the levels.
export function Ring({ userId }: { userId: string }) {
  const speaking = useCall((state) => state.speaker === userId);
  const step = useCall((state) => state.rings[userId] ?? 0);
  return <span aria-hidden data-step={step} className={classes('ring-of', speaking && 'speaking')} />;
}
