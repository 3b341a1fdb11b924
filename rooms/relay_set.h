// relay_set: over which links a producer's packets go to consumers elsewhere, and what is wanted there.
// Control thread. All zeros is an empty set; relay_set_clear gives its memory back.
#ifndef ROOMS_RELAY_SET_H
#define ROOMS_RELAY_SET_H

#include "rooms/media_msg.h"

struct relay {
    struct link_id link;
    uint32_t consumers;             // there; at least one, or the relay is to be removed
    int8_t wanted, wanted_temporal; // highest layers in use there, or LAYER_NONE
};

struct relay_set {
    struct relay *relays; // in no order; those of a set move when it changes
    uint32_t count, cap;
};

struct relay *relay_set_find(const struct relay_set *set, struct link_id link); // NULL: there is none
// A link that is not in the set, without consumers yet; NULL: no memory, or RELAYS_MAX are there.
struct relay *relay_set_add(struct relay_set *set, struct link_id link);
void relay_set_remove(struct relay_set *set, struct relay *relay);
void relay_set_clear(struct relay_set *set);

#endif
