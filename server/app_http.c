// HTTP for operators: one row and one function an endpoint.
#include "base/clock.h"
#include "base/log.h"
#include "server/app_internal.h"
#include "server/metrics.h"

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
    if (media_stuck(app->media, clock_now_us()))
        answer_text(answer, 503, "a media worker is stuck\n");
    else
        answer_text(answer, 200, "ok\n");
}

static void answer_readiness(void *ctx, const struct http_request *request, struct http_answer *answer) {
    struct app *app = ctx;
    (void)request;
    if (app->drain_by_us != TIME_NEVER)
        answer_text(answer, 503, "the server is stopping\n");
    else if (media_stuck(app->media, clock_now_us()))
        answer_text(answer, 503, "a media worker is stuck\n");
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
        .log_lines_dropped = log_dropped(),
    };
    hub_read_counts(app->hub, &sample.hub);
    signalling_read_counts(app->signalling, &sample.signal);
    answer->status = 200;
    answer->content_type = METRICS_CONTENT_TYPE;
    answer->body = metrics_print(&sample, &answer->len);
    if (!answer->body)
        answer_text(answer, 500, "out of memory\n");
}

// The first row is left out where operators have a port of their own.
static const struct http_route routes[] = {
    {HTTP_GET, "/metrics", HTTP_PUBLIC, 0, "", answer_metrics},
    {HTTP_GET, "/metrics", HTTP_ADMIN, 0, "", answer_metrics},
    {HTTP_GET, "/healthz", HTTP_PUBLIC | HTTP_ADMIN, 0, "", answer_health},
    {HTTP_GET, "/readyz", HTTP_PUBLIC | HTTP_ADMIN, 0, "", answer_readiness},
};

const struct http_route *app_routes(bool operators_apart, size_t *count) {
    size_t first = operators_apart ? 1 : 0;
    *count = sizeof routes / sizeof routes[0] - first;
    return routes + first;
}
