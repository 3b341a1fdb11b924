// Pausing, resuming, closing a consumer, and what a client may wish of it.
#include "server/hub/hub_internal.h"

// Sends a command about a consumer; false and a refusal when its worker is too busy.
static bool post_to(struct hub *hub, const struct room_consumer *consumer, struct media_cmd *cmd,
                    struct hub_refusal *refusal) {
    cmd->consumer = consumer->id;
    return command_post_try(&hub->post, consumer_owner(consumer)->worker, cmd) || hub_refuse_busy(refusal);
}

struct room_consumer *hub_pause_consumer(struct hub *hub, struct participant *me, const char *consumer_id,
                                         bool paused, struct hub_refusal *refusal) {
    struct room_consumer *consumer = hub_own_consumer(hub, me, consumer_id, refusal);
    if (!consumer || consumer->paused == paused)
        return consumer;
    struct media_cmd cmd = {.type = MEDIA_PAUSE_CONSUMER};
    cmd.pause.paused = paused || consumer->held;
    if (!post_to(hub, consumer, &cmd, refusal))
        return NULL;
    consumer->paused = paused;
    if (!paused && (consumer->held || consumer->held_told))
        hub_tell_held(hub, consumer); // that nothing comes yet, and why; or that it comes again
    return consumer;
}

void hub_drop_consumer(struct hub *hub, struct room_consumer *consumer, const char *reason,
                       bool told_worker) {
    struct participant *owner = consumer_owner(consumer);
    struct room_producer *producer = consumer->producer;
    struct media_cmd cmd = {.type = MEDIA_CLOSE_CONSUMER, .consumer = consumer->id};
    if (!told_worker)
        command_post_surely(&hub->post, owner->worker, &cmd);
    if (reason)
        hub->events.consumer_closed(hub->events.ctx, consumer, reason);
    hub_log_consumer("consumer closed", consumer, "reason", reason ? reason : "closed");
    registry_close_consumer(&hub->registry, consumer);
    hub_relay_drop(hub, producer, owner->worker);
}

bool hub_close_consumer(struct hub *hub, struct participant *me, const char *consumer_id,
                        struct hub_refusal *refusal) {
    struct room_consumer *consumer = hub_own_consumer(hub, me, consumer_id, refusal);
    if (consumer)
        hub_drop_consumer(hub, consumer, NULL, false);
    return consumer != NULL;
}

// ---- wishes

static uint8_t at_most(int8_t wanted, unsigned highest) {
    return (uint8_t)(wanted < 0 || (unsigned)wanted > highest ? highest : (unsigned)wanted);
}

// No more than the producer has said that it has. Many send temporal layers that they do not tell of: then
// the wish stands, and counts as soon as there are some.
static struct hub_layers layers_that_count(const struct producer_params *params, int8_t spatial,
                                           int8_t temporal) {
    unsigned streams = params->stream_count > 1 ? params->stream_count : params->spatial_layers;
    bool told = params->temporal_layers > 1 || temporal == LAYER_NONE;
    return (struct hub_layers){.spatial = at_most(spatial, streams - 1u),
                               .temporal = told ? at_most(temporal, params->temporal_layers - 1u)
                                                : (uint8_t)temporal};
}

struct room_consumer *hub_set_layers(struct hub *hub, struct participant *me, const char *consumer_id,
                                     int8_t spatial, int8_t temporal, struct hub_layers *chosen,
                                     struct hub_refusal *refusal) {
    struct room_consumer *consumer = hub_own_consumer(hub, me, consumer_id, refusal);
    struct media_cmd cmd = {.type = MEDIA_SET_LAYERS};
    cmd.layers.spatial = spatial;
    cmd.layers.temporal = temporal;
    if (!consumer || !post_to(hub, consumer, &cmd, refusal))
        return NULL;
    *chosen = layers_that_count(&consumer->producer->params, spatial, temporal);
    return consumer;
}

struct room_consumer *hub_set_priority(struct hub *hub, struct participant *me, const char *consumer_id,
                                       uint8_t priority, struct hub_refusal *refusal) {
    struct room_consumer *consumer = hub_own_consumer(hub, me, consumer_id, refusal);
    struct media_cmd cmd = {.type = MEDIA_SET_PRIORITY};
    cmd.priority.priority = priority;
    return consumer && post_to(hub, consumer, &cmd, refusal) ? consumer : NULL;
}

bool hub_set_max_bitrate(struct hub *hub, struct participant *me, const char *consumer_id,
                         const char *transport_id, uint32_t bps, struct hub_refusal *refusal) {
    struct media_cmd cmd = {.type = MEDIA_SET_MAX_BITRATE};
    cmd.max_bitrate.bps = bps;
    if (consumer_id) {
        const struct room_consumer *consumer = hub_own_consumer(hub, me, consumer_id, refusal);
        return consumer && post_to(hub, consumer, &cmd, refusal);
    }
    const struct room_transport *transport = hub_own_transport(hub, me, transport_id, refusal);
    if (!transport)
        return false;
    cmd.transport = transport->id;
    return command_post_try(&hub->post, me->worker, &cmd) || hub_refuse_busy(refusal);
}

struct room_consumer *hub_request_key_frame(struct hub *hub, struct participant *me, const char *consumer_id,
                                            struct hub_refusal *refusal) {
    struct room_consumer *consumer = hub_own_consumer(hub, me, consumer_id, refusal);
    if (!consumer || consumer->producer->kind == MEDIA_AUDIO)
        return consumer; // audio has no key frames: nothing to ask for
    struct media_cmd cmd = {.type = MEDIA_REQUEST_KEY_FRAME};
    return post_to(hub, consumer, &cmd, refusal) ? consumer : NULL;
}
