#include "base/text_trim.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

static void what_stands_around_it_goes(void **state) {
    (void)state;
    static const char *const rows[][2] = {{"", ""},       {" \t\r", ""}, {"a", "a"}, {"\t a b \t\r", "a b"},
                                          {"\ra", "\ra"}, {"a\n", "a\n"}};
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[16];
        snprintf(text, sizeof text, "%s", rows[i][0]);
        assert_string_equal(text_trim(text), rows[i][1]);
    }
}

static void the_mark_in_front_goes(void **state) {
    (void)state;
    static const char *const rows[][2] = {{"", ""},
                                          {"a", "a"},
                                          {"\xef\xbb\xbf", ""},
                                          {"\xef\xbb\xbf[a]", "[a]"},
                                          {"\xef\xbb", "\xef\xbb"},
                                          {"a\xef\xbb\xbf", "a\xef\xbb\xbf"},
                                          {"\xef\xbb\xbf\xef\xbb\xbfx", "\xef\xbb\xbfx"}};
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[16];
        snprintf(text, sizeof text, "%s", rows[i][0]);
        assert_string_equal(text_behind_mark(text), rows[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_stands_around_it_goes),
                                       cmocka_unit_test(the_mark_in_front_goes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
