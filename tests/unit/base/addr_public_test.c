#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/addr_public.h"

static const struct {
    const char *ip;
    bool public;
} rows[] = {
    {"1.1.1.1", true},
    {"8.8.8.8", true},
    {"203.0.113.7", true}, // documentation leads nowhere
    {"223.255.255.255", true},
    {"0.0.0.0", false},
    {"0.1.2.3", false},
    {"9.255.255.255", true},
    {"10.0.0.1", false},
    {"10.255.255.255", false},
    {"11.0.0.0", true},
    {"100.63.255.255", true},
    {"100.64.0.0", false},
    {"100.127.255.255", false},
    {"100.128.0.0", true},
    {"127.0.0.1", false},
    {"127.255.255.254", false},
    {"169.253.255.255", true},
    {"169.254.169.254", false},
    {"172.15.255.255", true},
    {"172.16.0.0", false},
    {"172.31.255.255", false},
    {"172.32.0.0", true},
    {"192.0.0.8", false},
    {"192.0.1.0", true},
    {"192.88.99.1", false},
    {"192.168.0.1", false},
    {"192.169.0.0", true},
    {"198.17.255.255", true},
    {"198.18.0.1", false},
    {"198.19.255.255", false},
    {"198.20.0.0", true},
    {"224.0.0.1", false},
    {"239.255.255.255", false},
    {"240.0.0.1", false},
    {"255.255.255.255", false},
    {"2001:db8::1", true},
    {"2a00:1450:4001::1", true},
    {"3fff:ffff::1", true},
    {"2001:0:1::1", false},
    {"2001:1::1", true},
    {"2002:a00:1::1", false},
    {"2003::1", true},
    {"::", false},
    {"::1", false},
    {"::ffff:10.0.0.1", false}, // is IPv4
    {"::ffff:8.8.8.8", true},
    {"64:ff9b::a00:1", false},
    {"fc00::1", false},
    {"fd12:3456::1", false},
    {"fe80::1", false},
    {"ff02::1", false},
    {"4000::1", false},
    {"1fff::1", false},
};

static void addresses_of_the_internet_are_public(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct addr a;
        assert_int_equal(addr_parse(rows[i].ip, 5000, &a), ERR_OK);
        if (addr_is_public(&a) != rows[i].public)
            fail_msg("%s", rows[i].ip);
    }
    assert_false(addr_is_public(&(struct addr){0}));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(addresses_of_the_internet_are_public)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
