// Lists with commas, as settings have them.
#include "server/common/list_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void lists_are_taken_apart(void **state) {
    (void)state;
    static const struct {
        const char *text, *items; // each in brackets
    } rows[] = {
        {"a", "[a]"},     {"a,b", "[a][b]"}, {" a ,\tb c , d", "[a][b c][d]"},
        {"", "[]"},       {",", "[][]"},     {"a,", "[a][]"},
        {"a, ", "[a][]"}, {",a", "[][a]"},   {"a,,b", "[a][][b]"},
        {"  ", "[]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char seen[64] = "";
        const char *rest = rows[i].text, *item;
        size_t len;
        while (list_text_next(&rest, &item, &len)) {
            strcat(seen, "[");
            strncat(seen, item, len);
            strcat(seen, "]");
        }
        assert_string_equal(seen, rows[i].items);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_taken_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
