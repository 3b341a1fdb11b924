// route_table: from a tuple or an ICE ufrag to whoever owns the peer. One a worker, used by that worker
// alone.
//
// A route is a worker and, when that is this worker, the local handle of the peer. Only authenticated facts
// go in: a tuple after ICE validated it, a ufrag when the transport was made.
#ifndef TRANSPORT_ROUTE_TABLE_H
#define TRANSPORT_ROUTE_TABLE_H

#include "base/span.h"
#include "rtp/peer_params.h"
#include "base/addr.h"

#define ROUTE_NONE UINT32_MAX

// worker in the top 8 bits, handle (a slots index or so, < 2^24) below
static inline uint32_t route_make(unsigned worker, uint32_t handle) {
    return (uint32_t)worker << 24 | handle;
}
static inline unsigned route_worker(uint32_t route) {
    return route >> 24;
}
static inline uint32_t route_handle(uint32_t route) {
    return route & 0xffffff;
}

struct route_table;
struct route_table *route_table_create(uint32_t tuples_max, uint32_t ufrags_max); // NULL: no memory
void route_table_destroy(struct route_table *table);                              // NULL is fine

// UDP alone: what comes over a connection is of the peer that the connection is of. ERR_UNSUPPORTED for
// others.
MUST_USE enum err route_put_tuple(struct route_table *table, const struct tuple *tuple, uint32_t route);
uint32_t route_get_tuple(const struct route_table *table, const struct tuple *tuple); // or ROUTE_NONE
// Removes it only if it still leads to `route`.
void route_remove_tuple(struct route_table *table, const struct tuple *tuple, uint32_t route);

MUST_USE enum err route_put_ufrag(struct route_table *table, const char ufrag[ICE_UFRAG_BYTES],
                                  uint32_t handle);
uint32_t route_get_ufrag(const struct route_table *table, struct span ufrag); // or ROUTE_NONE
void route_remove_ufrag(struct route_table *table, const char ufrag[ICE_UFRAG_BYTES]);

#endif
