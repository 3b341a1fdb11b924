// room_data: the data channels of participants as the control thread knows them: data producers, data
// consumers, and the channels of a room, and their two names, as rooms/registry.h has those of tracks.
//
// Control thread. A transport that carries data (room_transport.data) owns its data producers and consumers.
// Opening allocates and names, closing undoes that; nothing is said to anybody here.
#ifndef ROOMS_ROOM_DATA_H
#define ROOMS_ROOM_DATA_H

#include "rooms/registry.h"
#include "rooms/room.h"

struct data_registry;

// A channel of a room: what anybody sends on it all others get who receive it. It has a label and is there
// while somebody uses it.
struct room_channel {
    struct list link; // in room->channels
    struct room *room;
    struct data_registry *registry;
    uint32_t group; // the data worker's name of it
    uint32_t users;
    char label[DATA_TEXT_MAX + 1];
};

struct room_data_producer {
    struct list link; // in transport->data_producers
    struct room_transport *transport;
    struct data_producer_id id;
    struct public_id public_id;
    struct data_stream stream;
    struct room_channel *channel; // NULL: only those get it who consume it
    bool in_band;                 // its owner opened it in the association
    char label[DATA_TEXT_MAX + 1], protocol[DATA_TEXT_MAX + 1];
    char *app_data; // JSON text
    size_t app_data_len;
    size_t text_bytes;     // that count for its owner and room
    struct list consumers; // room_data_consumer.source_link
};

struct room_data_consumer {
    struct list link;        // in transport->data_consumers
    struct list source_link; // in producer->consumers
    struct room_transport *transport;
    struct room_data_producer *producer; // NULL: it consumes a channel
    struct room_channel *channel;        // or NULL
    struct data_consumer_id id;
    struct public_id public_id;
    struct data_stream stream;
    bool paused, in_band;
};

struct data_registry {
    struct registry_table producers, consumers;
    uint32_t groups, owners; // given out so far
    uint32_t channels;       // that there are
};

MUST_USE enum err data_registry_init(struct data_registry *registry);
void data_registry_close(
    struct data_registry *registry); // everything in it was closed before; half-built is fine

#define ROOM_CHANNELS_MAX 1024
struct room_channel *room_find_channel(const struct room *room,
                                       const char *label); // NULL: none of that label
// The room's channel of that label, with one user more; NULL without memory.
struct room_channel *room_channel_take(struct data_registry *registry, struct room *room, const char *label);
void room_channel_leave(struct room_channel *channel); // NULL is fine

// A copy of `made`'s plain members, which the caller has filled (transport, stream, channel, texts); app_data
// and the channel's user are taken over when it succeeds. NULL: no memory.
struct room_data_producer *data_registry_open_producer(struct data_registry *registry,
                                                       const struct room_data_producer *made);
void data_registry_close_producer(struct data_registry *registry, struct room_data_producer *producer);
// The same.
struct room_data_consumer *data_registry_open_consumer(struct data_registry *registry,
                                                       const struct room_data_consumer *made);
void data_registry_close_consumer(struct data_registry *registry, struct room_data_consumer *consumer);

// By public id (any text), by the worker's id: NULL: no such thing.
struct room_data_producer *data_registry_find_producer(const struct data_registry *registry,
                                                       const char *public_id);
struct room_data_consumer *data_registry_find_consumer(const struct data_registry *registry,
                                                       const char *public_id);
struct room_data_producer *data_registry_producer(const struct data_registry *registry,
                                                  struct data_producer_id id);
struct room_data_consumer *data_registry_consumer(const struct data_registry *registry,
                                                  struct data_consumer_id id);

static inline struct participant *data_producer_owner(const struct room_data_producer *producer) {
    return producer->transport->owner;
}

#endif
