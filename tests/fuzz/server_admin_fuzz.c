// Requests that manage rooms, of any path and body, one after the other at a hub where people are.
//
// The input is requests with 0x1e between them: a byte of flags, the end of the path up to a line feed, then
// the body. Bit 0 of the flags: RoomService, else paths of our own; bits 1 to 3 the method; bits 4 and 5 who
// asks: an operator, one with `roomList` and `roomCreate`, one with `roomAdmin` for "r", nobody; bit 6: a
// minute passes. "$T" stands for the id of the track that somebody sends, "$U" for her userId. Whatever
// comes, JSON goes out, and what is refused has changed nothing.
#include "base/clock.h"
#include "base/log.h"
#include "server/admin/admin.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS_MAX 32
#define TEXT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct scene {
    struct hub *hub;
    struct admin admin;
    uint64_t now_us;
    unsigned who; // bits 4 and 5 of the flags
    unsigned changes;
    struct public_id user, track;
    struct relay_budget spent;
};

static bool on_post(void *ctx, unsigned worker, const struct media_cmd *cmd) {
    (void)ctx, (void)cmd;
    assert(worker == 0);
    return true;
}

static bool on_verify(void *ctx, const char *token, struct service_grants *out, char *why) {
    const struct scene *s = ctx;
    (void)token;
    *out = (struct service_grants){.operator_ = s->who == 0,
                                   .room_list = s->who == 1,
                                   .room_create = s->who == 1,
                                   .room_admin = s->who == 2};
    snprintf(out->room, sizeof out->room, "%s", s->who == 2 ? "r" : "");
    snprintf(why, TOKEN_WHY_MAX, "nobody");
    return s->who != 3;
}

static void on_send(void *ctx, const struct admin_data *data) {
    struct scene *s = ctx;
    size_t len = strlen(data->payload_base64);
    assert(data->room && len > 0 && len % 4 == 0 && !strpbrk(data->payload_base64, "-_"));
    assert(!data->only || data->only->room == data->room);
    s->changes++;
}

static bool on_drain(void *ctx, int64_t wait_s, const char *url) {
    struct scene *s = ctx;
    assert(wait_s >= -1 && wait_s <= 86400 && (!url || strncmp(url, "ws", 2) == 0));
    s->changes++;
    return true;
}

static struct participant *join(struct scene *s, const char *name) {
    struct grants grants = {.rights = RIGHTS_ALL, .room = "r"};
    struct hub_refusal refusal;
    snprintf(grants.identity, sizeof grants.identity, "%s", name);
    snprintf(grants.name, sizeof grants.name, "%s", name);
    struct hub_join ask = {.room = "r",
                           .username = name,
                           .grants = &grants,
                           .capabilities = hub_router_capabilities(s->hub),
                           .connection = (uint32_t)name[0],
                           .spent = &s->spent};
    return hub_join(s->hub, &ask, &refusal);
}

static void send_audio(struct scene *s, struct participant *me) {
    static const char text[] =
        "{\"mid\":\"a\",\"codecs\":[{\"mimeType\":\"audio/opus\",\"payloadType\":111,\"clockRate\":48000,"
        "\"channels\":2}],\"encodings\":[{\"ssrc\":7}],\"rtcp\":{\"cname\":\"c\"}}";
    struct hub_refusal refusal;
    struct ice_credentials ice;
    const struct room_transport *transport = hub_open_transport(s->hub, me, true, &ice, &refusal);
    assert(transport);
    json_t *parameters = json_loads(text, 0, NULL);
    struct hub_produce ask = {
        .transport_id = transport->public_id.text, .kind = MEDIA_AUDIO, .parameters = parameters};
    const struct room_producer *producer = hub_produce(s->hub, me, &ask, &refusal);
    json_decref(parameters);
    assert(producer);
    s->track = producer->public_id;
    s->user = me->id;
}

