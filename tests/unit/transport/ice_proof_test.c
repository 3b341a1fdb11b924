// Questions, budget and trust of tuples that are not proven (ice_proof.h), and what time ends of a peer's
// ICE.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/transport/ice_bench.h"
#include "transport/ice_proof.h"

static void check(struct ice_bench *b, const struct tuple *from, bool use_candidate) {
    ice_bench_check(b, &b->ice.credentials, from, use_candidate);
    assert_success(b, b->ice.credentials.pwd, &from->remote);
}

// How many questions come in a time, looked for each millisecond.
static unsigned questions(struct ice_bench *b, uint64_t us) {
    unsigned n = 0;
    for (uint64_t end_us = b->now_us + us; b->now_us < end_us; b->now_us += US_PER_MS)
        while (ice_next_question(&b->ice, b->now_us))
            n++;
    return n;
}

static void who_does_not_answer_is_asked_less_and_less(void **state) {
    struct ice_bench *b = *state;
    struct tuple from = tuple_from("198.51.100.1", 5000);
    check(b, &from, true);
    assert_int_equal(questions(b, 100 * US_PER_MS), 0); // there are no keys yet
    ice_ask(&b->ice, b->now_us);
    assert_true(ice_next_us(&b->ice) == b->now_us);
    static const unsigned distances_ms[ICE_ASK_MAX] = {0, 50, 100, 200, 400, 800, 1600, 3200};
    for (unsigned i = 0; i < ICE_ASK_MAX; i++) {
        assert_int_equal(questions(b, distances_ms[i] * US_PER_MS), 0);
        assert_int_equal(questions(b, US_PER_MS), 1);
        b->now_us -= US_PER_MS;
    }
    assert_int_equal(questions(b, 20 * US_PER_SECOND), 0); // until it is checked again
    assert_true(ice_next_us(&b->ice) > b->now_us);
    for (unsigned i = 0; i < 5; i++) {
        check(b, &from, true);
        assert_int_equal(questions(b, 500 * US_PER_MS), 1);
        check(b, &from, true); // that is too soon
        assert_int_equal(questions(b, 5 * US_PER_SECOND), 0);
    }
    ice_prove(&b->ice, ice_find(&b->ice, &from), b->now_us);
    b->now_us += 5 * US_PER_SECOND;
    check(b, &from, true);
    assert_int_equal(questions(b, 5 * US_PER_SECOND), 0); // nothing is left to ask
}

static void each_path_is_asked_about_itself(void **state) {
    struct ice_bench *b = *state;
    struct tuple one = tuple_from("198.51.100.1", 5000), two = tuple_from("198.51.100.2", 5000);
    check(b, &one, true);
    check(b, &two, false);
    assert_int_equal(b->ice.unproven, 2);
    ice_ask(&b->ice, b->now_us);
    struct ice_path *a = ice_next_question(&b->ice, b->now_us), *c = ice_next_question(&b->ice, b->now_us);
    assert_true(a && c && a != c);
    assert_null(ice_next_question(&b->ice, b->now_us));
    assert_int_equal(a->asked, 1);
    assert_int_not_equal(a->secret, c->secret);
    assert_memory_not_equal(a->request_id, c->request_id, sizeof a->request_id);
    ice_prove(&b->ice, a, b->now_us);
    assert_int_equal(b->ice.unproven, 1);
    assert_int_equal(questions(b, US_PER_SECOND), 4); // of the other: after 50, 150, 350, 750 ms
    assert_int_equal(a->asked, 1);
    // When the place is taken by another tuple, what the former one was told is remembered.
    uint32_t secret = c->secret;
    b->now_us += 20 * US_PER_SECOND;
    check(b, &two, false);
    assert_int_equal(c->secret_before, secret);
    assert_int_not_equal(c->secret, secret);
    assert_int_equal(c->asked, 0);
}

