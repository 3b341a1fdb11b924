#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "rtp/round_trip.h"

#define MS 1000u
#define START UINT64_C(7000000000)

static struct rtcp_dlrr_item answer_to(uint64_t ntp, uint32_t delay_ms) {
    return (struct rtcp_dlrr_item){
        .ssrc = 1, .last_rr = (uint32_t)(ntp >> 16), .delay_since_rr = (delay_ms << 16) / 1000};
}

static void what_is_told_counts(void **state) {
    (void)state;
    struct round_trip rt = {0};
    assert_int_equal(round_trip_us(&rt, START), 0);
    assert_int_equal(round_trip_retry_us(&rt, START), ROUND_TRIP_UNKNOWN_US);
    struct rtcp_dlrr_item item = answer_to(round_trip_ask(&rt, START), 700);
    assert_true(round_trip_told(&rt, &item, START + 750 * MS));
    assert_in_range(round_trip_us(&rt, START + 750 * MS), 50 * MS, 50 * MS + 100);
    assert_in_range(round_trip_retry_us(&rt, START + 750 * MS), 108 * MS, 114 * MS); // little is known of it
    uint64_t now_us = START;
    for (unsigned i = 0; i < 20; i++) {
        now_us += 1000 * MS;
        item = answer_to(round_trip_ask(&rt, now_us), 100);
        assert_true(round_trip_told(&rt, &item, now_us + 150 * MS));
    }
    assert_in_range(round_trip_retry_us(&rt, now_us + 150 * MS), 62 * MS, 65 * MS);
    // What was told long ago counts no more.
    assert_int_equal(round_trip_us(&rt, now_us + 150 * MS + ROUND_TRIP_OLD_US), 0);
}

static void answers_to_nothing_are_not_believed(void **state) {
    (void)state;
    struct round_trip rt = {0};
    static const struct rtcp_dlrr_item nothing = {.ssrc = 1};
    assert_false(round_trip_told(&rt, &nothing, START));
    uint64_t first = round_trip_ask(&rt, START);
    static const struct {
        const char *what;
        uint32_t mid_off, delay; // delay in units of 1/65536 s
        uint64_t after_us;
    } rows[] = {
        {"another time", 1, 0, 50 * MS},
        {"held for longer than it has been", 0, 65536, 999 * MS},
        {"held for ever", 0, UINT32_MAX, 50 * MS},
        {"half a minute later", 0, 0, ROUND_TRIP_OLD_US + 1},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rtcp_dlrr_item item = {.last_rr = (uint32_t)(first >> 16) + rows[i].mid_off,
                                      .delay_since_rr = rows[i].delay};
        if (round_trip_told(&rt, &item, START + rows[i].after_us) || round_trip_us(&rt, START) != 0)
            fail_msg("%s: believed", rows[i].what);
    }
    // A fifth asking takes the place of the first.
    for (unsigned i = 1; i <= ROUND_TRIP_ASKED; i++)
        round_trip_ask(&rt, START + i * 1000 * MS);
    struct rtcp_dlrr_item item = answer_to(first, 0);
    assert_false(round_trip_told(&rt, &item, START + 5000 * MS));
}

static void whoever_does_not_answer_is_asked_seldom(void **state) {
    (void)state;
    struct round_trip rt = {0};
    unsigned asked = 0;
    uint64_t last = 0;
    for (unsigned i = 0; i < 100; i++) {
        uint64_t ntp = round_trip_ask(&rt, START + i * 1000 * MS);
        asked += ntp != 0;
        last = ntp ? ntp : last;
    }
    assert_int_equal(asked, ROUND_TRIP_VAIN + (100 - ROUND_TRIP_VAIN) / ROUND_TRIP_SELDOM);
    struct rtcp_dlrr_item item = answer_to(last, 0);
    assert_true(round_trip_told(&rt, &item, START + 102000 * MS));
    assert_true(round_trip_ask(&rt, START + 103000 * MS) != 0);
    assert_true(round_trip_ask(&rt, START + 104000 * MS) != 0);
}

static void without_answers_repeats_count(void **state) {
    (void)state;
    struct round_trip rt = {0};
    round_trip_answered(&rt, 80 * MS, true);
    assert_int_equal(round_trip_us(&rt, START), 80 * MS);
    for (unsigned i = 0; i < 30; i++)
        round_trip_answered(&rt, 60 * MS, true);
    assert_in_range(round_trip_us(&rt, START), 60 * MS, 61 * MS);
    // Repeats that were asked for twice show nothing unless no others come: then more time is needed.
    for (unsigned i = 1; i < ROUND_TRIP_UNCLEAR; i++)
        round_trip_answered(&rt, 200 * MS, false);
    round_trip_answered(&rt, 60 * MS, true);
    round_trip_answered(&rt, 30 * MS, false);
    assert_in_range(round_trip_us(&rt, START), 60 * MS, 61 * MS);
    for (unsigned i = 0; i < 30; i++)
        round_trip_answered(&rt, 200 * MS, false);
    assert_in_range(round_trip_us(&rt, START), 180 * MS, 200 * MS);
    uint32_t before_us = round_trip_us(&rt, START);
    round_trip_answered(&rt, UINT32_MAX, true);
    assert_int_equal(round_trip_us(&rt, START), before_us);
    // Once the peer answers, that counts.
    struct rtcp_dlrr_item item = answer_to(round_trip_ask(&rt, START), 0);
    assert_true(round_trip_told(&rt, &item, START + 20 * MS));
    assert_in_range(round_trip_us(&rt, START + 20 * MS), 20 * MS, 20 * MS + 100);
}

static void retries_stay_within_bounds(void **state) {
    (void)state;
    struct round_trip near = {0}, far = {0};
    round_trip_answered(&near, 0, true);
    assert_int_equal(round_trip_us(&near, START), 1);
    assert_int_equal(round_trip_retry_us(&near, START), ROUND_TRIP_RETRY_MIN_US);
    round_trip_answered(&far, ROUND_TRIP_OLD_US, true);
    assert_int_equal(round_trip_retry_us(&far, START), ROUND_TRIP_RETRY_MAX_US);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_told_counts),
        cmocka_unit_test(answers_to_nothing_are_not_believed),
        cmocka_unit_test(whoever_does_not_answer_is_asked_seldom),
        cmocka_unit_test(without_answers_repeats_count),
        cmocka_unit_test(retries_stay_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
