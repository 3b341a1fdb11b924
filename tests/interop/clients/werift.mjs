// A participant on werift, a WebRTC stack in TypeScript.

import { MediaStreamTrack, RTCPeerConnection, RTCRtpCodecParameters } from 'werift';
import { newCounts, serve, speak } from './kit.mjs';

const feedback = ['nack', 'nack pli', 'goog-remb', 'transport-cc'].map((text) => ({ type: text.split(' ')[0], parameter: text.split(' ')[1] }));
const config = {
  codecs: {
    audio: [new RTCRtpCodecParameters({ mimeType: 'audio/opus', clockRate: 48000, channels: 2 })],
    video: [new RTCRtpCodecParameters({ mimeType: 'video/VP8', clockRate: 90000, rtcpFeedback: feedback })],
  },
};
const counts = newCounts();
const connections = [];
const tracks = { audio: new MediaStreamTrack({ kind: 'audio' }), video: new MediaStreamTrack({ kind: 'video' }) };

function open() {
  const connection = new RTCPeerConnection(config);
  connections.push(connection);
  return connection;
}

serve(
  {
    async offer() {
      const connection = open();
      for (const track of Object.values(tracks)) connection.addTransceiver(track, { direction: 'sendonly' });
      await connection.setLocalDescription(await connection.createOffer());
      return connection.localDescription.sdp;
    },
    async answer(sdp) {
      const connection = connections[0];
      const connected = connection.connectionStateChange.watch((state) => state === 'connected');
      await connection.setRemoteDescription({ type: 'answer', sdp });
      await connected;
      // The types and SSRCs are werift's to write.
      speak({ audio: { type: 0, ssrc: 0 }, video: { type: 0, ssrc: 0 } }, counts, (kind, packet) => tracks[kind].writeRtp(packet));
    },
    async receive(sdp) {
      const connection = open();
      connection.onTrack.subscribe((track) => track.onReceiveRtp.subscribe(() => counts.got[track.kind]++));
      await connection.setRemoteDescription({ type: 'offer', sdp });
      await connection.setLocalDescription(await connection.createAnswer());
      return connection.localDescription.sdp;
    },
    close: () => Promise.all(connections.map((connection) => connection.close())),
    states: () => connections.map((connection) => connection.connectionState),
  },
  counts,
);
