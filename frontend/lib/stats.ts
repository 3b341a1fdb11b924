// What the statistics overlay shows, from two reports of getStats a while apart.
export interface StatsSample {
  at: number; // milliseconds
  bytes: number;
  packets: number;
  lost: number;
}

export interface StatsLine {
  resolution?: string;
  bitrate?: string;
  loss?: string;
  rtt?: string;
  jitter?: string;
  codec?: string;
}

type Stat = Record<string, unknown> & { type: string; id: string };
const number = (value: unknown) => (typeof value === 'number' ? value : 0);

export function readStats(report: RTCStatsReport, before: StatsSample | null): { sample: StatsSample; line: StatsLine } {
  const stats = [...(report as unknown as Map<string, Stat>).values()];
  const streams = stats.filter(({ type }) => type === 'inbound-rtp' || type === 'outbound-rtp');
  const sending = streams.some(({ type }) => type === 'outbound-rtp');
  const remote = stats.filter(({ type }) => type === 'remote-inbound-rtp');
  const sum = (list: Stat[], key: string) => list.reduce((total, stat) => total + number(stat[key]), 0);
  const sample: StatsSample = {
    at: Math.max(0, ...streams.map(({ timestamp }) => number(timestamp))),
    bytes: sum(streams, sending ? 'bytesSent' : 'bytesReceived'),
    packets: sum(streams, sending ? 'packetsSent' : 'packetsReceived'),
    lost: sum(sending ? remote : streams, 'packetsLost'),
  };
  const line: StatsLine = {};
  // Of several layers that are sent, the largest.
  const largest = streams.reduce<Stat | undefined>(
    (best, stat) => (number(stat.frameWidth) > number(best?.frameWidth) ? stat : best),
    undefined,
  );
  if (largest) line.resolution = `${largest.frameWidth}×${largest.frameHeight} ${Math.round(number(largest.framesPerSecond))}/s`;
  if (before && sample.at > before.at) {
    line.bitrate = `${Math.round((8 * (sample.bytes - before.bytes)) / (sample.at - before.at))} kbit/s`;
    const lost = Math.max(0, sample.lost - before.lost);
    const all = Math.max(0, sample.packets - before.packets) + (sending ? 0 : lost);
    line.loss = `${(all > 0 ? (100 * lost) / all : 0).toFixed(1)} %`;
  }
  const pair = stats.find(({ type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded');
  const rtt = pair?.currentRoundTripTime ?? remote[0]?.roundTripTime;
  if (typeof rtt === 'number') line.rtt = `${Math.round(rtt * 1000)} ms`;
  const jitter = (sending ? remote : streams)[0]?.jitter;
  if (typeof jitter === 'number') line.jitter = `${(jitter * 1000).toFixed(1)} ms`;
  const codec = stats.find(({ id }) => id === streams[0]?.codecId)?.mimeType;
  if (typeof codec === 'string') line.codec = codec.replace(/^.*\//, '');
  return { sample, line };
}

// What the server says of our link: what it sends of what the link carries, and what bounds that.
export function readLink(stats: Record<string, unknown>[]): string | undefined {
  const stat = stats.find(({ availableOutgoingBitrate }) => typeof availableOutgoingBitrate === 'number');
  if (!stat) return undefined;
  const mbit = (value: unknown) => (number(value) / 1e6).toFixed(1);
  return `${mbit(stat.sendBitrate)} → ${mbit(stat.targetOutgoingBitrate)} / ${mbit(stat.availableOutgoingBitrate)} Mbit/s (${stat.availableOutgoingBitrateReason})`;
}
