#include "rtp/cc/rate_control.h"

#include "base/clock.h"

#include <math.h>

#define DECREASE 0.85f
#define DECREASE_SHORT 0.92f // while the queue is short
#define QUEUE_SHORT_US 80000
#define FALLS 0.8f       // the shorter window below the longer: the link has just become slower
#define OTHERS_US 700000 // a trial of somebody else (rooms/media/link_trial.h) has an end by then
#define OTHERS_MARGIN 1.1f
#define GROWTH_A_SECOND 0.08f
#define GROWTH_CALM_A_SECOND 0.4f // after a while without a sign of a queue
#define REGAIN_A_SECOND 0.8f
#define REGAIN_SHARE 0.8f
#define REGAIN_WITHIN_US 4000000
#define REGAIN_CALM_US 300000
#define CALM_MIN_US 2000000
#define CALM_MAX_US 6000000
#define GROWTH_MIN_BPS 1000.0f
#define ADDITIVE_MIN_BPS 4000.0f // a second
#define RESPONSE_US 100000       // that feedback takes, beside the round trip
#define PACKET_BYTES 1200
#define FRAMES_A_SECOND 30
#define ACKED_FACTOR 1.15f // it does not go above what has been seen to work by more
#define ACKED_EXTRA_BPS 10000.0f
#define CAPACITY_GAIN 0.05f
#define VARIANCE_MIN 0.4f
#define VARIANCE_MAX 2.5f
#define DEVIATIONS 3.0f
#define COMPETE_ACKED_FACTOR 1.3f
#define DECREASE_GAP_MIN_US 10000
#define DECREASE_GAP_MAX_US 200000

void rate_control_init(struct rate_control *rc, uint32_t start_bps) {
    *rc = (struct rate_control){.rate_bps = (float)start_bps, .capacity_variance = VARIANCE_MIN};
}

// ---- capacity

static float capacity_deviation_kbps(const struct rate_control *rc) {
    return sqrtf(rc->capacity_variance * rc->capacity_kbps);
}

bool rate_control_near_capacity(const struct rate_control *rc) {
    return rc->capacity_kbps > 0;
}

static void capacity_note(struct rate_control *rc, float kbps) {
    if (rc->capacity_kbps <= 0)
        rc->capacity_kbps = kbps;
    else
        rc->capacity_kbps += CAPACITY_GAIN * (kbps - rc->capacity_kbps);
    float error = rc->capacity_kbps - kbps, norm = fmaxf(rc->capacity_kbps, 1);
    rc->capacity_variance += CAPACITY_GAIN * (error * error / norm - rc->capacity_variance);
    rc->capacity_variance = fminf(fmaxf(rc->capacity_variance, VARIANCE_MIN), VARIANCE_MAX);
}

static bool capacity_below(const struct rate_control *rc, float kbps) {
    return rc->capacity_kbps > 0 && kbps > rc->capacity_kbps + DEVIATIONS * capacity_deviation_kbps(rc);
}

static bool capacity_above(const struct rate_control *rc, float kbps) {
    return rc->capacity_kbps > 0 && kbps < rc->capacity_kbps - DEVIATIONS * capacity_deviation_kbps(rc);
}

// ---- up and down

// About a packet a response time, as frames are cut.
static float additive_a_second(float rate_bps, uint32_t rtt_us) {
    float frame_bits = rate_bps / FRAMES_A_SECOND;
    float packets = ceilf(frame_bits / (8.0f * PACKET_BYTES));
    float response_s = ((float)rtt_us + RESPONSE_US) / (float)US_PER_SECOND;
    return fmaxf(frame_bits / fmaxf(packets, 1) / response_s, ADDITIVE_MIN_BPS);
}

// The longer nothing speaks against it, the faster.
static float growth_a_second(const struct rate_input *in) {
    uint64_t calm_us = in->calm_us < CALM_MAX_US ? in->calm_us : CALM_MAX_US;
    float calm = calm_us <= CALM_MIN_US ? 0 : (float)(calm_us - CALM_MIN_US) / (CALM_MAX_US - CALM_MIN_US);
    return GROWTH_A_SECOND + (GROWTH_CALM_A_SECOND - GROWTH_A_SECOND) * calm;
}

static bool rate_may_regain(struct rate_control *rc, const struct rate_input *in, uint64_t now_us) {
    if (rc->rate_bps >= rc->before_bps * REGAIN_SHARE || now_us - rc->before_us > REGAIN_WITHIN_US)
        rc->before_bps = 0;
    return rc->before_bps > 0 && in->calm_us >= REGAIN_CALM_US;
}

// Bits a second, a second.
static float rate_growth(const struct rate_control *rc, const struct rate_input *in) {
    if (rc->regains)
        return rc->rate_bps * REGAIN_A_SECOND;
    if (rc->capacity_kbps > 0)
        return additive_a_second(rc->rate_bps, in->rtt_us);
    return fmaxf(rc->rate_bps * growth_a_second(in), GROWTH_MIN_BPS);
}

