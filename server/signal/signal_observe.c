// What happens in the hub, as messages for those who are to hear of it.
#include "base/clock.h"
#include "base/log.h"
#include "base/slots.h"
#include "server/signal/signal.h"

#include <string.h>

#define RECORD_OVERHEAD_BYTES 64 // of the memory allocator and of tables, about, for one record
#define CONNECTION_BYTES 2048    // a socket's own, in the library that keeps it

static json_t *layer(int8_t number) {
    return number < 0 ? json_null() : json_integer(number);
}

// ---- people

static void participant_joined(void *ctx, const struct participant *who) {
    if (!who->hidden)
        signal_broadcast(ctx, who->room, who, OUT_USER_JOINED, signal_describe_joiner(who));
}

static void participant_left(void *ctx, const struct participant *who, const char *reason) {
    struct session *session = signal_session_of(ctx, who);
    if (session && session->participant)
        signal_detach(session);
    if (who->hidden)
        return;
    signal_broadcast(
        ctx, who->room, who, OUT_USER_LEFT,
        json_pack("{s:s, s:s, s:s}", "user", who->name, "userId", who->id.text, "reason", reason));
}

static void said(void *ctx, const struct hub_chat_line *line) {
    struct signalling *signalling = ctx;
    struct room *room = line->from->room;
    struct text_buffer text = {0};
    json_t *data = signal_describe_line(line);
    if (data && text_buffer_add_json(&text, data)) {
        hub_keep_chat(signalling->hub, room, text.text, text.len);
        signal_broadcast_text(signalling, room, line->from, OUT_CHAT_MESSAGE, text.text, text.len);
    } else {
        LOG_ERROR("notification lost", LOG_TEXT("type", "chat-message"), LOG_TEXT("reason", "no memory"));
    }
    json_decref(data);
    text_buffer_close(&text);
}

// It may join again, if it is let in.
static void removed(void *ctx, const struct participant *who, const char *reason,
                    const struct participant *by, const char *words) {
    struct session *session = signal_session_of(ctx, who);
    bool closed = strcmp(reason, "room-closed") == 0;
    signal_notify(
        ctx, who, closed ? OUT_ROOM_CLOSED : OUT_KICKED,
        json_pack("{s:s, s:s*, s:s*}", "reason", reason, "by", by ? by->name : NULL, "message", words));
    if (session)
        signal_wait_for_join(session);
}

static void muted(void *ctx, const struct participant *who, enum media_kind kind,
                  const struct participant *by) {
    signal_notify(ctx, who, OUT_MUTED,
                  json_pack("{s:s, s:s, s:o*}", "kind", media_kind_name(kind), "by",
                            by ? by->name : "operator", "hold",
                            participant_is_held(who, kind) ? json_true() : NULL));
}

static void held_changed(void *ctx, const struct participant *who, const struct participant *by) {
    if (!who->hidden)
        signal_broadcast(ctx, who->room, NULL, OUT_HELD_CHANGED,
                         json_pack("{s:s, s:s, s:o, s:s}", "userId", who->id.text, "user", who->name, "held",
                                   signal_describe_held(who), "by", by ? by->name : "operator"));
}

static void room_locked(void *ctx, const struct room *room, const struct participant *by) {
    signal_broadcast(ctx, room, by, room->locked ? OUT_ROOM_LOCKED : OUT_ROOM_UNLOCKED,
                     json_pack("{s:s}", "by", by->name));
}

static void recording_changed(void *ctx, const struct room *room) {
    signal_broadcast(ctx, room, NULL, OUT_RECORDING_CHANGED,
                     json_pack("{s:b}", "recording", room->recordings > 0));
}

static void room_described(void *ctx, const struct room *room) {
    signal_broadcast(ctx, room, NULL, OUT_ROOM_METADATA, json_pack("{s:O?}", "metadata", room->metadata));
}

static void described(void *ctx, const struct participant *who, const struct participant *by) {
    if (!who->hidden)
        signal_broadcast(ctx, who->room, by, OUT_METADATA_CHANGED, signal_describe_about(who, by));
}

