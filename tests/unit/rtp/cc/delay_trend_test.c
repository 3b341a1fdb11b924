#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtp/cc/delay_trend.h"

#define MS 1000
#define SKEW_US INT64_C(987654321) // between the clocks

struct source {
    struct delay_trend trend;
    uint64_t sent_us;
    uint64_t random;
};

static struct source source_begin(void) {
    struct source s = {.sent_us = 5000 * MS, .random = 9};
    delay_trend_reset(&s.trend);
    return s;
}

static void packet(struct source *s, uint64_t gap_us, int64_t delay_us) {
    s->sent_us += gap_us;
    delay_trend_add(&s->trend, s->sent_us, (int64_t)s->sent_us + SKEW_US + delay_us, s->sent_us + 30 * MS);
}

static unsigned below(struct source *s, unsigned most) {
    s->random = s->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(s->random >> 33) % most;
}

static void a_steady_delay_is_normal(void **state) {
    (void)state;
    struct source s = source_begin();
    for (unsigned i = 0; i < 500; i++) {
        packet(&s, 10 * MS, 40 * MS);
        assert_int_equal(delay_trend_signal(&s.trend), DELAY_NORMAL);
    }
    assert_int_equal(delay_trend_queue_us(&s.trend), 0);
    assert_true(delay_trend_jitter_ms(&s.trend) < 0.1f && delay_trend_noise_ms(&s.trend) < 0.1f);
}

static void a_growing_queue_is_overuse_and_a_falling_one_underuse(void **state) {
    (void)state;
    struct source s = source_begin();
    unsigned over_after = 0;
    for (unsigned i = 0; i < 200; i++)
        packet(&s, 10 * MS, 40 * MS);
    for (unsigned i = 0; i < 100 && !over_after; i++) { // ten percent too much is sent
        packet(&s, 10 * MS, 40 * MS + i * MS);
        over_after = delay_trend_signal(&s.trend) == DELAY_OVERUSE ? i : 0;
    }
    assert_true(over_after > 2 && over_after < 40);
    assert_true(delay_trend_noise_ms(&s.trend) < 0.6f &&
                delay_trend_jitter_ms(&s.trend) < 0.6f); // it is steady
    bool under = false;
    for (unsigned i = 0; i < 100; i++) {
        packet(&s, 10 * MS, 80 * MS - i * MS / 2);
        under |= delay_trend_signal(&s.trend) == DELAY_UNDERUSE;
    }
    assert_true(under);
}

static void the_queue_is_what_the_fastest_waited(void **state) {
    (void)state;
    struct source s = source_begin();
    for (unsigned i = 0; i < 100; i++)
        packet(&s, 10 * MS, 40 * MS);
    for (unsigned i = 0; i < 60; i++)
        packet(&s, 10 * MS, (i % 3 ? 160 : 110) * MS);
    assert_int_equal(delay_trend_queue_us(&s.trend), 70 * MS);
    for (unsigned i = 0; i < 60; i++)
        packet(&s, 10 * MS, 45 * MS);
    assert_int_equal(delay_trend_queue_us(&s.trend), 5 * MS);
}

// A frame's packets come one after the other; that is no queue.
static void bursts_of_our_own_are_neither_queue_nor_jitter(void **state) {
    (void)state;
    struct source s = source_begin();
    for (unsigned frame = 0; frame < 200; frame++)
        for (unsigned i = 0; i < 10; i++) {
            packet(&s, i ? 0 : 33 * MS, 40 * MS + i * 3 * MS);
            assert_int_not_equal(delay_trend_signal(&s.trend), DELAY_OVERUSE);
        }
    assert_true(delay_trend_queue_us(&s.trend) < 1 * MS);
    assert_true(delay_trend_jitter_ms(&s.trend) < 1);
}

static void jitter_is_seen_as_such(void **state) {
    (void)state;
    struct source s = source_begin();
    for (unsigned i = 0; i < 3000; i++)
        packet(&s, 3 * MS, 40 * MS + below(&s, 50 * MS));
    assert_true(delay_trend_jitter_ms(&s.trend) > 4);
    assert_true(delay_trend_queue_us(&s.trend) < 10 * MS);
}

