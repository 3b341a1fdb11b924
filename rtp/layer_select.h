// layer_select: which stream of a simulcast producer a receiver gets. Pure.
//
// The best that is alive up to the receiver's ceiling; when nothing up to it is alive, the lowest above it.
// Temporal layers and bit rates move in here.
#ifndef RTP_LAYER_SELECT_H
#define RTP_LAYER_SELECT_H

#include "rtp/media.h"

#define LAYER_DEAD_US 1500000 // a stream without packets for so long is not chosen
#define LAYER_FRESH_US 500000 // and a higher one must have been there for so long before it is switched to

struct layer_source {
    uint64_t first_packet_us; // of its present life; 0: never seen
    uint64_t last_packet_us;
};

// The stream to aim for, lowest layer first in sources; ceiling: the highest that the receiver wants, -1 for
// no limit; current: what is shown, -1 for nothing. -1: none is alive.
int layer_select(const struct layer_source *sources, unsigned count, int ceiling, int current,
                 uint64_t now_us);

#endif
