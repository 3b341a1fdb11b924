#include "rtp/history.h"

#include "rtp/rtp_forward.h"

#include <assert.h>
#include <stdlib.h>

#define HISTORY_MASK (HISTORY_SLOTS - 1)
_Static_assert((HISTORY_SLOTS & HISTORY_MASK) == 0, "a power of two");

// A slot holds whatever packet with that remainder came last; its own number tells which one it is.
struct history {
    struct block *slots[HISTORY_SLOTS]; // [seq & mask]
    unsigned count;
    unsigned cursor; // where history_expire goes on
};

struct history *history_create(void) {
    return calloc(1, sizeof(struct history));
}

void history_destroy(struct history *h) {
    if (!h)
        return;
    history_clear(h);
    free(h);
}

static void history_release(struct history *h, struct block **slot) {
    if (!*slot)
        return;
    block_release(*slot);
    *slot = NULL;
    assert(h->count > 0);
    h->count--;
}

void history_clear(struct history *h) {
    for (unsigned i = 0; i < HISTORY_SLOTS; i++)
        history_release(h, &h->slots[i]);
    assert(h->count == 0);
}

void history_put(struct history *h, uint16_t seq, struct block *prepared, uint64_t now_us) {
    (void)now_us;
    assert(forward_meta_of(prepared)->seq == seq);
    struct block **slot = &h->slots[seq & HISTORY_MASK];
    history_release(h, slot);
    *slot = block_ref(prepared);
    h->count++;
}

static bool history_too_old(struct block *b, uint64_t now_us) {
    return now_us > forward_meta_of(b)->arrival_us + HISTORY_AGE_US;
}

struct block *history_get(const struct history *h, uint16_t seq, uint64_t now_us) {
    struct block *b = h->slots[seq & HISTORY_MASK];
    return b && forward_meta_of(b)->seq == seq && !history_too_old(b, now_us) ? b : NULL;
}

unsigned history_expire(struct history *h, uint64_t now_us, unsigned max) {
    unsigned released = 0;
    for (unsigned i = 0; i < max && h->count > 0; i++) {
        struct block **slot = &h->slots[h->cursor];
        h->cursor = (h->cursor + 1) & HISTORY_MASK;
        if (*slot && history_too_old(*slot, now_us)) {
            history_release(h, slot);
            released++;
        }
    }
    return released;
}

unsigned history_count(const struct history *h) {
    return h->count;
}
