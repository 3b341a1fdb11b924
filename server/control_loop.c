#include "server/control_loop.h"

#include "base/clock.h"

#include <assert.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <uv.h>

struct control_loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_timer_t timer;
    uv_prepare_t prepare;
    uv_signal_t signals[3];
    struct control_handlers handlers;
    uint64_t armed_us; // what the timer is set for; TIME_NEVER when it is not
    uint64_t fires_us; // when it then fires: what it is set for may have been over
};

static void on_wake(uv_async_t *async) {
    struct control_loop *loop = async->data;
    loop->handlers.woken(loop->handlers.ctx);
}

void control_loop_look(struct control_loop *loop, uint64_t now_us) {
    if (loop->armed_us == TIME_NEVER || now_us <= loop->fires_us)
        return;
    uint64_t fires_us = loop->fires_us;
    loop->fires_us = now_us; // it is told once
    loop->handlers.late(loop->handlers.ctx, fires_us, now_us);
}

static void on_timer(uv_timer_t *timer) {
    struct control_loop *loop = timer->data;
    uint64_t now_us = clock_now_us();
    control_loop_look(loop, now_us);
    loop->armed_us = TIME_NEVER;
    if (now_us >= loop->handlers.next_us(loop->handlers.ctx))
        loop->handlers.due(loop->handlers.ctx, now_us);
}

static void on_signal(uv_signal_t *handle, int number) {
    struct control_loop *loop = handle->data;
    loop->handlers.signalled(loop->handlers.ctx, number);
}

// Before each wait: whatever happened in this turn may have moved the next deadline.
static void on_prepare(uv_prepare_t *prepare) {
    struct control_loop *loop = prepare->data;
    uint64_t next_us = loop->handlers.next_us(loop->handlers.ctx);
    if (next_us == loop->armed_us)
        return;
    loop->armed_us = next_us;
    if (next_us == TIME_NEVER) {
        uv_timer_stop(&loop->timer);
        return;
    }
    uint64_t now_us = clock_now_us();
    uint64_t wait_ms = next_us > now_us ? (next_us - now_us + US_PER_MS - 1) / US_PER_MS : 0;
    loop->fires_us = now_us + wait_ms * US_PER_MS;
    uv_update_time(&loop->uv); // the timer counts from the loop's idea of now
    uv_timer_start(&loop->timer, on_timer, wait_ms, 0);
}

static void handle_adopt(struct control_loop *loop, void *handle) {
    uv_handle_set_data(handle, loop);
    uv_unref(handle);
}

struct control_loop *control_loop_create(const struct control_handlers *handlers) {
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    struct control_loop *loop = calloc(1, sizeof *loop);
    if (!loop || uv_loop_init(&loop->uv) != 0) {
        free(loop);
        return NULL;
    }
    loop->handlers = *handlers;
    loop->armed_us = TIME_NEVER;
    uv_timer_init(&loop->uv, &loop->timer);
    handle_adopt(loop, &loop->timer);
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_prepare_start(&loop->prepare, on_prepare);
    handle_adopt(loop, &loop->prepare);
    bool fine = uv_async_init(&loop->uv, &loop->wake, on_wake) == 0;
    if (fine)
        handle_adopt(loop, &loop->wake);
    for (size_t i = 0; fine && i < sizeof numbers / sizeof numbers[0]; i++) {
        fine = uv_signal_init(&loop->uv, &loop->signals[i]) == 0;
        if (!fine)
            break;
        handle_adopt(loop, &loop->signals[i]);
        fine = uv_signal_start(&loop->signals[i], on_signal, numbers[i]) == 0;
        uv_unref((uv_handle_t *)&loop->signals[i]);
    }
    if (fine)
        return loop;
    control_loop_destroy(loop);
    return NULL;
}

static void handle_close(uv_handle_t *handle, void *ctx) {
    (void)ctx;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void control_loop_destroy(struct control_loop *loop) {
    if (!loop)
        return;
    uv_walk(&loop->uv, handle_close, NULL); // only our own are left
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    int outcome = uv_loop_close(&loop->uv);
    assert(outcome == 0);
    (void)outcome;
    free(loop);
}

struct uv_loop_s *control_loop_uv(struct control_loop *loop) {
    return &loop->uv;
}

void control_loop_wake(void *loop) {
    uv_async_send(&((struct control_loop *)loop)->wake);
}

// A stop that comes before the run counts: uv_stop makes the next uv_run return at once.
void control_loop_run(struct control_loop *loop) {
    uv_ref((uv_handle_t *)&loop->wake);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    uv_unref((uv_handle_t *)&loop->wake);
}

void control_loop_stop(struct control_loop *loop) {
    uv_stop(&loop->uv);
}

const char *control_loop_library_version(void) {
    return uv_version_string();
}
