// The links: a heap of what is on its way, by time and then by order of sending.
#include "tests/sim/sim.h"

#include <stdlib.h>

uint32_t sim_random(struct sim *sim) {
    uint64_t z = (sim->random += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(z >> 32);
}

struct sim_event *sim_event_new(struct sim *sim, uint64_t delay_us, struct span bytes) {
    struct sim_event *e = calloc(1, sizeof *e + bytes.len);
    assert_non_null(e);
    e->at_us = sim->now_us + delay_us;
    e->order = sim->order++;
    e->len = (uint16_t)bytes.len;
    if (bytes.len)
        memcpy(e->bytes, bytes.ptr, bytes.len);
    return e;
}

static bool before(const struct sim_event *a, const struct sim_event *b) {
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void sim_event_push(struct sim *sim, struct sim_event *e) {
    if (sim->heap_count == sim->heap_cap) {
        sim->heap_cap = sim->heap_cap ? sim->heap_cap * 2 : 1024;
        sim->heap = realloc(sim->heap, sim->heap_cap * sizeof *sim->heap);
        assert_non_null(sim->heap);
    }
    unsigned i = sim->heap_count++;
    for (; i > 0 && before(e, sim->heap[(i - 1) / 2]); i = (i - 1) / 2)
        sim->heap[i] = sim->heap[(i - 1) / 2];
    sim->heap[i] = e;
}

struct sim_event *sim_event_pop(struct sim *sim, uint64_t until_us) {
    if (sim->heap_count == 0 || sim->heap[0]->at_us > until_us)
        return NULL;
    struct sim_event *top = sim->heap[0], *last = sim->heap[--sim->heap_count];
    unsigned i = 0;
    for (;;) {
        unsigned child = 2 * i + 1;
        if (child >= sim->heap_count)
            break;
        if (child + 1 < sim->heap_count && before(sim->heap[child + 1], sim->heap[child]))
            child++;
        if (!before(sim->heap[child], last))
            break;
        sim->heap[i] = sim->heap[child];
        i = child;
    }
    if (sim->heap_count > 0)
        sim->heap[i] = last;
    return top;
}

// Gilbert's model: in a burst everything is lost.
static bool is_lost(struct sim *sim, const struct sim_link *link, struct sim_peer *peer, bool down) {
    uint32_t chance = sim_random(sim);
    if (link->burst <= 1 || link->loss_permille >= 1000)
        return chance % 1000 < link->loss_permille;
    bool *losing = &peer->losing[down];
    uint32_t begins = 1000000 * link->loss_permille / (link->burst * (1000 - link->loss_permille));
    *losing = *losing ? chance % link->burst != 0 : chance % 1000000 < begins;
    return *losing;
}

void sim_send(struct sim *sim, const struct sim_link *link, enum sim_event_kind kind, struct sim_peer *peer,
              struct span bytes) {
    bool down = kind == SIM_DOWN_RTP || kind == SIM_DOWN_RTCP;
    if (peer->unreachable || (sim->downlinks_cut && down && !peer->publishes) ||
        is_lost(sim, link, peer, down))
        return;
    // A duplicate of RTP is found by SRTP's replay check, before a forwarder sees it: feedback alone repeats.
    bool repeats = kind == SIM_UP_RTCP || kind == SIM_DOWN_RTCP;
    unsigned copies = repeats && sim_random(sim) % 1000 < link->duplicate_permille ? 2 : 1;
    for (unsigned i = 0; i < copies; i++) {
        uint32_t jitter_us = link->jitter_us ? sim_random(sim) % link->jitter_us : 0;
        struct sim_event *e = sim_event_new(sim, link->delay_us + jitter_us, bytes);
        e->kind = kind;
        e->peer = peer;
        sim_event_push(sim, e);
    }
}
