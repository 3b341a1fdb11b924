// layer_rate: what each layer of one stream costs, in bits a second over the last LAYER_RATE_WINDOW_US, and
// which layers there are. Pure; a plain struct, all zero to begin with.
//
// Layers are numbered from 0; what is above LAYER_RATE_SPATIAL or LAYER_RATE_TEMPORAL counts as the highest.
// A packet that no higher spatial layer needs (K-SVC between key frames) is counted apart: whoever gets a
// higher one is not sent it.
#ifndef RTP_LAYER_RATE_H
#define RTP_LAYER_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define LAYER_RATE_SPATIAL 4
#define LAYER_RATE_TEMPORAL 4
#define LAYER_RATE_BUCKETS 8
#define LAYER_RATE_BUCKET_US 250000
#define LAYER_RATE_WINDOW_US (LAYER_RATE_BUCKETS * LAYER_RATE_BUCKET_US)

struct layer_rate {
    uint64_t newest, begun; // bucket numbers; begun: of the first packet after a silence
    uint32_t bytes[LAYER_RATE_BUCKETS][LAYER_RATE_SPATIAL][LAYER_RATE_TEMPORAL];
    uint32_t aside[LAYER_RATE_BUCKETS][LAYER_RATE_SPATIAL][LAYER_RATE_TEMPORAL]; // needed by no higher one
};

void layer_rate_add(struct layer_rate *rate, uint8_t spatial, uint8_t temporal, bool aside, uint32_t bytes,
                    uint64_t now_us);
// What a receiver of this layer is sent: it and the lower ones that it needs. 0: nothing of it has come
// lately. Of a stream that has just begun, what there is in the time that there was.
uint32_t layer_rate_bps(const struct layer_rate *rate, uint8_t spatial, uint8_t temporal, uint64_t now_us);
// How many layers there have been lately; 0: none.
uint8_t layer_rate_spatial(const struct layer_rate *rate, uint64_t now_us);
uint8_t layer_rate_temporal(const struct layer_rate *rate, uint64_t now_us);

#endif
