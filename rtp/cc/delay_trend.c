#include "rtp/cc/delay_trend.h"

#include <math.h>
#include <stdlib.h>

#define GROUP_MIN_US 5000
#define GROUP_MAX_US 40000
#define GROUP_JITTER 1.5f   // how much longer than the jitter a group lasts
#define JUMP_MAX_US 3000000 // between groups: their clock was set, or ours slept
#define SMOOTHING 0.9f
#define GAIN 4.0f
#define GROUPS_COUNTED 60
#define GROUPS_MAX 1000
#define THRESHOLD_START 12.5f
#define THRESHOLD_MIN 6.0f
#define THRESHOLD_MAX 600.0f
#define THRESHOLD_UP 0.0087f
#define THRESHOLD_DOWN 0.039f
#define THRESHOLD_SPIKE 15.0f // further away than this is a change of the link, not noise to get used to
#define THRESHOLD_STEP_MAX_MS 100.0f
#define OVER_MS 10.0f
#define STALL_MIN_US 100000
#define STALL_WAITED_US 40000  // the first packet after it, at least
#define STALL_SHARE 0.6f       // of the pause, where one follows another
#define STALL_QUEUE_US 40000   // before it: more is a queue,
#define STALL_AGAIN_US 1000000 // unless another pause has just left it
#define STALL_DRAINS_US 150000
#define STALLS_US 10000000
#define BASE_BUCKET_US 15000000
#define LATELY_BUCKET_US 50000
#define BEND_GAIN 0.05f
#define BEND_MAX_MS 200.0f
#define BEND_ALONE_MS 10.0f
#define BEND_TIMES 4.0f
#define BATCH_AT_ONCE_US 400 // feedback tells quarters of a millisecond
#define BATCH_SENT_US 2000
#define BATCH_GAIN 0.03f
#define BATCH_SHARE 0.35f
#define FLOORS_SHARE 2.0f     // of the jitter of single packets, about, is what the least of 40 ms has of it
#define LATELY_JITTER_MS 5.0f // so much jitter needs another bucket to see beneath it

void delay_trend_reset(struct delay_trend *t) {
    *t = (struct delay_trend){.threshold = THRESHOLD_START, .over_ms = -1};
}

// Least squares; false: the groups came all at once.
static bool line_slope(const struct delay_trend *t, float *slope) {
    float x = 0, y = 0, xy = 0, xx = 0;
    for (unsigned i = 0; i < t->line_count; i++) {
        x += t->line[i].arrival_ms;
        y += t->line[i].delay_ms;
    }
    x /= t->line_count;
    y /= t->line_count;
    for (unsigned i = 0; i < t->line_count; i++) {
        float dx = t->line[i].arrival_ms - x;
        xy += dx * (t->line[i].delay_ms - y);
        xx += dx * dx;
    }
    if (xx <= 0)
        return false;
    *slope = xy / xx;
    return true;
}

static void trend_adapt_threshold(struct delay_trend *t, float trend, float arrival_delta_ms) {
    float height = fabsf(trend);
    if (height > t->threshold + THRESHOLD_SPIKE)
        return;
    float k = height < t->threshold ? THRESHOLD_DOWN : THRESHOLD_UP;
    float step_ms = fminf(fmaxf(arrival_delta_ms, 0), THRESHOLD_STEP_MAX_MS);
    t->threshold += k * (height - t->threshold) * step_ms;
    t->threshold = fminf(fmaxf(t->threshold, THRESHOLD_MIN), THRESHOLD_MAX);
}

static void trend_judge(struct delay_trend *t, float slope, float send_delta_ms, float arrival_delta_ms) {
    unsigned counted = t->groups < GROUPS_COUNTED ? t->groups : GROUPS_COUNTED;
    float trend = (float)counted * slope * GAIN;
    if (trend > t->threshold) {
        t->over_ms = t->over_ms < 0 ? send_delta_ms / 2 : t->over_ms + send_delta_ms;
        if (t->over_count < UINT8_MAX)
            t->over_count++;
        if (t->over_ms > OVER_MS && t->over_count > 1 && slope >= t->slope_before) {
            t->over_ms = 0;
            t->over_count = 0;
            t->signal = DELAY_OVERUSE;
        }
    } else {
        t->over_ms = -1;
        t->over_count = 0;
        t->signal = trend < -t->threshold ? DELAY_UNDERUSE : DELAY_NORMAL;
    }
    t->slope_before = slope;
    trend_adapt_threshold(t, trend, arrival_delta_ms);
}

