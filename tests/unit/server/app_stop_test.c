// The end in its steps: people finish, or have had their time; then everybody gets a goodbye, and the loop
// ends.
#include "hub/stage.h"

#include "server/app_internal.h"

#include <uv.h>

struct ending {
    struct app app;
    struct stage *s;
    bool began; // the goodbyes, in the loop
};

// As the app's own: nothing is due while the parts do not stand, though a start that fails runs the loop.
static uint64_t on_next(void *ctx) {
    const struct ending *e = ctx;
    return e->began || !e->app.ws ? TIME_NEVER : 0;
}

static void on_due(void *ctx, uint64_t now_us) {
    struct ending *e = ctx;
    e->began = true;
    app_stop_begin(&e->app, now_us);
}

static void on_nothing(void *ctx) {
    (void)ctx;
}

static void on_late(void *ctx, uint64_t fires_us, uint64_t now_us) {
    (void)ctx, (void)fires_us, (void)now_us;
}

static void on_signal(void *ctx, int number) {
    (void)ctx, (void)number;
}

static struct ending *ending_open(void) {
    struct ending *e = calloc(1, sizeof *e);
    assert_non_null(e);
    unsetenv("NOTIFY_SOCKET");
    e->s = stage_new();
    stage_open(e->s);
    e->app.hub = e->s->hub;
    e->app.drain_by_us = e->app.stop_by_us = TIME_NEVER;
    return e;
}

static void ending_close(struct ending *e) {
    stage_close(e->s);
    free(e);
}

static void nobody_is_drained_unasked(void **state) {
    (void)state;
    struct ending *e = ending_open();
    assert_false(app_drained(&e->app, 0)); // though nobody is there
    assert_false(app_drained(&e->app, TIME_NEVER - 1));
    ending_close(e);
}

static void people_have_until_the_deadline(void **state) {
    (void)state;
    struct ending *e = ending_open();
    struct hub_refusal refusal;
    uint64_t now_us = e->s->now_us;
    joins(e->s, "ann");
    app_drain(&e->app, 10 * US_PER_SECOND, "wss://next.example/ws", now_us);
    assert_int_equal(e->app.drain_by_us, now_us + 10 * US_PER_SECOND);
    assert_string_equal(hub_drain_to(e->s->hub), "wss://next.example/ws");
    assert_null(try_join(e->s, "bob", &refusal));
    assert_int_equal(refusal.code, HUB_DRAINING);
    assert_false(app_drained(&e->app, now_us));
    assert_false(app_drained(&e->app, now_us + 10 * US_PER_SECOND - 1));
    assert_true(app_drained(&e->app, now_us + 10 * US_PER_SECOND));
    e->app.stop_by_us = now_us; // the goodbyes have begun: that is done once
    assert_false(app_drained(&e->app, now_us + 10 * US_PER_SECOND));
    ending_close(e);
}

// An operator who is in a hurry, or who learns only then where people can go. Nobody gets more time than was
// said: whoever stops the server waits for as long as that.
static void a_later_request_ends_it_sooner_or_elsewhere(void **state) {
    (void)state;
    struct ending *e = ending_open();
    uint64_t now_us = e->s->now_us;
    joins(e->s, "ann");
    app_drain(&e->app, 10 * US_PER_SECOND, "", now_us);
    assert_false(app_drain_again(&e->app, 11, NULL, now_us));
    assert_false(app_drain_again(&e->app, 11, "wss://next.example/ws", now_us));
    assert_false(app_drain_again(&e->app, -1, NULL, now_us));
    assert_string_equal(hub_drain_to(e->s->hub), "");
    assert_true(app_drain_again(&e->app, -1, "wss://next.example/ws", now_us));
    assert_int_equal(e->app.drain_by_us, now_us + 10 * US_PER_SECOND);
    now_us += US_PER_SECOND;
    assert_true(app_drain_again(&e->app, 2, NULL, now_us));
    assert_int_equal(e->app.drain_by_us, now_us + 2 * US_PER_SECOND);
    assert_string_equal(hub_drain_to(e->s->hub), "wss://next.example/ws");
    assert_false(app_drained(&e->app, now_us));
    assert_true(app_drain_again(&e->app, 0, NULL, now_us));
    assert_true(app_drained(&e->app, now_us));
    assert_false(app_drain_again(&e->app, 0, NULL, now_us)); // that is over
    e->app.drain_by_us = now_us + 9;
    e->app.stop_by_us = now_us;
    assert_false(app_drain_again(&e->app, 0, "wss://other.example/ws", now_us));
    ending_close(e);
}

