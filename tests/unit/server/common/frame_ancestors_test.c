// What may stand in the policy of pages: nothing that ends it, or begins another header.
#include "server/common/frame_ancestors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void what_may_stand_there(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {
        {"'self'", true},
        {"'none'", true},
        {"*", true},
        {"https://a.example https://*.b.example:8443", true},
        {"", false},
        {" ", false},
        {" 'self'", false},
        {"'self' ", false},
        {"'self'  https://a", false},
        {"'self'; script-src *", false},
        {"'self', frame-ancestors *", false},
        {"'self'\r\nset-cookie: a=b", false},
        {"'self'\thttps://a", false},
        {"\x7f", false},
        {"https://\xc3\xa4.example", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (frame_ancestors_valid(rows[i].text) != rows[i].valid)
            fail_msg("row %zu: \"%s\"", i, rows[i].text);
    char longest[FRAME_ANCESTORS_MAX + 1];
    memset(longest, 'a', sizeof longest);
    longest[FRAME_ANCESTORS_MAX - 1] = '\0';
    assert_true(frame_ancestors_valid(longest));
    longest[FRAME_ANCESTORS_MAX - 1] = 'a';
    longest[FRAME_ANCESTORS_MAX] = '\0';
    assert_false(frame_ancestors_valid(longest));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_may_stand_there)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
