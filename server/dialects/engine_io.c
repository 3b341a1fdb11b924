#include "server/dialects/engine_io.h"

#include "base/clock.h"
#include "base/entropy.h"
#include "base/hmap.h"
#include "base/slots.h"
#include "base/wheel.h"
#include "server/common/query_text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PING_US (25 * US_PER_SECOND)    // between a sign of life and the question for the next
#define PONG_US (20 * US_PER_SECOND)    // for the answer
#define UPGRADE_US (10 * US_PER_SECOND) // for a WebSocket to take a session over
#define SEPARATOR '\x1e'
#define TEXT "text/plain; charset=UTF-8"

// Types of packets (Engine.IO protocol 4).
enum { PACKET_CLOSE = '1', PACKET_PING = '2', PACKET_PONG = '3', PACKET_MESSAGE = '4', PACKET_UPGRADE = '5' };

struct session {
    struct engine *engine;
    uint32_t id;
    char sid[ENGINE_SID_BYTES];
    uint32_t client;   // the WebSocket that carries it; 0: none, it polls
    uint32_t upgrades; // the WebSocket that is to carry it; 0: none
    bool probed;       // which has asked, and was answered
    uint32_t poll;     // the request that waits for news; 0: none
    char *queue;       // packets for the next one
    size_t queue_len, queue_cap;
    bool counted; // by engine_outside.admit
    struct net_address address;
    struct dialect_spent spent;
    struct wheel_node life, upgrade;
    bool asked;  // for a sign of life
    bool behind; // it does not fetch what waits
};

struct engine {
    const struct dialect_limits *limits;
    struct engine_outside outside;
    struct engine_user user;
    struct slots *sessions;
    struct hmap *sids, *clients; // to ids of sessions
    struct hmap *polls;
    struct wheel wheel;
    uint64_t now_us;
    size_t queued; // bytes of all queues
    uint64_t refused;
};

static void on_life(struct wheel_node *node, uint64_t now_us);
static void on_upgrade(struct wheel_node *node, uint64_t now_us);

struct engine *engine_create(const struct dialect_limits *limits, const struct engine_outside *outside,
                             const struct engine_user *user, uint64_t now_us) {
    struct engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return NULL;
    uint32_t most = limits->clients_max < SLOTS_MAX / 2 ? limits->clients_max : SLOTS_MAX / 2;
    engine->limits = limits;
    engine->outside = *outside;
    engine->user = *user;
    engine->now_us = now_us;
    wheel_init(&engine->wheel, now_us);
    engine->sessions = slots_create(most);
    engine->sids = hmap_create(ENGINE_SID_BYTES, most);
    engine->clients = hmap_create(sizeof(uint32_t), 2 * most);
    engine->polls = hmap_create(sizeof(uint32_t), most);
    if (engine->sessions && engine->sids && engine->clients && engine->polls)
        return engine;
    engine_destroy(engine);
    return NULL;
}

// ---- sessions

static struct session *session_of(const struct engine *engine, uint32_t id) {
    return id == HMAP_NONE ? NULL : slots_get(engine->sessions, id);
}

static void session_release(struct session *session) {
    struct engine *engine = session->engine;
    if (session->counted)
        engine->outside.dismiss(engine->outside.io.ctx, &session->address);
    session->counted = false;
}

// The answer to the request that waits.
static void poll_answer(struct session *session, const char *text, size_t len) {
    struct engine *engine = session->engine;
    uint32_t poll = session->poll;
    session->poll = 0;
    hmap_remove(engine->polls, &poll);
    engine->outside.answer(engine->outside.io.ctx, poll, text, len);
}

static void client_close(struct engine *engine, uint32_t client, uint16_t code, const char *reason) {
    hmap_remove(engine->clients, &client);
    engine->outside.io.close(engine->outside.io.ctx, client, code, reason);
}

static void queue_forget(struct session *session) {
    session->engine->queued -= session->queue_cap;
    free(session->queue);
    session->queue = NULL;
    session->queue_len = session->queue_cap = 0;
}

static void session_free(struct session *session) {
    struct engine *engine = session->engine;
    session_release(session);
    wheel_cancel(&engine->wheel, &session->life);
    wheel_cancel(&engine->wheel, &session->upgrade);
    hmap_remove(engine->sids, session->sid);
    slots_remove(engine->sessions, session->id);
    queue_forget(session);
    free(session);
}

