// What is due in the loop, and when.
#include "base/clock.h"
#include "base/log.h"
#include "server/app_internal.h"

#define PATIENCE_US (5 * US_PER_SECOND) // who lost its connection before comes back within that

static uint64_t earlier(uint64_t a_us, uint64_t b_us) {
    return a_us < b_us ? a_us : b_us;
}

// What is due to people: not while they are to be heard first.
static uint64_t next_of_people(const struct app *app) {
    uint64_t next_us = earlier(whip_next_us(app->whip), dialect_host_next_us(&app->dialects));
    next_us = earlier(next_us, recordings_next_us(app->recordings));
    if (app->watch)
        next_us = earlier(next_us, announce_watch_next_us(app->watch));
    next_us = earlier(next_us, earlier(hub_next_us(app->hub), signalling_next_us(app->signalling)));
    return patience_extend(&app->patience, next_us);
}

uint64_t app_next_us(void *ctx) {
    struct app *app = ctx;
    if (!app->whip || !app->recordings)
        return app->stop_by_us;
    if (app_drained(app, 0))
        return 0;
    uint64_t end_us = app->stop_by_us == TIME_NEVER ? app->drain_by_us : app->stop_by_us;
    return earlier(earlier(end_us, vigil_next_us(app->vigil)), next_of_people(app));
}

void app_late(void *ctx, uint64_t fires_us, uint64_t now_us) {
    struct app *app = ctx;
    if (patience_wake(&app->patience, fires_us, now_us, PATIENCE_US))
        LOG_WARN(
            "server did not run", LOG_NUMBER("seconds", (now_us - fires_us) / US_PER_SECOND),
            LOG_TEXT("meaning",
                     "the process was stopped, or the machine was; clients that are silent get a moment"));
}

void app_due(void *ctx, uint64_t now_us) {
    struct app *app = ctx;
    if (now_us >= app->patience.until_us) {
        hub_advance(app->hub, now_us);
        signalling_advance(app->signalling, now_us);
        whip_advance(app->whip, now_us);
        recordings_advance(app->recordings, now_us);
        dialect_host_advance(&app->dialects, now_us);
        if (app->watch)
            announce_watch_advance(app->watch, now_us, false);
    }
    vigil_advance(app->vigil, now_us);
    if (app_drained(app, now_us))
        app_stop_begin(app, now_us);
    if (now_us >= app->stop_by_us) {
        app->stop_by_us = now_us + STOP_US_MAX; // said once; what is left is closed by app_stop
        control_loop_stop(app->loop);
    }
}