static void rights_changed(void *ctx, const struct participant *who) {
    const struct signalling *signalling = ctx;
    signal_notify(ctx, who, OUT_PERMISSIONS_CHANGED,
                  json_pack("{s:o, s:b, s:o*}", "permissions", signal_describe_grants(signalling->hub, who),
                            "e2eeRequired", hub_is_sealed(signalling->hub, who->room), "hidden",
                            who->hidden ? json_true() : NULL));
}

static void renamed(void *ctx, const struct participant *who, const char *before) {
    json_t *data = json_pack("{s:s, s:s, s:s}", "userId", who->id.text, "user", who->name, "before", before);
    if (who->hidden)
        signal_notify(ctx, who, OUT_USER_RENAMED, data);
    else
        signal_broadcast(ctx, who->room, NULL, OUT_USER_RENAMED, data);
}

// To the others as one who comes or goes; itself hears of its rights.
static void appeared(void *ctx, const struct participant *who) {
    if (!who->hidden)
        signal_broadcast(ctx, who->room, who, OUT_USER_JOINED, signal_describe_joiner(who));
    else
        signal_broadcast(
            ctx, who->room, who, OUT_USER_LEFT,
            json_pack("{s:s, s:s, s:s}", "user", who->name, "userId", who->id.text, "reason", "hidden"));
    rights_changed(ctx, who);
}

static void role_changed(void *ctx, const struct participant *who, const struct participant *by) {
    const struct signalling *signalling = ctx;
    json_t *data = signal_describe_role(who, by);
    json_t *own = data ? json_copy(data) : NULL;
    if (own && json_object_set_new(own, "permissions", signal_describe_grants(signalling->hub, who)) != 0) {
        json_decref(own);
        own = NULL;
    }
    signal_notify(ctx, who, OUT_ROLE_CHANGED, own);
    LIST_EACH(node, &who->room->participants) {
        const struct participant *to = LIST_ENTRY(node, struct participant, link);
        if (to != who && to != by)
            signal_notify(ctx, to, OUT_ROLE_CHANGED, json_incref(data));
    }
    json_decref(data);
    signal_greet_moderator(ctx, who);
}

// ---- the lobby

static void knocked(void *ctx, const struct knock *knock) {
    signal_tell_moderators(ctx, knock->room, NULL,
                           json_pack("{s:o}", "knocked", signal_describe_knock(knock)));
}

static void knock_ended(void *ctx, const struct knock *knock, const char *reason,
                        const struct participant *by, const char *words) {
    struct signalling *signalling = ctx;
    struct session *session = slots_get(signalling->sessions, knock->connection);
    const char *name = by ? by->name : NULL;
    signal_tell_moderators(
        ctx, knock->room, by,
        json_pack("{s:s, s:s, s:s*}", "gone", knock->id.text, "reason", reason, "by", name));
    if (!session || strcmp(reason, "left") == 0)
        return;
    signal_tell_session(session, OUT_LOBBY,
                        json_pack("{s:s, s:s, s:s*, s:s*}", "state", reason, "roomId", knock->room->name,
                                  "by", name, "message", words));
    if (strcmp(reason, "admitted") != 0) {
        session->lobby_room = 0;
        signal_note(session, SIGNAL_JOIN_FAILED);
    }
    signal_wait_for_join(session);
}

static void lobby_switched(void *ctx, const struct room *room, const struct participant *by) {
    signal_tell_moderators(ctx, room, by, signal_describe_lobby(room));
}

static void hand_changed(void *ctx, const struct participant *who, const struct participant *by) {
    signal_broadcast(ctx, who->room, by, who->hand ? OUT_HAND_RAISED : OUT_HAND_LOWERED,
                     signal_describe_hand(who, by));
}

static void reacted(void *ctx, const struct participant *who, const char *text) {
    signal_broadcast(ctx, who->room, who, OUT_REACTION, signal_describe_reaction(who, text));
}

static void producer_taken(void *ctx, const struct room_producer *producer, const char *reason) {
    signal_notify(ctx, producer_owner(producer), OUT_PRODUCER_CLOSED,
                  json_pack("{s:s, s:s, s:s}", "producerId", producer->public_id.text, "userId",
                            producer_owner(producer)->id.text, "reason", reason));
}

