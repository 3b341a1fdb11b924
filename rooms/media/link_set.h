// link_set: the links that a producer's packets leave by. Worker side; it changes with commands and is walked
// for each packet. All zeros is an empty set; link_set_clear gives its memory back. LINK_SET_EACH walks it.
#ifndef ROOMS_LINK_SET_H
#define ROOMS_LINK_SET_H

#include "base/err.h"
#include "rooms/media_msg.h"

#include <stdbool.h>

struct link_set {
    struct link_id *links; // in no order
    uint32_t count, cap;
};

// A link that is there already is fine. ERR_LIMIT: it has RELAYS_MAX; ERR_NO_MEMORY.
MUST_USE enum err link_set_add(struct link_set *set, struct link_id link);
void link_set_remove(struct link_set *set, struct link_id link); // one that is not there is fine
bool link_set_has(const struct link_set *set, struct link_id link);
void link_set_clear(struct link_set *set);

#define LINK_SET_EACH(link, set)                                                                             \
    for (const struct link_id *link = (set)->links; (set)->count > 0 && link < (set)->links + (set)->count;  \
         link++)

#endif
