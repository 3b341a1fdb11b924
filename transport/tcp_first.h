// tcp_first: what the first bytes of a TCP connection say: media is a frame (RFC 4571) of a Binding request
// that names one of our workers (transport/ice.h); everything else is somebody else's. Pure.
//
// The first byte of a frame is the upper half of a length of at most BLOCK_DATAGRAM_MAX, which begins neither
// a TLS record (0x16) nor a line of HTTP nor a PROXY header: so one byte tells whom a connection is for where
// they share a port, and nobody who speaks HTTP waits for a second one.
#ifndef TRANSPORT_TCP_FIRST_H
#define TRANSPORT_TCP_FIRST_H

#include "base/pool.h"
#include "base/span.h"

#define TCP_FIRST_BYTES_MAX (2 + BLOCK_DATAGRAM_MAX)

static inline bool tcp_first_is_media(uint8_t first) {
    return first <= BLOCK_DATAGRAM_MAX >> 8;
}

enum tcp_first {
    TCP_FIRST_MORE,  // `number` bytes are needed to say
    TCP_FIRST_MEDIA, // for worker `number`; nothing of it is authentic yet
    TCP_FIRST_OTHER,
};
// All bytes that have come so far, of TCP_FIRST_BYTES_MAX at most.
enum tcp_first tcp_first_look(struct span bytes, unsigned workers, unsigned *number);

#endif
