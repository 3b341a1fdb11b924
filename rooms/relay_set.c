#include "rooms/relay_set.h"

#include <assert.h>
#include <stdlib.h>

struct relay *relay_set_find(const struct relay_set *set, struct link_id link) {
    for (uint32_t i = 0; i < set->count; i++)
        if (set->relays[i].link.v == link.v)
            return &set->relays[i];
    return NULL;
}

struct relay *relay_set_add(struct relay_set *set, struct link_id link) {
    assert(!relay_set_find(set, link));
    if (set->count == RELAYS_MAX)
        return NULL;
    if (set->count == set->cap) {
        uint32_t cap = set->cap ? set->cap * 2 : 4;
        struct relay *relays = realloc(set->relays, cap * sizeof *relays);
        if (!relays)
            return NULL;
        set->relays = relays;
        set->cap = cap;
    }
    struct relay *relay = &set->relays[set->count++];
    *relay = (struct relay){.link = link, .wanted = LAYER_NONE, .wanted_temporal = LAYER_NONE};
    return relay;
}

void relay_set_remove(struct relay_set *set, struct relay *relay) {
    assert(relay >= set->relays && relay < set->relays + set->count);
    *relay = set->relays[--set->count];
}

void relay_set_clear(struct relay_set *set) {
    free(set->relays);
    *set = (struct relay_set){0};
}