static void taken_over(void *ctx, const struct participant *who) {
    struct session *session = signal_session_of(ctx, who);
    if (!session)
        return;
    signal_detach(session);
    signal_close(session, CLOSE_TAKEN_OVER, "taken over");
}

// {target?, from, fromId, payload?}
static enum err relayed(void *ctx, struct participant *to, const struct hub_relayed *what) {
    const struct raw_member payload = {"payload", what->payload, what->payload_len};
    json_t *data = json_pack("{s:s, s:s, s:s*}", "from", what->from->name, "fromId", what->from->id.text,
                             "target", what->target);
    if (data && what->reason &&
        json_object_set_new(data, "payload", json_pack("{s:s}", "reason", what->reason)) != 0) {
        json_decref(data);
        data = NULL;
    }
    return signal_pass_on(ctx, to, signal_out_of_relay(what->kind), data, &payload, what->payload ? 1 : 0);
}

// ---- transports, producers, consumers

static void transport_state(void *ctx, const struct room_transport *transport) {
    const char *sctp = transport->data ? data_state_name(transport->data_state) : NULL;
    signal_notify(ctx, transport->owner, OUT_TRANSPORT_STATE,
                  json_pack("{s:s, s:s, s:s, s:s*}", "transportId", transport->public_id.text, "iceState",
                            ice_state_name(transport->ice), "dtlsState", dtls_state_name(transport->dtls),
                            "sctpState", sctp));
}

static void ice_offered(void *ctx, const struct room_transport *transport,
                        const struct ice_credentials *ice) {
    struct signalling *signalling = ctx;
    signal_notify(ctx, transport->owner, OUT_ICE_RESTARTED,
                  signal_describe_restart(signalling->hub, transport, ice));
}

static void ice_candidates(void *ctx, const struct room_transport *transport, unsigned first) {
    signal_ice_found(ctx, transport, first);
}

static void layers_wanted(void *ctx, const struct room_producer *producer) {
    signal_notify(ctx, producer_owner(producer), OUT_PRODUCER_LAYERS_WANTED,
                  json_pack("{s:s, s:o, s:o}", "producerId", producer->public_id.text, "spatialLayer",
                            layer(producer->wanted_told), "temporalLayer",
                            layer(producer->wanted_temporal_told)));
}

static void producer_score(void *ctx, const struct room_producer *producer, uint8_t score) {
    signal_notify(ctx, producer_owner(producer), OUT_SCORE,
                  json_pack("{s:s, s:i}", "producerId", producer->public_id.text, "score", (int)score));
}

static void consumer_score(void *ctx, const struct room_consumer *consumer, uint8_t score) {
    signal_notify(ctx, consumer_owner(consumer), OUT_SCORE,
                  json_pack("{s:s, s:i}", "consumerId", consumer->public_id.text, "score", (int)score));
}

static void consumer_layers(void *ctx, const struct room_consumer *consumer, int8_t spatial, int8_t temporal,
                            const char *reason) {
    signal_notify(ctx, consumer_owner(consumer), OUT_CONSUMER_LAYERS_CHANGED,
                  json_pack("{s:s, s:o, s:o, s:s*}", "consumerId", consumer->public_id.text, "spatialLayer",
                            layer(spatial), "temporalLayer", layer(temporal), "reason", reason));
}

static void consumer_closed(void *ctx, const struct room_consumer *consumer, const char *reason) {
    signal_notify(ctx, consumer_owner(consumer), OUT_CONSUMER_CLOSED,
                  json_pack("{s:s, s:s}", "consumerId", consumer->public_id.text, "reason", reason));
}

static void tell_others(struct signalling *signalling, const struct room_producer *producer,
                        enum signal_out type) {
    const struct participant *owner = producer_owner(producer);
    signal_broadcast(signalling, owner->room, owner, type, signal_name_producer(producer));
}

static void producer_opened(void *ctx, const struct room_producer *producer) {
    const struct participant *owner = producer_owner(producer);
    struct text_buffer entry = {0};
    if (signal_describe_producer(&entry, producer))
        signal_broadcast_text(ctx, owner->room, owner, OUT_NEW_PRODUCER, entry.text, entry.len);
    else
        LOG_ERROR("notification lost", LOG_TEXT("type", "new-producer"), LOG_TEXT("reason", "no memory"));
    text_buffer_close(&entry);
}