// Its end, told to its client as its transport allows; `last` is what a request that waits hears.
static void session_end(struct session *session, uint16_t code, const char *reason, const char *last) {
    struct engine *engine = session->engine;
    if (session->poll)
        poll_answer(session, last, strlen(last));
    if (session->client)
        client_close(engine, session->client, code, reason);
    if (session->upgrades)
        client_close(engine, session->upgrades, code, reason);
    session_free(session);
}

static void session_fail(struct session *session, uint16_t code, const char *reason) {
    struct engine *engine = session->engine;
    uint32_t id = session->id;
    session_end(session, code, reason, "1");
    engine->user.closed(engine->user.ctx, id);
}

static void session_refuse(struct session *session, const char *reason) {
    session->engine->refused++;
    session_fail(session, DIALECT_CLOSE_REFUSED, reason);
}

static struct session *session_make(struct engine *engine, uint32_t client, uint64_t now_us) {
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    session->engine = engine;
    session->client = client;
    wheel_node_init(&session->life, on_life);
    wheel_node_init(&session->upgrade, on_upgrade);
    entropy_text(session->sid, sizeof session->sid);
    session->id = slots_add(engine->sessions, session);
    if (!session->id) {
        free(session);
        return NULL;
    }
    bool fine = hmap_put(engine->sids, session->sid, session->id) == ERR_OK &&
                (!client || hmap_put(engine->clients, &client, session->id) == ERR_OK) &&
                engine->user.opened(engine->user.ctx, session->id, now_us);
    if (!fine) {
        if (client)
            hmap_remove(engine->clients, &client);
        session_free(session);
        return NULL;
    }
    wheel_arm(&engine->wheel, &session->life, now_us + PING_US);
    return session;
}

static size_t open_packet(const struct session *session, char out[256]) {
    return (size_t)snprintf(out, 256,
                            "0{\"sid\":\"%.*s\",\"upgrades\":[%s],\"pingInterval\":%u,\"pingTimeout\":%u,"
                            "\"maxPayload\":%u}",
                            ENGINE_SID_BYTES, session->sid, session->client ? "" : "\"websocket\"",
                            (unsigned)(PING_US / US_PER_MS), (unsigned)(PONG_US / US_PER_MS),
                            (unsigned)ENGINE_BODY_MAX);
}

// ---- out

// False: no memory for it, or its client does not fetch what waits.
static bool queue_add(struct session *session, const char *packet, size_t len) {
    size_t need = session->queue_len + len + 1;
    if (need > ENGINE_QUEUE_MAX)
        return false;
    if (need > session->queue_cap) {
        size_t cap = need < 2048 ? 2048 : 2 * need;
        size_t all = session->engine->queued - session->queue_cap + cap;
        char *grown = all <= ENGINE_QUEUES_MAX ? realloc(session->queue, cap) : NULL;
        if (!grown)
            return false;
        session->engine->queued = all;
        session->queue = grown;
        session->queue_cap = cap;
    }
    if (session->queue_len)
        session->queue[session->queue_len++] = SEPARATOR;
    memcpy(session->queue + session->queue_len, packet, len);
    session->queue_len += len;
    return true;
}

static void send_packet(struct session *session, const char *packet, size_t len) {
    struct engine *engine = session->engine;
    if (session->client)
        engine->outside.io.send(engine->outside.io.ctx, session->client, packet, len);
    else if (session->poll)
        poll_answer(session, packet, len);
    else if (!queue_add(session, packet, len)) { // its end comes from the clock, never from inside the sender
        session->behind = true;
        wheel_arm(&engine->wheel, &session->life, engine->now_us);
    }
}

void engine_send(struct engine *engine, uint32_t id, const char *packet, size_t len) {
    struct session *session = session_of(engine, id);
    if (session)
        send_packet(session, packet, len);
}

void engine_close(struct engine *engine, uint32_t id, uint16_t code, const char *reason) {
    struct session *session = session_of(engine, id);
    if (session)
        session_end(session, code, reason, "1");
}

bool engine_spend(struct engine *engine, uint32_t id, size_t bytes, uint64_t now_us) {
    struct session *session = session_of(engine, id);
    return session && dialect_spend(&session->spent, engine->limits, bytes, now_us);
}

// ---- in: packets

