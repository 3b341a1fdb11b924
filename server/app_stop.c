// The end: people finish, then everybody gets a goodbye.
#include "base/clock.h"
#include "server/app_internal.h"
#include "server/checks.h"
#include "server/service_manager.h"

#define CLOSE_GOING_AWAY 1001 // RFC 6455, section 7.4.1

bool app_drained(const struct app *app, uint64_t now_us) {
    return app->drain_by_us != TIME_NEVER && app->stop_by_us == TIME_NEVER &&
           (now_us >= app->drain_by_us || hub_people_count(app->hub) == 0);
}

void app_stop_begin(struct app *app, uint64_t now_us) {
    app->stop_by_us = now_us + STOP_US_MAX;
    ws_server_close_all(app->ws, CLOSE_GOING_AWAY, "the server is stopping");
    if (ws_server_client_count(app->ws) == 0)
        control_loop_stop(app->loop);
}

static void say_stopping(uint64_t wait_us) {
    (void)service_manager_stopping(wait_us ? wait_us + CHECKS_STOP_SECONDS * US_PER_SECOND : 0);
}

void app_drain(struct app *app, uint64_t wait_us, const char *url, uint64_t now_us) {
    app->drain_by_us = now_us + wait_us;
    say_stopping(wait_us);
    hub_set_drain_to(app->hub, url);
    hub_drain(app->hub, clock_wall_us() + wait_us, now_us);
}

bool app_drain_again(struct app *app, int64_t wait_s, const char *url, uint64_t now_us) {
    uint64_t by_us = wait_s < 0 ? app->drain_by_us : now_us + (uint64_t)wait_s * US_PER_SECOND;
    bool ending = app->stop_by_us != TIME_NEVER || app->drain_by_us <= now_us;
    if (ending || by_us > app->drain_by_us || (wait_s < 0 && !url))
        return false;
    app_drain(app, by_us - now_us, url ? url : hub_drain_to(app->hub), now_us);
    return true;
}

// What stops a server after an operator has had it drain (a hook of Kubernetes, say) is no reason to cut off
// people who were given time.
void app_end_asked(struct app *app, uint64_t now_us) {
    bool first = !app->end_asked;
    app->end_asked = true;
    if (app->drain_by_us == TIME_NEVER)
        app_drain(app, app->config->drain_seconds * US_PER_SECOND, app->config->drain_to, now_us);
    else if (app->stop_by_us != TIME_NEVER)
        control_loop_stop(app->loop);
    else if (first)
        say_stopping(app->drain_by_us > now_us ? app->drain_by_us - now_us : 0);
    else
        app_stop_begin(app, now_us);
}
