// What media workers report.
#include "base/log.h"
#include "server/hub/hub_internal.h"

#include <assert.h>

static void transport_state(struct hub *hub, const struct media_event *event) {
    struct room_transport *transport = registry_transport(&hub->registry, event->transport);
    if (!transport)
        return;
    struct participant *owner = transport->owner;
    transport->ice = event->state.ice;
    transport->dtls = event->state.dtls;
    transport->heard_us = event->state.heard_us;
    // One that fails is why somebody sees nothing: that is told without being asked.
    LOG_AT(transport->dtls == DTLS_FAILED ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "transport state",
           LOG_TEXT("room", owner->room->name), LOG_TEXT("user", owner->name),
           LOG_TEXT("transport", transport->public_id.text), LOG_TEXT("ice", ice_state_name(transport->ice)),
           LOG_TEXT("dtls", dtls_state_name(transport->dtls)));
    hub->events.transport_state(hub->events.ctx, transport);
    hub_path_changed(hub, owner);
}

static void transport_closed(struct hub *hub, const struct media_event *event) {
    struct room *room = directory_room(&hub->directory, event->closed.room);
    if (room)
        path_quality_add(&room->quality, &event->closed.quality);
}

static void producer_score(struct hub *hub, const struct media_event *event) {
    const struct room_producer *producer = registry_producer(&hub->registry, event->producer);
    if (producer)
        hub->events.producer_score(hub->events.ctx, producer, event->score);
}

static void consumer_score(struct hub *hub, const struct media_event *event) {
    const struct room_consumer *consumer = registry_consumer(&hub->registry, event->consumer);
    if (consumer)
        hub->events.consumer_score(hub->events.ctx, consumer, event->score);
}

// Why nothing is sent.
static const char *silence_reason(const struct room_consumer *consumer, uint8_t reason) {
    return reason == LAYER_REASON_WORKER      ? "overload"
           : reason == LAYER_REASON_BANDWIDTH ? "bandwidth"
           : consumer->paused                 ? "paused"
           : consumer->held                   ? "last-n"
           : consumer->producer->paused       ? "producer-paused"
                                              : "no-stream";
}

// Why it is not more.
static const char *layers_reason(uint8_t reason) {
    return reason == LAYER_REASON_WORKER      ? "overload"
           : reason == LAYER_REASON_BANDWIDTH ? "bandwidth"
           : reason == LAYER_REASON_SOURCE    ? "source"
                                              : "preferred";
}

static void consumer_layers(struct hub *hub, const struct media_event *event) {
    struct room_consumer *consumer = registry_consumer(&hub->registry, event->consumer);
    if (!consumer)
        return;
    bool silent = event->layers.spatial < 0;
    consumer->layers.spatial = event->layers.spatial;
    consumer->layers.temporal = event->layers.temporal;
    hub->events.consumer_layers(hub->events.ctx, consumer, event->layers.spatial, event->layers.temporal,
                                silent ? silence_reason(consumer, event->layers.reason)
                                       : layers_reason(event->layers.reason));
}

static void layers_wanted(struct hub *hub, unsigned worker, const struct media_event *event) {
    struct room_producer *producer = registry_producer(&hub->registry, event->producer);
    if (!producer)
        return;
    struct relay *relay = relay_set_find(&producer->relays, link_of_worker(worker));
    if (worker == producer_owner(producer)->worker) {
        producer->wanted_at_home = event->layers.spatial;
        producer->wanted_temporal_at_home = event->layers.temporal;
    } else if (relay) { // one that has ended meanwhile wants nothing
        relay->wanted = event->layers.spatial;
        relay->wanted_temporal = event->layers.temporal;
    }
    hub_update_layers_wanted(hub, producer);
}

static void audio_level(struct hub *hub, const struct media_event *event) {
    const struct room_producer *producer = registry_producer(&hub->registry, event->producer);
    if (producer && !producer->paused)
        hub_speaker_hear(hub, producer_owner(producer), event->audio.level_dbov, event->audio.activity);
}

void hub_media_event(struct hub *hub, unsigned worker, const struct media_event *event, uint64_t now_us) {
    hub->now_us = now_us;
    assert(worker < hub->config.workers);
    switch (event->type) {
    case MEDIA_TRANSPORT_STATE:
        transport_state(hub, event);
        break;
    case MEDIA_PRODUCER_SCORE:
        producer_score(hub, event);
        break;
    case MEDIA_CONSUMER_SCORE:
        consumer_score(hub, event);
        break;
    case MEDIA_CONSUMER_LAYERS:
        consumer_layers(hub, event);
        break;
    case MEDIA_LAYERS_WANTED:
        layers_wanted(hub, worker, event);
        break;
    case MEDIA_AUDIO_LEVEL:
        audio_level(hub, event);
        break;
    case MEDIA_TRANSPORT_CLOSED:
        transport_closed(hub, event);
        break;
    case MEDIA_STEER: // media.h keeps it
        break;
    }
}

void hub_media_stats(struct hub *hub, unsigned worker, const struct media_stats *stats, uint64_t now_us) {
    hub->now_us = now_us;
    assert(worker < hub->config.workers);
    hub->events.stats(hub->events.ctx, worker, stats);
}
