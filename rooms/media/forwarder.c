// The tables of a worker's media objects, and its commands.
#include "rooms/media/congestion.h"
#include "rooms/media/feedback.h"

#include "base/log_pace.h"

#include <assert.h>
#include <stdlib.h>

// ---- tables

// xorshift64*: for SSRCs, first numbers and report intervals, not for secrets.
uint64_t forwarder_random(struct forwarder *fw) {
    fw->random ^= fw->random >> 12;
    fw->random ^= fw->random << 25;
    fw->random ^= fw->random >> 27;
    return (fw->random * UINT64_C(0x2545f4914f6cdd1d)) >> 16;
}

struct forwarder *forwarder_create(const struct forwarder_config *config,
                                   const struct forwarder_output *output, struct pool *pool,
                                   struct wheel *wheel) {
    struct forwarder *fw = calloc(1, sizeof *fw);
    if (!fw)
        return NULL;
    *fw = (struct forwarder){
        .config = *config, .out = *output, .pool = pool, .wheel = wheel, .random = config->random_seed | 1};
    budget_rates_init(&fw->rates, &config->limits);
    fw->endpoints = slots_create(FORWARDER_OBJECTS_MAX);
    fw->producers = slots_create(FORWARDER_OBJECTS_MAX);
    fw->consumers = slots_create(FORWARDER_OBJECTS_MAX);
    fw->endpoint_ids = hmap_create(sizeof(struct transport_id), FORWARDER_OBJECTS_MAX);
    fw->producer_ids = hmap_create(sizeof(struct producer_id), FORWARDER_OBJECTS_MAX);
    fw->consumer_ids = hmap_create(sizeof(struct consumer_id), FORWARDER_OBJECTS_MAX);
    fw->consumer_ssrcs = hmap_create(2 * sizeof(uint32_t), FORWARDER_OBJECTS_MAX);
    fw->voice_groups = slots_create(FORWARDER_OBJECTS_MAX);
    fw->voice_group_ids = hmap_create(sizeof(uint32_t), FORWARDER_OBJECTS_MAX);
    fw->fan_out = fan_out_create();
    fw->allocator = allocator_create();
    if (!fw->endpoints || !fw->producers || !fw->consumers || !fw->endpoint_ids || !fw->producer_ids ||
        !fw->consumer_ids || !fw->consumer_ssrcs || !fw->voice_groups || !fw->voice_group_ids ||
        !fw->fan_out || !fw->allocator) {
        forwarder_destroy(fw);
        return NULL;
    }
    return fw;
}

static void forwarder_close_all(struct forwarder *fw) {
    uint32_t cursor = 0;
    for (struct endpoint *ep; (ep = slots_next(fw->endpoints, &cursor));)
        endpoint_close(ep);
    cursor = 0;
    for (struct producer *p; (p = slots_next(fw->producers, &cursor));)
        producer_close(p); // relayed ones
    assert(slots_count(fw->consumers) == 0);
}

void forwarder_destroy(struct forwarder *fw) {
    if (!fw)
        return;
    if (fw->endpoints && fw->producers && fw->consumers)
        forwarder_close_all(fw);
    fan_out_destroy(fw->fan_out);
    hmap_destroy(fw->voice_group_ids);
    slots_destroy(fw->voice_groups);
    allocator_destroy(fw->allocator);
    hmap_destroy(fw->consumer_ssrcs);
    hmap_destroy(fw->consumer_ids);
    hmap_destroy(fw->producer_ids);
    hmap_destroy(fw->endpoint_ids);
    slots_destroy(fw->consumers);
    slots_destroy(fw->producers);
    slots_destroy(fw->endpoints);
    free(fw);
}

static void *forwarder_find(const struct hmap *ids, const struct slots *objects, const void *id) {
    uint32_t handle = hmap_get(ids, id);
    return handle == HMAP_NONE ? NULL : slots_get(objects, handle);
}

struct endpoint *forwarder_endpoint(const struct forwarder *fw, struct transport_id id) {
    return forwarder_find(fw->endpoint_ids, fw->endpoints, &id);
}

struct producer *forwarder_producer(const struct forwarder *fw, struct producer_id id) {
    return forwarder_find(fw->producer_ids, fw->producers, &id);
}

struct consumer *forwarder_consumer(const struct forwarder *fw, struct consumer_id id) {
    return forwarder_find(fw->consumer_ids, fw->consumers, &id);
}

bool forwarder_event(struct forwarder *fw, const struct media_event *event) {
    return fw->out.event(fw->out.ctx, event);
}

void forwarder_retell(struct forwarder *fw) {
    if (!fw->untold)
        return;
    fw->untold = false;
    uint32_t cursor = 0;
    for (struct consumer *c; !fw->untold && (c = slots_next(fw->consumers, &cursor));)
        if (c->untold)
            consumer_send_layers(c);
}

const struct forwarder_counters *forwarder_counters(const struct forwarder *fw) {
    return &fw->counters;
}

// ---- commands

static void command_failed(const char *what, uint32_t id, enum err err) {
    LOG_GUEST(LOG_LEVEL_WARN, "media command failed", LOG_TEXT("command", what), LOG_NUMBER("id", id),
              LOG_TEXT("reason", err_name(err)));
}

