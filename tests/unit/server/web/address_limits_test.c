// Limits by address on a clock of the test's own.
#include "server/web/address_limits.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW (100 * US_PER_SECOND)

static struct net_address address_of(const char *text) {
    struct net_address address;
    assert_true(net_address_parse(text, strlen(text), &address));
    return address;
}

static struct address_limits *limits_of(uint32_t waiting, uint32_t rooms, uint32_t failed,
                                        uint32_t addresses) {
    struct address_limits_config config = {.waiting_max = waiting,
                                           .rooms_per_minute = rooms,
                                           .failed_joins_per_minute = failed,
                                           .addresses_max = addresses};
    struct address_limits *limits = address_limits_create(&config);
    assert_non_null(limits);
    return limits;
}

static void test_waiting(void **state) {
    (void)state;
    struct address_limits *limits = limits_of(3, 0, 0, 10);
    struct net_address a = address_of("192.0.2.1"), b = address_of("192.0.2.2");
    for (int i = 0; i < 3; i++)
        assert_true(address_limits_connect(limits, &a, NOW));
    assert_false(address_limits_connect(limits, &a, NOW));
    assert_true(address_limits_connect(limits, &b, NOW)); // somebody else
    address_limits_joined(limits, &a, NOW);               // makes room, and gives one more
    assert_true(address_limits_connect(limits, &a, NOW));
    assert_true(address_limits_connect(limits, &a, NOW));
    assert_false(address_limits_connect(limits, &a, NOW));
    address_limits_left(limits, &a, NOW);
    assert_false(address_limits_connect(limits, &a, NOW));
    for (int i = 0; i < 5; i++)
        address_limits_disconnect(limits, &a, NOW);
    address_limits_disconnect(limits, &b, NOW);
    assert_int_equal(address_limits_count(limits), 0);
    address_limits_destroy(limits);
}

// 500 behind one address join within a minute with the default limits, and come back at once.
static void test_school(void **state) {
    (void)state;
    struct address_limits *limits = limits_of(2000, 300, 300, 1000);
    struct net_address school = address_of("203.0.113.1");
    unsigned wait_seconds;
    for (int person = 0; person < 500; person++) {
        for (int connection = 0; connection < 4; connection++) // the page's, and the WebSocket
            assert_true(address_limits_connect(limits, &school, NOW));
    }
    for (int person = 0; person < 500; person++) {
        assert_true(address_limits_may_join(limits, &school, NOW, &wait_seconds));
        address_limits_joined(limits, &school, NOW);
        if (person % 2 == 0)
            assert_true(person / 2 >= 300 || address_limits_open_room(limits, &school, NOW, &wait_seconds));
    }
    for (int person = 0; person < 500; person++) // the old connections are not known to be dead yet
        assert_true(address_limits_connect(limits, &school, NOW));
    address_limits_destroy(limits);
}

static void test_by_the_minute(void **state) {
    (void)state;
    struct address_limits *limits = limits_of(0, 6, 12, 10);
    struct net_address a = address_of("192.0.2.1"), b = address_of("192.0.2.2");
    unsigned wait_seconds;
    for (int i = 0; i < 6; i++)
        assert_true(address_limits_open_room(limits, &a, NOW, &wait_seconds));
    assert_false(address_limits_open_room(limits, &a, NOW, &wait_seconds));
    assert_int_equal(wait_seconds, 10);
    assert_true(address_limits_open_room(limits, &b, NOW, &wait_seconds));
    assert_true(address_limits_open_room(limits, &a, NOW + 10 * US_PER_SECOND, &wait_seconds));
    assert_false(address_limits_open_room(limits, &a, NOW + 10 * US_PER_SECOND, &wait_seconds));
    for (int i = 0; i < 100; i++) // also those that were under way when it was full
        address_limits_join_failed(limits, &a, NOW);
    assert_false(address_limits_may_join(limits, &a, NOW, &wait_seconds));
    assert_int_equal(wait_seconds, 5);
    assert_true(address_limits_may_join(limits, &b, NOW, &wait_seconds));
    assert_true(address_limits_may_join(limits, &a, NOW + 5 * US_PER_SECOND, &wait_seconds));
    address_limits_destroy(limits);
}

static void test_families(void **state) {
    (void)state;
    struct address_limits *limits = limits_of(1, 0, 0, 10);
    struct net_address a = address_of("2001:db8:0:1::1"), same = address_of("2001:db8:0:1:ffff::9"),
                       other = address_of("2001:db8:0:2::1"), v4 = address_of("192.0.2.1"),
                       next = address_of("192.0.2.2");
    assert_true(address_limits_connect(limits, &a, NOW));
    assert_false(address_limits_connect(limits, &same, NOW));
    assert_true(address_limits_connect(limits, &other, NOW));
    assert_true(address_limits_connect(limits, &v4, NOW));
    assert_true(address_limits_connect(limits, &next, NOW));
    address_limits_destroy(limits);
}

static struct net_address one_of_site(unsigned site, unsigned network) {
    char text[IP_TEXT_MAX];
    snprintf(text, sizeof text, "2001:db8:%x:%x::1", site, network);
    return address_of(text);
}