// As a hook of Kubernetes does, which the signal follows.
static void the_first_signal_leaves_people_the_time_that_an_operator_gave(void **state) {
    (void)state;
    struct ending *e = ending_open();
    uint64_t now_us = e->s->now_us;
    joins(e->s, "ann");
    app_drain(&e->app, 10 * US_PER_SECOND, "", now_us);
    app_end_asked(&e->app, now_us);
    assert_int_equal(e->app.drain_by_us, now_us + 10 * US_PER_SECOND);
    assert_int_equal(e->app.stop_by_us, TIME_NEVER);
    ending_close(e);
}

static void the_last_one_who_leaves_ends_it(void **state) {
    (void)state;
    struct ending *e = ending_open();
    struct participant *ann = joins(e->s, "ann"), *bob = joins(e->s, "bob");
    app_drain(&e->app, 3600 * US_PER_SECOND, "", e->s->now_us);
    hub_leave(e->s->hub, ann, "left");
    assert_false(app_drained(&e->app, e->s->now_us));
    hub_leave(e->s->hub, bob, "left");
    assert_true(app_drained(&e->app, e->s->now_us));
    ending_close(e);
}

// A camera behind plain RTP, or a recorder, does not leave by itself.
static void programs_are_not_waited_for(void **state) {
    (void)state;
    static const enum hub_observer rows[] = {HUB_OBSERVER_PLAIN, HUB_OBSERVER_RECORDER};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ending *e = ending_open();
        struct hub_refusal refusal;
        struct hub_join join = {
            .room = "r", .username = "camera", .connection = 1, .observer = rows[i], .spent = &e->s->spent};
        struct participant *camera = hub_join(e->s->hub, &join, &refusal), *ann = joins(e->s, "ann");
        assert_non_null(camera);
        assert_int_equal(hub_participant_count(e->s->hub), 2);
        assert_int_equal(hub_people_count(e->s->hub), 1);
        app_drain(&e->app, 3600 * US_PER_SECOND, "", e->s->now_us);
        assert_false(app_drained(&e->app, e->s->now_us));
        hub_leave(e->s->hub, ann, "left");
        assert_true(app_drained(&e->app, e->s->now_us));
        hub_leave(e->s->hub, camera, "left");
        assert_int_equal(hub_people_count(e->s->hub), 0);
        ending_close(e);
    }
}

static void without_clients_the_loop_ends_at_once(void **state) {
    (void)state;
    struct ending *e = ending_open();
    char error[APP_ERROR_MAX];
    const struct control_handlers handlers = {.ctx = e,
                                              .woken = on_nothing,
                                              .next_us = on_next,
                                              .due = on_due,
                                              .late = on_late,
                                              .signalled = on_signal};
    const struct ws_server_config config = {.host = "127.0.0.1",
                                            .web_root = "/nowhere",
                                            .connections_max = 4,
                                            .backlog_max_bytes = 1000,
                                            .message_bytes_max = 1000,
                                            .ping_seconds = 20,
                                            .hangup_seconds = 50};
    const struct ws_handlers nobody = {.ctx = e};
    e->app.loop = control_loop_create(&handlers);
    assert_non_null(e->app.loop);
    e->app.ws = ws_server_start(&config, &nobody, control_loop_uv(e->app.loop), error, sizeof error);
    if (e->app.ws) {
        uint64_t before_us = clock_now_us();
        control_loop_run(e->app.loop); // returns
        assert_true(e->began);
        assert_in_range(e->app.stop_by_us, before_us + STOP_US_MAX, clock_now_us() + STOP_US_MAX);
    }
    bool started = e->app.ws != NULL;
    ws_server_stop(e->app.ws);
    control_loop_destroy(e->app.loop);
    ending_close(e);
    assert_true(started);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_drained_unasked),
        cmocka_unit_test(people_have_until_the_deadline),
        cmocka_unit_test(a_later_request_ends_it_sooner_or_elsewhere),
        cmocka_unit_test(the_first_signal_leaves_people_the_time_that_an_operator_gave),
        cmocka_unit_test(the_last_one_who_leaves_ends_it),
        cmocka_unit_test(programs_are_not_waited_for),
        cmocka_unit_test(without_clients_the_loop_ends_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
