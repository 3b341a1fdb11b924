#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtp/history.h"
#include "rtp/rtp_forward.h"

#define SECOND 1000000u

static struct block *packet(struct pool *pool, uint16_t seq, uint64_t now_us) {
    struct block *b = pool_take(pool);
    assert_non_null(b);
    forward_meta_of(b)->seq = seq;
    forward_meta_of(b)->arrival_us = now_us;
    return b;
}

static void put(struct history *h, struct pool *pool, uint16_t seq, uint64_t now_us) {
    struct block *b = packet(pool, seq, now_us);
    history_put(h, seq, b, now_us);
    block_release(b);
}

static void finds_by_number_over_the_wrap(void **state) {
    (void)state;
    struct pool *pool = pool_create(4096);
    struct history *h = history_create();
    for (unsigned i = 0; i < 2000; i++)
        put(h, pool, (uint16_t)(65000 + i), SECOND);
    assert_int_equal(history_count(h), HISTORY_SLOTS);
    assert_int_equal(pool_taken(pool), HISTORY_SLOTS);
    for (unsigned i = 0; i < 2000; i++) {
        uint16_t seq = (uint16_t)(65000 + i);
        struct block *b = history_get(h, seq, SECOND);
        bool there = i >= 2000 - HISTORY_SLOTS;
        if ((b != NULL) != there || (b && forward_meta_of(b)->seq != seq))
            fail_msg("number %u: expected %s", seq, there ? "there" : "gone");
    }
    history_destroy(h);
    assert_int_equal(pool_taken(pool), 0);
    pool_destroy(pool);
}

static void lets_go_of_what_is_old(void **state) {
    (void)state;
    struct pool *pool = pool_create(4096);
    struct history *h = history_create();
    for (uint16_t seq = 0; seq < 10; seq++)
        put(h, pool, seq, 0);
    for (unsigned left = 10; left > 0; left--) { // so many a call and no more
        assert_int_equal(history_count(h), left);
        assert_int_equal(history_expire(h, HISTORY_AGE_US + 1, 1), 1);
    }
    put(h, pool, 1, 0);
    put(h, pool, 2, SECOND);
    assert_non_null(history_get(h, 1, HISTORY_AGE_US));
    assert_null(history_get(h, 1, HISTORY_AGE_US + 1));
    assert_non_null(history_get(h, 2, HISTORY_AGE_US + 1));
    assert_int_equal(history_expire(h, HISTORY_AGE_US + 1, HISTORY_SLOTS), 1);
    assert_int_equal(pool_taken(pool), 1);
    assert_int_equal(history_expire(h, 10 * SECOND, HISTORY_SLOTS), 1);
    assert_int_equal(pool_taken(pool), 0);
    history_destroy(h);
    pool_destroy(pool);
}

static void shares_the_block(void **state) {
    (void)state;
    struct pool *pool = pool_create(16);
    struct history *h = history_create();
    struct block *b = packet(pool, 7, 0);
    history_put(h, 7, b, 0);
    assert_ptr_equal(history_get(h, 7, 0), b);
    assert_int_equal(b->refs, 2);
    block_release(b);
    put(h, pool, 7, 0); // the same number again takes the place
    assert_int_equal(history_count(h), 1);
    history_clear(h);
    assert_int_equal(pool_taken(pool), 0);
    assert_null(history_get(h, 7, 0));
    history_destroy(h);
    history_destroy(NULL);
    pool_destroy(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_by_number_over_the_wrap),
        cmocka_unit_test(lets_go_of_what_is_old),
        cmocka_unit_test(shares_the_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