// Who has a /48 has 65,536 networks, and is no more than two of them.
static void test_sites(void **state) {
    (void)state;
    struct address_limits *limits = limits_of(3, 4, 5, 1000);
    unsigned connected = 0, opened = 0, failed = 0, wait_seconds;
    for (unsigned i = 0; i < 40; i++) {
        struct net_address network = one_of_site(1, i);
        connected += address_limits_connect(limits, &network, NOW);
        opened += address_limits_open_room(limits, &network, NOW, &wait_seconds);
        failed += address_limits_may_join(limits, &network, NOW, &wait_seconds);
        address_limits_join_failed(limits, &network, NOW);
    }
    assert_int_equal(connected, 6);
    assert_int_equal(opened, 8);
    assert_int_equal(failed, 10);
    assert_int_equal(wait_seconds, 6);
    struct net_address first = one_of_site(1, 0), fresh = one_of_site(1, 99), other = one_of_site(2, 0);
    assert_false(address_limits_roomy(limits, &fresh));
    assert_true(address_limits_roomy(limits, &other));
    assert_true(address_limits_connect(limits, &other, NOW)); // somebody else's
    assert_true(address_limits_open_room(limits, &other, NOW, &wait_seconds));
    assert_true(address_limits_may_join(limits, &other, NOW, &wait_seconds));
    address_limits_joined(limits, &first, NOW); // makes room, and gives one more
    assert_true(address_limits_connect(limits, &fresh, NOW));
    assert_true(address_limits_connect(limits, &fresh, NOW));
    assert_false(address_limits_connect(limits, &fresh, NOW));
    assert_int_equal(address_limits_count(limits), 42); // 40, the fresh one and the other one
    address_limits_left(limits, &first, NOW);
    for (unsigned i = 0; i < 6; i++) {
        struct net_address network = one_of_site(1, i);
        address_limits_disconnect(limits, &network, NOW);
    }
    address_limits_disconnect(limits, &fresh, NOW);
    address_limits_disconnect(limits, &fresh, NOW);
    address_limits_disconnect(limits, &other, NOW);
    address_limits_destroy(limits);
}

// The same when the table has no place for either.
static void test_sites_without_places(void **state) {
    (void)state;
    for (uint32_t places = 1; places < 8; places++) {
        struct address_limits *limits = limits_of(2, 0, 0, places);
        bool connected[40];
        for (unsigned i = 0; i < 40; i++) {
            struct net_address network = one_of_site(i / 8, i);
            connected[i] = address_limits_connect(limits, &network, NOW);
            if (connected[i] && i % 2)
                address_limits_joined(limits, &network, NOW);
        }
        for (unsigned i = 0; i < 40; i++) {
            struct net_address network = one_of_site(i / 8, i);
            if (connected[i] && i % 2)
                address_limits_left(limits, &network, NOW);
            if (connected[i])
                address_limits_disconnect(limits, &network, NOW);
        }
        assert_int_equal(address_limits_count(limits), 0);
        address_limits_destroy(limits);
    }
}

// Far more addresses than places: those that owe nothing make room, the rest share one entry, and all comes
// back.
static void test_bounded(void **state) {
    (void)state;
    struct address_limits *limits = limits_of(2, 1, 1, 8);
    struct net_address addresses[20];
    unsigned wait_seconds;
    for (unsigned i = 0; i < 20; i++) {
        char text[IP_TEXT_MAX];
        snprintf(text, sizeof text, "192.0.2.%u", i);
        addresses[i] = address_of(text);
    }
    for (unsigned i = 0; i < 8; i++)
        assert_true(address_limits_connect(limits, &addresses[i], NOW));
    assert_int_equal(address_limits_count(limits), 8);
    assert_true(address_limits_connect(limits, &addresses[8], NOW)); // the crowd
    assert_true(address_limits_connect(limits, &addresses[9], NOW));
    assert_false(address_limits_connect(limits, &addresses[10], NOW));
    assert_true(address_limits_connect(limits, &addresses[0], NOW)); // known ones are not hurt
    address_limits_joined(limits, &addresses[8], NOW);
    address_limits_left(limits, &addresses[8], NOW);
    for (unsigned i = 0; i < 10; i++)
        address_limits_disconnect(limits, &addresses[i], NOW);
    address_limits_disconnect(limits, &addresses[0], NOW);
    assert_int_equal(address_limits_count(limits), 0);
    for (unsigned i = 0; i < 8; i++)
        assert_true(address_limits_open_room(limits, &addresses[i], NOW, &wait_seconds));
    uint64_t later_us = NOW + 61 * US_PER_SECOND; // nobody owes anything any more
    for (unsigned i = 8; i < 16; i++)
        assert_true(address_limits_open_room(limits, &addresses[i], later_us, &wait_seconds));
    assert_int_equal(address_limits_count(limits), 8);
    address_limits_destroy(limits);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waiting),       cmocka_unit_test(test_school),
        cmocka_unit_test(test_by_the_minute), cmocka_unit_test(test_families),
        cmocka_unit_test(test_sites),         cmocka_unit_test(test_sites_without_places),
        cmocka_unit_test(test_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
