// What a Room needs to know of transports and tracks that is no state of its own.
import type { types } from 'mediasoup-client';
import { codeOf } from './errors.ts';
import type { AppData } from './protocol.ts';

const SIMULCAST_FROM_WIDTH = 640;
const THREE_LAYERS_FROM_WIDTH = 960; // of a smaller picture Chromium sends but two, whatever it is asked for: the lowest two
const SIMULCAST: types.RtpEncodingParameters[] = [
  { scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
];
export const START_BITRATE_KBPS = 800;

// Whether a camera's picture of that width is worth several layers, and which.
export const worthLayers = (width: number): boolean => width >= SIMULCAST_FROM_WIDTH;
export const layersOf = (width: number): types.RtpEncodingParameters[] =>
  width >= THREE_LAYERS_FROM_WIDTH ? SIMULCAST : SIMULCAST.slice(1);

export function isBroken(transport: types.Transport<AppData> | null): boolean {
  return transport !== null && !transport.closed && ['disconnected', 'failed'].includes(transport.connectionState);
}

// A browser that cannot change them (mediasoup-client asks it of no Firefox) goes on with those it has.
export async function takeIceServers(transport: types.Transport<AppData> | null, iceServers: RTCIceServer[] = []): Promise<void> {
  if (transport === null || transport.closed || iceServers.length === 0) return;
  await transport.updateIceServers({ iceServers }).catch((error: Error) => {
    if (error.name !== 'UnsupportedError') throw error;
  });
}

// What fails because the connection went is asked for again when it is back.
export function forgiveLoss(error: unknown): void {
  if (!['connection-lost', 'timeout', 'not-found'].includes(codeOf(error) ?? '')) throw error;
}
