// What the control side holds for its clients, counted, and bounded all together: records by their number,
// texts and JSON values as they come and go, connections and what waits for them as those say who keep them.
#include "base/slots.h"
#include "server/hub/hub_internal.h"

#include <assert.h>
#include <inttypes.h>

// Of the memory allocator and of tables, about, for one record.
#define RECORD_OVERHEAD_BYTES 64
#define ROOM_OVERHEAD_BYTES (ROOM_NAME_BYTES_MAX + RECORD_OVERHEAD_BYTES)

// jansson on 64 bits: a table of eight buckets for an object, a list of eight places for an array.
#define OBJECT_BYTES 256
#define PAIR_BYTES 72
#define ARRAY_BYTES 128
#define ARRAY_PLACE_BYTES 16
#define SCALAR_BYTES 48

size_t hub_memory_of_json(const json_t *value) {
    const char *key;
    json_t *member;
    if (!json_is_object(value) && !json_is_array(value))
        return SCALAR_BYTES + json_string_length(value);
    if (value->refcount > 1)
        return 0; // the router's
    size_t bytes = json_is_object(value) ? OBJECT_BYTES : ARRAY_BYTES;
    for (size_t i = 0; i < json_array_size(value); i++)
        bytes += ARRAY_PLACE_BYTES + hub_memory_of_json(json_array_get(value, i));
    json_object_foreach((json_t *)value, key, member) {
        bytes += PAIR_BYTES + hub_memory_of_json(member);
    }
    return bytes;
}

void hub_memory_take(struct hub *hub, size_t bytes) {
    hub->held_bytes += bytes;
}

void hub_memory_give(struct hub *hub, size_t bytes) {
    assert(hub->held_bytes >= bytes);
    hub->held_bytes -= bytes;
}

size_t hub_memory_of_chat(const struct room *room) {
    return room->chat.bytes + room->chat.count * (sizeof(struct chat_entry) + RECORD_OVERHEAD_BYTES);
}

size_t hub_memory_of_queued(const struct participant *participant) {
    return participant->queued_bytes +
           participant->queued_count * (sizeof(struct queued_text) + RECORD_OVERHEAD_BYTES);
}

static uint64_t records(uint32_t count, size_t bytes) {
    return (uint64_t)count * (bytes + RECORD_OVERHEAD_BYTES);
}

uint64_t hub_memory_held(const struct hub *hub) {
    const struct registry *registry = &hub->registry;
    return hub->held_bytes + hub->events.held_bytes(hub->events.ctx) +
           records(hub->directory.participant_count, sizeof(struct participant)) +
           records(hub->directory.room_count, sizeof(struct room) + ROOM_OVERHEAD_BYTES) +
           records(slots_count(registry->transports.slots), sizeof(struct room_transport)) +
           records(slots_count(registry->producers.slots), sizeof(struct room_producer)) +
           records(slots_count(registry->consumers.slots), sizeof(struct room_consumer)) +
           records(hub->data_registry.channels, sizeof(struct room_channel)) +
           records(slots_count(hub->data_registry.producers.slots), sizeof(struct room_data_producer)) +
           records(slots_count(hub->data_registry.consumers.slots), sizeof(struct room_data_consumer));
}

bool hub_memory_allows(const struct hub *hub, struct hub_refusal *refusal) {
    uint32_t most = hub->config.limits.held_bytes_max;
    return hub_memory_held(hub) <= most ||
           hub_refuse(refusal, HUB_LIMIT_REACHED,
                      "this server holds all the %" PRIu32
                      " bytes that it may hold for its clients; try again later",
                      most);
}
