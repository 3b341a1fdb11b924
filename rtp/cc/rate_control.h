// rate_control: the rate that delays allow: up while no queue grows, down to below what arrives when one does
// (draft-ietf-rmcat-gcc, section 5.5 and 5.6). Pure; owned by one struct bandwidth.
//
// Far from the link's capacity it goes up by a share a second, near it by about a packet a round trip. The
// capacity is learned from what arrived when a queue grew.
#ifndef RTP_CC_RATE_CONTROL_H
#define RTP_CC_RATE_CONTROL_H

#include "rtp/cc/delay_trend.h"

struct rate_control {
    float rate_bps;
    float capacity_kbps, capacity_variance; // 0: not known; of the variance relative to the capacity
    // Before the decreases of the last moments: a queue that others made for a moment is no reason to stay
    // low
    float before_bps; // 0: nothing to go back to
    uint64_t before_us;
    bool regains;
    uint64_t changed_us;   // 0: never
    uint64_t decreased_us; // 0: never
    bool holds;            // since the last decrease, until the link is normal
};

struct rate_input {
    enum delay_signal signal;
    uint32_t acked_bps, acked_short_bps; // over the usual window, over the shortest; 0: not known
    uint32_t
        carried_bps; // came over the usual window, and there was no queue: the link carries it; 0: not known
    uint32_t rtt_us;
    uint32_t queue_us;
    uint32_t media_bps; // what is sent, without padding
    uint32_t
        seen_bps;     // it does not grow beyond: the link has been seen to carry no more; 0: nothing is known
    uint64_t over_us; // for which there have been signs of a queue
    bool began_application; // application, when they began
    uint64_t calm_us;       // since there was a sign of a queue
    bool queue_stands;      // whatever the signal says
    bool restricts;         // the link: what is sent does not come as fast
    bool throttles;         // and by far
    bool probes;            // what grows may be the work of a probe, and will be gone by itself
    bool application;       // less is sent than allowed: what arrives says little
};

void rate_control_init(struct rate_control *rc, uint32_t start_bps);
// At the end of each feedback. True: it went down.
bool rate_control_update(struct rate_control *rc, const struct rate_input *in, uint64_t now_us);
// Among others that fill the queue: what losses allow (fair_rate.h), whatever the delay.
void rate_control_share(struct rate_control *rc, const struct rate_input *in, float fair_bps,
                        uint64_t now_us);
void rate_control_set(struct rate_control *rc, float bps, uint64_t now_us); // as a probe showed
void rate_control_bound(struct rate_control *rc, float min_bps, float max_bps);
bool rate_control_near_capacity(const struct rate_control *rc);

#endif
