#include "base/hmap.h"

#include "base/entropy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define HMAP_SLOTS_FIRST 16

// A slot is the value followed by the key; HMAP_NONE marks a free one.
struct hmap {
    size_t key_bytes;
    size_t stride;
    uint32_t entries_max;
    uint32_t count;
    uint32_t mask;
    uint64_t seed[2];
    uint8_t *slots;
};

static inline uint64_t rotl64(uint64_t v, int n) {
    return v << n | v >> (64 - n);
}

static inline void sip_round(uint64_t v[4]) {
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotl64(v[1], 13) ^ v[0];
    v[3] = rotl64(v[3], 16) ^ v[2];
    v[0] = rotl64(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotl64(v[1], 17) ^ v[2];
    v[3] = rotl64(v[3], 21) ^ v[0];
    v[2] = rotl64(v[2], 32);
}

// SipHash-1-3 (Aumasson and Bernstein): a peer cannot choose addresses that collide.
static uint64_t hmap_hash(const struct hmap *map, const uint8_t *key) {
    uint64_t v[4] = {map->seed[0] ^ UINT64_C(0x736f6d6570736575), map->seed[1] ^ UINT64_C(0x646f72616e646f6d),
                     map->seed[0] ^ UINT64_C(0x6c7967656e657261),
                     map->seed[1] ^ UINT64_C(0x7465646279746573)};
    size_t left = map->key_bytes;
    for (; left >= 8; left -= 8, key += 8) {
        uint64_t m;
        memcpy(&m, key, 8);
        v[3] ^= m;
        sip_round(v);
        v[0] ^= m;
    }
    uint64_t last = (uint64_t)map->key_bytes << 56;
    memcpy(&last, key, left); // the low bytes on a little-endian machine; any fixed place will do
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static inline uint8_t *hmap_slot(const struct hmap *map, uint32_t i) {
    return map->slots + (size_t)i * map->stride;
}

static inline uint32_t slot_value(const uint8_t *slot) {
    uint32_t v;
    memcpy(&v, slot, sizeof v);
    return v;
}

static inline void slot_set_value(uint8_t *slot, uint32_t value) {
    memcpy(slot, &value, sizeof value);
}

static uint8_t *hmap_slots_new(size_t stride, uint32_t n) {
    uint8_t *slots = malloc(stride * n);
    for (uint32_t i = 0; slots && i < n; i++)
        slot_set_value(slots + (size_t)i * stride, HMAP_NONE);
    return slots;
}

struct hmap *hmap_create(size_t key_bytes, uint32_t entries_max) {
    assert(key_bytes > 0 && key_bytes <= 64);
    assert(entries_max <= UINT32_MAX / 4);
    struct hmap *map = calloc(1, sizeof *map);
    if (!map)
        return NULL;
    map->key_bytes = key_bytes;
    map->stride = (sizeof(uint32_t) + key_bytes + 3) & ~(size_t)3;
    map->entries_max = entries_max;
    map->mask = HMAP_SLOTS_FIRST - 1;
    entropy_fill(map->seed, sizeof map->seed);
    map->slots = hmap_slots_new(map->stride, HMAP_SLOTS_FIRST);
    if (!map->slots) {
        free(map);
        return NULL;
    }
    return map;
}

void hmap_destroy(struct hmap *map) {
    if (!map)
        return;
    free(map->slots);
    free(map);
}

// The index of the key's slot, or of the free slot where it belongs.
static uint32_t hmap_find(const struct hmap *map, const void *key) {
    uint32_t i = (uint32_t)hmap_hash(map, key) & map->mask;
    for (;; i = (i + 1) & map->mask) {
        const uint8_t *slot = hmap_slot(map, i);
        if (slot_value(slot) == HMAP_NONE || memcmp(slot + sizeof(uint32_t), key, map->key_bytes) == 0)
            return i;
    }
}

static void hmap_store(struct hmap *map, const void *key, uint32_t value) {
    uint8_t *slot = hmap_slot(map, hmap_find(map, key));
    slot_set_value(slot, value);
    memcpy(slot + sizeof value, key, map->key_bytes);
}

static bool hmap_grow(struct hmap *map) {
    uint32_t old_slots = map->mask + 1;
    uint8_t *old = map->slots;
    uint8_t *slots = hmap_slots_new(map->stride, old_slots * 2);
    if (!slots)
        return false;
    map->slots = slots;
    map->mask = old_slots * 2 - 1;
    for (uint32_t i = 0; i < old_slots; i++) {
        const uint8_t *slot = old + (size_t)i * map->stride;
        if (slot_value(slot) != HMAP_NONE)
            hmap_store(map, slot + sizeof(uint32_t), slot_value(slot));
    }
    free(old);
    return true;
}

enum err hmap_put(struct hmap *map, const void *key, uint32_t value) {
    assert(value != HMAP_NONE);
    uint8_t *slot = hmap_slot(map, hmap_find(map, key));
    if (slot_value(slot) != HMAP_NONE) {
        slot_set_value(slot, value);
        return ERR_OK;
    }
    if (map->count >= map->entries_max)
        return ERR_LIMIT;
    // At most 5/8 full, so that probes stay short and a free slot always ends them.
    if ((uint64_t)(map->count + 1) * 8 > (uint64_t)(map->mask + 1) * 5 && !hmap_grow(map))
        return ERR_NO_MEMORY;
    hmap_store(map, key, value);
    map->count++;
    return ERR_OK;
}

uint32_t hmap_get(const struct hmap *map, const void *key) {
    return slot_value(hmap_slot(map, hmap_find(map, key)));
}

uint32_t hmap_remove(struct hmap *map, const void *key) {
    uint32_t hole = hmap_find(map, key);
    uint32_t value = slot_value(hmap_slot(map, hole));
    if (value == HMAP_NONE)
        return HMAP_NONE;
    // Close the gap: move back each later entry of the run that may stand in the hole.
    for (uint32_t i = (hole + 1) & map->mask;; i = (i + 1) & map->mask) {
        const uint8_t *slot = hmap_slot(map, i);
        if (slot_value(slot) == HMAP_NONE)
            break;
        uint32_t home = (uint32_t)hmap_hash(map, slot + sizeof(uint32_t)) & map->mask;
        if (((i - home) & map->mask) >= ((i - hole) & map->mask)) {
            memcpy(hmap_slot(map, hole), slot, map->stride);
            hole = i;
        }
    }
    slot_set_value(hmap_slot(map, hole), HMAP_NONE);
    map->count--;
    return value;
}

uint32_t hmap_count(const struct hmap *map) {
    return map->count;
}
