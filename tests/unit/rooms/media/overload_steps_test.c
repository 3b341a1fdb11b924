// Single steps of the level that is shed (overload.h), from states that a worker comes to in time.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rooms/media/overload.h"

#define NOW_US UINT64_C(1000000000)
#define MS UINT64_C(1000)

// A tenth of a window, with so many thousandths of spare time.
static void turn(struct overload *o, uint64_t *now_us, unsigned spare, bool lost) {
    uint64_t length_us = OVERLOAD_WINDOW_US / 10, busy_us = length_us * (1000 - spare) / 1000;
    struct overload_turn turn = {.began_us = *now_us + length_us - busy_us,
                                 .ended_us = *now_us + length_us,
                                 .packets = true,
                                 .lost = lost};
    *now_us = turn.ended_us;
    (void)overload_turn(o, &turn);
}

static void window(struct overload *o, uint64_t *now_us, unsigned spare, bool lost) {
    for (unsigned i = 0; i < 10; i++)
        turn(o, now_us, spare, lost);
}

// A full window in which its thread had the processor for so many thousandths.
static void starved_window(struct overload *o, uint64_t *now_us, uint64_t *cpu_us, unsigned had, bool lost) {
    uint64_t length_us = OVERLOAD_QUICK_WINDOW_US / 5;
    for (bool ends = false; !ends;) {
        struct overload_turn turn = {
            .began_us = *now_us, .ended_us = *now_us + length_us, .packets = true, .lost = lost};
        *now_us = turn.ended_us;
        *cpu_us += length_us * had / 1000;
        ends = overload_may_judge(o, turn.ended_us);
        turn.cpu_us = ends ? *cpu_us : 0;
        (void)overload_turn(o, &turn);
    }
}

