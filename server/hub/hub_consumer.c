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
    cmd.pause.paused = paused;
    if (!post_to(hub, consumer, &cmd, refusal))
        return NULL;
    consumer->paused = paused;
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

struct room_consumer *hub_set_layers(struct hub *hub, struct participant *me, const char *consumer_id,
                                     int8_t spatial, int8_t temporal, struct hub_refusal *refusal) {
    struct room_consumer *consumer = hub_own_consumer(hub, me, consumer_id, refusal);
    struct media_cmd cmd = {.type = MEDIA_SET_LAYERS};
    cmd.layers.spatial = spatial;
    cmd.layers.temporal = temporal;
    return consumer && post_to(hub, consumer, &cmd, refusal) ? consumer : NULL;
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
