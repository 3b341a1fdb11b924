#include "transport/segment_refusals.h"

static uint32_t slot_of(uint64_t hash) {
    return (uint32_t)(hash >> 32) & (SEGMENT_REFUSAL_SLOTS - 1); // the low bits choose a chain (udp_send.c)
}

bool segment_refusals_allow(const struct segment_refusals *r, const struct tuple *to, uint64_t hash,
                            uint64_t now_us) {
    if (now_us < r->all_until_us)
        return false;
    if (r->held == 0)
        return true;
    const struct segment_refusal *slot = &r->slots[slot_of(hash)];
    return now_us >= slot->until_us || !tuple_equal(&slot->to, to);
}

static void rest(struct segment_refusal *slot, uint64_t now_us) {
    uint64_t us = SEGMENT_REST_US << slot->rests;
    if (us < SEGMENT_REST_MAX_US)
        slot->rests++;
    slot->until_us = now_us + us;
}

bool segment_refusals_note(struct segment_refusals *r, const struct tuple *to, uint64_t hash,
                           uint64_t now_us) {
    struct segment_refusal *slot = &r->slots[slot_of(hash)];
    r->held += slot->count == 0;
    if (slot->count == 0 || !tuple_equal(&slot->to, to))
        *slot = (struct segment_refusal){.to = *to};
    if (slot->count < SEGMENT_REFUSALS_PEER) // then it stays: one more is enough
        slot->count++;
    if (slot->count == SEGMENT_REFUSALS_PEER && now_us >= slot->until_us)
        rest(slot, now_us);
    if (++r->in_a_row < SEGMENT_REFUSALS_ALL || now_us < r->all_until_us)
        return false;
    r->in_a_row = 0;
    r->all_until_us = now_us + SEGMENT_REST_ALL_US;
    return true;
}

void segment_refusals_taken(struct segment_refusals *r, const struct tuple *to, uint64_t hash) {
    r->in_a_row = 0;
    r->all_until_us = 0;
    if (r->held == 0)
        return;
    struct segment_refusal *slot = &r->slots[slot_of(hash)];
    if (slot->count == 0 || !tuple_equal(&slot->to, to))
        return;
    slot->count = 0;
    slot->until_us = 0;
    r->held--;
}
