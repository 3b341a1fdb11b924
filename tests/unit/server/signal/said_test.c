// signal_said: every message has its fields, and what is not of them is noticed.
#include "server/signal/signal_said.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_message_has_a_schema(void **state) {
    (void)state;
    for (enum signal_out out = 0; out < OUT_COUNT; out++) {
        json_t *schema = signal_said_schema(out);
        assert_non_null(schema);
        assert_string_equal(json_string_value(json_object_get(schema, "type")), "object");
        assert_true(json_object_size(json_object_get(schema, "properties")) > 0);
        json_decref(schema);
    }
}

static void a_type_is_what_its_text_says(void **state) {
    (void)state;
    json_t *wanted = json_loads(
        "{\"type\":\"object\",\"required\":[\"user\",\"userId\"],\"properties\":{\"user\":{\"type\":"
        "\"string\"},"
        "\"held\":{\"type\":\"array\",\"items\":{\"enum\":[\"audio\",\"video\"]}},"
        "\"userId\":{\"type\":\"string\"},\"role\":{\"enum\":[\"moderator\",\"participant\",\"viewer\"]},"
        "\"metadata\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]},\"attributes\":{\"type\":"
        "\"object\"}}}",
        0, NULL);
    json_t *schema = signal_said_schema(OUT_USER_JOINED);
    assert_non_null(wanted);
    assert_true(json_equal(schema, wanted));
    json_decref(schema);
    json_decref(wanted);
}

static void what_does_not_fit_is_named(void **state) {
    (void)state;
    static const struct {
        enum signal_out out;
        const char *data, *why; // NULL: it fits
    } cases[] = {
        {OUT_SCORE, "{\"consumerId\":\"c\",\"score\":9}", NULL},
        {OUT_SCORE, "{\"consumerId\":\"c\"}", "score is missing"},
        {OUT_SCORE, "{\"score\":\"9\"}", "score is of another type"},
        {OUT_SCORE, "{\"score\":9,\"since\":1}", "since is not in the table"},
        {OUT_ACTIVE_SPEAKER, "{\"userId\":null,\"user\":null}", NULL},
        {OUT_ACTIVE_SPEAKER, "{\"userId\":1,\"user\":null}", "userId is of another type"},
        {OUT_USER_LEFT, "{\"user\":\"a\",\"userId\":\"b\",\"reason\":\"left\"}", NULL},
        {OUT_USER_LEFT, "{\"user\":\"a\",\"userId\":\"b\",\"reason\":\"tired\"}",
         "reason is of another type"},
        {OUT_AUDIO_LEVELS, "{\"levels\":[{\"userId\":\"a\",\"level\":-3},{\"userId\":\"a\"}]}",
         "levels level is missing"},
        {OUT_BANS, "{\"bans\":{}}", "bans is of another type"},
        {OUT_HAND_RAISED, "{\"userId\":\"a\",\"user\":\"b\",\"by\":\"c\"}", NULL},
        {OUT_STATS, "{\"stats\":[{\"whatever\":1}]}", NULL},
        {OUT_ERROR, "{\"code\":\"forbidden\",\"message\":\"no\"}", NULL},
        {OUT_ERROR, "{\"code\":\"because\",\"message\":\"no\"}", "code is of another type"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char why[128] = "";
        json_t *data = json_loads(cases[i].data, 0, NULL);
        bool ok = signal_said_fits(cases[i].out, data, why, sizeof why);
        json_decref(data);
        assert_int_equal(ok, cases[i].why == NULL);
        if (!ok)
            assert_string_equal(why, cases[i].why);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_has_a_schema),
        cmocka_unit_test(a_type_is_what_its_text_says),
        cmocka_unit_test(what_does_not_fit_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
