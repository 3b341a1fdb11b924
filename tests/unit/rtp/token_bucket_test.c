#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtp/token_bucket.h"

#define SECOND UINT64_C(1000000)

// So much is asked for each `every_us` for `seconds`; how much of it passes.
static void what_passes_is_the_burst_and_the_rate(void **state) {
    (void)state;
    static const struct {
        const char *what;
        struct token_rate rate;
        uint32_t tokens, every_us, seconds;
        uint64_t least, most;
    } rows[] = {
        {"less than the rate", {250, 1000}, 1, 20000, 60, 3000, 3000},
        {"the rate itself", {250, 1000}, 1, 4000, 60, 15000, 15000},
        {"thirty times the rate", {250, 1000}, 1, 125, 60, 1000 + 250 * 60 - 1, 1000 + 250 * 60 + 1},
        {"no burst to speak of", {1000, 1}, 1, 100, 10, 9999, 10001},
        {"the largest rate there is",
         {UINT32_MAX, UINT32_MAX},
         8000000,
         1000,
         60,
         60000u * UINT64_C(8000000) / 2,
         60000u * UINT64_C(8000000)},
        {"more at once than the burst", {1000, 10}, 11, 100000, 10, 0, 0},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct token_bucket b = {0};
        uint64_t passed = 0;
        for (uint64_t us = 0; us < rows[i].seconds * SECOND; us += rows[i].every_us)
            passed +=
                token_bucket_take(&b, &rows[i].rate, rows[i].tokens, 5 * SECOND + us) ? rows[i].tokens : 0;
        if (passed < rows[i].least || passed > rows[i].most)
            fail_msg("%s: %llu passed", rows[i].what, (unsigned long long)passed);
    }
}

static void a_debt_is_made_good_first(void **state) {
    (void)state;
    static const struct token_rate rate = {100, 50};
    struct token_bucket b = {0};
    assert_true(token_bucket_has(&b, &rate, 50, SECOND) && !token_bucket_has(&b, &rate, 51, SECOND));
    token_bucket_spend(&b, 150);
    token_bucket_fill(&b, &rate, SECOND * 3 / 2);
    assert_true(b.level == -50 * TOKEN);
    assert_false(token_bucket_take(&b, &rate, 1, SECOND * 2));
    assert_true(token_bucket_take(&b, &rate, 1, SECOND * 2 + 10000));
    assert_false(token_bucket_take(&b, &rate, 1, SECOND)); // time that goes back gives nothing
    token_bucket_fill(&b, &rate, UINT64_MAX / 2);          // nor does a long pause give more
    assert_true(b.level == 50 * TOKEN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_passes_is_the_burst_and_the_rate),
        cmocka_unit_test(a_debt_is_made_good_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
