// registry: every transport, producer and consumer of the server by its two names: the id that media workers
// know and the public id that clients know.
//
// Control thread. Opening allocates the record, names it and hangs it into its owner; closing undoes that and
// frees it. Nothing is said to workers or clients here.
#ifndef ROOMS_REGISTRY_H
#define ROOMS_REGISTRY_H

#include "rooms/participant.h"

struct registry_table {
    struct slots *slots; // worker's id -> record
    struct hmap *names;  // public id -> worker's id
};

struct registry {
    struct registry_table transports, producers, consumers;
    struct hmap *pairs; // participant and producer -> how many consumers the one has of the other
};

// For the registries that have such tables (rooms/room_data.h).
bool registry_table_init(struct registry_table *table);  // false without memory
void registry_table_close(struct registry_table *table); // half-built is fine
uint32_t registry_table_add(struct registry_table *table, void *object,
                            struct public_id *public_id); // names it; its id, or 0
void registry_table_remove(struct registry_table *table, uint32_t id, const struct public_id *public_id);
void *registry_table_find(const struct registry_table *table, const char *public_id); // NULL: none

MUST_USE enum err registry_init(struct registry *registry);
void registry_close(struct registry *registry); // everything in it was closed before; half-built is fine

// NULL without memory or at the table's limit.
struct room_transport *registry_open_transport(struct registry *registry, struct participant *owner,
                                               bool from_client);
// Its producers and consumers were closed before.
void registry_close_transport(struct registry *registry, struct room_transport *transport);

// consumable and app_data (from malloc, or NULL) are taken over when it succeeds.
struct room_producer *registry_open_producer(struct registry *registry, struct room_transport *transport,
                                             const struct producer_params *params, struct json_t *consumable,
                                             char *app_data, size_t app_data_len);
void registry_close_producer(struct registry *registry, struct room_producer *producer); // no consumers left

struct room_consumer *registry_open_consumer(struct registry *registry, struct room_transport *transport,
                                             struct room_producer *producer);
void registry_close_consumer(struct registry *registry, struct room_consumer *consumer);

// By public id (any text): NULL when there is no such thing.
// How many consumers of the producer the participant has.
uint32_t registry_consumer_count(const struct registry *registry, const struct participant *owner,
                                 const struct room_producer *producer);

struct room_transport *registry_find_transport(const struct registry *registry, const char *public_id);
struct room_producer *registry_find_producer(const struct registry *registry, const char *public_id);
struct room_consumer *registry_find_consumer(const struct registry *registry, const char *public_id);

// By the worker's id: NULL when it is stale.
struct room_transport *registry_transport(const struct registry *registry, struct transport_id id);
struct room_producer *registry_producer(const struct registry *registry, struct producer_id id);
struct room_consumer *registry_consumer(const struct registry *registry, struct consumer_id id);

#endif
