// Members of a query, by a table.
#include "server/common/query_text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void rows_of_queries(void **state) {
    (void)state;
    static const struct {
        const char *query;
        int found;
        const char *value;
    } rows[] = {
        {"id=1", 1, "1"},
        {"a=2&id=1&b=3", 1, "1"},
        {"id=1&id=2", 1, "1"}, // the first
        {"id=", 1, ""},
        {"id=a%20b+c%2B", 1, "a b c+"},
        {"id=a=b", 1, "a=b"},
        {"id=%C3%A4", 1, "\xc3\xa4"},
        {"id=%4F%4f%4A%4a", 1, "OOJJ"},
        {"id=%4G", -1, NULL},
        {"id=%4g", -1, NULL},
        {"id=1234567", 1, "1234567"}, // as long as it may be
        {"id=12345678", -1, NULL},
        {"id=%00", -1, NULL},
        {"id=%4", -1, NULL},
        {"id=%", -1, NULL},
        {"id=%zz", -1, NULL},
        {"", 0, NULL},
        {"id", 0, NULL},
        {"xid=1", 0, NULL},
        {"idx=1", 0, NULL},
        {"ID=1", 0, NULL},
        {"&&", 0, NULL},
        {"&id=1&", 1, "1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[8] = "";
        assert_int_equal(query_text_value(span_of_text(rows[i].query), "id", out, sizeof out), rows[i].found);
        if (rows[i].value)
            assert_string_equal(out, rows[i].value);
    }
    char out[8];
    assert_int_equal(query_text_value(span_of(NULL, 0), "id", out, sizeof out), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_of_queries)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
