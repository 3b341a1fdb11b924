// A forwarder whose packets go nowhere, for benchmarks of the forwarder alone.
#ifndef TESTS_BENCH_NULL_OUTPUT_H
#define TESTS_BENCH_NULL_OUTPUT_H

#include "rooms/media/forwarder.h"

static inline bool null_rtp(void *ctx, void *peer, struct block *b, enum media_kind kind, uint64_t index) {
    uint64_t *sent = ctx;
    (void)kind, (void)peer, (void)index;
    (*sent)++;
    block_release(b);
    return true;
}

static inline void null_again(void *ctx, void *peer, struct block *b, enum media_kind kind) {
    (void)null_rtp(ctx, peer, b, kind, 0);
}

static inline void null_rtcp(void *ctx, void *peer, struct span datagram) {
    (void)ctx, (void)peer, (void)datagram;
}

static inline bool null_event(void *ctx, const struct media_event *event) {
    (void)ctx, (void)event;
    return true;
}

static inline void null_forget(void *ctx, void *peer, uint32_t ssrc, bool sent) {
    (void)ctx, (void)peer, (void)ssrc, (void)sent;
}

// NULL: no memory. Packets go to `send_rtp`, null_rtp if there is nothing else to do, whose ctx begins with
// their number.
static inline struct forwarder *null_forwarder(struct pool *pool, struct wheel *wheel, uint64_t *sent,
                                               bool (*send_rtp)(void *ctx, void *peer, struct block *b,
                                                                enum media_kind kind, uint64_t index)) {
    struct forwarder_config config = {.random_seed = 1};
    struct forwarder_output out = {.ctx = sent,
                                   .send_rtp = send_rtp,
                                   .send_again = null_again,
                                   .send_rtcp = null_rtcp,
                                   .event = null_event,
                                   .forget_ssrc = null_forget};
    return forwarder_create(&config, &out, pool, wheel);
}

#endif
