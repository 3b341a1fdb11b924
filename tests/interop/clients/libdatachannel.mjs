// A participant on libdatachannel, a WebRTC stack in C++ (with libjuice and libsrtp), by its binding for Node.

import rtc from 'node-datachannel';
import { newCounts, serve, speak } from './kit.mjs';

const counts = newCounts();
const connections = [];
const kept = []; // what the binding would otherwise collect
const SENT = { audio: { type: 111, ssrc: 11_111 }, video: { type: 96, ssrc: 22_222 } };
const tracks = {};

function open() {
  const connection = new rtc.PeerConnection('interop', { iceServers: [], disableAutoNegotiation: true });
  connections.push(connection);
  return connection;
}

// The description with all its candidates.
function described(connection, type) {
  return new Promise((resolve) => {
    connection.onGatheringStateChange((state) => state === 'complete' && resolve(connection.localDescription().sdp));
    connection.setLocalDescription(type);
  });
}

function addTrack(connection, kind) {
  const media = kind === 'audio' ? new rtc.Audio('audio', 'SendOnly') : new rtc.Video('video', 'SendOnly');
  const { type, ssrc } = SENT[kind];
  if (kind === 'audio') media.addOpusCodec(type);
  else media.addVP8Codec(type);
  media.addSSRC(ssrc, 'interop', 'interop', kind);
  const track = connection.addTrack(media);
  const clock = new rtc.RtpPacketizationConfig(ssrc, 'interop', type, kind === 'audio' ? 48000 : 90000);
  const reports = new rtc.RtcpSrReporter(clock);
  const repeats = new rtc.RtcpNackResponder();
  reports.addToChain(repeats);
  track.setMediaHandler(reports);
  kept.push(media, track, clock, reports, repeats);
  tracks[kind] = track;
}

serve(
  {
    offer() {
      const connection = open();
      for (const kind of ['audio', 'video']) addTrack(connection, kind);
      return described(connection, 'offer');
    },
    async answer(sdp) {
      const opened = Promise.all(Object.values(tracks).map((track) => new Promise((resolve) => track.onOpen(resolve))));
      connections[0].setRemoteDescription(sdp, 'answer');
      await opened;
      speak(SENT, counts, (kind, packet) => tracks[kind].sendMessageBinary(packet));
    },
    receive(sdp) {
      const connection = open();
      connection.onTrack((track) => {
        const kind = track.type();
        const session = new rtc.RtcpReceivingSession();
        track.setMediaHandler(session);
        track.onMessage(() => counts.got[kind]++);
        kept.push(track, session);
      });
      connection.setRemoteDescription(sdp, 'offer');
      return described(connection, 'answer');
    },
    close() {
      for (const connection of connections) connection.close();
      rtc.cleanup();
    },
    states: () => connections.map((connection) => connection.state()),
  },
  counts,
);
