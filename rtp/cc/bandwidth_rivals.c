// Among others that fill the queue whatever delays say: downloads. To give way to a queue that is theirs
// would only starve us, and to heed no loss where the queue is too short to be seen would starve them. So
// losses alone count then, as they do for TCP (fair_rate.h), until the queue is gone.
#include "rtp/cc/bandwidth_internal.h"

#include "base/clock.h"

#include <math.h>

#define QUEUE_RIVAL_US 40000 // and what may be noise
#define RIVAL_SHOWN 0.5f     // of that: so much less may a round trip show of it
#define RIVAL_STANDS_S 1.5f
#define RIVAL_STANDS_MAX_S 3.0f
#define RIVAL_STAYS_S 4.0f // whatever is sent
#define RIVAL_GAP_MAX_US 200000
#define RIVAL_QUEUE_GAIN 0.1f
#define RIVAL_FALLS 0.95f     // of what the queue was in the mean
#define RIVAL_DRAINS 0.92f    // of the time in which it was sent, what came last came in less
#define RIVAL_FILLS 1.25f     // or in more
#define RIVAL_SHORT_US 110000 // a queue; delays tell of a longer one
#define RIVAL_LOSS 0.02f      // less, and a queue that overflows is borne
#define RIVAL_OVERFLOW_S 1.0f // that one more stands for
#define RIVAL_FORGET_A_SECOND 0.05f
#define RIVAL_SHARE 0.8f // of what came through
#define RIVAL_HALF 0.5f
#define RIVAL_STEP 3.0f

// From now on losses say what our share is, and delays do not.
static void bandwidth_compete(struct bandwidth *b, float bps, uint64_t now_us) {
    b->competes = true;
    b->stands_s = RIVAL_STANDS_MAX_S;
    rate_control_set(&b->rate, bps, now_us);
    fair_rate_begin(&b->fair, bps, b->rtt_us, now_us);
}

// To begin with: as if we had given way once, but not far from what comes now.
static float bandwidth_rival_share(const struct bandwidth *b, float acked_bps) {
    return fmaxf(fminf(b->came_bps * RIVAL_HALF, acked_bps * RIVAL_STEP), b->rate.rate_bps);
}

// Whether a queue is there and the round trip shows it: what was waited for on the way, the word of it comes
// as much later. When packets came is only said; who says that they waited, and answers as soon as ever, has
// invented it, and would be given what losses allow.
static bool bandwidth_stands(const struct bandwidth *b, const struct rate_input *in) {
    uint32_t limit_us = bandwidth_queue_limit(b, QUEUE_RIVAL_US);
    float shown_us = (float)bandwidth_trip_us(b) + (float)limit_us * RIVAL_SHOWN;
    return in->queue_us >= limit_us && shown_us >= (float)in->queue_us;
}

// Whether the queue stands and it is not ours: it stays although no more is sent than comes, and does not
// fall, as ours does when we send less. What comes now was sent before the queue: where seconds of it stand,
// only how it was sent and how it came, against each other, tell whether the queue that it met grew or fell.
static bool bandwidth_stays(struct bandwidth *b, const struct rate_input *in, bool stands) {
    b->stands_us += (float)((int64_t)in->queue_us - (int64_t)b->stands_us) * RIVAL_QUEUE_GAIN;
    bool falls = (float)in->queue_us < b->stands_us * RIVAL_FALLS;
    float stretch = acked_rate_stretch(&b->acked, ACKED_WINDOW_US); // 0: it all left at once
    bool even = stretch >= RIVAL_DRAINS && stretch <= RIVAL_FILLS;
    return stands && !in->restricts && !in->probes && !falls && even;
}

// Whether it overflows, where delays speak of no queue, or of none that we make.
static bool bandwidth_overflows(const struct bandwidth *b, const struct rate_input *in,
                                const struct feedback_sum *sum, bool stands) {
    if (sum->full == 0 || !full_queue_is_why(&b->full))
        return false;
    if (b->competes)
        return true;
    bool ours = stands ? in->restricts : in->throttles;
    uint32_t longest_us = full_queue_us(&b->full, delay_trend_base_us(&b->trend));
    return !ours && b->loss.loss >= RIVAL_LOSS && longest_us < RIVAL_SHORT_US;
}

// It stands most of the time although much less is sent than came through before, or for long whatever is
// sent; or it is full time and again.
void bandwidth_judge_rivals(struct bandwidth *b, const struct rate_input *in, const struct feedback_sum *sum,
                            uint64_t now_us) {
    uint64_t us = b->judged_us ? now_us - b->judged_us : 0;
    float seconds = (float)(us < RIVAL_GAP_MAX_US ? us : RIVAL_GAP_MAX_US) / (float)US_PER_SECOND;
    float acked_bps = (float)in->acked_bps;
    b->judged_us = now_us;
    b->came_bps = fmaxf(b->came_bps - b->came_bps * RIVAL_FORGET_A_SECOND * seconds, acked_bps);
    bool gave_way = (float)b->sent_bps < b->came_bps * RIVAL_SHARE;
    bool stands = bandwidth_stands(b, in);
    bool stays = bandwidth_stays(b, in, stands), overflows = bandwidth_overflows(b, in, sum, stands);
    b->stays_s = stays ? b->stays_s + seconds : stands ? b->stays_s : fmaxf(b->stays_s - 2 * seconds, 0);
    if ((stays && gave_way) || b->stays_s >= RIVAL_STAYS_S || (stands && b->competes))
        b->stands_s = fminf(b->stands_s + seconds, RIVAL_STANDS_MAX_S);
    else if (overflows)
        b->stands_s = fminf(b->stands_s + RIVAL_OVERFLOW_S, RIVAL_STANDS_MAX_S);
    else if (!stands)
        b->stands_s = fmaxf(b->stands_s - seconds, 0);
    if (!b->competes && b->stands_s >= RIVAL_STANDS_S)
        bandwidth_compete(b, overflows ? acked_bps : bandwidth_rival_share(b, acked_bps), now_us);
    else if (b->stands_s <= 0)
        b->competes = false;
}
