// tcp_frames: packets out of the bytes of one TCP connection (RFC 4571: each has its length in front, two
// bytes in network order). Sans I/O: bytes in, blocks out.
//
// A frame of length 0 is a null packet (RFC 4571, section 2): it is skipped and counted. One that is longer
// than BLOCK_DATAGRAM_MAX is nothing that anybody sends here: the stream is broken from then on, since who
// lies about a length cannot be followed any further. Of a frame that has come in part one block is held. One
// thread.
#ifndef TRANSPORT_TCP_FRAMES_H
#define TRANSPORT_TCP_FRAMES_H

#include "base/pool.h"
#include "base/span.h"

#define TCP_FRAME_HEAD_BYTES 2

struct tcp_frames {
    struct block *block; // of the frame that is coming; NULL: between frames, or it is thrown away
    uint16_t missing;    // bytes of it that have not come
    uint8_t head;        // the first byte of a length
    bool half_a_head;
    bool broken;
    uint64_t nulls;   // null packets
    uint64_t dropped; // frames for which there was no block
};

// Takes bytes off `in` up to the end of the next frame, whose block is the caller's: bytes of their own, with
// the room of a received datagram. NULL: more bytes are needed (`in` is empty), or it is broken (`in` stays).
struct block *tcp_frames_next(struct tcp_frames *frames, struct pool *pool, struct span *in);
// Releases what it holds; it begins anew.
void tcp_frames_clear(struct tcp_frames *frames);

// Within a frame: the other side owes bytes.
static inline bool tcp_frames_inside(const struct tcp_frames *frames) {
    return frames->missing > 0 || frames->half_a_head;
}

#endif
