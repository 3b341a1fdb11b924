// full_queue: whether packets are lost because a queue is full, or at random, as over radio. Pure; owned by
// one struct bandwidth.
//
// A queue that drops what it has no room for is at its longest just then: the packets before and after a gap
// took about as long as any. At random they took as long as the others. Needs no rate that varies, which a
// fit of losses to rates (loss_limit.h) does, and sees a queue that is too short for delays to say much.
#ifndef RTP_CC_FULL_QUEUE_H
#define RTP_CC_FULL_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

struct full_queue { // all zero to begin with
    bool known, gap;
    int32_t before_us; // how long the last packet took
    int32_t long_us;   // nine of ten take less
    uint16_t seen;     // packets, up to enough to know that
    float share;       // of the last gaps that were at the longest
};

// In the order in which they were sent. delay_us: against anything that stays.
void full_queue_lost(struct full_queue *q);
// base_us: what the fastest packets take. True: what was lost before it was one too many.
bool full_queue_came(struct full_queue *q, int32_t delay_us, int32_t base_us);
// How long the queue is when it is full, about.
static inline uint32_t full_queue_us(const struct full_queue *q, int32_t base_us) {
    return q->long_us > base_us ? (uint32_t)((int64_t)q->long_us - base_us) : 0;
}
bool full_queue_is_why(const struct full_queue *q); // of nearly all the last gaps

#endif
