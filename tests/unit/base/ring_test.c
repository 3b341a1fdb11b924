#include "base/ring.h"

#include <pthread.h>
#include <sched.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define MESSAGES 200000

struct message {
    uint64_t number;
    uint64_t square;
};

static void messages_come_in_order(void **state) {
    (void)state;
    struct ring *ring = ring_create(sizeof(struct message), 4);
    assert_null(ring_peek(ring));
    for (uint64_t turn = 0; turn < 10; turn++) {
        for (uint64_t i = 0; i < 3; i++) {
            struct message *m = ring_reserve(ring);
            assert_non_null(m);
            m->number = turn * 3 + i;
            ring_push(ring);
        }
        for (uint64_t i = 0; i < 3; i++) {
            struct message *m = ring_peek(ring);
            assert_non_null(m);
            assert_ptr_equal(ring_peek(ring), m); // a second look changes nothing
            assert_int_equal(m->number, turn * 3 + i);
            ring_pop(ring);
        }
        assert_null(ring_peek(ring));
    }
    ring_destroy(ring);
}

static void a_full_ring_refuses(void **state) {
    (void)state;
    for (uint32_t capacity = 1; capacity <= 8; capacity *= 2) {
        struct ring *ring = ring_create(1, capacity);
        for (uint32_t i = 0; i < capacity; i++) {
            assert_int_equal(ring_waiting(ring), i);
            assert_non_null(ring_reserve(ring));
            ring_push(ring);
        }
        assert_null(ring_reserve(ring));
        assert_int_equal(ring_waiting(ring), capacity);
        assert_non_null(ring_peek(ring));
        ring_pop(ring);
        assert_int_equal(ring_waiting(ring), capacity - 1);
        assert_non_null(ring_reserve(ring));
        ring_push(ring);
        assert_null(ring_reserve(ring));
        ring_destroy(ring);
    }
}

static void a_reserved_message_is_not_seen_before_the_push(void **state) {
    (void)state;
    struct ring *ring = ring_create(8, 2);
    void *slot = ring_reserve(ring);
    assert_ptr_equal(ring_reserve(ring), slot);
    assert_null(ring_peek(ring));
    ring_push(ring);
    assert_ptr_equal(ring_peek(ring), slot);
    ring_destroy(ring);
}

static void slots_are_aligned_and_apart(void **state) {
    (void)state;
    struct ring *ring = ring_create(17, 2);
    uint8_t *a = ring_reserve(ring);
    ring_push(ring);
    uint8_t *b = ring_reserve(ring);
    assert_int_equal((uintptr_t)a % 16, 0);
    assert_int_equal((uintptr_t)b % 16, 0);
    assert_true(b - a >= 17);
    ring_destroy(ring);
    ring_destroy(NULL);
}

static void *produce(void *arg) {
    struct ring *ring = arg;
    for (uint64_t i = 0; i < MESSAGES;) {
        struct message *m = ring_reserve(ring);
        if (!m) {
            sched_yield();
            continue;
        }
        *m = (struct message){.number = i, .square = i * i};
        ring_push(ring);
        i++;
    }
    return NULL;
}

static void two_threads_pass_all_messages(void **state) {
    (void)state;
    struct ring *ring = ring_create(sizeof(struct message), 64);
    pthread_t producer;
    assert_int_equal(pthread_create(&producer, NULL, produce, ring), 0);
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < MESSAGES;) {
        const struct message *m = ring_peek(ring);
        if (!m) {
            sched_yield();
            continue;
        }
        wrong += m->number != i || m->square != i * i;
        ring_pop(ring);
        i++;
    }
    pthread_join(producer, NULL);
    assert_int_equal(wrong, 0);
    assert_null(ring_peek(ring));
    ring_destroy(ring);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_in_order),
        cmocka_unit_test(a_full_ring_refuses),
        cmocka_unit_test(a_reserved_message_is_not_seen_before_the_push),
        cmocka_unit_test(slots_are_aligned_and_apart),
        cmocka_unit_test(two_threads_pass_all_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
