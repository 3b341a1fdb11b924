#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtp/cc/sent_ring.h"

static const struct sent_packet flying = {.sent_us = 5, .bytes = 100, .fate = SENT_FLYING};

// False: memory ended, which the memory tests make happen.
static bool ring_begin(struct sent_ring *ring) {
    *ring = (struct sent_ring){0};
    assert_false(sent_ring_add(ring, 1, &flying));
    assert_true(sent_ring_short(ring));
    return sent_ring_reserve(ring);
}

static void finds_the_last_size(void **state) {
    (void)state;
    struct sent_ring ring;
    if (!ring_begin(&ring))
        return;
    assert_int_equal(ring.size, SENT_RING_MIN);
    assert_null(sent_ring_find(&ring, 0));
    for (unsigned i = 0; i < SENT_RING_MIN; i++) {
        struct sent_packet packet = flying;
        packet.bytes = (uint16_t)i;
        assert_true(sent_ring_add(&ring, (uint16_t)(65300 + i), &packet));
    }
    assert_false(sent_ring_short(&ring));
    for (unsigned i = 0; i < SENT_RING_MIN; i++)
        assert_int_equal(sent_ring_find(&ring, (uint16_t)(65300 + i))->bytes, i);
    assert_int_equal(sent_ring_oldest(&ring, (uint16_t)(65300 + 400)), 65300);
    assert_int_equal(sent_ring_oldest(&ring, 65300), 65300);
    assert_null(sent_ring_find(&ring, 65299));
    assert_null(sent_ring_find(&ring, (uint16_t)(65300 + SENT_RING_MIN)));
    sent_ring_free(&ring);
}

static void numbers_that_are_left_out(void **state) {
    (void)state;
    struct sent_ring ring;
    if (!ring_begin(&ring))
        return;
    for (uint16_t i = 0; i < SENT_RING_MIN; i++)
        sent_ring_add(&ring, i, &flying);
    sent_ring_add(&ring, SENT_RING_MIN + 9, &flying);
    assert_non_null(sent_ring_find(&ring, SENT_RING_MIN - 1));
    for (uint16_t i = 0; i < 9; i++)
        assert_null(sent_ring_find(&ring, (uint16_t)(SENT_RING_MIN + i)));
    sent_ring_add(&ring, 40000, &flying); // anew
    assert_non_null(sent_ring_find(&ring, 40000));
    assert_null(sent_ring_find(&ring, 39999));
    sent_ring_forget(&ring);
    assert_null(sent_ring_find(&ring, 40000));
    sent_ring_free(&ring);
}

static void grows_while_packets_are_lost_sight_of(void **state) {
    (void)state;
    struct sent_ring ring;
    if (!ring_begin(&ring))
        return;
    uint16_t number = 60000;
    for (unsigned size = SENT_RING_MIN; size < SENT_RING_MAX; size *= 2) {
        assert_int_equal(ring.size, size);
        while (!sent_ring_short(&ring))
            sent_ring_add(&ring, number++, &flying);
        if (!sent_ring_reserve(&ring))
            break;
        assert_non_null(sent_ring_find(&ring, (uint16_t)(number - size)));
        assert_null(sent_ring_find(&ring, (uint16_t)(number - size - 1)));
    }
    for (unsigned i = 0; i < 2 * SENT_RING_MAX; i++)
        sent_ring_add(&ring, number++, &flying);
    if (ring.size == SENT_RING_MAX)
        assert_false(sent_ring_short(&ring));
    sent_ring_free(&ring);
}

static void what_is_acknowledged_needs_no_room(void **state) {
    (void)state;
    struct sent_ring ring;
    if (!ring_begin(&ring))
        return;
    for (unsigned i = 0; i < 3000; i++) {
        sent_ring_add(&ring, (uint16_t)i, &flying);
        sent_ring_find(&ring, (uint16_t)i)->fate = SENT_ACKED;
    }
    assert_false(sent_ring_short(&ring));
    assert_int_equal(sent_ring_memory(&ring), SENT_RING_MIN * 8);
    sent_ring_free(&ring);
}

// RFC 8888: a hundred streams, each with its own numbers.
static void finds_by_name(void **state) {
    (void)state;
    struct sent_ring ring = {0};
    assert_false(sent_ring_add_named(&ring, 1, 1, &flying));
    if (!sent_ring_reserve(&ring))
        return;
    for (unsigned i = 0; i < 5000; i++) {
        struct sent_packet packet = flying;
        packet.bytes = (uint16_t)i;
        assert_true(sent_ring_add_named(&ring, 1000 + i % 100, (uint16_t)(i / 100 * 3), &packet));
        if (i == 2000 && sent_ring_short(&ring) && !sent_ring_reserve(&ring))
            break;
    }
    unsigned found = 0;
    for (unsigned i = 5000u - ring.size; i < 5000 && ring.size == 2 * SENT_RING_MIN; i++) {
        const struct sent_packet *packet =
            sent_ring_find_named(&ring, 1000 + i % 100, (uint16_t)(i / 100 * 3));
        found += packet != NULL;
        if (packet)
            assert_int_equal(packet->bytes, i);
    }
    if (ring.size == 2 * SENT_RING_MIN)
        assert_true(found > ring.size * 9 / 10); // long chains are cut
    assert_null(sent_ring_find_named(&ring, 999, 0));
    assert_null(sent_ring_find_named(&ring, 1000, 1));
    assert_null(sent_ring_find_named(&ring, 1000, 0));
    sent_ring_free(&ring);
}

static void time_is_put_together_again(void **state) {
    (void)state;
    uint64_t now_us = UINT64_C(0x300000005);
    struct sent_packet packet = {.sent_us = 0xfffffff0};
    assert_int_equal(sent_packet_us(&packet, now_us), UINT64_C(0x2fffffff0));
    packet.sent_us = 5;
    assert_int_equal(sent_packet_us(&packet, now_us), now_us);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_last_size),
        cmocka_unit_test(numbers_that_are_left_out),
        cmocka_unit_test(grows_while_packets_are_lost_sight_of),
        cmocka_unit_test(what_is_acknowledged_needs_no_room),
        cmocka_unit_test(finds_by_name),
        cmocka_unit_test(time_is_put_together_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
