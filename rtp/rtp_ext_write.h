// rtp_ext_write: a header extension block (RFC 8285) of elements that are there already and some more. Pure.
//
// The one-byte form has ids 1 to 14 and values of 1 to 16 bytes; as soon as one element does not fit it, the
// whole block takes the two-byte form (ids 1 to 255, values of 0 to 255 bytes): a packet has one form for
// all. Whoever writes such an element must know that the receiver reads two-byte headers (section 4.3: it has
// negotiated the element, or extmap-allow-mixed).
#ifndef RTP_RTP_EXT_WRITE_H
#define RTP_RTP_EXT_WRITE_H

#include "base/bytes.h"

struct rtp_ext_element {
    uint8_t id; // 1..255
    struct span value;
};

// Writes the elements of `block` (a block in one-byte form, its four bytes of head included, without what is
// malformed in it) and `more` behind them, padded to whole words. The writer fails when there is no room, a
// value has more than 255 bytes or an id is 0.
void rtp_ext_write(struct writer *w, struct span block, const struct rtp_ext_element *more, unsigned count);

#endif
