// What the files of struct bandwidth share.
#ifndef RTP_CC_BANDWIDTH_INTERNAL_H
#define RTP_CC_BANDWIDTH_INTERNAL_H

#include "rtp/cc/acked_rate.h"
#include "rtp/cc/bandwidth.h"
#include "rtp/cc/fair_rate.h"
#include "rtp/cc/full_queue.h"
#include "rtp/cc/loss_limit.h"
#include "rtp/cc/min_window.h"
#include "rtp/cc/prober.h"
#include "rtp/cc/rate_control.h"
#include "rtp/cc/sent_ring.h"

#include <stddef.h>

#define ACKED_WINDOW_US 500000
#define QUEUE_STANDS_US 50000         // from here on nothing grows and nothing is probed
#define BANDWIDTH_DEMAND_MARGIN 1.15f // what is probed above the demand, so that it fits with room to spare
#define SENT_MARKS 24                 // of a tick each: more than half a second

struct sent_mark { // how much had been sent until then
    uint64_t at_us, bytes, padding;
};

struct bandwidth {
    struct bandwidth_front front; // comes first
    struct prober prober;

    struct bandwidth_config config;
    struct delay_trend trend;
    struct acked_rate acked;
    struct loss_limit loss;
    struct rate_control rate;
    struct full_queue full;
    struct fair_rate fair;        // while it competes
    enum bandwidth_reason reason; // of the rate, before bounds

    uint64_t demand_bps, sought_bps;
    // How fast probes came that filled the link, negative, in kbit/s: of several who share it each sees about
    // all of it. And what came when more was refuted; 0: nothing was.
    struct min_window filled;
    uint32_t refuted_bps, renewals;
    uint64_t renewed_us; // the last renewal of a link that had refused something; 0: never
    uint64_t gained_us;  // the last cluster that showed clearly more than was known; 0: never
    uint8_t doubts;      // clusters in a row that jitter may have made faster

    uint64_t remb_bps; // UINT64_MAX: none
    uint64_t report_us;
    float report_loss;

    bool idle;
    uint64_t waiting_us;  // since when nothing has been heard of what flies, pauses not counted
    uint64_t feedback_us; // the last that told something new; 0: none yet
    uint64_t silent_us;   // last lowered because of it,
    float heard_bps;      // from this rate
    uint32_t rtt_us;
    // How long the newest packet and the word of it took together, at the last feedback, and the least
    // lately: that nobody can make less than it is.
    uint32_t trip_us;
    struct min_window trips;
    uint32_t queue_us;      // at the last feedback
    uint64_t over_us;       // the last sign of a queue; 0: never
    uint64_t over_begun_us; // and the first of those that follow each other,
    bool over_application;  // when less was sent than could be
    uint64_t started_us;    // the first feedback on this path; 0: none yet
    // Whether the queue is ours: how much longer it stood lately than not and for how long it stayed whatever
    // was sent, how long it was in the mean, and the most that came through lately
    float stands_s, stays_s, stands_us, came_bps;
    uint64_t judged_us;
    bool competes;
    uint64_t lied_us; // the last time that it told of a packet that was none; 0: never
    uint8_t lies;     // of such
    uint64_t ecn_ce;
    uint16_t twcc_next; // number that the next feedback should begin with
    bool twcc_started;
    int64_t twcc_reference;  // unwrapped, in 64 ms
    uint64_t ccfb_timestamp; // unwrapped, in 1/65536 s

    bool calm;              // nothing is to be found out: feedback is taken in as a whole
    uint64_t held_until_us; // somebody else probes
    uint64_t alert_us;      // the last sign of anything else; 0: never

    uint64_t tick_us;
    struct sent_mark marks[SENT_MARKS]; // [n % SENT_MARKS]
    uint32_t mark_count;
    uint32_t sent_bps, media_bps; // media: without padding
};

_Static_assert(offsetof(struct bandwidth, front) == 0, "bandwidth_sent() looks there");

// ---- bandwidth.c
uint32_t bandwidth_floor(const struct bandwidth *b);
uint32_t bandwidth_target(const struct bandwidth *b, enum bandwidth_reason *reason);
uint32_t bandwidth_trip_us(const struct bandwidth *b);                  // state.trip_us
bool bandwidth_application(const struct bandwidth *b);                  // less is sent than allowed
uint32_t bandwidth_queue_limit(const struct bandwidth *b, uint32_t us); // and what may be noise
// Its owner gives by steps, and says how much he seeks; and what was seen of the link can be relied on.
bool bandwidth_is_sought(const struct bandwidth *b);
bool bandwidth_is_bounded(const struct bandwidth *b);                  // less is sought than there is use for
bool bandwidth_is_renewed(const struct bandwidth *b, uint64_t now_us); // lately
float bandwidth_seen_bps(const struct bandwidth *b); // the most that the link has been seen to carry

// ---- bandwidth_control.c
void bandwidth_bound_rate(struct bandwidth *b);
// One feedback has been taken in: fresh packets of it, and the marks of congestion.
struct feedback_sum {
    unsigned lost;
    unsigned fresh; // acknowledged for the first time
    unsigned ecn_ce;
    unsigned full;         // gaps that a full queue has made
    int64_t arrival_us;    // the newest of them
    uint64_t sent_us;      // and when that was sent
    uint64_t last_sent_us; // when the newest of them was sent
    // While it is calm these stand for all of them
    uint32_t bytes, untold_bytes; // of the latter nothing was known but that they were sent
    uint64_t first_sent_us;
    int64_t fastest_arrival_us; // of the one that took least
    uint64_t fastest_sent_us;
};
void bandwidth_feedback_end(struct bandwidth *b, const struct feedback_sum *sum, uint64_t now_us);
void bandwidth_feedback_calm(struct bandwidth *b, const struct feedback_sum *sum, uint64_t now_us);
// ---- bandwidth_rivals.c
void bandwidth_judge_rivals(struct bandwidth *b, const struct rate_input *in, const struct feedback_sum *sum,
                            uint64_t now_us);

// ---- bandwidth_control.c
// Looked at once more: there is more than enough for what is wanted, and no sign of a queue or of loss.
void bandwidth_judge_calm(struct bandwidth *b, uint64_t now_us);

#endif