static void producer_paused(void *ctx, const struct room_producer *producer) {
    tell_others(ctx, producer, producer->paused ? OUT_PRODUCER_PAUSED : OUT_PRODUCER_RESUMED);
}

static void producer_closed(void *ctx, const struct room_producer *producer) {
    tell_others(ctx, producer, OUT_PRODUCER_CLOSED);
}

// ---- data channels

static void data_producer_opened(void *ctx, const struct room_data_producer *producer) {
    const struct participant *owner = data_producer_owner(producer);
    struct text_buffer entry = {0};
    if (signal_describe_data_producer(&entry, producer))
        signal_broadcast_text(ctx, owner->room, owner, OUT_NEW_DATA_PRODUCER, entry.text, entry.len);
    else
        LOG_ERROR("notification lost", LOG_TEXT("type", "new-data-producer"),
                  LOG_TEXT("reason", "no memory"));
    text_buffer_close(&entry);
}

static void data_producer_closed(void *ctx, const struct room_data_producer *producer) {
    const struct participant *owner = data_producer_owner(producer);
    signal_broadcast(ctx, owner->room, owner, OUT_DATA_PRODUCER_CLOSED,
                     signal_name_data_producer(producer, NULL));
}

static void data_producer_taken(void *ctx, const struct room_data_producer *producer, const char *reason) {
    signal_notify(ctx, data_producer_owner(producer), OUT_DATA_PRODUCER_CLOSED,
                  signal_name_data_producer(producer, reason));
}

static void data_consumer_closed(void *ctx, const struct room_data_consumer *consumer, const char *reason) {
    signal_notify(ctx, consumer->transport->owner, OUT_DATA_CONSUMER_CLOSED,
                  json_pack("{s:s, s:s}", "dataConsumerId", consumer->public_id.text, "reason", reason));
}

static void data_channel_opened(void *ctx, const struct room_data_producer *producer,
                                const struct room_data_consumer *consumer) {
    signal_notify(ctx, data_producer_owner(producer), OUT_DATA_CHANNEL_OPENED,
                  signal_describe_channel(producer, consumer));
}

// ---- who speaks

static void speaker_changed(void *ctx, const struct room *room, const struct participant *who) {
    signal_broadcast(
        ctx, room, NULL, OUT_ACTIVE_SPEAKER,
        json_pack("{s:s?, s:s?}", "userId", who ? who->id.text : NULL, "user", who ? who->name : NULL));
}

static void levels_changed(void *ctx, const struct room *room, struct speaker_voice *const *loudest,
                           unsigned count) {
    json_t *levels = json_array();
    for (unsigned i = 0; i < count; i++) {
        const struct participant *who = LIST_ENTRY(loudest[i], struct participant, voice);
        json_array_append_new(
            levels, json_pack("{s:s, s:i}", "userId", who->id.text, "level", (int)loudest[i]->told_dbov));
    }
    signal_broadcast(ctx, room, NULL, OUT_AUDIO_LEVELS, json_pack("{s:o}", "levels", levels));
}

// ---- the rest

static void stats(void *ctx, unsigned worker, const struct media_stats *answer) {
    signal_stats_event(ctx, worker, answer);
}

static void data_stats(void *ctx, const struct data_stats *answer) {
    signal_data_stats_event(ctx, answer);
}

static void draining(void *ctx, uint64_t deadline_wall_us) {
    signal_drain(ctx, deadline_wall_us);
}

static size_t held_bytes(void *ctx) {
    const struct signalling *signalling = ctx;
    const struct signal_io *io = &signalling->io;
    size_t each = sizeof(struct session) + CONNECTION_BYTES + RECORD_OVERHEAD_BYTES;
    return (io->waiting ? io->waiting(io->ctx) : 0) + each * slots_count(signalling->sessions);
}

// Nobody in the room hears of these.
static void no_room(void *ctx, const struct room *room) {
    (void)ctx, (void)room;
}

struct hub_events signal_observer(struct signalling *signalling) {
    return (struct hub_events){
        .ctx = signalling,
        .room_opened = no_room,
        .room_closed = no_room,
        .participant_joined = participant_joined,
        .participant_left = participant_left,
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
