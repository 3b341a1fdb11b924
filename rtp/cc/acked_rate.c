#include "rtp/cc/acked_rate.h"

#include <string.h>

#define SLICE_US 40000
#define PAUSE_US 500000 // in sending
#define JUMP_US 3000000 // of arrival against sending
#define SPAN_MIN_US 60000

// Their clock may say anything: no overflow that is not defined.
static int64_t time_between(int64_t from_us, int64_t to_us) {
    return (int64_t)((uint64_t)to_us - (uint64_t)from_us);
}

static int64_t span_longer(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static bool acked_goes_on(const struct acked_rate *r, uint64_t sent_us, int64_t arrival_us) {
    int64_t sent = (int64_t)(sent_us - r->open.sent_us);
    int64_t arrival = time_between(r->open.arrival_us, arrival_us);
    return sent < PAUSE_US && arrival < sent + JUMP_US && arrival > sent - JUMP_US;
}

void acked_rate_add(struct acked_rate *r, uint32_t bytes, uint64_t sent_us, int64_t arrival_us) {
    if (!r->started || !acked_goes_on(r, sent_us, arrival_us)) {
        *r = (struct acked_rate){.started = true,
                                 .open = {.bytes = 0, .sent_us = sent_us, .arrival_us = arrival_us}};
        r->slices[0] = r->open; // of which only the times matter
        r->count = 1;
        return;
    }
    r->open.bytes += bytes;
    if (sent_us > r->open.sent_us)
        r->open.sent_us = sent_us;
    if (arrival_us > r->open.arrival_us)
        r->open.arrival_us = arrival_us;
}

void acked_rate_untold(struct acked_rate *r, uint32_t bytes) {
    if (r->started)
        r->open.bytes += bytes;
}

void acked_rate_skip(struct acked_rate *r, uint32_t paused_us) {
    if (paused_us == 0 || !r->started)
        return;
    r->open.arrival_us = (int64_t)((uint64_t)r->open.arrival_us + paused_us);
    for (unsigned i = 0; i < ACKED_SLICES; i++)
        r->slices[i].arrival_us = (int64_t)((uint64_t)r->slices[i].arrival_us + paused_us);
}

void acked_rate_feedback_end(struct acked_rate *r) {
    if (!r->started)
        return;
    const struct acked_slice *last = &r->slices[(r->count - 1) % ACKED_SLICES];
    if (time_between(last->arrival_us, r->open.arrival_us) < SLICE_US)
        return;
    r->slices[r->count++ % ACKED_SLICES] = r->open;
    r->open.bytes = 0;
}

// The slices of the last window_us: their bytes and both spans.
static uint64_t acked_window(const struct acked_rate *r, uint32_t window_us, int64_t *sent_us,
                             int64_t *arrival_us) {
    uint64_t bytes = 0;
    unsigned kept = r->count < ACKED_SLICES ? r->count : ACKED_SLICES;
    *sent_us = *arrival_us = 0;
    if (kept == 0)
        return 0;
    const struct acked_slice *newest = &r->slices[(r->count - 1) % ACKED_SLICES];
    for (unsigned back = 1; back < kept && span_longer(*sent_us, *arrival_us) < window_us; back++) {
        const struct acked_slice *before = &r->slices[(r->count - 1 - back) % ACKED_SLICES];
        bytes += r->slices[(r->count - back) % ACKED_SLICES].bytes;
        *arrival_us = time_between(before->arrival_us, newest->arrival_us);
        *sent_us = (int64_t)(newest->sent_us - before->sent_us);
    }
    return bytes;
}

uint32_t acked_rate_bps(const struct acked_rate *r, uint32_t window_us) {
    int64_t sent_us, arrival_us;
    uint64_t bytes = acked_window(r, window_us, &sent_us, &arrival_us);
    int64_t span_us = span_longer(sent_us, arrival_us);
    if (span_us < SPAN_MIN_US)
        return 0;
    uint64_t bps = bytes * 8 * 1000000 / (uint64_t)span_us;
    return bps < UINT32_MAX ? (uint32_t)bps : UINT32_MAX;
}

float acked_rate_stretch(const struct acked_rate *r, uint32_t window_us) {
    int64_t sent_us, arrival_us;
    acked_window(r, window_us, &sent_us, &arrival_us);
    return sent_us >= SPAN_MIN_US ? (float)arrival_us / (float)sent_us : 0;
}
