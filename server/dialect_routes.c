#include "server/dialect_routes.h"

#include "base/clock.h"
#include "server/web/address_limits.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- what the server does for them

static void on_send(void *ctx, uint32_t client, const char *text, size_t len) {
    const struct dialect_host *host = ctx;
    if (host->ws)
        ws_server_send(host->ws, client, text, len);
}

static void on_close(void *ctx, uint32_t client, uint16_t code, const char *reason) {
    const struct dialect_host *host = ctx;
    if (host->ws)
        ws_server_close(host->ws, client, code, reason);
}

// False: not the client's own.
static bool address_of(const struct dialect_host *host, uint32_t client, struct net_address *out) {
    return host->ws && ws_server_client_address(host->ws, client, out) && !networks_have(host->trusted, out);
}

static void tell_gone(const struct dialect_host *host) {
    if (host->gone)
        host->gone(host->gone_ctx);
}

// A session without a connection of its own counts as a connection that has not joined.
static bool on_admit(void *ctx, const struct net_address *address) {
    const struct dialect_host *host = ctx;
    return address_limits_connect(host->addresses, address, clock_now_us());
}

static void on_dismiss(void *ctx, const struct net_address *address) {
    const struct dialect_host *host = ctx;
    address_limits_disconnect(host->addresses, address, clock_now_us());
}

#define ENGINE_TEXT "text/plain; charset=UTF-8"

static void on_answer(void *ctx, uint32_t late, const char *text, size_t len) {
    const struct dialect_host *host = ctx;
    if (host->ws)
        (void)ws_server_answer_late(host->ws, late, 200, ENGINE_TEXT, text, len); // who has gone misses it
}

// ---- PeerJS

static void on_peerjs_opened(void *ctx, uint32_t client, struct span query) {
    const struct dialect_host *host = ctx;
    peerjs_opened(host->peerjs, client, query, clock_now_us());
}

static void on_peerjs_message(void *ctx, uint32_t client, const char *text, size_t len) {
    const struct dialect_host *host = ctx;
    peerjs_message(host->peerjs, client, text, len, clock_now_us());
}

static void on_peerjs_bad_frame(void *ctx, uint32_t client, enum ws_bad_frame what) {
    const struct dialect_host *host = ctx;
    peerjs_bad_frame(host->peerjs, client, what == WS_FRAME_BINARY);
}

static void on_peerjs_closed(void *ctx, uint32_t client) {
    const struct dialect_host *host = ctx;
    peerjs_closed(host->peerjs, client);
    tell_gone(host);
}

// As PeerJS's own server types it; a browser does not take a text of letters for more.
static void answer_peerjs_id(void *ctx, const struct http_request *request, struct http_answer *answer) {
    (void)ctx, (void)request;
    *answer = (struct http_answer){.status = 200, .content_type = "text/html; charset=utf-8"};
    answer->body = malloc(PEERJS_ID_BYTES);
    if (!answer->body) {
        answer->status = 500;
        return;
    }
    peerjs_make_id(answer->body);
    answer->len = PEERJS_ID_BYTES - 1;
}

static void answer_peerjs_list(void *ctx, const struct http_request *request, struct http_answer *answer) {
    (void)request;
    char *list = peerjs_list(dialect_host_of(ctx)->peerjs);
    *answer = (struct http_answer){.status = 200, .content_type = "application/json", .body = list};
    if (!list) { // as the package expects it
        *answer = (struct http_answer){.status = 401, .content_type = "text/plain; charset=utf-8"};
        answer->body =
            strdup("Who is here is not told: the server's operator allows it by --peerjs-peers.\n");
    }
    answer->len = answer->body ? strlen(answer->body) : 0;
}

// ---- the dialect with from and to

static void on_named_opened(void *ctx, uint32_t client, struct span query) {
    const struct dialect_host *host = ctx;
    struct net_address address;
    (void)query;
    bool known = address_of(host, client, &address);
    named_opened(host->named, client, known ? &address : NULL, clock_now_us());
}

static void on_named_message(void *ctx, uint32_t client, const char *text, size_t len) {
    const struct dialect_host *host = ctx;
    named_message(host->named, client, text, len, clock_now_us());
}

static void on_named_bad_frame(void *ctx, uint32_t client, enum ws_bad_frame what) {
    const struct dialect_host *host = ctx;
    named_bad_frame(host->named, client, what == WS_FRAME_BINARY);
}

static void on_named_closed(void *ctx, uint32_t client) {
    const struct dialect_host *host = ctx;
    named_closed(host->named, client);
    tell_gone(host);
}

