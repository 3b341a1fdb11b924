// Which addresses the kernel is told of, and when.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/media/steering.h"

#include <stdlib.h>

static struct steering *steering_new(void) {
    struct steering *s = calloc(1, sizeof *s);
    assert_non_null(s);
    return s;
}

static void note(struct steering *s, uint32_t key, unsigned worker, bool publishes) {
    struct media_event event = {.type = MEDIA_STEER, .steer = {.key = key, .publishes = publishes}};
    steering_note(s, &event, worker);
}

static void gone(struct steering *s, uint32_t key, unsigned worker) {
    struct media_event event = {.type = MEDIA_STEER, .steer = {.key = key, .gone = true}};
    steering_note(s, &event, worker);
}

// -1: not there.
static int worker_of(const struct steering *s, uint32_t key) {
    const struct steering_family *f = &s->families[0];
    int found = -1;
    for (unsigned i = 0; i < f->count; i++) {
        if (i > 0 && f->entries[i - 1].key >= f->entries[i].key)
            fail_msg("entry %u does not ascend", i);
        if (f->entries[i].key == key)
            found = f->entries[i].socket;
    }
    return found;
}

static void addresses_come_move_and_go(void **state) {
    (void)state;
    struct steering *s = steering_new();
    static const uint32_t keys[] = {500, 3, UINT32_MAX, 0, 77};
    for (unsigned i = 0; i < 5; i++)
        note(s, keys[i], i, false);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(worker_of(s, keys[i]), i);
    note(s, 3, 9, false); // another peer has the address now
    assert_int_equal(worker_of(s, 3), 9);
    gone(s, 3, 1); // the one before is told late
    assert_int_equal(worker_of(s, 3), 9);
    gone(s, 3, 9);
    assert_int_equal(worker_of(s, 3), -1);
    gone(s, 12345, 0);
    assert_int_equal(s->families[0].count, 4);
    assert_int_equal(s->families[1].count, 0);
    free(s);
}

static void publishers_have_precedence_when_it_is_full(void **state) {
    (void)state;
    struct steering *s = steering_new();
    for (uint32_t i = 0; i < UDP_STEER_MAX; i++)
        note(s, i * 10, 1, i != 5);
    note(s, 7, 2, false);
    assert_int_equal(worker_of(s, 7), -1);
    note(s, 7, 2, true);
    assert_int_equal(worker_of(s, 7), 2);
    assert_int_equal(worker_of(s, 50), -1); // who only received
    note(s, 8, 2, true);
    assert_int_equal(worker_of(s, 8), -1); // all publish
    note(s, 20, 3, true);                  // who is there may still move
    assert_int_equal(worker_of(s, 20), 3);
    assert_int_equal(s->families[0].count, UDP_STEER_MAX);
    free(s);
}

static void programs_are_made_when_something_changed_and_not_too_often(void **state) {
    (void)state;
    struct steering *s = steering_new();
    uint64_t now_us = 1000 * STEERING_PERIOD_US;
    assert_false(steering_take(s, 0, now_us));
    note(s, 1, 1, false);
    assert_true(steering_take(s, 0, now_us));
    assert_false(steering_take(s, 0, now_us + STEERING_PERIOD_US)); // nothing new
    note(s, 1, 1, true);                                            // nor here
    assert_false(steering_take(s, 0, now_us + STEERING_PERIOD_US));
    note(s, 1, 2, true);
    assert_false(steering_take(s, 0, now_us + STEERING_PERIOD_US - 1));
    assert_true(steering_take(s, 0, now_us + STEERING_PERIOD_US));
    s->refused = true;
    note(s, 2, 2, true);
    assert_false(steering_take(s, 0, now_us + 9 * STEERING_PERIOD_US));
    free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_come_move_and_go),
        cmocka_unit_test(publishers_have_precedence_when_it_is_full),
        cmocka_unit_test(programs_are_made_when_something_changed_and_not_too_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
