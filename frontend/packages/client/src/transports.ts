// What a Room needs to know of transports and tracks that is no state of its own.
import type { types } from 'mediasoup-client';
import { addCandidates } from './candidates.ts';
import { RotundaError } from './errors.ts';
import { modeForWidth, modeOf } from './encoding.ts';
import type { AppData, IceRestart, Joined, Kind, Source } from './protocol.ts';

const SIMULCAST_FROM_WIDTH = 640;
const THREE_LAYERS_FROM_WIDTH = 960; // of a smaller picture Chromium sends but two, whatever it is asked for: the lowest two
const SIMULCAST: types.RtpEncodingParameters[] = [
  { scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
];
const START_BITRATE_KBPS = 800;

// Whether a camera's picture of that width is worth several layers, and which.
const worthLayers = (width: number): boolean => width >= SIMULCAST_FROM_WIDTH;
const layersOf = (width: number): types.RtpEncodingParameters[] =>
  width >= THREE_LAYERS_FROM_WIDTH ? SIMULCAST : SIMULCAST.slice(1);

// What a track is of, where its producer does not say.
export const sourceOf = (kind: Kind, appData?: AppData): Source =>
  appData?.source ?? (kind === 'audio' ? 'microphone' : 'camera');

export async function loadDevice({
  routerRtpCapabilities,
}: Pick<Joined, 'routerRtpCapabilities'>): Promise<types.Device> {
  const { Device } = await import('mediasoup-client');
  const device = await Device.factory();
  await device.load({ routerRtpCapabilities: routerRtpCapabilities! });
  return device;
}

export function codecNamed(device: types.Device, name: string): types.RtpCodecCapability {
  const codecs = device.sendRtpCapabilities.codecs ?? [];
  const codec = codecs.find(({ mimeType }) => mimeType.toLowerCase() === `video/${name}`);
  if (codec === undefined) throw new RotundaError('unsupported', `This browser cannot send ${name}.`);
  return codec;
}

// How a track is to be sent as this source.
export function produceOptions(
  source: Source,
  track: MediaStreamTrack,
  { simulcast, scalabilityMode }: { simulcast?: boolean; scalabilityMode?: string },
): types.ProducerOptions<AppData> {
  const options: types.ProducerOptions<AppData> = {
    track,
    stopTracks: false,
    disableTrackOnPause: true,
    appData: { source },
  };
  if (track.kind === 'audio') {
    options.codecOptions = { opusStereo: source === 'screen-audio', opusFec: true, opusDtx: false }; // a screen's may be music
    return options;
  }
  const { width = 0, height = 0 } = track.getSettings();
  const mode = source === 'camera' ? modeForWidth(scalabilityMode, width) : undefined;
  const spatial = modeOf(mode)?.spatial ?? 1;
  const several = source === 'camera' && spatial === 1 && (simulcast ?? worthLayers(width));
  const layers = layersOf(width);
  if (several) options.encodings = layers.map((layer) => (mode ? { ...layer, scalabilityMode: mode } : layer));
  else if (mode) options.encodings = [{ scalabilityMode: mode }];
  options.codecOptions = { videoGoogleStartBitrate: START_BITRATE_KBPS };
  options.appData = { source, width, height, layers: several ? layers.length : spatial };
  return options;
}

// With what the server gave, asked for or because its addresses have changed.
export async function beginIceAnew(transport: types.Transport<AppData> | undefined, given: IceRestart): Promise<void> {
  if (!transport) return;
  await takeIceServers(transport, given.iceServers);
  await transport.restartIce({ iceParameters: given.iceParameters });
  await addCandidates(transport, given);
}

export function isBroken(transport: types.Transport<AppData> | null): boolean {
  return transport !== null && !transport.closed && ['disconnected', 'failed'].includes(transport.connectionState);
}

// A browser that cannot change them (mediasoup-client asks it of no Firefox) goes on with those it has.
export async function takeIceServers(
  transport: types.Transport<AppData> | null,
  iceServers: RTCIceServer[] = [],
): Promise<void> {
  if (transport === null || transport.closed || iceServers.length === 0) return;
  await transport.updateIceServers({ iceServers }).catch((error: Error) => {
    if (error.name !== 'UnsupportedError') throw error;
  });
}
