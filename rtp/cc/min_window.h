// min_window: the lowest of the values of the last while, by the field's name a windowed minimum filter.
// Pure; zeros to begin with. Eight buckets, so that what is forgotten is forgotten by eighths.
#ifndef RTP_CC_MIN_WINDOW_H
#define RTP_CC_MIN_WINDOW_H

#include <stdint.h>

#define MIN_WINDOW_BUCKETS 8

struct min_window {
    int32_t lowest[MIN_WINDOW_BUCKETS]; // [bucket % 8]
    uint32_t bucket;                    // number of the newest, from 1; 0: nothing yet
};

static inline void min_window_add(struct min_window *w, uint32_t bucket_us, int32_t value, uint64_t now_us) {
    uint32_t bucket = (uint32_t)(now_us / bucket_us) + 1;
    if (w->bucket == 0 || bucket - w->bucket >= MIN_WINDOW_BUCKETS)
        for (unsigned i = 0; i < MIN_WINDOW_BUCKETS; i++)
            w->lowest[i] = INT32_MAX;
    else
        for (uint32_t b = w->bucket + 1; b != bucket + 1; b++)
            w->lowest[b % MIN_WINDOW_BUCKETS] = INT32_MAX;
    w->bucket = bucket;
    if (value < w->lowest[bucket % MIN_WINDOW_BUCKETS])
        w->lowest[bucket % MIN_WINDOW_BUCKETS] = value;
}

// Of the newest buckets, at most all; INT32_MAX: nothing yet.
static inline int32_t min_window_lowest(const struct min_window *w, unsigned buckets) {
    int32_t lowest = INT32_MAX;
    for (unsigned i = 0; w->bucket != 0 && i < buckets && i < MIN_WINDOW_BUCKETS; i++) {
        int32_t value = w->lowest[(w->bucket - i) % MIN_WINDOW_BUCKETS];
        lowest = value < lowest ? value : lowest;
    }
    return lowest;
}

#endif
