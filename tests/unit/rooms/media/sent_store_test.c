// What is kept of a stream that was sent, and for how long.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rooms/media/sent_store.h"

#include <stdlib.h>

struct kept {
    struct pool *pool;
    struct sent_store *store;
    uint32_t held;
};

static struct kept *kept_open(void) {
    struct kept *k = calloc(1, sizeof *k);
    assert_non_null(k);
    k->pool = pool_create(1024);
    k->store = sent_store_create(&k->held);
    assert_non_null(k->store);
    return k;
}

static void kept_close(struct kept *k) {
    sent_store_destroy(k->store);
    assert_int_equal(k->held, 0);
    assert_int_equal(pool_taken(k->pool), 0);
    pool_destroy(k->pool);
    free(k);
}

static struct block *put(struct kept *k, uint64_t index, uint64_t now_us) {
    struct block *b = pool_take(k->pool);
    assert_non_null(b);
    sent_store_put(k->store, index, b, now_us);
    block_release(b);
    return b;
}

static void the_last_of_each_place_is_there(void **state) {
    (void)state;
    struct kept *k = kept_open();
    struct block *first = put(k, 65535, 0), *second = put(k, 65536, 0);
    assert_ptr_equal(sent_store_get(k->store, 65535, 0), first);
    assert_ptr_equal(sent_store_get(k->store, 0, 0), second);
    assert_null(sent_store_get(k->store, 1, 0));
    struct block *later = put(k, 65535 + SENT_STORE_SLOTS, 0);
    assert_null(sent_store_get(k->store, 65535, 0));
    assert_ptr_equal(sent_store_get(k->store, (uint16_t)(65535 + SENT_STORE_SLOTS), 0), later);
    put(k, 65535 - SENT_STORE_SLOTS, 0); // a late one does not push out a newer one
    assert_ptr_equal(sent_store_get(k->store, (uint16_t)(65535 + SENT_STORE_SLOTS), 0), later);
    assert_int_equal(k->held, 2);
    assert_int_equal(pool_taken(k->pool), 2);
    kept_close(k);
}

static void what_is_old_goes(void **state) {
    (void)state;
    struct kept *k = kept_open();
    put(k, 5, 1000);
    struct block *young = put(k, 6, 2000);
    assert_non_null(sent_store_get(k->store, 5, 1000 + SENT_AGE_US));
    assert_null(sent_store_get(k->store, 5, 1001 + SENT_AGE_US));
    sent_store_expire(k->store, 1001 + SENT_AGE_US);
    assert_int_equal(k->held, 1);
    assert_ptr_equal(sent_store_get(k->store, 6, 1001 + SENT_AGE_US), young);
    sent_store_clear(k->store);
    assert_int_equal(pool_taken(k->pool), 0);
    kept_close(k);
}

static void a_worker_keeps_no_more_than_it_may(void **state) {
    (void)state;
    struct kept *k = kept_open();
    k->held = SENT_BLOCKS_MAX - 1;
    put(k, 1, 0);
    put(k, 2, 0);
    assert_non_null(sent_store_get(k->store, 1, 0));
    assert_null(sent_store_get(k->store, 2, 0));
    assert_int_equal(k->held, SENT_BLOCKS_MAX);
    k->held = 1;
    kept_close(k);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_last_of_each_place_is_there),
                                       cmocka_unit_test(what_is_old_goes),
                                       cmocka_unit_test(a_worker_keeps_no_more_than_it_may)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
