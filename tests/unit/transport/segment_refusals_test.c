#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "transport/segment_refusals.h"

#include <string.h>

struct bench {
    struct segment_refusals refusals;
    uint64_t now_us;
};

static struct tuple peer(uint16_t port) {
    return (struct tuple){.protocol = TUPLE_UDP, .remote = {.family = 4, .ip = {192, 0, 2, 1}, .port = port}};
}

// Peers of equal port have equal hashes; those whose ports are 256 apart share a slot.
static uint64_t hash(uint16_t port) {
    return (uint64_t)port << 32;
}

static bool may(struct bench *b, uint16_t port) {
    struct tuple to = peer(port);
    return segment_refusals_allow(&b->refusals, &to, hash(port), b->now_us);
}

static bool refuse(struct bench *b, uint16_t port) {
    struct tuple to = peer(port);
    return segment_refusals_note(&b->refusals, &to, hash(port), b->now_us);
}

static void take(struct bench *b, uint16_t port) {
    struct tuple to = peer(port);
    segment_refusals_taken(&b->refusals, &to, hash(port));
}

static int start(void **state) {
    static struct bench b;
    b = (struct bench){.now_us = 1000000};
    *state = &b;
    return 0;
}

// One peer is behind a small path: it alone is spared, longer each time, and found out when the path is
// better.
static void a_small_path_costs_its_own_peer_alone(void **state) {
    struct bench *b = *state;
    uint64_t rest_us = SEGMENT_REST_US;
    assert_true(segment_refusals_none(&b->refusals));
    assert_false(refuse(b, 1));
    assert_true(may(b, 1)); // one is none
    for (unsigned round = 0; round < 8; round++) {
        assert_false(refuse(b, 1));
        assert_false(may(b, 1));
        assert_true(may(b, 2));
        for (unsigned i = 0; i < 200; i++) { // of the same flush
            take(b, 2);
            assert_false(refuse(b, 1));
        }
        b->now_us += rest_us - 1;
        assert_false(may(b, 1));
        b->now_us += 1;
        assert_true(may(b, 1));
        if (rest_us < SEGMENT_REST_MAX_US)
            rest_us *= 2;
    }
    take(b, 1);
    assert_true(segment_refusals_none(&b->refusals));
    assert_false(refuse(b, 1));
    assert_true(may(b, 1)); // forgiven
    assert_false(refuse(b, 1));
    b->now_us += SEGMENT_REST_US;
    assert_true(may(b, 1));
}

// Refusals in a row and nothing taken: it is the machine. After a while it is tried again.
static void what_everybody_refuses_rests_for_all(void **state) {
    struct bench *b = *state;
    for (uint16_t i = 1; i < SEGMENT_REFUSALS_ALL; i++)
        assert_false(refuse(b, i));
    assert_true(may(b, 1000));
    assert_true(refuse(b, 1000)); // said once
    assert_false(may(b, 1) || may(b, 1000) || may(b, 2000));
    assert_false(refuse(b, 1001));
    b->now_us += SEGMENT_REST_ALL_US - 1;
    assert_false(may(b, 2000));
    b->now_us += 1;
    assert_true(may(b, 2000));
    take(b, 2000);
    for (uint16_t i = 1; i < SEGMENT_REFUSALS_ALL; i++)
        assert_false(refuse(b, (uint16_t)(3000 + i)));
    assert_true(may(b, 2000));
}

static void refusals_of_many_with_success_between_do_not_stop_all(void **state) {
    struct bench *b = *state;
    for (uint16_t i = 0; i < 4000; i++) {
        if (i % 8 == 0)
            take(b, 5000);
        assert_false(refuse(b, (uint16_t)(6000 + i)));
    }
    assert_true(may(b, 5000));
}

// Two that share a slot: the last one is remembered, and nobody suffers for the other.
static void a_shared_slot_is_the_last_ones(void **state) {
    struct bench *b = *state;
    refuse(b, 1);
    refuse(b, 1);
    assert_false(may(b, 1));
    assert_true(may(b, 1 + SEGMENT_REFUSAL_SLOTS));
    refuse(b, 1 + SEGMENT_REFUSAL_SLOTS);
    assert_true(may(b, 1) && may(b, 1 + SEGMENT_REFUSAL_SLOTS));
    refuse(b, 1 + SEGMENT_REFUSAL_SLOTS);
    assert_true(may(b, 1));
    assert_false(may(b, 1 + SEGMENT_REFUSAL_SLOTS));
    take(b, 1); // not the one that is remembered
    assert_false(may(b, 1 + SEGMENT_REFUSAL_SLOTS));
    take(b, 1 + SEGMENT_REFUSAL_SLOTS);
    assert_true(segment_refusals_none(&b->refusals));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_small_path_costs_its_own_peer_alone, start),
        cmocka_unit_test_setup(what_everybody_refuses_rests_for_all, start),
        cmocka_unit_test_setup(refusals_of_many_with_success_between_do_not_stop_all, start),
        cmocka_unit_test_setup(a_shared_slot_is_the_last_ones, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
