// Refusals in each form: what is said, and with which of Twirp's codes.
#include "server/web/http_refusal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void words_are_quoted(void **state) {
    (void)state;
    char out[HTTP_REFUSAL_MAX];
    size_t len;
    assert_string_equal(http_refusal_write(HTTP_FORM_TWIRP, 404, "no \"x\" at \\", out, &len),
                        "application/json");
    assert_string_equal(out, "{\"code\":\"bad_route\",\"msg\":\"no \\\"x\\\" at \\\\\"}");
    assert_int_equal(len, strlen(out));
    assert_string_equal(http_refusal_write(HTTP_FORM_PROBLEM, 413, "too \"long\"", out, &len),
                        "application/problem+json");
    assert_string_equal(out, "{\"type\":\"about:blank\",\"title\":\"Content Too Large\",\"status\":413,"
                             "\"detail\":\"too \\\"long\\\"\"}");
    http_refusal_write(HTTP_FORM_PAGE, 404, "nothing", out, &len);
    assert_non_null(strstr(out, "<h1>Not Found</h1>\n<p>nothing</p>"));
    assert_int_equal(len, strlen(out));
}

// Twirp's clients take an error without a code of theirs for a broken server.
static void each_status_has_a_code(void **state) {
    (void)state;
    static const struct {
        unsigned status;
        const char *code;
    } rows[] = {
        {400, "malformed"},     {401, "unauthenticated"},    {403, "permission_denied"},
        {404, "bad_route"},     {405, "bad_route"},          {408, "deadline_exceeded"},
        {411, "malformed"},     {413, "resource_exhausted"}, {414, "resource_exhausted"},
        {426, "malformed"},     {429, "resource_exhausted"}, {431, "resource_exhausted"},
        {500, "internal"},      {501, "unimplemented"},      {503, "unavailable"},
        {505, "unimplemented"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[HTTP_REFUSAL_MAX], wanted[64];
        size_t len;
        http_refusal_write(HTTP_FORM_TWIRP, rows[i].status, "words", out, &len);
        snprintf(wanted, sizeof wanted, "{\"code\":\"%s\",\"msg\":\"words\"}", rows[i].code);
        assert_string_equal(out, wanted);
    }
}

static void forms_of_addresses(void **state) {
    (void)state;
    static const struct http_form_row rows[] = {{"/a/", HTTP_FORM_TWIRP}, {"/b/", HTTP_FORM_PROBLEM}};
    static const struct {
        const char *target;
        enum http_form form;
    } targets[] = {{"/a/", HTTP_FORM_TWIRP}, {"/a/x?y", HTTP_FORM_TWIRP}, {"/b/", HTTP_FORM_PROBLEM},
                   {"/a", HTTP_FORM_PAGE},   {"/A/", HTTP_FORM_PAGE},     {"", HTTP_FORM_PAGE},
                   {"/c/a/", HTTP_FORM_PAGE}};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        assert_int_equal(http_form_find(rows, 2, span_of_text(targets[i].target)), targets[i].form);
    assert_int_equal(http_form_find(NULL, 0, span_of_text("/a/")), HTTP_FORM_PAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_quoted),
        cmocka_unit_test(each_status_has_a_code),
        cmocka_unit_test(forms_of_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
