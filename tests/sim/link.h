// link: a bottleneck on a virtual clock: a rate, a queue that drops at its tail, a delay, jitter, loss that
// comes alone or in bursts, ECN marks. Pure, header only; everything follows from the seed. Several senders
// may share one: what they send is served in the order in which it is offered.
//
// A change of the rate counts for what is offered after it.
#ifndef TESTS_SIM_LINK_H
#define TESTS_SIM_LINK_H

#include <stdbool.h>
#include <stdint.h>

struct link_config {
    uint64_t rate_bps; // 0: unlimited
    uint32_t queue_us; // what would wait longer is dropped; 0: 200 ms
    uint32_t delay_us;
    uint32_t jitter_us; // up to so much more, evenly; packets stay in order unless `reorders`
    bool reorders;
    uint32_t aggregate_us; // packets leave together every so often, as with Wi-Fi
    // Once in stall_every_us, about, whoever passes them on has something else to do for a third of stall_us
    // or more, and then passes them all.
    uint32_t stall_us, stall_every_us;
    uint32_t mark_us;       // what waits longer gets an ECN mark; 0: none
    unsigned loss_permille; // at random
    unsigned loss_burst;    // packets that are lost in a row, on average; 0 or 1: each alone
};

struct link {
    struct link_config config;
    uint64_t random;
    uint64_t free_us;               // when all that was taken has left
    uint64_t newest_us;             // arrival of the last, for order
    uint64_t stalls_us, stalled_us; // the present or next pause: its begin and its end; 0: none yet
    bool in_burst;
    uint64_t offered, taken, dropped, bytes_taken;
};

struct link_arrival {
    bool arrives, marked;
    uint64_t at_us;
    uint32_t queued_us; // what it waited
};

static inline uint32_t link_random(struct link *link) {
    link->random = link->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(link->random >> 33);
}

static inline struct link link_of(const struct link_config *config, uint64_t seed) {
    return (struct link){.config = *config, .random = seed * 2 + 1};
}

static inline bool link_loses(struct link *link) {
    unsigned burst = link->config.loss_burst > 1 ? link->config.loss_burst : 1;
    if (link->config.loss_permille == 0)
        return false;
    if (link->in_burst && burst > 1)
        link->in_burst = link_random(link) % burst != 0;
    else // so that the share is as configured, whatever the bursts
        link->in_burst = link_random(link) % (1000 * burst) <
                         link->config.loss_permille * 1000 /
                             (1000 - (link->config.loss_permille < 1000 ? link->config.loss_permille : 999));
    return link->in_burst;
}

static inline uint64_t link_after_stall(struct link *link, uint64_t at_us) {
    const struct link_config *c = &link->config;
    while (c->stall_us && at_us > link->stalled_us) {
        uint64_t from_us = link->stalled_us ? link->stalled_us : at_us;
        link->stalls_us = from_us + link_random(link) % (2 * c->stall_every_us);
        link->stalled_us = link->stalls_us + c->stall_us / 3 + link_random(link) % (c->stall_us * 2 / 3 + 1);
    }
    return c->stall_us && at_us >= link->stalls_us ? link->stalled_us : at_us;
}

// How long what is offered now would wait.
static inline uint32_t link_queue_us(const struct link *link, uint64_t now_us) {
    return link->free_us > now_us ? (uint32_t)(link->free_us - now_us) : 0;
}

static inline struct link_arrival link_send(struct link *link, unsigned bytes, uint64_t now_us) {
    const struct link_config *c = &link->config;
    struct link_arrival out = {.queued_us = link_queue_us(link, now_us)};
    uint32_t queue_us = c->queue_us ? c->queue_us : 200000;
    link->offered++;
    if (out.queued_us > queue_us) {
        link->dropped++;
        return out;
    }
    uint64_t start_us = now_us + out.queued_us;
    link->free_us = start_us + (c->rate_bps ? (uint64_t)bytes * 8 * 1000000 / c->rate_bps : 0);
    link->taken++;
    link->bytes_taken += bytes;
    if (link_loses(link))
        return out;
    out.arrives = true;
    out.marked = c->mark_us && out.queued_us > c->mark_us;
    uint64_t left_us = link->free_us;
    if (c->aggregate_us)
        left_us = (left_us / c->aggregate_us + 1) * c->aggregate_us;
    out.at_us = left_us + c->delay_us + (c->jitter_us ? link_random(link) % (c->jitter_us + 1) : 0);
    out.at_us = link_after_stall(link, out.at_us);
    if (!c->reorders && out.at_us < link->newest_us)
        out.at_us = link->newest_us;
    if (out.at_us > link->newest_us)
        link->newest_us = out.at_us;
    return out;
}

#endif
