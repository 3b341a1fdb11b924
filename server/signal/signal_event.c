// What media workers report, and what the clients hear of it.
#include "base/log.h"
#include "server/signal/signal.h"

#include <assert.h>

#define AUDIO_LEVELS_US (500 * US_PER_MS) // between two audio-levels

static void transport_state(struct hub *hub, const struct media_event *event) {
    struct room_transport *transport = registry_transport(&hub->registry, event->transport);
    if (!transport)
        return;
    const char *ice = ice_state_name(event->state.ice), *dtls = dtls_state_name(event->state.dtls);
    struct participant *owner = transport->owner;
    transport->ice = event->state.ice;
    transport->dtls = event->state.dtls;
    // One that fails is why somebody sees nothing: that is told without being asked.
    bool failed = event->state.dtls == DTLS_FAILED;
    LOG_AT(failed ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "transport state", LOG_TEXT("room", owner->room->name),
           LOG_TEXT("user", owner->name), LOG_TEXT("transport", transport->public_id.text),
           LOG_TEXT("ice", ice), LOG_TEXT("dtls", dtls));
    signal_notify(hub, owner, OUT_TRANSPORT_STATE,
                  json_pack("{s:s, s:s, s:s}", "transportId", transport->public_id.text, "iceState", ice,
                            "dtlsState", dtls));
}

static void producer_score(struct hub *hub, const struct media_event *event) {
    const struct room_producer *producer = registry_producer(&hub->registry, event->producer);
    if (producer)
        signal_notify(
            hub, producer_owner(producer), OUT_SCORE,
            json_pack("{s:s, s:i}", "producerId", producer->public_id.text, "score", (int)event->score));
}

static void consumer_score(struct hub *hub, const struct media_event *event) {
    const struct room_consumer *consumer = registry_consumer(&hub->registry, event->consumer);
    if (consumer)
        signal_notify(
            hub, consumer_owner(consumer), OUT_SCORE,
            json_pack("{s:s, s:i}", "consumerId", consumer->public_id.text, "score", (int)event->score));
}

static json_t *layer(int8_t number) {
    return number < 0 ? json_null() : json_integer(number);
}

// Why nothing is sent.
static const char *silence_reason(const struct room_consumer *consumer, bool shed) {
    return shed                         ? "overload"
           : consumer->paused           ? "paused"
           : consumer->producer->paused ? "producer-paused"
                                        : "no-stream";
}

static void consumer_layers(struct hub *hub, const struct media_event *event) {
    const struct room_consumer *consumer = registry_consumer(&hub->registry, event->consumer);
    if (!consumer)
        return;
    json_t *data = json_pack("{s:s, s:o, s:o}", "consumerId", consumer->public_id.text, "spatialLayer",
                             layer(event->layers.spatial), "temporalLayer", layer(event->layers.temporal));
    if (data && event->layers.spatial < 0)
        json_object_set_new(data, "reason", json_string(silence_reason(consumer, event->layers.shed)));
    signal_notify(hub, consumer_owner(consumer), OUT_CONSUMER_LAYERS_CHANGED, data);
}

void update_layers_wanted(struct hub *hub, struct room_producer *producer) {
    int8_t wanted = relay_wanted(producer);
    if (wanted == producer->wanted_told)
        return;
    producer->wanted_told = wanted;
    signal_notify(
        hub, producer_owner(producer), OUT_PRODUCER_LAYERS_WANTED,
        json_pack("{s:s, s:o}", "producerId", producer->public_id.text, "spatialLayer", layer(wanted)));
}

static void layers_wanted(struct hub *hub, unsigned worker, const struct media_event *event) {
    struct room_producer *producer = registry_producer(&hub->registry, event->producer);
    if (!producer)
        return;
    struct relay *relay = relay_set_find(&producer->relays, link_of_worker(worker));
    if (worker == producer_owner(producer)->worker)
        producer->wanted_at_home = event->layers.spatial;
    else if (relay) // one that has ended meanwhile wants nothing
        relay->wanted = event->layers.spatial;
    update_layers_wanted(hub, producer);
}

// ---- who speaks

static void tell_speaker(struct hub *hub, const struct room *room) {
    const struct speaker_voice *active = room->speaker.active;
    const struct participant *who = active ? LIST_ENTRY(active, struct participant, voice) : NULL;
    signal_broadcast(
        hub, room, NULL, OUT_ACTIVE_SPEAKER,
        json_pack("{s:s?, s:s?}", "userId", who ? who->id.text : NULL, "user", who ? who->name : NULL));
}

// The loudest alone, and only what is new: everybody gets it twice a second.
static void tell_levels(struct hub *hub, struct room *room) {
    struct speaker_voice *loudest[SPEAKER_LOUDEST_MAX];
    unsigned count;
    bool changed = speaker_report(&room->speaker, room->levels_told_us, loudest, &count);
    room->levels_told_us = hub->now_us;
    if (!changed)
        return;
    json_t *levels = json_array();
    for (unsigned i = 0; i < count; i++) {
        const struct participant *who = LIST_ENTRY(loudest[i], struct participant, voice);
        json_array_append_new(
            levels, json_pack("{s:s, s:i}", "userId", who->id.text, "level", (int)loudest[i]->told_dbov));
    }
    signal_broadcast(hub, room, NULL, OUT_AUDIO_LEVELS, json_pack("{s:o}", "levels", levels));
}

void speaker_timer_fire(struct wheel_node *node, uint64_t now_us) {
    struct room *room = LIST_ENTRY(node, struct room, speaker_timer);
    struct hub *hub = room->directory->ctx;
    if (speaker_tick(&room->speaker, now_us))
        tell_speaker(hub, room);
    bool over = list_empty(&room->speaker.voices) && !room->speaker.active;
    if (over || now_us - room->levels_told_us >= AUDIO_LEVELS_US)
        tell_levels(hub, room);
    if (!over)
        wheel_arm(&hub->wheel, node, now_us + SPEAKER_TICK_US);
}

static void audio_level(struct hub *hub, const struct media_event *event) {
    const struct room_producer *producer = registry_producer(&hub->registry, event->producer);
    if (!producer || producer->paused)
        return;
    struct participant *who = producer_owner(producer);
    struct room *room = who->room;
    speaker_hear(&room->speaker, &who->voice, event->audio.level_dbov, hub->now_us);
    if (room->speaker_timer.due_us == TIME_NEVER) {
        room->levels_told_us = hub->now_us;
        wheel_arm(&hub->wheel, &room->speaker_timer, hub->now_us + SPEAKER_TICK_US);
    }
}

void speaker_leave(struct hub *hub, struct participant *participant) {
    if (speaker_forget(&participant->room->speaker, &participant->voice))
        tell_speaker(hub, participant->room);
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
    case MEDIA_STEER: // media.h keeps it
        break;
    }
}

void hub_media_stats(struct hub *hub, unsigned worker, const struct media_stats *stats, uint64_t now_us) {
    hub->now_us = now_us;
    assert(worker < hub->config.workers);
    stats_event(hub, worker, stats);
}
