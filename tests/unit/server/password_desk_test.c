// The thread that verifies passwords (pthread_create): answers, and that what waits is bounded.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "server/password_desk.h"

#define HASH "$2b$04$abcdefghijklmnopqrstuuSQzWmt8HusakwD2pvgR3ozkfKxMd.Q2"

static sem_t answered;

static void wake(void *ctx) {
    assert_true(ctx == &answered);
    sem_post(&answered);
}

static struct password_question from(const char *address, uint32_t client) {
    struct password_question question = {.client = client, .ticket = client + 100, .moderator = client == 2};
    assert_true(net_address_parse(address, strlen(address), &question.address));
    return question;
}

static void questions_are_answered(void **state) {
    (void)state;
    struct password_question one = from("192.0.2.1", 1), two = from("192.0.2.1", 2), got;
    sem_init(&answered, 0, 0);
    struct password_desk *desk = password_desk_open(wake, &answered);
    assert_non_null(desk);
    assert_false(password_desk_take(desk, &got));
    assert_true(password_desk_ask(desk, &one, "garden gnome", HASH));
    assert_true(password_desk_ask(desk, &two, "garden dwarf", HASH));
    for (unsigned i = 0; i < 2; i++) {
        sem_wait(&answered);
        assert_true(password_desk_take(desk, &got));
        assert_int_equal(got.client, i + 1);
        assert_int_equal(got.ticket, i + 101);
        assert_int_equal(got.moderator, i == 1);
        assert_int_equal(got.right, i == 0);
    }
    password_desk_close(desk);
    sem_destroy(&answered);
}

static void what_waits_is_bounded(void **state) {
    (void)state;
    char address[40];
    struct password_question got;
    unsigned taken = 0;
    sem_init(&answered, 0, 0);
    struct password_desk *desk = password_desk_open(wake, &answered);
    assert_non_null(desk);
    for (unsigned i = 0; i < 20; i++) { // an IPv6 address counts by its /64
        snprintf(address, sizeof address, "2001:db8::%x", i + 1);
        struct password_question question = from(address, i + 1);
        taken += password_desk_ask(desk, &question, "x", HASH);
    }
    assert_int_equal(taken, PASSWORD_WAITING_PER_ADDRESS_MAX);
    for (unsigned i = 0; i < 100; i++) { // others are not kept out by it
        snprintf(address, sizeof address, "192.0.2.%u", i + 1);
        struct password_question question = from(address, i + 21);
        taken += password_desk_ask(desk, &question, "x", HASH);
    }
    assert_int_equal(taken, PASSWORD_WAITING_MAX);
    sem_wait(&answered);
    assert_true(password_desk_take(desk, &got)); // there is room for one more
    struct password_question question = from("192.0.2.200", 200);
    assert_true(password_desk_ask(desk, &question, "x", HASH));
    char longest[1024];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    sem_wait(&answered);
    assert_true(password_desk_take(desk, &got));
    assert_false(password_desk_ask(desk, &question, longest, HASH));
    password_desk_close(desk); // with most of them unanswered
    sem_destroy(&answered);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_are_answered),
        cmocka_unit_test(what_waits_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
