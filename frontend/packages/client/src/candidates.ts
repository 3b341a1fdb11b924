// The addresses of a server whose network has changed. mediasoup-client hands new credentials to a connection that is
// there, yet no new candidates, so they go to the browser's connection by themselves.
import type { types } from 'mediasoup-client';

const lineOf = ({ foundation, protocol, priority, address, ip, port, type, tcpType }: types.IceCandidate): string =>
  `candidate:${foundation} 1 ${protocol} ${priority} ${address ?? ip} ${port} typ ${type}${tcpType ? ` tcptype ${tcpType}` : ''}`;

// A connection that has no remote description yet refuses them; it is none that could be lost.
export async function addCandidates(
  transport: types.Transport,
  { usernameFragment }: types.IceParameters,
  candidates: types.IceCandidate[],
): Promise<void> {
  const connection = (transport.handler as unknown as { _pc?: RTCPeerConnection } | undefined)?._pc;
  for (const candidate of candidates)
    await connection
      ?.addIceCandidate({ candidate: lineOf(candidate), sdpMLineIndex: 0, usernameFragment })
      .catch(() => undefined);
}