bool dialect_host_wants(const struct dialect_host *host, const char *text, size_t len) {
    return host->named_at_ws && named_begins(text, len);
}

void dialect_host_take(struct dialect_host *host, uint32_t client, const char *text, size_t len) {
    for (size_t i = 0; i < host->talk_count; i++)
        if (host->talks[i].message == on_named_message)
            ws_server_hand_over(host->ws, client, &host->talks[i]);
    on_named_opened(host, client, span_of(NULL, 0));
    on_named_message(host, client, text, len);
}

// ---- socket.io

static void on_engine_opened(void *ctx, uint32_t client, struct span query) {
    const struct dialect_host *host = ctx;
    engine_ws_opened(socket_io_engine(host->socket_io), client, query, clock_now_us());
}

static void on_engine_message(void *ctx, uint32_t client, const char *text, size_t len) {
    const struct dialect_host *host = ctx;
    engine_ws_message(socket_io_engine(host->socket_io), client, text, len, clock_now_us());
}

static void on_engine_bad_frame(void *ctx, uint32_t client, enum ws_bad_frame what) {
    const struct dialect_host *host = ctx;
    engine_ws_bad_frame(socket_io_engine(host->socket_io), client, what == WS_FRAME_BINARY);
}

static void on_engine_closed(void *ctx, uint32_t client) {
    const struct dialect_host *host = ctx;
    engine_ws_closed(socket_io_engine(host->socket_io), client);
    tell_gone(host);
}

static void answer_engine(void *ctx, const struct http_request *request, struct http_answer *answer) {
    const struct dialect_host *host = dialect_host_of(ctx);
    const struct http_head *head = request->head;
    bool known = !networks_have(host->trusted, &request->client);
    struct engine_request asked = {.posts = head->method == HTTP_POST,
                                   .query = head->query,
                                   .body = request->body,
                                   .address = known ? &request->client : NULL,
                                   .late = request->late};
    struct engine_answer said;
    if (head->method == HTTP_HEAD) { // nothing here has a form to be shown
        *answer = (struct http_answer){.status = 204};
        return;
    }
    engine_handle(socket_io_engine(host->socket_io), &asked, &said, clock_now_us());
    *answer = (struct http_answer){.status = said.status,
                                   .content_type = said.content_type,
                                   .body = said.body,
                                   .len = said.len,
                                   .later = said.later};
}

void dialect_host_late_closed(struct dialect_host *host, uint32_t late) {
    if (host->socket_io)
        engine_late_closed(socket_io_engine(host->socket_io), late);
}

// ---- rows

__attribute__((format(printf, 2, 3))) static const char *path_add(struct dialect_host *host,
                                                                  const char *format, ...) {
    assert(host->path_count < DIALECT_ROUTES_MAX);
    char *path = host->paths[host->path_count++];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(path, DIALECT_PATH_MAX, format, args);
    va_end(args);
    assert(len > 0 && len < DIALECT_PATH_MAX);
    return path;
}

static void route_add(struct dialect_host *host, struct http_route row) {
    assert(host->route_count < DIALECT_ROUTES_MAX);
    row.headers = "";
    host->routes[host->route_count++] = row;
}

static void talk_add(struct dialect_host *host, const char *place, struct ws_talk talk) {
    assert(host->talk_count < DIALECT_TALKS_MAX);
    talk.ctx = host;
    host->places[host->talk_count] = place;
    host->talks[host->talk_count++] = talk;
}

static void peerjs_rows(struct dialect_host *host, const struct config *config) {
    const char *base = strcmp(config->peerjs, "/") == 0 ? "" : config->peerjs;
    route_add(host, (struct http_route){.method = HTTP_GET,
                                        .path = path_add(host, "%s/%s/id", base, config->peerjs_key),
                                        .places = HTTP_PUBLIC,
                                        .answer = answer_peerjs_id});
    route_add(host, (struct http_route){.method = HTTP_GET,
                                        .path = path_add(host, "%s/%s/peers", base, config->peerjs_key),
                                        .places = HTTP_PUBLIC,
                                        .answer = answer_peerjs_list});
    talk_add(host, config->peerjs,
             (struct ws_talk){.path = path_add(host, "%s/peerjs", base),
                              .opened = on_peerjs_opened,
                              .message = on_peerjs_message,
                              .bad_frame = on_peerjs_bad_frame,
                              .closed = on_peerjs_closed});
}

