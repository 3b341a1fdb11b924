// office: an admin with tokens of its own on a stage, and what it answers.
#ifndef TESTS_UNIT_SERVER_ADMIN_OFFICE_H
#define TESTS_UNIT_SERVER_ADMIN_OFFICE_H

#include "tests/unit/server/hub/grants_stage.h"

#include "server/admin/admin.h"

#define TWIRP "/twirp/livekit.RoomService/"
#define REST "/api/v1/"

// A stage, who manages it, and what came of the last request.
struct office {
    struct stage *s;
    struct admin admin;
    unsigned sent, drains;
    char payload[64], topic[64], to[300];
    int64_t drain_s;
    json_t *answer;
    char allow[ADMIN_ALLOW_MAX]; // of the last answer
};

static inline void replace(char *text, char this, char by) {
    for (; *text; text++)
        *text = *text == this ? by : *text;
}

// Tokens here are words: "list", "create", "operator", "admin ROOM", "record ROOM"; on their way here "~"
// stands for a space.
static inline bool verify(void *ctx, const char *text, struct service_grants *out, char *why) {
    (void)ctx;
    char token[128]; // the longest of these
    snprintf(token, sizeof token, "%s", text);
    replace(token, '~', ' ');
    *out = (struct service_grants){.room_list = strcmp(token, "list") == 0,
                                   .room_create = strcmp(token, "create") == 0,
                                   .operator_ = strcmp(token, "operator") == 0};
    if (strncmp(token, "admin ", 6) == 0) {
        out->room_admin = true;
        snprintf(out->room, sizeof out->room, "%s", token + 6);
    }
    if (strncmp(token, "record ", 7) == 0) {
        out->room_record = true;
        snprintf(out->room, sizeof out->room, "%s", token + 7);
    }
    if (out->room_list || out->room_create || out->operator_ || out->room_admin || out->room_record)
        return true;
    snprintf(why, TOKEN_WHY_MAX, "no such token");
    return false;
}

static inline void send_data(void *ctx, const struct admin_data *data) {
    struct office *o = ctx;
    o->sent++;
    snprintf(o->payload, sizeof o->payload, "%s", data->payload_base64);
    snprintf(o->topic, sizeof o->topic, "%s", data->topic ? data->topic : "none");
    snprintf(o->to, sizeof o->to, "%s", data->only ? data->only->name : "all");
}

static inline bool drain(void *ctx, int64_t wait_s, const char *url) {
    struct office *o = ctx;
    o->drain_s = wait_s;
    snprintf(o->to, sizeof o->to, "%s", url ? url : "none");
    return o->drains++ == 0;
}

static inline struct office *opens_office(void) {
    struct office *o = calloc(1, sizeof *o);
    assert_non_null(o);
    o->s = stage_with_clock();
    o->admin = (struct admin){.hub = o->s->hub,
                              .io = {.ctx = o, .verify = verify, .send = send_data, .drain = drain}};
    return o;
}

static inline void closes_office(struct office *o) {
    json_decref(o->answer);
    stage_close(o->s);
    free(o);
}

// Its status; o->answer is what it says.
static inline unsigned asks(struct office *o, const char *token, const char *method, const char *path,
                            const char *body) {
    char authorization[9000];
    int scheme = snprintf(authorization, sizeof authorization, "Bearer ");
    snprintf(authorization + scheme, sizeof authorization - (size_t)scheme, "%s", token);
    replace(authorization + scheme, ' ', '~');
    struct admin_request request = {.method = method,
                                    .path = path,
                                    .authorization = span_of_text(authorization),
                                    .content_type = span_of_text("application/json"),
                                    .body = span_of_text(body)};
    struct admin_answer answer;
    o->s->heard[0] = '\0';
    hub_set_time(o->s->hub, o->s->now_us);
    if (strncmp(path, TWIRP, strlen(TWIRP)) == 0)
        admin_twirp(&o->admin, &request, &answer);
    else
        admin_rest(&o->admin, &request, &answer);
    json_decref(o->answer);
    assert_non_null(answer.body);
    assert_int_equal(strlen(answer.body), answer.len);
    o->answer = json_loadb(answer.body, answer.len, 0, NULL);
    assert_true(json_is_object(o->answer));
    free(answer.body);
    memcpy(o->allow, answer.allow, sizeof o->allow);
    return answer.status;
}

// Body with ' for ".
static inline unsigned calls(struct office *o, const char *token, const char *name,
                             const char *single_quoted) {
    char path[128], body[4096];
    snprintf(path, sizeof path, TWIRP "%s", name);
    snprintf(body, sizeof body, "%s", single_quoted);
    for (char *c = body; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    return asks(o, token, "POST", path, body);
}

static inline const char *text(const struct office *o, const char *name) {
    const char *value = json_string_value(json_object_get(o->answer, name));
    return value ? value : "";
}

static inline void expect_refused(struct office *o, unsigned status, unsigned wanted, const char *code,
                                  const char *words) {
    if (status != wanted || strcmp(text(o, "code"), code) != 0 || !strstr(text(o, "msg"), words))
        fail_msg("%u %s: %s, not %u %s: %s", status, text(o, "code"), text(o, "msg"), wanted, code, words);
    assert_string_equal(o->s->heard, ""); // and nothing was done
    assert_int_equal(o->sent, 0);
}

static inline struct participant *comes(struct office *o, const char *identity, unsigned rights) {
    struct hub_refusal refusal;
    struct grants grants = grants_of(identity, identity, rights);
    struct participant *me = join_with(o->s, &grants, NULL, NULL, &refusal);
    assert_non_null(me);
    return me;
}

#endif
