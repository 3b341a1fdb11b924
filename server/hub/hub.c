// Making, ending, time, counts.
#include "server/hub/hub.h"

#include "base/log.h"
#include "base/slots.h"
#include "server/hub/hub_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NEXT_HORIZON_US US_PER_SECOND

struct hub *hub_create(const struct hub_config *config, const struct hub_io *io, uint64_t now_us) {
    assert(config->workers > 0 && config->workers <= WORKERS_MAX);
    assert(config->announce_count <= HUB_ANNOUNCE_MAX);
    struct hub *hub = calloc(1, sizeof *hub);
    if (!hub)
        return NULL;
    hub->config = *config;
    hub->io = *io;
    for (unsigned i = 0; i < HUB_OBSERVER_COUNT; i++)
        hub->observers[i] = hub_events_silent;
    hub->events = hub_events_of_all(hub);
    hub->now_us = now_us;
    command_post_init(&hub->post, io, config->limits.commands_waiting_max);
    hub_data_post_init(&hub->data_post, io, config->limits.commands_waiting_max);
    wheel_init(&hub->wheel, now_us);
    list_init(&hub->full);
    enum err e = directory_init(&hub->directory, config->workers, config->limits.rooms_max,
                                config->limits.participants_per_worker);
    enum err e2 = registry_init(&hub->registry);
    enum err e3 = data_registry_init(&hub->data_registry);
    hub->router_capabilities = negotiate_router_capabilities();
    if (e != ERR_OK || e2 != ERR_OK || e3 != ERR_OK || !hub->router_capabilities) {
        json_decref(hub->router_capabilities);
        hub->router_capabilities = NULL; // half built: there is nobody to send away
        hub_destroy(hub);
        return NULL;
    }
    return hub;
}

void hub_observe(struct hub *hub, enum hub_observer observer, const struct hub_events *events) {
    assert(observer < HUB_OBSERVER_COUNT);
    hub->observers[observer] = events ? *events : hub_events_silent;
    if (events && !events->data_producer_opened) { // it hears nothing of data channels
        struct hub_events *o = &hub->observers[observer];
        o->data_producer_opened = hub_events_silent.data_producer_opened;
        o->data_producer_closed = hub_events_silent.data_producer_closed;
        o->data_producer_taken = hub_events_silent.data_producer_taken;
        o->data_consumer_closed = hub_events_silent.data_consumer_closed;
        o->data_channel_opened = hub_events_silent.data_channel_opened;
    }
    if (events && !events->ice_candidates)
        hub->observers[observer].ice_candidates = hub_events_silent.ice_candidates;
}

struct room *hub_room(const struct hub *hub, uint32_t id) {
    return id ? directory_room(&hub->directory, id) : NULL;
}

const struct hub_config *hub_config(const struct hub *hub) {
    return &hub->config;
}

json_t *hub_router_capabilities(const struct hub *hub) {
    return hub->router_capabilities;
}

const struct room *hub_find_room(const struct hub *hub, const char *text) {
    char name[ROOM_NAME_BYTES_MAX + 1];
    struct hub_refusal refusal;
    return hub_read_name("roomId", text, ROOM_NAME_CHARS_MAX, name, &refusal)
               ? directory_find(&hub->directory, name)
               : NULL;
}

uint64_t hub_wall_us(const struct hub *hub) {
    return hub->io.wall_us ? hub->io.wall_us(hub->io.ctx) : clock_wall_us();
}

void hub_set_limits(struct hub *hub, const struct hub_limits *limits) {
    uint32_t waiting = hub->config.limits.commands_waiting_max;
    hub->config.limits = *limits;
    hub->config.limits.commands_waiting_max = waiting;
    hub->directory.rooms_max = limits->rooms_max;
    hub->directory.participants_per_worker = limits->participants_per_worker;
}

void hub_set_ice_servers(struct hub *hub, const struct ice_servers *servers) {
    hub->config.ice_servers = *servers;
}

// ---- the end

static bool silent_post(void *ctx, unsigned worker, const struct media_cmd *cmd) {
    (void)ctx, (void)worker, (void)cmd;
    return true;
}

static bool silent_post_data(void *ctx, const struct data_cmd *cmd) {
    (void)ctx, (void)cmd;
    return true;
}

