// mediasoup-client has its browser expect a probation stream, on which a server probes the link, after the first picture that
// is received: a second round of offer and answer, as long as the first, just when the path is looked for. This server
// probes on the RTX of pictures, and on that stream only where none of them has RTX.
import type { types } from 'mediasoup-client';
import type { AppData, Kind } from './protocol.ts';

interface Inner {
  _probatorConsumerCreated?: boolean;
}

const repaired = ({ codecs }: types.RtpParameters): boolean =>
  codecs?.some(({ mimeType }) => mimeType.toLowerCase() === 'video/rtx') ?? false;

const without = new WeakSet<object>(); // transports that were told that there is one
const needed = new WeakSet<object>();

// To be called before each consume().
export function expectProbation(
  transport: types.Transport<AppData>,
  kind: Kind,
  rtpParameters: types.RtpParameters,
): void {
  const inner = transport as unknown as Inner;
  if (kind !== 'video') return;
  if (!repaired(rtpParameters)) {
    needed.add(transport);
    if (without.delete(transport)) inner._probatorConsumerCreated = false;
  } else if (inner._probatorConsumerCreated === false && !needed.has(transport)) {
    without.add(transport);
    inner._probatorConsumerCreated = true;
  }
}
