#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtp/cc/ccfb_read.h"

// Two blocks: 0x11223344 from 0xffff, three packets (CE, 16/1024 s before; lost; after the report), padded;
// 5 from 7, none; then the timestamp.
static const uint8_t body[] = {0x11, 0x22, 0x33, 0x44, 0xff, 0xff, 0, 3, 0xe0, 16, 0, 0, 0x9f, 0xff,
                               0,    0,    0,    0,    0,    5,    0, 7, 0,    0,  1, 2, 3,    4};

static void reads_blocks(void **state) {
    (void)state;
    struct ccfb_walk walk;
    struct ccfb_status s;
    assert_true(ccfb_walk_of(span_of(body, sizeof body), &walk));
    assert_int_equal(walk.report_timestamp, 0x01020304);
    assert_true(ccfb_walk_next(&walk, &s));
    assert_int_equal(s.ssrc, 0x11223344);
    assert_int_equal(s.seq, 0xffff);
    assert_true(s.received && s.ecn == CCFB_CE && s.offset == 16);
    assert_true(ccfb_walk_next(&walk, &s));
    assert_true(s.seq == 0 && !s.received);
    assert_true(ccfb_walk_next(&walk, &s));
    assert_true(s.seq == 1 && s.received && s.ecn == CCFB_NOT_ECT && s.offset >= CCFB_OFFSET_UNKNOWN);
    assert_false(ccfb_walk_next(&walk, &s));
}

static void every_truncation_is_malformed_or_shorter(void **state) {
    (void)state;
    for (size_t len = 0; len < sizeof body; len++) {
        struct ccfb_walk walk;
        struct ccfb_status s;
        bool right = ccfb_walk_of(span_of(body, len), &walk);
        assert_int_equal(right, len == 4 || len == 20); // where the blocks happen to end
        unsigned n = 0;
        while (right && ccfb_walk_next(&walk, &s))
            n++;
        assert_int_equal(n, len == 20 ? 3 : 0);
    }
}

static void more_reports_than_there_may_be(void **state) {
    (void)state;
    static uint8_t large[8 + 2 * (CCFB_REPORTS_MAX + 2) + 4];
    struct ccfb_walk walk;
    store_be16(large + 6, CCFB_REPORTS_MAX);
    assert_true(ccfb_walk_of(span_of(large, sizeof large - 4), &walk));
    store_be16(large + 6, CCFB_REPORTS_MAX + 2);
    assert_false(ccfb_walk_of(span_of(large, sizeof large), &walk));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_blocks),
        cmocka_unit_test(every_truncation_is_malformed_or_shorter),
        cmocka_unit_test(more_reports_than_there_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