static void rate_increase(struct rate_control *rc, const struct rate_input *in, uint64_t now_us) {
    uint64_t us = rc->changed_us ? now_us - rc->changed_us : 0;
    float seconds = (float)(us < US_PER_SECOND ? us : US_PER_SECOND) / (float)US_PER_SECOND;
    float acked_bps = (float)in->acked_bps;
    if (acked_bps <= 0)
        return;
    if (capacity_below(rc, acked_bps / 1000))
        rc->capacity_kbps = 0;
    rc->regains = rate_may_regain(rc, in, now_us);
    float step = rate_growth(rc, in) * seconds;
    if (rc->regains && in->acked_short_bps > in->acked_bps)
        acked_bps = (float)in->acked_short_bps;
    float limit = acked_bps * ACKED_FACTOR + ACKED_EXTRA_BPS;
    if (in->seen_bps > 0)
        limit = fminf(limit, (float)in->seen_bps);
    if (rc->rate_bps < limit)
        rc->rate_bps = fminf(rc->rate_bps + step, limit);
}

static bool rate_may_decrease(const struct rate_control *rc, const struct rate_input *in, uint64_t now_us) {
    uint64_t gap = in->rtt_us < DECREASE_GAP_MIN_US   ? DECREASE_GAP_MIN_US
                   : in->rtt_us > DECREASE_GAP_MAX_US ? DECREASE_GAP_MAX_US
                                                      : in->rtt_us;
    if (rc->decreased_us == 0 || now_us - rc->decreased_us >= gap)
        return true;
    return in->acked_bps > 0 && (float)in->acked_bps < rc->rate_bps / 2;
}

static bool rate_decrease(struct rate_control *rc, const struct rate_input *in, uint64_t now_us) {
    float acked_bps = (float)in->acked_bps, shortly = (float)in->acked_short_bps;
    if (shortly > 0 && (acked_bps <= 0 || shortly < acked_bps * FALLS))
        acked_bps = shortly;
    if (acked_bps <= 0)
        acked_bps = rc->rate_bps;
    float share = in->queue_us < QUEUE_SHORT_US ? DECREASE_SHORT : DECREASE;
    float rate = acked_bps * share;
    if (in->application && !in->restricts && !in->throttles) // what arrives is what there was to send
        rate = fmaxf(rate, rc->rate_bps * share);
    bool spared = !in->throttles || in->queue_us < QUEUE_SHORT_US;
    if (in->began_application && spared && in->over_us < OTHERS_US)
        rate =
            fmaxf(rate, (float)in->media_bps * OTHERS_MARGIN); // it is more likely a probe of somebody else's
    if (rate > rc->rate_bps && rc->capacity_kbps > 0)
        rate = rc->capacity_kbps * 1000 * share;
    bool down = rate < rc->rate_bps;
    if (rc->regains) { // it was not for a moment
        rc->before_bps = 0;
    } else if (down && rc->before_bps <= 0) {
        rc->before_bps = rc->rate_bps;
        rc->before_us = now_us;
    }
    rc->regains = false;
    if (down)
        rc->rate_bps = rate;
    if (capacity_above(rc, acked_bps / 1000))
        rc->capacity_kbps = 0;
    capacity_note(rc, acked_bps / 1000);
    rc->decreased_us = now_us;
    return down;
}

bool rate_control_update(struct rate_control *rc, const struct rate_input *in, uint64_t now_us) {
    bool down = false;
    // Who sends less than he may has hardly made it: what the others' probes and key frames leave in the
    // queue goes.
    bool others = in->application && in->queue_us < QUEUE_SHORT_US;
    if (in->signal == DELAY_OVERUSE && (others || in->probes)) {
        rc->holds = true;
    } else if (in->signal == DELAY_OVERUSE) {
        if (rate_may_decrease(rc, in, now_us))
            down = rate_decrease(rc, in, now_us);
        rc->holds = true;
    } else if (in->signal == DELAY_UNDERUSE) {
        rc->holds = true;
    } else if (rc->holds) {
        rc->holds = false;
    } else if (!in->queue_stands && !in->application) {
        rate_increase(rc, in, now_us);
    }
    if ((float)in->carried_bps >
        rc->rate_bps) { // a machine stopped, or others made a queue: it was not the link
        rc->rate_bps = (float)in->carried_bps;
        rc->capacity_kbps = 0;
    }
    rc->changed_us = now_us;
    return down;
}

void rate_control_share(struct rate_control *rc, const struct rate_input *in, float fair_bps,
                        uint64_t now_us) {
    float limit = (float)in->acked_bps * COMPETE_ACKED_FACTOR + ACKED_EXTRA_BPS;
    if (!in->application && fair_bps > limit)
        fair_bps = fmaxf(limit, fminf(rc->rate_bps, fair_bps));
    rc->changed_us = now_us;
    rc->rate_bps = fair_bps;
}

void rate_control_set(struct rate_control *rc, float bps, uint64_t now_us) {
    rc->rate_bps = bps;
    rc->capacity_kbps = 0;
    rc->changed_us = now_us;
}

void rate_control_bound(struct rate_control *rc, float min_bps, float max_bps) {
    rc->rate_bps = fminf(fmaxf(rc->rate_bps, min_bps), max_bps);
}
