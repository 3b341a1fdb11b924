#include "rooms/media/link_set.h"

#include <stdlib.h>

static struct link_id *link_set_find(const struct link_set *set, struct link_id link) {
    for (uint32_t i = 0; i < set->count; i++)
        if (set->links[i].v == link.v)
            return &set->links[i];
    return NULL;
}

bool link_set_has(const struct link_set *set, struct link_id link) {
    return link_set_find(set, link) != NULL;
}

enum err link_set_add(struct link_set *set, struct link_id link) {
    if (link_set_has(set, link))
        return ERR_OK;
    if (set->count == RELAYS_MAX)
        return ERR_LIMIT;
    if (set->count == set->cap) {
        uint32_t cap = set->cap ? set->cap * 2 : 4;
        struct link_id *links = realloc(set->links, cap * sizeof *links);
        if (!links)
            return ERR_NO_MEMORY;
        set->links = links;
        set->cap = cap;
    }
    set->links[set->count++] = link;
    return ERR_OK;
}

void link_set_remove(struct link_set *set, struct link_id link) {
    struct link_id *found = link_set_find(set, link);
    if (found)
        *found = set->links[--set->count];
}

void link_set_clear(struct link_set *set) {
    free(set->links);
    *set = (struct link_set){0};
}
