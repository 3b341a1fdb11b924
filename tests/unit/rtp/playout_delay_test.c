#include "rtp/playout_delay.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#define MS 1000u

static uint32_t units(uint32_t value) {
    assert_true(value == 0 || (value & 0xfff) == PLAYOUT_LONGEST);
    return value >> 12;
}

static void who_waits_long_enough_is_told_nothing(void **state) {
    (void)state;
    struct playout_delay d = {0};
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(playout_delay_look(&d, 0), 0);
}

// Until it is what is wanted.
static uint32_t raise(struct playout_delay *d, uint32_t us) {
    uint32_t value = 0;
    for (unsigned i = 0; i < 3; i++)
        value = playout_delay_look(d, us);
    return units(value);
}

static void what_is_wanted_is_told_soon_and_within_bounds(void **state) {
    (void)state;
    static const struct {
        uint32_t us, units;
    } rows[] = {{1, 1},       {10 * MS, 1},   {10 * MS + 1, 2}, {100 * MS, 10},
                {199999, 20}, {200 * MS, 20}, {200001, 20},     {UINT32_MAX, PLAYOUT_MOST}};
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct playout_delay d = {0};
        uint32_t first = units(playout_delay_look(&d, rows[i].us));
        assert_int_equal(first, rows[i].units < PLAYOUT_RISE ? rows[i].units : PLAYOUT_RISE);
        assert_int_equal(raise(&d, rows[i].us), rows[i].units);
    }
}

// A round trip is never the same twice: the picture does not go to and fro with it.
static void small_changes_change_nothing(void **state) {
    (void)state;
    struct playout_delay d = {0};
    assert_int_equal(raise(&d, 100 * MS), 10);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(units(playout_delay_look(&d, i % 2 ? 85 * MS : 100 * MS)), 10);
    for (unsigned i = 0; i < 100; i++) // now and then there is nothing to wait for
        assert_int_equal(units(playout_delay_look(&d, i % PLAYOUT_CALM ? 0 : 100 * MS)), 10);
}

static void it_is_taken_back_slowly_and_then_not_told_any_more(void **state) {
    (void)state;
    struct playout_delay d = {0};
    uint32_t last = raise(&d, 100 * MS), looks = 0, at_least = 0;
    for (; last > 0; looks++) {
        uint32_t now = units(playout_delay_look(&d, 0));
        assert_true(now == last || now + 1 == last);
        assert_true(looks + 1 >= PLAYOUT_CALM || now == 10);
        at_least += now == PLAYOUT_NONE;
        last = now;
    }
    assert_int_equal(at_least, PLAYOUT_CALM);
    assert_int_equal(looks, PLAYOUT_CALM + 8 + PLAYOUT_CALM);
    assert_int_equal(playout_delay_look(&d, 0), 0);
    assert_int_equal(units(playout_delay_look(&d, 30 * MS)), 3); // and anew
}

static void more_is_told_on_the_way_down(void **state) {
    (void)state;
    struct playout_delay d = {0};
    (void)raise(&d, 100 * MS);
    for (unsigned i = 0; i < PLAYOUT_CALM + 3; i++)
        (void)playout_delay_look(&d, 50 * MS);
    assert_int_equal(units(playout_delay_look(&d, 50 * MS)), 6);
    for (unsigned i = 0; i < 20; i++)
        assert_in_range(units(playout_delay_look(&d, 50 * MS)), 5, 6);
    assert_int_equal(units(playout_delay_look(&d, 120 * MS)), 12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_waits_long_enough_is_told_nothing),
        cmocka_unit_test(what_is_wanted_is_told_soon_and_within_bounds),
        cmocka_unit_test(small_changes_change_nothing),
        cmocka_unit_test(it_is_taken_back_slowly_and_then_not_told_any_more),
        cmocka_unit_test(more_is_told_on_the_way_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
