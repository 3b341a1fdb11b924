// SIGHUP: what can be read again while people are in their calls, and the names of what cannot.
#include "base/clock.h"
#include "base/file_open.h"
#include "base/log.h"
#include "server/app_internal.h"
#include "server/certificate.h"
#include "server/selfcheck.h"
#include "server/service_manager.h"

#include <stdlib.h>
#include <string.h>

// ---- settings

void app_address_limits(const struct config *config, struct address_limits_config *out) {
    *out = (struct address_limits_config){
        .waiting_max = config->waiting_per_address,
        .rooms_per_minute = config->rooms_per_address,
        .failed_joins_per_minute = config->failed_joins_per_address,
        .addresses_max = config->connections_max + ADDRESSES_SPARE,
    };
}

// Whether the list can be made without waiting for anybody: a name server or a STUN server.
static bool announce_at_once(const struct config *config) {
    return !announce_has_names(config) && !config->stun.host[0];
}

// The announced addresses, where neither list needs others' answers. False: the list before stays.
static bool announce_reload(struct app *app, const struct config *fresh) {
    struct config *settings = app->settings;
    struct announce now;
    char error[APP_ERROR_MAX];
    bool outside;
    if (!announce_at_once(settings) || !announce_at_once(fresh) ||
        !announce_resolve(&now, fresh, error, sizeof error))
        return false;
    announcing_stop(app->announcing);
    memcpy(settings->announce, fresh->announce, sizeof settings->announce);
    settings->announce_count = fresh->announce_count;
    if (announced_replace(&app->announce, &now, settings, &outside))
        app_announce(app, outside);
    struct announcing_handlers handlers = {.ctx = app, .changed = app_announce};
    app->announcing = announcing_start(control_loop_uv(app->loop), settings, &app->announce, &handlers);
    return true;
}

// What other parts have a copy of.
static void settings_apply(struct app *app) {
    const struct config *config = app->config;
    struct hub_limits limits = hub_config(app->hub)->limits;
    struct address_limits_config addresses;
    config_limits(config, &limits);
    hub_set_limits(app->hub, &limits);
    hub_set_ice_servers(app->hub, &config->ice_servers);
    app_address_limits(config, &addresses);
    dialect_host_set_limits(&app->dialects, config);
    address_limits_set(app->limits, &addresses);
    log_set_level((enum log_level)config->log_level);
}

static void settings_reload(struct app *app) {
    char error[CONFIG_ERROR_MAX];
    struct config *fresh = app->source ? malloc(sizeof *fresh) : NULL;
    if (!fresh)
        return;
    const struct app_source *source = app->source;
    if (config_load(fresh, source->argc, source->argv, source->environment, error) == CONFIG_REFUSED) {
        LOG_ERROR("settings not read again, those before stay", LOG_TEXT("reason", error));
        free(fresh);
        return;
    }
    app->settings->file_has_secret = fresh->file_has_secret;
    size_t count;
    unsigned taken = 0;
    const struct setting *rows = config_settings(&count);
    for (size_t i = 0; i < count; i++) {
        if (setting_equal(&rows[i], app->settings, fresh))
            continue;
        bool fine = rows[i].type == SETTING_ADDRESSES ? announce_reload(app, fresh)
                                                      : setting_take(&rows[i], app->settings, fresh);
        taken += fine;
        if (fine)
            LOG_INFO("setting changed", LOG_TEXT("name", rows[i].name));
        else
            LOG_WARN("setting needs a restart", LOG_TEXT("name", rows[i].name),
                     LOG_TEXT("meaning", "it stays as it was when the server started"));
    }
    if (taken > 0)
        settings_apply(app);
    free(fresh);
}

void app_reload(struct app *app) {
    service_manager_reloading(clock_now_us());
    file_open_settle();
    settings_reload(app);
    gate_reload(app->gate);
    hub_settle_again(app->hub, clock_now_us());
    recordings_look_again(app->recordings);
    if (app->watch)
        announce_watch_advance(app->watch, clock_now_us(), true);
    certificate_reload(app->config, app->ws, true);
    selfcheck_log_secrets(app->config);
    LOG_INFO("settings and files read again");
    service_manager_ready();
}