static void what_comes_in_batches_is_seen_as_such(void **state) {
    (void)state;
    struct source s = source_begin();
    for (unsigned i = 0; i < 1000; i++)
        packet(&s, 4 * MS, 40 * MS - (int64_t)(s.sent_us + 4 * MS) % (20 * MS));
    assert_true(delay_trend_jitter_ms(&s.trend) > 4 && delay_trend_jitter_ms(&s.trend) < 10);
}

static void late_packets_and_jumps(void **state) {
    (void)state;
    struct source s = source_begin();
    for (unsigned i = 0; i < 100; i++)
        packet(&s, 10 * MS, 40 * MS);
    s.sent_us -= 200 * MS;
    packet(&s, 0, 300 * MS);
    assert_int_equal(delay_trend_signal(&s.trend), DELAY_NORMAL);
    s.sent_us += 200 * MS;
    for (unsigned i = 0; i < 100; i++) { // their clock was set
        packet(&s, 10 * MS, 5000 * MS);
        assert_int_not_equal(delay_trend_signal(&s.trend), DELAY_OVERUSE);
    }
    assert_int_equal(delay_trend_queue_us(&s.trend), 0);
}

// Clocks that drift apart by 100 ppm for three hours are no queue.
static void clocks_that_drift(void **state) {
    (void)state;
    struct source s = source_begin();
    for (uint64_t i = 0; i < 3 * 3600 * 20; i++) {
        packet(&s, 50 * MS, (int64_t)(40 * MS + i * 5));
        assert_int_not_equal(delay_trend_signal(&s.trend), DELAY_OVERUSE);
        assert_true(delay_trend_queue_us(&s.trend) <= 14 * MS);
    }
}

static void any_clock(void **state) {
    (void)state;
    static const int64_t clocks[] = {INT64_MIN, INT64_MAX, 0, -1, INT64_MIN + 1, INT64_MAX - 1, INT32_MAX};
    struct delay_trend trend;
    delay_trend_reset(&trend);
    for (unsigned i = 0; i < 700; i++)
        delay_trend_add(&trend, 5000 * MS + i * 7 * MS, clocks[i % 7], 5000 * MS + i * 7 * MS);
}

// Of packets that were sent at one moment the fastest counts, also when it is not the first.
static void the_fastest_of_those_sent_at_once_counts(void **state) {
    (void)state;
    struct source s = source_begin();
    for (unsigned i = 0; i < 200; i++) {
        packet(&s, 10 * MS, 40 * MS + (int64_t)i * MS);
        packet(&s, 0, 40 * MS);
        assert_int_equal(delay_trend_signal(&s.trend), DELAY_NORMAL);
    }
}

// A queue that is there from one moment to the next, as on a link that becomes narrow, is no noise.
static void a_step_is_a_queue_and_no_noise(void **state) {
    (void)state;
    struct source s = source_begin();
    for (unsigned i = 0; i < 300; i++)
        packet(&s, 10 * MS, 40 * MS);
    for (unsigned i = 0; i < 40; i++)
        packet(&s, 10 * MS, 220 * MS);
    assert_true(delay_trend_queue_us(&s.trend) > 150 * MS);
    assert_true(delay_trend_noise_ms(&s.trend) < 2 && delay_trend_jitter_ms(&s.trend) < 4);
}

static bool stalled(const struct source *s) {
    return delay_trend_stalled(&s->trend);
}

