// pacer: video that waits for its turn on a link that is known to be full, so that a key frame does not
// become a standing queue in the network, in which sound would wait too. Pure; worker side.
//
// With rate 0, which is the rule, nothing waits and nothing is reckoned. With a rate, a packet goes at once
// as long as nothing waits and no more than PACER_BURST_US of the rate went before it; what waits leaves at
// the rate, in groups of PACER_STEP_US: repeats before what is new, each in its order. Sound never waits; it
// is paid for all the same. What waits would leave within PACER_QUEUE_US, else the rate is as much higher;
// and it is at most PACER_BLOCKS_MAX packets, beyond which the oldest leaves at once. What is not expected to
// leave at all (layers that are not wanted, whose blocks are put in with no length) only takes its turn: of
// such there may be PACER_PLACES_MAX, less the packets.
//
// A waiting block belongs to the pacer; what it stands for is in its meta. It has no number of its stream
// yet: that is given when it leaves, so that what is forgotten leaves no gap.
#ifndef ROOMS_PACER_H
#define ROOMS_PACER_H

#include "base/pool.h"
#include "rtp/token_bucket.h"

#define PACER_BURST_US 20000
#define PACER_BURST_MIN_BITS (1200 * 8)
#define PACER_STEP_US 5000
#define PACER_QUEUE_US 600000
#define PACER_BLOCKS_MAX 256
#define PACER_PLACES_MAX 1024

enum pacer_kind { PACER_REPEAT, PACER_MEDIA, PACER_KINDS };

struct pacer { // all zero to begin with
    struct {
        struct block *first, *last;
    } queues[PACER_KINDS];
    uint32_t count, bytes;
    uint32_t empty;    // of count, those without a length
    uint32_t rate_bps; // 0: nothing is paced
    struct token_rate rate;
    struct token_bucket bits;
    uint64_t let_go_us; // what waited, last
};

struct pacer_note { // in block->meta
    void *owner;
    const void *stream;   // of its owner's source
    struct block *source; // what the block is to become a copy of when it leaves: a reference, which whoever
                          // takes the block out has from then on; NULL: none
    uint16_t seq;         // its source's
    enum pacer_kind kind;
};
_Static_assert(sizeof(struct pacer_note) <= BLOCK_META_BYTES, "fits");
static inline struct pacer_note *pacer_note_of(struct block *b) {
    return (struct pacer_note *)(void *)b->meta;
}

// 0: what waits may leave at once.
void pacer_set(struct pacer *p, uint32_t rate_bps);
// Whether a packet of video may leave now; else it is to be put in.
bool pacer_passes(struct pacer *p, uint64_t now_us);
// To be said of everything that has left, whatever it is.
void pacer_spend(struct pacer *p, uint16_t bytes, uint64_t now_us);
// Whoever puts in more than there may be takes out what is too much before the next.
void pacer_put(struct pacer *p, struct block *b, const struct pacer_note *note);
// The next one that may leave now, the caller's from then on (who says what it spends); NULL: none.
struct block *pacer_take(struct pacer *p, uint64_t now_us);
// The next one, whether or not it may: something is to be sent at once, and better this than padding.
struct block *pacer_take_early(struct pacer *p, uint64_t now_us);
// The next one of this owner that is no repeat, whether or not it may.
struct block *pacer_take_of(struct pacer *p, const void *owner);
// When pacer_take may have something; TIME_NEVER while nothing waits.
uint64_t pacer_next_us(struct pacer *p, uint64_t now_us);
// What this owner put in is released, or with NULL everything, and its sources.
void pacer_forget(struct pacer *p, const void *owner);

// More than there may be.
static inline bool pacer_is_over(const struct pacer *p) {
    return p->count - p->empty > PACER_BLOCKS_MAX || p->count > PACER_PLACES_MAX;
}

static inline bool pacer_paces(const struct pacer *p) {
    return p->rate_bps != 0 || p->count > 0;
}

#endif
