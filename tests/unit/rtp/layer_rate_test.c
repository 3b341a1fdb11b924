#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtp/layer_rate.h"

#define SECOND UINT64_C(1000000)

struct step {
    uint8_t spatial, temporal;
    bool aside;
    uint32_t bytes;
};

// A second of these, twenty times each.
static uint64_t run(struct layer_rate *rate, uint64_t now_us, const struct step *steps, unsigned count,
                    unsigned seconds) {
    for (unsigned i = 0; i < 20 * seconds; i++, now_us += SECOND / 20)
        for (unsigned k = 0; k < count; k++)
            layer_rate_add(rate, steps[k].spatial, steps[k].temporal, steps[k].aside, steps[k].bytes, now_us);
    return now_us - SECOND / 20;
}

static void expect_about(uint32_t bps, uint32_t expected) {
    if (bps < expected * 9 / 10 || bps > expected * 12 / 10)
        fail_msg("%u bit/s, expected about %u", bps, expected);
}

static void a_layer_costs_what_it_needs(void **state) {
    (void)state;
    // 20 times a second: bytes times 160 are bits a second.
    static const struct step full[] = {
        {0, 0, false, 100}, {0, 1, false, 50}, {1, 0, false, 300}, {1, 1, false, 200}};
    static const struct step apart[] = {
        {0, 0, true, 100}, {0, 1, true, 50}, {1, 0, false, 300}, {1, 1, false, 200}};
    struct layer_rate rate = {0};
    assert_int_equal(layer_rate_bps(&rate, 0, 0, 5 * SECOND), 0);
    assert_int_equal(layer_rate_spatial(&rate, 5 * SECOND), 0);
    uint64_t now = run(&rate, 5 * SECOND, full, 4, 4);
    expect_about(layer_rate_bps(&rate, 0, 0, now), 100 * 160);
    expect_about(layer_rate_bps(&rate, 0, 1, now), 150 * 160);
    expect_about(layer_rate_bps(&rate, 1, 0, now), 400 * 160);
    expect_about(layer_rate_bps(&rate, 1, 1, now), 650 * 160);
    assert_int_equal(layer_rate_bps(&rate, 2, 0, now), 0);
    assert_int_equal(layer_rate_bps(&rate, 1, 2, now), 0);
    assert_int_equal(layer_rate_spatial(&rate, now), 2);
    assert_int_equal(layer_rate_temporal(&rate, now), 2);
    rate = (struct layer_rate){0};
    now = run(&rate, 5 * SECOND, apart, 4, 4);
    expect_about(layer_rate_bps(&rate, 0, 1, now), 150 * 160);
    expect_about(layer_rate_bps(&rate, 1, 1, now), 500 * 160); // the lower ones are not sent beside it
}

static void what_has_ended_is_forgotten(void **state) {
    (void)state;
    static const struct step both[] = {{0, 0, false, 100}, {1, 0, false, 300}}, low[] = {{0, 0, false, 100}};
    struct layer_rate rate = {0};
    uint64_t now = run(&rate, 5 * SECOND, both, 2, 3);
    now = run(&rate, now, low, 1, 1);
    assert_int_equal(layer_rate_spatial(&rate, now), 2);
    now = run(&rate, now, low, 1, 2);
    assert_int_equal(layer_rate_spatial(&rate, now), 1);
    assert_int_equal(layer_rate_bps(&rate, 1, 0, now), 0);
    expect_about(layer_rate_bps(&rate, 0, 0, now), 100 * 160);
    assert_int_equal(layer_rate_bps(&rate, 0, 0, now + 3 * SECOND), 0);
    now = run(&rate, now + 60 * SECOND, both, 2, 1); // begins anew: measured over the time there was
    expect_about(layer_rate_bps(&rate, 1, 0, now), 400 * 160);
}

static void the_first_packets_do_not_count_for_more_than_there_were(void **state) {
    (void)state;
    struct layer_rate rate = {0};
    layer_rate_add(&rate, 0, 0, false, 10000, 5 * SECOND);
    assert_in_range(layer_rate_bps(&rate, 0, 0, 5 * SECOND), 1, 160000);
    layer_rate_add(&rate, 7, 7, false, 1000, 5 * SECOND); // counts as the highest that there are
    assert_int_equal(layer_rate_spatial(&rate, 5 * SECOND), LAYER_RATE_SPATIAL);
    assert_int_equal(layer_rate_temporal(&rate, 5 * SECOND), LAYER_RATE_TEMPORAL);
    assert_true(layer_rate_bps(&rate, 7, 7, 5 * SECOND) > layer_rate_bps(&rate, 0, 0, 5 * SECOND));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_layer_costs_what_it_needs),
        cmocka_unit_test(what_has_ended_is_forgotten),
        cmocka_unit_test(the_first_packets_do_not_count_for_more_than_there_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
