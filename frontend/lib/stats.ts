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

export type Stat = Record<string, unknown> & { type: string; id: string };
const number = (value: unknown) => (typeof value === 'number' ? value : 0);

// ---- one report of a transport for everything on it: a report costs as much as all that it tells of ----

const REPORT_FRESH_MS = 500;

interface Reported {
  streams: Map<unknown, Stat[]>; // by SSRC, and by MID
  remotes: Map<unknown, Stat[]>; // by the id of the stream that they are about
  rest: Stat[]; // of the transport
}

type Reporting = { getStats: () => Promise<RTCStatsReport> };
const reports = new WeakMap<Reporting, { at: number; report: Promise<Reported> }>();

function sort(report: RTCStatsReport): Reported {
  const sorted: Reported = { streams: new Map(), remotes: new Map(), rest: [] };
  const put = (map: Map<unknown, Stat[]>, key: unknown, stat: Stat) => {
    const list = map.get(key);
    if (list === undefined) map.set(key, [stat]);
    else list.push(stat);
  };
  report.forEach((stat: Stat) => {
    if (stat.type === 'inbound-rtp') put(sorted.streams, stat.ssrc, stat);
    else if (stat.type === 'outbound-rtp') put(sorted.streams, stat.mid, stat);
    else if (stat.type === 'remote-inbound-rtp') put(sorted.remotes, stat.localId, stat);
    else if (stat.type === 'candidate-pair' || stat.type === 'codec') sorted.rest.push(stat);
  });
  return sorted;
}

// What there is to say of one stream: of what is received by SSRC, of what is sent by MID.
export async function statsOf(transport: Reporting, stream: number | string | undefined): Promise<Stat[]> {
  let last = reports.get(transport);
  if (last === undefined || performance.now() - last.at > REPORT_FRESH_MS) {
    last = { at: performance.now(), report: transport.getStats().then(sort) };
    reports.set(transport, last);
  }
  const { streams, remotes, rest } = await last.report;
  const mine = streams.get(stream) ?? [];
  return [...mine, ...mine.flatMap(({ id }) => remotes.get(id) ?? []), ...rest];
}

export function readStats(stats: Stat[], before: StatsSample | null): { sample: StatsSample; line: StatsLine } {
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
  if (largest)
    line.resolution = `${largest.frameWidth}×${largest.frameHeight} ${Math.round(number(largest.framesPerSecond))}/s`;
  if (before && sample.at > before.at) {
    line.bitrate = `${Math.round((8 * (sample.bytes - before.bytes)) / (sample.at - before.at))} kbit/s`;
    const lost = Math.max(0, sample.lost - before.lost);
    const all = Math.max(0, sample.packets - before.packets) + (sending ? 0 : lost);
    line.loss = `${(all > 0 ? (100 * lost) / all : 0).toFixed(1)} %`;
  }
  const pair = stats.find(
    ({ type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded',
  );
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