static void open_scene(struct scene *s) {
    struct hub_config config = {.workers = 1, .announce_count = 1, .announce = {"192.0.2.1"}};
    const struct hub_io io = {.ctx = s, .post = on_post};
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    hub_limits_default(&config.limits);
    *s = (struct scene){.now_us = US_PER_SECOND};
    s->hub = hub_create(&config, &io, s->now_us);
    s->admin = (struct admin){.hub = s->hub,
                              .io = {.ctx = s, .verify = on_verify, .send = on_send, .drain = on_drain}};
    struct participant *ann = join(s, "ann"), *bob = join(s, "bob");
    assert(ann && bob);
    send_audio(s, ann);
}

// With ids in place of "$T" and "$U".
static size_t fill(const struct scene *s, const uint8_t *bytes, size_t len, char *out, size_t cap) {
    size_t n = 0;
    for (size_t i = 0; i < len && n + PUBLIC_ID_BYTES < cap; i++) {
        bool track = i + 1 < len && memcmp(bytes + i, "$T", 2) == 0;
        if (track || (i + 1 < len && memcmp(bytes + i, "$U", 2) == 0)) {
            memcpy(out + n, (track ? s->track : s->user).text, PUBLIC_ID_BYTES);
            n += PUBLIC_ID_BYTES;
            i++;
        } else {
            out[n++] = (char)bytes[i];
        }
    }
    out[n] = '\0';
    return n;
}

// What a request may change, in one number.
static uint64_t sum_up(const struct scene *s) {
    struct hub_counts counts;
    uint64_t sum = s->changes;
    hub_read_counts(s->hub, &counts);
    for (struct room *room = NULL; (room = hub_operate_next(s->hub, room));) {
        sum = sum * 31 + room->linger_us + room->participants_max + room->kept_rights_count;
        LIST_EACH(node, &room->participants) {
            const struct participant *who = LIST_ENTRY(node, struct participant, link);
            sum = sum * 31 + who->rights + who->about_bytes;
        }
    }
    return sum * 31 + counts.rooms * 7 + counts.participants * 11 + counts.producers;
}

static void ask(struct scene *s, const uint8_t *bytes, size_t len) {
    static const char *const methods[] = {"GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS", "X"};
    static const char *const prefixes[] = {"/api/v1/", "/twirp/livekit.RoomService/"};
    static char path[TEXT_MAX], body[TEXT_MAX];
    uint8_t flags = bytes[0];
    const uint8_t *line = memchr(bytes + 1, '\n', len - 1);
    size_t path_len = line ? (size_t)(line - bytes) - 1 : len - 1;
    int head = snprintf(path, sizeof path, "%s", prefixes[flags & 1]);
    fill(s, bytes + 1, path_len, path + head, sizeof path - (size_t)head);
    size_t body_len = line ? fill(s, line + 1, len - path_len - 2, body, sizeof body) : 0;
    s->who = flags >> 4 & 3;
    s->now_us += flags & 64 ? 60 * US_PER_SECOND : US_PER_MS;
    hub_advance(s->hub, s->now_us);
    struct admin_request request = {.method = methods[flags >> 1 & 7],
                                    .path = path,
                                    .authorization = span_of_text("Bearer x"),
                                    .content_type = span_of_text("application/json"),
                                    .body = span_of(body, body_len)};
    struct admin_answer answer;
    uint64_t before = sum_up(s);
    if (flags & 1)
        admin_twirp(&s->admin, &request, &answer);
    else
        admin_rest(&s->admin, &request, &answer);
    json_t *said = answer.body ? json_loadb(answer.body, answer.len, 0, NULL) : NULL;
    assert(json_is_object(said) && answer.status >= 200 && answer.status != 500 && answer.status <= 503);
    bool refused =
        json_is_string(json_object_get(said, "code")) && json_is_string(json_object_get(said, "msg"));
    assert(refused == (answer.status != 200));
    assert(s->who != 3 || answer.status == 401);
    assert(!refused || before == sum_up(s));
    json_decref(said);
    free(answer.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct scene s;
    open_scene(&s);
    for (unsigned i = 0; size > 0 && i < REQUESTS_MAX; i++) {
        const uint8_t *end = memchr(data, 0x1e, size);
        size_t len = end ? (size_t)(end - data) : size;
        if (len > 1 && !memchr(data, '\0', len))
            ask(&s, data, len);
        data += end ? len + 1 : len;
        size -= end ? len + 1 : len;
    }
    hub_destroy(s.hub);
    return 0;
}