static void command_open_producer(struct forwarder *fw, const struct media_cmd *cmd, uint64_t now_us) {
    bool relayed = cmd->type == MEDIA_OPEN_RELAYED_PRODUCER;
    struct endpoint *ep = relayed ? NULL : forwarder_endpoint(fw, cmd->transport);
    enum err err = relayed || ep ? producer_open(fw, cmd, ep, now_us) : ERR_NOT_FOUND;
    if (err != ERR_OK)
        command_failed("open producer", cmd->producer.v, err);
}

static void command_open_consumer(struct forwarder *fw, const struct media_cmd *cmd, uint64_t now_us) {
    enum err err = consumer_open(fw, cmd, now_us);
    if (err != ERR_OK)
        command_failed("open consumer", cmd->consumer.v, err);
}

static void command_open_relay(struct producer *p, const struct media_cmd *cmd) {
    enum err err = producer_open_relay(p, cmd->relay.link);
    if (err != ERR_OK)
        command_failed("open relay", p->id.v, err);
}

static void command_set_priority(struct consumer *c, const struct media_cmd *cmd, uint64_t now_us) {
    c->priority = cmd->priority.priority ? cmd->priority.priority : PRIORITY_DEFAULT;
    consumer_update_active(c, now_us);
    congestion_changed(c->endpoint, now_us);
}

// Of a consumer, or of a transport, whichever way that goes.
static void command_set_max_bitrate(struct forwarder *fw, struct consumer *c, const struct media_cmd *cmd,
                                    uint64_t now_us) {
    struct endpoint *ep = cmd->transport.v ? forwarder_endpoint(fw, cmd->transport) : NULL;
    if (c) {
        c->max_bps = cmd->max_bitrate.bps;
        congestion_changed(c->endpoint, now_us);
    } else if (ep) {
        ep->max_bps = cmd->max_bitrate.bps;
        if (ep->congestion)
            congestion_set_max(ep->congestion, now_us);
        feedback_ceiling_changed(ep, now_us);
    }
}

static void command_set_loudest(struct forwarder *fw, const struct media_cmd *cmd, uint64_t now_us) {
    struct endpoint *ep = forwarder_endpoint(fw, cmd->transport);
    enum err err = ep ? loudest_choose(ep, cmd->loudest.n, now_us) : ERR_OK; // it may have closed meanwhile
    if (err != ERR_OK)
        command_failed("choose the loudest", cmd->transport.v, err);
}

// Every command has its line here: a new one does not compile until it has.
void forwarder_command(struct forwarder *fw, const struct media_cmd *cmd, uint64_t now_us) {
    fw->now_us = now_us;
    struct producer *p = forwarder_producer(fw, cmd->producer);
    struct consumer *c = forwarder_consumer(fw, cmd->consumer);
    switch (cmd->type) {
    case MEDIA_OPEN_PRODUCER:
    case MEDIA_OPEN_RELAYED_PRODUCER:
        command_open_producer(fw, cmd, now_us);
        break;
    case MEDIA_PAUSE_PRODUCER:
        if (p)
            producer_pause(p, cmd->pause.paused, now_us);
        break;
    case MEDIA_CLOSE_PRODUCER:
        if (p)
            producer_close(p);
        break;
    case MEDIA_OPEN_RELAY:
        if (p)
            command_open_relay(p, cmd);
        break;
    case MEDIA_CLOSE_RELAY:
        if (p)
            link_set_remove(&p->relays, cmd->relay.link);
        break;
    case MEDIA_OPEN_CONSUMER:
        command_open_consumer(fw, cmd, now_us);
        break;
    case MEDIA_PAUSE_CONSUMER:
        if (c)
            consumer_pause(c, cmd->pause.paused, now_us);
        break;
    case MEDIA_CLOSE_CONSUMER:
        if (c)
            consumer_close(c);
        break;
    case MEDIA_SET_LAYERS:
        if (c)
            consumer_set_layers(c, cmd->layers.spatial, cmd->layers.temporal, now_us);
        break;
    case MEDIA_SET_PRIORITY:
        if (c)
            command_set_priority(c, cmd, now_us);
        break;
    case MEDIA_SET_LOUDEST:
        command_set_loudest(fw, cmd, now_us);
        break;
    case MEDIA_SET_MAX_BITRATE:
        command_set_max_bitrate(fw, c, cmd, now_us);
        break;
    case MEDIA_REQUEST_KEY_FRAME:
        if (c)
            consumer_wish_key_frame(c, now_us);
        break;
    case MEDIA_OPEN_PLAIN:
    case MEDIA_OPEN_TRANSPORT: // the owner of transports does these
    case MEDIA_CARRY_DATA:
    case MEDIA_CONNECT_TRANSPORT:
    case MEDIA_RESTART_ICE:
    case MEDIA_OFFER_ICE:
    case MEDIA_ICE_REMOTE:
    case MEDIA_ICE_CANDIDATE:
    case MEDIA_CLOSE_TRANSPORT:
    case MEDIA_GET_STATS: // forwarder_stats
        break;
    }
}
