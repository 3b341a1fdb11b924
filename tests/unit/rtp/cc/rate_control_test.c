#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtp/cc/rate_control.h"

#define MS UINT64_C(1000)

static const struct rate_input fine = {.signal = DELAY_NORMAL,
                                       .acked_bps = 1000000,
                                       .acked_short_bps = 1000000,
                                       .rtt_us = 50000,
                                       .calm_us = 1000000};

static void feed(struct rate_control *rc, const struct rate_input *in, unsigned count, uint64_t *now_us) {
    for (unsigned i = 0; i < count; i++) {
        *now_us += 50 * MS;
        rate_control_update(rc, in, *now_us);
    }
}

static void grows_by_a_share_a_second(void **state) {
    (void)state;
    struct rate_control rc;
    uint64_t now_us = 5000 * MS;
    rate_control_init(&rc, 500000);
    rate_control_update(&rc, &fine, now_us);
    feed(&rc, &fine, 20, &now_us);
    assert_true(rc.rate_bps > 530000 && rc.rate_bps < 550000);
    struct rate_input calm = fine;
    calm.calm_us = 10000000;
    rate_control_init(&rc, 500000);
    rate_control_update(&rc, &calm, now_us);
    feed(&rc, &calm, 20, &now_us);
    assert_true(rc.rate_bps > 700000 && rc.rate_bps < 770000);
}

static void not_beyond_what_arrives(void **state) {
    (void)state;
    struct rate_control rc;
    uint64_t now_us = 5000 * MS;
    rate_control_init(&rc, 1100000);
    feed(&rc, &fine, 400, &now_us);
    assert_int_equal((int)rc.rate_bps, 1160000);
    rate_control_init(&rc, 3000000); // a probe showed more: it stays
    feed(&rc, &fine, 400, &now_us);
    assert_int_equal((int)rc.rate_bps, 3000000);
    struct rate_input unknown = fine;
    unknown.acked_bps = unknown.acked_short_bps = 0;
    rate_control_init(&rc, 500000);
    feed(&rc, &unknown, 40, &now_us);
    assert_int_equal((int)rc.rate_bps, 500000);
}

static void waits_while_a_queue_stands_or_little_is_sent(void **state) {
    (void)state;
    uint64_t now_us = 5000 * MS;
    for (unsigned i = 0; i < 2; i++) {
        struct rate_control rc;
        struct rate_input in = fine;
        in.queue_stands = i == 0;
        in.application = i == 1;
        rate_control_init(&rc, 500000);
        feed(&rc, &in, 40, &now_us);
        assert_int_equal((int)rc.rate_bps, 500000);
    }
}

static void not_below_what_a_link_carries(void **state) {
    (void)state;
    struct rate_control rc;
    uint64_t now_us = 5000 * MS;
    struct rate_input in = fine;
    in.carried_bps = 900000;
    rate_control_init(&rc, 90000);
    rc.capacity_kbps = 100;
    feed(&rc, &in, 1, &now_us);
    assert_true(rc.rate_bps == 900000 && !rate_control_near_capacity(&rc));
    rate_control_init(&rc, 1500000);
    feed(&rc, &in, 40, &now_us);
    assert_true(rc.rate_bps == 1500000);
}

static void waits_until_the_queue_is_empty(void **state) {
    (void)state;
    struct rate_control rc;
    uint64_t now_us = 5000 * MS;
    struct rate_input under = fine;
    under.signal = DELAY_UNDERUSE;
    rate_control_init(&rc, 500000);
    feed(&rc, &under, 40, &now_us);
    assert_int_equal((int)rc.rate_bps, 500000);
    feed(&rc, &fine, 1, &now_us);
    assert_int_equal((int)rc.rate_bps, 500000);
    feed(&rc, &fine, 1, &now_us);
    assert_in_range((int)rc.rate_bps, 501000, 503000);
}

static void overuse_lowers_below_what_arrives(void **state) {
    (void)state;
    struct rate_control rc;
    struct rate_input over = fine;
    over.signal = DELAY_OVERUSE;
    over.queue_us = 40000;
    rate_control_init(&rc, 1500000);
    assert_true(rate_control_update(&rc, &over, 5000 * MS));
    assert_int_equal((int)(rc.rate_bps / 1000 + 0.5f), 920);
    assert_false(rate_control_update(&rc, &over, 5020 * MS)); // within a round trip
    over.queue_us = 120000;
    assert_true(rate_control_update(&rc, &over, 5100 * MS));
    assert_int_equal((int)(rc.rate_bps / 1000 + 0.5f), 850);
    assert_true(rate_control_near_capacity(&rc));
}

// The link has just become ten times slower: the short window says so.
static void a_link_that_drops(void **state) {
    (void)state;
    struct rate_control rc;
    struct rate_input over = fine;
    over.signal = DELAY_OVERUSE;
    over.queue_us = 150000;
    over.acked_bps = 3000000;
    over.acked_short_bps = 500000;
    rate_control_init(&rc, 5000000);
    assert_true(rate_control_update(&rc, &over, 5000 * MS));
    assert_int_equal((int)(rc.rate_bps / 1000 + 0.5f), 425);
}

