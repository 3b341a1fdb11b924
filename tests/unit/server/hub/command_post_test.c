// Commands wait in order for a worker that takes none; what may be refused waits up to a limit.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "server/hub/command_post.h"

#define COMMANDS 2000

struct queue {
    uint32_t refusals; // of the next commands, whatever the space
    uint32_t space;    // commands that it takes now
    uint32_t got[COMMANDS];
    uint32_t count;
};

static bool post(void *ctx, unsigned worker, const struct media_cmd *cmd) {
    struct queue *queue = &((struct queue *)ctx)[worker];
    if (queue->refusals > 0) {
        queue->refusals--;
        return false;
    }
    if (queue->space == 0)
        return false;
    queue->space--;
    assert_true(queue->count < COMMANDS);
    queue->got[queue->count++] = cmd->transport.v;
    return true;
}

static struct command_post *post_to(struct queue *queues, uint32_t waiting_max) {
    static struct command_post commands;
    struct hub_io io = {.ctx = queues, .post = post};
    command_post_init(&commands, &io, waiting_max);
    return &commands;
}

static bool ask(struct command_post *commands, unsigned worker, uint32_t n) {
    return command_post_try(commands, worker,
                            &(struct media_cmd){.type = MEDIA_OPEN_TRANSPORT, .transport = {n}});
}

static void must(struct command_post *commands, unsigned worker, uint32_t n) {
    command_post_surely(commands, worker,
                        &(struct media_cmd){.type = MEDIA_CLOSE_TRANSPORT, .transport = {n}});
}

static void assert_in_order(const struct queue *queue, uint32_t count) {
    assert_int_equal(queue->count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(queue->got[i], i + 1);
}

// Both kinds, with a queue that takes some each round, as a worker does.
static void order_is_kept_through_a_full_queue(void **state) {
    (void)state;
    static struct queue queues[2];
    struct command_post *commands = post_to(queues, COMMANDS);
    uint32_t next = 1;
    for (uint32_t round = 0; round < 100; round++) {
        queues[0].space = round % 17;
        for (uint32_t i = 0; i < 15; i++, next++) {
            if (next % 3)
                assert_true(ask(commands, 0, next));
            else
                must(commands, 0, next);
        }
        assert_int_equal(commands->backlogged + queues[0].count, next - 1);
    }
    assert_true(commands->backlogged > 0);
    queues[1].space = 1; // another worker is not concerned
    assert_true(ask(commands, 1, 7));
    assert_int_equal(queues[1].got[0], 7);
    queues[0].space = COMMANDS;
    command_post_flush(commands, 1);
    assert_int_equal(commands->backlogged, 0);
    assert_in_order(&queues[0], next - 1);
    command_post_close(commands);
}

// The worker, on its own thread, takes some just between two looks at its queue.
static void nothing_overtakes_what_was_refused_a_moment_ago(void **state) {
    (void)state;
    struct queue queues[1] = {{.refusals = 1, .space = 10}};
    struct command_post *commands = post_to(queues, 10);
    for (uint32_t i = 1; i <= 4; i++) {
        if (i % 2)
            assert_true(ask(commands, 0, i));
        else
            must(commands, 0, i);
        queues[0].refusals = 1;
    }
    queues[0].refusals = 0;
    assert_true(ask(commands, 0, 5));
    assert_in_order(&queues[0], 5);
    command_post_close(commands);
}

static void the_limit_is_each_workers_own_and_not_for_what_must_happen(void **state) {
    (void)state;
    static const uint32_t limits[] = {0, 1, 64, 65, 1000};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct queue queues[2] = {0};
        uint32_t next = 1;
        struct command_post *commands = post_to(queues, limits[i]);
        for (; next <= limits[i]; next++)
            assert_true(ask(commands, 0, next));
        assert_false(ask(commands, 0, UINT32_MAX));
        must(commands, 0, next++);
        assert_false(ask(commands, 0, UINT32_MAX));
        assert_int_equal(ask(commands, 1, 1), limits[i] > 0);
        queues[0].space = 3; // the two that are over the limit of 0 or 1, and one more
        bool room = limits[i] <= 1 || next - 1 - 3 < limits[i];
        assert_int_equal(ask(commands, 0, next), room);
        next += room;
        queues[0].space = COMMANDS;
        command_post_flush(commands, 1);
        assert_in_order(&queues[0], next - 1);
        command_post_close(commands);
    }
}

// Were the time counted from each message, a steady stream of them would put off for ever what waits.
static void what_waits_is_tried_again_soon_whatever_else_happens(void **state) {
    (void)state;
    struct queue queues[2] = {0};
    struct command_post *commands = post_to(queues, 10);
    uint64_t now_us = 7 * US_PER_SECOND;
    assert_true(command_post_next_us(commands) == TIME_NEVER);
    assert_true(ask(commands, 0, 1));
    assert_true(command_post_next_us(commands) <= now_us);
    command_post_flush(commands, now_us);
    assert_int_equal(command_post_next_us(commands), now_us + COMMAND_POST_RETRY_US);
    queues[1].space = 100;
    for (uint32_t i = 1; i <= 100; i++) {
        assert_true(ask(commands, 1, i));
        assert_int_equal(command_post_next_us(commands), now_us + COMMAND_POST_RETRY_US);
    }
    queues[0].space = 1;
    command_post_flush(commands, now_us + COMMAND_POST_RETRY_US);
    assert_int_equal(queues[0].count, 1);
    assert_true(command_post_next_us(commands) == TIME_NEVER);
    command_post_close(commands);
}

static void what_still_waits_is_freed(void **state) {
    (void)state;
    struct queue queues[1] = {0};
    struct command_post *commands = post_to(queues, COMMANDS);
    for (uint32_t i = 1; i <= 200; i++)
        assert_true(ask(commands, 0, i));
    assert_int_equal(commands->backlogged, 200);
    command_post_close(commands);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_kept_through_a_full_queue),
        cmocka_unit_test(nothing_overtakes_what_was_refused_a_moment_ago),
        cmocka_unit_test(the_limit_is_each_workers_own_and_not_for_what_must_happen),
        cmocka_unit_test(what_waits_is_tried_again_soon_whatever_else_happens),
        cmocka_unit_test(what_still_waits_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
