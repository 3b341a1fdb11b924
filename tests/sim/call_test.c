// What a room does on real links (the table of the simulations in docs/media.md): one test a row.
#include "tests/sim/call.h"

#include "base/clock.h"

#include <stdio.h>

#define S US_PER_SECOND
#define K 1000u
#define M 1000000u

// 5 Mbit/s, 500 kbit/s, 5 Mbit/s, with a queue of 200 ms; another viewer on a link of its own.
static void a_link_that_falls_and_rises(void **state) {
    (void)state;
    struct call_config config = call_room(1, 2, 5 * M);
    config.link_of_viewer[1] = 1;
    struct call *call = call_create(&config);
    struct call_track *video = call_track(call, 0, 0, true), *audio = call_track(call, 0, 0, false);
    struct call_track *other = call_track(call, 1, 0, true);
    call_run(call, 20 * S);
    assert_int_equal(video->spatial, 2);
    call_measure(call);
    call->links[0].config.rate_bps = 500 * K;
    call_run(call, 3 * S);
    call_tell(call, "500k, first 3 s");
    assert_in_range(video->spatial, 0, 1);
    assert_true(video->freeze_us < S);
    assert_true(audio->audio_lost <= 8);
    call_measure(call);
    call_run(call, 27 * S);
    call_tell(call, "500k, then");
    assert_true(video->freeze_us < S / 2);
    assert_true(video->frames > 27 * CALL_FPS / 2);
    assert_true(call_queue_ms(call, 0) < 50);
    assert_true(call->queue_max_us[0] < 150000);
    assert_true(video->changes <= 2);
    assert_true(audio->audio_lost <= 2 && audio->audio_gap_us < 150000);
    assert_true(call_delivered_bps(call, 0, 27 * S) > 330 * K);
    call_measure(call);
    call->links[0].config.rate_bps = 5 * M;
    call_run(call, 8 * S);
    call_tell(call, "5M again, 8 s");
    assert_int_equal(video->spatial, 2);
    assert_int_equal(video->temporal, 2);
    assert_int_equal(other->changes, 0);
    assert_true(other->freeze_us < 200000);
    assert_in_range(call->publishers[0].layers[2].keys, 0, 2); // the climb costs one
    call_destroy(call);
}

// Estimates that add up, shares alike, no flapping.
static void two_viewers_behind_one_link(void **state) {
    (void)state;
    struct call_config config = call_room(1, 2, 1500 * K);
    struct call *call = call_create(&config);
    call_run(call, 20 * S);
    call_measure(call);
    call_run(call, 40 * S);
    call_tell(call, "two behind 1.5M");
    uint64_t rates[2] = {call_delivered_bps(call, 0, 40 * S), call_delivered_bps(call, 1, 40 * S)};
    for (unsigned i = 0; i < 2; i++) {
        struct call_track *v = call_track(call, i, 0, true), *a = call_track(call, i, 0, false);
        assert_in_range(v->spatial, 1, 1);
        assert_true(v->changes <= 8);
        assert_true(v->freeze_us < S / 2);
        assert_true(a->audio_lost <= 2);
    }
    assert_true(call_queue_ms(call, 0) < 50);
    uint64_t most = rates[0] > rates[1] ? rates[0] : rates[1], least = rates[0] + rates[1] - most;
    assert_true(least * 100 >= most * 60);
    call_destroy(call);
}

static void four_publishers_behind_one_link(void **state) {
    (void)state;
    struct call_config config = call_room(4, 1, 1200 * K);
    struct call *call = call_create(&config);
    struct media_cmd cmd = {.type = MEDIA_SET_PRIORITY, .consumer = {call_track(call, 0, 2, true)->consumer}};
    cmd.priority.priority = 9;
    call_command(call, &cmd);
    call_run(call, 20 * S);
    call_measure(call);
    call_run(call, 40 * S);
    call_tell(call, "four behind 1.2M");
    struct call_track *first = call_track(call, 0, 2, true);
    for (unsigned i = 0; i < 4; i++) {
        struct call_track *v = call_track(call, 0, i, true);
        assert_true(v->frames >= 40 * CALL_FPS / 4);
        assert_true(v->freeze_us < S);
        assert_true(v->changes <= 4);
        assert_true(first->media_bytes >= v->media_bytes);
        assert_true(call_track(call, 0, i, false)->audio_lost <= 2);
    }
    call_destroy(call);
}

