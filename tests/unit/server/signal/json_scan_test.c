// The grammar of JSON, against the parser that gives values where both have an opinion, and what only this
// one takes.
#include "server/signal/json_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static bool scans(const char *text) {
    struct json_scan scan;
    return json_scan(text, strlen(text), &scan);
}

static void rows_of_the_grammar(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"{}", true},
        {" { } \n", true},
        {"{\"a\":1}", true},
        {"{\"a\":[],\"b\":{},\"c\":[[{}],[1,2]]}", true},
        {"{\"a\":-0.5e+10,\"b\":1E5,\"c\":0}", true},
        {"{\"a\":true,\"b\":false,\"c\":null,\"d\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\"}", true},
        {"{\"a\":\"\\ud83d\"}", true},
        {"{\"a\":\"\\u0000\"}", true},
        {"{\"a\":1e999}", true},
        {"{\"a\":123456789012345678901234567890}", true},
        {"", false},
        {"[]", false},
        {"1", false},
        {"{", false},
        {"{\"a\"}", false},
        {"{\"a\":}", false},
        {"{\"a\":1,}", false},
        {"{a:1}", false},
        {"{\"a\":01}", false},
        {"{\"a\":1.}", false},
        {"{\"a\":.5}", false},
        {"{\"a\":+1}", false},
        {"{\"a\":1e}", false},
        {"{\"a\":--1}", false},
        {"{\"a\":[1,]}", false},
        {"{\"a\":[1}", false},
        {"{\"a\":{]}", false},
        {"{} {}", false},
        {"{\"a\":\"\\x\"}", false},
        {"{\"a\":\"\\u12\"}", false},
        {"{\"a\":\"\n\"}", false},
        {"{\"a\":\"", false},
        {"{\"a\":tru}", false},
        {"{\"a\":1 2}", false},
        {"{,}", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (scans(rows[i].text) != rows[i].good)
            fail_msg("%s", rows[i].text);
}

static void finds_the_id(void **state) {
    (void)state;
    static const struct {
        const char *text, *type, *id; // NULL: none
    } rows[] = {
        {"{\"type\":\"ping\",\"id\":7}", "\"ping\"", "7"},
        {"{ \"id\" : \"x\\\"y\" , \"data\":{\"id\":1,\"type\":2} , \"type\" : \"a\" }", "\"a\"",
         "\"x\\\"y\""},
        {"{\"id\":[1,{\"id\":2}],\"type\":{}}", "{}", "[1,{\"id\":2}]"},
        {"{\"id\":1,\"id\":2}", NULL, "2"},
        {"{\"data\":{\"id\":1}}", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json_scan scan;
        assert_true(json_scan(rows[i].text, strlen(rows[i].text), &scan));
        const struct json_place *places[] = {&scan.type, &scan.id};
        const char *expected[] = {rows[i].type, rows[i].id};
        for (int k = 0; k < 2; k++) {
            assert_int_equal(places[k]->text != NULL, expected[k] != NULL);
            if (expected[k]) {
                assert_int_equal(places[k]->len, strlen(expected[k]));
                assert_memory_equal(places[k]->text, expected[k], places[k]->len);
            }
        }
    }
}

static void depth_is_no_matter(void **state) {
    (void)state;
    enum { DEPTH = 30000 };
    static char text[2 * DEPTH + 32];
    char *at = text + sprintf(text, "{\"a\":");
    memset(at, '[', DEPTH);
    memset(at + DEPTH, ']', DEPTH);
    strcpy(at + 2 * DEPTH, ",\"id\":3}");
    struct json_scan scan;
    assert_true(json_scan(text, strlen(text), &scan));
    assert_int_equal(scan.id.text[0], '3');
    at[DEPTH] = '}';
    assert_false(scans(text));
    static char longer[JSON_SCAN_BYTES_MAX + 2];
    memset(longer, ' ', sizeof longer - 1);
    longer[0] = '{', longer[sizeof longer - 2] = '}';
    assert_false(scans(longer));
    longer[sizeof longer - 3] = '}', longer[sizeof longer - 2] = '\0';
    assert_true(scans(longer));
}

// Whatever the parser takes is JSON; whatever it refuses and this takes has a reason.
static void agrees_with_the_parser(void **state) {
    (void)state;
    static const char letters[] = "{}[]:,\"\\u0aE1-.+ tnd8";
    unsigned seed = 1, taken = 0;
    for (unsigned i = 0; i < 300000; i++) {
        char text[32];
        size_t len = 0;
        const char *start = i % 3 == 0 ? "{\"a\":" : i % 3 == 1 ? "{" : "{\"a\":\"";
        len += (size_t)sprintf(text, "%s", start);
        for (unsigned n = seed % 8; n-- > 0; len++)
            text[len] = letters[((seed = seed * 1103515245 + 12345) >> 16 & 0x7fff) % (sizeof letters - 1)];
        seed = seed * 1103515245 + 12345;
        text[len++] = '}';
        text[len] = '\0';
        json_error_t error;
        json_t *value = json_loadb(text, len, 0, &error);
        struct json_scan scan;
        bool good = json_scan(text, len, &scan);
        taken += good;
        if (value && !good)
            fail_msg("not taken: %.*s", (int)len, text);
        if (!value && good && !strstr(text, "\\u") && json_error_code(&error) != json_error_numeric_overflow)
            fail_msg("taken: %.*s (%s)", (int)len, text, error.text);
        json_decref(value);
    }
    assert_true(taken > 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_the_grammar),
        cmocka_unit_test(finds_the_id),
        cmocka_unit_test(depth_is_no_matter),
        cmocka_unit_test(agrees_with_the_parser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
