#include "rtp/cc/sent_ring.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_MAX 16 // packets of one bucket that are looked at

void sent_ring_free(struct sent_ring *ring) {
    free(ring->packets);
    free(ring->names);
    free(ring->buckets);
    *ring = (struct sent_ring){0};
}

size_t sent_ring_memory(const struct sent_ring *ring) {
    size_t each = (ring->packets ? sizeof *ring->packets : 0) + (ring->names ? sizeof *ring->names : 0) +
                  (ring->buckets ? sizeof *ring->buckets : 0);
    return ring->size * each;
}

static unsigned ring_bucket(const struct sent_ring *ring, uint32_t ssrc, uint16_t seq) {
    return ((ssrc * UINT32_C(0x9e3779b9) >> 16) + seq) & (ring->size - 1u);
}

static void ring_name(struct sent_ring *ring, uint16_t number, uint32_t ssrc, uint16_t seq) {
    uint16_t *bucket = &ring->buckets[ring_bucket(ring, ssrc, seq)];
    ring->names[number & (ring->size - 1u)] =
        (struct sent_name){.ssrc = ssrc, .seq = seq, .previous = *bucket};
    *bucket = number;
}

// The packets, and their names if `named`, in arrays of `size`.
static bool ring_resize(struct sent_ring *ring, uint16_t size, bool named) {
    struct sent_ring to = {.size = size, .newest = ring->newest, .started = ring->started};
    to.packets = calloc(size, sizeof *to.packets);
    to.names = named ? calloc(size, sizeof *to.names) : NULL;
    to.buckets = named ? calloc(size, sizeof *to.buckets) : NULL;
    if (!to.packets || (named && (!to.names || !to.buckets))) {
        sent_ring_free(&to);
        return false;
    }
    assert(ring->size <= size);
    for (unsigned back = ring->size; back-- > 0;) {
        uint16_t number = (uint16_t)(ring->newest - back);
        to.packets[number & (size - 1u)] = ring->packets[number & (ring->size - 1u)];
        if (named && ring->names) {
            const struct sent_name *name = &ring->names[number & (ring->size - 1u)];
            ring_name(&to, number, name->ssrc, name->seq);
        }
    }
    sent_ring_free(ring);
    *ring = to;
    return true;
}

bool sent_ring_reserve(struct sent_ring *ring) {
    bool named = ring->names || ring->names_wanted;
    unsigned size = ring->size ? ring->size : SENT_RING_MIN;
    if (ring->tight && size < SENT_RING_MAX)
        size *= 2;
    return ring_resize(ring, (uint16_t)size, named);
}

bool sent_ring_add(struct sent_ring *ring, uint16_t number, const struct sent_packet *packet) {
    ring->wanted = true;
    if (!ring->packets)
        return false;
    unsigned mask = ring->size - 1u;
    uint16_t step = (uint16_t)(number - ring->newest);
    if (ring->started && step != 1) { // numbers were left out, or it begins anew
        unsigned skipped = step == 0 || step > ring->size ? ring->size : step;
        for (unsigned i = 0; i < skipped; i++)
            ring->packets[(uint16_t)(number - i) & mask].fate = SENT_NEVER;
    }
    struct sent_packet *slot = &ring->packets[number & mask];
    ring->tight |= slot->fate == SENT_FLYING;
    *slot = *packet;
    ring->newest = number;
    ring->started = true;
    return true;
}

bool sent_ring_add_named(struct sent_ring *ring, uint32_t ssrc, uint16_t seq,
                         const struct sent_packet *packet) {
    uint16_t number = (uint16_t)(ring->newest + 1);
    ring->wanted = ring->names_wanted = true;
    if (!ring->names || !sent_ring_add(ring, number, packet))
        return false;
    ring_name(ring, number, ssrc, seq);
    return true;
}

struct sent_packet *sent_ring_find_named(const struct sent_ring *ring, uint32_t ssrc, uint16_t seq) {
    if (!ring->names || !ring->started)
        return NULL;
    uint16_t number = ring->buckets[ring_bucket(ring, ssrc, seq)];
    for (unsigned i = 0; i < CHAIN_MAX; i++) {
        uint16_t back = (uint16_t)(ring->newest - number);
        struct sent_packet *packet = sent_ring_find(ring, number);
        const struct sent_name *name = &ring->names[number & (ring->size - 1u)];
        if (!packet)
            return NULL;
        if (name->ssrc == ssrc && name->seq == seq)
            return packet;
        if ((uint16_t)(ring->newest - name->previous) <= back)
            return NULL; // the chain goes back in time
        number = name->previous;
    }
    return NULL;
}

uint16_t sent_ring_oldest(const struct sent_ring *ring, uint16_t number) {
    while (sent_ring_find(ring, (uint16_t)(number - 1)))
        number--;
    return number;
}

void sent_ring_forget(struct sent_ring *ring) {
    for (unsigned i = 0; i < ring->size; i++)
        ring->packets[i].fate = SENT_NEVER;
}