static void steady_links(void **state) {
    (void)state;
    static const struct {
        uint64_t rate_bps;
        uint32_t jitter_us, aggregate_us;
        int8_t spatial;   // at least
        unsigned changes; // at most
    } rows[] = {{300 * K, 0, 0, 0, 1},     {300 * K, 100000, 0, 0, 2}, {1 * M, 0, 0, 1, 1},
                {1 * M, 30000, 0, 1, 1},   {1 * M, 100000, 0, 1, 1},   {3 * M, 0, 0, 2, 1},
                {3 * M, 50000, 0, 2, 1},   {3 * M, 100000, 0, 2, 1},   {10 * M, 0, 0, 2, 1},
                {10 * M, 100000, 0, 2, 1}, {5 * M, 5000, 20000, 2, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct call_config config = call_room(1, 1, rows[i].rate_bps);
        config.links[0].jitter_us = rows[i].jitter_us;
        config.links[0].aggregate_us = rows[i].aggregate_us;
        struct call *call = call_create(&config);
        struct call_track *v = call_track(call, 0, 0, true);
        call_run(call, 20 * S);
        call_measure(call);
        call_run(call, 30 * S);
        char what[64];
        snprintf(what, sizeof what, "steady %llu k, jitter %u ms, Wi-Fi %u ms",
                 (unsigned long long)rows[i].rate_bps / K, rows[i].jitter_us / 1000,
                 rows[i].aggregate_us / 1000);
        call_tell(call, what);
        if (v->spatial < rows[i].spatial || v->changes > rows[i].changes || v->freeze_us > S / 2 ||
            call_track(call, 0, 0, false)->audio_lost > 2)
            fail_msg("%s: layer %d.%d, %u changes, %llu ms without a frame", what, v->spatial, v->temporal,
                     v->changes, (unsigned long long)v->freeze_us / 1000);
        call_destroy(call);
    }
}

// The uplink is what is narrow: the lowest layer whole, the sound clean, and receivers are not told of layers
// that do not come.
static void a_publisher_behind_a_narrow_uplink(void **state) {
    (void)state;
    struct call_config config = call_room(1, 2, 20 * M);
    config.up[0] = (struct link_config){.rate_bps = 700 * K, .queue_us = 200000};
    struct call *call = call_create(&config);
    call_run(call, 15 * S);
    call_measure(call);
    call_run(call, 30 * S);
    call_tell(call, "publisher on 700k");
    for (unsigned i = 0; i < 2; i++) {
        struct call_track *v = call_track(call, i, 0, true), *a = call_track(call, i, 0, false);
        assert_in_range(v->spatial, 0, 1);
        assert_true(v->frames > 30 * CALL_FPS * 95 / 100);
        assert_true(v->freeze_us < S / 2);
        assert_true(v->changes <= 2);
        assert_true(a->audio_lost <= 2 && a->audio_gap_us < 200000);
    }
    call_destroy(call);
}

// Receivers that lie, say nothing, or say a rate: bounded, and whoever is honest does not
// notice.
static void receivers_of_all_sorts(void **state) {
    (void)state;
    static const enum call_feedback sorts[] = {CALL_LIAR, CALL_DEAF, CALL_REMB};
    for (size_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++)
        for (unsigned rtx = 0; rtx < 2; rtx++) {
            struct call_config config = call_room(2, 2, 20 * M);
            config.link_of_viewer[1] = 1;
            config.feedback[0] = sorts[i];
            config.remb_bps = 600 * K;
            config.no_rtx = !rtx;
            struct call *call = call_create(&config);
            call_run(call, 10 * S);
            call_measure(call);
            call_run(call, 10 * S);
            call_tell(call, sorts[i] == CALL_LIAR   ? "liar"
                            : sorts[i] == CALL_DEAF ? "deaf"
                            : sorts[i] == CALL_REMB ? "REMB"
                                                    : "ccfb");
            assert_true(call_delivered_bps(call, 0, 10 * S) <
                        5 * M); // all there is to send, and a little padding
            if (sorts[i] == CALL_REMB)
                assert_in_range(call_delivered_bps(call, 0, 10 * S), 350 * K, 640 * K);
            if (sorts[i] == CALL_DEAF)
                assert_int_equal(call_track(call, 0, 0, true)->spatial, 2);
            for (unsigned k = 0; k < 2; k++) {
                assert_int_equal(call_track(call, 0, k, false)->audio_lost, 0);
                assert_int_equal(call_track(call, 1, k, true)->spatial, 2);
                assert_int_equal(call_track(call, 1, k, true)->changes, 0);
            }
            call_destroy(call);
        }
}

static void ceilings_and_another_path(void **state) {
    (void)state;
    struct call_config config = call_room(1, 1, 20 * M);
    struct call *call = call_create(&config);
    struct call_track *video = call_track(call, 0, 0, true);
    call_run(call, 8 * S);
    assert_int_equal(video->spatial, 2);
    struct media_cmd cmd = {.type = MEDIA_SET_MAX_BITRATE, .transport = {100}};
    cmd.max_bitrate.bps = 600 * K;
    call_command(call, &cmd);
    call_run(call, 2 * S);
    call_measure(call);
    call_run(call, 8 * S);
    call_tell(call, "a ceiling of 600k");
    assert_in_range(call_delivered_bps(call, 0, 8 * S), 350 * K, 630 * K);
    cmd.max_bitrate.bps = 0;
    call_command(call, &cmd);
    call_run(call, 8 * S);
    assert_int_equal(video->spatial, 2);
    call->links[0].config.rate_bps = 400 * K; // as behind another address
    forwarder_endpoint_path_changed(call->fw, call->viewers[0].endpoint, call->now_us);
    call_run(call, 3 * S);
    call_measure(call);
    call_run(call, 10 * S);
    call_tell(call, "another path of 400k");
    assert_in_range(video->spatial, 0, 1);
    assert_true(video->freeze_us < S && call_queue_ms(call, 0) < 80);
    call->viewers[0].unreachable = true; // a cut of two seconds
    forwarder_endpoint_reachable(call->fw, call->viewers[0].endpoint, false, call->now_us);
    call_run(call, 2 * S);
    call->viewers[0].unreachable = false;
    forwarder_endpoint_reachable(call->fw, call->viewers[0].endpoint, true, call->now_us);
    call_run(call, 3 * S);
    call_measure(call);
    call_run(call, 5 * S);
    call_tell(call, "after a cut");
    assert_true(video->frames >= 40);
    call_destroy(call);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_that_falls_and_rises),        cmocka_unit_test(two_viewers_behind_one_link),
        cmocka_unit_test(four_publishers_behind_one_link),    cmocka_unit_test(steady_links),
        cmocka_unit_test(a_publisher_behind_a_narrow_uplink), cmocka_unit_test(receivers_of_all_sorts),
        cmocka_unit_test(ceilings_and_another_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
