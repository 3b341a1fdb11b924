#include "load/impair.h"

#include "base/clock.h"

#include <assert.h>

void impair_init(struct impair *impair, const struct impair_config *config, uint64_t seed) {
    *impair = (struct impair){.config = config, .random = seed | 1};
}

bool impair_is_active(const struct impair_config *config) {
    return config->loss > 0 || config->delay_us > 0 || config->bandwidth_bps > 0;
}

// xorshift64*: 0..1.
static double next_random(struct impair *impair) {
    impair->random ^= impair->random >> 12;
    impair->random ^= impair->random << 25;
    impair->random ^= impair->random >> 27;
    return (double)((impair->random * UINT64_C(0x2545f4914f6cdd1d)) >> 11) / (double)(UINT64_C(1) << 53);
}

uint64_t impair_release_us(struct impair *impair, uint32_t bytes, uint64_t now_us) {
    const struct impair_config *c = impair->config;
    bool lost = c->loss > 0 && next_random(impair) < c->loss;
    uint64_t out_us = now_us;
    if (c->bandwidth_bps > 0) {
        if (impair->busy_us > now_us + IMPAIR_QUEUE_US)
            lost = true;
        if (!lost) {
            uint64_t begin_us = impair->busy_us > now_us ? impair->busy_us : now_us;
            out_us = begin_us + (uint64_t)bytes * 8 * US_PER_SECOND / c->bandwidth_bps;
            impair->busy_us = out_us;
        }
    }
    impair->dropped += lost;
    return lost ? TIME_NEVER : out_us + c->delay_us;
}
