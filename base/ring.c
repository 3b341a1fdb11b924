#include "base/ring.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

struct ring {
    size_t message_bytes;
    uint32_t mask;
    uint8_t *slots;
    // Each side on a cache line of its own, with what it last saw of the other side.
    _Alignas(64) _Atomic uint32_t head; // next to read
    uint32_t tail_seen;
    _Alignas(64) _Atomic uint32_t tail; // next to write
    uint32_t head_seen;
};

struct ring *ring_create(size_t message_bytes, uint32_t capacity) {
    assert(capacity > 0 && (capacity & (capacity - 1)) == 0);
    struct ring *ring = aligned_alloc(64, sizeof *ring);
    if (!ring)
        return NULL;
    *ring = (struct ring){.message_bytes = (message_bytes + 15) & ~(size_t)15, .mask = capacity - 1};
    ring->slots = calloc(capacity, ring->message_bytes);
    if (!ring->slots) {
        free(ring);
        return NULL;
    }
    return ring;
}

void ring_destroy(struct ring *ring) {
    if (!ring)
        return;
    free(ring->slots);
    free(ring);
}

void *ring_reserve(struct ring *ring) {
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (tail - ring->head_seen > ring->mask) {
        ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
        if (tail - ring->head_seen > ring->mask)
            return NULL;
    }
    return ring->slots + (size_t)(tail & ring->mask) * ring->message_bytes;
}

void ring_push(struct ring *ring) {
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    assert(tail - ring->head_seen <= ring->mask);
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
}

uint32_t ring_room(struct ring *ring) {
    ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
    return ring->mask + 1 - (atomic_load_explicit(&ring->tail, memory_order_relaxed) - ring->head_seen);
}

void *ring_peek(struct ring *ring) {
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head == ring->tail_seen) {
        ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (head == ring->tail_seen)
            return NULL;
    }
    return ring->slots + (size_t)(head & ring->mask) * ring->message_bytes;
}

void ring_pop(struct ring *ring) {
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    assert(head != ring->tail_seen);
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
}

uint32_t ring_waiting(struct ring *ring) {
    ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
    return ring->tail_seen - atomic_load_explicit(&ring->head, memory_order_relaxed);
}
