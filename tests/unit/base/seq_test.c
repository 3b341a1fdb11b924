#include "base/seq.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void sixteen_bits_wrap(void **state) {
    (void)state;
    static const struct {
        uint16_t a, b;
        int diff;
    } rows[] = {{0, 0, 0},         {1, 0, 1},          {0, 1, -1},         {0, 65535, 1},
                {65535, 0, -1},    {32767, 0, 32767},  {32768, 0, -32768}, {32769, 0, -32767},
                {100, 65436, 200}, {65436, 100, -200}, {0x8000, 0x7fff, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(seq16_diff(rows[i].a, rows[i].b), rows[i].diff);
        assert_int_equal(seq16_newer(rows[i].a, rows[i].b), rows[i].diff > 0);
    }
}

static void thirty_two_bits_wrap(void **state) {
    (void)state;
    static const struct {
        uint32_t a, b;
        int32_t diff;
    } rows[] = {{0, 0, 0},
                {0, UINT32_MAX, 1},
                {UINT32_MAX, 0, -1},
                {INT32_MAX, 0, INT32_MAX},
                {0x80000000, 0, INT32_MIN}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(seq32_diff(rows[i].a, rows[i].b), rows[i].diff);
        assert_int_equal(seq32_newer(rows[i].a, rows[i].b), rows[i].diff > 0);
    }
}

// Three turns forwards, then backwards, in steps of each size: the unwrapped number follows.
static void unwrapping_follows_both_ways(void **state) {
    (void)state;
    static const uint32_t steps[] = {1, 7, 1000, 32767};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        uint64_t wanted = 0x10000 + 65000, got = wanted;
        for (unsigned n = 0; n < 200000 / steps[i]; n++) {
            wanted += steps[i];
            got = seq16_unwrap(got, (uint16_t)wanted);
            assert_true(got == wanted);
        }
        while (wanted > 0x10000 + steps[i]) {
            wanted -= steps[i];
            got = seq16_unwrap(got, (uint16_t)wanted);
            assert_true(got == wanted);
        }
    }
}

static void unwrapping_takes_the_nearest(void **state) {
    (void)state;
    assert_true(seq16_unwrap(0x10000, 65535) == 0xffff);
    assert_true(seq16_unwrap(0x1ffff, 0) == 0x20000);
    assert_true(seq16_unwrap(0x10000, 32767) == 0x17fff);
    assert_true(seq32_unwrap(UINT64_C(0x100000000), UINT32_MAX) == UINT32_MAX);
    assert_true(seq32_unwrap(UINT64_C(0x1ffffffff), 5) == UINT64_C(0x200000005));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixteen_bits_wrap),
        cmocka_unit_test(thirty_two_bits_wrap),
        cmocka_unit_test(unwrapping_follows_both_ways),
        cmocka_unit_test(unwrapping_takes_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
