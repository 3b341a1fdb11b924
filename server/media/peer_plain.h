// peer_plain: a program that speaks RTP without ICE and DTLS (FFmpeg, GStreamer), over sockets of its own.
//
// The other side is where the command said, or, with `comedia`, where the first packet comes from that may
// tell it: one that authenticates where there are SDES keys (RFC 4568), else one of RTP with an SSRC of a
// producer of this transport, which the worker has looked at (peer_plain_wants_ssrc). From then on packets of
// other addresses are strangers' and dropped. An address that was learnt without keys proves nothing: no
// media goes there, and no more RTCP than came from it. RTCP's address (where it has a socket of its own) is
// learnt likewise, from the same IP alone.
//
// Both states are "connected" once there is an address.
#ifndef SERVER_MEDIA_PEER_PLAIN_H
#define SERVER_MEDIA_PEER_PLAIN_H

#include "server/media/peer.h"
#include "transport/plain_port.h"

// `port` outlives the peer. NULL: no memory, or keys of no known profile.
struct peer *peer_plain_create(const struct peer_env *env, const struct plain_params *params,
                               struct plain_port *port);
// Whether a packet that is to tell the address has to have an SSRC of one of its producers.
bool peer_plain_wants_ssrc(const struct peer *peer);

#endif
