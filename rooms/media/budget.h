// budget: what a producer may send and what a transport may get (media_limits.h), enforced. Worker side.
//
// A producer beyond its limits loses what is too much, before anything else is done about it: neither its
// receivers nor its neighbours pay. A transport that gets more than its limit loses video first and sound
// only when it is far beyond, as on a link of that rate. All state is in the producer and the endpoint; one
// thread.
#ifndef ROOMS_BUDGET_H
#define ROOMS_BUDGET_H

#include "rooms/media_limits.h"
#include "rtp/media.h"
#include "rtp/token_bucket.h"

#include <stddef.h>

struct budget_rates {                      // of a forwarder: limits made ready
    struct token_rate packets[2], bits[2]; // of a producer, by enum media_kind
    struct token_rate egress;              // bits of a transport
};
void budget_rates_init(struct budget_rates *rates, const struct media_limits *limits);

struct producer_budget { // all zero to begin with
    struct token_bucket packets, bits;
};
// One packet of `bytes` has come. False: it is too much.
static inline bool producer_budget_take(struct producer_budget *b, const struct budget_rates *rates,
                                        enum media_kind kind, size_t bytes, uint64_t now_us) {
    const struct token_rate *bits = &rates->bits[kind];
    if (!token_bucket_has(&b->bits, bits, bytes * 8, now_us) ||
        !token_bucket_take(&b->packets, &rates->packets[kind], 1, now_us))
        return false;
    token_bucket_spend(&b->bits, bytes * 8);
    return true;
}

// So many may have gone out before it is reckoned again, once for a dozen packets: what was too much is a
// debt then, so that the rate holds all the same.
#define EGRESS_LOOK_BYTES 16384

// What may go out to a transport now.
enum egress { EGRESS_ALL, EGRESS_AUDIO, EGRESS_NOTHING };

struct egress_budget { // all zero to begin with
    struct token_bucket bits;
    uint64_t counted; // bytes that have been paid for
    enum egress last; // what came of it
};
// `sent` is all that has ever gone out, in bytes: pays for what has since the last look.
static inline enum egress egress_look(struct egress_budget *b, const struct token_rate *rate, uint64_t sent,
                                      uint64_t now_us) {
    if (b->last == EGRESS_ALL && sent - b->counted < EGRESS_LOOK_BYTES)
        return EGRESS_ALL; // most of the time: nothing to reckon
    token_bucket_spend(&b->bits, (sent - b->counted) * 8);
    b->counted = sent;
    token_bucket_fill(&b->bits, rate, now_us);
    b->last = EGRESS_ALL;
    if (b->bits.level <= 0)
        b->last = b->bits.level > -(int64_t)rate->burst * (TOKEN / 4) ? EGRESS_AUDIO : EGRESS_NOTHING;
    return b->last;
}
static inline bool egress_lets(enum egress egress, enum media_kind kind) {
    return egress == EGRESS_ALL || (egress == EGRESS_AUDIO && kind == MEDIA_AUDIO);
}

#endif
