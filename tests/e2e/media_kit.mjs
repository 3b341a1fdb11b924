// Parameters as browsers give them, and mediasoup-client Devices without a browser (its FakeHandler).

import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const MID = 'urn:ietf:params:rtp-hdrext:sdes:mid';
const RID = 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id';
const REPAIRED_RID = 'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id';
const TWCC = 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';
const FEEDBACK = [
  { type: 'goog-remb', parameter: '' },
  { type: 'transport-cc', parameter: '' },
  { type: 'ccm', parameter: 'fir' },
  { type: 'nack', parameter: '' },
  { type: 'nack', parameter: 'pli' },
];

let ssrc = 1_000_000;
const extension = (uri, id) => ({ uri, id, encrypt: false, parameters: {} });

// A video track in the words of Chrome; ridCount > 1 makes it simulcast.
export function videoParameters({ mid = '0', mimeType = 'video/VP8', parameters = {}, ridCount = 1 } = {}) {
  const rids = Array.from({ length: ridCount }, (_, i) => ({ active: true, rid: `r${i}`, scalabilityMode: 'L1T3', dtx: false }));
  return {
    mid,
    codecs: [
      { mimeType, payloadType: 96, clockRate: 90000, parameters, rtcpFeedback: FEEDBACK },
      { mimeType: 'video/rtx', payloadType: 97, clockRate: 90000, parameters: { apt: 96 }, rtcpFeedback: [] },
    ],
    headerExtensions: [extension(MID, 4), extension(TWCC, 3), extension(RID, 10), extension(REPAIRED_RID, 11)],
    encodings: ridCount > 1 ? rids : [{ ssrc: ++ssrc, rtx: { ssrc: ++ssrc } }],
    rtcp: { cname: 'cname-of-a-browser', reducedSize: true },
  };
}

export function audioParameters({ mid = '1' } = {}) {
  return {
    mid,
    codecs: [
      {
        mimeType: 'audio/opus',
        payloadType: 111,
        clockRate: 48000,
        channels: 2,
        parameters: { minptime: 10, useinbandfec: 1 },
        rtcpFeedback: [{ type: 'transport-cc', parameter: '' }],
      },
    ],
    headerExtensions: [extension(MID, 4), extension('urn:ietf:params:rtp-hdrext:ssrc-audio-level', 1)],
    encodings: [{ ssrc: ++ssrc }],
    rtcp: { cname: 'cname-of-a-browser', reducedSize: true },
  };
}

// What `produce` needs to take a microphone, and no more.
export const AUDIO = {
  kind: 'audio',
  rtpParameters: {
    mid: '0',
    codecs: [{ mimeType: 'audio/opus', payloadType: 111, clockRate: 48000, channels: 2 }],
    encodings: [{ ssrc: 1111 }],
    rtcp: { cname: 'c' },
  },
};

const digits = (value) => Array.from({ length: 32 }, () => value).join(':');
export const dtlsParameters = (role = 'client') => ({ role, fingerprints: [{ algorithm: 'sha-256', value: digits('AB') }] });

// What a receiver that can do everything the router can would send.
export const capabilitiesOf = (joined) => joined.routerRtpCapabilities;

// ---- the unmodified client library, in several versions

function load(name, deep) {
  const { Device } = require(name);
  const { FakeHandler } = require(`${name}${deep ? '/lib/handlers/FakeHandler.js' : '/handlers/FakeHandler'}`);
  const parameters = require(deep ? `${name}/lib/test/fakeParameters.js` : `${name}/fakeParameters`);
  return { Device, handlerFactory: FakeHandler.createFactory(parameters), version: require(name).version };
}

export const CLIENT_LIBRARIES = [
  load('mediasoup-client', false),
  load('mediasoup-client-3-18', false),
  load('mediasoup-client-3-7', true),
];

export const { FakeMediaStreamTrack } = require('fake-mediastreamtrack');

// A Device that is loaded with the server's reply, and both its transports wired to the server.
export async function openDevice(library, client) {
  const device = new library.Device({ handlerFactory: library.handlerFactory });
  await device.load({ routerRtpCapabilities: client.joined.routerRtpCapabilities });
  const transports = {};
  for (const direction of ['send', 'recv']) {
    const options = await client.request('create-transport', { direction });
    const transport = direction === 'send' ? device.createSendTransport(options) : device.createRecvTransport(options);
    transport.on('connect', ({ dtlsParameters: parameters }, done, failed) => {
      client.request('connect-transport', { transportId: transport.id, dtlsParameters: parameters }).then(done, failed);
    });
    transport.on('produce', ({ kind, rtpParameters, appData }, done, failed) => {
      client.request('produce', { transportId: transport.id, kind, rtpParameters, appData }).then(done, failed);
    });
    transports[direction] = transport;
  }
  return { device, ...transports };
}
