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

void app_drain(struct app *app, uint64_t wait_us, const char *url, uint64_t now_us) {
    app->drain_by_us = now_us + wait_us;
    if (wait_us > 0)
        (void)service_manager_stopping(wait_us + CHECKS_STOP_SECONDS * US_PER_SECOND);
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
