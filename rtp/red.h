// red: redundant audio data (RFC 2198): a packet of one stream that has, before its own frame (the primary
// block), frames of packets before it again.
//
// Only the form that WebRTC negotiates is read: all blocks are of one payload type, that of the codec beside
// it. Where a block of another type comes, the packet is none that could be passed on. Pure; nothing is
// copied, nothing outlives the call.
#ifndef RTP_RED_H
#define RTP_RED_H

#include "base/span.h"

#define RED_BLOCKS_MAX 32 // as receivers take it; browsers send two or three

// Whether `payload` (without padding) is redundant audio: all headers are there, blocks are as long as these
// say, and the primary block is not empty. *primary_at: where that begins, never 0.
bool red_read(struct span payload, uint16_t *primary_at);

// Whether all blocks of what red_read() took have this payload type.
bool red_is_of(struct span payload, uint8_t payload_type);

// Gives all blocks of what red_read() took this payload type.
void red_set_payload_type(uint8_t *payload, size_t len, uint8_t payload_type);

#endif
