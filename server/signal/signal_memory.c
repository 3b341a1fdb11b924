// What the control side holds for its clients, counted, and bounded all together: records by their number,
// texts and JSON values as they come and go, outboxes as the one who keeps them says.
#include "base/slots.h"
#include "server/signal/signal.h"

#include <assert.h>
#include <inttypes.h>

// Of the memory allocator and of tables, about, for one record.
#define RECORD_OVERHEAD_BYTES 64
#define ROOM_OVERHEAD_BYTES (ROOM_NAME_BYTES_MAX + RECORD_OVERHEAD_BYTES)
#define CONNECTION_BYTES 2048 // a socket's own, in the library that keeps it

// jansson on 64 bits: a table of eight buckets for an object, a list of eight places for an array.
#define OBJECT_BYTES 256
#define PAIR_BYTES 72
#define ARRAY_BYTES 128
#define ARRAY_PLACE_BYTES 16
#define SCALAR_BYTES 48

size_t memory_of_json(const json_t *value) {
    const char *key;
    json_t *member;
    if (!json_is_object(value) && !json_is_array(value))
        return SCALAR_BYTES + json_string_length(value);
    if (value->refcount > 1)
        return 0; // the router's
    size_t bytes = json_is_object(value) ? OBJECT_BYTES : ARRAY_BYTES;
    for (size_t i = 0; i < json_array_size(value); i++)
        bytes += ARRAY_PLACE_BYTES + memory_of_json(json_array_get(value, i));
    json_object_foreach((json_t *)value, key, member) {
        bytes += PAIR_BYTES + memory_of_json(member);
    }
    return bytes;
}

void memory_take(struct hub *hub, size_t bytes) {
    hub->held_bytes += bytes;
}

void memory_give(struct hub *hub, size_t bytes) {
    assert(hub->held_bytes >= bytes);
    hub->held_bytes -= bytes;
}

size_t memory_of_chat(const struct room *room) {
    return room->chat.bytes + room->chat.count * (sizeof(struct chat_entry) + RECORD_OVERHEAD_BYTES);
}

size_t memory_of_queued(const struct participant *participant) {
    return participant->queued_bytes +
           participant->queued_count * (sizeof(struct queued_text) + RECORD_OVERHEAD_BYTES);
}

static uint64_t records(uint32_t count, size_t bytes) {
    return (uint64_t)count * (bytes + RECORD_OVERHEAD_BYTES);
}

uint64_t memory_held(const struct hub *hub) {
    const struct registry *registry = &hub->registry;
    uint64_t waiting = hub->post.io.waiting ? hub->post.io.waiting(hub->post.io.ctx) : 0;
    return hub->held_bytes + waiting +
           records(slots_count(hub->sessions), sizeof(struct session) + CONNECTION_BYTES) +
           records(hub->directory.participant_count, sizeof(struct participant)) +
           records(hub->directory.room_count, sizeof(struct room) + ROOM_OVERHEAD_BYTES) +
           records(slots_count(registry->transports.slots), sizeof(struct room_transport)) +
           records(slots_count(registry->producers.slots), sizeof(struct room_producer)) +
           records(slots_count(registry->consumers.slots), sizeof(struct room_consumer));
}

bool memory_allows(struct signal_call *call) {
    uint32_t most = call->hub->config.limits.held_bytes_max;
    if (memory_held(call->hub) <= most)
        return true;
    signal_refuse(call, CODE_LIMIT_REACHED,
                  "%s: this server holds all the %" PRIu32
                  " bytes that it may hold for its clients; try again later",
                  call->type, most);
    return false;
}
