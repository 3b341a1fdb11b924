#include "base/log_pace.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define START UINT64_C(1000000000)

static unsigned taken_of(struct log_pace *pace, struct log_pace_limit limit, unsigned tries, uint64_t now_us,
                         uint64_t *left_out) {
    unsigned taken = 0;
    uint64_t left = 0;
    *left_out = 0;
    for (unsigned i = 0; i < tries; i++) {
        if (!log_pace_take(pace, limit, now_us, &left))
            continue;
        taken++;
        *left_out += left;
    }
    return taken;
}

static void a_flood_is_told_by_a_few_lines(void **state) {
    (void)state;
    const struct log_pace_limit limit = {.at_once = 3, .per_minute = 6};
    struct log_pace pace = {0};
    static const struct {
        uint64_t at_s;
        unsigned tries, taken;
        uint64_t left_out; // that the lines tell
    } rows[] = {
        {0, 3, 3, 0},   {0, 100, 0, 0},  {9, 10, 0, 0},   {10, 50, 1, 110}, {11, 7, 0, 0},
        {20, 1, 1, 56}, {3600, 5, 3, 0}, {3610, 1, 1, 2}, {3620, 1, 1, 0},  {3621, 1, 0, 0},
    };
    uint64_t all = log_left_out(), left_out;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned taken =
            taken_of(&pace, limit, rows[i].tries, START + rows[i].at_s * US_PER_SECOND, &left_out);
        assert_int_equal(taken, rows[i].taken);
        assert_int_equal(left_out, rows[i].left_out);
    }
    assert_int_equal(log_left_out() - all, 110 + 56 + 2 + 1);
}

static void no_more_come_than_are_allowed_in_a_minute(void **state) {
    (void)state;
    const struct log_pace_limit limit = LOG_PACE_STRANGER;
    struct log_pace pace = {0};
    uint64_t left_out;
    unsigned taken = 0;
    for (unsigned ms = 0; ms < 600000; ms++)
        taken += taken_of(&pace, limit, 1, START + ms * US_PER_MS, &left_out);
    assert_in_range(taken, limit.at_once + 10 * limit.per_minute - 1, limit.at_once + 10 * limit.per_minute);
}

// A place of its own for each line, and the count stands in the line behind its own fields.
static void lines_say_what_was_left_out(void **state) {
    (void)state;
    const struct log_pace_limit limits[] = {{.at_once = 1, .per_minute = 1},
                                            {.at_once = 1000000, .per_minute = 1000}};
    char text[4096] = "";
    int pipes[2], before = dup(2);
    assert_return_code(pipe(pipes), 0);
    assert_return_code(dup2(pipes[1], 2), 0);
    for (int round = 0; round < 2; round++) {
        const struct log_pace_limit limit = limits[round];
        for (int i = 0; i < 3; i++)
            LOG_PACED(limit, LOG_LEVEL_WARN, "knocked", LOG_NUMBER("round", round));
        LOG_PACED(limit, LOG_LEVEL_WARN, "bare");
        LOG_PACED(limit, LOG_LEVEL_DEBUG, "hidden");
    }
    dup2(before, 2);
    close(before);
    close(pipes[1]);
    assert_true(read(pipes[0], text, sizeof text - 1) > 0);
    close(pipes[0]);
    assert_non_null(strstr(text, "warn  knocked round=0\n"));
    assert_non_null(strstr(text, "warn  bare\n"));
    assert_non_null(strstr(text, "warn  knocked round=1 left_out=2\n"));
    assert_null(strstr(text, "hidden"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_is_told_by_a_few_lines),
        cmocka_unit_test(no_more_come_than_are_allowed_in_a_minute),
        cmocka_unit_test(lines_say_what_was_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
