'use client';
// What a person should know of now: a lost connection, sound that waits, a microphone that was taken.
import { useEffect, useState } from 'react';
import { toast } from 'sonner';
import { useT } from '@/lib/i18n';
import { currentRoom, restoreMicrophone } from '@/lib/room_actions';
import { useCall } from '@/lib/store';
import { useCopyLink } from './controls';
import { startSounds } from './media';
import { Banner, Button, useAttempt } from './ui';

const WORTH_COUNTING_MS = 1000;

function LostBanner({ retryAt }: { retryAt: number }) {
  const t = useT();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, []);
  const left = retryAt - now;
  return (
    <Banner tone="danger">
      {/* The seconds are for the eye: read aloud each second they would be noise. */}
      <span className="sr-only">{t('banner.lost')}</span>
      <span aria-hidden id="lost">
        {left >= WORTH_COUNTING_MS ? t('banner.lostIn', { seconds: Math.ceil(left / 1000) }) : t('banner.lost')}
      </span>
      <Button className="sm:min-h-9" onClick={() => currentRoom()?.session.retryNow()}>
        {t('banner.retry')}
      </Button>
    </Banner>
  );
}

export function Banners() {
  const t = useT();
  const attempt = useAttempt();
  const copyLink = useCopyLink();
  const { session, soundBlocked, micLost, draining, participants, news } = useCall();
  const [wasLost, setWasLost] = useState(false);
  useEffect(() => {
    if (session.name === 'lost') setWasLost(true);
    else if (session.name === 'joined' && wasLost) {
      setWasLost(false);
      toast.success(t('banner.back'));
    }
  }, [session, wasLost, t]);
  // eslint-disable-next-line react-hooks/exhaustive-deps -- one toast for each piece of news, whatever the language
  useEffect(() => {
    if (news === null) return;
    if (news.text === 'message' && useCall.getState().panel === 'chat') return;
    toast(t(`news.${news.text}`, { name: news.name }), { duration: 2500 });
  }, [news]);
  return (
    <div role="status" className="mx-auto grid gap-2 empty:hidden">
      {session.name === 'lost' && <LostBanner retryAt={session.retryAt} />}
      {draining && session.name === 'joined' && <Banner>{t('banner.draining')}</Banner>}
      {soundBlocked && (
        <Banner>
          {t('banner.sound')}
          <Button
            id="start-sound"
            look="primary"
            className="sm:min-h-9"
            onClick={() => {
              startSounds();
              useCall.setState({ soundBlocked: false });
            }}
          >
            {t('banner.soundButton')}
          </Button>
        </Banner>
      )}
      {micLost && (
        <Banner tone="danger">
          {t('banner.mic')}
          <Button id="restore-microphone" look="primary" className="sm:min-h-9" onClick={() => attempt(() => restoreMicrophone())}>
            {t('banner.micButton')}
          </Button>
        </Banner>
      )}
      {participants.length === 1 && session.name === 'joined' && (
        <Banner>
          {t('room.alone')}
          <Button look="primary" className="sm:min-h-9" onClick={copyLink}>
            {t('room.copy')}
          </Button>
        </Banner>
      )}
    </div>
  );
}
