// The token of an Authorization header, in each form that it may have.
#include "server/common/bearer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define JWT "eyJhbGciOiJIUzI1NiJ9.e30.a-b_c"

static void test_forms(void **state) {
    (void)state;
    static const struct {
        const char *header, *token; // NULL: none
    } rows[] = {
        {"Bearer " JWT, JWT},
        {"bearer " JWT, JWT},
        {"BEARER    " JWT, JWT},
        {"Bearer aA0-._~+/==", "aA0-._~+/=="},
        {"Bearer\t" JWT, NULL},
        {"Bearer" JWT, NULL},
        {"Bearer", NULL},
        {"Bearer ", NULL},
        {"Bearer   ", NULL},
        {"Bearer =", NULL},
        {"Bearer a=b", NULL},
        {"Bearer " JWT " ", NULL}, // the spaces around a header's value are none of it
        {"Bearer " JWT ", Basic YTpi", NULL},
        {"Bearer \"" JWT "\"", NULL},
        {"Bearer token=" JWT, NULL},
        {"Bearer " JWT "\x80", NULL},
        {"Bearers " JWT, NULL},
        {"Basic " JWT, NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span got = bearer_token(span_of_text(rows[i].header));
        if (!rows[i].token != !got.ptr || (got.ptr && !span_equal(got, span_of_text(rows[i].token))))
            fail_msg("\"%s\": %.*s", rows[i].header, (int)got.len, (const char *)got.ptr);
    }
    assert_null(bearer_token((struct span){0}).ptr);
    assert_null(bearer_token(span_of("Bearer a\0b", 10)).ptr);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
