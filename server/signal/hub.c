// The public face of the hub: making, ending, time, counts. Messages are handled in signal_*.c.
#include "server/hub/hub.h"

#include "base/hmap.h"
#include "base/log.h"
#include "base/slots.h"
#include "server/signal/signal.h"

#include <assert.h>
#include <stdlib.h>

#define NEXT_HORIZON_US US_PER_SECOND

struct hub *hub_create(const struct hub_config *config, const struct hub_io *io, uint64_t now_us) {
    assert(config->workers > 0 && config->workers <= WORKERS_MAX);
    assert(config->announce_count <= HUB_ANNOUNCE_MAX);
    struct hub *hub = calloc(1, sizeof *hub);
    if (!hub)
        return NULL;
    hub->config = *config;
    hub->now_us = now_us;
    command_post_init(&hub->post, io, config->limits.commands_waiting_max);
    wheel_init(&hub->wheel, now_us);
    enum err e = directory_init(&hub->directory, config->workers, config->limits.rooms_max,
                                config->limits.participants_per_worker);
    hub->directory.ctx = hub;
    enum err e2 = registry_init(&hub->registry);
    hub->sessions = slots_create(SLOTS_MAX);
    hub->clients = hmap_create(sizeof(uint32_t), SLOTS_MAX);
    hub->stats_requests = stats_table_create();
    hub->router_capabilities = negotiate_router_capabilities();
    if (e != ERR_OK || e2 != ERR_OK || !hub->sessions || !hub->clients || !hub->stats_requests ||
        !hub->router_capabilities) {
        json_decref(hub->router_capabilities);
        hub->router_capabilities = NULL; // half built: there is nobody to send away
        hub_destroy(hub);
        return NULL;
    }
    return hub;
}

// ---- the end

static void silent_send(void *ctx, uint32_t client, const char *text, size_t len) {
    (void)ctx, (void)client, (void)text, (void)len;
}

static void silent_close(void *ctx, uint32_t client, uint16_t code, const char *reason) {
    (void)ctx, (void)client, (void)code, (void)reason;
}

static bool silent_post(void *ctx, unsigned worker, const struct media_cmd *cmd) {
    (void)ctx, (void)worker, (void)cmd;
    return true;
}

static void close_rooms(struct hub *hub) {
    LIST_EACH(node, &hub->directory.rooms) {
        struct room *room = LIST_ENTRY(node, struct room, link);
        LIST_EACH(p, &room->participants)
        signal_leave(hub, LIST_ENTRY(p, struct participant, link), "shutdown");
        signal_room_remove(hub, room);
    }
}

static void close_sessions(struct hub *hub) {
    uint32_t cursor = 0;
    for (struct session *session; (session = slots_next(hub->sessions, &cursor));)
        hub_client_closed(hub, session->client, hub->now_us);
}

void hub_destroy(struct hub *hub) {
    if (!hub)
        return;
    hub->post.io = (struct hub_io){.send = silent_send, .close = silent_close, .post = silent_post};
    if (hub->router_capabilities) { // all of it was made
        close_rooms(hub);
        close_sessions(hub);
    }
    command_post_close(&hub->post);
    directory_close(&hub->directory);
    registry_close(&hub->registry);
    slots_destroy(hub->sessions);
    hmap_destroy(hub->clients);
    slots_destroy(hub->stats_requests);
    json_decref(hub->router_capabilities);
    for (size_t i = 0; i < EXTENSION_LISTS_MAX; i++)
        json_decref(hub->extension_lists[i]);
    for (size_t i = 0; i < RECEIVERS_KEPT; i++)
        json_decref(hub->receivers[i].capabilities);
    assert(hub->held_bytes == 0);
    text_buffer_close(&hub->out);
    free(hub);
}

void hub_drain(struct hub *hub, uint64_t now_us) {
    hub->now_us = now_us;
    if (hub->draining)
        return;
    hub->draining = true;
    json_t *data = json_pack("{s:n}", "deadline");
    if (data && signal_encode(&hub->out, signal_out_name(OUT_SERVER_DRAINING), data, NULL)) {
        uint32_t cursor = 0;
        for (struct session *session; (session = slots_next(hub->sessions, &cursor));)
            signal_send_text(session, hub->out.text, hub->out.len);
    }
    json_decref(data);
    LOG_INFO("draining", LOG_NUMBER("participants", hub->directory.participant_count));
}

// ---- time

uint64_t hub_next_us(const struct hub *hub) {
    uint64_t next_us = wheel_next_us(&hub->wheel, hub->now_us, NEXT_HORIZON_US);
    uint64_t retry_us = command_post_next_us(&hub->post);
    return retry_us < next_us ? retry_us : next_us;
}

void hub_advance(struct hub *hub, uint64_t now_us) {
    hub->now_us = now_us;
    command_post_flush(&hub->post, now_us);
    wheel_advance(&hub->wheel, now_us);
}

// ---- counts

static void count_transports(const struct hub *hub, struct hub_counts *out) {
    const struct slots *transports = hub->registry.transports.slots;
    uint32_t cursor = 0;
    for (const struct room_transport *t; (t = slots_next(transports, &cursor));) {
        out->transports_by_ice[t->ice < 4 ? t->ice : ICE_NEW]++;
        out->transports_by_dtls[t->dtls < 5 ? t->dtls : DTLS_NEW]++;
    }
    out->transports = slots_count(transports);
}

void hub_read_counts(const struct hub *hub, struct hub_counts *out) {
    *out = hub->counts;
    out->clients = slots_count(hub->sessions);
    out->rooms = hub->directory.room_count;
    out->participants = hub->directory.participant_count;
    count_transports(hub, out);
    out->producers = slots_count(hub->registry.producers.slots);
    out->consumers = slots_count(hub->registry.consumers.slots);
    out->commands_waiting = hub->post.backlogged;
    out->held_bytes = memory_held(hub);
    uint32_t cursor = 0;
    for (const struct room_producer *p; (p = slots_next(hub->registry.producers.slots, &cursor));)
        out->relays += relay_count(p);
}
