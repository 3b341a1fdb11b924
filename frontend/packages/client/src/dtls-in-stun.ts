// Lets the browser carry the DTLS handshake in connectivity checks (draft-hancke-webrtc-sped), which saves a round trip,
// where it knows that. A browser that answers does so only if the offer says that this side knows it, and the offers that
// mediasoup-client writes cannot be told: so it is put into them on their way. What a browser does not know it ignores.
const OPTIONS = ['sped', 'googspedv1', 'goog-sped-v1']; // the draft's name, and Chromium's
const ufrags = new Set<string>(); // of transports whose server knows it
let installed = false;

export function withIceOptions(sdp: string): string {
  return sdp.replace(/^a=ice-options:(.*)$/gm, (line, words: string) => {
    const known = new Set(words.trim().split(/ +/));
    const more = OPTIONS.filter((option) => !known.has(option));
    return more.length === 0 ? line : `a=ice-options:${[...known, ...more].join(' ')}`;
  });
}

const isOurs = (sdp: string): boolean => {
  const ufrag = /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1];
  return ufrag !== undefined && ufrags.has(ufrag);
};

export function offerDtlsInStun(ufrag: string): void {
  ufrags.add(ufrag);
  if (installed || typeof RTCPeerConnection === 'undefined') return;
  installed = true;
  type Set = (description: RTCSessionDescriptionInit) => Promise<void>;
  const prototype = RTCPeerConnection.prototype as { setRemoteDescription: Set };
  const original = prototype.setRemoteDescription;
  prototype.setRemoteDescription = function (description) {
    const { type, sdp } = description;
    return original.call(this, sdp !== undefined && isOurs(sdp) ? { type, sdp: withIceOptions(sdp) } : description);
  };
}
