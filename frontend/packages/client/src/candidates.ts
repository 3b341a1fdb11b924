// Addresses of both sides, as far as mediasoup-client does not tell of them: it hands new credentials to a connection
// that is there, yet no new candidates of the server, and none of its own side's, since an ICE-lite server needs none.
import type { types } from 'mediasoup-client';
import type { AppData } from './protocol.ts';
import type { Session } from './session.ts';
import { forgiveLoss } from './errors.ts';

type Transport = types.Transport<AppData>;

const connectionOf = (transport?: Transport): RTCPeerConnection | undefined =>
  (transport?.handler as unknown as { _pc?: RTCPeerConnection } | undefined)?._pc;

const lineOf = ({ foundation, protocol, priority, address, ip, port, type, tcpType }: types.IceCandidate): string =>
  `candidate:${foundation} 1 ${protocol} ${priority} ${address ?? ip} ${port} typ ${type}${tcpType ? ` tcptype ${tcpType}` : ''}`;

export const transportOf = (
  { transportId }: { transportId: string },
  ...transports: (Transport | null)[]
): Transport | undefined => transports.find((transport) => transport?.id === transportId) ?? undefined;

// The server's. A connection that has no remote description yet refuses them; it is none that could be lost.
export async function addCandidates(
  transport: Transport | undefined,
  { iceParameters, iceCandidates }: { iceParameters?: types.IceParameters; iceCandidates: types.IceCandidate[] },
): Promise<void> {
  const usernameFragment = iceParameters?.usernameFragment;
  for (const candidate of iceCandidates)
    await connectionOf(transport)
      ?.addIceCandidate({ candidate: lineOf(candidate), sdpMLineIndex: 0, usernameFragment })
      .catch(() => undefined);
}

const valueOf = (sdp: string, name: string): string | undefined =>
  new RegExp(`^a=${name}:(.*)$`, 'm').exec(sdp)?.[1]?.trim();

// Of this side, to a server with a full ICE agent: its credentials, and its candidates as the browser finds them.
export function tellOwnIce(session: Session, transport: Transport, { iceLite }: types.IceParameters): void {
  const connection = connectionOf(transport);
  let known: string | undefined; // the usernameFragment that the server has
  const tell = (candidates: string[]) => {
    const sdp = connection?.localDescription?.sdp ?? '';
    const usernameFragment = valueOf(sdp, 'ice-ufrag');
    const password = valueOf(sdp, 'ice-pwd');
    const anew = usernameFragment !== known;
    if (!usernameFragment || !password || transport.closed || (!anew && candidates.length === 0)) return;
    known = usernameFragment;
    const iceParameters = anew ? { usernameFragment, password } : undefined;
    session.request('add-ice-candidates', { transportId: transport.id, candidates, iceParameters }).catch(forgiveLoss);
  };
  if (iceLite !== false) return;
  connection?.addEventListener('icecandidate', ({ candidate }) =>
    tell(candidate?.candidate ? [candidate.candidate] : []),
  );
  connection?.addEventListener('icegatheringstatechange', () => tell([]));
}
