// 25 tiles with statistics ask each transport once a second, and render their own lines alone.
import { act } from '@testing-library/react';
import { Profiler } from 'react';
import { afterEach, expect, test, vi } from 'vitest';
import { StatsOverlay } from '@/components/stats-overlay';
import { makeTrack } from '../browser';
import { has, inCall, room, show, state } from './people';

afterEach(() => void vi.useRealTimers());

function transportOf(stats: (seconds: number) => object[]) {
  let seconds = 0;
  const getStats = vi.fn(async () => {
    seconds++;
    return new Map(stats(seconds).map((stat, i) => [`${i}`, { id: `${i}`, timestamp: 1000 * seconds, ...stat }]));
  });
  return { closed: false, getStats };
}

test('25 tiles with statistics: one report of each transport a second, and to each its own stream', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'performance'] });
  inCall(25);
  const people = state.snapshot.participants.map(({ userId }) => userId);
  for (const userId of people) has(userId, 'camera', { track: makeTrack() });
  const recv = transportOf((seconds) => [
    { type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 0.02 },
    ...people.map((_, i) => ({
      type: 'inbound-rtp',
      ssrc: i,
      frameWidth: 100 + i,
      frameHeight: 90,
      framesPerSecond: 25,
      bytesReceived: 1000 * i * seconds,
      packetsReceived: 10 * seconds,
    })),
  ]);
  const send = transportOf((seconds) => [
    {
      type: 'outbound-rtp',
      mid: '7',
      frameWidth: 320,
      frameHeight: 180,
      framesPerSecond: 15,
      bytesSent: 500 * seconds,
      packetsSent: seconds,
    },
    {
      type: 'outbound-rtp',
      mid: '7',
      frameWidth: 640,
      frameHeight: 360,
      framesPerSecond: 15,
      bytesSent: 500 * seconds,
      packetsSent: seconds,
    },
  ]);
  const flow = (mid: string, ssrc: number) => ({ closed: false, rtpParameters: { mid, encodings: [{ ssrc }] } });
  Object.assign(room, {
    producers: new Map([['camera', flow('7', 99)]]),
    remote: (userId: string) => ({ consumer: flow('x', people.indexOf(userId)) }),
    sendTransport: send,
    recvTransport: recv,
  });
  let renders = 0;
  show(
    <>
      {state.snapshot.participants.map((one) => (
        <Profiler key={one.userId} id={one.userId} onRender={() => renders++}>
          <StatsOverlay participant={one} source="camera" small={false} />
        </Profiler>
      ))}
    </>,
  );
  await act(() => vi.advanceTimersByTimeAsync(0));
  const [sent, received, rendered] = [send.getStats.mock.calls.length, recv.getStats.mock.calls.length, renders];
  expect([sent, received]).toEqual([1, 1]);
  await act(() => vi.advanceTimersByTimeAsync(3000));
  expect(send.getStats.mock.calls.length - sent).toBe(3);
  expect(recv.getStats.mock.calls.length - received).toBe(3);
  expect(renders - rendered).toBeLessThanOrEqual(3 * 25);
  const rows = (i: number) => document.querySelectorAll('.stats')[i]!.textContent;
  expect(rows(0)).toContain('640×360'); // one's own, the larger of two layers
  expect(rows(0)).toContain('8 kbit/s');
  expect(rows(5)).toContain('105×90');
  expect(rows(5)).toContain('40 kbit/s');
  expect(rows(24)).toContain('20 ms');
});
