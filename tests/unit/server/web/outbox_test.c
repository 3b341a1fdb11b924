// Order, the bound, and what is left in front of each message.
#include "server/web/outbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEADROOM 16

static void assert_pops(struct outbox *outbox, const char *expected) {
    struct outbox_message *message = outbox_pop(outbox);
    assert_non_null(message);
    assert_int_equal(message->len, strlen(expected));
    assert_memory_equal(message->bytes + HEADROOM, expected, message->len);
    memset(message->bytes, 0xff, HEADROOM + message->len); // all of it may be written
    free(message);
}

static void test_order(void **state) {
    (void)state;
    struct outbox outbox;
    outbox_init(&outbox, HEADROOM, 100);
    assert_true(outbox_empty(&outbox));
    assert_null(outbox_pop(&outbox));
    assert_int_equal(outbox_push(&outbox, "one", 3), ERR_OK);
    assert_int_equal(outbox_push(&outbox, "", 0), ERR_OK);
    assert_pops(&outbox, "one");
    assert_int_equal(outbox_push(&outbox, "three", 5), ERR_OK);
    assert_pops(&outbox, "");
    assert_pops(&outbox, "three");
    assert_true(outbox_empty(&outbox));
    assert_int_equal(outbox_push(&outbox, "four", 4), ERR_OK); // after running empty
    assert_pops(&outbox, "four");
}

static void test_bound(void **state) {
    (void)state;
    struct outbox outbox;
    outbox_init(&outbox, HEADROOM, 10);
    assert_int_equal(outbox_push(&outbox, "12345", 5), ERR_OK);
    assert_int_equal(outbox_push(&outbox, "123456", 6), ERR_LIMIT);
    assert_int_equal(outbox.bytes, 5); // nothing changed
    assert_int_equal(outbox_push(&outbox, "67890", 5), ERR_OK);
    assert_int_equal(outbox_push(&outbox, "x", 1), ERR_LIMIT);
    assert_pops(&outbox, "12345");
    assert_int_equal(outbox_push(&outbox, "x", 1), ERR_OK);
    outbox_clear(&outbox);
    assert_true(outbox_empty(&outbox));
    assert_int_equal(outbox.bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
