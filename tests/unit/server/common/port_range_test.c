// Ranges of ports, as operators write them.
#include "server/common/port_range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void ranges_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text, *host;
        uint16_t from, to;
    } rows[] = {
        {"40000-40099", "127.0.0.1", 40000, 40099},
        {"1024-65535", "127.0.0.1", 1024, 65535},
        {"5004-5004", "127.0.0.1", 5004, 5004},
        {"10.0.0.5:40000-40001", "10.0.0.5", 40000, 40001},
        {"0.0.0.0:40000-40001", "0.0.0.0", 40000, 40001},
        {"[::]:40000-40001", "::", 40000, 40001},
        {"[2001:DB8::1]:40000-40001", "2001:db8::1", 40000, 40001},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct port_range range;
        memset(&range, 0xff, sizeof range);
        assert_true(port_range_parse(rows[i].text, &range));
        assert_string_equal(range.host, rows[i].host);
        assert_int_equal(range.from, rows[i].from);
        assert_int_equal(range.to, rows[i].to);
    }
}

static void what_is_no_range_changes_nothing(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",
        "40000",
        "-",
        "40000-",
        "-40000",
        "40001-40000",
        "1023-2000",
        "40000-65536",
        "0-1",
        "4000 -4001",
        "+4000-4001",
        "40000-40001-2",
        "40000-4x",
        ":40000-40001",
        "a:4000-4001",
        "::1:40000-40001",
        "[::1]40000-2",
        "[127.0.0.1]:4000-4001",
        "[]:40000-2",
        "040000-040001",
        "x-y",
        "localhost:5-6",
        "[::1:4000-4001",
        "127.0.0.1:40000-",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct port_range range = {.host = "before"};
        if (port_range_parse(rows[i], &range))
            fail_msg("taken: %s", rows[i]);
        assert_string_equal(range.host, "before");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_read),
        cmocka_unit_test(what_is_no_range_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
