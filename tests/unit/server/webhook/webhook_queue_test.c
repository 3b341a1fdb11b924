// What one receiver is still to get: order, tries, bounds.
#include "server/webhook/webhook_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START_US (1000 * US_PER_SECOND)

static void push(struct webhook_queue *queue, uint32_t room, const char *body) {
    assert_true(webhook_queue_push(queue, room, body, strlen(body), "token", START_US));
}

// The next one has this body; NULL: there is none until `wake_us`.
static struct webhook_item *expect_next(struct webhook_queue *queue, uint64_t now_us, const char *body,
                                        uint64_t wake_us) {
    uint64_t wake;
    struct webhook_item *item = webhook_queue_next(queue, now_us, &wake);
    if (!body) {
        assert_null(item);
        assert_int_equal(wake, wake_us);
        return NULL;
    }
    assert_non_null(item);
    assert_string_equal(item->body, body);
    assert_int_equal(item->body_len, strlen(body));
    assert_string_equal(item->token, "token");
    return item;
}

static void expect_counts(const struct webhook_queue *queue, uint64_t sent, uint64_t retried, uint64_t lost) {
    assert_int_equal(queue->counts.sent, sent);
    assert_int_equal(queue->counts.retried, retried);
    assert_int_equal(queue->counts.lost, lost);
}

static void test_a_room_keeps_its_order_and_waits_for_no_other(void **state) {
    (void)state;
    struct webhook_queue queue;
    webhook_queue_init(&queue);
    push(&queue, 1, "a1");
    assert_true(queue.bytes >=
                sizeof(struct webhook_item) + sizeof "a1" + sizeof "token"); // all that is kept
    push(&queue, 1, "a2");
    push(&queue, 2, "b1");
    struct webhook_item *a = expect_next(&queue, START_US, "a1", 0);
    struct webhook_item *b = expect_next(&queue, START_US, "b1", 0);
    expect_next(&queue, START_US, NULL, TIME_NEVER);
    webhook_queue_answer(&queue, a, WEBHOOK_AGAIN, 0, START_US);
    webhook_queue_answer(&queue, b, WEBHOOK_SENT, 0, START_US);
    expect_next(&queue, START_US, NULL, START_US + WEBHOOK_FIRST_WAIT_US); // a2 stays behind a1
    a = expect_next(&queue, START_US + WEBHOOK_FIRST_WAIT_US, "a1", 0);
    webhook_queue_answer(&queue, a, WEBHOOK_SENT, 0, START_US);
    a = expect_next(&queue, START_US, "a2", 0);
    webhook_queue_answer(&queue, a, WEBHOOK_REFUSED, 0, START_US);
    expect_next(&queue, START_US, NULL, TIME_NEVER);
    expect_counts(&queue, 2, 1, 1);
    assert_int_equal(queue.count, 0);
    assert_int_equal(queue.bytes, 0);
}

static void test_tries_grow_apart_and_end(void **state) {
    (void)state;
    static const uint64_t waits_us[] = {500000, 1000000, 2000000, 4000000, 8000000, 16000000, 32000000};
    struct webhook_queue queue;
    webhook_queue_init(&queue);
    push(&queue, 1, "a1");
    push(&queue, 1, "a2");
    uint64_t now_us = START_US;
    for (size_t i = 0; i < WEBHOOK_TRIES_MAX - 1; i++) {
        webhook_queue_answer(&queue, expect_next(&queue, now_us, "a1", 0), WEBHOOK_AGAIN, 0, now_us);
        expect_next(&queue, now_us + waits_us[i] - 1, NULL, now_us + waits_us[i]);
        now_us += waits_us[i];
    }
    webhook_queue_answer(&queue, expect_next(&queue, now_us, "a1", 0), WEBHOOK_AGAIN, 0, now_us);
    expect_counts(&queue, 0, WEBHOOK_TRIES_MAX - 1, 1);
    // What the receiver asks for counts, within a limit.
    webhook_queue_answer(&queue, expect_next(&queue, now_us, "a2", 0), WEBHOOK_AGAIN, 7 * US_PER_SECOND,
                         now_us);
    expect_next(&queue, now_us, NULL, now_us + 7 * US_PER_SECOND);
    now_us += 7 * US_PER_SECOND;
    webhook_queue_answer(&queue, expect_next(&queue, now_us, "a2", 0), WEBHOOK_AGAIN, 3600 * US_PER_SECOND,
                         now_us);
    expect_next(&queue, now_us, NULL, now_us + WEBHOOK_ASKED_WAIT_US_MAX);
    // And so does the age.
    expect_next(&queue, START_US + WEBHOOK_AGE_US_MAX, NULL, TIME_NEVER);
    expect_counts(&queue, 0, WEBHOOK_TRIES_MAX + 1, 2);
}

