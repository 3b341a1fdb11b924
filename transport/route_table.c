#include "transport/route_table.h"

#include "base/hmap.h"

#include <assert.h>
#include <stdlib.h>

_Static_assert(ROUTE_NONE == HMAP_NONE, "the map's answer is ours");

struct route_table {
    struct hmap *tuples;
    struct hmap *ufrags;
};

struct route_table *route_table_create(uint32_t tuples_max, uint32_t ufrags_max) {
    struct route_table *table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->tuples = hmap_create(sizeof(struct tuple), tuples_max);
    table->ufrags = hmap_create(ICE_UFRAG_BYTES, ufrags_max);
    if (!table->tuples || !table->ufrags) {
        route_table_destroy(table);
        return NULL;
    }
    return table;
}

void route_table_destroy(struct route_table *table) {
    if (!table)
        return;
    hmap_destroy(table->tuples);
    hmap_destroy(table->ufrags);
    free(table);
}

enum err route_put_tuple(struct route_table *table, const struct tuple *tuple, uint32_t route) {
    assert(route != ROUTE_NONE);
    if (tuple->protocol != TUPLE_UDP)
        return ERR_UNSUPPORTED;
    return hmap_put(table->tuples, tuple, route);
}

uint32_t route_get_tuple(const struct route_table *table, const struct tuple *tuple) {
    return hmap_get(table->tuples, tuple);
}

void route_remove_tuple(struct route_table *table, const struct tuple *tuple, uint32_t route) {
    if (hmap_get(table->tuples, tuple) == route)
        hmap_remove(table->tuples, tuple);
}

enum err route_put_ufrag(struct route_table *table, const char ufrag[ICE_UFRAG_BYTES], uint32_t handle) {
    assert(handle != ROUTE_NONE);
    return hmap_put(table->ufrags, ufrag, handle);
}

uint32_t route_get_ufrag(const struct route_table *table, struct span ufrag) {
    return ufrag.len == ICE_UFRAG_BYTES ? hmap_get(table->ufrags, ufrag.ptr) : ROUTE_NONE;
}

void route_remove_ufrag(struct route_table *table, const char ufrag[ICE_UFRAG_BYTES]) {
    hmap_remove(table->ufrags, ufrag);
}
