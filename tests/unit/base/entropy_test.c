#include "base/entropy.h"

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void bytes_are_filled_and_differ(void **state) {
    (void)state;
    uint8_t a[256] = {0}, b[256] = {0};
    entropy_fill(a, sizeof a);
    entropy_fill(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(a, a + 128, 128); // the second half is filled too
    uint8_t untouched = 7;
    entropy_fill(&untouched, 0);
    assert_int_equal(untouched, 7);
    assert_true(entropy_u64() != entropy_u64());
    uint32_t ones = 0, zeros = UINT32_MAX;
    for (int i = 0; i < 200; i++) {
        uint32_t v = entropy_u32();
        ones |= v;
        zeros &= v;
    }
    assert_true(ones == UINT32_MAX && zeros == 0); // each bit was both
}

static void text_keeps_to_its_alphabet_and_length(void **state) {
    (void)state;
    unsigned seen[256] = {0};
    for (size_t len = 0; len <= 300; len++) {
        char text[304];
        memset(text, '#', sizeof text);
        entropy_text(text, len);
        assert_int_equal(text[len], '#');
        for (size_t i = 0; i < len; i++) {
            assert_non_null(strchr("abcdefghijklmnopqrstuvwxyz0123456789", text[i]));
            seen[(uint8_t)text[i]]++;
        }
    }
    // 45150 characters, 1254 of each expected: half and double are over fifteen standard deviations away.
    for (const char *c = "abcdefghijklmnopqrstuvwxyz0123456789"; *c; c++)
        assert_in_range(seen[(uint8_t)*c], 627, 2508);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_filled_and_differ),
        cmocka_unit_test(text_keeps_to_its_alphabet_and_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
