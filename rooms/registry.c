#include "rooms/registry.h"

#include "base/hmap.h"
#include "base/slots.h"

#include <assert.h>
#include <jansson.h> // json_decref only
#include <stdlib.h>
#include <string.h>

// All of it is the key: no padding.
struct pair {
    uint64_t owner, producer;
};

bool registry_table_init(struct registry_table *table) {
    table->slots = slots_create(SLOTS_MAX);
    table->names = hmap_create(PUBLIC_ID_BYTES, SLOTS_MAX);
    return table->slots && table->names;
}

void registry_table_close(struct registry_table *table) {
    assert(!table->slots || slots_count(table->slots) == 0);
    slots_destroy(table->slots);
    hmap_destroy(table->names);
    *table = (struct registry_table){0};
}

uint32_t registry_table_add(struct registry_table *table, void *object, struct public_id *public_id) {
    uint32_t id = slots_add(table->slots, object);
    if (id == 0)
        return 0;
    *public_id = public_id_new();
    assert(hmap_get(table->names, public_id->text) == HMAP_NONE);
    if (hmap_put(table->names, public_id->text, id) != ERR_OK) {
        slots_remove(table->slots, id);
        return 0;
    }
    return id;
}

void registry_table_remove(struct registry_table *table, uint32_t id, const struct public_id *public_id) {
    void *object = slots_remove(table->slots, id);
    uint32_t named = hmap_remove(table->names, public_id->text);
    assert(object && named == id);
    (void)object, (void)named;
}

void *registry_table_find(const struct registry_table *table, const char *public_id) {
    if (strlen(public_id) != PUBLIC_ID_BYTES)
        return NULL;
    uint32_t id = hmap_get(table->names, public_id);
    return id == HMAP_NONE ? NULL : slots_get(table->slots, id);
}

enum err registry_init(struct registry *registry) {
    *registry = (struct registry){0};
    registry->pairs = hmap_create(sizeof(struct pair), SLOTS_MAX);
    bool ok = registry->pairs && registry_table_init(&registry->transports) &&
              registry_table_init(&registry->producers) && registry_table_init(&registry->consumers);
    return ok ? ERR_OK : ERR_NO_MEMORY;
}

void registry_close(struct registry *registry) {
    registry_table_close(&registry->transports);
    registry_table_close(&registry->producers);
    registry_table_close(&registry->consumers);
    assert(!registry->pairs || hmap_count(registry->pairs) == 0);
    hmap_destroy(registry->pairs);
    registry->pairs = NULL;
}

// ---- who consumes what

static struct pair pair_of(const struct participant *owner, const struct room_producer *producer) {
    return (struct pair){(uintptr_t)owner, producer->id.v};
}

uint32_t registry_consumer_count(const struct registry *registry, const struct participant *owner,
                                 const struct room_producer *producer) {
    struct pair pair = pair_of(owner, producer);
    uint32_t count = hmap_get(registry->pairs, &pair);
    return count == HMAP_NONE ? 0 : count;
}

static bool pair_add(struct registry *registry, const struct participant *owner,
                     const struct room_producer *producer) {
    struct pair pair = pair_of(owner, producer);
    return hmap_put(registry->pairs, &pair, registry_consumer_count(registry, owner, producer) + 1) == ERR_OK;
}

static void pair_remove(struct registry *registry, const struct participant *owner,
                        const struct room_producer *producer) {
    struct pair pair = pair_of(owner, producer);
    uint32_t count = hmap_remove(registry->pairs, &pair);
    assert(count != HMAP_NONE && count > 0);
    if (count > 1) {
        enum err e = hmap_put(registry->pairs, &pair, count - 1);
        assert(e == ERR_OK); // in the place that has become free
        (void)e;
    }
}

struct room_transport *registry_open_transport(struct registry *registry, struct participant *owner,
                                               bool from_client) {
    struct room_transport *transport = calloc(1, sizeof *transport);
    if (!transport)
        return NULL;
    transport->id.v = registry_table_add(&registry->transports, transport, &transport->public_id);
    if (transport->id.v == 0) {
        free(transport);
        return NULL;
    }
    transport->owner = owner;
    transport->from_client = from_client;
    list_init(&transport->link);
    list_init(&transport->producers);
    list_init(&transport->consumers);
    list_init(&transport->data_producers);
    list_init(&transport->data_consumers);
    list_push_back(&owner->transports, &transport->link);
    owner->transport_count++;
    return transport;
}