static void close_rooms(struct hub *hub) {
    LIST_EACH(node, &hub->directory.rooms) {
        struct room *room = LIST_ENTRY(node, struct room, link);
        LIST_EACH(p, &room->participants)
        hub_leave(hub, LIST_ENTRY(p, struct participant, link), "shutdown");
        hub_room_remove(hub, room);
    }
}

void hub_destroy(struct hub *hub) {
    if (!hub)
        return;
    hub->events = hub_events_silent;
    hub->post.io = (struct hub_io){.post = silent_post};
    hub->data_post.io = (struct hub_io){.post_data = silent_post_data};
    if (hub->router_capabilities) // all of it was made
        close_rooms(hub);
    command_post_close(&hub->post);
    directory_close(&hub->directory);
    data_registry_close(&hub->data_registry);
    hub_data_post_close(&hub->data_post);
    registry_close(&hub->registry);
    json_decref(hub->router_capabilities);
    for (size_t i = 0; i < EXTENSION_LISTS_MAX; i++)
        json_decref(hub->extension_lists[i]);
    for (size_t i = 0; i < RECEIVERS_KEPT; i++)
        json_decref(hub->receivers[i].capabilities);
    assert(hub->held_bytes == 0);
    free(hub);
}

void hub_drain(struct hub *hub, uint64_t deadline_wall_us, uint64_t now_us) {
    hub->now_us = now_us;
    hub->draining = true;
    hub->events.draining(hub->events.ctx, deadline_wall_us);
    LOG_INFO("draining", LOG_NUMBER("participants", hub->directory.participant_count));
}

void hub_set_drain_to(struct hub *hub, const char *url) {
    assert(strlen(url) <= HUB_URL_MAX);
    memmove(hub->drain_to, url, strlen(url) + 1); // may be what it is already
}

const char *hub_drain_to(const struct hub *hub) {
    return hub->drain_to;
}

uint32_t hub_participant_count(const struct hub *hub) {
    return hub->directory.participant_count;
}

uint32_t hub_people_count(const struct hub *hub) {
    assert(hub->programs <= hub->directory.participant_count);
    return hub->directory.participant_count - hub->programs;
}

// ---- time

void hub_set_time(struct hub *hub, uint64_t now_us) {
    hub->now_us = now_us;
}

uint64_t hub_next_us(const struct hub *hub) {
    uint64_t next_us = wheel_next_us(&hub->wheel, hub->now_us, NEXT_HORIZON_US);
    uint64_t retry_us = command_post_next_us(&hub->post);
    uint64_t data_us = hub_data_post_next_us(&hub->data_post);
    retry_us = data_us < retry_us ? data_us : retry_us;
    return retry_us < next_us ? retry_us : next_us;
}

void hub_advance(struct hub *hub, uint64_t now_us) {
    hub->now_us = now_us;
    command_post_flush(&hub->post, now_us);
    hub_data_post_flush(&hub->data_post, now_us);
    wheel_advance(&hub->wheel, now_us);
}

// ---- counts

static void count_transports(const struct hub *hub, struct hub_counts *out) {
    const struct slots *transports = hub->registry.transports.slots;
    uint32_t cursor = 0;
    for (const struct room_transport *t; (t = slots_next(transports, &cursor));) {
        out->transports_by_ice[(unsigned)t->ice < ICE_STATE_COUNT ? t->ice : ICE_NEW]++;
        out->transports_by_dtls[(unsigned)t->dtls < DTLS_STATE_COUNT ? t->dtls : DTLS_NEW]++;
    }
    out->transports = slots_count(transports);
}

void hub_read_counts(const struct hub *hub, struct hub_counts *out) {
    *out = hub->counts;
    out->rooms = hub->directory.room_count;
    out->participants = hub->directory.participant_count;
    count_transports(hub, out);
    out->producers = slots_count(hub->registry.producers.slots);
    out->consumers = slots_count(hub->registry.consumers.slots);
    out->full_transports = hub->full_transports;
    out->commands_waiting = hub->post.backlogged + hub->data_post.count;
    out->held_bytes = hub_memory_held(hub);
    uint32_t cursor = 0;
    for (const struct room_producer *p; (p = slots_next(hub->registry.producers.slots, &cursor));)
        out->relays += hub_relay_count(p);
}
