#include "base/clock.h"
#include "base/log.h"
#include "server/app_internal.h"
#include "server/banner.h"
#include "server/certificate.h"
#include "server/checks.h"
#include "server/descriptors.h"
#include "server/config/reach.h"
#include "server/selfcheck.h"
#include "server/service_manager.h"
#include "transport/ice_agent.h"
#include "transport/tcp_first.h"
#include "server/web/web_files.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Silence before a ping, and up to a quarter more; before the connection is given up. So often that an outage
// of 20 s leaves a moment to come back in, of the 30 s after which nobody is there
// (docs/adr/0021-who-is-gone.md).
#define PING_SECONDS 4
#define HANGUP_SECONDS 28
#define ERROR_MAX APP_ERROR_MAX

// ---- hub -> workers

static bool on_post(void *ctx, unsigned worker, const struct media_cmd *cmd) {
    struct app *app = ctx;
    return media_post(app->media, worker, cmd);
}

static bool on_post_data(void *ctx, const struct data_cmd *cmd) {
    struct app *app = ctx;
    return media_post_data(app->media, cmd);
}

static struct room_rules on_rules(void *ctx, const char *room) {
    struct app *app = ctx;
    return gate_rules(app->gate, room);
}

// ---- what workers say

static void on_media_event(void *ctx, unsigned worker, const struct media_event *event) {
    struct app *app = ctx;
    hub_media_event(app->hub, worker, event, clock_now_us());
}

static void on_media_stats(void *ctx, unsigned worker, const struct media_stats *stats) {
    struct app *app = ctx;
    hub_media_stats(app->hub, worker, stats, clock_now_us());
}

static void on_data_event(void *ctx, const struct data_event *event) {
    struct app *app = ctx;
    hub_data_event(app->hub, event, clock_now_us());
}

// ---- the loop

void app_announce(void *ctx, bool outside) {
    struct app *app = ctx;
    const struct announce *announce = &app->announce;
    char texts[HUB_ANNOUNCE_MAX][ANNOUNCE_TEXT_MAX];
    for (unsigned i = 0; i < announce->count; i++)
        memcpy(texts[i], announce->list[i].text, sizeof texts[i]);
    hub_set_announce(app->hub, texts, announce->count, outside, clock_now_us());
    app_ice_announce(app);
}

static void on_woken(void *ctx) {
    struct app *app = ctx;
    media_drain(app->media,
                &(struct media_listener){app, on_media_event, on_media_stats, on_data_event, app_ice_event});
    struct password_question checked;
    while (gate_take_password(app->gate, &checked))
        signalling_password_checked(app->signalling, checked.client, checked.ticket, checked.right,
                                    checked.moderator, clock_now_us());
    bool outside;
    if (app->watch && announced_take(app->watch, &app->announce, app->config, &outside))
        app_announce(app, outside);
}

static void on_signal(void *ctx, int number) {
    struct app *app = ctx;
    if (!app->ws) { // a start that failed ends its parts in the loop: there is nobody to tell
        control_loop_stop(app->loop);
        return;
    }
    if (number == SIGHUP) {
        app_reload(app);
        return;
    }
    LOG_INFO("server stopping", LOG_NUMBER("signal", number));
    app_end_asked(app, clock_now_us());
}

// ---- starting the parts; each says in `error` why it could not

static bool start_loop(struct app *app, char *error) {
    struct control_handlers handlers = {.ctx = app,
                                        .woken = on_woken,
                                        .next_us = app_next_us,
                                        .due = app_due,
                                        .late = app_late,
                                        .signalled = on_signal};
    app->loop = control_loop_create(&handlers);
    if (!app->loop)
        snprintf(error, ERROR_MAX, "the event loop did not start");
    return app->loop != NULL;
}

static bool start_media(struct app *app, char *error) {
    struct media_config config = {
        .workers = app->workers,
        .port = app->config->media_port,
        .receive_buffer_bytes = (int)app->config->udp_receive_buffer_bytes,
        .send_buffer_bytes = (int)app->config->udp_send_buffer_bytes,
        .batch_us = app->config->batch_us,
        .limits = app->config->media_limits,
        .tcp = app->config->ice_tcp != CONFIG_ICE_TCP_OFF,
        .data_channels = app->config->data_channels,
        .data_rate = app->config->data_rate_max,
    };
    struct ice_pool_config ice;
    if (app_ice_settings(app, &ice))
        config.ice = &ice;
    app->media = media_start(&config, error, ERROR_MAX);
    if (app->media)
        media_set_wakeup(app->media, control_loop_wake, app->loop);
    return app->media != NULL;
}

