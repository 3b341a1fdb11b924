// index_window against a plain set: each index once, whatever the order.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/index_window.h"

#include <stdlib.h>
#include <string.h>

static void by_table(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint64_t index;
        bool taken;
    } rows[] = {
        {"the first, anywhere", 1000, true},
        {"again", 1000, false},
        {"before it", 999, true},
        {"after it", 1001, true},
        {"as far back as is sure", 1001 - INDEX_WINDOW_SURE, true},
        {"that again", 1001 - INDEX_WINDOW_SURE, false},
        {"all words on: nothing of before counts as free", 1001 + 512, true},
        {"what was taken is too far behind", 1001, false},
        {"and what was not, 512 behind", 1001 + 512 - 512, false},
        {"the last of the word before", 1001 + 512 - INDEX_WINDOW_SURE, true},
        {"far ahead, over many words", UINT64_C(1) << 47, true},
        {"behind it, in a word that held others", (UINT64_C(1) << 47) - 64, true},
        {"in the same word", (UINT64_C(1) << 47) - 63, true},
        {"a word's first", (UINT64_C(1) << 47) + 64, true},
        {"its last", (UINT64_C(1) << 47) + 127, true},
        {"and again", (UINT64_C(1) << 47) + 64, false},
    };
    struct index_window w = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (index_window_take(&w, rows[i].index) != rows[i].taken)
            fail_msg("%s: expected %s", rows[i].what, rows[i].taken ? "true" : "false");
}

#define RANGE 20000

static void as_a_set(void **state) {
    (void)state;
    static bool taken[RANGE];
    srand(11);
    for (unsigned round = 0; round < 20; round++) {
        struct index_window w = {0};
        memset(taken, 0, sizeof taken);
        uint64_t highest = 0;
        for (uint64_t at = 600; at < RANGE - 2000;) {
            uint64_t index = at;
            if (rand() % 3 == 0)
                index -= (uint64_t)rand() % 600;
            else
                at += rand() % 200 == 0 ? (uint64_t)rand() % 1500 : 1;
            bool took = index_window_take(&w, index);
            if (took && taken[index])
                fail_msg("%llu was taken twice", (unsigned long long)index);
            if (!took && !taken[index] && (index > highest || highest - index <= INDEX_WINDOW_SURE))
                fail_msg("%llu is free, and not far behind %llu", (unsigned long long)index,
                         (unsigned long long)highest);
            taken[index] |= took;
            highest = index > highest ? index : highest;
            assert_true(index_window_has(&w, index));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_table), cmocka_unit_test(as_a_set)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
