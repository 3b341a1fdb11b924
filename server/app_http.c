// HTTP for operators: one row and one function an endpoint.
#include "base/clock.h"
#include "base/log_pace.h"
#include "server/app_internal.h"
#include "server/metrics.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void answer_text(struct http_answer *answer, unsigned status, const char *text) {
    answer->status = status;
    answer->content_type = "text/plain; charset=utf-8";
    answer->body = strdup(text);
    answer->len = answer->body ? strlen(text) : 0;
}

static void answer_health(void *ctx, const struct http_request *request, struct http_answer *answer) {
    struct app *app = ctx;
    (void)request;
    if (app_stuck(app, clock_now_us()) > 0)
        answer_text(answer, 503, "a media or data thread is stuck\n");
    else
        answer_text(answer, 200, "ok\n");
}

static void answer_readiness(void *ctx, const struct http_request *request, struct http_answer *answer) {
    struct app *app = ctx;
    (void)request;
    if (app->drain_by_us != TIME_NEVER)
        answer_text(answer, 503, "the server is stopping\n");
    else if (app_stuck(app, clock_now_us()) > 0)
        answer_text(answer, 503, "a media or data thread is stuck\n");
    else
        answer_text(answer, 200, "ready\n");
}

static void answer_metrics(void *ctx, const struct http_request *request, struct http_answer *answer) {
    struct app *app = ctx;
    (void)request;
    struct media_counters media[WORKERS_MAX];
    for (unsigned w = 0; w < app->workers; w++)
        media_read_counters(app->media, w, &media[w]);
    struct metrics_sample sample = {
        .connections = ws_server_connection_count(app->ws),
        .client_addresses = address_limits_count(app->limits),
        .workers = app->workers,
        .media = media,
        .uptime_us = clock_now_us() - app->started_us,
        .resident_bytes = metrics_resident_bytes(),
        .threads_stuck = app_stuck(app, clock_now_us()),
        .log_lines_dropped = log_dropped(),
        .log_lines_left_out = log_left_out(),
    };
    hub_read_counts(app->hub, &sample.hub);
    media_read_data_counters(app->media, &sample.data);
    media_read_ice_counters(app->media, &sample.ice);
    signalling_read_counts(app->signalling, &sample.signal);
    whip_read_counts(app->whip, &sample.whip);
    dialect_host_read_counts(&app->dialects, &sample.dialects);
    webhooks_read_counts(app->webhooks, &sample.webhooks);
    recordings_read_counts(app->recordings, &sample.recordings);
    tcp_door_read(app->tcp_door, &sample.tcp_door);
    answer->status = 200;
    answer->content_type = METRICS_CONTENT_TYPE;
    answer->body = metrics_print(&sample, &answer->len);
    if (!answer->body)
        answer_text(answer, 500, "out of memory\n");
}

// ---- managing rooms (server/admin/)

static bool on_verify_service(void *ctx, const char *token, struct service_grants *out, char *why) {
    const struct app *app = ctx;
    return gate_verify_service(app->gate, token, out, why);
}

static void on_send_data(void *ctx, const struct admin_data *data) {
    const struct app *app = ctx;
    signalling_send_data(app->signalling, data->room, data->only, data->payload_base64, data->topic);
}

static bool on_drain(void *ctx, int64_t wait_s, const char *url) {
    struct app *app = ctx;
    if (app->drain_by_us != TIME_NEVER)
        return app_drain_again(app, wait_s, url, clock_now_us());
    uint64_t wait_us = (wait_s < 0 ? app->config->drain_seconds : (uint64_t)wait_s) * US_PER_SECOND;
    LOG_INFO("server stopping", LOG_TEXT("reason", "an operator asked for it"));
    app_drain(app, wait_us, url ? url : app->config->drain_to, clock_now_us());
    return true;
}

static json_t *on_admin_record(void *ctx, const char *room, const char *who, const char *layout,
                               struct hub_refusal *refusal) {
    const struct app *app = ctx;
    struct recording_view view;
    return recordings_start(app->recordings, room, who, layout, &view, refusal) ? recording_describe(&view)
                                                                                : NULL;
}

static json_t *on_admin_stop_recording(void *ctx, const char *room, const char *id,
                                       struct hub_refusal *refusal) {
    const struct app *app = ctx;
    struct recording_view view;
    return recordings_stop(app->recordings, room, id, &view, refusal) ? recording_describe(&view) : NULL;
}

static void add_recording(void *list, const struct recording_view *recording) {
    json_array_append_new(list, recording_describe(recording));
}

static json_t *on_admin_list_recordings(void *ctx, const char *room) {
    const struct app *app = ctx;
    json_t *list = json_array();
    recordings_each(app->recordings, room, list, add_recording);
    return list;
}

static void put_admin_answer(struct http_answer *answer, const struct admin_answer *out) {
    *answer = (struct http_answer){
        .status = out->status, .content_type = "application/json", .body = out->body, .len = out->len};
    if (out->allow[0] && asprintf(&answer->headers, "allow: %s\r\n", out->allow) < 0)
        answer->headers = NULL;
    if (!out->body)
        answer_text(answer, 500, "out of memory\n");
}

// Tokens that are not taken count as failed joins of their address do. False: there were too many; *answer.
static bool may_try_token(const struct app *app, const struct http_request *request,
                          struct http_answer *answer) {
    char *header = NULL;
    unsigned wait_seconds = whip_host_admit(&app->whip_host, &request->client, HUB_STEP_JOIN);
    if (wait_seconds == 0)
        return true;
    struct admin_answer out;
    admin_refuse_tries(wait_seconds, &out);
    put_admin_answer(answer, &out);
    if (asprintf(&header, "retry-after: %u\r\n", wait_seconds) > 0)
        answer->headers = header;
    return false;
}

