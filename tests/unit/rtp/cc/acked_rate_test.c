#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtp/cc/acked_rate.h"

#define MS 1000

// 1000 bytes each 10 ms: 800 kbit/s; told every 50 ms.
static void feed(struct acked_rate *rate, uint64_t *sent_us, int64_t *arrival_us, unsigned packets,
                 unsigned sent_gap_us, unsigned arrival_gap_us) {
    for (unsigned i = 1; i <= packets; i++) {
        *sent_us += sent_gap_us;
        *arrival_us += arrival_gap_us;
        acked_rate_add(rate, 1000, *sent_us, *arrival_us);
        if (i % 5 == 0)
            acked_rate_feedback_end(rate);
    }
}

static void measures(void **state) {
    (void)state;
    struct acked_rate rate = {0};
    uint64_t sent_us = 5000 * MS;
    int64_t arrival_us = 77;
    assert_int_equal(acked_rate_bps(&rate, 500 * MS), 0);
    assert_true(acked_rate_stretch(&rate, 500 * MS) <= 0);
    feed(&rate, &sent_us, &arrival_us, 5, 10 * MS, 10 * MS);
    assert_int_equal(acked_rate_bps(&rate, 500 * MS), 0); // too short to tell
    feed(&rate, &sent_us, &arrival_us, 95, 10 * MS, 10 * MS);
    assert_int_equal(acked_rate_bps(&rate, 500 * MS), 800000);
    assert_true(acked_rate_stretch(&rate, 500 * MS) == 1.0f);
}

static void the_longer_span_counts(void **state) {
    (void)state;
    struct acked_rate rate = {0};
    uint64_t sent_us = 5000 * MS;
    int64_t arrival_us = 77;
    feed(&rate, &sent_us, &arrival_us, 100, 10 * MS, 20 * MS); // a queue grows
    assert_int_equal(acked_rate_bps(&rate, 500 * MS), 400000);
    assert_true(acked_rate_stretch(&rate, 500 * MS) == 2.0f);
    feed(&rate, &sent_us, &arrival_us, 200, 10 * MS, 8 * MS); // claims to have come faster than it was sent
    assert_int_equal(acked_rate_bps(&rate, 500 * MS), 800000);
}

static void a_short_window_sees_the_change_first(void **state) {
    (void)state;
    struct acked_rate rate = {0};
    uint64_t sent_us = 5000 * MS;
    int64_t arrival_us = 77;
    feed(&rate, &sent_us, &arrival_us, 100, 10 * MS, 10 * MS);
    feed(&rate, &sent_us, &arrival_us, 5, 10 * MS, 40 * MS);
    assert_int_equal(acked_rate_bps(&rate, 150 * MS), 200000);
    assert_true(acked_rate_bps(&rate, 500 * MS) > 250000);
}

// For 300 ms nothing came, and then what had been sent meanwhile.
static void what_a_machine_held_up_is_no_slower(void **state) {
    (void)state;
    struct acked_rate rate = {0};
    uint64_t sent_us = 5000 * MS;
    int64_t arrival_us = 77;
    acked_rate_skip(&rate, 290 * MS); // of nothing
    feed(&rate, &sent_us, &arrival_us, 100, 10 * MS, 10 * MS);
    arrival_us += 290 * MS;
    acked_rate_skip(&rate, 290 * MS);
    feed(&rate, &sent_us, &arrival_us, 1, 10 * MS, 10 * MS);
    acked_rate_feedback_end(&rate);
    assert_in_range(acked_rate_bps(&rate, 150 * MS), 700000, 800000);
    assert_true(acked_rate_stretch(&rate, 150 * MS) == 1.0f);
    feed(&rate, &sent_us, &arrival_us, 29, 10 * MS, 0);
    feed(&rate, &sent_us, &arrival_us, 50, 10 * MS, 10 * MS);
    assert_in_range(acked_rate_bps(&rate, 500 * MS), 700000, 800000);
}

static void begins_anew_after_pauses_and_jumps(void **state) {
    (void)state;
    static const struct {
        uint64_t sent_us;
        int64_t arrival_us;
        bool anew;
    } cases[] = {{490 * MS, 490 * MS, false},
                 {510 * MS, 510 * MS, true},
                 {10 * MS, 3200 * MS, true},
                 {10 * MS, 2900 * MS, false},
                 {10 * MS, -3200 * MS, true}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct acked_rate rate = {0};
        uint64_t sent_us = 5000 * MS;
        int64_t arrival_us = 77;
        feed(&rate, &sent_us, &arrival_us, 100, 10 * MS, 10 * MS);
        acked_rate_add(&rate, 1000, sent_us + cases[i].sent_us, arrival_us + cases[i].arrival_us);
        assert_int_equal(acked_rate_bps(&rate, 500 * MS) == 0, cases[i].anew);
    }
}

static void what_feedback_lost_counts(void **state) {
    (void)state;
    struct acked_rate rate = {0};
    uint64_t sent_us = 5000 * MS;
    int64_t arrival_us = 77;
    acked_rate_untold(&rate, 1000); // before anything
    for (unsigned i = 0; i < 20; i++) {
        feed(&rate, &sent_us, &arrival_us, 5, 10 * MS, 10 * MS);
        acked_rate_untold(&rate, 5000);
        sent_us += 50 * MS;
        arrival_us += 50 * MS;
    }
    uint32_t bps = acked_rate_bps(&rate, 500 * MS);
    assert_true(bps > 750000 && bps < 850000);
}

// Whatever their clock says, nothing overflows.
static void any_clock(void **state) {
    (void)state;
    static const int64_t clocks[] = {INT64_MIN, INT64_MAX, 0, -1, INT64_MIN + 1, INT64_MAX - 1};
    struct acked_rate rate = {0};
    for (unsigned i = 0; i < 60; i++) {
        acked_rate_add(&rate, 1000, 5000 * MS + i, clocks[i % 6]);
        acked_rate_feedback_end(&rate);
        acked_rate_bps(&rate, 500 * MS);
        acked_rate_stretch(&rate, 500 * MS);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures),
        cmocka_unit_test(the_longer_span_counts),
        cmocka_unit_test(a_short_window_sees_the_change_first),
        cmocka_unit_test(what_a_machine_held_up_is_no_slower),
        cmocka_unit_test(begins_anew_after_pauses_and_jumps),
        cmocka_unit_test(what_feedback_lost_counts),
        cmocka_unit_test(any_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
