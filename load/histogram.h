// histogram: counts of values from 0 to 2^40, in buckets whose width is at most 1/32 of their value, so that
// percentiles of millions of samples cost 9 KB. Pure.
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_LINEAR 64 // values below are counted one by one
#define HISTOGRAM_STEPS 32  // buckets in an octave above
#define HISTOGRAM_BUCKETS (HISTOGRAM_LINEAR + 34 * HISTOGRAM_STEPS)

struct histogram {
    uint64_t count;
    uint64_t sum;
    uint64_t max;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t value);
void histogram_clear(struct histogram *h);
// The value that `percent` (0..100) of the samples do not exceed, right to 1/32; 0 when there are none.
uint64_t histogram_percentile(const struct histogram *h, double percent);

#endif