static void named_rows(struct dialect_host *host, const struct config *config) {
    host->named_at_ws = strcmp(config->named_ws, "/ws") == 0;
    // Where it shares the path, nothing is found by this one: what begins there are clients of our own
    // protocol, until the first message shows what they are.
    talk_add(host, config->named_ws,
             (struct ws_talk){.path = host->named_at_ws ? "" : path_add(host, "%s", config->named_ws),
                              .opened = on_named_opened,
                              .message = on_named_message,
                              .bad_frame = on_named_bad_frame,
                              .closed = on_named_closed});
}

// The package asks for the path with a slash behind it.
static void socket_io_rows(struct dialect_host *host, const struct config *config) {
    const char *const paths[] = {path_add(host, "%s", config->socket_io),
                                 path_add(host, "%s/", config->socket_io)};
    for (size_t i = 0; i < 4; i++)
        route_add(host, (struct http_route){.method = i % 2 ? HTTP_POST : HTTP_GET,
                                            .path = paths[i / 2],
                                            .places = HTTP_PUBLIC | HTTP_LATE,
                                            .body_max = i % 2 ? ENGINE_BODY_MAX : 0,
                                            .answer = answer_engine});
    talk_add(host, config->socket_io,
             (struct ws_talk){.path = paths[0],
                              .opened = on_engine_opened,
                              .message = on_engine_message,
                              .bad_frame = on_engine_bad_frame,
                              .closed = on_engine_closed});
}

void dialect_host_set_limits(struct dialect_host *host, const struct config *config) {
    host->limits = (struct dialect_limits){.clients_max = config->dialect_clients_max,
                                           .messages_per_second_max = config->message_rate_max,
                                           .relay_rate_max = config->relay_rate_max};
}

bool dialect_host_start(struct dialect_host *host, const struct config *config) {
    const struct dialect_io io = {.ctx = host, .send = on_send, .close = on_close};
    uint64_t now_us = clock_now_us();
    dialect_host_set_limits(host, config);
    host->trusted = &config->trusted;
    if (config->peerjs[0]) {
        struct peerjs_config peerjs = {.limits = &host->limits, .lists_peers = config->peerjs_lists};
        snprintf(peerjs.key, sizeof peerjs.key, "%s", config->peerjs_key);
        if (!(host->peerjs = peerjs_create(&peerjs, &io, now_us)))
            return false;
        peerjs_rows(host, config);
    }
    if (config->named_ws[0]) {
        if (!(host->named = named_create(&host->limits, &io, now_us)))
            return false;
        named_rows(host, config);
    }
    if (config->socket_io[0]) {
        const struct engine_outside outside = {io, on_admit, on_dismiss, on_answer};
        if (!(host->socket_io = socket_io_create(&host->limits, &outside, now_us)))
            return false;
        socket_io_rows(host, config);
    }
    return true;
}

void dialect_host_stop(struct dialect_host *host) {
    peerjs_destroy(host->peerjs);
    named_destroy(host->named);
    socket_io_destroy(host->socket_io);
    host->peerjs = NULL;
    host->named = NULL;
    host->socket_io = NULL;
}

void dialect_host_describe(const struct dialect_host *host, char *out, size_t cap) {
    out[0] = '\0';
    for (size_t i = 0; i < host->talk_count; i++) {
        size_t len = strlen(out);
        const char *what = host->talks[i].message == on_peerjs_message   ? "PeerJS"
                           : host->talks[i].message == on_engine_message ? "socket.io"
                                                                         : "messages from and to";
        snprintf(out + len, cap - len, "%s%s at %s", i ? ", " : "", what, host->places[i]);
    }
}

// ---- time

static uint64_t earlier(uint64_t a_us, uint64_t b_us) {
    return a_us < b_us ? a_us : b_us;
}

uint64_t dialect_host_next_us(const struct dialect_host *host) {
    uint64_t next_us = host->peerjs ? peerjs_next_us(host->peerjs) : TIME_NEVER;
    next_us = earlier(next_us, host->socket_io ? socket_io_next_us(host->socket_io) : TIME_NEVER);
    return earlier(next_us, host->named ? named_next_us(host->named) : TIME_NEVER);
}

void dialect_host_advance(struct dialect_host *host, uint64_t now_us) {
    if (host->peerjs)
        peerjs_advance(host->peerjs, now_us);
    if (host->named)
        named_advance(host->named, now_us);
    if (host->socket_io)
        socket_io_advance(host->socket_io, now_us);
}

void dialect_host_read_counts(const struct dialect_host *host, struct dialect_counts *out) {
    *out = (struct dialect_counts){0};
    if (host->peerjs)
        peerjs_read_counts(host->peerjs, out);
    if (host->named)
        named_read_counts(host->named, out);
    if (host->socket_io)
        socket_io_read_counts(host->socket_io, out);
}
