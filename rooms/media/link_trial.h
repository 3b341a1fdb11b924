// link_trial: whether a link carries for a while what is about to be sent over it. Pure; worker side.
//
// A probe of some milliseconds (rtp/cc/prober.h) measures how fast the link is, not how much of it is free:
// who shares it with others would be given their part. So before more is given on a link that has been seen
// to be full, it is filled up with padding to the rate that is wanted, for TRIAL_US: a queue that begins to
// stand, or losses, end it before anybody's picture or sound has suffered.
#ifndef ROOMS_LINK_TRIAL_H
#define ROOMS_LINK_TRIAL_H

#include "rtp/cc/bandwidth.h"

#define TRIAL_US 800000
#define TRIAL_NOISE 16 // so many times the noise of delays longer
#define TRIAL_LONGER_MAX_US 1200000
#define TRIAL_TOLD_US 1500000  // from its begin: by then everything has been told, or is not
#define TRIAL_STEP_BYTES 3000  // at once, at most: what was missed is not made up for
#define TRIAL_SHOWN_US 4000000 // so long its result holds
#define TRIAL_SHOWN_PERCENT 93 // of the rate must have come
#define TRIAL_QUEUE_US 15000   // at its end, and what may be noise: else it grows slowly
#define TRIAL_STANDS_US 40000  // meanwhile: the link is full
#define TRIAL_STANDS_NOISE_PERCENT 60
// Of what is needed, since frames differ; and at least so much, where a step that just fits would go again
// with the first large frame.
#define TRIAL_ROOM_PERMILLE 20
#define TRIAL_ROOM_BPS 26000
#define TRIAL_LOSS 0.04f // more than before: the link is full

enum link_trial_verdict { TRIAL_NONE, TRIAL_RUNS, TRIAL_CARRIED, TRIAL_REFUTED };

struct link_trial {    // all zero to begin with
    uint32_t rate_bps; // of the one under way; 0: none
    uint64_t begun_us, asked_us;
    uint64_t begun_bytes; // what had been sent over the transport when it was asked for last
    float loss;
    uint32_t shown_bps; // what the last one has shown; 0: none
    uint64_t shown_us;
};

// Nothing waits in the link that is known to: only then a trial can begin, and has shown something.
bool link_trial_is_empty(const struct bandwidth_state *state);
// How much more than what is needed is to be sent at least: what a frame may be larger than the last ones,
// and what makes a queue within the trial that can be told from noise.
uint64_t link_trial_room_bps(const struct bandwidth_state *state, uint64_t needed_bps);
void link_trial_begin(struct link_trial *trial, uint32_t rate_bps, const struct bandwidth_state *state,
                      uint64_t sent_bytes, uint64_t now_us);
void link_trial_end(struct link_trial *trial);    // it comes to nothing, what was shown before too
void link_trial_forget(struct link_trial *trial); // what was shown: the link has turned out to be full
// How many bytes are missing now, sent_bytes having been sent over the transport altogether.
uint32_t link_trial_bytes(struct link_trial *trial, uint64_t sent_bytes, uint64_t now_us);
// After feedback; the verdict ends it.
enum link_trial_verdict link_trial_judge(struct link_trial *trial, const struct bandwidth_state *state,
                                         uint64_t now_us);
// What has been seen to come through lately.
uint32_t link_trial_shown_bps(const struct link_trial *trial, uint64_t now_us);

#endif
