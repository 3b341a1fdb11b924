#include "base/pool.h"

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void blocks_are_counted_and_limited(void **state) {
    (void)state;
    enum { LIMIT = 300 }; // more than two slabs
    struct pool *pool = pool_create(LIMIT);
    struct block *blocks[LIMIT];
    assert_int_equal(pool_limit(pool), LIMIT);
    for (int turn = 0; turn < 2; turn++) {
        for (unsigned i = 0; i < LIMIT; i++) {
            blocks[i] = pool_take(pool);
            assert_non_null(blocks[i]);
            assert_int_equal(blocks[i]->start, BLOCK_HEADROOM);
            assert_int_equal(blocks[i]->len, 0);
            assert_int_equal(blocks[i]->refs, 1);
            assert_null(blocks[i]->next);
            memset(blocks[i]->bytes, (int)i, BLOCK_CAPACITY); // every byte is ours
            blocks[i]->start = 1;
            blocks[i]->len = 9;
        }
        assert_int_equal(pool_taken(pool), LIMIT);
        assert_null(pool_take(pool));
        for (unsigned i = 0; i < LIMIT; i++) {
            assert_int_equal(blocks[i]->bytes[BLOCK_CAPACITY - 1], (uint8_t)i); // and nobody else's
            block_release(blocks[i]);
        }
        assert_int_equal(pool_taken(pool), 0);
    }
    pool_destroy(pool);
}

static void a_block_lives_until_its_last_reference(void **state) {
    (void)state;
    struct pool *pool = pool_create(1);
    struct block *b = pool_take(pool);
    assert_ptr_equal(block_ref(b), b);
    block_ref(b);
    block_release(b);
    block_release(b);
    assert_int_equal(pool_taken(pool), 1);
    assert_null(pool_take(pool));
    block_release(b);
    assert_int_equal(pool_taken(pool), 0);
    b = pool_take(pool);
    assert_non_null(b);
    block_release(b);
    pool_destroy(pool);
}

static void data_starts_where_the_block_says(void **state) {
    (void)state;
    struct pool *pool = pool_create(1);
    struct block *b = pool_take(pool);
    assert_ptr_equal(block_data(b), b->bytes + BLOCK_HEADROOM);
    b->start = 7;
    assert_ptr_equal(block_data(b), b->bytes + 7);
    assert_int_equal((uintptr_t)b->meta % 8, 0);
    block_release(b);
    pool_destroy(pool);
}

static void nothing_is_released_and_destroyed_safely(void **state) {
    (void)state;
    block_release(NULL);
    pool_destroy(NULL);
    struct pool *pool = pool_create(0);
    assert_null(pool_take(pool));
    pool_destroy(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_counted_and_limited),
        cmocka_unit_test(a_block_lives_until_its_last_reference),
        cmocka_unit_test(data_starts_where_the_block_says),
        cmocka_unit_test(nothing_is_released_and_destroyed_safely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
