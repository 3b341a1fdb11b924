// layer_select: which stream of a simulcast producer a receiver gets. Pure.
//
// The best that is alive up to the receiver's ceiling; when nothing up to it is alive, the lowest above it. A
// stream is dead only while another one lives: a picture that stands still sends nothing for seconds, on any
// layer, and whoever watches it keeps what it has.
// Temporal layers and bit rates move in here.
#ifndef RTP_LAYER_SELECT_H
#define RTP_LAYER_SELECT_H

#include "rtp/media.h"

#define LAYER_DEAD_US 1500000 // a stream without packets for so long is not chosen while another one has some
#define LAYER_PAUSE_US 1000000 // after such a pause a stream's life begins anew
#define LAYER_FRESH_US 500000  // and a higher one must have been there for so long before it is switched to

struct layer_source {
    uint64_t first_packet_us; // of its present life; 0: never seen
    uint64_t last_packet_us;
};

// Silent for LAYER_DEAD_US while another one is not, and has not just begun to speak again: of a picture that
// stands still the layers come one after the other.
bool layer_is_dead(const struct layer_source *sources, unsigned count, unsigned layer, uint64_t now_us);

// None has had packets for LAYER_DEAD_US.
bool layers_are_silent(const struct layer_source *sources, unsigned count, uint64_t now_us);

// The stream to aim for, lowest layer first in sources; ceiling: the highest that the receiver wants, -1 for
// no limit; current: what is shown, -1 for nothing. When none has had packets of late, what is shown; -1:
// nothing is, or none was ever there.
int layer_select(const struct layer_source *sources, unsigned count, int ceiling, int current,
                 uint64_t now_us);

#endif
