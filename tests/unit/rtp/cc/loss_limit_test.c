#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtp/cc/loss_limit.h"

#define MS 1000

struct source {
    struct loss_limit limit;
    uint64_t now_us, random;
};

static struct source source_begin(void) {
    struct source s = {.now_us = 5000 * MS, .random = 3};
    loss_limit_reset(&s.limit);
    return s;
}

static bool chance(struct source *s, unsigned permille) {
    s->random = s->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (s->random >> 33) % 1000 < permille;
}

// So many seconds at a rate, of which the link lets link_bps through (0: all) and loses a share of the rest.
static void seconds(struct source *s, unsigned count, uint32_t rate_bps, uint32_t link_bps,
                    unsigned permille) {
    uint64_t gap_us = UINT64_C(8000) * 1000000 / rate_bps;
    unsigned over =
        link_bps && rate_bps > link_bps ? 1000 - (unsigned)(UINT64_C(1000) * link_bps / rate_bps) : 0;
    uint32_t acked = rate_bps / 1000 * (1000 - over) / 1000 * (1000 - permille);
    for (uint64_t end = s->now_us + UINT64_C(1000000) * count; s->now_us < end; s->now_us += gap_us) {
        loss_limit_add(&s->limit, 1000, s->now_us, chance(s, over) || chance(s, permille));
        loss_limit_update(&s->limit, acked, rate_bps, s->now_us);
    }
}

static void nothing_lost_is_no_limit(void **state) {
    (void)state;
    struct source s = source_begin();
    seconds(&s, 10, 2000000, 0, 0);
    assert_int_equal(s.limit.limit_bps, LOSS_NO_LIMIT);
    assert_true(s.limit.loss == 0 && s.limit.inherent == 0);
}

// A share of whatever is sent, at two rates: not because of the rate.
static void random_loss_is_no_limit(void **state) {
    (void)state;
    static const unsigned permille[] = {10, 20, 50, 100, 150};
    for (unsigned i = 0; i < 5; i++) {
        struct source s = source_begin();
        for (unsigned round = 0; round < 5; round++) {
            seconds(&s, 2, 1000000, 0, permille[i]);
            seconds(&s, 2, 2000000, 0, permille[i]);
            assert_int_equal(s.limit.limit_bps, LOSS_NO_LIMIT);
        }
        float share = (float)permille[i] / 1000;
        assert_true(s.limit.loss > share * 0.4f && s.limit.loss < share * 1.7f);
    }
}

static void what_is_above_the_link_is_a_limit(void **state) {
    (void)state;
    struct source s = source_begin();
    seconds(&s, 3, 1000000, 1500000, 0);
    assert_int_equal(s.limit.limit_bps, LOSS_NO_LIMIT);
    seconds(&s, 2, 3000000, 1500000, 0);
    assert_true(s.limit.certain);
    assert_true(s.limit.limit_bps > 1300000 && s.limit.limit_bps < 1800000);
}

static void a_limit_beneath_random_loss_is_found(void **state) {
    (void)state;
    struct source s = source_begin();
    seconds(&s, 4, 1000000, 1500000, 50);
    seconds(&s, 4, 3000000, 1500000, 50);
    assert_true(s.limit.limit_bps > 1200000 && s.limit.limit_bps < 1900000);
}

static void a_limit_goes_when_nothing_is_lost(void **state) {
    (void)state;
    struct source s = source_begin();
    seconds(&s, 3, 3000000, 1500000, 0);
    uint32_t limited_bps = s.limit.limit_bps;
    assert_true(limited_bps < 2000000);
    seconds(&s, 8, 1400000, 0, 0);
    assert_true(s.limit.limit_bps > limited_bps);
    seconds(&s, 8, 1400000, 0, 0);
    assert_int_equal(s.limit.limit_bps, LOSS_NO_LIMIT);
}

static void what_comes_late_was_not_lost(void **state) {
    (void)state;
    struct source s = source_begin();
    for (unsigned i = 0; i < 2000; i++, s.now_us += 4 * MS) {
        bool late = i % 3 == 0;
        loss_limit_add(&s.limit, 1000, s.now_us, late);
        if (i >= 30 && (i - 30) % 3 == 0)
            loss_limit_revoke(&s.limit, s.now_us - 120 * MS);
        loss_limit_update(&s.limit, 2000000, 2000000, s.now_us);
    }
    assert_true(s.limit.loss < 0.02f);
    assert_int_equal(s.limit.limit_bps, LOSS_NO_LIMIT);
    loss_limit_reset(&s.limit);
    loss_limit_revoke(&s.limit, 0);
}

static void never_below_what_arrives(void **state) {
    (void)state;
    struct source s = source_begin();
    seconds(&s, 10, 2000000, 400000, 300);
    uint32_t acked = 2000000 / 1000 * 200 / 1000 * 700;
    assert_true(s.limit.limit_bps >= acked * 9 / 10);
}

// What was lost of late weighs more than what was lost before.
static void the_newest_loss_weighs_most(void **state) {
    (void)state;
    struct source rising = source_begin(), falling = source_begin();
    for (unsigned i = 0; i < 2; i++) {
        struct source *s = i == 0 ? &rising : &falling;
        seconds(s, 4, 1000000, 0, i == 0 ? 0 : 200);
        while (s->limit.count % LOSS_OBSERVATIONS != 0)
            seconds(s, 1, 1000000, 0, i == 0 ? 0 : 200);
        uint32_t from = s->limit.count;
        while (s->limit.count < from + LOSS_OBSERVATIONS / 2) {
            loss_limit_add(&s->limit, 1000, s->now_us, chance(s, i == 0 ? 200 : 0));
            loss_limit_update(&s->limit, 1000000, 1000000, s->now_us);
            s->now_us += 8 * MS;
        }
    }
    assert_true(rising.limit.loss > falling.limit.loss * 1.3f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_lost_is_no_limit),
        cmocka_unit_test(random_loss_is_no_limit),
        cmocka_unit_test(what_is_above_the_link_is_a_limit),
        cmocka_unit_test(a_limit_beneath_random_loss_is_found),
        cmocka_unit_test(a_limit_goes_when_nothing_is_lost),
        cmocka_unit_test(what_comes_late_was_not_lost),
        cmocka_unit_test(never_below_what_arrives),
        cmocka_unit_test(the_newest_loss_weighs_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
