#include "rtp/receive_estimate.h"

#include "base/clock.h"

#include <math.h>

#define BETA 0.85               // of what comes, when the queue grows
#define GROWTH_FIRST 1.5        // a second, as long as nothing has been in its way
#define GROWTH 1.08             // and later, far from where the queue grew
#define GROWTH_NEAR_BPS 48000.0 // a second, near it: a packet each 200 ms
#define AHEAD 1.5               // of what comes, at most
#define AHEAD_BPS 10000.0
#define NEAR_SHARE 0.15 // of the capacity, either way
#define CAPACITY_SMOOTHING 0.05
#define LOWER_INTERVAL_US 300000 // what was lowered shows in what comes after so long
#define LOSS_HIGH 26             // of 256: a tenth
#define TOLD_LOWER 0.97          // what is lower than this is told at once

void receive_estimate_init(struct receive_estimate *e) {
    *e = (struct receive_estimate){.due_us = TIME_NEVER};
    receive_trend_init(&e->trend);
}

// The meter's window is longer than what there is of it at first.
static double coming_bps(const struct receive_estimate *e, uint64_t now_us) {
    double bps = rate_meter_bps(&e->rate, now_us);
    uint64_t since_us = now_us - e->first_us;
    return since_us >= RATE_WINDOW_US || since_us == 0 ? bps : bps * RATE_WINDOW_US / (double)since_us;
}

static void set_bps(struct receive_estimate *e, double bps) {
    bps = fmin(fmax(bps, RECEIVE_ESTIMATE_MIN_BPS), RECEIVE_ESTIMATE_MAX_BPS);
    e->bps = (uint64_t)bps;
}

static void tell_by(struct receive_estimate *e, uint64_t us) {
    if (us < e->due_us)
        e->due_us = us;
}

static void lower_to(struct receive_estimate *e, double bps, uint64_t now_us) {
    e->lowered_us = now_us;
    e->updated_us = now_us;
    if (bps >= (double)e->bps)
        return;
    set_bps(e, bps);
    if ((double)e->bps < TOLD_LOWER * (double)e->told_bps)
        tell_by(e, now_us);
}

static bool may_lower(const struct receive_estimate *e, uint64_t now_us) {
    return e->bps != 0 && (e->lowered_us == 0 || now_us >= e->lowered_us + LOWER_INTERVAL_US);
}

static void queue_grows(struct receive_estimate *e, uint64_t now_us) {
    if (!may_lower(e, now_us))
        return;
    double coming = coming_bps(e, now_us);
    bool known = e->capacity_bps > 0 && fabs(coming - e->capacity_bps) <= 3 * NEAR_SHARE * e->capacity_bps;
    e->capacity_bps =
        known ? (1 - CAPACITY_SMOOTHING) * e->capacity_bps + CAPACITY_SMOOTHING * coming : coming;
    lower_to(e, BETA * coming, now_us);
}

static bool is_near_capacity(const struct receive_estimate *e) {
    return e->capacity_bps > 0 && (double)e->bps > (1 - 2 * NEAR_SHARE) * e->capacity_bps &&
           (double)e->bps < (1 + NEAR_SHARE) * e->capacity_bps;
}

static void grow(struct receive_estimate *e, uint64_t now_us) {
    double seconds = (double)(now_us - e->updated_us) / US_PER_SECOND;
    double most = AHEAD * coming_bps(e, now_us) + AHEAD_BPS, bps = (double)e->bps;
    e->updated_us = now_us;
    seconds = fmin(seconds, 1.0);
    if (is_near_capacity(e))
        bps += GROWTH_NEAR_BPS * seconds;
    else
        bps *= pow(e->lowered_us == 0 ? GROWTH_FIRST : GROWTH, seconds);
    if ((double)e->bps < most) // else it keeps what it has
        set_bps(e, fmin(bps, most));
}

static void begin(struct receive_estimate *e, uint64_t now_us) {
    set_bps(e, AHEAD * coming_bps(e, now_us));
    e->updated_us = now_us;
    tell_by(e, now_us);
}

void receive_estimate_add(struct receive_estimate *e, uint32_t bytes, uint32_t clock, uint32_t clock_hz,
                          uint64_t now_us) {
    if (e->first_us == 0)
        e->first_us = now_us;
    rate_meter_add(&e->rate, bytes, now_us);
    if (clock_hz)
        receive_trend_add(&e->trend, clock, clock_hz, now_us);
    if (e->bps == 0 && now_us >= e->first_us + RECEIVE_ESTIMATE_FIRST_US)
        begin(e, now_us);
    if (e->trend.verdict == DELAY_OVERUSE)
        queue_grows(e, now_us);
    if (e->bps != 0)
        tell_by(e, e->told_us + (e->told_us ? RECEIVE_ESTIMATE_SOON_US : now_us));
}

void receive_estimate_loss(struct receive_estimate *e, uint8_t fraction_lost, uint64_t now_us) {
    if (fraction_lost <= LOSS_HIGH || !may_lower(e, now_us))
        return;
    double kept = 1 - (double)fraction_lost / 512; // GCC, section 6
    lower_to(e, fmin((double)e->bps, AHEAD * coming_bps(e, now_us)) * kept, now_us);
}

uint64_t receive_estimate_next_us(const struct receive_estimate *e) {
    return e->due_us;
}

uint64_t receive_estimate_tell(struct receive_estimate *e, uint64_t now_us) {
    e->due_us = TIME_NEVER; // until something comes
    if (e->bps == 0)
        return 0;
    if (e->trend.verdict == DELAY_NORMAL)
        grow(e, now_us);
    bool changed = fabs((double)e->bps - (double)e->told_bps) > 0.02 * (double)e->told_bps;
    if (!changed && now_us < e->told_us + RECEIVE_ESTIMATE_REPEAT_US)
        return 0;
    e->told_bps = e->bps;
    e->told_us = now_us;
    return e->bps;
}
