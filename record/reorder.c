#include "record/reorder.h"

#include "base/seq.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define JUMP_MAX 5000 // numbers further away than this begin anew

struct held {
    uint8_t *bytes; // NULL: free
    size_t len;
    uint64_t arrived_us;
};

struct reorder {
    struct held held[REORDER_PACKETS_MAX];
    unsigned count;
    uint64_t next;    // index of the one that is due; 0: nothing has come
    uint64_t highest; // that has come
    bool gap;         // before `next`
    uint64_t lost;
    uint8_t *given; // to be freed at the next call
};

struct reorder *reorder_create(void) {
    return calloc(1, sizeof(struct reorder));
}

static void reorder_clear(struct reorder *r) {
    for (unsigned i = 0; i < REORDER_PACKETS_MAX; i++) {
        free(r->held[i].bytes);
        r->held[i].bytes = NULL;
    }
    r->count = 0;
}

void reorder_destroy(struct reorder *r) {
    if (!r)
        return;
    reorder_clear(r);
    free(r->given);
    free(r);
}

static struct held *slot(struct reorder *r, uint64_t index) {
    return &r->held[index % REORDER_PACKETS_MAX];
}

// Whatever is there up to the next packet that waits is given up.
static void give_up(struct reorder *r) {
    for (; r->count > 0 && !slot(r, r->next)->bytes; r->next++)
        r->lost++;
    r->gap = true;
}

static void begin_anew(struct reorder *r, uint64_t index) {
    reorder_clear(r);
    r->gap = r->next != 0;
    r->next = r->highest = index;
}

bool reorder_push(struct reorder *r, uint16_t seq, struct span packet, uint64_t now_us) {
    if (r->next == 0)
        begin_anew(r, UINT64_C(0x10000) + seq);
    uint64_t index = seq16_unwrap(r->highest, seq);
    bool far = index > r->highest ? index - r->highest > JUMP_MAX : r->highest - index > JUMP_MAX;
    if (far) { // anew one wrap up, so that no number goes below zero, however often it jumps back
               // (base/seq.h)
        index = UINT64_C(0x10000) + seq;
        begin_anew(r, index);
    }
    if (index < r->next)
        return false;
    assert(index < UINT64_MAX - REORDER_PACKETS_MAX && index - r->next <= REORDER_PACKETS_MAX + JUMP_MAX);
    // What would have the same place is taken out first, in order, by whoever reads; here it is given up.
    while (index >= r->next + REORDER_PACKETS_MAX) {
        struct held *first = slot(r, r->next);
        r->count -= first->bytes != NULL;
        free(first->bytes);
        first->bytes = NULL;
        r->lost++;
        r->next++;
        r->gap = true;
    }
    struct held *h = slot(r, index);
    if (h->bytes)
        return false;
    h->bytes = malloc(packet.len > 0 ? packet.len : 1);
    if (!h->bytes)
        return false;
    memcpy(h->bytes, packet.ptr, packet.len);
    h->len = packet.len;
    h->arrived_us = now_us;
    r->count++;
    if (index > r->highest)
        r->highest = index;
    return true;
}

// When the first that waits came.
static uint64_t waiting_since_us(const struct reorder *r) {
    uint64_t since_us = UINT64_MAX;
    for (uint64_t i = r->next; i <= r->highest; i++) {
        const struct held *h = &r->held[i % REORDER_PACKETS_MAX];
        if (h->bytes && h->arrived_us < since_us)
            since_us = h->arrived_us;
    }
    return since_us;
}

bool reorder_next(struct reorder *r, uint64_t now_us, bool all, struct reordered *out) {
    free(r->given);
    r->given = NULL;
    if (r->count == 0)
        return false;
    if (!slot(r, r->next)->bytes) {
        if (!all && r->count < REORDER_PACKETS_MAX / 2 && now_us < waiting_since_us(r) + REORDER_WINDOW_US)
            return false;
        give_up(r);
    }
    struct held *h = slot(r, r->next++);
    *out =
        (struct reordered){.packet = span_of(h->bytes, h->len), .arrived_us = h->arrived_us, .gap = r->gap};
    r->given = h->bytes;
    h->bytes = NULL;
    r->count--;
    r->gap = false;
    return true;
}

uint64_t reorder_waited_us(const struct reorder *r, uint64_t now_us) {
    if (r->count == 0 || r->held[r->next % REORDER_PACKETS_MAX].bytes)
        return 0;
    uint64_t since_us = waiting_since_us(r);
    return now_us > since_us ? now_us - since_us : 0;
}

uint64_t reorder_lost(const struct reorder *r) {
    return r->lost;
}
