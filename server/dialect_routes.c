#include "server/dialect_routes.h"

#include "base/clock.h"

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

static void route_add(struct dialect_host *host, enum http_method method, const char *path,
                      void (*answer)(void *, const struct http_request *, struct http_answer *)) {
    assert(host->route_count < DIALECT_ROUTES_MAX);
    host->routes[host->route_count++] = (struct http_route){method, path, HTTP_PUBLIC, 0, "", answer};
}

static void talk_add(struct dialect_host *host, const char *place, struct ws_talk talk) {
    assert(host->talk_count < DIALECT_TALKS_MAX);
    talk.ctx = host;
    host->places[host->talk_count] = place;
    host->talks[host->talk_count++] = talk;
}

static void peerjs_rows(struct dialect_host *host, const struct config *config) {
    const char *base = strcmp(config->peerjs, "/") == 0 ? "" : config->peerjs;
    route_add(host, HTTP_GET, path_add(host, "%s/%s/id", base, config->peerjs_key), answer_peerjs_id);
    route_add(host, HTTP_GET, path_add(host, "%s/%s/peers", base, config->peerjs_key), answer_peerjs_list);
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
    return true;
}

void dialect_host_stop(struct dialect_host *host) {
    peerjs_destroy(host->peerjs);
    named_destroy(host->named);
    host->peerjs = NULL;
    host->named = NULL;
}

void dialect_host_describe(const struct dialect_host *host, char *out, size_t cap) {
    out[0] = '\0';
    for (size_t i = 0; i < host->talk_count; i++) {
        size_t len = strlen(out);
        const char *what = host->talks[i].message == on_peerjs_message ? "PeerJS" : "messages from and to";
        snprintf(out + len, cap - len, "%s%s at %s", i ? ", " : "", what, host->places[i]);
    }
}

// ---- time

static uint64_t earlier(uint64_t a_us, uint64_t b_us) {
    return a_us < b_us ? a_us : b_us;
}

uint64_t dialect_host_next_us(const struct dialect_host *host) {
    uint64_t next_us = host->peerjs ? peerjs_next_us(host->peerjs) : TIME_NEVER;
    return earlier(next_us, host->named ? named_next_us(host->named) : TIME_NEVER);
}

void dialect_host_advance(struct dialect_host *host, uint64_t now_us) {
    if (host->peerjs)
        peerjs_advance(host->peerjs, now_us);
    if (host->named)
        named_advance(host->named, now_us);
}

void dialect_host_read_counts(const struct dialect_host *host, struct dialect_counts *out) {
    *out = (struct dialect_counts){0};
    if (host->peerjs)
        peerjs_read_counts(host->peerjs, out);
    if (host->named)
        named_read_counts(host->named, out);
}
