// What a stay in a room may be told, and what it asks for with the join.
import type { Device } from 'mediasoup-client';
import type { E2eeOptions } from './e2ee/encryption.ts';
import type { RequestData } from './protocol.ts';
import type { SessionOptions } from './session.ts';

const PICTURES_AT_ONCE = 9; // that come without having been asked for by a tile: as many as a first page shows

export interface RoomOptions extends Omit<SessionOptions, 'joinWith' | 'encrypts' | 'keepFormer'> {
  codec?: string; // vp8, vp9, h264, av1
  iceTransportPolicy?: RTCIceTransportPolicy; // `relay`: by way of a TURN server only
  simulcast?: boolean; // default: when the camera's picture is wide enough to be worth it
  data?: boolean; // data channels: room.data
  e2ee?: E2eeOptions; // encrypts from end to end, with a key that the server does not have
  scalabilityMode?: string; // of the camera: "L3T3_KEY"; with simulcast of each of its encodings: "L1T3"
}

// Transports and consumers, so that they come with the answer.
export function mediaWishes(device: Device, { data }: RoomOptions): Partial<RequestData<'join-room'>> {
  return {
    rtpCapabilities: device.recvRtpCapabilities,
    openTransports: ['recv', 'send'],
    enableSctp: data,
    consume: { video: PICTURES_AT_ONCE, spatialLayer: 0, brief: true },
  };
}
