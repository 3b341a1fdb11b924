#include "base/slots.h"

#include <assert.h>
#include <stdlib.h>

// id = generation (12 bits, 1..4095) << 20 | index
#define INDEX_BITS 20
#define GENERATION_MASK UINT32_C(0xfff)

struct slots_entry {
    void *object; // NULL when free
    uint32_t generation;
    uint32_t next_free;
};

struct slots {
    struct slots_entry *entries;
    uint32_t limit;
    uint32_t allocated;
    uint32_t used; // entries that were ever in use
    uint32_t count;
    // Freed entries are reused first in, first out, so that a generation comes back as late as possible.
    uint32_t free_head, free_tail;
};

#define NO_ENTRY UINT32_MAX

struct slots *slots_create(uint32_t entries_max) {
    assert(entries_max > 0 && entries_max <= SLOTS_MAX);
    struct slots *slots = calloc(1, sizeof *slots);
    if (slots) {
        slots->limit = entries_max;
        slots->free_head = slots->free_tail = NO_ENTRY;
    }
    return slots;
}

void slots_destroy(struct slots *slots) {
    if (!slots)
        return;
    free(slots->entries);
    free(slots);
}

static uint32_t slots_fresh(struct slots *slots) {
    if (slots->used == slots->limit)
        return NO_ENTRY;
    if (slots->used == slots->allocated) {
        uint32_t n = slots->allocated ? slots->allocated * 2 : 16;
        if (n > slots->limit)
            n = slots->limit;
        struct slots_entry *entries = realloc(slots->entries, n * sizeof *entries);
        if (!entries)
            return NO_ENTRY;
        slots->entries = entries;
        slots->allocated = n;
    }
    slots->entries[slots->used] = (struct slots_entry){.generation = 1};
    return slots->used++;
}

uint32_t slots_add(struct slots *slots, void *object) {
    assert(object);
    uint32_t index = slots->free_head;
    if (index != NO_ENTRY) {
        slots->free_head = slots->entries[index].next_free;
        if (slots->free_head == NO_ENTRY)
            slots->free_tail = NO_ENTRY;
    } else {
        index = slots_fresh(slots);
        if (index == NO_ENTRY)
            return 0;
    }
    struct slots_entry *entry = &slots->entries[index];
    assert(!entry->object);
    entry->object = object;
    slots->count++;
    return entry->generation << INDEX_BITS | index;
}

static struct slots_entry *slots_find(const struct slots *slots, uint32_t id) {
    uint32_t index = slots_index(id);
    if (index >= slots->used)
        return NULL;
    struct slots_entry *entry = &slots->entries[index];
    return entry->object && entry->generation == id >> INDEX_BITS ? entry : NULL;
}

void *slots_get(const struct slots *slots, uint32_t id) {
    struct slots_entry *entry = slots_find(slots, id);
    return entry ? entry->object : NULL;
}

void *slots_at(const struct slots *slots, uint32_t index) {
    return index < slots->used ? slots->entries[index].object : NULL;
}

void *slots_remove(struct slots *slots, uint32_t id) {
    struct slots_entry *entry = slots_find(slots, id);
    if (!entry)
        return NULL;
    void *object = entry->object;
    entry->object = NULL;
    entry->generation = entry->generation == GENERATION_MASK ? 1 : entry->generation + 1;
    entry->next_free = NO_ENTRY;
    uint32_t index = slots_index(id);
    if (slots->free_tail != NO_ENTRY)
        slots->entries[slots->free_tail].next_free = index;
    else
        slots->free_head = index;
    slots->free_tail = index;
    slots->count--;
    return object;
}

uint32_t slots_count(const struct slots *slots) {
    return slots->count;
}

void *slots_next(const struct slots *slots, uint32_t *cursor) {
    while (*cursor < slots->used) {
        void *object = slots->entries[(*cursor)++].object;
        if (object)
            return object;
    }
    return NULL;
}
