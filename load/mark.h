// mark: the last bytes of every synthetic media payload: who sent it, when, and which part of which frame it
// is. The receiver reads one-way delay and completeness from it; nothing on the way needs to know it. Pure.
//
// Times are this machine's monotonic clock: sender and receiver run on one machine.
#ifndef LOAD_MARK_H
#define LOAD_MARK_H

#include "base/span.h"

#define MARK_BYTES 24

struct mark {
    uint32_t source; // of the publisher's stream
    uint64_t send_us;
    uint32_t frame;
    uint16_t index, count; // of the packets of the frame
};

void mark_write(uint8_t out[MARK_BYTES], const struct mark *mark);
// False when the payload does not end with one.
bool mark_read(struct span payload, struct mark *out);

#endif