void registry_close_transport(struct registry *registry, struct room_transport *transport) {
    assert(list_empty(&transport->producers) && list_empty(&transport->consumers));
    assert(list_empty(&transport->data_producers) && list_empty(&transport->data_consumers));
    assert(transport->owner->transport_count > 0);
    registry_table_remove(&registry->transports, transport->id.v, &transport->public_id);
    list_remove(&transport->link);
    transport->owner->transport_count--;
    transport->owner->agent_count -= transport->full != NULL;
    free(transport->full);
    free(transport);
}

struct room_producer *registry_open_producer(struct registry *registry, struct room_transport *transport,
                                             const struct producer_params *params, struct json_t *consumable,
                                             char *app_data, size_t app_data_len) {
    assert(transport->from_client);
    struct room_producer *producer = calloc(1, sizeof *producer);
    if (!producer)
        return NULL;
    producer->id.v = registry_table_add(&registry->producers, producer, &producer->public_id);
    if (producer->id.v == 0) {
        free(producer);
        return NULL;
    }
    producer->transport = transport;
    producer->kind = params->kind;
    producer->params = *params;
    producer->consumable = consumable;
    producer->app_data = app_data;
    producer->app_data_len = app_data_len;
    producer->wanted_at_home = producer->wanted_told = LAYER_NONE;
    producer->wanted_temporal_at_home = producer->wanted_temporal_told = LAYER_NONE;
    list_init(&producer->link);
    list_init(&producer->consumers);
    list_push_back(&transport->producers, &producer->link);
    transport->owner->producer_count++;
    return producer;
}

void registry_close_producer(struct registry *registry, struct room_producer *producer) {
    assert(list_empty(&producer->consumers));
    assert(producer_owner(producer)->producer_count > 0);
    registry_table_remove(&registry->producers, producer->id.v, &producer->public_id);
    list_remove(&producer->link);
    producer_owner(producer)->producer_count--;
    json_decref(producer->consumable);
    free(producer->app_data);
    relay_set_clear(&producer->relays);
    free(producer);
}

struct room_consumer *registry_open_consumer(struct registry *registry, struct room_transport *transport,
                                             struct room_producer *producer) {
    assert(!transport->from_client);
    struct room_consumer *consumer = calloc(1, sizeof *consumer);
    if (!consumer)
        return NULL;
    consumer->id.v = registry_table_add(&registry->consumers, consumer, &consumer->public_id);
    if (consumer->id.v == 0) {
        free(consumer);
        return NULL;
    }
    if (!pair_add(registry, transport->owner, producer)) {
        registry_table_remove(&registry->consumers, consumer->id.v, &consumer->public_id);
        free(consumer);
        return NULL;
    }
    consumer->transport = transport;
    consumer->producer = producer;
    list_init(&consumer->link);
    list_init(&consumer->producer_link);
    list_push_back(&transport->consumers, &consumer->link);
    list_push_back(&producer->consumers, &consumer->producer_link);
    transport->owner->consumer_count++;
    return consumer;
}

void registry_close_consumer(struct registry *registry, struct room_consumer *consumer) {
    assert(consumer_owner(consumer)->consumer_count > 0);
    pair_remove(registry, consumer_owner(consumer), consumer->producer);
    registry_table_remove(&registry->consumers, consumer->id.v, &consumer->public_id);
    list_remove(&consumer->link);
    list_remove(&consumer->producer_link);
    consumer_owner(consumer)->consumer_count--;
    free(consumer);
}

struct room_transport *registry_find_transport(const struct registry *registry, const char *public_id) {
    return registry_table_find(&registry->transports, public_id);
}

struct room_producer *registry_find_producer(const struct registry *registry, const char *public_id) {
    return registry_table_find(&registry->producers, public_id);
}

struct room_consumer *registry_find_consumer(const struct registry *registry, const char *public_id) {
    return registry_table_find(&registry->consumers, public_id);
}

struct room_transport *registry_transport(const struct registry *registry, struct transport_id id) {
    return slots_get(registry->transports.slots, id.v);
}

struct room_producer *registry_producer(const struct registry *registry, struct producer_id id) {
    return slots_get(registry->producers.slots, id.v);
}

struct room_consumer *registry_consumer(const struct registry *registry, struct consumer_id id) {
    return slots_get(registry->consumers.slots, id.v);
}
