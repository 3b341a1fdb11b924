// Pausing, resuming and closing a producer.
#include "server/hub/hub_internal.h"

#include <assert.h>
#include <string.h>

#define PAUSE_NOTICE_BYTES 80

void hub_set_producer_paused(struct hub *hub, struct room_producer *producer, bool paused) {
    bool seen = producer->kind == MEDIA_VIDEO && producer->paused != paused;
    producer->paused = paused;
    if (seen && !paused)
        hub_stage_enter(hub, producer_owner(producer)); // before it is resumed: nobody gets a packet too many
    hub_relay_post_pause(hub, producer);
    if (seen && paused)
        hub_stage_leave(hub, producer_owner(producer));
    if (paused && producer->kind == MEDIA_AUDIO)
        hub_speaker_leave(hub, producer_owner(producer));
    hub->events.producer_paused(hub->events.ctx, producer);
}

struct room_producer *hub_pause_producer(struct hub *hub, struct participant *me, const char *producer_id,
                                         bool paused, struct hub_refusal *refusal) {
    struct room_producer *producer = hub_own_producer(hub, me, producer_id, refusal);
    if (!producer || producer->paused == paused)
        return producer;
    if (!paused && participant_is_held(me, producer->kind)) {
        hub_refuse(refusal, HUB_FORBIDDEN, "a moderator has muted you; one of them can let you %s again",
                   producer->kind == MEDIA_AUDIO ? "be heard" : "be seen");
        return NULL;
    }
    if (!hub_spend_notice(hub, me, PAUSE_NOTICE_BYTES, refusal))
        return NULL;
    hub_set_producer_paused(hub, producer, paused);
    return producer;
}

void hub_drop_producer(struct hub *hub, struct room_producer *producer, bool transport_stays) {
    struct participant *owner = producer_owner(producer);
    struct media_cmd cmd = {.type = MEDIA_CLOSE_PRODUCER, .producer = producer->id};
    hub_relay_forget_wanted(producer); // nothing is wanted of what closes
    // Consumers first: with the last one on a worker its relay ends.
    LIST_EACH(c, &producer->consumers)
    hub_drop_consumer(hub, LIST_ENTRY(c, struct room_consumer, producer_link), "producer-closed", true);
    assert(hub_relay_count(producer) == 0);
    if (transport_stays)
        command_post_surely(&hub->post, owner->worker, &cmd);
    if (producer->kind == MEDIA_AUDIO)
        hub_speaker_leave(hub, owner);
    else if (!producer->paused)
        hub_stage_leave(hub, owner);
    hub->events.producer_closed(hub->events.ctx, producer);
    hub_log_producer("producer closed", producer, "reason", transport_stays ? "closed" : "transport-closed");
    hub_forget_producer(hub, producer);
}

bool hub_close_producer(struct hub *hub, struct participant *me, const char *producer_id,
                        struct hub_refusal *refusal) {
    struct room_producer *producer = hub_own_producer(hub, me, producer_id, refusal);
    if (producer)
        hub_drop_producer(hub, producer, true);
    return producer != NULL;
}