static bool start_hub(struct app *app, char *error) {
    struct hub_config config = {.workers = app->workers, .announce_count = app->announce.count};
    _Static_assert(sizeof config.announce[0] == sizeof app->announce.list[0].text, "one size of address");
    for (unsigned i = 0; i < app->announce.count; i++)
        memcpy(config.announce[i], app->announce.list[i].text, sizeof config.announce[i]);
    for (unsigned w = 0; w < app->workers; w++)
        config.media_ports[w] = media_port(app->media);
    snprintf(config.fingerprint_sha256, sizeof config.fingerprint_sha256, "%s",
             media_fingerprint_sha256(app->media));
    config.ice_servers = app->config->ice_servers;
    config_limits(app->config, &config.limits);
    app_ice_hub(app->config, &config.ice);
    struct hub_io io = {.ctx = app, .post = on_post, .rules = on_rules};
    io.plain_bind = app_plain_bind;
    io.record = app_record;
    if (app->config->data_channels)
        io.post_data = on_post_data;
    app->whip_host.trusted = &app->config->trusted;
    app->whip_host.gate = app->gate;
    app->whip_host.needs_tokens = gate_needs_tokens(app->gate);
    const struct signal_io signal_io = app_signal_io(app);
    app->hub = hub_create(&config, &io, clock_now_us());
    if (app->hub)
        app->signalling = signalling_create(app->hub, &signal_io, clock_now_us());
    if (app->signalling)
        app->whip = whip_host_start(&app->whip_host, app->hub);
    if (!app->whip)
        snprintf(error, ERROR_MAX, "out of memory");
    return app->whip != NULL;
}

static bool start_dialects(struct app *app, char *error) {
    app->dialects.addresses = app->limits;
    app->dialects.gone = app_client_gone;
    app->dialects.gone_ctx = app;
    bool fine = dialect_host_start(&app->dialects, app->config) &&
                (app->routes = app_routes(app, &app->route_count)) != NULL;
    if (!fine)
        snprintf(error, ERROR_MAX, "out of memory");
    return fine;
}

static bool start_webhooks(struct app *app, char *error) {
    if (app->config->webhooks.count == 0)
        return true;
    const struct webhook_io io = {.ctx = app->gate, .sign = gate_sign_body};
    app->webhooks = webhooks_open(&app->config->webhooks, &io, app->hub, error, ERROR_MAX);
    return app->webhooks != NULL;
}

static bool start_watch(struct app *app, char *error) {
    if (!announce_has_names(app->config))
        return true;
    app->watch = announced_watch(&app->announce, app->config, app->loop);
    if (!app->watch)
        snprintf(error, ERROR_MAX, "out of memory");
    return app->watch != NULL;
}

static bool start_limits(struct app *app, char *error) {
    struct address_limits_config limits;
    app_address_limits(app->config, &limits);
    app->limits = app->whip_host.limits = address_limits_create(&limits);
    if (!app->limits)
        snprintf(error, ERROR_MAX, "out of memory");
    return app->limits != NULL;
}

static bool start_ws(struct app *app, char *error, const char *web_root) {
    struct ws_server_config config = {
        .host = app->config->listen_host,
        .port = app->config->listen_port,
        .admin_host = app->config->admin_host,
        .admin_port = app->config->admin_port,
        .web_root = web_root,
        .connections_max = app->shares.connections,
        .backlog_max_bytes = app->config->ws_backlog_max_bytes,
        .message_bytes_max = SIGNAL_MESSAGE_MAX,
        .ping_seconds = PING_SECONDS,
        .hangup_seconds = HANGUP_SECONDS,
        .trusted = app->config->trusted,
        .limits = app->limits,
        .frame_ancestors = app->config->frame_ancestors,
        .origins = &app->config->origins,
        .identity = app->identity,
    };
    const struct ws_handlers handlers = app_ws_handlers(app);
    if (app->config->ice_tcp != CONFIG_ICE_TCP_OFF)
        config.first =
            (struct ws_first){.ctx = app, .theirs = tcp_first_is_media, .take = app_media_connection};
    app->ws = ws_server_start(&config, &handlers, control_loop_uv(app->loop), error, ERROR_MAX);
    app->whip_host.ws = app->dialects.ws = app->ws;
    return app->ws != NULL;
}

// ---- before the parts

// As text for people, or as events where logs are for machines.
static void started_tell(const struct app *app, const char *web_root, bool web_root_missing) {
    selfcheck_log(app->config); // only now, so that a start that is refused says one line
    announce_log(&app->announce, app->config);
    struct reach reach;
    reach_judge(&reach, &app->announce, reach_in_container());
    char dialects[3 * CONFIG_ROUTE_MAX];
    dialect_host_describe(&app->dialects, dialects, sizeof dialects);
    struct banner banner = {
        .listen_host = app->config->listen_host,
        .http_port = ws_server_port(app->ws),
        .media_port = media_port(app->media),
        .tcp = app->tcp_on_media_port,
        .admin_host = app->config->admin_host,
        .admin_port = ws_server_admin_port(app->ws),
        .workers = app->workers,
        .announce = &app->announce,
        .reach = &reach,
        .certificate = app->config->tls_cert[0] ? &app->certificate : NULL,
        .web_root = web_root,
        .web_root_missing = web_root_missing,
        .stands_open = gate_stands_open(app->config),
        .dialects = dialects,
        .dialects_beside_keys = dialects[0] && gate_needs_tokens(app->gate),
    };
    if (app->config->log_format == LOG_FORMAT_JSON)
        banner_log(&banner);
    else
        banner_say(&banner);
    LOG_INFO("server started", LOG_TEXT("version", ROTUNDA_VERSION),
             LOG_NUMBER("http_port", banner.http_port), LOG_NUMBER("media_port", banner.media_port),
             LOG_NUMBER("workers", banner.workers),
             LOG_TEXT("scheme", banner.certificate ? "https" : "http"));
    if (banner.certificate)
        certificate_log("certificate in use", banner.certificate);
}

