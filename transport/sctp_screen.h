// sctp_screen: looks at SCTP packets of peers before the SCTP stack sees them, and lets through what data
// channels need and no more (RFC 9260, RFC 3758, RFC 6525).
//
// Every length is checked against its own packet; chunks and parameters are counted. Addresses, ASCONF, AUTH
// and what else changes the paths of an association are refused: there is one path, and it is DTLS. So are
// resets of a whole association, and requests to add streams of ours. Checksums are not looked at, since DTLS
// has authenticated the packet. Pure function.
#ifndef TRANSPORT_SCTP_SCREEN_H
#define TRANSPORT_SCTP_SCREEN_H

#include "base/span.h"

#define SCTP_SCREEN_CHUNKS_MAX 256    // of a packet: DATA takes 20 bytes at least
#define SCTP_SCREEN_PARAMETERS_MAX 32 // of an INIT or INIT-ACK

// False: it is to be dropped.
bool screen_sctp_packet(struct span packet);

#endif
