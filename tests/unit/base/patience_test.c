// Who was away for a while waits a moment before it calls others silent.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/patience.h"

#define S US_PER_SECOND

static void test_timers_that_are_late(void **state) {
    (void)state;
    static const struct {
        uint64_t due_us, now_us;
        bool away;
    } rows[] = {{100 * S, 100 * S, false}, {100 * S, 99 * S, false}, {100 * S, 103 * S - 1, false},
                {100 * S, 103 * S, true},  {100 * S, 160 * S, true}, {TIME_NEVER, 160 * S, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct patience patience = {0};
        assert_int_equal(patience_wake(&patience, rows[i].due_us, rows[i].now_us, 5 * S), rows[i].away);
        assert_int_equal(patience.awake_us, rows[i].away ? rows[i].now_us : 0);
        assert_int_equal(patience.until_us, rows[i].away ? rows[i].now_us + 5 * S : 0);
    }
}

static void test_what_waits(void **state) {
    (void)state;
    struct patience patience = {0};
    assert_int_equal(patience_extend(&patience, 7), 7);
    assert_int_equal(patience_since(&patience, 7), 7);
    assert_true(patience_wake(&patience, 100 * S, 160 * S, 5 * S));
    assert_int_equal(patience_extend(&patience, 120 * S), 165 * S); // it is over, and waits
    assert_int_equal(patience_extend(&patience, 166 * S), 166 * S);
    assert_int_equal(patience_since(&patience, 99 * S), 160 * S); // silent since then at most
    assert_int_equal(patience_since(&patience, 161 * S), 161 * S);
    assert_false(patience_wake(&patience, 165 * S, 166 * S, 5 * S)); // in time: what was said holds
    assert_int_equal(patience.until_us, 165 * S);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers_that_are_late),
        cmocka_unit_test(test_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
