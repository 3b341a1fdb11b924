// feedback_pace: how often a publisher hears what has arrived, whatever the form (rtp/twcc.h, rtp/ccfb.h):
// each 50 to 100 ms, and between the two so that feedback takes a twentieth of what it is about
// (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 2.2.1). Pure.
#ifndef RTP_FEEDBACK_PACE_H
#define RTP_FEEDBACK_PACE_H

#include "base/clock.h"

#include <stddef.h>
#include <stdint.h>

#define FEEDBACK_INTERVAL_US 50000 // at least, and to begin with
#define FEEDBACK_INTERVAL_MAX_US 100000
#define FEEDBACK_SHARE 20         // feedback is one part in so many of what it is about, between the two
#define FEEDBACK_PACKETS_SOON 100 // so many arrivals make feedback due at once

// The feedback of one interval took so many bytes, of a stream of packets of that rate (0: not known).
static inline uint32_t feedback_interval_us(size_t feedback_bytes, uint64_t rate_bps) {
    uint64_t us = rate_bps ? (uint64_t)feedback_bytes * 8 * US_PER_SECOND * FEEDBACK_SHARE / rate_bps
                           : FEEDBACK_INTERVAL_MAX_US;
    us = us < FEEDBACK_INTERVAL_MAX_US ? us : FEEDBACK_INTERVAL_MAX_US;
    return (uint32_t)(us > FEEDBACK_INTERVAL_US ? us : FEEDBACK_INTERVAL_US);
}

#endif
