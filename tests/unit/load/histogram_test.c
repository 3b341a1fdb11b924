// Percentiles of many samples, right to 1/32.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "load/histogram.h"

#include <stdlib.h>

static void test_small_values_are_exact(void **state) {
    (void)state;
    struct histogram *h = calloc(1, sizeof *h);
    for (uint64_t v = 1; v <= 50; v++)
        histogram_add(h, v);
    static const struct {
        double percent;
        uint64_t value;
    } rows[] = {{0, 1}, {2, 1}, {50, 25}, {98, 49}, {99, 50}, {100, 50}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(histogram_percentile(h, rows[i].percent), rows[i].value);
    free(h);
}

static void test_large_values_are_right_to_a_32nd(void **state) {
    (void)state;
    for (uint64_t value = 64; value < UINT64_C(1) << 39; value = value * 17 / 16 + 3) {
        struct histogram *h = calloc(1, sizeof *h);
        histogram_add(h, value);
        histogram_add(h, value * 2); // so that the maximum does not cap the answer
        uint64_t told = histogram_percentile(h, 50);
        assert_true(told >= value && told <= value + value / 32 + 1);
        free(h);
    }
}

static void test_nothing_and_too_much(void **state) {
    (void)state;
    struct histogram *h = calloc(1, sizeof *h);
    assert_int_equal(histogram_percentile(h, 99), 0);
    histogram_add(h, UINT64_MAX);
    assert_int_equal(h->count, 1);
    assert_int_equal(h->max, UINT64_MAX);
    assert_true(histogram_percentile(h, 50) >= (UINT64_C(1) << 39));
    histogram_clear(h);
    assert_int_equal(h->count, 0);
    assert_int_equal(histogram_percentile(h, 50), 0);
    free(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_values_are_exact),
        cmocka_unit_test(test_large_values_are_right_to_a_32nd),
        cmocka_unit_test(test_nothing_and_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
