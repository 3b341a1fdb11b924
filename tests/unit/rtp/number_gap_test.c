#include "rtp/number_gap.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void arrivals_by_table(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint16_t seqs[8];
        int16_t shown[4];
        unsigned unexplained;
    } rows[] = {
        {"nothing is missing", {1, 2, 3}, {0}, 0},
        {"two are", {1, 4, 5}, {0}, 2},
        {"over the wrap", {65535, 2}, {0}, 2},
        {"late, not lost", {1, 4, 3, 2}, {0}, 0},
        {"one of them late", {1, 4, 2}, {0}, 1},
        {"twice the same", {1, 3, 3}, {0}, 1},
        {"a stream shows one", {1, 4}, {2}, 1},
        {"two streams show all", {1, 5}, {2, 3}, 0},
        {"more than are missing", {1, 3}, {5}, 0},
        {"in order", {1, 4}, {1, 1}, 2},
        {"shown, and late after all", {1, 4, 3}, {2, -1}, 1},
        {"the sender began anew", {1, 4, 1000, 1001}, {0}, 0},
        {"and backwards", {1000, 1003, 1, 2}, {0}, 0},
        {"a cut", {1, 100}, {0}, 0},
        {"a cut in pieces", {1, 50, 99}, {0}, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct number_gap gap = {0};
        for (unsigned k = 0; k < 8 && rows[i].seqs[k]; k++)
            number_gap_add(&gap, rows[i].seqs[k], 1000 * k + 1);
        for (unsigned k = 0; k < 4 && rows[i].shown[k]; k++)
            number_gap_show(&gap, rows[i].shown[k]);
        if (number_gap_unexplained(&gap) != rows[i].unexplained)
            fail_msg("%s: %u", rows[i].name, number_gap_unexplained(&gap));
    }
}

static void the_first_gap_tells_since_when(void **state) {
    (void)state;
    struct number_gap gap = {0};
    number_gap_add(&gap, 1, 1000);
    number_gap_add(&gap, 3, 2000);
    number_gap_add(&gap, 5, 3000);
    assert_int_equal(gap.since_us, 2000);
    assert_int_equal(number_gap_unexplained(&gap), 2);
    number_gap_begin_anew(&gap);
    assert_int_equal(number_gap_unexplained(&gap), 0);
    number_gap_add(&gap, 7, 4000);
    assert_int_equal(gap.since_us, 4000);
    assert_int_equal(number_gap_unexplained(&gap), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrivals_by_table),
        cmocka_unit_test(the_first_gap_tells_since_when),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
