// The window in which late packets are waited for.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/reorder.h"

#include <stdio.h>
#include <string.h>

static bool put(struct reorder *r, unsigned seq, uint64_t now_us) {
    uint8_t byte[2] = {(uint8_t)(seq >> 8), (uint8_t)seq};
    return reorder_push(r, (uint16_t)seq, span_of(byte, 2), now_us);
}

// What comes out, "1 2 |4 " with a bar where there is a gap.
static const char *out(struct reorder *r, uint64_t now_us, bool all) {
    static char text[256];
    struct reordered got;
    text[0] = '\0';
    while (reorder_next(r, now_us, all, &got)) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%s%u ", got.gap ? "|" : "",
                 got.packet.ptr[0] << 8 | got.packet.ptr[1]);
    }
    return text;
}

static void late_ones_are_waited_for(void **state) {
    (void)state;
    struct reorder *r = reorder_create();
    assert_true(put(r, 65534, 1));
    assert_string_equal(out(r, 1, false), "65534 ");
    assert_true(put(r, 0, 2));
    assert_true(put(r, 1, 3));
    assert_string_equal(out(r, 3, false), "");
    assert_false(put(r, 0, 4));     // twice
    assert_false(put(r, 65534, 4)); // gone
    assert_true(put(r, 65535, 5));
    assert_string_equal(out(r, 5, false), "65535 0 1 ");
    assert_true(put(r, 3, 10));
    assert_string_equal(out(r, 10 + REORDER_WINDOW_US - 1, false), "");
    assert_string_equal(out(r, 10 + REORDER_WINDOW_US, false), "|3 ");
    assert_int_equal(reorder_lost(r), 1);
    assert_true(put(r, 6, 20));
    assert_string_equal(out(r, 20, true), "|6 ");
    assert_false(put(r, 5, 21)); // too late now
    reorder_destroy(r);
}

static void numbers_that_jump_begin_anew(void **state) {
    (void)state;
    struct reorder *r = reorder_create();
    put(r, 100, 1);
    assert_string_equal(out(r, 1, false), "100 ");
    put(r, 30000, 2);
    assert_string_equal(out(r, 2, false), "|30000 ");
    put(r, 100, 3); // and back
    assert_string_equal(out(r, 3, false), "|100 ");
    reorder_destroy(r);
}

// Jumps back, again and again, bring no number below zero, where the window would have no end.
static void jumps_back_without_end(void **state) {
    (void)state;
    static const unsigned jumps[] = {100, 45636, 25636, 5636, 51172};
    struct reorder *r = reorder_create();
    struct reordered got;
    unsigned n = 0;
    for (unsigned i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        assert_true(put(r, jumps[i], 1));
        assert_true(reorder_next(r, 1, false, &got));
    }
    for (unsigned i = 1; i <= 40000; i++) {
        if (i % 2000 != 0)
            assert_true(put(r, 51172 + i, i));
        while (reorder_next(r, i, false, &got))
            n++;
    }
    while (reorder_next(r, 40000, true, &got))
        n++;
    assert_int_equal(n, 40000 - 20);
    assert_in_range(reorder_lost(r), 19, 20);
    reorder_destroy(r);
}

static void what_waits_is_bounded(void **state) {
    (void)state;
    struct reorder *r = reorder_create();
    put(r, 1, 1);
    assert_string_equal(out(r, 1, false), "1 ");
    for (unsigned seq = 3; seq < 3 + REORDER_PACKETS_MAX; seq++)
        assert_true(put(r, seq, 2));
    unsigned n = 0;
    struct reordered got;
    while (reorder_next(r, 2, false, &got))
        n++;
    assert_int_equal(n, REORDER_PACKETS_MAX);
    put(r, 3000, 3);
    assert_int_equal(reorder_waited_us(r, 8), 5);
    put(r, 3000 + REORDER_PACKETS_MAX + 10, 3); // further away than there are places
    assert_string_equal(out(r, 3, true), "|5058 ");
    assert_int_equal(reorder_waited_us(r, 8), 0);
    reorder_destroy(r);
    reorder_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_ones_are_waited_for),
        cmocka_unit_test(numbers_that_jump_begin_anew),
        cmocka_unit_test(jumps_back_without_end),
        cmocka_unit_test(what_waits_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
