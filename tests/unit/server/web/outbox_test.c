// Order, the bound in bytes and in time, what is owed, and what is left in front of each message.
#include "server/web/outbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEADROOM 16

static uint64_t now_us = 1;

static enum err push(struct outbox *outbox, const char *text, size_t len) {
    return outbox_push(outbox, text, len, false, now_us);
}

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
    assert_int_equal(push(&outbox, "one", 3), ERR_OK);
    assert_int_equal(push(&outbox, "", 0), ERR_OK);
    assert_pops(&outbox, "one");
    assert_int_equal(push(&outbox, "three", 5), ERR_OK);
    assert_pops(&outbox, "");
    assert_pops(&outbox, "three");
    assert_true(outbox_empty(&outbox));
    assert_int_equal(push(&outbox, "four", 4), ERR_OK); // after running empty
    assert_pops(&outbox, "four");
}

// Over the bound a client has some time; over four times of it, it has none.
static void test_bound(void **state) {
    (void)state;
    struct outbox outbox;
    outbox_init(&outbox, HEADROOM, 10);
    now_us = 5;
    assert_int_equal(push(&outbox, "12345", 5), ERR_OK);
    assert_int_equal(push(&outbox, "123456", 6), ERR_OK); // over it now
    now_us += OUTBOX_BEHIND_US - 1;
    assert_int_equal(push(&outbox, "x", 1), ERR_OK);
    now_us += 1;
    assert_int_equal(push(&outbox, "y", 1), ERR_LIMIT);
    assert_int_equal(outbox.bytes, 12); // nothing changed
    assert_pops(&outbox, "12345");      // it does read
    assert_int_equal(push(&outbox, "z", 1), ERR_OK);
    assert_int_equal(push(&outbox, "12345", 5), ERR_OK); // over it again, and the time begins again
    now_us += OUTBOX_BEHIND_US - 1;
    assert_int_equal(push(&outbox, "x", 1), ERR_OK);
    outbox_clear(&outbox);
    assert_true(outbox_empty(&outbox));
    assert_int_equal(outbox.bytes, 0);
    assert_true(outbox.over_since_us == TIME_NEVER);
}

static void test_burst(void **state) {
    (void)state;
    struct outbox outbox;
    outbox_init(&outbox, HEADROOM, 10);
    for (int i = 0; i < OUTBOX_BURST; i++)
        assert_int_equal(push(&outbox, "1234567890", 10), ERR_OK);
    assert_int_equal(push(&outbox, "x", 1), ERR_LIMIT);
    outbox_clear(&outbox);
}

// What is owed on joining does not count, unless somebody joins and joins and does not read.
static void test_owed(void **state) {
    (void)state;
    struct outbox outbox;
    size_t total = 0;
    outbox_init(&outbox, HEADROOM, 10);
    outbox.total = &total;
    assert_int_equal(outbox_push(&outbox, "123456789012345678901234567890", 30, true, now_us), ERR_OK);
    assert_int_equal(outbox.bytes, 0);
    assert_int_equal(outbox.owed_bytes, 30);
    assert_int_equal(total, 30);
    assert_int_equal(outbox_push(&outbox, "123456789012345678901234567890", 30, true, now_us), ERR_OK);
    assert_int_equal(outbox.bytes, 30); // the second one counts
    assert_int_equal(outbox_push(&outbox, "123456789012345678901234567890", 30, true, now_us), ERR_LIMIT);
    assert_int_equal(total, 60);
    assert_pops(&outbox, "123456789012345678901234567890");
    assert_int_equal(outbox.owed_bytes, 0);
    outbox_clear(&outbox);
    assert_int_equal(total, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_burst),
        cmocka_unit_test(test_owed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
