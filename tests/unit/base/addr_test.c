#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static void literals_parse_and_print(void **state) {
    (void)state;
    static const struct {
        const char *ip;
        uint16_t port;
        int family; // 0: refused
        const char *text;
    } rows[] = {
        {"192.0.2.1", 5000, 4, "192.0.2.1:5000"},
        {"0.0.0.0", 0, 4, "0.0.0.0:0"},
        {"2001:db8::1", 65535, 6, "[2001:db8::1]:65535"},
        {"::", 1, 6, "[::]:1"},
        {"::ffff:192.0.2.1", 5000, 4, "192.0.2.1:5000"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, 6,
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
        {"", 1, 0, "none"},
        {"example.org", 1, 0, "none"},
        {"192.0.2.256", 1, 0, "none"},
        {"192.0.2.1:80", 1, 0, "none"},
        {"[::1]", 1, 0, "none"},
        {"fe80::1%eth0", 1, 0, "none"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct addr a;
        char text[ADDR_TEXT_MAX];
        print_message("\"%s\" -> %s\n", rows[i].ip, rows[i].text);
        assert_int_equal(addr_parse(rows[i].ip, rows[i].port, &a), rows[i].family ? ERR_OK : ERR_MALFORMED);
        assert_int_equal(a.family, rows[i].family);
        addr_print(&a, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void sockaddrs_and_back(void **state) {
    (void)state;
    static const char *const ips[] = {"192.0.2.1", "2001:db8::1", "::1"};
    for (size_t i = 0; i < sizeof ips / sizeof *ips; i++) {
        struct addr a, b;
        struct sockaddr_storage sa;
        assert_int_equal(addr_parse(ips[i], 5000, &a), ERR_OK);
        assert_int_equal(addr_to_sockaddr(&a, &sa),
                         a.family == 4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        memset(&b, 0xff, sizeof b);
        addr_from_sockaddr((struct sockaddr *)&sa, &b);
        assert_true(addr_equal(&a, &b));
    }
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct addr none = {.family = 4};
    addr_from_sockaddr(&other, &none);
    assert_int_equal(none.family, 0);
}

// A dual-stack socket says ::ffff:a.b.c.d; the peer is IPv4 all the same.
static void v4_mapped_is_ip4(void **state) {
    (void)state;
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(5000), .sin6_scope_id = 3};
    assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.1", &in6.sin6_addr), 1);
    struct addr mapped, plain;
    addr_from_sockaddr((struct sockaddr *)&in6, &mapped);
    assert_int_equal(addr_parse("192.0.2.1", 5000, &plain), ERR_OK);
    assert_true(addr_equal(&mapped, &plain));
}

static void the_scope_counts_for_link_local_alone(void **state) {
    (void)state;
    static const struct {
        const char *ip;
        uint32_t scope;
    } rows[] = {{"fe80::1", 2}, {"2001:db8::1", 0}, {"fd00::1", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_scope_id = 2};
        struct addr a;
        assert_int_equal(inet_pton(AF_INET6, rows[i].ip, &in6.sin6_addr), 1);
        addr_from_sockaddr((struct sockaddr *)&in6, &a);
        print_message("%s: scope %u\n", rows[i].ip, rows[i].scope);
        assert_int_equal(a.scope, rows[i].scope);
    }
}

static void tuples_differ_in_any_part(void **state) {
    (void)state;
    struct tuple a = {0}, b;
    assert_int_equal(addr_parse("192.0.2.1", 5000, &a.remote), ERR_OK);
    assert_int_equal(addr_parse("192.0.2.9", 40000, &a.local), ERR_OK);
    b = a;
    assert_true(tuple_equal(&a, &b));
    b.remote.port++;
    assert_false(tuple_equal(&a, &b));
    b = a;
    b.local.ip[3]++;
    assert_false(tuple_equal(&a, &b));
    assert_true(addr_equal(&a.remote, &b.remote));
    b = a;
    b.protocol = TUPLE_TCP;
    assert_false(tuple_equal(&a, &b));
}

static void protocols_have_names_and_ips_print_alone(void **state) {
    (void)state;
    assert_string_equal(tuple_protocol_name(TUPLE_UDP), "udp");
    assert_string_equal(tuple_protocol_name(TUPLE_TCP), "tcp");
    assert_string_equal(tuple_protocol_name(TUPLE_NONE), "none");
    char ip[ADDR_TEXT_MAX];
    struct addr a;
    assert_int_equal(addr_parse("2001:db8::7", 9, &a), ERR_OK);
    addr_print_ip(&a, ip);
    assert_string_equal(ip, "2001:db8::7");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_parse_and_print),
        cmocka_unit_test(sockaddrs_and_back),
        cmocka_unit_test(v4_mapped_is_ip4),
        cmocka_unit_test(the_scope_counts_for_link_local_alone),
        cmocka_unit_test(tuples_differ_in_any_part),
        cmocka_unit_test(protocols_have_names_and_ips_print_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
