// data_objects: the insides of the data forwarder, for its two files: data_forwarder.c has the way of a
// message, data_objects.c the tables, and how things open and end.
#ifndef ROOMS_MEDIA_DATA_OBJECTS_H
#define ROOMS_MEDIA_DATA_OBJECTS_H

#include "rooms/media/data_forwarder.h"

#include "base/hmap.h"
#include "base/list.h"
#include "base/slots.h"

struct data_table { // objects by the control side's ids
    struct slots *slots;
    struct hmap *handles;
};

struct data_forwarder {
    struct data_forwarder_output output;
    uint64_t rate;
    uint64_t next_us;   // while somebody is held
    unsigned ends_left; // of this advance
    struct list held;   // data_endpoint.held_link
    struct list endpoints;
    struct data_table producers, consumers, groups;
    struct data_counters counters;
};

struct data_endpoint {
    struct list link; // in forwarder->endpoints
    struct transport_id id;
    uint32_t owner;
    void *peer;
    bool ended; // its association: nothing opens on it any more
    struct list producers, consumers;
    struct list held_link;            // in forwarder->held
    struct list lags;                 // data_lag.link: who has no room for the message in hand
    uint8_t *hand;                    // while there are such
    struct data_message hand_message; // in it
    uint64_t due_us;                  // when all that it has cost would be paid for
    unsigned holding;                 // lags of its consumers: how many times it holds somebody
    uint64_t debt_us;                 // for which it has held others until settled_us, less what is paid
    uint64_t settled_us;
};

struct data_group {
    uint32_t id, handle;
    uint32_t producers;
    struct list consumers; // data_consumer.source_link
};

struct data_producer {
    struct list link; // in endpoint->producers
    struct data_endpoint *endpoint;
    struct data_producer_id id;
    uint32_t handle;
    uint16_t stream;
    bool in_band;
    struct data_group *group; // or NULL
    struct list consumers;    // data_consumer.source_link
    uint64_t messages, bytes; // that have come
};

struct data_consumer {
    struct list link;        // in endpoint->consumers
    struct list source_link; // in the consumers of its producer or group
    struct data_endpoint *endpoint;
    struct data_consumer_id id;
    uint32_t handle;
    struct data_stream stream;
    bool paused, in_band;
    struct data_group *group; // NULL: it consumes a producer
    struct list lags;         // data_lag.consumer_link: whom it holds
    uint64_t messages, bytes; // that went out
};

// A consumer that has no room for what an endpoint has in hand.
struct data_lag {
    struct list link, consumer_link;
    struct data_endpoint *endpoint;
    struct data_consumer *consumer;
};

bool data_tables_open(struct data_forwarder *f);
void data_tables_close(struct data_forwarder *f);
void data_lag_end(struct data_forwarder *f, struct data_lag *lag, uint64_t now_us);
// Ends by themselves: told to the control side.
void data_producer_end(struct data_forwarder *f, struct data_producer *p, enum data_reason reason,
                       uint64_t now_us);
void data_consumer_end(struct data_forwarder *f, struct data_consumer *c, enum data_reason reason,
                       uint64_t now_us);

#endif
