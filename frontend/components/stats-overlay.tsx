'use client';
import { useEffect, useState } from 'react';
import { useT } from '@/lib/i18n';
import type { Source } from '@rotunda/client';
import { useRoom, type Participant } from '@rotunda/react';
import { readLink, readStats, statsOf, type StatsLine, type StatsSample } from '@/lib/stats';
import { classes } from './ui';

const EVERY_MS = 1000;
const ROWS = ['resolution', 'bitrate', 'loss', 'rtt', 'jitter', 'codec'] as const;

export function StatsOverlay({
  participant,
  source,
  small,
}: {
  participant: Participant;
  source: 'camera' | 'screen';
  small: boolean;
}) {
  const t = useT();
  const room = useRoom();
  const [line, setLine] = useState<StatsLine>({});
  const media = participant.tracks[source];
  // Without a picture it is the sound that there is something to say about.
  const shown: Source = media?.track && !media.paused ? source : 'microphone';
  const { userId, isLocal } = participant;
  const [link, setLink] = useState<string>();
  useEffect(() => {
    let before: StatsSample | null = null;
    const read = async () => {
      const flow = isLocal ? room?.producers.get(shown) : room?.remote(userId, shown)?.consumer;
      const transport = isLocal ? room?.sendTransport : room?.recvTransport;
      if (!flow || flow.closed || !transport || transport.closed) return;
      const { mid, encodings } = flow.rtpParameters;
      const { sample, line: now } = readStats(await statsOf(transport, isLocal ? mid : encodings?.[0]?.ssrc), before);
      before = sample;
      setLine(now);
      const transportId = room?.recvTransport?.id;
      // The link is one for all tiles: it stands in the large one.
      if (!small && !isLocal && transportId)
        setLink(readLink((await room.session.request('get-stats', { transportId })).stats));
    };
    const failed = () => {}; // it was closed meanwhile
    void read().catch(failed);
    const timer = setInterval(() => void read().catch(failed), EVERY_MS);
    return () => clearInterval(timer);
  }, [room, userId, isLocal, shown, small]);
  const rows = [
    ...ROWS.map((row) => [row, line[row]] as const),
    ['layer', media?.layer] as const,
    ['link', link] as const,
  ];
  return (
    <dl
      aria-label={t('stats.title')}
      className={classes(
        'stats absolute top-1.5 left-1.5 grid max-w-[calc(100%-0.75rem)] grid-cols-[auto_auto] gap-x-2 overflow-hidden rounded-lg bg-black/75 font-mono whitespace-nowrap text-white',
        small ? 'max-h-[calc(100%-2rem)] px-1 text-[9px]/[11px]' : 'max-h-[calc(100%-2.5rem)] px-2 py-1 text-xs',
      )}
    >
      {rows.map(
        ([row, value]) =>
          value && (
            <div key={row} data-row={row} className="contents">
              <dt>{t(`stats.${row}`)}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
