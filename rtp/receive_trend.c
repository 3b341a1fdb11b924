#include "rtp/receive_trend.h"

#include "base/clock.h"

#include <assert.h>
#include <math.h>
#include <string.h>

// Constants of draft-ietf-rmcat-gcc-02, section 7, and of the implementation that is in use.
#define SMOOTHING 0.9
#define GAIN 4.0
#define GROUPS_COUNTED_MAX 60 // a trend over so many groups counts in full
#define THRESHOLD_FIRST_MS 12.5
#define THRESHOLD_MIN_MS 6.0
#define THRESHOLD_MAX_MS 600.0
#define THRESHOLD_OUTLIER_MS 15.0 // what is so far beyond does not move the threshold
#define THRESHOLD_UP 0.0087
#define THRESHOLD_DOWN 0.039
#define THRESHOLD_STEP_MAX_MS 100.0
#define OVERUSE_MS 10.0 // of overuse in a row, before it is believed
#define BURST_US 5000   // what comes so close upon another packet may have been held up with it
#define BURST_MAX_US 100000

void receive_trend_init(struct receive_trend *t) {
    *t = (struct receive_trend){.threshold_ms = THRESHOLD_FIRST_MS};
}

static int64_t sent_us(const struct receive_trend *t, uint32_t clock, uint32_t since) {
    return (int64_t)(int32_t)(clock - since) * (int64_t)US_PER_SECOND / t->clock_hz;
}

static void begin_group(struct receive_trend *t, uint32_t clock, uint64_t now_us) {
    t->now = (struct delay_group){clock, clock, now_us, now_us};
    t->open = true;
}

// Least squares: by how many milliseconds the delay grows in one.
static double slope_of(const struct receive_trend *t) {
    unsigned n = RECEIVE_TREND_WINDOW;
    double at = 0, delay = 0, numerator = 0, denominator = 0;
    for (unsigned i = 0; i < n; i++) {
        at += t->samples[i].at_ms / n;
        delay += t->samples[i].delay_ms / n;
    }
    for (unsigned i = 0; i < n; i++) {
        double x = t->samples[i].at_ms - at;
        numerator += x * (t->samples[i].delay_ms - delay);
        denominator += x * x;
    }
    return denominator > 0 ? numerator / denominator : 0;
}

static void adapt_threshold(struct receive_trend *t, double trend_ms, uint64_t now_us) {
    double above = fabs(trend_ms) - t->threshold_ms;
    double since_ms = t->threshold_us ? (double)(now_us - t->threshold_us) / US_PER_MS : 0;
    t->threshold_us = now_us;
    if (above > THRESHOLD_OUTLIER_MS)
        return;
    if (since_ms > THRESHOLD_STEP_MAX_MS)
        since_ms = THRESHOLD_STEP_MAX_MS;
    t->threshold_ms += (above < 0 ? THRESHOLD_DOWN : THRESHOLD_UP) * above * since_ms;
    t->threshold_ms = fmin(fmax(t->threshold_ms, THRESHOLD_MIN_MS), THRESHOLD_MAX_MS);
}

static void judge(struct receive_trend *t, double trend, double sent_ms, uint64_t now_us) {
    double counted = t->count < GROUPS_COUNTED_MAX ? t->count : GROUPS_COUNTED_MAX;
    double trend_ms = counted * trend * GAIN;
    if (trend_ms > t->threshold_ms) {
        t->over_ms += t->overs == 0 ? sent_ms / 2 : sent_ms;
        t->overs++;
        if (t->over_ms > OVERUSE_MS && t->overs > 1 && trend >= t->trend_before)
            t->verdict = DELAY_OVERUSE;
    } else {
        t->over_ms = t->overs = 0;
        t->verdict = trend_ms < -t->threshold_ms ? DELAY_UNDERUSE : DELAY_NORMAL;
    }
    t->trend_before = trend;
    adapt_threshold(t, trend_ms, now_us);
}

// The present group is complete: what it says beside the one before.
static void weigh_group(struct receive_trend *t) {
    double sent_ms = (double)sent_us(t, t->now.last_clock, t->before.last_clock) / US_PER_MS;
    double came_ms = (double)(int64_t)(t->now.last_us - t->before.last_us) / US_PER_MS;
    if (t->count == 0)
        t->origin_us = t->now.last_us;
    t->accumulated_ms += came_ms - sent_ms;
    t->smoothed_ms = SMOOTHING * t->smoothed_ms + (1 - SMOOTHING) * t->accumulated_ms;
    t->samples[t->count % RECEIVE_TREND_WINDOW].at_ms = (double)(t->now.last_us - t->origin_us) / US_PER_MS;
    t->samples[t->count % RECEIVE_TREND_WINDOW].delay_ms = t->smoothed_ms;
    t->count++;
    if (t->count >= RECEIVE_TREND_WINDOW)
        judge(t, slope_of(t), sent_ms, t->now.last_us);
}

// Sent later, yet it came as close upon the last packet as if both had been held up on their way.
static bool in_burst(const struct receive_trend *t, int64_t sent, uint64_t now_us) {
    int64_t came = (int64_t)(now_us - t->now.last_us);
    int64_t variation = came - (sent - sent_us(t, t->now.last_clock, t->now.first_clock));
    return variation < 0 && came <= BURST_US && now_us - t->now.first_us < BURST_MAX_US;
}

void receive_trend_add(struct receive_trend *t, uint32_t clock, uint32_t clock_hz, uint64_t now_us) {
    assert(clock_hz > 0);
    if (t->open && (clock_hz != t->clock_hz || now_us > t->now.last_us + DELAY_CLOCK_JUMP_US))
        receive_trend_init(t);
    t->clock_hz = clock_hz;
    if (!t->open) {
        begin_group(t, clock, now_us);
        return;
    }
    int64_t sent = sent_us(t, clock, t->now.first_clock);
    if (sent > DELAY_CLOCK_JUMP_US || sent < -DELAY_CLOCK_JUMP_US) {
        receive_trend_init(t);
        t->clock_hz = clock_hz;
        begin_group(t, clock, now_us);
        return;
    }
    if (sent < 0)
        return; // it was overtaken
    if (sent > DELAY_GROUP_US && !in_burst(t, sent, now_us)) {
        if (t->complete)
            weigh_group(t);
        t->before = t->now;
        t->complete = true;
        begin_group(t, clock, now_us);
        return;
    }
    if ((int32_t)(clock - t->now.last_clock) > 0)
        t->now.last_clock = clock;
    t->now.last_us = now_us;
}
