// The observer of a hub that nobody observes.
#include "server/hub/hub_events.h"

static void hush_room(void *ctx, const struct room *room) {
    (void)ctx, (void)room;
}
static void hush_participant(void *ctx, const struct participant *who) {
    (void)ctx, (void)who;
}
static void hush_left(void *ctx, const struct participant *who, const char *reason) {
    (void)ctx, (void)who, (void)reason;
}
static void hush_removed(void *ctx, const struct participant *who, const char *reason,
                         const struct participant *by, const char *words) {
    (void)ctx, (void)who, (void)reason, (void)by, (void)words;
}
static void hush_muted(void *ctx, const struct participant *who, enum media_kind kind,
                       const struct participant *by) {
    (void)ctx, (void)who, (void)kind, (void)by;
}
static void hush_locked(void *ctx, const struct room *room, const struct participant *by) {
    (void)ctx, (void)room, (void)by;
}
static void hush_knock(void *ctx, const struct knock *knock) {
    (void)ctx, (void)knock;
}
static void hush_knock_end(void *ctx, const struct knock *knock, const char *reason,
                           const struct participant *by, const char *words) {
    (void)ctx, (void)knock, (void)reason, (void)by, (void)words;
}
static void hush_hand(void *ctx, const struct participant *who, const struct participant *by) {
    (void)ctx, (void)who, (void)by;
}
static void hush_producer_reason(void *ctx, const struct room_producer *producer, const char *reason) {
    (void)ctx, (void)producer, (void)reason;
}
static void hush_line(void *ctx, const struct hub_chat_line *line) {
    (void)ctx, (void)line;
}
static enum err hush_relayed(void *ctx, struct participant *to, const struct hub_relayed *what) {
    (void)ctx, (void)to, (void)what;
    return ERR_OK;
}
static void hush_transport(void *ctx, const struct room_transport *transport) {
    (void)ctx, (void)transport;
}
static void hush_producer(void *ctx, const struct room_producer *producer) {
    (void)ctx, (void)producer;
}
static void hush_producer_score(void *ctx, const struct room_producer *producer, uint8_t score) {
    (void)ctx, (void)producer, (void)score;
}
static void hush_consumer_score(void *ctx, const struct room_consumer *consumer, uint8_t score) {
    (void)ctx, (void)consumer, (void)score;
}
static void hush_layers(void *ctx, const struct room_consumer *consumer, int8_t spatial, int8_t temporal,
                        const char *reason) {
    (void)ctx, (void)consumer, (void)spatial, (void)temporal, (void)reason;
}
static void hush_consumer(void *ctx, const struct room_consumer *consumer, const char *reason) {
    (void)ctx, (void)consumer, (void)reason;
}
static void hush_speaker(void *ctx, const struct room *room, const struct participant *who) {
    (void)ctx, (void)room, (void)who;
}
static void hush_levels(void *ctx, const struct room *room, struct speaker_voice *const *loudest,
                        unsigned count) {
    (void)ctx, (void)room, (void)loudest, (void)count;
}
static void hush_ice(void *ctx, const struct room_transport *transport, const struct ice_credentials *ice) {
    (void)ctx, (void)transport, (void)ice;
}
static void hush_candidates(void *ctx, const struct room_transport *transport, unsigned first) {
    (void)ctx, (void)transport, (void)first;
}
static void hush_stats(void *ctx, unsigned worker, const struct media_stats *stats) {
    (void)ctx, (void)worker, (void)stats;
}
static void hush_draining(void *ctx, uint64_t deadline_wall_us) {
    (void)ctx, (void)deadline_wall_us;
}
static size_t hush_held(void *ctx) {
    (void)ctx;
    return 0;
}

static void hush_data(void *ctx, const struct room_data_producer *producer) {
    (void)ctx, (void)producer;
}
static void hush_data_taken(void *ctx, const struct room_data_producer *producer, const char *reason) {
    (void)ctx, (void)producer, (void)reason;
}
static void hush_data_consumer(void *ctx, const struct room_data_consumer *consumer, const char *reason) {
    (void)ctx, (void)consumer, (void)reason;
}
static void hush_channel(void *ctx, const struct room_data_producer *producer,
                         const struct room_data_consumer *consumer) {
    (void)ctx, (void)producer, (void)consumer;
}

const struct hub_events hub_events_silent = {
    .room_opened = hush_room,
    .room_closed = hush_room,
    .participant_joined = hush_participant,
    .participant_left = hush_left,
    .said = hush_line,
    .removed = hush_removed,
    .muted = hush_muted,
    .held_changed = hush_hand,
    .room_locked = hush_locked,
    .recording_changed = hush_room,
    .rights_changed = hush_participant,
    .renamed = hush_left,
    .appeared = hush_participant,
    .room_described = hush_room,
    .described = hush_hand,
    .role_changed = hush_hand,
    .knocked = hush_knock,
    .knock_ended = hush_knock_end,
    .lobby_switched = hush_locked,
    .hand_changed = hush_hand,
    .reacted = hush_left,
    .producer_taken = hush_producer_reason,
    .taken_over = hush_participant,
    .relayed = hush_relayed,
    .transport_state = hush_transport,
    .ice_offered = hush_ice,
    .ice_candidates = hush_candidates,
    .layers_wanted = hush_producer,
    .producer_score = hush_producer_score,
    .consumer_score = hush_consumer_score,
    .consumer_layers = hush_layers,
    .consumer_closed = hush_consumer,
    .data_producer_opened = hush_data,
    .data_producer_closed = hush_data,
    .data_producer_taken = hush_data_taken,
    .data_consumer_closed = hush_data_consumer,
    .data_channel_opened = hush_channel,
    .producer_opened = hush_producer,
    .producer_paused = hush_producer,
    .producer_closed = hush_producer,
    .speaker_changed = hush_speaker,
    .levels_changed = hush_levels,
    .stats = hush_stats,
    .draining = hush_draining,
    .held_bytes = hush_held,
};
