#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtp/cc/fair_rate.h"

#define MS UINT64_C(1000)

struct loser {
    struct fair_rate fair;
    uint64_t now_us;
    uint32_t rtt_us;
    unsigned events;
};

// Feedback each 100 ms about 20 packets, of which one is lost every so many.
static void seconds(struct loser *l, unsigned count, unsigned every) {
    static unsigned n;
    for (unsigned i = 0; i < count * 10; i++) {
        unsigned lost = 0;
        for (unsigned k = 0; k < 20; k++)
            lost += every && ++n % every == 0;
        l->events += fair_rate_feedback(&l->fair, 20 - lost, lost, l->rtt_us, l->now_us += 100 * MS);
    }
}

static struct loser loser_begin(float bps, uint32_t rtt_us) {
    struct loser l = {.now_us = 5000000 * MS, .rtt_us = rtt_us};
    fair_rate_begin(&l.fair, bps, rtt_us, l.now_us);
    return l;
}

static void nothing_is_known_at_first(void **state) {
    (void)state;
    struct fair_rate none = {0};
    assert_true(fair_rate_bps(&none, 50000) == 0);
}

static void begins_where_it_was(void **state) {
    (void)state;
    static const float rates_bps[] = {200e3f, 1e6f, 10e6f};
    for (unsigned i = 0; i < 3; i++)
        for (uint32_t rtt_us = 20000; rtt_us <= 500000; rtt_us *= 5) {
            struct loser l = loser_begin(rates_bps[i], rtt_us);
            float bps = fair_rate_bps(&l.fair, rtt_us);
            assert_true(bps > rates_bps[i] * 0.9f && bps < rates_bps[i] * 1.1f);
        }
}

// RFC 5348, 3.1, for 1400 bytes: 1/100 and 100 ms are 1.25 * 1.25 Mbit/s.
static void the_equation(void **state) {
    (void)state;
    static const struct {
        unsigned every;
        uint32_t rtt_us;
        float least_bps, most_bps;
    } rows[] = {{100, 100000, 1.4e6f, 1.8e6f},
                {100, 50000, 2.8e6f, 3.6e6f},
                {400, 100000, 2.9e6f, 3.8e6f},
                {20, 100000, 0.3e6f, 0.7e6f},
                {1000, 400000, 1.4e6f, 3.4e6f}};
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct loser l = loser_begin(300000, rows[i].rtt_us);
        seconds(&l, 100, rows[i].every);
        float bps = fair_rate_bps(&l.fair, rows[i].rtt_us);
        if (bps < rows[i].least_bps || bps > rows[i].most_bps)
            fail_msg("one of %u at %u ms: %.0f", rows[i].every, rows[i].rtt_us / 1000, (double)bps);
    }
}

static void without_losses_it_goes_up(void **state) {
    (void)state;
    struct loser l = loser_begin(300000, 100000);
    float before = fair_rate_bps(&l.fair, l.rtt_us);
    for (unsigned i = 0; i < 20; i++) {
        seconds(&l, 1, 0);
        float bps = fair_rate_bps(&l.fair, l.rtt_us);
        assert_true(bps >= before && bps < before * 6);
        before = bps;
    }
    assert_true(before > 1e6f);
    assert_int_equal(l.events, 0);
}

static void once_a_round_trip(void **state) {
    (void)state;
    struct loser l = loser_begin(1e6f, 500000);
    seconds(&l, 10, 5); // four of each feedback
    assert_in_range(l.events, 15, 20);
}

static void what_comes_late_was_not_lost(void **state) {
    (void)state;
    struct loser l = loser_begin(1e6f, 50000);
    for (unsigned i = 0; i < 50; i++) {
        l.events += fair_rate_feedback(&l.fair, 18, 2, l.rtt_us, l.now_us += 100 * MS);
        fair_rate_revoke(&l.fair);
        fair_rate_revoke(&l.fair);
        fair_rate_revoke(&l.fair); // of which there was none
    }
    assert_int_equal(l.events, 0);
}

// Whatever is said: a number, and more than nothing.
static void always_a_number(void **state) {
    (void)state;
    static const uint32_t rtts_us[] = {0, 1, 10000000, UINT32_MAX};
    for (unsigned i = 0; i < 4; i++) {
        struct loser l = loser_begin(0, rtts_us[i]);
        assert_true(fair_rate_bps(&l.fair, rtts_us[i]) > 0);
        seconds(&l, 5, 1); // everything is lost
        assert_true(fair_rate_bps(&l.fair, rtts_us[i]) > 0);
        fair_rate_feedback(&l.fair, UINT32_MAX / 2, UINT32_MAX / 2, rtts_us[i], l.now_us += MS);
        float bps = fair_rate_bps(&l.fair, rtts_us[i]);
        assert_true(bps > 0 && bps < 1e12f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_at_first),
        cmocka_unit_test(begins_where_it_was),
        cmocka_unit_test(the_equation),
        cmocka_unit_test(without_losses_it_goes_up),
        cmocka_unit_test(once_a_round_trip),
        cmocka_unit_test(what_comes_late_was_not_lost),
        cmocka_unit_test(always_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
