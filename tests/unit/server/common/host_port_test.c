// Hosts, ports and addresses as people write them.
#include "server/common/host_port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_host_and_port(void **state) {
    (void)state;
    static const struct {
        const char *text, *host; // host NULL: refused
        uint16_t port;
    } rows[] = {
        {"stun.example.org", "stun.example.org", 3478},
        {"stun.example.org:19302", "stun.example.org", 19302},
        {"rotunda_coturn-1:1", "rotunda_coturn-1", 1},
        {"192.0.2.1", "192.0.2.1", 3478},
        {"192.0.2.1:65535", "192.0.2.1", 65535},
        {"[2001:db8::1]", "2001:db8::1", 3478},
        {"[2001:db8::1]:80", "2001:db8::1", 80},
        {"1password.com", "1password.com", 3478},
        {"", NULL, 0},
        {":80", NULL, 0},
        {"host:", NULL, 0},
        {"host:0", NULL, 0},
        {"host:65536", NULL, 0},
        {"host:+80", NULL, 0},
        {"host:80 ", NULL, 0},
        {"host name", NULL, 0},
        {"host/path", NULL, 0},
        {"user@host", NULL, 0},
        {"a..b", NULL, 0},
        {".a", NULL, 0},
        {"a.", NULL, 0},
        {"192.0.2", NULL, 0},
        {"192.0.2.256", NULL, 0},
        {"2001:db8::1", NULL, 0},
        {"[2001:db8::1", NULL, 0},
        {"[2001:db8::1]80", NULL, 0},
        {"[192.0.2.1]:80", NULL, 0},
        {"[]", NULL, 0},
        {"a23456789012345678901234567890123456789012345678901234567890123.org",
         "a23456789012345678901234567890123456789012345678901234567890123.org", 3478},
        {"a234567890123456789012345678901234567890123456789012345678901234.org", NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct host_port got = {.host = "untouched"};
        bool fine = host_port_parse(rows[i].text, strlen(rows[i].text), 3478, &got);
        const char *expected = rows[i].host ? rows[i].host : "untouched";
        if (fine != (rows[i].host != NULL) || strcmp(got.host, expected) != 0 || got.port != rows[i].port)
            fail_msg("\"%s\": expected %s port %u, got %s port %u", rows[i].text, expected, rows[i].port,
                     got.host, got.port);
    }
    char longest[300];
    struct host_port got;
    for (size_t i = 0; i < sizeof longest; i++)
        longest[i] = i % 50 == 49 ? '.' : 'a';
    assert_true(host_port_parse(longest, HOST_BYTES_MAX, 1, &got));
    assert_false(host_port_parse(longest, HOST_BYTES_MAX + 1, 1, &got));
    assert_false(host_port_parse(longest, sizeof longest, 1, &got));
}

static void test_addresses(void **state) {
    (void)state;
    static const struct {
        const char *text, *expected; // NULL: none
    } rows[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"2001:DB8:0:0::1", "2001:db8::1"},
        {"::ffff:192.0.2.1", "192.0.2.1"}, // as a dual-stack socket shows it
        {"::ffff:c000:201", "192.0.2.1"},
        {"192.0.2.01", NULL},
        {"[2001:db8::1]", NULL},
        {"fe80::1%eth0", NULL},
        {"localhost", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char got[IP_TEXT_MAX] = "";
        bool fine = ip_normalise(rows[i].text, got);
        if (fine != (rows[i].expected != NULL) || (fine && strcmp(got, rows[i].expected) != 0))
            fail_msg("\"%s\": expected %s, got \"%s\"", rows[i].text,
                     rows[i].expected ? rows[i].expected : "a refusal", got);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_and_port),
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