static void the_budget_comes_back_bit_by_bit(void **state) {
    struct ice_bench *b = *state;
    struct tuple from = tuple_from("198.51.100.1", 5000);
    check(b, &from, true);
    struct ice_path *path = ice_find(&b->ice, &from);
    assert_true(ice_afford(&b->ice, path, ICE_UNPROVEN_BYTES, b->now_us));
    assert_false(ice_afford(&b->ice, path, 1, b->now_us));
    b->now_us += 10 * US_PER_SECOND;
    assert_false(ice_afford(&b->ice, path, 10 * ICE_UNPROVEN_BYTES_S + 1, b->now_us));
    assert_true(ice_afford(&b->ice, path, 10 * ICE_UNPROVEN_BYTES_S, b->now_us));
    assert_false(ice_afford(&b->ice, path, 1, b->now_us));
    b->now_us += 3600 * US_PER_SECOND; // and is never more than at first
    assert_false(ice_afford(&b->ice, path, ICE_UNPROVEN_BYTES + 1, b->now_us));
    ice_credit(&b->ice, path, 5000);
    assert_false(ice_afford(&b->ice, path, ICE_UNPROVEN_BYTES + 1, b->now_us));
    assert_true(ice_afford(&b->ice, path, ICE_UNPROVEN_BYTES, b->now_us));
    ice_credit(&b->ice, path, 5000);
    assert_true(ice_afford(&b->ice, path, 5000, b->now_us));
    assert_false(ice_afford(&b->ice, path, 1, b->now_us));
    ice_spend(&b->ice, 700, b->now_us); // more than there is
    assert_int_equal(b->ice.budget, 0);
}

// A peer whose home is proven, and who has answered from another tuple that it nominated.
static struct ice_path *trusted(struct ice_bench *b, const struct tuple *home, const struct tuple *moved) {
    check(b, home, true);
    ice_prove(&b->ice, ice_find(&b->ice, home), b->now_us);
    check(b, moved, true);
    struct ice_path *path = ice_find(&b->ice, moved);
    ice_proof_answered(&b->ice, path, b->now_us);
    return path;
}

static void trust_ends_with_its_time_or_bytes(void **state) {
    struct tuple home = tuple_from("198.51.100.1", 5000), moved = tuple_from("203.0.113.9", 1024);
    for (unsigned by_bytes = 0; by_bytes < 2; by_bytes++) {
        struct ice_bench *b = *state;
        ice_init(&b->ice, &b->credentials);
        struct ice_path *path = trusted(b, &home, &moved);
        assert_true(b->ice.metered && b->ice.also == path - b->ice.paths);
        assert_true(tuple_equal(ice_media(&b->ice), &home));
        uint64_t until_us = b->now_us + ICE_GRANT_US;
        assert_true(ice_next_us(&b->ice) == until_us);
        if (by_bytes) {
            for (unsigned sent = 1024; sent < ICE_GRANT_BYTES; sent += 1024) {
                ice_spend(&b->ice, 1024, b->now_us);
                assert_true(b->ice.metered);
            }
            ice_spend(&b->ice, 1024, b->now_us);
        } else {
            (void)ice_advance(&b->ice, until_us - 1);
            assert_true(b->ice.metered);
            b->now_us = until_us;
            (void)ice_advance(&b->ice, b->now_us);
        }
        assert_true(!b->ice.metered && b->ice.also == -1 && b->ice.grant.path == -1);
        assert_true(tuple_equal(ice_media(&b->ice), &home));
        uint64_t ended_us = b->now_us;
        // Not again within a minute, however often it answers; the second time not within two, up to ten.
        for (unsigned tries = 1; tries < ICE_GRANT_PAUSES + 3; tries++) {
            unsigned n = tries < ICE_GRANT_PAUSES ? tries : ICE_GRANT_PAUSES;
            for (unsigned s = 0; s < 60 * n - 5; s += 5) {
                b->now_us += 5 * US_PER_SECOND;
                check(b, &home, true);
                ice_prove(&b->ice, ice_find(&b->ice, &home), b->now_us);
                check(b, &moved, true);
                ice_proof_answered(&b->ice, path, b->now_us);
                assert_false(b->ice.metered);
            }
            b->now_us = ended_us + n * ICE_GRANT_PAUSE_US;
            check(b, &home, true);
            check(b, &moved, true);
            ice_proof_answered(&b->ice, path, b->now_us);
            assert_true(b->ice.metered && b->ice.also == path - b->ice.paths);
            b->now_us += ICE_GRANT_US;
            ended_us = b->now_us;
            (void)ice_advance(&b->ice, b->now_us);
            assert_false(b->ice.metered);
        }
    }
}

