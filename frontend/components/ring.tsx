'use client';
import { useAudioLevel, useIsSpeaking } from '@rotunda/react';
import { classes } from './ui';

// Around the tile of who speaks; the louder, the stronger. Of all that a tile shows, only this follows the levels.
export function Ring({ userId }: { userId: string }) {
  const speaking = useIsSpeaking(userId);
  const step = useAudioLevel(userId);
  return <span aria-hidden data-step={step} className={classes('ring-of', speaking && 'speaking')} />;
}
