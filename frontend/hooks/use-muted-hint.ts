import { useEffect } from 'react';
import { toast } from 'sonner';
import { useT } from '@/lib/i18n';
import { useLocalParticipant } from '@rotunda/react';
import { watchLevel } from '@/lib/level';

const LOUD = 0.45; // of watchLevel: about -35 dBFS, a voice near the microphone
const LOUD_LOOKS = 5; // of ten a second: half a second of it
const AGAIN_AFTER_MS = 30_000;

// Tells who speaks into a muted microphone that nobody hears it. What is listened to is a copy of the track: that which is
// sent is silent, and nothing of the copy leaves this page.
export function useMutedHint(): void {
  const t = useT();
  const microphone = useLocalParticipant()?.tracks.microphone;
  const track = microphone?.paused && microphone.track?.readyState === 'live' ? microphone.track : null;
  useEffect(() => {
    if (track === null) return;
    const copy = track.clone();
    copy.enabled = true;
    let loud = 0;
    let toldAt = -Infinity;
    const end = watchLevel(copy, (level) => {
      loud = level >= LOUD ? loud + 1 : Math.max(0, loud - 1);
      if (loud < LOUD_LOOKS || performance.now() - toldAt < AGAIN_AFTER_MS) return;
      toldAt = performance.now();
      loud = 0;
      toast(t('toast.muted'), { id: 'muted', duration: 4000 });
    });
    return () => {
      end();
      copy.stop();
      toast.dismiss('muted');
    };
  }, [track, t]);
}
