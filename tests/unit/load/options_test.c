// The command line, scenario files, and those that are shipped.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "load/options.h"

#include <glob.h>
#include <string.h>

static enum options_outcome read_words(struct load_options *o, const char *const *words, char *error) {
    char *argv[16] = {(char *)"rotunda-load"};
    int argc = 1;
    for (; *words; words++)
        argv[argc++] = (char *)*words;
    options_default(o);
    return options_read(o, argc, argv, error);
}

static void test_flags(void **state) {
    (void)state;
    static const char *const words[] = {
        "--rooms=4",  "--participants", "25",  "--publishers", "all",         "--loss",      "2%",
        "--delay=40", "--bandwidth",    "500", "--audio",      "--codec=av1", "--churn=2.5", NULL};
    struct load_options o;
    char error[OPTION_ERROR_MAX] = "";
    assert_int_equal(read_words(&o, words, error), OPTIONS_RUN);
    assert_int_equal(o.rooms, 4);
    assert_int_equal(o.participants, 25);
    assert_int_equal(o.publishers, OPTION_ALL);
    assert_true(o.impair.loss > 0.0199 && o.impair.loss < 0.0201);
    assert_int_equal(o.impair.delay_us, 40000);
    assert_int_equal(o.impair.bandwidth_bps, 500000);
    assert_int_equal(o.audio, AUDIO_ON);
    assert_int_equal(o.codec, CODEC_AV1);
    assert_true(o.churn > 2.49 && o.churn < 2.51);
}

static void test_refusals_are_one_line_that_names_the_flag(void **state) {
    (void)state;
    static const struct {
        const char *words[4], *text;
    } rows[] = {
        {{"--rooms", "0"}, "rooms: \"0\" is not a whole number from 1"},
        {{"--rooms", "1.5"}, "rooms: \"1.5\""},
        {{"--rooms", "1x"}, "rooms: \"1x\""},
        {{"--loss=1.5"}, "loss: \"1.5\" is not a share"},
        {{"--loss=101%"}, "loss: \"101%\""},
        {{"--codec=theora"}, "codec: \"theora\" is not one of vp8|vp9|h264|av1"},
        {{"--rooms"}, "--rooms wants a value: N"},
        {{"--romms", "2"}, "unknown flag \"--romms\""},
        {{"rooms"}, "\"rooms\" is not a flag"},
        {{"--url=http://x"}, "does not begin with ws://"},
        {{"--publishers=5", "--participants=4"}, "publishers: 5 is more than the 4"},
        {{"--rooms=10000", "--participants=10000"}, "is more than 20000"},
        {{"--ice=full", "--sockets=shared"}, "sockets:"},
        {{"--scenario=/nowhere.json"}, "scenario /nowhere.json: No such file"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct load_options o;
        char error[OPTION_ERROR_MAX] = "";
        assert_int_equal(read_words(&o, rows[i].words, error), OPTIONS_BAD);
        if (!strstr(error, rows[i].text))
            print_message("expected \"%s\", got \"%s\"\n", rows[i].text, error);
        assert_non_null(strstr(error, rows[i].text));
        assert_null(strchr(error, '\n'));
    }
}

static bool apply(struct load_options *o, const char *text, char *error) {
    options_default(o);
    return scenario_apply(o, text, strlen(text), "x.json", error);
}

static void test_scenarios(void **state) {
    (void)state;
    struct load_options o;
    char error[OPTION_ERROR_MAX] = "";
    assert_true(apply(
        &o,
        "{\"description\": [1], \"rooms\": 3, \"loss\": 0.1, \"publishers\": \"all\", \"insecure\": true}",
        error));
    assert_int_equal(o.rooms, 3);
    assert_true(o.impair.loss > 0.09 && o.impair.loss < 0.11);
    assert_true(o.insecure);
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"[]", "x.json: not a JSON object"},
        {"{\"rooms\": 3", "x.json: line 1:"},
        {"{\"romms\": 3}", "x.json: unknown setting \"romms\""},
        {"{\"rooms\": [3]}", "x.json: rooms: not a short string"},
        {"{\"rooms\": 0}", "x.json: rooms: \"0\""},
        {"{\"rooms\": 1, \"rooms\": 2}", "x.json: line 1:"},
        {"{\"scenario\": \"y.json\"}", "x.json: a scenario cannot name another"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_false(apply(&o, rows[i].text, error));
        if (!strstr(error, rows[i].error))
            print_message("expected \"%s\", got \"%s\"\n", rows[i].error, error);
        assert_non_null(strstr(error, rows[i].error));
    }
}

static void test_shipped_scenarios_are_good_and_flags_win(void **state) {
    (void)state;
    glob_t found;
    assert_int_equal(glob("load/scenarios/*.json", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 8);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *words[] = {"--duration=3", "--scenario", found.gl_pathv[i], NULL};
        struct load_options o;
        char error[OPTION_ERROR_MAX] = "";
        enum options_outcome outcome = read_words(&o, words, error);
        if (outcome != OPTIONS_RUN)
            print_message("%s: %s\n", found.gl_pathv[i], error);
        assert_int_equal(outcome, OPTIONS_RUN);
        assert_int_equal(o.duration_s, 3);
    }
    globfree(&found);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_refusals_are_one_line_that_names_the_flag),
        cmocka_unit_test(test_scenarios),
        cmocka_unit_test(test_shipped_scenarios_are_good_and_flags_win),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