// One packet. False: the session has ended.
static bool take_packet(struct session *session, const char *packet, size_t len, uint64_t now_us) {
    struct engine *engine = session->engine;
    uint32_t id = session->id;
    if (!dialect_spend(&session->spent, engine->limits, len, now_us)) {
        session_refuse(session, "too many messages, or too long ones");
        return false;
    }
    switch (len ? packet[0] : 0) {
    case PACKET_PONG:
        session->asked = false;
        if (!session->behind)
            wheel_arm(&engine->wheel, &session->life, now_us + PING_US);
        return true;
    case PACKET_MESSAGE:
        engine->user.message(engine->user.ctx, id, packet + 1, len - 1, now_us);
        return session_of(engine, id) == session;
    case PACKET_CLOSE:
        session_end(session, DIALECT_CLOSE_NORMAL, "", "6");
        engine->user.closed(engine->user.ctx, id);
        return false;
    default:
        session_refuse(session, "that is no packet of Engine.IO 4 that this server takes");
        return false;
    }
}

// ---- in: requests

static void answer_error(struct engine *engine, struct engine_answer *answer, unsigned status, int code,
                         const char *why) {
    char text[160];
    int len = snprintf(text, sizeof text, "{\"code\":%d,\"message\":\"%s\"}", code, why);
    engine->refused++;
    *answer = (struct engine_answer){.status = status, .content_type = "application/json"};
    answer->body = strdup(text);
    answer->len = answer->body ? (size_t)len : 0;
}

static void answer_text(struct engine_answer *answer, const char *content_type, const char *text,
                        size_t len) {
    *answer = (struct engine_answer){.status = 200, .content_type = content_type, .body = malloc(len + 1)};
    if (!answer->body) {
        answer->status = 500;
        return;
    }
    memcpy(answer->body, text, len);
    answer->len = len;
}

static void answer_open(struct engine *engine, const struct engine_request *request,
                        struct engine_answer *answer, uint64_t now_us) {
    char packet[256];
    if (request->posts) {
        answer_error(engine, answer, 400, 2, "Bad handshake method");
        return;
    }
    if (request->address && !engine->outside.admit(engine->outside.io.ctx, request->address)) {
        answer_error(engine, answer, 429, 4,
                     "too many clients come from your network; try again in a moment");
        return;
    }
    struct session *session = session_make(engine, 0, now_us);
    if (!session) {
        if (request->address)
            engine->outside.dismiss(engine->outside.io.ctx, request->address);
        answer_error(engine, answer, 503, 4, "this server has as many clients as it takes");
        return;
    }
    session->counted = request->address != NULL;
    if (request->address)
        session->address = *request->address;
    answer_text(answer, TEXT, packet, open_packet(session, packet));
}

static void answer_poll(struct session *session, const struct engine_request *request,
                        struct engine_answer *answer) {
    struct engine *engine = session->engine;
    if (session->poll) { // only one may wait
        session_refuse(session, "two requests wait for news");
        answer_error(engine, answer, 400, 3, "Bad request");
    } else if (session->queue_len) {
        answer_text(answer, TEXT, session->queue, session->queue_len);
        queue_forget(session);
    } else if (session->probed || !request->late || // the WebSocket takes over
               hmap_put(engine->polls, &request->late, session->id) != ERR_OK) {
        answer_text(answer, TEXT, "6", 1);
    } else {
        session->poll = request->late;
        *answer = (struct engine_answer){.later = true};
    }
}

// Binary packets stand in base64 behind a "b".
static bool has_binary(struct span body) {
    bool begins = true;
    for (size_t i = 0; i < body.len; i++) {
        if (begins && body.ptr[i] == 'b')
            return true;
        begins = body.ptr[i] == SEPARATOR;
    }
    return false;
}

static void answer_post(struct session *session, struct span body, struct engine_answer *answer,
                        uint64_t now_us) {
    struct engine *engine = session->engine;
    if (body.len == 0 || has_binary(body)) { // before any of it is done
        session_refuse(session, "that is no packet of Engine.IO 4 that this server takes");
        answer_error(engine, answer, 400, 3, "Bad request");
        return;
    }
    const char *at = (const char *)body.ptr, *end = at + body.len;
    answer_text(answer, "text/html", "ok", 2);
    for (bool more = true; more;) {
        const char *stop = memchr(at, SEPARATOR, (size_t)(end - at));
        more = stop != NULL;
        if (!take_packet(session, at, (size_t)((more ? stop : end) - at), now_us))
            return;
        at = more ? stop + 1 : end;
    }
}

enum transport { POLLING, WEBSOCKET, NO_TRANSPORT };