static void trend_end_group(struct delay_trend *t) {
    float delay_ms = (float)t->group_delay_us / 1000;
    float sent_ms = (float)(t->group_sent_us - t->clock_start_us) / 1000;
    float arrival_ms = sent_ms + delay_ms;
    float send_delta_ms = t->groups ? (float)(t->group_sent_us - t->last_sent_us) / 1000 : 0;
    float arrival_delta_ms = t->groups ? arrival_ms - t->last_arrival_ms : 0;
    t->smoothed_ms = t->groups ? SMOOTHING * t->smoothed_ms + (1 - SMOOTHING) * delay_ms : delay_ms;
    t->line[t->line_next].arrival_ms = arrival_ms;
    t->line[t->line_next].delay_ms = t->smoothed_ms;
    t->line_next = (uint8_t)((t->line_next + 1) % DELAY_GROUPS);
    if (t->line_count < DELAY_GROUPS)
        t->line_count++;
    if (t->groups < GROUPS_MAX)
        t->groups++;
    t->last_sent_us = t->group_sent_us;
    t->last_arrival_ms = arrival_ms;
    float slope = t->slope_before;
    if (t->line_count == DELAY_GROUPS)
        line_slope(t, &slope);
    if (t->groups >= 2)
        trend_judge(t, slope, send_delta_ms, arrival_delta_ms);
}

// The line's clock in floats is good to a tenth of a millisecond for half an hour: move its start before
// that.
static void trend_move_clock(struct delay_trend *t, uint64_t sent_us) {
    float back_ms = (float)(sent_us - t->clock_start_us) / 1000;
    if (back_ms < 600000)
        return;
    for (unsigned i = 0; i < t->line_count; i++)
        t->line[i].arrival_ms -= back_ms;
    t->last_arrival_ms -= back_ms;
    t->batch.started = false;
    t->clock_start_us = sent_us;
}

bool delay_trend_stalled(const struct delay_trend *t) {
    return t->stalled_us != 0 && t->newest_us < t->stalled_us + STALL_DRAINS_US;
}

bool delay_trend_stalls(const struct delay_trend *t) {
    return t->stalled_us != 0 && t->newest_us < t->stalled_us + STALLS_US;
}

// Before the packet is taken into the windows. Where nothing came for so long, the link was empty: what
// waited all the same was held up by a machine.
static void trend_note_pause(struct delay_trend *t, uint64_t sent_us, int32_t delay_us) {
    int64_t at_us = (int64_t)sent_us + delay_us, pause_us = at_us - t->newest_us;
    int64_t waited_us = (int64_t)delay_us - min_window_lowest(&t->base, MIN_WINDOW_BUCKETS);
    t->paused_us = 0;
    if (t->newest_us != 0 && pause_us >= STALL_MIN_US && waited_us >= STALL_WAITED_US) {
        bool again = t->stalled_us != 0 && t->newest_us < t->stalled_us + STALL_AGAIN_US &&
                     (float)waited_us >= (float)pause_us * STALL_SHARE;
        if (again || delay_trend_queue_us(t) < STALL_QUEUE_US) {
            t->stalled_us = at_us;
            t->paused_us = (uint32_t)(waited_us < pause_us ? waited_us : pause_us);
        }
    }
    if (pause_us > 0)
        t->newest_us = at_us;
}

static void trend_note_delay(struct delay_trend *t, int32_t delay_us, uint64_t now_us) {
    min_window_add(&t->base, BASE_BUCKET_US, delay_us, now_us);
    min_window_add(&t->lately, LATELY_BUCKET_US, delay_us, now_us);
}

static void bend_end_group(struct delay_bend *b) {
    if (b->count == 2) {
        float bend_ms =
            fabsf((float)b->lowest_us - 2 * (float)b->before_us[1] + (float)b->before_us[0]) / 2000;
        float most_ms = fmaxf(b->ms * BEND_TIMES, BEND_ALONE_MS); // a queue that is there at once is one bend
        b->ms += (fminf(bend_ms, fminf(most_ms, BEND_MAX_MS)) - b->ms) * BEND_GAIN;
    } else {
        b->count++;
    }
    b->before_us[0] = b->before_us[1];
    b->before_us[1] = b->lowest_us;
}

static void bend_add(struct delay_bend *b, uint64_t group_us, uint64_t sent_us, int32_t delay_us) {
    bool begins = b->begun_us == 0 || sent_us >= b->begun_us + group_us;
    if (begins && b->begun_us != 0)
        bend_end_group(b);
    if (begins)
        b->begun_us = sent_us;
    if (begins || delay_us < b->lowest_us)
        b->lowest_us = delay_us;
}

static void batch_add(struct delay_batch *b, uint64_t sent_us, int64_t arrival_us) {
    int64_t gap_us = arrival_us - b->arrival_us;
    if (b->started && gap_us > -BATCH_AT_ONCE_US && gap_us < BATCH_AT_ONCE_US) {
        if (sent_us > b->sent_us)
            b->sent_span_us = (uint32_t)(sent_us - b->sent_us);
        return;
    }
    if (b->started && b->before_us != 0) {
        float ms = (float)(b->arrival_us - b->before_us) / 1000;
        ms = b->sent_span_us >= BATCH_SENT_US ? fminf(fabsf(ms), BEND_MAX_MS) : 0;
        b->ms += (ms - b->ms) * BATCH_GAIN;
    }
    *b = (struct delay_batch){.started = true,
                              .arrival_us = arrival_us,
                              .before_us = b->arrival_us,
                              .sent_us = sent_us,
                              .ms = b->ms};
}

