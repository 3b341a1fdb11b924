// stage: a hub that is driven by its verbs, what it told its workers, and what others heard.
#ifndef TESTS_UNIT_SERVER_STAGE_H
#define TESTS_UNIT_SERVER_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "rooms/negotiate.h"
#include "server/hub/hub_verbs.h"

#define COMMANDS_MAX 64
#define HEARD_BYTES 1024

// A hub of two workers, what it told them, and what others heard: "joined ann; opened audio; ".
struct stage {
    struct hub *hub;
    struct hub_config config;
    struct media_cmd commands[COMMANDS_MAX];
    unsigned command_count;
    bool full; // workers take nothing
    char heard[HEARD_BYTES];
    struct relay_budget spent;
    uint32_t connections;
    unsigned rooms_opened, rooms_closed;
    enum err delivery; // what becomes of messages to one
    uint64_t now_us;
    enum plain_bind_result (*plain_bind)(void *ctx, bool rtcp_mux, bool inside, struct plain_place *out,
                                         char *why);
};

// ---- the observer

__attribute__((format(printf, 2, 3))) static inline void note(struct stage *s, const char *format, ...) {
    size_t len = strlen(s->heard);
    va_list args;
    va_start(args, format);
    int more = vsnprintf(s->heard + len, sizeof s->heard - len, format, args);
    va_end(args);
    assert_true(more > 0 && len + (size_t)more < sizeof s->heard);
}

