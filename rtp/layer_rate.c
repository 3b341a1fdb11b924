#include "rtp/layer_rate.h"

#include "base/clock.h"

#include <string.h>

#define BUCKETS_LEAST 2 // of a stream that has just begun: a key frame alone says nothing of a second

static unsigned at_most(unsigned value, unsigned most) {
    return value < most ? value : most;
}

static void layer_rate_turn(struct layer_rate *rate, uint64_t bucket) {
    if (bucket <= rate->newest && rate->begun)
        return;
    if (!rate->begun || bucket >= rate->newest + LAYER_RATE_BUCKETS) {
        *rate = (struct layer_rate){.newest = bucket, .begun = bucket};
        return;
    }
    while (rate->newest < bucket) {
        rate->newest++;
        memset(rate->bytes[rate->newest % LAYER_RATE_BUCKETS], 0, sizeof rate->bytes[0]);
        memset(rate->aside[rate->newest % LAYER_RATE_BUCKETS], 0, sizeof rate->aside[0]);
    }
}

void layer_rate_add(struct layer_rate *rate, uint8_t spatial, uint8_t temporal, bool aside, uint32_t bytes,
                    uint64_t now_us) {
    layer_rate_turn(rate, now_us / LAYER_RATE_BUCKET_US);
    unsigned s = at_most(spatial, LAYER_RATE_SPATIAL - 1), t = at_most(temporal, LAYER_RATE_TEMPORAL - 1);
    unsigned bucket = rate->newest % LAYER_RATE_BUCKETS;
    if (aside)
        rate->aside[bucket][s][t] += bytes;
    else
        rate->bytes[bucket][s][t] += bytes;
}

// Bytes of one layer over the buckets that count at `now`.
static uint64_t layer_sum(const struct layer_rate *rate, uint64_t now, unsigned s, unsigned t, bool aside) {
    uint64_t sum = 0;
    for (uint64_t b = rate->newest; b + LAYER_RATE_BUCKETS > now && b >= rate->begun; b--) {
        sum += rate->bytes[b % LAYER_RATE_BUCKETS][s][t];
        sum += aside ? rate->aside[b % LAYER_RATE_BUCKETS][s][t] : 0;
        if (rate->newest - b == LAYER_RATE_BUCKETS - 1)
            break;
    }
    return sum;
}

// How long what is counted at `now` took to come.
static uint64_t layer_span_us(const struct layer_rate *rate, uint64_t now_us) {
    uint64_t now = now_us / LAYER_RATE_BUCKET_US;
    uint64_t first = now >= LAYER_RATE_BUCKETS - 1 ? now - (LAYER_RATE_BUCKETS - 1) : 0;
    first = first > rate->begun ? first : rate->begun;
    uint64_t span_us = now_us - first * LAYER_RATE_BUCKET_US, least = BUCKETS_LEAST * LAYER_RATE_BUCKET_US;
    return span_us > least ? span_us : least;
}

uint32_t layer_rate_bps(const struct layer_rate *rate, uint8_t spatial, uint8_t temporal, uint64_t now_us) {
    unsigned top_s = at_most(spatial, LAYER_RATE_SPATIAL - 1);
    unsigned top_t = at_most(temporal, LAYER_RATE_TEMPORAL - 1);
    uint64_t now = now_us / LAYER_RATE_BUCKET_US, own = 0, below = 0, last = 0;
    if (!rate->begun)
        return 0;
    for (unsigned t = 0; t <= top_t; t++) {
        own += last = layer_sum(rate, now, top_s, t, true);
        for (unsigned s = 0; s < top_s; s++)
            below += layer_sum(rate, now, s, t, false);
    }
    if (own == 0 || (top_t > 0 && last == 0 && layer_rate_temporal(rate, now_us) <= top_t))
        return 0; // there is no such layer
    uint64_t bps = (own + below) * 8 * US_PER_SECOND / layer_span_us(rate, now_us);
    return bps > UINT32_MAX ? UINT32_MAX : (uint32_t)bps;
}

uint8_t layer_rate_spatial(const struct layer_rate *rate, uint64_t now_us) {
    uint64_t now = now_us / LAYER_RATE_BUCKET_US;
    for (unsigned s = rate->begun ? LAYER_RATE_SPATIAL : 0; s > 0; s--)
        for (unsigned t = 0; t < LAYER_RATE_TEMPORAL; t++)
            if (layer_sum(rate, now, s - 1, t, true) > 0)
                return (uint8_t)s;
    return 0;
}

uint8_t layer_rate_temporal(const struct layer_rate *rate, uint64_t now_us) {
    uint64_t now = now_us / LAYER_RATE_BUCKET_US;
    for (unsigned t = rate->begun ? LAYER_RATE_TEMPORAL : 0; t > 0; t--)
        for (unsigned s = 0; s < LAYER_RATE_SPATIAL; s++)
            if (layer_sum(rate, now, s, t - 1, true) > 0)
                return (uint8_t)t;
    return 0;
}