float delay_trend_noise_ms(const struct delay_trend *t) {
    return t->floors.ms;
}

float delay_trend_batch_ms(const struct delay_trend *t) {
    return t->batch.ms * BATCH_SHARE;
}

// What only single packets show and the fastest of a few hardly is the queue that bursts of our own make.
float delay_trend_jitter_ms(const struct delay_trend *t) {
    float jitter_ms = fminf(t->bursts.ms, t->floors.ms * FLOORS_SHARE);
    return fmaxf(jitter_ms, delay_trend_batch_ms(t));
}

// Where there is jitter, more packets are needed to see beneath it.
static uint64_t trend_group_us(const struct delay_trend *t) {
    float us = delay_trend_jitter_ms(t) * 1000 * GROUP_JITTER;
    return us < GROUP_MIN_US ? GROUP_MIN_US : us > GROUP_MAX_US ? GROUP_MAX_US : (uint64_t)us;
}

// How long it took against the first one, which it becomes when that is too far away to tell.
static int32_t trend_delay(struct delay_trend *t, uint64_t sent_us, int64_t arrival_us) {
    // Their clock may say anything: no overflow that is not defined.
    int64_t delay = (int64_t)((uint64_t)arrival_us - sent_us);
    int64_t relative = (int64_t)((uint64_t)delay - (uint64_t)t->origin_us);
    if (!t->started || relative > INT32_MAX / 2 || relative < -INT32_MAX / 2) {
        delay_trend_reset(t);
        t->started = true;
        t->origin_us = delay;
        t->clock_start_us = sent_us;
        relative = 0;
    }
    t->delay_us = (int32_t)relative;
    return t->delay_us;
}

void delay_trend_note_pause(struct delay_trend *t, uint64_t first_sent_us, int64_t first_arrival_us,
                            uint64_t last_sent_us, int64_t last_arrival_us) {
    trend_note_pause(t, first_sent_us, trend_delay(t, first_sent_us, first_arrival_us));
    int64_t at_us = (int64_t)last_sent_us + trend_delay(t, last_sent_us, last_arrival_us);
    if (at_us > t->newest_us)
        t->newest_us = at_us;
}

void delay_trend_note(struct delay_trend *t, uint64_t sent_us, int64_t arrival_us, uint64_t now_us) {
    int32_t delay_us = trend_delay(t, sent_us, arrival_us);
    if (t->group_open && labs((long)delay_us - (long)t->group_delay_us) > JUMP_MAX_US) {
        delay_trend_reset(t);
        delay_us = trend_delay(t, sent_us, arrival_us);
    }
    trend_note_delay(t, delay_us, now_us);
    t->group_open = t->batch.started = false;
    t->line_count = t->line_next = t->over_count = 0;
    t->over_ms = -1;
    t->slope_before = t->last_arrival_ms = 0;
    t->smoothed_ms = (float)delay_us / 1000;
    t->signal = DELAY_NORMAL;
    t->last_sent_us = t->clock_start_us = sent_us;
}

void delay_trend_add(struct delay_trend *t, uint64_t sent_us, int64_t arrival_us, uint64_t now_us) {
    int32_t delay_us = trend_delay(t, sent_us, arrival_us);
    trend_note_pause(t, sent_us, delay_us);
    if (t->group_open && sent_us < t->group_sent_us) {
        trend_note_delay(t, delay_us, now_us);
        return; // late: its group has been judged
    }
    if (t->group_open && sent_us - t->group_sent_us > trend_group_us(t)) {
        trend_end_group(t);
        t->group_open = false;
        if (labs((long)delay_us - (long)t->group_delay_us) > JUMP_MAX_US) {
            delay_trend_reset(t);
            delay_trend_add(t, sent_us, arrival_us, now_us);
            return;
        }
        trend_move_clock(t, sent_us);
    }
    trend_note_delay(t, delay_us, now_us);
    batch_add(&t->batch, sent_us, (int64_t)(sent_us - t->clock_start_us) + delay_us);
    bend_add(&t->bursts, GROUP_MIN_US, sent_us, delay_us);
    bend_add(&t->floors, GROUP_MAX_US, sent_us, delay_us);
    if (!t->group_open) {
        t->group_open = true;
        t->group_sent_us = sent_us;
        t->group_delay_us = delay_us;
    } else if (delay_us < t->group_delay_us) {
        t->group_delay_us = delay_us;
    }
}

uint32_t delay_trend_queue_us(const struct delay_trend *t) {
    unsigned buckets = 2 + (unsigned)(delay_trend_jitter_ms(t) / LATELY_JITTER_MS);
    int32_t base = min_window_lowest(&t->base, MIN_WINDOW_BUCKETS);
    int32_t lately = min_window_lowest(&t->lately, buckets);
    return t->started && lately > base ? (uint32_t)(lately - base) : 0;
}

enum delay_signal delay_trend_signal(const struct delay_trend *t) {
    return t->signal;
}