static void what_is_on_trust_pays_with_that(void **state) {
    struct ice_bench *b = *state;
    struct tuple home = tuple_from("198.51.100.1", 5000), moved = tuple_from("203.0.113.9", 1024),
                 third = tuple_from("203.0.113.10", 1024);
    struct ice_path *path = trusted(b, &home, &moved);
    check(b, &third, false);
    struct ice_path *other = ice_find(&b->ice, &third);
    uint32_t budget = b->ice.budget, grant = b->ice.grant.bytes;
    assert_int_equal(grant, ICE_GRANT_BYTES);
    assert_true(ice_afford(&b->ice, path, 1000, b->now_us));
    assert_int_equal(b->ice.budget, budget);
    assert_int_equal(b->ice.grant.bytes, grant - 1000);
    assert_true(ice_afford(&b->ice, other, 1000, b->now_us));
    assert_int_equal(b->ice.budget, budget - 1000);
    assert_int_equal(b->ice.grant.bytes, grant - 1000);
    ice_spend(&b->ice, 500, b->now_us); // media goes to both
    assert_int_equal(b->ice.grant.bytes, grant - 1500);
    assert_int_equal(b->ice.budget, budget - 1000);
    // Who goes on to a third tuple takes along what is left.
    check(b, &third, true);
    ice_proof_answered(&b->ice, other, b->now_us);
    assert_int_equal(b->ice.also, other - b->ice.paths);
    assert_int_equal(b->ice.grant.bytes, grant - 1500);
    ice_prove(&b->ice, other, b->now_us); // which led to proof: the next pause is no longer for it
    assert_true(!b->ice.metered && tuple_equal(ice_media(&b->ice), &third));
    assert_int_equal(b->ice.grant.spent, 0);
}

// Further answers prolong nothing, whichever of its tuples is on trust.
static void trust_is_not_renewed_by_answers(void **state) {
    struct tuple one = tuple_from("198.51.100.1", 5000), two = tuple_from("203.0.113.9", 1024);
    for (unsigned first = 0; first < 2; first++) {
        struct ice_bench *b = *state;
        ice_init(&b->ice, &b->credentials);
        check(b, &one, false); // takes the first place
        struct ice_path *path = trusted(b, first ? &two : &one, first ? &one : &two);
        assert_int_equal(path - b->ice.paths, first ? 0 : 1);
        struct ice_grant before = b->ice.grant;
        assert_int_equal(before.path, path - b->ice.paths);
        b->now_us += US_PER_SECOND;
        check(b, first ? &one : &two, true);
        ice_proof_answered(&b->ice, path, b->now_us);
        assert_memory_equal(&b->ice.grant, &before, sizeof before);
    }
}

static void only_good_checks_and_indications_are_authentic(void **state) {
    struct ice_bench *b = *state;
    struct tuple from = tuple_from("198.51.100.1", 5000);
    check(b, &from, true);
    assert_true(b->result.authentic && b->result.tuple_checked);
    struct stun_build m;
    check_body(&m, &b->credentials, (struct check){.type = STUN_INDICATION_TYPE});
    check_sign(&m, b->credentials.pwd);
    ice_bench_send(b, &m, &from);
    assert_true(b->result.authentic && !b->result.tuple_checked);
    check_build(&m, &b->credentials, (struct check){.pwd = "wrong"});
    ice_bench_send(b, &m, &from);
    assert_false(b->result.authentic || b->result.tuple_checked);
}

static void old_credentials_stay_through_other_timers(void **state) {
    static const struct ice_credentials fresh = {"00cccccccccccccc", "dddddddddddddddddddddddddddddddd"};
    struct ice_bench *b = *state;
    struct tuple from = tuple_from("198.51.100.1", 5000);
    check(b, &from, true);
    ice_restart(&b->ice, &fresh, b->now_us);
    b->now_us += ICE_OLD_CREDENTIALS_US / 2;
    (void)ice_advance(&b->ice, b->now_us);
    ice_bench_check(b, &b->credentials, &from, false);
    assert_success(b, b->credentials.pwd, &from.remote);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, ice_bench_start, ice_bench_stop)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_BENCH(who_does_not_answer_is_asked_less_and_less),
        WITH_BENCH(each_path_is_asked_about_itself),
        WITH_BENCH(the_budget_comes_back_bit_by_bit),
        WITH_BENCH(trust_ends_with_its_time_or_bytes),
        WITH_BENCH(what_is_on_trust_pays_with_that),
        WITH_BENCH(trust_is_not_renewed_by_answers),
        WITH_BENCH(only_good_checks_and_indications_are_authentic),
        WITH_BENCH(old_credentials_stay_through_other_timers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
