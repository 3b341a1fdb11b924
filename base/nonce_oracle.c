#include "base/nonce_oracle.h"

#include <stdbool.h>
#include <stdlib.h>

#define SLOTS_FIRST 1024 // a power of two

struct nonce_slot {
    uint64_t name;   // of {key, ssrc, index}, 0: free; two of ten million share one once in 300,000 runs
    uint64_t digest; // of the text
};

struct nonce_oracle {
    struct nonce_slot *slots; // open addressing, at most half of them taken
    uint64_t slot_count, count;
};

// The finaliser of splitmix64.
static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint64_t nonce_oracle_digest(struct span text) {
    uint64_t sum = mix(text.len);
    for (size_t i = 0; i < text.len; i++)
        sum = (sum ^ text.ptr[i]) * UINT64_C(1099511628211);
    return mix(sum);
}

struct nonce_oracle *nonce_oracle_create(void) {
    struct nonce_oracle *o = calloc(1, sizeof *o);
    if (!o)
        return NULL;
    o->slots = calloc(SLOTS_FIRST, sizeof *o->slots);
    o->slot_count = SLOTS_FIRST;
    if (!o->slots) {
        free(o);
        return NULL;
    }
    return o;
}

void nonce_oracle_destroy(struct nonce_oracle *o) {
    if (!o)
        return;
    free(o->slots);
    free(o);
}

static struct nonce_slot *nonce_slot_of(const struct nonce_oracle *o, uint64_t name) {
    for (uint64_t i = name & (o->slot_count - 1);; i = (i + 1) & (o->slot_count - 1))
        if (o->slots[i].name == name || o->slots[i].name == 0)
            return &o->slots[i];
}

static bool nonce_oracle_grow(struct nonce_oracle *o) {
    struct nonce_oracle more = {.slot_count = o->slot_count * 2, .count = o->count};
    more.slots = calloc(more.slot_count, sizeof *more.slots);
    if (!more.slots)
        return false;
    for (uint64_t i = 0; i < o->slot_count; i++)
        if (o->slots[i].name != 0)
            *nonce_slot_of(&more, o->slots[i].name) = o->slots[i];
    free(o->slots);
    *o = more;
    return true;
}

enum nonce_use nonce_oracle_note(struct nonce_oracle *o, uint64_t key, uint32_t ssrc, uint64_t index,
                                 uint64_t digest) {
    uint64_t name = mix(mix(mix(key + 1) ^ ssrc) ^ index);
    name += name == 0;
    struct nonce_slot *slot = nonce_slot_of(o, name);
    if (slot->name != 0)
        return slot->digest == digest ? NONCE_REPEATED : NONCE_REUSED;
    if (o->count * 2 >= o->slot_count) {
        if (!nonce_oracle_grow(o))
            return NONCE_UNKNOWN;
        slot = nonce_slot_of(o, name);
    }
    *slot = (struct nonce_slot){name, digest};
    o->count++;
    return NONCE_FRESH;
}

uint64_t nonce_oracle_count(const struct nonce_oracle *o) {
    return o->count;
}
