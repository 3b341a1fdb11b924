// Several who hear what happens: each owner's own matters go to who speaks for it, the rest to everybody.
#include "server/hub/hub_internal.h"

#include <assert.h>

static const struct hub_events *speaking_for(void *ctx, const struct participant *who) {
    const struct hub *hub = ctx;
    assert(who->observer < HUB_OBSERVER_COUNT);
    return &hub->observers[who->observer];
}

// For what everybody hears: `heard` is each observer in turn.
#define EVERYBODY(ctx, heard)                                                                                \
    for (const struct hub_events *heard = ((struct hub *)(ctx))->observers,                                  \
                                 *heard##_end = heard + HUB_OBSERVER_COUNT;                                  \
         heard < heard##_end; heard++)

// ---- to everybody

static void room_opened(void *ctx, const struct room *room) {
    EVERYBODY(ctx, o) o->room_opened(o->ctx, room);
}
static void room_closed(void *ctx, const struct room *room) {
    EVERYBODY(ctx, o) o->room_closed(o->ctx, room);
}
static void joined(void *ctx, const struct participant *who) {
    EVERYBODY(ctx, o) o->participant_joined(o->ctx, who);
}
static void left(void *ctx, const struct participant *who, const char *reason) {
    EVERYBODY(ctx, o) o->participant_left(o->ctx, who, reason);
}
static void said(void *ctx, const struct hub_chat_line *line) {
    EVERYBODY(ctx, o) o->said(o->ctx, line);
}
static void room_locked(void *ctx, const struct room *room, const struct participant *by) {
    EVERYBODY(ctx, o) o->room_locked(o->ctx, room, by);
}
static void recording_changed(void *ctx, const struct room *room) {
    EVERYBODY(ctx, o) o->recording_changed(o->ctx, room);
}
static void room_described(void *ctx, const struct room *room) {
    EVERYBODY(ctx, o) o->room_described(o->ctx, room);
}
static void hand_changed(void *ctx, const struct participant *who, const struct participant *by) {
    EVERYBODY(ctx, o) o->hand_changed(o->ctx, who, by);
}
static void described(void *ctx, const struct participant *who, const struct participant *by) {
    EVERYBODY(ctx, o) o->described(o->ctx, who, by);
}
static void held_changed(void *ctx, const struct participant *who, const struct participant *by) {
    EVERYBODY(ctx, o) o->held_changed(o->ctx, who, by);
}
static void renamed(void *ctx, const struct participant *who, const char *before) {
    EVERYBODY(ctx, o) o->renamed(o->ctx, who, before);
}
static void appeared(void *ctx, const struct participant *who) {
    EVERYBODY(ctx, o) o->appeared(o->ctx, who);
}
static void role_changed(void *ctx, const struct participant *who, const struct participant *by) {
    EVERYBODY(ctx, o) o->role_changed(o->ctx, who, by);
}
static void knocked(void *ctx, const struct knock *knock) {
    EVERYBODY(ctx, o) o->knocked(o->ctx, knock);
}
static void knock_ended(void *ctx, const struct knock *knock, const char *reason,
                        const struct participant *by, const char *words) {
    EVERYBODY(ctx, o) o->knock_ended(o->ctx, knock, reason, by, words);
}
static void lobby_switched(void *ctx, const struct room *room, const struct participant *by) {
    EVERYBODY(ctx, o) o->lobby_switched(o->ctx, room, by);
}
static void reacted(void *ctx, const struct participant *who, const char *text) {
    EVERYBODY(ctx, o) o->reacted(o->ctx, who, text);
}
static void producer_opened(void *ctx, const struct room_producer *producer) {
    EVERYBODY(ctx, o) o->producer_opened(o->ctx, producer);
}
static void producer_paused(void *ctx, const struct room_producer *producer) {
    EVERYBODY(ctx, o) o->producer_paused(o->ctx, producer);
}
static void producer_closed(void *ctx, const struct room_producer *producer) {
    EVERYBODY(ctx, o) o->producer_closed(o->ctx, producer);
}
static void speaker_changed(void *ctx, const struct room *room, const struct participant *who) {
    EVERYBODY(ctx, o) o->speaker_changed(o->ctx, room, who);
}
static void levels_changed(void *ctx, const struct room *room, struct speaker_voice *const *loudest,
                           unsigned count) {
    EVERYBODY(ctx, o) o->levels_changed(o->ctx, room, loudest, count);
}
static void stats(void *ctx, unsigned worker, const struct media_stats *answer) {
    EVERYBODY(ctx, o) o->stats(o->ctx, worker, answer);
}
static void data_stats(void *ctx, const struct data_stats *answer) {
    EVERYBODY(ctx, o) {
        if (o->data_stats)
            o->data_stats(o->ctx, answer);
    }
}
static void draining(void *ctx, uint64_t deadline_wall_us) {
    EVERYBODY(ctx, o) o->draining(o->ctx, deadline_wall_us);
}
static size_t held_bytes(void *ctx) {
    size_t bytes = 0;
    EVERYBODY(ctx, o) bytes += o->held_bytes(o->ctx);
    return bytes;
}

// ---- to the owner

static void removed(void *ctx, const struct participant *who, const char *reason,
                    const struct participant *by, const char *words) {
    const struct hub_events *o = speaking_for(ctx, who);
    o->removed(o->ctx, who, reason, by, words);
}
static void muted(void *ctx, const struct participant *who, enum media_kind kind,
                  const struct participant *by) {
    const struct hub_events *o = speaking_for(ctx, who);
    o->muted(o->ctx, who, kind, by);
}
static void rights_changed(void *ctx, const struct participant *who) {
    const struct hub_events *o = speaking_for(ctx, who);
    o->rights_changed(o->ctx, who);
}
static void producer_taken(void *ctx, const struct room_producer *producer, const char *reason) {
    const struct hub_events *o = speaking_for(ctx, producer_owner(producer));
    o->producer_taken(o->ctx, producer, reason);
}
static void taken_over(void *ctx, const struct participant *who) {
    const struct hub_events *o = speaking_for(ctx, who);
    o->taken_over(o->ctx, who);
}
static enum err relayed(void *ctx, struct participant *to, const struct hub_relayed *what) {
    const struct hub_events *o = speaking_for(ctx, to);
    return o->relayed(o->ctx, to, what);
}
static void transport_state(void *ctx, const struct room_transport *transport) {
    const struct hub_events *o = speaking_for(ctx, transport->owner);
    o->transport_state(o->ctx, transport);
}
static void ice_offered(void *ctx, const struct room_transport *transport,
                        const struct ice_credentials *ice) {
    const struct hub_events *o = speaking_for(ctx, transport->owner);
    o->ice_offered(o->ctx, transport, ice);
}
static void ice_candidates(void *ctx, const struct room_transport *transport, unsigned first) {
    const struct hub_events *o = speaking_for(ctx, transport->owner);
    o->ice_candidates(o->ctx, transport, first);
}
static void layers_wanted(void *ctx, const struct room_producer *producer) {
    const struct hub_events *o = speaking_for(ctx, producer_owner(producer));
    o->layers_wanted(o->ctx, producer);
}
static void producer_score(void *ctx, const struct room_producer *producer, uint8_t score) {
    const struct hub_events *o = speaking_for(ctx, producer_owner(producer));
    o->producer_score(o->ctx, producer, score);
}
static void consumer_score(void *ctx, const struct room_consumer *consumer, uint8_t score) {
    const struct hub_events *o = speaking_for(ctx, consumer_owner(consumer));
    o->consumer_score(o->ctx, consumer, score);
}
static void consumer_layers(void *ctx, const struct room_consumer *consumer, int8_t spatial, int8_t temporal,
                            const char *reason) {
    const struct hub_events *o = speaking_for(ctx, consumer_owner(consumer));
    o->consumer_layers(o->ctx, consumer, spatial, temporal, reason);
}
static void consumer_closed(void *ctx, const struct room_consumer *consumer, const char *reason) {
    const struct hub_events *o = speaking_for(ctx, consumer_owner(consumer));
    o->consumer_closed(o->ctx, consumer, reason);
}

// ---- data channels

static void data_producer_opened(void *ctx, const struct room_data_producer *producer) {
    EVERYBODY(ctx, o) o->data_producer_opened(o->ctx, producer);
}
static void data_producer_closed(void *ctx, const struct room_data_producer *producer) {
    EVERYBODY(ctx, o) o->data_producer_closed(o->ctx, producer);
}
static void data_producer_taken(void *ctx, const struct room_data_producer *producer, const char *reason) {
    const struct hub_events *o = speaking_for(ctx, data_producer_owner(producer));
    o->data_producer_taken(o->ctx, producer, reason);
}
static void data_consumer_closed(void *ctx, const struct room_data_consumer *consumer, const char *reason) {
    const struct hub_events *o = speaking_for(ctx, consumer->transport->owner);
    o->data_consumer_closed(o->ctx, consumer, reason);
}
static void data_channel_opened(void *ctx, const struct room_data_producer *producer,
                                const struct room_data_consumer *consumer) {
    const struct hub_events *o = speaking_for(ctx, data_producer_owner(producer));
    o->data_channel_opened(o->ctx, producer, consumer);
}

struct hub_events hub_events_of_all(struct hub *hub) {
    return (struct hub_events){
        .ctx = hub,
        .room_opened = room_opened,
        .room_closed = room_closed,
        .participant_joined = joined,
        .participant_left = left,
        .said = said,
        .removed = removed,
        .muted = muted,
        .held_changed = held_changed,
        .room_locked = room_locked,
        .recording_changed = recording_changed,
        .rights_changed = rights_changed,
        .renamed = renamed,
        .appeared = appeared,
        .room_described = room_described,
        .described = described,
        .role_changed = role_changed,
        .knocked = knocked,
        .knock_ended = knock_ended,
        .lobby_switched = lobby_switched,
        .hand_changed = hand_changed,
        .reacted = reacted,
        .producer_taken = producer_taken,
        .taken_over = taken_over,
        .relayed = relayed,
        .transport_state = transport_state,
        .ice_offered = ice_offered,
        .ice_candidates = ice_candidates,
        .layers_wanted = layers_wanted,
        .producer_score = producer_score,
        .consumer_score = consumer_score,
        .consumer_layers = consumer_layers,
        .consumer_closed = consumer_closed,
        .producer_opened = producer_opened,
        .producer_paused = producer_paused,
        .producer_closed = producer_closed,
        .data_producer_opened = data_producer_opened,
        .data_producer_closed = data_producer_closed,
        .data_producer_taken = data_producer_taken,
        .data_consumer_closed = data_consumer_closed,
        .data_channel_opened = data_channel_opened,
        .speaker_changed = speaker_changed,
        .levels_changed = levels_changed,
        .stats = stats,
        .data_stats = data_stats,
        .draining = draining,
        .held_bytes = held_bytes,
    };
}
