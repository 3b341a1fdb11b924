#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "rtp/nack_tracker.h"

#define MS 1000u
#define RTT (100 * MS)

static void arrivals_by_table(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t seq;
        enum nack_arrival expected;
        unsigned pending;
    } rows[] = {
        {"the first", 65533, NACK_NEW, 0},
        {"the next", 65534, NACK_NEW, 0},
        {"a gap over the wrap: 65535, 0 and 1", 2, NACK_NEW, 3},
        {"the same again", 2, NACK_DUPLICATE_OR_OLD, 3},
        {"late, in the gap", 0, NACK_NEW, 2},
        {"and again", 0, NACK_DUPLICATE_OR_OLD, 2},
        {"from before the first", 65500, NACK_DUPLICATE_OR_OLD, 2},
        {"late, before the wrap", 65535, NACK_NEW, 1},
        {"the next", 3, NACK_NEW, 1},
    };
    struct nack_tracker *t = nack_tracker_create();
    bool key = false;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum nack_arrival got = nack_tracker_add(t, rows[i].seq, false, 1000, &key);
        if (got != rows[i].expected || nack_tracker_pending(t) != rows[i].pending || key)
            fail_msg("%s: expected %d and %u pending, got %d and %u", rows[i].what, rows[i].expected,
                     rows[i].pending, got, nack_tracker_pending(t));
    }
    nack_tracker_destroy(t);
}

static void asked_after_reordering_then_each_round_trip(void **state) {
    (void)state;
    struct nack_tracker *t = nack_tracker_create();
    bool key = false;
    uint16_t seqs[8];
    nack_tracker_add(t, 65535, false, 0, &key);
    nack_tracker_add(t, 3, false, 50 * MS, &key);
    assert_int_equal(nack_tracker_next_us(t, RTT), 50 * MS + NACK_REORDER_US);
    assert_int_equal(nack_tracker_due(t, 50 * MS + NACK_REORDER_US - 1, RTT, seqs, 8, &key), 0);
    assert_int_equal(nack_tracker_due(t, 60 * MS, RTT, seqs, 2, &key), 2);
    assert_int_equal(seqs[0], 0);
    assert_int_equal(seqs[1], 1);
    assert_int_equal(nack_tracker_due(t, 60 * MS, RTT, seqs, 8, &key), 1);
    assert_int_equal(seqs[0], 2);
    assert_int_equal(nack_tracker_add(t, 1, false, 70 * MS, &key), NACK_REPAIRED);
    assert_int_equal(nack_tracker_next_us(t, RTT), 160 * MS);
    assert_int_equal(nack_tracker_due(t, 159 * MS, RTT, seqs, 8, &key), 0);
    assert_int_equal(nack_tracker_due(t, 160 * MS, RTT, seqs, 8, &key), 2);
    // A round trip shorter than NACK_RETRY_MIN_US does not make a storm.
    assert_int_equal(nack_tracker_due(t, 179 * MS, 1, seqs, 8, &key), 0);
    assert_int_equal(nack_tracker_due(t, 180 * MS, 1, seqs, 8, &key), 2);
    assert_false(key);
    nack_tracker_destroy(t);
}

static void given_up_after_all_tries(void **state) {
    (void)state;
    struct nack_tracker *t = nack_tracker_create();
    bool key = false;
    uint16_t seq;
    nack_tracker_add(t, 1, false, 0, &key);
    nack_tracker_add(t, 3, false, 0, &key);
    uint64_t now_us = NACK_REORDER_US;
    for (unsigned i = 0; i < NACK_TRIES; i++, now_us += RTT)
        assert_int_equal(nack_tracker_due(t, now_us, RTT, &seq, 1, &key), 1);
    assert_false(key);
    assert_int_equal(nack_tracker_due(t, now_us, RTT, &seq, 1, &key), 0);
    assert_true(key);
    assert_int_equal(nack_tracker_pending(t), 0);
    assert_true(nack_tracker_next_us(t, RTT) == TIME_NEVER);
    nack_tracker_destroy(t);
}

static void too_many_missing(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t gap_before_key, gap_after;
        unsigned pending;
        bool key_wanted;
    } rows[] = {
        {"as many as may be", 0, NACK_PENDING_MAX, NACK_PENDING_MAX, false},
        {"one more", 0, NACK_PENDING_MAX + 1, 0, true},
        {"what was before the key frame gives way", 300, 400, 400, false},
        {"even that is not enough", 300, 600, 0, true},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct nack_tracker *t = nack_tracker_create();
        bool key = false;
        uint16_t seq = 65000;
        nack_tracker_add(t, seq, false, 0, &key);
        seq = (uint16_t)(seq + rows[i].gap_before_key + 1);
        nack_tracker_add(t, seq, true, 0, &key);
        seq = (uint16_t)(seq + rows[i].gap_after + 1);
        nack_tracker_add(t, seq, false, 0, &key);
        if (nack_tracker_pending(t) != rows[i].pending || key != rows[i].key_wanted)
            fail_msg("%s: expected %u pending, got %u", rows[i].what, rows[i].pending,
                     nack_tracker_pending(t));
        assert_int_equal(nack_tracker_add(t, (uint16_t)(seq + 1), false, 0, &key), NACK_NEW);
        nack_tracker_destroy(t);
    }
}

