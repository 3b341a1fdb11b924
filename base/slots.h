// slots: a bounded table of objects that are named by ids with a generation, so that a stale id finds nothing
// instead of someone else's object. Threads give each other ids, never pointers.
//
// An id is never 0. The table keeps pointers and does not own what they point at. One thread.
#ifndef BASE_SLOTS_H
#define BASE_SLOTS_H

#include <stdint.h>

#define SLOTS_MAX (UINT32_C(1) << 20)

struct slots;

// A table of at most entries_max (up to SLOTS_MAX) objects; NULL when out of memory.
struct slots *slots_create(uint32_t entries_max);
void slots_destroy(struct slots *slots); // NULL is fine

// The new object's id, or 0 when the table is full or memory is out. object is not NULL.
uint32_t slots_add(struct slots *slots, void *object);
void *slots_get(const struct slots *slots, uint32_t id); // or NULL
void *slots_remove(struct slots *slots, uint32_t id);    // what was there, or NULL
uint32_t slots_count(const struct slots *slots);

// The part of an id that is its place in the table, below the table's size; for whoever has no room for a
// whole id and is told when the object goes.
static inline uint32_t slots_index(uint32_t id) {
    return id & (SLOTS_MAX - 1);
}
void *slots_at(const struct slots *slots, uint32_t index); // what is there now, or NULL

// Walks all objects: start with *cursor = 0; NULL at the end. Removing the object just returned is fine.
void *slots_next(const struct slots *slots, uint32_t *cursor);

#endif