static void test_what_waits_is_bounded_in_number_and_bytes(void **state) {
    (void)state;
    static char large[WEBHOOK_BYTES_MAX / 4];
    struct webhook_queue queue;
    webhook_queue_init(&queue);
    for (unsigned i = 0; i < WEBHOOK_EVENTS_MAX; i++)
        push(&queue, i, "x");
    assert_false(webhook_queue_push(&queue, 1, "y", 1, "token", START_US));
    expect_counts(&queue, 0, 0, 1);
    webhook_queue_clear(&queue);
    expect_counts(&queue, 0, 0, 1 + WEBHOOK_EVENTS_MAX);
    for (unsigned i = 0; i < WEBHOOK_EVENTS_OF_ROOM_MAX; i++)
        push(&queue, 1, "x");
    assert_false(webhook_queue_push(&queue, 1, "y", 1, "token", START_US)); // the rest is for others
    push(&queue, 2, "x");
    webhook_queue_clear(&queue);
    queue.counts.lost = 1 + WEBHOOK_EVENTS_MAX;
    for (unsigned i = 0; i < 3; i++)
        assert_true(webhook_queue_push(&queue, 1, large, sizeof large, "token", START_US));
    assert_false(webhook_queue_push(&queue, 1, large, sizeof large, "token", START_US));
    push(&queue, 1, "small");
    assert_int_equal(queue.count, 4);
    assert_true(queue.bytes <= WEBHOOK_BYTES_MAX);
    webhook_queue_miss(&queue);
    webhook_queue_clear(&queue);
    expect_counts(&queue, 0, 0, 1 + WEBHOOK_EVENTS_MAX + 1 + 1 + 4);
}

static void test_so_many_at_once(void **state) {
    (void)state;
    struct webhook_queue queue;
    struct webhook_item *items[WEBHOOK_AT_ONCE];
    webhook_queue_init(&queue);
    for (unsigned i = 0; i <= WEBHOOK_AT_ONCE; i++)
        push(&queue, i, "x");
    for (unsigned i = 0; i < WEBHOOK_AT_ONCE; i++)
        items[i] = expect_next(&queue, START_US, "x", 0);
    expect_next(&queue, START_US, NULL, TIME_NEVER);
    webhook_queue_answer(&queue, items[1], WEBHOOK_SENT, 0, START_US);
    items[1] = expect_next(&queue, START_US, "x", 0);
    webhook_queue_clear(&queue); // with some under way
    expect_counts(&queue, 1, 0, WEBHOOK_AT_ONCE);
    push(&queue, 1, "x");
    expect_next(&queue, START_US, "x", 0); // none is any more
    webhook_queue_clear(&queue);
}

static void test_at_the_end_each_gets_one_more_try(void **state) {
    (void)state;
    struct webhook_queue queue;
    webhook_queue_init(&queue);
    push(&queue, 1, "a1");
    push(&queue, 1, "a2");
    webhook_queue_answer(&queue, expect_next(&queue, START_US, "a1", 0), WEBHOOK_AGAIN, 0, START_US);
    webhook_queue_hurry(&queue);
    webhook_queue_answer(&queue, expect_next(&queue, START_US, "a1", 0), WEBHOOK_AGAIN, 0, START_US);
    webhook_queue_answer(&queue, expect_next(&queue, START_US, "a2", 0), WEBHOOK_SENT, 0, START_US);
    expect_counts(&queue, 1, 1, 1);
    assert_int_equal(queue.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_room_keeps_its_order_and_waits_for_no_other),
        cmocka_unit_test(test_tries_grow_apart_and_end),
        cmocka_unit_test(test_what_waits_is_bounded_in_number_and_bytes),
        cmocka_unit_test(test_so_many_at_once),
        cmocka_unit_test(test_at_the_end_each_gets_one_more_try),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
