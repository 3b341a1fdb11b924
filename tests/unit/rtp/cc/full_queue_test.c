#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtp/cc/full_queue.h"

#define BASE_US (-7000)

static uint32_t chance(uint64_t *random) {
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*random >> 33);
}

// A queue goes up and down in steps of 4 ms; what finds it longer than limit_us is lost, and a share of the
// rest.
static struct full_queue queue_of(int32_t limit_us, unsigned permille, int32_t jitter_us, unsigned packets) {
    struct full_queue q = {0};
    uint64_t random = 5;
    int32_t queue_us = 0;
    for (unsigned i = 0; i < packets; i++) {
        queue_us += chance(&random) % 100 < 52 ? 4000 : -4000;
        queue_us = queue_us < 0 ? 0 : queue_us;
        bool full = queue_us > limit_us;
        if (full)
            queue_us = limit_us;
        if (full || chance(&random) % 1000 < permille)
            full_queue_lost(&q);
        else
            full_queue_came(&q, BASE_US + queue_us + (jitter_us ? (int32_t)chance(&random) % jitter_us : 0),
                            BASE_US);
    }
    return q;
}

static void a_full_queue_is_why(void **state) {
    (void)state;
    for (int32_t limit_us = 20000; limit_us <= 320000; limit_us *= 2) {
        struct full_queue q = queue_of(limit_us, 0, 1000, 5000);
        assert_true(full_queue_is_why(&q));
    }
}

// At random, whatever the queue and its jitter.
static void chance_is_not(void **state) {
    (void)state;
    static const unsigned permille[] = {10, 50, 100, 200};
    for (unsigned i = 0; i < 4; i++)
        for (int32_t jitter_us = 0; jitter_us <= 100000; jitter_us += 25000) {
            struct full_queue q = {0};
            uint64_t random = 9 + i;
            for (unsigned k = 0; k < 20000; k++) {
                if (chance(&random) % 1000 < permille[i])
                    full_queue_lost(&q);
                else
                    full_queue_came(&q, BASE_US + (int32_t)(chance(&random) % (unsigned)(jitter_us + 20000)),
                                    BASE_US);
                if (full_queue_is_why(&q))
                    fail_msg("one of %u at random, jitter %d us: %.2f", 1000 / permille[i], jitter_us,
                             (double)q.share);
            }
        }
}

// Nothing waits: there is no queue to be full.
static void nor_is_a_link_without_a_queue(void **state) {
    (void)state;
    struct full_queue q = {0};
    for (unsigned k = 0; k < 5000; k++) {
        if (k % 7 == 0)
            full_queue_lost(&q);
        assert_false(full_queue_came(&q, BASE_US + (int32_t)(k % 5) * 1000, BASE_US));
    }
    assert_false(full_queue_is_why(&q));
}

// Delays of a liar: no overflow, and a share.
static void delays_of_any_size(void **state) {
    (void)state;
    static const int32_t delays_us[] = {INT32_MIN, INT32_MAX, 0, INT32_MIN / 2, INT32_MAX / 2};
    struct full_queue q = {0};
    full_queue_lost(&q); // before anything has come
    for (unsigned k = 0; k < 1000; k++) {
        full_queue_came(&q, delays_us[k % 5], delays_us[(k / 5) % 5]);
        full_queue_lost(&q);
        assert_true(q.share >= 0 && q.share <= 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_queue_is_why),
        cmocka_unit_test(chance_is_not),
        cmocka_unit_test(nor_is_a_link_without_a_queue),
        cmocka_unit_test(delays_of_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