static void answer_admin(struct app *app, const struct http_request *request, struct http_answer *answer,
                         void (*ask)(const struct admin *admin, const struct admin_request *request,
                                     struct admin_answer *out)) {
    const struct http_head *head = request->head;
    const struct admin admin = {app->hub,
                                {.ctx = app,
                                 .verify = on_verify_service,
                                 .send = on_send_data,
                                 .drain = on_drain,
                                 .record = on_admin_record,
                                 .stop_recording = on_admin_stop_recording,
                                 .list_recordings = on_admin_list_recordings,
                                 .records = app->config->record_dir[0] != '\0'}};
    const struct admin_request asked = {
        .method = http_method_name(head->method == HTTP_HEAD ? HTTP_GET : head->method),
        .path = head->path,
        .authorization = http_field_find(head, "authorization"),
        .content_type = http_field_find(head, "content-type"),
        .body = request->body};
    struct admin_answer out = {0};
    if (!may_try_token(app, request, answer))
        return;
    hub_set_time(app->hub, clock_now_us());
    ask(&admin, &asked, &out);
    if (out.status == 401)
        whip_host_failed(&app->whip_host, &request->client);
    put_admin_answer(answer, &out);
}

static void answer_twirp(void *ctx, const struct http_request *request, struct http_answer *answer) {
    answer_admin(ctx, request, answer, admin_twirp);
}

static void answer_rest(void *ctx, const struct http_request *request, struct http_answer *answer) {
    answer_admin(ctx, request, answer, admin_rest);
}

// ---- WHIP and WHEP (server/whip/)

static void answer_whip(void *ctx, const struct http_request *request, struct http_answer *answer) {
    const struct app *app = ctx;
    whip_routes_answer(app->whip, false, request, answer, clock_now_us());
}

static void answer_whep(void *ctx, const struct http_request *request, struct http_answer *answer) {
    const struct app *app = ctx;
    whip_routes_answer(app->whip, true, request, answer, clock_now_us());
}

#define TWIRP "/twirp/livekit.RoomService/*"
#define REST "/api/v1/*"
#define REST_HEADERS "www-authenticate: Bearer\r\n"

// The operators' rows come first for the port that everyone reaches; where operators have a port of their
// own, these are left out.
static const struct http_route routes[] = {
    {HTTP_GET, "/metrics", HTTP_PUBLIC, 0, "", answer_metrics},
    {HTTP_POST, TWIRP, HTTP_PUBLIC, ADMIN_BODY_MAX, REST_HEADERS, answer_twirp},
    {HTTP_GET, REST, HTTP_PUBLIC, 0, REST_HEADERS, answer_rest},
    {HTTP_POST, REST, HTTP_PUBLIC, ADMIN_BODY_MAX, REST_HEADERS, answer_rest},
    {HTTP_PATCH, REST, HTTP_PUBLIC, ADMIN_BODY_MAX, REST_HEADERS, answer_rest},
    {HTTP_DELETE, REST, HTTP_PUBLIC, 0, REST_HEADERS, answer_rest},
    {HTTP_OTHER, REST, HTTP_PUBLIC, 0, REST_HEADERS, answer_rest},
    {HTTP_GET, "/metrics", HTTP_ADMIN, 0, "", answer_metrics},
    {HTTP_POST, TWIRP, HTTP_ADMIN, ADMIN_BODY_MAX, REST_HEADERS, answer_twirp},
    {HTTP_GET, REST, HTTP_ADMIN, 0, REST_HEADERS, answer_rest},
    {HTTP_POST, REST, HTTP_ADMIN, ADMIN_BODY_MAX, REST_HEADERS, answer_rest},
    {HTTP_PATCH, REST, HTTP_ADMIN, ADMIN_BODY_MAX, REST_HEADERS, answer_rest},
    {HTTP_DELETE, REST, HTTP_ADMIN, 0, REST_HEADERS, answer_rest},
    {HTTP_OTHER, REST, HTTP_ADMIN, 0, REST_HEADERS, answer_rest},
    {HTTP_GET, "/healthz", HTTP_PUBLIC | HTTP_ADMIN, 0, "", answer_health},
    {HTTP_GET, "/readyz", HTTP_PUBLIC | HTTP_ADMIN, 0, "", answer_readiness},
    WHIP_ROUTE_ROWS("/whip/*", answer_whip),
    WHIP_ROUTE_ROWS("/whep/*", answer_whep),
};
#define PUBLIC_OPERATORS 7

const struct http_form_row app_forms[APP_FORMS] = {{"/twirp/", HTTP_FORM_TWIRP},
                                                   {"/api/v1/", HTTP_FORM_TWIRP},
                                                   {"/whip/", HTTP_FORM_PROBLEM},
                                                   {"/whep/", HTTP_FORM_PROBLEM}};

struct http_route *app_routes(const struct app *app, size_t *count) {
    const struct dialect_host *dialects = &app->dialects;
    size_t first = app->config->admin_host[0] ? PUBLIC_OPERATORS : 0;
    size_t own = sizeof routes / sizeof routes[0] - first;
    struct http_route *all = calloc(own + dialects->route_count, sizeof *all);
    if (!all)
        return NULL;
    memcpy(all, routes + first, own * sizeof *all);
    if (dialects->route_count)
        memcpy(all + own, dialects->routes, dialects->route_count * sizeof *all);
    *count = own + dialects->route_count;
    return all;
}

struct dialect_host *dialect_host_of(void *ctx) {
    struct app *app = ctx;
    return &app->dialects;
}
