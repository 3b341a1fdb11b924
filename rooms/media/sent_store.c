#include "rooms/media/sent_store.h"

#include <assert.h>
#include <stdlib.h>

#define SENT_STORE_MASK (SENT_STORE_SLOTS - 1)
_Static_assert((SENT_STORE_SLOTS & SENT_STORE_MASK) == 0, "a power of two");

struct sent_slot {
    struct block *block; // NULL: free
    uint64_t index;
    uint64_t sent_us;
};

struct sent_store {
    uint32_t *held;
    struct sent_slot slots[SENT_STORE_SLOTS]; // [index & mask]
};

struct sent_store *sent_store_create(uint32_t *held) {
    struct sent_store *store = calloc(1, sizeof *store);
    if (store)
        store->held = held;
    return store;
}

void sent_store_destroy(struct sent_store *store) {
    if (!store)
        return;
    sent_store_clear(store);
    free(store);
}

static void sent_slot_release(struct sent_store *store, struct sent_slot *slot) {
    if (!slot->block)
        return;
    block_release(slot->block);
    slot->block = NULL;
    assert(*store->held > 0);
    --*store->held;
}

void sent_store_put(struct sent_store *store, uint64_t index, struct block *sealed, uint64_t now_us) {
    struct sent_slot *slot = &store->slots[index & SENT_STORE_MASK];
    if (slot->block && slot->index > index)
        return; // a late one, whose place a newer one has
    assert(!slot->block || slot->index < index);
    sent_slot_release(store, slot);
    if (*store->held >= SENT_BLOCKS_MAX)
        return;
    ++*store->held;
    *slot = (struct sent_slot){.block = block_ref(sealed), .index = index, .sent_us = now_us};
}

static bool sent_slot_too_old(const struct sent_slot *slot, uint64_t now_us) {
    return now_us > slot->sent_us + SENT_AGE_US;
}

struct block *sent_store_get(const struct sent_store *store, uint16_t seq, uint64_t now_us) {
    const struct sent_slot *slot = &store->slots[seq & SENT_STORE_MASK];
    if (!slot->block || (uint16_t)slot->index != seq || sent_slot_too_old(slot, now_us))
        return NULL;
    return slot->block;
}

void sent_store_expire(struct sent_store *store, uint64_t now_us) {
    for (unsigned i = 0; i < SENT_STORE_SLOTS; i++)
        if (sent_slot_too_old(&store->slots[i], now_us))
            sent_slot_release(store, &store->slots[i]);
}

void sent_store_clear(struct sent_store *store) {
    for (unsigned i = 0; i < SENT_STORE_SLOTS; i++)
        sent_slot_release(store, &store->slots[i]);
}
