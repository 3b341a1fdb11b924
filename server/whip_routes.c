#include "server/whip_routes.h"

#include "base/clock.h"
#include "server/gate.h"
#include "server/web/address_limits.h"
#include "server/web/ws_server.h"

#include <stdlib.h>
#include <string.h>

// ---- what the server does for it

unsigned whip_host_admit(const struct whip_host *host, const struct net_address *address,
                         enum hub_step step) {
    unsigned wait_seconds = 0;
    if (networks_have(host->trusted, address))
        return 0; // a proxy that does not say for whom it speaks
    if (step == HUB_STEP_JOIN)
        address_limits_may_join(host->limits, address, clock_now_us(), &wait_seconds);
    else
        address_limits_open_room(host->limits, address, clock_now_us(), &wait_seconds);
    return wait_seconds;
}

void whip_host_failed(const struct whip_host *host, const struct net_address *address) {
    if (!networks_have(host->trusted, address))
        address_limits_join_failed(host->limits, address, clock_now_us());
}

static unsigned on_admit(void *ctx, const struct net_address *address, enum hub_step step) {
    return whip_host_admit(ctx, address, step);
}

static bool on_known(void *ctx, const struct net_address *address) {
    const struct whip_host *host = ctx;
    return !networks_have(host->trusted, address);
}

static bool on_password(void *ctx, const char *room, const char *name) {
    const struct whip_host *host = ctx;
    bool moderator;
    return gate_password(host->gate, room, name, &moderator) != NULL;
}

static bool on_verify(void *ctx, const char *token, struct grants *out, char *why) {
    const struct whip_host *host = ctx;
    return gate_verify(host->gate, token, out, why);
}

// A session counts as a connection that has not joined until its media path is there.
static bool on_note(void *ctx, const struct net_address *address, enum whip_note note) {
    struct whip_host *host = ctx;
    uint64_t now_us = clock_now_us();
    if (networks_have(host->trusted, address))
        return true;
    switch (note) {
    case WHIP_OPENED:
        return address_limits_connect(host->limits, address, now_us);
    case WHIP_CONNECTED:
        address_limits_joined(host->limits, address, now_us);
        break;
    case WHIP_DISMISSED:
        address_limits_left(host->limits, address, now_us);
        address_limits_disconnect(host->limits, address, now_us);
        break;
    case WHIP_CLOSED:
        address_limits_disconnect(host->limits, address, now_us);
        break;
    case WHIP_JOIN_FAILED:
        whip_host_failed(host, address);
        break;
    }
    return true;
}

static bool on_stream_write(void *ctx, uint32_t stream, const char *text, size_t len) {
    struct whip_host *host = ctx;
    return host->ws && ws_server_stream_write(host->ws, stream, text, len);
}

static void on_stream_end(void *ctx, uint32_t stream) {
    struct whip_host *host = ctx;
    if (host->ws)
        ws_server_stream_end(host->ws, stream);
}

static bool on_answer_late(void *ctx, uint32_t late, unsigned status, const char *content_type,
                           const char *text, size_t len) {
    struct whip_host *host = ctx;
    return host->ws && ws_server_answer_late(host->ws, late, status, content_type, text, len);
}

struct whip *whip_host_start(struct whip_host *host, struct hub *hub) {
    struct whip_io io = {.ctx = host,
                         .admit = on_admit,
                         .known = on_known,
                         .note = on_note,
                         .verify = host->needs_tokens ? on_verify : NULL,
                         .password = on_password,
                         .stream_write = on_stream_write,
                         .stream_end = on_stream_end,
                         .answer_late = on_answer_late};
    return whip_create(hub, &io, clock_now_us());
}

// ---- requests

static enum whip_method method_of(enum http_method method) {
    switch (method) {
    case HTTP_POST:
        return WHIP_POST;
    case HTTP_PATCH:
        return WHIP_PATCH;
    case HTTP_DELETE:
        return WHIP_DELETE;
    case HTTP_OPTIONS:
        return WHIP_OPTIONS;
    case HTTP_GET:
    case HTTP_HEAD:
        return WHIP_GET;
    case HTTP_PUT:
    case HTTP_OTHER:
        break;
    }
    return WHIP_OTHER;
}

void whip_routes_answer(struct whip *whip, bool views, const struct http_request *request,
                        struct http_answer *answer, uint64_t now_us) {
    const struct http_head *head = request->head;
    _Static_assert(sizeof "/whip/" == sizeof "/whep/", "one length");
    struct whip_request asked = {
        .method = method_of(head->method),
        .views = views,
        .path = head->path + strlen("/whip/"),
        .query = head->query,
        .content_type = http_field_find(head, "content-type"),
        .authorization = http_field_find(head, "authorization"),
        .if_match = http_field_find(head, "if-match"),
        .accept = http_field_find(head, "accept"),
        .body = request->body,
        .address = request->client,
        .late = request->late,
    };
    struct whip_answer said;
    if (head->method == HTTP_HEAD) { // nothing here has a form to be shown
        answer->status = 204;
        return;
    }
    whip_handle(whip, &asked, &said, now_us);
    _Static_assert(WHIP_HEADERS_MAX <= HTTP_ANSWER_HEADERS_MAX + 1, "they fit");
    answer->status = said.status;
    if (said.content_type)
        answer->content_type = said.content_type;
    answer->body = said.body;
    answer->len = said.len;
    answer->stream = said.stream;
    answer->later = said.later;
    answer->headers = strdup(said.headers);
}
