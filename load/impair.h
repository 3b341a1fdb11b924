// impair: a bad network in one direction: loss, delay, a bottleneck with a queue. Pure; now_us is given.
#ifndef LOAD_IMPAIR_H
#define LOAD_IMPAIR_H

#include <stdbool.h>
#include <stdint.h>

#define IMPAIR_QUEUE_US 300000 // what the bottleneck's queue holds; beyond, datagrams are dropped

struct impair_config {
    double loss; // 0..1
    uint32_t delay_us;
    uint32_t bandwidth_bps; // 0: no limit
};

struct impair {
    const struct impair_config *config;
    uint64_t random;
    uint64_t busy_us; // until when the bottleneck is taken
    uint64_t dropped;
};

void impair_init(struct impair *impair, const struct impair_config *config, uint64_t seed);
bool impair_is_active(const struct impair_config *config);
// When a datagram that enters now comes out, in the order of entering; TIME_NEVER: it is lost.
uint64_t impair_release_us(struct impair *impair, uint32_t bytes, uint64_t now_us);

#endif
