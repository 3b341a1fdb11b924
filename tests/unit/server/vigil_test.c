// Threads that turn, hang and turn again, on a clock of the test's.
#include "server/vigil.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000)
#define START (100 * SECOND)

struct scene {
    struct vigil *vigil;
    bool stuck[3];
    unsigned asked, alive;
    char told[128]; // "0! 2! 0. ": which became stuck, and which turns again
    uint64_t now_us;
};

static bool on_stuck(void *ctx, unsigned thread, uint64_t now_us) {
    struct scene *s = ctx;
    assert_int_equal(now_us, s->now_us);
    s->asked++;
    return s->stuck[thread];
}

static void on_tell(void *ctx, unsigned thread, bool stuck) {
    struct scene *s = ctx;
    size_t len = strlen(s->told);
    snprintf(s->told + len, sizeof s->told - len, "%u%c ", thread, stuck ? '!' : '.');
}

static void on_alive(void *ctx) {
    struct scene *s = ctx;
    s->alive++;
}

static struct scene *scene_open(uint64_t watchdog_us) {
    struct scene *s = calloc(1, sizeof *s);
    s->now_us = START;
    const struct vigil_io io = {.ctx = s,
                                .threads = 3,
                                .stuck = on_stuck,
                                .tell = on_tell,
                                .alive = on_alive,
                                .watchdog_us = watchdog_us};
    s->vigil = vigil_begin(&io, s->now_us);
    assert_non_null(s->vigil);
    return s;
}

static void scene_close(struct scene *s) {
    vigil_end(s->vigil);
    free(s);
}

// As the loop would: whenever it is due.
static void pass(struct scene *s, uint64_t for_us) {
    uint64_t end_us = s->now_us + for_us;
    while (vigil_next_us(s->vigil) <= end_us) {
        s->now_us = vigil_next_us(s->vigil);
        vigil_advance(s->vigil, s->now_us);
    }
    s->now_us = end_us;
}

static void it_looks_once_a_second(void **state) {
    (void)state;
    struct scene *s = scene_open(0);
    assert_int_equal(vigil_next_us(s->vigil), START + SECOND);
    s->now_us += SECOND - 1;
    vigil_advance(s->vigil, s->now_us); // nothing is due
    assert_int_equal(s->asked, 0);
    pass(s, 1);
    assert_int_equal(s->asked, 3);
    assert_int_equal(vigil_next_us(s->vigil), START + 2 * SECOND);
    pass(s, 10 * SECOND);
    assert_int_equal(s->asked, 33);
    assert_string_equal(s->told, "");
    assert_int_equal(s->alive, 0); // nobody asked for that
    scene_close(s);
}

static void each_that_hangs_is_told_once_and_so_is_its_end(void **state) {
    (void)state;
    struct scene *s = scene_open(0);
    s->stuck[0] = s->stuck[2] = true;
    pass(s, 5 * SECOND);
    assert_string_equal(s->told, "0! 2! ");
    s->stuck[0] = false;
    pass(s, 5 * SECOND);
    assert_string_equal(s->told, "0! 2! 0. ");
    s->stuck[0] = true; // again
    s->stuck[2] = false;
    pass(s, 5 * SECOND);
    assert_string_equal(s->told, "0! 2! 0. 0! 2. ");
    scene_close(s);
}

static void the_watchdog_is_fed_three_times_in_its_time(void **state) {
    (void)state;
    struct scene *s = scene_open(30 * SECOND);
    pass(s, SECOND);
    assert_int_equal(s->alive, 1); // as soon as it can
    pass(s, 9 * SECOND);
    assert_int_equal(s->alive, 1);
    pass(s, SECOND);
    assert_int_equal(s->alive, 2);
    pass(s, 80 * SECOND);
    assert_int_equal(s->alive, 10);
    scene_close(s);
    s = scene_open(SECOND); // less than the time between looks
    pass(s, 10 * SECOND);
    assert_in_range(s->alive, 29, 30);
    scene_close(s);
}

static void the_watchdog_starves_while_any_thread_hangs(void **state) {
    (void)state;
    struct scene *s = scene_open(30 * SECOND);
    pass(s, SECOND);
    s->stuck[2] = true; // the last one
    pass(s, 60 * SECOND);
    assert_int_equal(s->alive, 1);
    s->stuck[2] = false;
    pass(s, SECOND);
    assert_int_equal(s->alive, 2);
    s->stuck[0] = true; // the first one
    pass(s, 60 * SECOND);
    assert_int_equal(s->alive, 2);
    scene_close(s);
}

static void there_may_be_none(void **state) {
    (void)state;
    vigil_end(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_looks_once_a_second),
        cmocka_unit_test(each_that_hangs_is_told_once_and_so_is_its_end),
        cmocka_unit_test(the_watchdog_is_fed_three_times_in_its_time),
        cmocka_unit_test(the_watchdog_starves_while_any_thread_hangs),
        cmocka_unit_test(there_may_be_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