// Who does not get the processor is full of little: what has gathered is worked off when others are done.
static void others_that_have_the_processor_are_no_load_for_a_while(void **state) {
    (void)state;
    static const struct {
        const char *what;
        unsigned had, starved, own; // windows of each kind
        bool lost, sheds;
    } rows[] = {
        {"its own work", 950, 0, 2, false, true},        {"its own work, in a row", 510, 2, 0, false, true},
        {"for half a second", 490, 10, 0, false, false}, {"and what has gathered", 100, 6, 7, false, false},
        {"and more than that", 100, 6, 8, false, true},  {"for a second", 100, 19, 0, false, false},
        {"and longer", 100, 20, 0, false, true},         {"and packets are lost", 100, 2, 0, true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct overload o;
        uint64_t now_us = NOW_US, cpu_us = 5000 * MS;
        overload_init(&o, NOW_US);
        o.ended_us = NOW_US;
        o.cpu_us = cpu_us;
        for (unsigned n = 0; n < rows[i].starved; n++)
            starved_window(&o, &now_us, &cpu_us, rows[i].had, rows[i].lost);
        for (unsigned n = 0; n < rows[i].own; n++)
            starved_window(&o, &now_us, &cpu_us, 1000, rows[i].lost);
        print_message("%s: level %u\n", rows[i].what, o.level);
        assert_int_equal(o.level > 0, rows[i].sheds);
        for (unsigned n = 0; n < 3; n++)
            window(&o, &now_us, 900, false);
        assert_int_equal(o.starved_windows, 0);
    }
}

// A level that may fall: it was full at those below `full_below`, long ago.
static struct overload roomy(unsigned level, unsigned full_below) {
    struct overload o;
    overload_init(&o, NOW_US);
    o.level = level;
    o.full_below = full_below;
    o.changed_us = NOW_US - 60 * 1000 * MS;
    o.roomy_us = NOW_US - 2 * OVERLOAD_STEP_DOWN_US;
    o.try_us = NOW_US - MS;
    return o;
}

static void a_level_falls_by_as_much_as_there_is_room_for(void **state) {
    (void)state;
    static const struct {
        const char *what;
        unsigned level, full_below, spare, falls_to;
    } rows[] = {
        {"nothing is shed", 0, 0, 900, 0},
        {"one at a time", 10, 10, 400, 9},
        {"one above where it was full", 11, 10, 800, 10},
        {"two above, but little to spare", 12, 10, 490, 11},
        {"two above, with half to spare", 12, 10, 510, 10},
        {"three above in the upper half", 23, 20, 800, 21},
        {"four above in the upper half", 24, 20, 800, 20},
        {"four above in the lower half", 14, 10, 800, 12},
        {"four above, the first level of the upper half", 17, 13, 800, 13},
        {"four above, the last level of the lower half", 16, 12, 800, 14},
        {"too little to spare", 20, 0, 190, 20},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct overload o = roomy(rows[i].level, rows[i].full_below);
        uint64_t now_us = NOW_US;
        window(&o, &now_us, rows[i].spare, false);
        if (o.level != rows[i].falls_to)
            fail_msg("%s: expected %u, got %u", rows[i].what, rows[i].falls_to, o.level);
        if (o.level < rows[i].level) {
            assert_true(o.trying);
            assert_int_equal(o.fell_from, rows[i].level);
        }
    }
}

static void a_level_rises_faster_the_longer_it_is_full(void **state) {
    (void)state;
    static const struct {
        const char *what;
        bool lost;
        unsigned spare, levels[6]; // after each 100 ms; from the second on a window is half as long
    } rows[] = {
        {"full", false, 20, {0, 2, 14, 30, 46, 47}},
        {"full, and packets are lost", true, 20, {0, 8, 24, 40, 47, 47}},
        {"half to spare, and packets are lost", true, 490, {0, 8, 24, 40, 47, 47}},
        {"half to spare", false, 490, {0, 0, 0, 0, 0, 0}},
        {"more than half to spare, though packets are lost", true, 510, {0, 0, 0, 0, 0, 0}},
        {"just not full", false, 60, {0, 0, 0, 0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct overload o;
        uint64_t now_us = NOW_US;
        overload_init(&o, now_us);
        for (unsigned n = 0; n < 6; n++) {
            window(&o, &now_us, rows[i].spare, rows[i].lost);
            if (o.level != rows[i].levels[n])
                fail_msg("%s, window %u: expected %u, got %u", rows[i].what, n, rows[i].levels[n], o.level);
        }
    }
}

// Two full windows in a row, not two altogether.
static void a_window_that_is_not_full_begins_the_count_anew(void **state) {
    (void)state;
    struct overload o;
    uint64_t now_us = NOW_US;
    overload_init(&o, now_us);
    for (unsigned n = 0; n < 10; n++) {
        window(&o, &now_us, 20, false);
        window(&o, &now_us, 100, false);
    }
    assert_int_equal(o.level, 0);
}

// It has to be roomy for half a second, however long nothing has changed before.
static void room_must_last_before_a_level_falls(void **state) {
    (void)state;
    struct overload o = roomy(10, 0);
    uint64_t now_us = NOW_US;
    window(&o, &now_us, 100, false); // neither full nor roomy
    uint64_t since_us = now_us;
    while (o.level == 10)
        window(&o, &now_us, 300, false);
    assert_int_equal(now_us - since_us, OVERLOAD_STEP_DOWN_US);
}

// What gathered while a try failed says nothing: only then is counted anew.
static void a_failed_try_goes_back_and_waits(void **state) {
    (void)state;
    struct overload o = roomy(10, 10);
    uint64_t now_us = NOW_US;
    window(&o, &now_us, 400, false);
    assert_true(o.level == 9 && o.trying);
    uint64_t fell_us = now_us;
    while (o.level == 9)
        turn(&o, &now_us, 20, false);
    assert_int_equal(o.level, 10); // where it was not full
    assert_false(o.trying);
    assert_in_range(now_us - fell_us, OVERLOAD_GREET_US, OVERLOAD_GREET_US + 3 * OVERLOAD_WINDOW_US);
    uint64_t back_us = now_us;
    while (o.level == 10)
        turn(&o, &now_us, 20, false);
    assert_int_equal(o.level, 12);
    assert_in_range(now_us - back_us, OVERLOAD_DRAIN_US + OVERLOAD_WINDOW_US / 2,
                    OVERLOAD_DRAIN_US + 3 * OVERLOAD_WINDOW_US);
}

// A try that holds is over, and what was said of levels above it is forgotten with it.
static void a_try_that_holds_is_a_new_beginning(void **state) {
    (void)state;
    static const struct {
        const char *what;
        unsigned level, falls_to;
        uint64_t wait_us; // afterwards
    } rows[] = {
        {"below where it was full", 10, 9, OVERLOAD_WAIT_MIN_US},
        {"where it was not", 11, 10, OVERLOAD_WAIT_MAX_US},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct overload o = roomy(rows[i].level, 10);
        uint64_t now_us = NOW_US;
        o.wait_us = OVERLOAD_WAIT_MAX_US;
        window(&o, &now_us, 400, false);
        assert_true(o.level == rows[i].falls_to && o.trying);
        uint64_t fell_us = now_us;
        while (o.trying && now_us < fell_us + 2 * OVERLOAD_TRY_US)
            window(&o, &now_us, 100, false); // neither full nor roomy
        assert_in_range(now_us - fell_us, OVERLOAD_TRY_US, OVERLOAD_TRY_US + OVERLOAD_WINDOW_US);
        if (o.wait_us != rows[i].wait_us)
            fail_msg("%s: a wait of %llu us", rows[i].what, (unsigned long long)o.wait_us);
        assert_int_equal(o.full_below, rows[i].falls_to);
    }
}

// A level at which it was full is tried again when its time has come, to the microsecond.
static void the_next_try_comes_in_its_time(void **state) {
    (void)state;
    for (int late = -1; late <= 1; late++) {
        struct overload o = roomy(10, 10);
        o.spare_at_try = 900; // nothing has changed
        o.try_us = NOW_US + OVERLOAD_WINDOW_US - (uint64_t)(int64_t)late;
        uint64_t now_us = NOW_US;
        window(&o, &now_us, 400, false);
        assert_int_equal(now_us, NOW_US + OVERLOAD_WINDOW_US);
        assert_int_equal(o.level, late >= 0 ? 9 : 10);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_that_have_the_processor_are_no_load_for_a_while),
        cmocka_unit_test(a_level_falls_by_as_much_as_there_is_room_for),
        cmocka_unit_test(room_must_last_before_a_level_falls),
        cmocka_unit_test(a_window_that_is_not_full_begins_the_count_anew),
        cmocka_unit_test(a_failed_try_goes_back_and_waits),
        cmocka_unit_test(a_try_that_holds_is_a_new_beginning),
        cmocka_unit_test(the_next_try_comes_in_its_time),
        cmocka_unit_test(a_level_rises_faster_the_longer_it_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
