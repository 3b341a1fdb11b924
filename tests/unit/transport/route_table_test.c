#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "transport/route_table.h"

static struct tuple tuple_number(uint32_t n) {
    struct tuple t = {.protocol = TUPLE_UDP};
    char ip[32];
    snprintf(ip, sizeof ip, "198.51.%u.%u", n >> 8 & 255, n & 255);
    assert_int_equal(addr_parse(ip, (uint16_t)(1024 + n / 7), &t.remote), ERR_OK);
    assert_int_equal(addr_parse("192.0.2.1", 40000, &t.local), ERR_OK);
    return t;
}

static void a_route_is_a_worker_and_a_handle(void **state) {
    (void)state;
    static const struct {
        unsigned worker;
        uint32_t handle;
    } rows[] = {{0, 0}, {0, 1}, {3, 0xabcdef}, {255, 0}, {254, 0xffffff}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t route = route_make(rows[i].worker, rows[i].handle);
        assert_int_equal(route_worker(route), rows[i].worker);
        assert_int_equal(route_handle(route), rows[i].handle);
        assert_int_not_equal(route, ROUTE_NONE);
    }
}

static void tuples_lead_to_their_route(void **state) {
    (void)state;
    struct route_table *table = route_table_create(1000, 10);
    for (uint32_t i = 0; i < 1000; i++) {
        struct tuple t = tuple_number(i);
        assert_int_equal(route_get_tuple(table, &t), ROUTE_NONE);
        assert_int_equal(route_put_tuple(table, &t, route_make(i % 4, i)), ERR_OK);
    }
    struct tuple over = tuple_number(1000);
    assert_int_equal(route_put_tuple(table, &over, 1), ERR_LIMIT);
    for (uint32_t i = 0; i < 1000; i++) {
        struct tuple t = tuple_number(i), other = t;
        assert_int_equal(route_get_tuple(table, &t), route_make(i % 4, i));
        other.local.port++;
        assert_int_equal(route_get_tuple(table, &other), ROUTE_NONE);
    }
    route_table_destroy(table);
}

// What comes over a connection needs no route, and must not have that of a datagram from the same addresses.
static void only_datagrams_have_routes(void **state) {
    (void)state;
    struct route_table *table = route_table_create(10, 10);
    struct tuple udp = tuple_number(1), tcp = udp, none = udp;
    tcp.protocol = TUPLE_TCP;
    none.protocol = TUPLE_NONE;
    assert_int_equal(route_put_tuple(table, &tcp, route_make(0, 4)), ERR_UNSUPPORTED);
    assert_int_equal(route_put_tuple(table, &none, route_make(0, 4)), ERR_UNSUPPORTED);
    assert_int_equal(route_put_tuple(table, &udp, route_make(0, 5)), ERR_OK);
    assert_int_equal(route_get_tuple(table, &tcp), ROUTE_NONE);
    assert_int_equal(route_get_tuple(table, &none), ROUTE_NONE);
    route_table_destroy(table);
}

// A NAT may give a port to another client while the first owner's transport still lives: the new owner
// keeps the tuple when the old one goes.
static void only_the_present_owner_removes_a_tuple(void **state) {
    (void)state;
    struct route_table *table = route_table_create(10, 10);
    struct tuple t = tuple_number(1);
    assert_int_equal(route_put_tuple(table, &t, route_make(0, 5)), ERR_OK);
    assert_int_equal(route_put_tuple(table, &t, route_make(0, 6)), ERR_OK);
    route_remove_tuple(table, &t, route_make(0, 5));
    assert_int_equal(route_get_tuple(table, &t), route_make(0, 6));
    route_remove_tuple(table, &t, route_make(0, 6));
    assert_int_equal(route_get_tuple(table, &t), ROUTE_NONE);
    route_remove_tuple(table, &t, route_make(0, 6));
    route_table_destroy(table);
}

static void ufrags_lead_to_their_handle(void **state) {
    (void)state;
    struct route_table *table = route_table_create(1, 2);
    assert_int_equal(route_put_ufrag(table, "00aaaaaaaaaaaaaa", 7), ERR_OK);
    assert_int_equal(route_put_ufrag(table, "00bbbbbbbbbbbbbb", 8), ERR_OK);
    assert_int_equal(route_put_ufrag(table, "00cccccccccccccc", 9), ERR_LIMIT);
    static const struct {
        const char *ufrag;
        uint32_t handle;
    } rows[] = {
        {"00aaaaaaaaaaaaaa", 7},         {"00bbbbbbbbbbbbbb", 8},           {"00cccccccccccccc", ROUTE_NONE},
        {"00aaaaaaaaaaaaa", ROUTE_NONE}, {"00aaaaaaaaaaaaaaa", ROUTE_NONE}, {"", ROUTE_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(route_get_ufrag(table, span_of_text(rows[i].ufrag)), rows[i].handle);
    route_remove_ufrag(table, "00aaaaaaaaaaaaaa");
    route_remove_ufrag(table, "00aaaaaaaaaaaaaa");
    assert_int_equal(route_get_ufrag(table, span_of_text("00aaaaaaaaaaaaaa")), ROUTE_NONE);
    assert_int_equal(route_get_ufrag(table, span_of_text("00bbbbbbbbbbbbbb")), 8);
    route_table_destroy(table);
    route_table_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_is_a_worker_and_a_handle),
        cmocka_unit_test(tuples_lead_to_their_route),
        cmocka_unit_test(only_datagrams_have_routes),
        cmocka_unit_test(only_the_present_owner_removes_a_tuple),
        cmocka_unit_test(ufrags_lead_to_their_handle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
