// relay_wire: a prepared packet (rtp/rtp_forward.h) on its way over a link, as bytes.
//
// Big endian: version, flags, producer (32 bits), stream, layers and what is said of them (what the
// dependency descriptor says of them its reader finds out anew), places of values in the header, capture
// time, length of the dependency descriptor, the descriptor, the packet. Sequence number, timestamp and
// marker are those of the packet's own header. What is read is checked: whatever the bytes say, nothing of
// the packet's meta leads out of the packet, so that it can be forwarded like one that was prepared here.
// Whether the producer is known, and comes over that link, is the forwarder's to ask. Pure.
#ifndef ROOMS_RELAY_WIRE_H
#define ROOMS_RELAY_WIRE_H

#include "base/pool.h"
#include "base/span.h"
#include "rooms/media_msg.h"
#include "rtp/rtp_forward.h"

#define RELAY_WIRE_VERSION 3
#define RELAY_WIRE_HEAD 27
#define RELAY_WIRE_MAX (RELAY_WIRE_HEAD + RTP_FORWARD_DESCRIPTOR_MAX + RTP_FORWARD_PACKET_MAX)

struct relay_address { // of a packet
    struct producer_id producer;
    uint8_t stream; // below STREAMS_MAX
};

// Returns the length; 0 when it does not fit.
size_t relay_wire_write(const struct relay_address *address, struct block *prepared, uint8_t *out,
                        size_t cap);
// Fills `out`, a block with one reference. It came `now_us`. ERR_MALFORMED; ERR_UNSUPPORTED: another version.
MUST_USE enum err relay_wire_read(struct span wire, uint64_t now_us, struct relay_address *address,
                                  struct block *out);

#endif
