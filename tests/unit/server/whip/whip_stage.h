// whip_stage: a hub and its WHIP without sockets: requests in, answers, commands and events out.
#ifndef TESTS_UNIT_SERVER_WHIP_STAGE_H
#define TESTS_UNIT_SERVER_WHIP_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/whip/whip.h"

#define COMMANDS_MAX 256

struct stage {
    struct hub_config config;
    struct hub *hub;
    struct whip *whip;
    uint64_t now_us;
    struct media_cmd commands[COMMANDS_MAX];
    unsigned command_count;
    bool full;
    const char *token; // that is good; NULL: nobody needs one
    struct grants grants;
    int notes[WHIP_JOIN_FAILED + 1];
    bool crowded;    // one address has too many sessions
    unsigned wait_s; // until an address may join
    char events[8192];
    uint32_t ended; // stream
    struct whip_answer answer;
    uint32_t late;        // number of answers that may come later; 0: none may
    bool late_gone;       // nobody waits for them
    unsigned late_status; // of the last one that came, 0: none
    char late_body[65536];
};

static inline bool stage_post(void *ctx, unsigned worker, const struct media_cmd *cmd) {
    struct stage *s = ctx;
    (void)worker;
    if (s->full)
        return false;
    if (s->command_count == COMMANDS_MAX)
        s->command_count = 0;
    s->commands[s->command_count++] = *cmd;
    return true;
}

static inline bool stage_verify(void *ctx, const char *token, struct grants *out, char *why) {
    struct stage *s = ctx;
    if (strcmp(token, s->token) == 0) {
        *out = s->grants;
        return true;
    }
    snprintf(why, WHIP_WHY_MAX, "the token is not good");
    return false;
}

static inline bool stage_note(void *ctx, const struct net_address *address, enum whip_note note) {
    struct stage *s = ctx;
    (void)address;
    s->notes[note]++;
    return note != WHIP_OPENED || !s->crowded;
}

static inline bool stage_password(void *ctx, const char *room, const char *name) {
    (void)ctx, (void)name;
    return strcmp(room, "vault") == 0;
}

static inline unsigned stage_admit(void *ctx, const struct net_address *address, enum hub_step step) {
    (void)address, (void)step;
    return ((struct stage *)ctx)->wait_s;
}

static inline bool stage_write(void *ctx, uint32_t stream, const char *text, size_t len) {
    struct stage *s = ctx;
    size_t at = strlen(s->events);
    (void)stream;
    assert_true(at + len < sizeof s->events);
    memcpy(s->events + at, text, len);
    s->events[at + len] = '\0';
    return true;
}

static inline void stage_end(void *ctx, uint32_t stream) {
    ((struct stage *)ctx)->ended = stream;
}

static inline bool stage_late(void *ctx, uint32_t late, unsigned status, const char *type, const char *text,
                              size_t len) {
    struct stage *s = ctx;
    assert_int_equal(late, s->late);
    assert_non_null(type);
    assert_true(len < sizeof s->late_body);
    if (s->late_gone)
        return false;
    s->late_status = status;
    memcpy(s->late_body, text, len);
    s->late_body[len] = '\0';
    return true;
}

static inline struct stage *stage_open_ice(const char *token, enum hub_ice_mode ice) {
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    struct stage *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->config =
        (struct hub_config){.workers = 1, .announce_count = 2, .announce = {"192.0.2.1", "2001:db8::1"}};
    s->config.media_ports[0] = 3478;
    snprintf(s->config.fingerprint_sha256, sizeof s->config.fingerprint_sha256, "AA:BB");
    hub_limits_default(&s->config.limits);
    s->config.ice = (struct hub_ice){.mode = ice, .agents_max = 10};
    s->now_us = US_PER_SECOND;
    s->token = token;
    const struct hub_io io = {.ctx = s, .post = stage_post};
    s->hub = hub_create(&s->config, &io, s->now_us);
    const struct whip_io whip_io = {.ctx = s,
                                    .admit = stage_admit,
                                    .note = stage_note,
                                    .password = stage_password,
                                    .verify = token ? stage_verify : NULL,
                                    .stream_write = stage_write,
                                    .stream_end = stage_end,
                                    .answer_late = stage_late};
    s->whip = s->hub ? whip_create(s->hub, &whip_io, s->now_us) : NULL;
    assert_non_null(s->whip);
    return s;
}

