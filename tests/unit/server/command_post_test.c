// Commands that must arrive wait, in order, and hold back what may be refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/command_post.h"

#define COMMANDS 2000

struct queue {
    uint32_t space; // commands that it takes now
    uint32_t got[COMMANDS];
    uint32_t count;
};

static bool post(void *ctx, unsigned worker, const struct media_cmd *cmd) {
    struct queue *queue = &((struct queue *)ctx)[worker];
    if (queue->space == 0)
        return false;
    queue->space--;
    queue->got[queue->count++] = cmd->transport.v;
    return true;
}

static struct media_cmd numbered(uint32_t n) {
    return (struct media_cmd){.type = MEDIA_CLOSE_TRANSPORT, .transport = {n}};
}

static void order_is_kept_through_a_full_queue(void **state) {
    (void)state;
    static struct queue queues[2];
    struct command_post commands;
    struct hub_io io = {.ctx = queues, .post = post};
    command_post_init(&commands, &io);
    uint32_t next = 1;
    for (uint32_t round = 0; round < 100; round++) {
        queues[0].space = round % 7;
        for (uint32_t i = 0; i < 10; i++, next++) {
            struct media_cmd cmd = numbered(next);
            command_post_surely(&commands, 0, &cmd);
        }
        // what may be refused does not overtake
        struct media_cmd late = numbered(UINT32_MAX);
        assert_false(command_post_try(&commands, 0, &late));
        assert_int_equal(commands.backlogged + queues[0].count, next - 1);
    }
    // another worker is not concerned
    queues[1].space = 1;
    struct media_cmd other = numbered(7);
    assert_true(command_post_try(&commands, 1, &other));
    queues[0].space = COMMANDS;
    command_post_flush(&commands);
    assert_int_equal(commands.backlogged, 0);
    assert_int_equal(queues[0].count, next - 1);
    for (uint32_t i = 0; i < queues[0].count; i++)
        assert_int_equal(queues[0].got[i], i + 1);
    assert_true(command_post_try(&commands, 0, &other));
    command_post_close(&commands);
}

static void what_still_waits_is_freed(void **state) {
    (void)state;
    struct queue queues[1] = {0};
    struct command_post commands;
    struct hub_io io = {.ctx = queues, .post = post};
    command_post_init(&commands, &io);
    struct media_cmd cmd = numbered(1);
    command_post_surely(&commands, 0, &cmd);
    assert_int_equal(commands.backlogged, 1);
    command_post_close(&commands);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_kept_through_a_full_queue),
        cmocka_unit_test(what_still_waits_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
