// A bad network: how much is lost, when the rest comes out.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "load/impair.h"

static void test_loss_is_the_share_that_was_asked_for(void **state) {
    (void)state;
    static const double shares[] = {0, 0.02, 0.1, 1};
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        struct impair_config config = {.loss = shares[i]};
        struct impair impair;
        unsigned lost = 0;
        impair_init(&impair, &config, 42);
        for (unsigned n = 0; n < 100000; n++)
            lost += impair_release_us(&impair, 1000, n) == TIME_NEVER;
        print_message("asked %.3f, lost %u of 100000\n", shares[i], lost);
        assert_true(lost >= shares[i] * 95000 && lost <= shares[i] * 105000);
        assert_int_equal(impair.dropped, lost);
        assert_int_equal(impair_is_active(&config), shares[i] > 0);
    }
}

static void test_delay_is_added(void **state) {
    (void)state;
    struct impair_config config = {.delay_us = 30000};
    struct impair impair;
    impair_init(&impair, &config, 1);
    assert_true(impair_is_active(&config));
    assert_int_equal(impair_release_us(&impair, 1200, 500), 30500);
    assert_int_equal(impair_release_us(&impair, 40, 501), 30501);
}

static void test_a_bottleneck_takes_its_time_and_its_queue_is_bounded(void **state) {
    (void)state;
    struct impair_config config = {.bandwidth_bps = 1000000};
    struct impair impair;
    impair_init(&impair, &config, 1);
    // 1250 bytes are 10 ms at 1 Mbit/s; they queue behind each other.
    for (unsigned n = 1; n <= 31; n++)
        assert_int_equal(impair_release_us(&impair, 1250, 1000), 1000 + n * 10000);
    assert_int_equal(impair_release_us(&impair, 1250, 1000), TIME_NEVER);
    assert_int_equal(impair_release_us(&impair, 1250, 400000), 410000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss_is_the_share_that_was_asked_for),
        cmocka_unit_test(test_delay_is_added),
        cmocka_unit_test(test_a_bottleneck_takes_its_time_and_its_queue_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
