// What a decoder would show, and when it would stand still.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "load/frame_buffer.h"

#include <stdlib.h>

#define FRAME_US 33333

struct world {
    struct frame_buffer fb;
    uint16_t seq;
    uint32_t timestamp;
    uint64_t now_us;
};

static struct world *world_create(uint16_t seq) {
    struct world *w = calloc(1, sizeof *w);
    frame_buffer_init(&w->fb);
    w->seq = seq;
    w->now_us = 1000000;
    return w;
}

// A frame of `packets`, of which those in `lost` (bit i) do not come.
static void frame(struct world *w, unsigned packets, bool key, unsigned lost) {
    for (unsigned i = 0; i < packets; i++, w->seq++)
        if (!(lost >> i & 1))
            frame_buffer_add(&w->fb, w->seq, w->timestamp, i + 1 == packets, key && i == 0, w->now_us);
    w->timestamp += 3000;
    w->now_us += FRAME_US;
}

static void test_nothing_is_shown_before_a_whole_key_frame(void **state) {
    (void)state;
    struct world *w = world_create(65530); // and across the wrap
    frame(w, 3, false, 0);
    assert_int_equal(w->fb.frames, 0);
    frame(w, 3, true, 2);
    assert_int_equal(w->fb.frames, 0);
    frame(w, 3, true, 0);
    assert_int_equal(w->fb.frames, 1);
    assert_int_equal(w->fb.key_frames, 1);
    for (unsigned i = 0; i < 20; i++)
        frame(w, 2, false, 0);
    assert_int_equal(w->fb.frames, 21);
    assert_int_equal(w->fb.freezes, 0);
    assert_int_equal(w->fb.bad_timestamps, 0);
    free(w);
}

static void test_a_repaired_packet_lets_the_frames_behind_it_through(void **state) {
    (void)state;
    struct world *w = world_create(100);
    frame(w, 2, true, 0);
    uint16_t missing = w->seq;
    uint32_t timestamp = w->timestamp;
    frame(w, 2, false, 1);
    frame(w, 2, false, 0);
    assert_int_equal(w->fb.frames, 1);
    frame_buffer_add(&w->fb, missing, timestamp, false, false, w->now_us);
    assert_int_equal(w->fb.frames, 3);
    assert_int_equal(w->fb.bad_timestamps, 0);
    free(w);
}

static void test_a_gap_that_stays_is_a_freeze_until_the_next_key_frame(void **state) {
    (void)state;
    struct world *w = world_create(100);
    frame(w, 2, true, 0);
    for (unsigned i = 0; i < 30; i++)
        frame(w, 2, false, 0);
    frame(w, 2, false, 1);
    for (unsigned i = 0; i < 14; i++)
        frame(w, 2, false, 0);
    assert_int_equal(w->fb.frames, 31);
    assert_true(frame_buffer_stalled_us(&w->fb, w->now_us) > 400000);
    frame(w, 2, true, 0);
    assert_int_equal(w->fb.frames, 32);
    assert_int_equal(w->fb.key_frames, 2);
    assert_int_equal(w->fb.freezes, 1);
    assert_true(w->fb.frozen_us > 500000 && w->fb.frozen_us < 600000);
    assert_int_equal(frame_buffer_stalled_us(&w->fb, w->now_us), 0);
    free(w);
}

static void test_a_pause_is_no_freeze(void **state) {
    (void)state;
    struct world *w = world_create(100);
    frame(w, 2, true, 0);
    for (unsigned i = 0; i < 10; i++)
        frame(w, 2, false, 0);
    frame(w, 3, false, 4); // cut short by the pause
    frame_buffer_pause(&w->fb);
    w->now_us += 5000000;
    assert_int_equal(frame_buffer_stalled_us(&w->fb, w->now_us), 0);
    w->seq--; // the server closes the gap
    frame(w, 2, true, 0);
    frame(w, 2, false, 0);
    assert_int_equal(w->fb.freezes, 0);
    assert_int_equal(w->fb.bad_timestamps, 0);
    assert_int_equal(w->fb.key_frames, 2);
    free(w);
}

static void test_timestamps_that_do_not_fit_are_counted(void **state) {
    (void)state;
    struct world *w = world_create(100);
    frame(w, 2, true, 0);
    frame_buffer_add(&w->fb, w->seq++, w->timestamp, false, false, w->now_us);
    frame_buffer_add(&w->fb, w->seq++, w->timestamp + 1, true, false, w->now_us); // within a frame
    assert_int_equal(w->fb.bad_timestamps, 1);
    frame_buffer_add(&w->fb, w->seq++, w->timestamp, true, false, w->now_us); // does not rise
    assert_int_equal(w->fb.bad_timestamps, 2);
    // Another layer's key frame may cut a frame short.
    frame_buffer_add(&w->fb, w->seq++, w->timestamp + 3000, false, false, w->now_us);
    frame_buffer_add(&w->fb, w->seq++, w->timestamp + 6000, true, true, w->now_us);
    assert_int_equal(w->fb.bad_timestamps, 2);
    free(w);
}

static void test_a_gap_beyond_the_buffer_waits_for_a_key_frame(void **state) {
    (void)state;
    struct world *w = world_create(100);
    frame(w, 2, true, 0);
    w->seq = (uint16_t)(w->seq + 3 * FRAME_BUFFER_PACKETS);
    frame(w, 2, false, 0);
    assert_int_equal(w->fb.frames, 1);
    frame(w, 2, true, 0);
    frame(w, 2, false, 0);
    assert_int_equal(w->fb.frames, 3);
    free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_shown_before_a_whole_key_frame),
        cmocka_unit_test(test_a_repaired_packet_lets_the_frames_behind_it_through),
        cmocka_unit_test(test_a_gap_that_stays_is_a_freeze_until_the_next_key_frame),
        cmocka_unit_test(test_a_pause_is_no_freeze),
        cmocka_unit_test(test_timestamps_that_do_not_fit_are_counted),
        cmocka_unit_test(test_a_gap_beyond_the_buffer_waits_for_a_key_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
