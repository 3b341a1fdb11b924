#include "rooms/room_data.h"

#include "base/slots.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum err data_registry_init(struct data_registry *registry) {
    *registry = (struct data_registry){0};
    return registry_table_init(&registry->producers) && registry_table_init(&registry->consumers)
               ? ERR_OK
               : ERR_NO_MEMORY;
}

void data_registry_close(struct data_registry *registry) {
    registry_table_close(&registry->producers);
    registry_table_close(&registry->consumers);
}

// ---- channels

struct room_channel *room_find_channel(const struct room *room, const char *label) {
    LIST_EACH(node, &room->channels) {
        struct room_channel *channel = LIST_ENTRY(node, struct room_channel, link);
        if (strcmp(channel->label, label) == 0)
            return channel;
    }
    return NULL;
}

struct room_channel *room_channel_take(struct data_registry *registry, struct room *room, const char *label) {
    assert(strlen(label) <= DATA_TEXT_MAX);
    struct room_channel *channel = room_find_channel(room, label);
    if (channel) {
        channel->users++;
        return channel;
    }
    channel = calloc(1, sizeof *channel);
    if (!channel)
        return NULL;
    channel->room = room;
    channel->users = 1;
    if (++registry->groups == 0) // 0 is none
        registry->groups = 1;
    channel->group = registry->groups;
    memcpy(channel->label, label, strlen(label) + 1);
    list_push_back(&room->channels, &channel->link);
    room->channel_count++;
    registry->channels++;
    channel->registry = registry;
    return channel;
}

void room_channel_leave(struct room_channel *channel) {
    if (!channel || --channel->users > 0)
        return;
    channel->room->channel_count--;
    channel->registry->channels--;
    list_remove(&channel->link);
    free(channel);
}

// ---- producers

struct room_data_producer *data_registry_open_producer(struct data_registry *registry,
                                                       const struct room_data_producer *made) {
    struct room_data_producer *producer = malloc(sizeof *producer);
    if (!producer)
        return NULL;
    *producer = *made;
    producer->id.v = registry_table_add(&registry->producers, producer, &producer->public_id);
    if (producer->id.v == 0) {
        free(producer);
        return NULL;
    }
    list_init(&producer->link);
    list_init(&producer->consumers);
    list_push_back(&producer->transport->data_producers, &producer->link);
    struct participant *owner = producer->transport->owner;
    owner->data_producer_count++;
    owner->data_text_bytes += producer->text_bytes;
    owner->room->data_text_bytes += producer->text_bytes;
    return producer;
}

void data_registry_close_producer(struct data_registry *registry, struct room_data_producer *producer) {
    struct participant *owner = producer->transport->owner;
    assert(list_empty(&producer->consumers) && owner->data_producer_count > 0);
    assert(owner->data_text_bytes >= producer->text_bytes);
    owner->data_producer_count--;
    owner->data_text_bytes -= producer->text_bytes;
    owner->room->data_text_bytes -= producer->text_bytes;
    registry_table_remove(&registry->producers, producer->id.v, &producer->public_id);
    list_remove(&producer->link);
    room_channel_leave(producer->channel);
    free(producer->app_data);
    free(producer);
}

// ---- consumers

struct room_data_consumer *data_registry_open_consumer(struct data_registry *registry,
                                                       const struct room_data_consumer *made) {
    assert(!made->producer != !made->channel);
    struct room_data_consumer *consumer = malloc(sizeof *consumer);
    if (!consumer)
        return NULL;
    *consumer = *made;
    consumer->id.v = registry_table_add(&registry->consumers, consumer, &consumer->public_id);
    if (consumer->id.v == 0) {
        free(consumer);
        return NULL;
    }
    list_init(&consumer->link);
    list_init(&consumer->source_link);
    list_push_back(&consumer->transport->data_consumers, &consumer->link);
    if (consumer->producer)
        list_push_back(&consumer->producer->consumers, &consumer->source_link);
    consumer->transport->owner->data_consumer_count++;
    return consumer;
}

void data_registry_close_consumer(struct data_registry *registry, struct room_data_consumer *consumer) {
    assert(consumer->transport->owner->data_consumer_count > 0);
    consumer->transport->owner->data_consumer_count--;
    registry_table_remove(&registry->consumers, consumer->id.v, &consumer->public_id);
    list_remove(&consumer->link);
    list_remove(&consumer->source_link);
    room_channel_leave(consumer->channel);
    free(consumer);
}

// ---- finding

struct room_data_producer *data_registry_find_producer(const struct data_registry *registry,
                                                       const char *public_id) {
    return registry_table_find(&registry->producers, public_id);
}

struct room_data_consumer *data_registry_find_consumer(const struct data_registry *registry,
                                                       const char *public_id) {
    return registry_table_find(&registry->consumers, public_id);
}

struct room_data_producer *data_registry_producer(const struct data_registry *registry,
                                                  struct data_producer_id id) {
    return slots_get(registry->producers.slots, id.v);
}

struct room_data_consumer *data_registry_consumer(const struct data_registry *registry,
                                                  struct data_consumer_id id) {
    return slots_get(registry->consumers.slots, id.v);
}
