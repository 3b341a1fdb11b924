// What saves round trips until media comes, and has to be in the offers that a browser gets. Those that mediasoup-client
// writes cannot be told, so it is put into them on their way.
//
// - The DTLS handshake carried in connectivity checks (draft-hancke-webrtc-sped), where the browser knows that: one that
//   answers does so only if the offer says that this side knows it. What a browser does not know it ignores.
// - The server begins the handshake: then it has the keys a round trip earlier, and sends with them at once.
import type { types } from 'mediasoup-client';
import type { AppData, TransportOptions } from './protocol.ts';

interface Shape {
  inStun: boolean;
  serverBegins: boolean;
}

const OPTIONS = ['sped', 'googspedv1', 'goog-sped-v1']; // the draft's name, and Chromium's
const shapes = new Map<string, Shape>(); // by the server's ufrag
let installed = false;

export function withIceOptions(sdp: string): string {
  return sdp.replace(/^a=ice-options:(.*)$/gm, (line, words: string) => {
    const known = new Set(words.trim().split(/ +/));
    const more = OPTIONS.filter((option) => !known.has(option));
    return more.length === 0 ? line : `a=ice-options:${[...known, ...more].join(' ')}`;
  });
}

export function shapeOffer(sdp: string): string {
  const shape = shapes.get(/^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1] ?? '');
  if (shape === undefined) return sdp;
  const begun = shape.serverBegins ? sdp.replace(/^a=setup:actpass/gm, 'a=setup:active') : sdp;
  return shape.inStun ? withIceOptions(begun) : begun;
}

function install(): void {
  if (installed || typeof RTCPeerConnection === 'undefined') return;
  installed = true;
  type Set = (description: RTCSessionDescriptionInit) => Promise<void>;
  const prototype = RTCPeerConnection.prototype as { setRemoteDescription: Set };
  const original = prototype.setRemoteDescription;
  prototype.setRemoteDescription = function (description) {
    const { type, sdp } = description;
    return original.call(this, sdp === undefined ? description : { type, sdp: shapeOffer(sdp) });
  };
}

// Of a transport that is to be made. mediasoup-client tells its side's part in the handshake rightly in Chromium alone;
// and data channels number their streams by it.
export function shapeOffers<Options extends TransportOptions>(
  options: Options,
  handler: types.Device['handlerName'] | undefined,
): Options {
  const { direction, dtlsInStun = false, dtlsParameters, iceParameters, sctpParameters } = options;
  const chromium = handler?.startsWith('Chrome') ?? false;
  const serverBegins = chromium && direction === 'recv' && dtlsParameters.role === 'auto' && !sctpParameters;
  if (!dtlsInStun && !serverBegins) return options;
  shapes.set(iceParameters.usernameFragment, { inStun: dtlsInStun, serverBegins });
  install();
  return serverBegins ? { ...options, dtlsParameters: { ...dtlsParameters, role: 'client' } } : options;
}

// Resolves once the browser looks for a path, or soon: until then it needs the main thread, and who draws a call now keeps
// it from beginning.
export function looksForPath(transport: types.Transport<AppData> | null, patienceMs = 100): Promise<void> {
  if (transport?.connectionState !== 'new') return Promise.resolve();
  return new Promise((done) => {
    transport.once('connectionstatechange', () => done());
    setTimeout(done, patienceMs);
  });
}
