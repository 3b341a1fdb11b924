// What a process costs, and what results are made of it.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "load/results.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static void test_a_stat_line(void **state) {
    (void)state;
    struct usage u;
    const char *line = "42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 150 13 14 15 16 17 18 19 20 1000 22 23\n";
    assert_true(usage_parse(line, 100, 4096, &u));
    assert_int_equal(u.user_us, 2500000);
    assert_int_equal(u.system_us, 1500000);
    assert_int_equal(u.resident_bytes, 1000 * 4096);
    assert_false(usage_parse("42 (a) S 1 2", 100, 4096, &u));
    assert_false(usage_parse("", 100, 4096, &u));
}

static void test_this_process(void **state) {
    (void)state;
    struct usage u;
    assert_true(usage_read(0, &u));
    assert_true(u.resident_bytes > 100000);
    assert_false(usage_read(4194304, &u));
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(usage_raise_files(limit.rlim_cur) >= limit.rlim_cur);
    assert_true(usage_raise_files(1) >= 1);
}

static double value_of(const struct results *r, const char *name) {
    const struct metric *m = results_metric(r, name);
    if (!m)
        print_message("no metric %s\n", name);
    assert_non_null(m);
    assert_true(m->known);
    return m->value;
}

static void test_metrics(void **state) {
    (void)state;
    struct results *r = calloc(1, sizeof *r);
    struct load_options options;
    options_default(&options);
    r->options = &options;
    r->server_known = true;
    r->participants = 10;
    r->server_before_bytes = 10 << 20;
    r->measured_from.at_us = 1000000;
    r->measured_to.at_us = 11000000;
    r->measured_from.sums.arrived = 1000;
    r->measured_to.sums.arrived = 101000;
    r->measured_to.server = (struct usage){.user_us = 150000, .system_us = 50000, .resident_bytes = 20 << 20};
    r->measured_to.generator.user_us = 9000000;
    struct tally *t = &r->end.sums;
    t->started = 12, t->joined = 10, t->failed = 1;
    t->expected = 1000, t->received = 980, t->unrepaired = 5;
    t->video_expected = 600, t->video_received = 588, t->video_unrepaired = 0;
    t->faults[FAULT_MID] = 2, t->faults[FAULT_AUTH] = 1;
    for (unsigned i = 1; i <= 100; i++)
        histogram_add(&t->join[JOIN_TOTAL], i * 1000);
    results_finish(r);
    static const struct {
        const char *name;
        double low, high;
    } rows[] = {
        {"join_p50", 49, 52},
        {"join_p99", 98, 102},
        {"unfinished", 1, 1},
        {"loss_before", 1.99, 2.01},
        {"loss", 0.49, 0.51},
        {"loss_video", 0, 0},
        {"loss_audio", 1.24, 1.26},
        {"loss_video_before", 1.99, 2.01},
        {"faults", 3, 3},
        {"faults_mid", 2, 2},
        {"server_cpu_per_packet", 1.99, 2.01},
        {"server_user_per_packet", 1.49, 1.51},
        {"forwarded_rate", 9999, 10001},
        {"server_cpu", 1.99, 2.01},
        {"server_memory_per_participant", 1023, 1025},
        {"generator_cpu", 89, 91},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double value = value_of(r, rows[i].name);
        print_message("%s: %g, expected %g to %g\n", rows[i].name, value, rows[i].low, rows[i].high);
        assert_true(value >= rows[i].low && value <= rows[i].high);
    }
    assert_true(r->generator_limited);
    assert_non_null(strstr(r->generator_why, "90 %"));
    assert_false(results_metric(r, "delay_p99")->known);
    free(r);
}

static void test_names_are_unique(void **state) {
    (void)state;
    struct results *r = calloc(1, sizeof *r);
    results_finish(r);
    for (size_t i = 0; i < r->metric_count; i++)
        assert_ptr_equal(results_metric(r, r->metrics[i].name), &r->metrics[i]);
    free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stat_line),
        cmocka_unit_test(test_this_process),
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_names_are_unique),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