static enum transport read_query(struct span query, bool *version_fine, char sid[ENGINE_SID_BYTES + 1],
                                 int *has_sid) {
    char text[16];
    *version_fine = query_text_value(query, "EIO", text, sizeof text) == 1 && strcmp(text, "4") == 0;
    *has_sid = query_text_value(query, "sid", sid, ENGINE_SID_BYTES + 1);
    bool told = query_text_value(query, "transport", text, sizeof text) == 1;
    if (told && strcmp(text, "websocket") == 0)
        return WEBSOCKET;
    return told && strcmp(text, "polling") == 0 ? POLLING : NO_TRANSPORT;
}

static struct session *session_of_sid(const struct engine *engine, const char *sid) {
    return strlen(sid) == ENGINE_SID_BYTES ? session_of(engine, hmap_get(engine->sids, sid)) : NULL;
}

void engine_handle(struct engine *engine, const struct engine_request *request, struct engine_answer *answer,
                   uint64_t now_us) {
    char sid[ENGINE_SID_BYTES + 1], text[16];
    bool version_fine;
    int has_sid;
    enum transport transport = read_query(request->query, &version_fine, sid, &has_sid);
    struct session *session = has_sid == 1 ? session_of_sid(engine, sid) : NULL;
    engine->now_us = now_us;
    if (transport == NO_TRANSPORT)
        answer_error(engine, answer, 400, 0, "Transport unknown");
    else if (!version_fine)
        answer_error(engine, answer, 400, 5, "Unsupported protocol version");
    else if (transport == WEBSOCKET || query_text_value(request->query, "j", text, sizeof text) != 0)
        answer_error(engine, answer, 400, 3, "Bad request"); // no upgrade came with it; JSONP is no more
    else if (has_sid == 0)
        answer_open(engine, request, answer, now_us);
    else if (!session)
        answer_error(engine, answer, 400, 1, "Session ID unknown");
    else if (session->client)
        answer_error(engine, answer, 400, 3, "Bad request");
    else if (request->posts)
        answer_post(session, request->body, answer, now_us);
    else
        answer_poll(session, request, answer);
}

void engine_late_closed(struct engine *engine, uint32_t late) {
    struct session *session = session_of(engine, hmap_remove(engine->polls, &late));
    if (session && session->poll == late)
        session->poll = 0; // another request comes, or no sign of life does
}

// ---- in: WebSockets

static void ws_refuse(struct engine *engine, uint32_t client, const char *why) {
    engine->refused++;
    engine->outside.io.close(engine->outside.io.ctx, client, DIALECT_CLOSE_REFUSED, why);
}

static void ws_begin(struct engine *engine, uint32_t client, uint64_t now_us) {
    char packet[256];
    const struct session *session = session_make(engine, client, now_us);
    if (!session)
        ws_refuse(engine, client, "this server has as many clients as it takes");
    else
        engine->outside.io.send(engine->outside.io.ctx, client, packet, open_packet(session, packet));
}

void engine_ws_opened(struct engine *engine, uint32_t client, struct span query, uint64_t now_us) {
    char sid[ENGINE_SID_BYTES + 1];
    bool version_fine;
    int has_sid;
    enum transport transport = read_query(query, &version_fine, sid, &has_sid);
    struct session *session = has_sid == 1 ? session_of_sid(engine, sid) : NULL;
    engine->now_us = now_us;
    if (transport != WEBSOCKET || !version_fine)
        ws_refuse(engine, client, "this is Engine.IO 4: EIO=4&transport=websocket");
    else if (has_sid == 0)
        ws_begin(engine, client, now_us);
    else if (!session)
        ws_refuse(engine, client, "Session ID unknown");
    else if (session->client || session->upgrades ||
             hmap_put(engine->clients, &client, session->id) != ERR_OK)
        ws_refuse(engine, client, "that session has a WebSocket already");
    else {
        session->upgrades = client;
        wheel_arm(&engine->wheel, &session->upgrade, now_us + UPGRADE_US);
    }
}

// What waited goes the new way, in frames of its own each.
static void upgrade_done(struct session *session) {
    struct engine *engine = session->engine;
    session->client = session->upgrades;
    session->upgrades = 0;
    session->probed = false;
    wheel_cancel(&engine->wheel, &session->upgrade);
    session_release(session);
    if (session->poll)
        poll_answer(session, "6", 1);
    const char *at = session->queue, *end = at ? at + session->queue_len : NULL;
    while (at && at < end) {
        const char *stop = memchr(at, SEPARATOR, (size_t)(end - at));
        stop = stop ? stop : end;
        engine->outside.io.send(engine->outside.io.ctx, session->client, at, (size_t)(stop - at));
        at = stop + 1;
    }
    queue_forget(session);
}

