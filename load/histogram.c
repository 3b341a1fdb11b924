#include "load/histogram.h"

#include <assert.h>
#include <string.h>

#define STEP_BITS 5   // HISTOGRAM_STEPS
#define VALUE_BITS 40 // larger values count as the largest

static unsigned bucket_of(uint64_t value) {
    if (value < HISTOGRAM_LINEAR)
        return (unsigned)value;
    if (value >> VALUE_BITS)
        value = (UINT64_C(1) << VALUE_BITS) - 1;
    unsigned octave = 63 - (unsigned)__builtin_clzll(value); // from 6 on
    unsigned step = (unsigned)(value >> (octave - STEP_BITS)) & (HISTOGRAM_STEPS - 1);
    unsigned bucket = HISTOGRAM_LINEAR + (octave - 6) * HISTOGRAM_STEPS + step;
    assert(bucket < HISTOGRAM_BUCKETS);
    return bucket;
}

// The largest value that falls into a bucket.
static uint64_t bucket_top(unsigned bucket) {
    if (bucket < HISTOGRAM_LINEAR)
        return bucket;
    unsigned octave = (bucket - HISTOGRAM_LINEAR) / HISTOGRAM_STEPS + 6;
    uint64_t step = (bucket - HISTOGRAM_LINEAR) % HISTOGRAM_STEPS;
    return ((HISTOGRAM_STEPS + step + 1) << (octave - STEP_BITS)) - 1;
}

void histogram_add(struct histogram *h, uint64_t value) {
    h->count++;
    h->sum += value;
    if (value > h->max)
        h->max = value;
    h->buckets[bucket_of(value)]++;
}

void histogram_clear(struct histogram *h) {
    memset(h, 0, sizeof *h);
}

uint64_t histogram_percentile(const struct histogram *h, double percent) {
    assert(percent >= 0 && percent <= 100);
    if (h->count == 0)
        return 0;
    double wanted = (double)h->count * percent / 100;
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen > 0 && (double)seen >= wanted)
            return bucket_top(i) < h->max ? bucket_top(i) : h->max;
    }
    return h->max;
}