static inline void participant_joined(void *ctx, const struct participant *who) {
    note(ctx, "joined %s; ", who->name);
}
static inline void participant_left(void *ctx, const struct participant *who, const char *reason) {
    assert_non_null(who->room);
    note(ctx, "%s %s; ", reason, who->name);
}
static inline void said(void *ctx, const struct hub_chat_line *line) {
    struct stage *s = ctx;
    note(s, "%s says %.16s; ", line->from->name, line->text);
    hub_keep_chat(s->hub, line->from->room, line->text, strlen(line->text));
}
static inline void removed(void *ctx, const struct participant *who, const char *reason,
                           const struct participant *by, const char *words) {
    note(ctx, "removed %s: %s%s%s%s%s; ", who->name, reason, by ? " by " : "", by ? by->name : "",
         words ? ": " : "", words ? words : "");
}
static inline void muted(void *ctx, const struct participant *who, enum media_kind kind,
                         const struct participant *by) {
    note(ctx, "%s mutes %s of %s; ", by ? by->name : "operator", media_kind_name(kind), who->name);
}
static inline void held_changed(void *ctx, const struct participant *who, const struct participant *by) {
    note(ctx, "%s holds %s: %s%s; ", by ? by->name : "operator", who->name,
         participant_is_held(who, MEDIA_AUDIO) ? "audio" : "-",
         participant_is_held(who, MEDIA_VIDEO) ? "video" : "-");
}
static inline void room_locked(void *ctx, const struct room *room, const struct participant *by) {
    note(ctx, "%s %s; ", by->name, room->locked ? "locks" : "unlocks");
}
static inline void recording_changed(void *ctx, const struct room *room) {
    note(ctx, "%srecorded; ", room->recordings ? "" : "not ");
}
static inline void rights_changed(void *ctx, const struct participant *who) {
    note(ctx, "rights of %s; ", who->name);
}
static inline void renamed(void *ctx, const struct participant *who, const char *before) {
    note(ctx, "%s is %s; ", before, who->name);
}
static inline void appeared(void *ctx, const struct participant *who) {
    note(ctx, "%s is %s; ", who->name, who->hidden ? "hidden" : "shown");
}
static inline void room_described(void *ctx, const struct room *room) {
    note(ctx, "room: %.40s; ", room->metadata ? json_string_value(room->metadata) : "nothing");
}
static inline void described(void *ctx, const struct participant *who, const struct participant *by) {
    char *about = who->about ? json_dumps(who->about, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    note(ctx, "%s describes %s: %.80s; ", by ? by->name : "operator", who->name, about ? about : "nothing");
    free(about);
}
static inline void role_changed(void *ctx, const struct participant *who, const struct participant *by) {
    static const char *const names[] = {"moderator", "participant", "viewer"};
    note(ctx, "%s makes %s %s; ", by->name, who->name, names[hub_role_of(who)]);
}
static inline void knocked(void *ctx, const struct knock *knock) {
    note(ctx, "%s knocks; ", knock->name);
}
static inline void knock_ended(void *ctx, const struct knock *knock, const char *reason,
                               const struct participant *by, const char *words) {
    note(ctx, "knock of %s %s%s%s%s%s; ", knock->name, reason, by ? " by " : "", by ? by->name : "",
         words ? ": " : "", words ? words : "");
}
static inline void lobby_switched(void *ctx, const struct room *room, const struct participant *by) {
    note(ctx, "%s switches the lobby %s; ", by->name, room->has_lobby ? "on" : "off");
}
static inline void hand_changed(void *ctx, const struct participant *who, const struct participant *by) {
    note(ctx, "hand of %s %s by %s; ", who->name, who->hand ? "up" : "down", by->name);
}
static inline void reacted(void *ctx, const struct participant *who, const char *text) {
    note(ctx, "%s %s; ", who->name, text);
}
static inline void producer_taken(void *ctx, const struct room_producer *producer, const char *reason) {
    note(ctx, "taken %s: %s; ", media_kind_name(producer->kind), reason);
}
static inline void taken_over(void *ctx, const struct participant *who) {
    note(ctx, "taken over %u; ", who->connection);
}
static inline enum err relayed(void *ctx, struct participant *to, const struct hub_relayed *what) {
    struct stage *s = ctx;
    note(s, "%s to %s: %d %.*s%s; ", what->from->name, to->name, what->kind, (int)what->payload_len,
         what->payload ? what->payload : "", what->reason ? what->reason : "");
    if (to->connection == 0)
        return hub_keep_text(s->hub, to, "kept", 4);
    return s->delivery;
}
static inline void transport_state(void *ctx, const struct room_transport *transport) {
    note(ctx, "transport %s %s; ", ice_state_name(transport->ice), dtls_state_name(transport->dtls));
}
static inline void layers_wanted(void *ctx, const struct room_producer *producer) {
    note(ctx, "wanted %d; ", producer->wanted_told);
}
static inline void producer_score(void *ctx, const struct room_producer *producer, uint8_t score) {
    note(ctx, "%s score %u; ", media_kind_name(producer->kind), score);
}
static inline void consumer_score(void *ctx, const struct room_consumer *consumer, uint8_t score) {
    note(ctx, "consumer of %s score %u; ", media_kind_name(consumer->producer->kind), score);
}
static inline void consumer_layers(void *ctx, const struct room_consumer *consumer, int8_t spatial,
                                   int8_t temporal, const char *reason) {
    (void)consumer;
    note(ctx, "layers %d %d %s; ", spatial, temporal, reason ? reason : "-");
}
static inline void consumer_closed(void *ctx, const struct room_consumer *consumer, const char *reason) {
    note(ctx, "%s loses a consumer: %s; ", consumer_owner(consumer)->name, reason);
}
static inline void producer_opened(void *ctx, const struct room_producer *producer) {
    note(ctx, "opened %s; ", media_kind_name(producer->kind));
}
static inline void producer_paused(void *ctx, const struct room_producer *producer) {
    note(ctx, "%s %s; ", producer->paused ? "paused" : "resumed", media_kind_name(producer->kind));
}
static inline void producer_closed(void *ctx, const struct room_producer *producer) {
    note(ctx, "closed %s; ", media_kind_name(producer->kind));
}
static inline void speaker_changed(void *ctx, const struct room *room, const struct participant *who) {
    (void)room;
    note(ctx, "speaks %s; ", who ? who->name : "nobody");
}
static inline void levels_changed(void *ctx, const struct room *room, struct speaker_voice *const *loudest,
                                  unsigned count) {
    (void)ctx, (void)room, (void)loudest, (void)count; // as often as somebody speaks
}
static inline void ice_offered(void *ctx, const struct room_transport *transport,
                               const struct ice_credentials *ice) {
    note(ctx, "ICE offered to %s: %.2s; ", transport->owner->name, ice->ufrag);
}
static inline void stats(void *ctx, unsigned worker, const struct media_stats *answer) {
    note(ctx, "stats %u of worker %u; ", answer->token, worker);
}
static inline void draining(void *ctx, uint64_t deadline_wall_us) {
    note(ctx, "draining until %u; ", (unsigned)deadline_wall_us);
}
static inline size_t held_bytes(void *ctx) {
    (void)ctx;
    return 0;
}

// Not in `heard`, which tells what people hear.
static inline void room_opened(void *ctx, const struct room *room) {
    struct stage *s = ctx;
    assert_int_equal(room->participant_count, 0);
    s->rooms_opened++;
}
static inline void room_closed(void *ctx, const struct room *room) {
    struct stage *s = ctx;
    assert_int_equal(room->participant_count, 0);
    s->rooms_closed++;
}

static const struct hub_events observer = {
    .room_opened = room_opened,
    .room_closed = room_closed,
    .participant_joined = participant_joined,
    .participant_left = participant_left,
    .said = said,
    .removed = removed,
    .muted = muted,
    .held_changed = held_changed,
    .room_locked = room_locked,
    .recording_changed = recording_changed,
    .room_described = room_described,
    .rights_changed = rights_changed,
    .renamed = renamed,
    .appeared = appeared,
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
    .layers_wanted = layers_wanted,
    .producer_score = producer_score,
    .consumer_score = consumer_score,
    .consumer_layers = consumer_layers,
    .consumer_closed = consumer_closed,
    .producer_opened = producer_opened,
    .producer_paused = producer_paused,
    .producer_closed = producer_closed,
    .speaker_changed = speaker_changed,
    .levels_changed = levels_changed,
    .stats = stats,
    .draining = draining,
    .held_bytes = held_bytes,
};

// What was heard since the last look.
static inline void expect_heard(struct stage *s, const char *words) {
    assert_string_equal(s->heard, words);
    s->heard[0] = '\0';
}

// ---- the workers

static inline bool post(void *ctx, unsigned worker, const struct media_cmd *cmd) {
    struct stage *s = ctx;
    assert_true(worker < s->config.workers);
    if (s->full)
        return false;
    assert_true(s->command_count < COMMANDS_MAX);
    s->commands[s->command_count++] = *cmd;
    return true;
}

// The types of the commands since the last look.
static inline void expect_commands(struct stage *s, unsigned count, const enum media_cmd_type *types) {
    assert_int_equal(s->command_count, count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(s->commands[i].type, types[i]);
    s->command_count = 0;
}
#define EXPECT_COMMANDS(s, ...)                                                                              \
    expect_commands((s), sizeof((enum media_cmd_type[]){__VA_ARGS__}) / sizeof(enum media_cmd_type),         \
                    (const enum media_cmd_type[]){__VA_ARGS__})

// ---- the stage

static inline struct stage *stage_new(void) {
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    struct stage *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->config = (struct hub_config){.workers = 2, .announce_count = 1, .announce = {"192.0.2.1"}};
    hub_limits_default(&s->config.limits);
    s->now_us = US_PER_SECOND;
    return s;
}

static inline void stage_open(struct stage *s) {
    const struct hub_io io = {.ctx = s, .post = post, .plain_bind = s->plain_bind};
    struct hub_events events = observer;
    events.ctx = s;
    s->hub = hub_create(&s->config, &io, s->now_us);
    assert_non_null(s->hub);
    hub_observe(s->hub, HUB_OBSERVER_SIGNALLING, &events);
}

static inline void stage_close(struct stage *s) {
    hub_destroy(s->hub);
    free(s);
}

static inline void pass(struct stage *s, uint64_t us) {
    s->now_us += us;
    hub_advance(s->hub, s->now_us);
}

static inline struct participant *try_join(struct stage *s, const char *name, struct hub_refusal *refusal) {
    struct hub_join join = {.room = "r",
                            .username = name,
                            .capabilities = hub_router_capabilities(s->hub),
                            .connection = ++s->connections,
                            .spent = &s->spent};
    return hub_join(s->hub, &join, refusal);
}

static inline struct participant *joins(struct stage *s, const char *name) {
    struct hub_refusal refusal;
    struct participant *me = try_join(s, name, &refusal);
    assert_non_null(me);
    return me;
}

static inline json_t *parse(const char *single_quoted) {
    char text[2048];
    snprintf(text, sizeof text, "%s", single_quoted);
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *value = json_loads(text, 0, NULL);
    assert_non_null(value);
    return value;
}

#define AUDIO                                                                                                \
    "{'mid':'a','codecs':[{'mimeType':'audio/opus','payloadType':111,'clockRate':48000,'channels':2}],"      \
    "'encodings':[{'ssrc':7}],'rtcp':{'cname':'c'}}"
#define VIDEO                                                                                                \
    "{'mid':'v','codecs':[{'mimeType':'video/VP8','payloadType':96,'clockRate':90000}],"                     \
    "'encodings':[{'ssrc':9}],'rtcp':{'cname':'c'}}"
#define DTLS                                                                                                 \
    "{'role':'client','fingerprints':[{'algorithm':'sha-256','value':'00:11:22:33:44:55:66:77:88:99:AA:BB:"  \
    "CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF'}]}"

static inline struct room_transport *opens(struct stage *s, struct participant *me, bool from_client) {
    struct hub_refusal refusal;
    struct ice_credentials ice;
    assert_non_null(me); // it may not have come in
    struct room_transport *transport = hub_open_transport(s->hub, me, from_client, &ice, &refusal);
    assert_non_null(transport);
    assert_true(strlen(ice.ufrag) == ICE_UFRAG_BYTES && strlen(ice.pwd) == ICE_PWD_BYTES);
    return transport;
}

static inline struct room_producer *try_produce(struct stage *s, struct participant *me,
                                                const char *transport_id, enum media_kind kind,
                                                struct hub_refusal *refusal) {
    json_t *parameters = parse(kind == MEDIA_AUDIO ? AUDIO : VIDEO);
    struct hub_produce ask = {.transport_id = transport_id, .kind = kind, .parameters = parameters};
    struct room_producer *producer = hub_produce(s->hub, me, &ask, refusal);
    json_decref(parameters);
    return producer;
}

static inline struct room_producer *produces(struct stage *s, struct participant *me,
                                             const struct room_transport *transport, enum media_kind kind) {
    struct hub_refusal refusal;
    struct room_producer *producer = try_produce(s, me, transport->public_id.text, kind, &refusal);
    assert_non_null(producer);
    return producer;
}

static inline struct room_consumer *try_consume(struct stage *s, struct participant *me,
                                                const char *producer_id, const char *transport_id,
                                                struct hub_refusal *refusal) {
    struct hub_consume ask = {.producer_id = producer_id, .transport_id = transport_id};
    json_t *parameters = NULL;
    struct room_consumer *consumer = hub_consume(s->hub, me, &ask, &parameters, refusal);
    assert_int_equal(consumer != NULL, parameters != NULL);
    if (consumer)
        assert_true(json_array_size(json_object_get(parameters, "codecs")) > 0 &&
                    json_object_get(parameters, "mid"));
    json_decref(parameters);
    return consumer;
}

static inline struct room_consumer *consumes(struct stage *s, struct participant *me,
                                             const struct room_producer *producer) {
    struct hub_refusal refusal;
    struct room_consumer *consumer = try_consume(s, me, producer->public_id.text, NULL, &refusal);
    assert_non_null(consumer);
    return consumer;
}

static inline struct hub_counts counts(const struct stage *s) {
    struct hub_counts out;
    hub_read_counts(s->hub, &out);
    return out;
}

#endif