static inline struct stage *stage_open(const char *token) {
    return stage_open_ice(token, HUB_ICE_LITE);
}

static inline void stage_close(struct stage *s) {
    whip_destroy(s->whip);
    hub_destroy(s->hub);
    free(s->answer.body);
    free(s);
}

static inline void pass(struct stage *s, uint64_t us) {
    s->now_us += us;
    hub_advance(s->hub, s->now_us);
    whip_advance(s->whip, s->now_us);
}

static inline char *vector(const char *name) {
    char path[256];
    snprintf(path, sizeof path, "tests/vectors/sdp/%s.sdp", name);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("no %s", path);
    char *text = calloc(1, SDP_BYTES_MAX);
    assert_non_null(text);
    assert_true(fread(text, 1, SDP_BYTES_MAX - 1, file) > 0);
    fclose(file);
    return text;
}

struct ask {
    enum whip_method method;
    bool views;
    const char *path, *query, *type, *authorization, *if_match, *accept, *body;
    struct net_address address;
};

static inline struct span span_or_none(const char *text) {
    return text ? span_of_text(text) : (struct span){0};
}

// The status; the rest is in s->answer.
static inline unsigned asks(struct stage *s, struct ask ask) {
    struct whip_request request = {.method = ask.method,
                                   .views = ask.views,
                                   .path = ask.path,
                                   .query = span_or_none(ask.query),
                                   .content_type = span_or_none(ask.type),
                                   .authorization = span_or_none(ask.authorization),
                                   .if_match = span_or_none(ask.if_match),
                                   .accept = span_or_none(ask.accept),
                                   .body = span_or_none(ask.body),
                                   .address = ask.address,
                                   .late = ask.method == WHIP_POST ? s->late : 0};
    free(s->answer.body);
    whip_handle(s->whip, &request, &s->answer, s->now_us);
    return s->answer.status;
}

static inline unsigned posts(struct stage *s, bool views, const char *path, const char *query,
                             const char *name) {
    char *offer = vector(name);
    unsigned status = asks(s, (struct ask){.method = WHIP_POST,
                                           .views = views,
                                           .path = path,
                                           .query = query,
                                           .type = "application/sdp",
                                           .body = offer});
    free(offer);
    return status;
}

// What follows "location: /whip/" of the answer.
static inline void location(const struct stage *s, char out[256]) {
    const char *at = strstr(s->answer.headers, "location: /wh");
    assert_non_null(at);
    snprintf(out, 256, "%.*s", (int)strcspn(at + 16, "\r"), at + 16);
}

static inline void etag(const struct stage *s, char out[32]) {
    const char *at = strstr(s->answer.headers, "etag: ");
    assert_non_null(at);
    snprintf(out, 32, "%.*s", (int)strcspn(at + 6, "\r"), at + 6);
}

static inline void says(const struct stage *s, const char *words) {
    if (!s->answer.body || !strstr(s->answer.body, words))
        fail_msg("%u \"%s\" does not say \"%s\"", s->answer.status, s->answer.body, words);
}

static inline struct participant *who(struct stage *s, const char *room, const char *name) {
    const struct room *r = hub_find_room(s->hub, room);
    return r ? room_find_name(r, name) : NULL;
}

static inline uint32_t people(const struct stage *s) {
    return hub_participant_count(s->hub);
}

// What its worker says of the path of somebody.
static inline void path_was_heard(struct stage *s, const struct participant *me, enum ice_state ice,
                                  enum dtls_state dtls, uint64_t heard_us) {
    struct media_event event = {.type = MEDIA_TRANSPORT_STATE};
    event.transport = LIST_ENTRY(me->transports.next, struct room_transport, link)->id;
    event.state.ice = ice;
    event.state.dtls = dtls;
    event.state.heard_us = heard_us;
    hub_media_event(s->hub, 0, &event, s->now_us);
}

static inline void path_is(struct stage *s, const struct participant *me, enum ice_state ice,
                           enum dtls_state dtls) {
    path_was_heard(s, me, ice, dtls, s->now_us);
}

// The last command of that type.
static inline const struct media_cmd *last(const struct stage *s, enum media_cmd_type type, unsigned back) {
    for (unsigned i = s->command_count; i-- > 0;)
        if (s->commands[i].type == type && back-- == 0)
            return &s->commands[i];
    fail_msg("no command of type %d", (int)type);
    return NULL;
}

#endif
