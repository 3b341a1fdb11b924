// hmap: a hash map from keys of one fixed size to 32-bit values, open addressing, seeded hash (SipHash-1-3).
//
// Whole keys are compared, never hashes alone: two peers whose hashes collide are still two peers. It grows
// by doubling up to entries_max and then refuses. One thread, or guarded by its owner.
#ifndef BASE_HMAP_H
#define BASE_HMAP_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HMAP_NONE UINT32_MAX // no such key; not a value to store

struct hmap;

// key_bytes: 1..64. NULL when out of memory. The seed comes from the operating system.
struct hmap *hmap_create(size_t key_bytes, uint32_t entries_max);
void hmap_destroy(struct hmap *map); // NULL is fine

// Adds or replaces. ERR_LIMIT when entries_max are there, ERR_NO_MEMORY when it could not grow; then nothing
// changed.
MUST_USE enum err hmap_put(struct hmap *map, const void *key, uint32_t value);
uint32_t hmap_get(const struct hmap *map, const void *key); // or HMAP_NONE
// Removes the key; returns its value or HMAP_NONE.
uint32_t hmap_remove(struct hmap *map, const void *key);
uint32_t hmap_count(const struct hmap *map);

#endif
