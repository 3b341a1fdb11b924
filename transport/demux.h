// demux: what a datagram is, by its first bytes (RFC 7983; RTP and RTCP apart by RFC 5761, section 4).
#ifndef TRANSPORT_DEMUX_H
#define TRANSPORT_DEMUX_H

#include "base/span.h"

enum datagram_kind { DATAGRAM_UNKNOWN, DATAGRAM_STUN, DATAGRAM_DTLS, DATAGRAM_RTP, DATAGRAM_RTCP };

enum datagram_kind datagram_kind(struct span datagram);

#endif
