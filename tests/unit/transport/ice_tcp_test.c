// Tuples over TCP: beside those over UDP, and gone with their connection.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/transport/ice_bench.h"
#include "transport/ice_proof.h"

static void check(struct ice_bench *b, const struct tuple *from, bool use_candidate) {
    ice_bench_check(b, &b->ice.credentials, from, use_candidate);
    assert_success(b, b->ice.credentials.pwd, &from->remote);
}

static void assert_selected(const struct ice_bench *b, const struct tuple *expected) {
    const struct tuple *selected = ice_selected(&b->ice);
    assert_non_null(selected);
    assert_true(tuple_equal(selected, expected));
}

static struct tuple over_tcp(const char *ip, uint16_t port) {
    struct tuple t = tuple_from(ip, port);
    t.protocol = TUPLE_TCP;
    return t;
}

static void prove(struct ice_bench *b, const struct tuple *tuple) {
    ice_prove(&b->ice, ice_find(&b->ice, tuple), b->now_us);
}

static void hear(struct ice_bench *b, const struct tuple *tuple) {
    b->now_us += 1000;
    ice_heard(&b->ice, ice_find(&b->ice, tuple), b->now_us);
}

static void udp_and_tcp_of_one_address_are_two_tuples(void **state) {
    struct ice_bench *b = *state;
    struct tuple udp = tuple_from("198.51.100.1", 5000), tcp = over_tcp("198.51.100.1", 5000);
    check(b, &udp, false);
    assert_false(ice_validated(&b->ice, &tcp));
    check(b, &tcp, false);
    assert_int_equal(b->ice.path_count, 2);
}

// Who nominates everything means UDP; who speaks over TCP means that.
static void tcp_takes_over_when_the_peer_speaks_there(void **state) {
    struct ice_bench *b = *state;
    struct tuple udp = tuple_from("198.51.100.1", 5000), tcp = over_tcp("198.51.100.1", 6000);
    check(b, &udp, true);
    prove(b, &udp);
    hear(b, &udp);
    check(b, &tcp, true);
    prove(b, &tcp);
    assert_selected(b, &udp);
    assert_true(tuple_equal(ice_media(&b->ice), &udp));
    check(b, &tcp, true);
    assert_selected(b, &udp);
    hear(b, &tcp); // nothing comes over UDP any more
    check(b, &tcp, false);
    assert_selected(b, &udp);
    check(b, &tcp, true);
    assert_selected(b, &tcp);
    check(b, &udp, true); // and back at once
    assert_selected(b, &udp);
}

static void udp_that_is_not_proven_does_not_stand_above_tcp(void **state) {
    struct ice_bench *b = *state;
    struct tuple udp = tuple_from("198.51.100.1", 5000), tcp = over_tcp("198.51.100.1", 6000);
    check(b, &udp, true); // answers do not get through: nobody shows that he receives there
    check(b, &tcp, true);
    prove(b, &tcp);
    assert_selected(b, &tcp);
    assert_true(tuple_equal(ice_media(&b->ice), &tcp));
}

static void a_connection_that_ends_leaves_the_best_of_the_rest(void **state) {
    struct ice_bench *b = *state;
    struct tuple t[4];
    for (uint16_t i = 0; i < 4; i++) {
        t[i] = over_tcp("198.51.100.1", (uint16_t)(5000 + i));
        check(b, &t[i], i == 3);
    }
    prove(b, &t[1]);
    prove(b, &t[3]);
    check(b, &t[3], true);
    assert_selected(b, &t[3]);
    assert_false(ice_lose(&b->ice, &t[3], b->now_us)); // the last, and selected
    assert_false(ice_validated(&b->ice, &t[3]));
    assert_selected(b, &t[1]);
    assert_true(tuple_equal(ice_media(&b->ice), &t[1]));
    assert_false(ice_lose(&b->ice, &t[3], b->now_us)); // twice is once
    assert_false(ice_lose(&b->ice, &t[0], b->now_us)); // the last one moves to its place
    assert_selected(b, &t[1]);
    assert_true(ice_validated(&b->ice, &t[2]) && !ice_validated(&b->ice, &t[0]));
    assert_int_equal(b->ice.path_count, 2);
}

static void who_loses_his_only_connection_comes_back_with_another(void **state) {
    struct ice_bench *b = *state;
    struct tuple first = over_tcp("198.51.100.1", 5000), next = over_tcp("198.51.100.1", 5001);
    check(b, &first, true);
    prove(b, &first);
    assert_true(ice_lose(&b->ice, &first, b->now_us));
    assert_int_equal(b->ice.state, ICE_DISCONNECTED);
    assert_null(ice_selected(&b->ice));
    assert_null(ice_media(&b->ice));
    assert_int_equal(b->ice.unproven, 0);
    assert_false(ice_advance(&b->ice, b->now_us + 3600 * US_PER_SECOND));
    b->now_us += US_PER_SECOND;
    check(b, &next, true);
    assert_true(b->result.tuple_added && b->result.state_changed);
    assert_int_equal(b->ice.state, ICE_CONNECTED);
    assert_selected(b, &next);
    assert_false(ice_find(&b->ice, &next)->proven);
    prove(b, &next);
    assert_true(tuple_equal(ice_media(&b->ice), &next));
}

static void what_is_on_trust_moves_with_its_path(void **state) {
    struct ice_bench *b = *state;
    struct tuple gone = over_tcp("198.51.100.1", 5000), home = tuple_from("198.51.100.1", 5000),
                 next = tuple_from("198.51.100.1", 7000);
    check(b, &home, true);
    prove(b, &home);
    check(b, &gone, false);
    check(b, &next, true);
    ice_ask(&b->ice, b->now_us);
    uint32_t secret = ice_find(&b->ice, &next)->secret;
    ice_proof_answered(&b->ice, ice_find(&b->ice, &next), b->now_us);
    assert_int_equal(b->ice.also, 2);
    assert_false(ice_lose(&b->ice, &gone, b->now_us));
    assert_int_equal(b->ice.also, 1); // where it is now
    assert_true(tuple_equal(&b->ice.paths[b->ice.also].tuple, &next));
    assert_int_not_equal(ice_find(&b->ice, &next)->secret, secret); // asked anew under its new number
    assert_false(ice_lose(&b->ice, &next, b->now_us));
    assert_int_equal(b->ice.also, -1);
    assert_selected(b, &home);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, ice_bench_start, ice_bench_stop)
    const struct CMUnitTest tests[] = {
        CASE(udp_and_tcp_of_one_address_are_two_tuples),
        CASE(tcp_takes_over_when_the_peer_speaks_there),
        CASE(udp_that_is_not_proven_does_not_stand_above_tcp),
        CASE(a_connection_that_ends_leaves_the_best_of_the_rest),
        CASE(who_loses_his_only_connection_comes_back_with_another),
        CASE(what_is_on_trust_moves_with_its_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