// Who stops reading for 330 ms has everything at once then, and the first of it has waited longest.
static void a_pause_in_which_packets_wait_is_no_queue(void **state) {
    (void)state;
    for (unsigned calm = 0; calm < 2; calm++) {
        struct source s = source_begin();
        for (unsigned i = 0; i < 200; i++)
            packet(&s, 10 * MS, 40 * MS);
        assert_false(stalled(&s));
        if (calm) {
            s.sent_us += 10 * MS;
            int64_t arrival_us = (int64_t)s.sent_us + SKEW_US + 370 * MS;
            delay_trend_note_pause(&s.trend, s.sent_us, arrival_us, s.sent_us, arrival_us);
            delay_trend_note(&s.trend, s.sent_us, arrival_us, s.sent_us + 30 * MS);
        } else {
            packet(&s, 10 * MS, 370 * MS);
        }
        assert_true(stalled(&s));
        for (unsigned i = 1; i < 15; i++)
            packet(&s, 10 * MS, (370 - 10 * (int)i) * MS);
        assert_true(stalled(&s));
        for (unsigned i = 0; i < 15; i++) { // from when all of it had come
            packet(&s, 10 * MS, 220 * MS);
            assert_true(stalled(&s));
        }
        packet(&s, 10 * MS, 220 * MS);
        assert_false(stalled(&s)); // for so long, and no longer
    }
}

// Senders stop as well: what was sent late in a pause has not waited for most of it. And what one pause left
// waiting does not hide the next one.
static void a_pause_of_many_is_one(void **state) {
    (void)state;
    struct source s = source_begin();
    for (unsigned i = 0; i < 200; i++)
        packet(&s, 10 * MS, 40 * MS);
    packet(&s, 200 * MS, 140 * MS); // nothing was sent for 200 ms, and it waited for 100 of 300
    assert_true(stalled(&s));
    assert_int_equal(delay_trend_paused_us(&s.trend), 100 * MS);
    packet(&s, 10 * MS, 130 * MS);
    assert_int_equal(delay_trend_paused_us(&s.trend), 0); // that was counted
    packet(&s, 10 * MS, 300 * MS);
    assert_true(stalled(&s) && delay_trend_stalls(&s.trend));
    assert_int_equal(delay_trend_paused_us(&s.trend), 180 * MS); // no longer than nothing came
    for (unsigned i = 0; i < 1200; i++)
        packet(&s, 10 * MS, 40 * MS);
    assert_false(stalled(&s) || delay_trend_stalls(&s.trend));
    packet(&s, 300 * MS, 70 * MS); // it was slow to come, and that is all
    assert_false(stalled(&s));
}

static void what_else_comes_late_is_no_pause(void **state) {
    (void)state;
    struct source s = source_begin();
    for (unsigned i = 0; i < 200; i++)
        packet(&s, 10 * MS, 40 * MS);
    for (unsigned i = 0; i < 20; i++) { // a narrow link: a packet each 70 ms, each later than the one before
        packet(&s, 10 * MS, (40 + 60 * (int)i) * MS);
        assert_false(stalled(&s));
    }
    for (unsigned i = 0; i < 300; i++)
        packet(&s, 10 * MS, 40 * MS);
    packet(&s, 500 * MS, 40 * MS); // nothing was sent
    assert_false(stalled(&s));
    for (unsigned i = 0; i < 30; i++)
        packet(&s, 10 * MS, 100 * MS);
    packet(&s, 10 * MS, 400 * MS); // a pause, but a queue stood before
    assert_false(stalled(&s));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fastest_of_those_sent_at_once_counts),
        cmocka_unit_test(a_steady_delay_is_normal),
        cmocka_unit_test(a_growing_queue_is_overuse_and_a_falling_one_underuse),
        cmocka_unit_test(the_queue_is_what_the_fastest_waited),
        cmocka_unit_test(bursts_of_our_own_are_neither_queue_nor_jitter),
        cmocka_unit_test(jitter_is_seen_as_such),
        cmocka_unit_test(a_step_is_a_queue_and_no_noise),
        cmocka_unit_test(a_pause_in_which_packets_wait_is_no_queue),
        cmocka_unit_test(a_pause_of_many_is_one),
        cmocka_unit_test(what_else_comes_late_is_no_pause),
        cmocka_unit_test(what_comes_in_batches_is_seen_as_such),
        cmocka_unit_test(late_packets_and_jumps),
        cmocka_unit_test(clocks_that_drift),
        cmocka_unit_test(any_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
