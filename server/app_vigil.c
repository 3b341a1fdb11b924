// Who looks after the media threads, put together: what it looks at, and what it tells.
#include "base/clock.h"
#include "base/log.h"
#include "server/app_internal.h"
#include "server/service_manager.h"

#include <assert.h>
#include <stdio.h>

// Threads of a process that did not run get the moment that people get, and its watchdog hears at once that
// it runs again.
static bool on_stuck(void *ctx, unsigned thread, uint64_t now_us) {
    const struct app *app = ctx;
    return now_us >= app->patience.until_us && media_thread_stuck(app->media, thread, now_us);
}

unsigned app_stuck(const struct app *app, uint64_t now_us) {
    control_loop_look(app->loop, now_us);
    return now_us >= app->patience.until_us ? media_stuck(app->media, now_us) : 0;
}

static void tell_stuck(enum media_thread_kind kind, unsigned thread) {
    if (kind == MEDIA_THREAD_WORKER)
        LOG_ERROR("media worker stuck", LOG_NUMBER("worker", thread),
                  LOG_TEXT("meaning", "its loop has been stuck for 5 s; its stack follows"));
    else if (kind == MEDIA_THREAD_DATA)
        LOG_ERROR("data worker stuck", LOG_TEXT("meaning", "it has been stuck for 5 s; its stack follows"));
    else
        LOG_ERROR("ICE thread stuck", LOG_TEXT("meaning", "it has been stuck for 5 s; its stack follows"));
}

static void tell_turning(enum media_thread_kind kind, unsigned thread) {
    if (kind == MEDIA_THREAD_WORKER)
        LOG_WARN("media worker turns again", LOG_NUMBER("worker", thread));
    else if (kind == MEDIA_THREAD_DATA)
        LOG_WARN("data worker turns again");
    else
        LOG_WARN("ICE thread turns again");
}

static void on_tell(void *ctx, unsigned thread, bool stuck) {
    const struct app *app = ctx;
    enum media_thread_kind kind = media_thread_kind(app->media, thread);
    if (!stuck) {
        tell_turning(kind, thread);
        return;
    }
    tell_stuck(kind, thread);
    media_trace_thread(app->media, thread);
}

static void on_alive(void *ctx) {
    (void)ctx;
    (void)service_manager_alive();
}

bool app_start_vigil(struct app *app, char *error) {
    static_assert(WORKERS_MAX + 2 <= VIGIL_THREADS_MAX, "data channels and ICE agents have one each");
    const struct vigil_io io = {.ctx = app,
                                .threads = media_threads(app->media),
                                .stuck = on_stuck,
                                .tell = on_tell,
                                .alive = on_alive,
                                .watchdog_us = service_manager_watchdog_us()};
    app->vigil = vigil_begin(&io, clock_now_us());
    if (!app->vigil)
        snprintf(error, APP_ERROR_MAX, "out of memory");
    return app->vigil != NULL;
}