static void upgrade_give_up(struct session *session, const char *reason) {
    uint32_t client = session->upgrades;
    session->upgrades = 0;
    session->probed = false;
    wheel_cancel(&session->engine->wheel, &session->upgrade);
    client_close(session->engine, client, DIALECT_CLOSE_REFUSED, reason);
}

// A request that waits is answered, so that the client sends no more of them and changes over.
static void upgrade_message(struct session *session, const char *text, size_t len) {
    struct engine *engine = session->engine;
    if (len == 6 && memcmp(text, "2probe", 6) == 0) {
        engine->outside.io.send(engine->outside.io.ctx, session->upgrades, "3probe", 6);
        session->probed = true;
        if (session->poll)
            poll_answer(session, "6", 1);
    } else if (len == 1 && text[0] == PACKET_UPGRADE && session->probed) {
        upgrade_done(session);
    } else {
        engine->refused++;
        upgrade_give_up(session, "a WebSocket that takes a session over says 2probe, then 5");
    }
}

void engine_ws_message(struct engine *engine, uint32_t client, const char *text, size_t len,
                       uint64_t now_us) {
    struct session *session = session_of(engine, hmap_get(engine->clients, &client));
    engine->now_us = now_us;
    if (!session)
        return; // it is being closed
    if (session->client == client)
        (void)take_packet(session, text, len, now_us);
    else
        upgrade_message(session, text, len);
}

void engine_ws_bad_frame(struct engine *engine, uint32_t client, bool binary) {
    struct session *session = session_of(engine, hmap_get(engine->clients, &client));
    engine->refused++;
    if (!session)
        return;
    if (session->client == client)
        session_fail(session, binary ? DIALECT_CLOSE_BINARY : DIALECT_CLOSE_TOO_BIG,
                     binary ? "messages are text" : "a message has at most 64 KiB");
    else
        upgrade_give_up(session, "that is no packet of Engine.IO 4 that this server takes");
}

void engine_ws_closed(struct engine *engine, uint32_t client) {
    struct session *session = session_of(engine, hmap_remove(engine->clients, &client));
    if (!session)
        return;
    if (session->client == client) {
        session->client = 0; // it closes itself
        session_fail(session, DIALECT_CLOSE_NORMAL, "");
    } else { // the session polls on
        session->upgrades = 0;
        session->probed = false;
        wheel_cancel(&engine->wheel, &session->upgrade);
    }
}

// ---- time

static void on_life(struct wheel_node *node, uint64_t now_us) {
    struct session *session = LIST_ENTRY(node, struct session, life);
    if (session->behind) {
        session_refuse(session, "the client does not fetch what waits for it");
        return;
    }
    if (session->asked) {
        session_fail(session, DIALECT_CLOSE_NORMAL, "no sign of life");
        return;
    }
    session->asked = true;
    wheel_arm(&session->engine->wheel, &session->life, now_us + PONG_US);
    send_packet(session, "2", 1);
}

static void on_upgrade(struct wheel_node *node, uint64_t now_us) {
    (void)now_us;
    upgrade_give_up(LIST_ENTRY(node, struct session, upgrade), "the session was not taken over in time");
}

uint64_t engine_next_us(const struct engine *engine) {
    return wheel_next_us(&engine->wheel, engine->now_us, WHEEL_HORIZON_MAX_US);
}

void engine_advance(struct engine *engine, uint64_t now_us) {
    engine->now_us = now_us;
    wheel_advance(&engine->wheel, now_us);
}

void engine_read_counts(const struct engine *engine, struct dialect_counts *counts) {
    counts->socket_io_clients += slots_count(engine->sessions);
    counts->socket_io_polls += hmap_count(engine->polls);
    counts->refused += engine->refused;
}

void engine_destroy(struct engine *engine) {
    if (!engine)
        return;
    uint32_t cursor = 0;
    struct session *session;
    while (engine->sessions && (session = slots_next(engine->sessions, &cursor))) {
        session->counted = false;
        session_free(session);
    }
    slots_destroy(engine->sessions);
    hmap_destroy(engine->sids);
    hmap_destroy(engine->clients);
    hmap_destroy(engine->polls);
    free(engine);
}