static void near_the_capacity_it_goes_slowly(void **state) {
    (void)state;
    struct rate_control rc;
    uint64_t now_us = 5000 * MS;
    struct rate_input over = fine, after = fine;
    over.signal = DELAY_OVERUSE;
    after.acked_bps = after.acked_short_bps = 900000;
    after.calm_us = 10000000;
    rate_control_init(&rc, 1000000);
    rate_control_update(&rc, &over, now_us);
    float lowered = rc.rate_bps;
    feed(&rc, &after, 21, &now_us);
    assert_true(rc.rate_bps > lowered + 30000 && rc.rate_bps < lowered + 90000);
    after.acked_bps = 1200000; // more than ever: what was learned does not hold
    feed(&rc, &after, 20, &now_us);
    assert_false(rate_control_near_capacity(&rc));
}

// Who sends less than he may learns nothing from what arrives, unless the link holds even that back.
static void the_application_limits(void **state) {
    (void)state;
    struct rate_control rc;
    struct rate_input over = fine;
    over.signal = DELAY_OVERUSE;
    over.application = true;
    over.queue_us = 40000;
    over.acked_bps = over.acked_short_bps = 300000;
    rate_control_init(&rc, 3000000);
    assert_false(rate_control_update(&rc, &over, 5000 * MS));
    over.queue_us = 120000;
    assert_true(rate_control_update(&rc, &over, 5100 * MS));
    assert_int_equal((int)(rc.rate_bps / 1000 + 0.5f), 2550);
    over.restricts = true;
    assert_true(rate_control_update(&rc, &over, 5400 * MS));
    assert_int_equal((int)(rc.rate_bps / 1000 + 0.5f), 255);
}

static void a_probe_of_our_own_is_no_overuse(void **state) {
    (void)state;
    struct rate_control rc;
    struct rate_input over = fine;
    over.signal = DELAY_OVERUSE;
    over.probes = true;
    rate_control_init(&rc, 3000000);
    assert_false(rate_control_update(&rc, &over, 5000 * MS));
    assert_int_equal((int)rc.rate_bps, 3000000);
}

static void goes_back_after_a_queue_that_passes(void **state) {
    (void)state;
    struct rate_control rc;
    uint64_t now_us = 5000 * MS;
    struct rate_input over = fine, after = fine;
    over.signal = DELAY_OVERUSE;
    over.queue_us = 120000;
    over.acked_bps = over.acked_short_bps = 800000;
    rate_control_init(&rc, 2000000);
    rate_control_update(&rc, &over, now_us);
    assert_int_equal((int)(rc.rate_bps / 1000 + 0.5f), 680);
    after.acked_bps = after.acked_short_bps = 2000000;
    feed(&rc, &after, 15, &now_us); // three quarters of a second
    assert_true(rc.rate_bps > 1000000);
    rate_control_update(&rc, &over, now_us); // it was not passing
    float lowered = rc.rate_bps;
    after.acked_bps = after.acked_short_bps = 800000;
    feed(&rc, &after, 15, &now_us);
    assert_true(rc.rate_bps < lowered + 90000);
}

static void among_rivals_the_fair_share_counts(void **state) {
    (void)state;
    struct rate_control rc;
    uint64_t now_us = 5000 * MS;
    struct rate_input in = fine;
    in.signal = DELAY_OVERUSE;
    rate_control_init(&rc, 1000000);
    rate_control_share(&rc, &in, 900000, now_us);
    assert_int_equal((int)rc.rate_bps, 900000);
    rate_control_share(&rc, &in, 5000000, now_us); // not beyond what arrives,
    assert_int_equal((int)rc.rate_bps, (int)((float)in.acked_bps * 1.3f + 10000));
    rc.rate_bps = 4000000; // but for that alone it does not go down,
    rate_control_share(&rc, &in, 5000000, now_us);
    assert_int_equal((int)rc.rate_bps, 4000000);
    in.application = true; // and it says nothing of who has no more to send
    rate_control_share(&rc, &in, 5000000, now_us);
    assert_int_equal((int)rc.rate_bps, 5000000);
}

static void bounds(void **state) {
    (void)state;
    struct rate_control rc;
    rate_control_init(&rc, 500000);
    rate_control_set(&rc, 9e9f, 5000 * MS);
    rate_control_bound(&rc, 30000, 2000000);
    assert_int_equal((int)rc.rate_bps, 2000000);
    rate_control_set(&rc, 0, 5000 * MS);
    rate_control_bound(&rc, 30000, 2000000);
    assert_int_equal((int)rc.rate_bps, 30000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_by_a_share_a_second),
        cmocka_unit_test(not_beyond_what_arrives),
        cmocka_unit_test(waits_while_a_queue_stands_or_little_is_sent),
        cmocka_unit_test(not_below_what_a_link_carries),
        cmocka_unit_test(waits_until_the_queue_is_empty),
        cmocka_unit_test(overuse_lowers_below_what_arrives),
        cmocka_unit_test(a_link_that_drops),
        cmocka_unit_test(near_the_capacity_it_goes_slowly),
        cmocka_unit_test(the_application_limits),
        cmocka_unit_test(a_probe_of_our_own_is_no_overuse),
        cmocka_unit_test(goes_back_after_a_queue_that_passes),
        cmocka_unit_test(among_rivals_the_fair_share_counts),
        cmocka_unit_test(bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