// What is missing before a key frame is given up when the list would be too long; what is missing behind it
// stays.
static void a_key_frame_bounds_what_is_missing(void **state) {
    (void)state;
    static const struct {
        const char *what;
        bool key;
        uint16_t second_gap;
        unsigned pending;
        bool wanted;
        uint16_t first;
    } rows[] = {
        {"the list is just full", true, NACK_PENDING_MAX - 300, NACK_PENDING_MAX, false, 1},
        {"one more: what was before the key frame goes", true, NACK_PENDING_MAX - 299, NACK_PENDING_MAX - 299,
         false, 302},
        {"no key frame: all of it goes", false, NACK_PENDING_MAX - 299, 0, true, 0},
        {"a gap that is too large by itself", true, NACK_PENDING_MAX + 1, 0, true, 0},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct nack_tracker *t = nack_tracker_create();
        assert_non_null(t);
        bool wanted = false;
        uint16_t seqs[NACK_PENDING_MAX];
        nack_tracker_add(t, 0, false, 0, &wanted);
        nack_tracker_add(t, 301, rows[i].key, 0, &wanted); // 1..300 are missing
        assert_int_equal(nack_tracker_pending(t), 300);
        nack_tracker_add(t, (uint16_t)(302 + rows[i].second_gap), false, 0, &wanted);
        if (nack_tracker_pending(t) != rows[i].pending || wanted != rows[i].wanted)
            fail_msg("%s: %u pending, key frame wanted: %d", rows[i].what, nack_tracker_pending(t), wanted);
        unsigned n = nack_tracker_due(t, NACK_REORDER_US, RTT, seqs, NACK_PENDING_MAX, &wanted);
        assert_int_equal(n, rows[i].pending);
        assert_true(n == 0 || (seqs[0] == rows[i].first && seqs[n - 1] == 301 + rows[i].second_gap));
        nack_tracker_destroy(t);
    }
}

static void repairs_in_the_middle_leave_the_others(void **state) {
    (void)state;
    struct nack_tracker *t = nack_tracker_create();
    assert_non_null(t);
    bool key = false;
    uint16_t seqs[8];
    nack_tracker_add(t, 10, false, 0, &key);
    nack_tracker_add(t, 16, false, 0, &key);
    assert_int_equal(nack_tracker_add(t, 13, false, 0, &key), NACK_NEW);
    assert_int_equal(nack_tracker_add(t, 14, false, 0, &key), NACK_NEW);
    assert_int_equal(nack_tracker_due(t, NACK_REORDER_US, RTT, seqs, 1, &key), 1); // 11 alone, to begin with
    assert_int_equal(seqs[0], 11);
    assert_int_equal(nack_tracker_next_us(t, RTT), NACK_REORDER_US); // 12 is due, though it is not the first
    assert_int_equal(nack_tracker_due(t, NACK_REORDER_US, RTT, seqs, 8, &key), 2);
    assert_int_equal(seqs[0], 12);
    assert_int_equal(seqs[1], 15);
    nack_tracker_destroy(t);
}

static void what_is_too_old_is_forgotten(void **state) {
    (void)state;
    struct nack_tracker *t = nack_tracker_create();
    assert_non_null(t);
    bool key = false;
    nack_tracker_add(t, 0, false, 0, &key);
    nack_tracker_add(t, 3, false, 0, &key);
    for (unsigned seq = 4; seq <= NACK_AGE_MAX + 1; seq++)
        nack_tracker_add(t, (uint16_t)seq, false, 0, &key);
    assert_int_equal(nack_tracker_pending(t), 2);
    nack_tracker_add(t, NACK_AGE_MAX + 2, false, 0, &key);
    assert_int_equal(nack_tracker_pending(t), 1);
    nack_tracker_add(t, NACK_AGE_MAX + 3, false, 0, &key);
    assert_int_equal(nack_tracker_pending(t), 0);
    assert_false(key);
    nack_tracker_destroy(t);
}

static void reset_forgets(void **state) {
    (void)state;
    struct nack_tracker *t = nack_tracker_create();
    bool key = false;
    nack_tracker_add(t, 10, true, 0, &key);
    nack_tracker_add(t, 20, false, 0, &key);
    nack_tracker_reset(t);
    assert_int_equal(nack_tracker_pending(t), 0);
    assert_int_equal(nack_tracker_add(t, 5, false, 0, &key), NACK_NEW);
    nack_tracker_destroy(t);
    nack_tracker_destroy(NULL);
}

static void a_list_that_nobody_asks_from_is_given_up(void **state) {
    (void)state;
    const uint64_t hour_us = UINT64_C(3600000000);
    struct nack_tracker *t = nack_tracker_create();
    bool key = false;
    uint16_t seqs[8];
    nack_tracker_add(t, 10, true, hour_us, &key);
    nack_tracker_add(t, 12, false, hour_us, &key); // 11 is missing
    nack_tracker_add(t, 14, false, hour_us + hour_us / 2, &key);
    assert_false(key);
    assert_int_equal(nack_tracker_pending(t), 2);
    assert_int_equal(nack_tracker_due(t, hour_us + hour_us / 2 + 5000, 0, seqs, 8, &key), 1);
    assert_int_equal(seqs[0], 11); // 13 may still be on its way
    nack_tracker_add(t, 16, false, 2 * hour_us, &key);
    assert_true(key);
    assert_int_equal(nack_tracker_pending(t), 1); // 15, as new as it is
    assert_int_equal(nack_tracker_next_us(t, 0), 2 * hour_us + NACK_REORDER_US);
    nack_tracker_destroy(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrivals_by_table),
        cmocka_unit_test(asked_after_reordering_then_each_round_trip),
        cmocka_unit_test(given_up_after_all_tries),
        cmocka_unit_test(too_many_missing),
        cmocka_unit_test(a_key_frame_bounds_what_is_missing),
        cmocka_unit_test(repairs_in_the_middle_leave_the_others),
        cmocka_unit_test(what_is_too_old_is_forgotten),
        cmocka_unit_test(reset_forgets),
        cmocka_unit_test(a_list_that_nobody_asks_from_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
