// Thresholds on metrics.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "load/expect.h"
#include "load/results.h"

#include <string.h>

static void test_what_is_read(void **state) {
    (void)state;
    static const struct {
        const char *text, *unit; // unit of the metric
        double threshold;        // in it
        double met, missed;      // values
    } rows[] = {
        {"loss<0.1%", "%", 0.1, 0.05, 0.1},
        {"join_p99<500ms", "ms", 500, 499, 501},
        {"join_p99<0.5s", "ms", 500, 499, 500},
        {" join_p99 <= 2000us ", "ms", 2, 2, 2.1},
        {"joined>=4", "", 4, 4, 3},
        {"joined > 4", "", 4, 5, 4},
        {"server_memory_per_participant<1MB", "KB", 1024, 1000, 1100},
        {"server_cpu_per_packet<1.5", "us", 1.5, 1.4, 1.6},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct expectations out;
        char error[EXPECT_ERROR_MAX] = "";
        double threshold;
        print_message("%s\n", rows[i].text);
        assert_true(expect_parse(rows[i].text, &out, error));
        assert_int_equal(out.count, 1);
        assert_true(expect_convert(&out.items[0], rows[i].unit, &threshold));
        assert_true(threshold > rows[i].threshold * 0.9999 && threshold < rows[i].threshold * 1.0001);
        assert_true(expect_met(&out.items[0], threshold, rows[i].met));
        assert_false(expect_met(&out.items[0], threshold, rows[i].missed));
        assert_string_equal(results_metric_unit(out.items[0].name), rows[i].unit);
    }
}

static void test_a_list(void **state) {
    (void)state;
    struct expectations out;
    char error[EXPECT_ERROR_MAX] = "";
    assert_true(expect_parse("loss<1%,failed<1,,", &out, error));
    assert_int_equal(out.count, 2);
    assert_string_equal(out.items[1].name, "failed");
    assert_true(expect_parse("", &out, error));
    assert_int_equal(out.count, 0);
}

static void test_what_is_refused(void **state) {
    (void)state;
    static const char *const rows[] = {"loss", "<1", "loss<", "loss<x", "loss<1parsec", "loss<1%%", "loss=1"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct expectations out;
        char error[EXPECT_ERROR_MAX] = "";
        assert_false(expect_parse(rows[i], &out, error));
        assert_non_null(strstr(error, rows[i]));
        assert_null(strchr(error, '\n'));
    }
    struct expectation e = {.name = "loss", .op = "<", .unit = "ms", .value = 1};
    double threshold;
    assert_false(expect_convert(&e, "%", &threshold));
    assert_null(results_metric_unit("nothing"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_read),
        cmocka_unit_test(test_a_list),
        cmocka_unit_test(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