static void start_announcing(struct app *app) {
    struct announcing_handlers handlers = {.ctx = app, .changed = app_announce};
    app->announcing = announcing_start(control_loop_uv(app->loop), app->config, &app->announce, &handlers);
}

// ---- the life of the server on one screen

// How the last transports went belongs into the lines about their rooms; for the rest nobody is left to hear
// it.
static void on_last_event(void *ctx, unsigned worker, const struct media_event *event) {
    if (event->type == MEDIA_TRANSPORT_CLOSED)
        on_media_event(ctx, worker, event);
}

static void on_last_stats(void *ctx, unsigned worker, const struct media_stats *stats) {
    (void)ctx, (void)worker, (void)stats;
}

static void app_stop(struct app *app) {
    announcing_stop(app->announcing);
    tcp_door_shut(app->tcp_door);     // its handles end with those of the next
    recordings_shut(app->recordings); // the next runs the loop until nothing is to be done
    ws_server_stop(app->ws);          // clients leave the hub
    app->ws = app->whip_host.ws = app->dialects.ws = NULL;
    recordings_destroy(app->recordings); // what they have is written
    app->recordings = NULL;
    announce_watch_destroy(app->watch);
    gate_end(app->gate);
    media_halt(app->media); // threads are joined, so nobody wakes the loop any more
    if (app->media && app->hub)
        media_drain(app->media, &(struct media_listener){
                                    .ctx = app, .on_event = on_last_event, .on_stats = on_last_stats});
    address_limits_destroy(app->limits);
    webhooks_close(app->webhooks, app->hub);
    whip_destroy(app->whip);
    dialect_host_stop(&app->dialects);
    free(app->routes);
    signalling_destroy(app->signalling);
    hub_destroy(app->hub);
    media_stop(app->media);
    tcp_door_destroy(app->tcp_door);
    control_loop_destroy(app->loop);
    gate_close(app->gate);
    vigil_end(app->vigil);
}

static int run(struct config *settings, const struct app_watcher *watcher, const struct app_source *source) {
    const struct config *config = settings;
    struct app app = {.config = config,
                      .settings = settings,
                      .source = source,
                      .workers = config_worker_count(config),
                      .started_us = clock_now_us(),
                      .drain_by_us = TIME_NEVER,
                      .stop_by_us = TIME_NEVER};
    char error[ERROR_MAX] = "", web_root[CONFIG_PATH_MAX];
    snprintf(web_root, sizeof web_root, "%s", config->web_root);
    if (!web_root[0])
        (void)web_root_find(web_root, sizeof web_root);
    log_configure((enum log_level)config->log_level, (enum log_format)config->log_format);
    descriptors_allow(config, &app.shares);

    bool started =
        app_folders_exist(config, error, ERROR_MAX) &&
        certificate_load(config, &app.identity, &app.certificate, error, ERROR_MAX) &&
        (app.gate = gate_open(config, error, ERROR_MAX)) != NULL &&
        announce_resolve(&app.announce, config, error, ERROR_MAX) && start_loop(&app, error) &&
        start_media(&app, error) && app_start_vigil(&app, error) && start_hub(&app, error) &&
        app_start_recordings(&app, error) && start_limits(&app, error) && start_dialects(&app, error) &&
        start_webhooks(&app, error) && gate_begin(app.gate, control_loop_wake, app.loop, error, ERROR_MAX) &&
        start_watch(&app, error) && start_ws(&app, error, web_root) && app_start_tcp(&app, error, ERROR_MAX);
    tls_identity_free(app.identity);
    app.identity = NULL;
    if (started) {
        start_announcing(&app);
        if (watcher)
            watcher->started(watcher->ctx, ws_server_port(app.ws), media_port(app.media));
        else
            started_tell(&app, web_root, !web_root_has_page(web_root));
        (void)service_manager_ready();
        control_loop_run(app.loop);
    } else {
        fprintf(stderr, "rotunda: %s\n", error);
    }
    app_stop(&app);
    if (started)
        LOG_INFO("server stopped");
    return started ? 0 : 2;
}

int app_run(const struct config *config, const struct app_watcher *watcher, const struct app_source *source) {
    struct config *settings = malloc(sizeof *settings); // what is read again is put there
    if (!settings) {
        fprintf(stderr, "rotunda: out of memory\n");
        return 2;
    }
    *settings = *config;
    int status = run(settings, watcher, source);
    memset(settings, 0, sizeof *settings);
    free(settings);
    return status;
}
