#include "server/hub/hub_data_post.h"

#include "base/clock.h"
#include "base/log.h"
#include "server/hub/command_post.h"

#include <stdlib.h>

struct waiting_command {
    struct list link;
    struct data_cmd cmd;
};

void hub_data_post_init(struct hub_data_post *post, const struct hub_io *io, uint32_t waiting_max) {
    *post = (struct hub_data_post){.io = *io, .waiting_max = waiting_max};
    list_init(&post->waiting);
}

static void drop_first(struct hub_data_post *post) {
    struct waiting_command *first = LIST_ENTRY(post->waiting.next, struct waiting_command, link);
    list_remove(&first->link);
    free(first);
    post->count--;
}

void hub_data_post_close(struct hub_data_post *post) {
    while (!list_empty(&post->waiting))
        drop_first(post);
}

static bool take(struct hub_data_post *post, const struct data_cmd *cmd) {
    return post->io.post_data && post->io.post_data(post->io.ctx, cmd);
}

// True when the worker has it; it does not overtake what waits.
static bool now(struct hub_data_post *post, const struct data_cmd *cmd) {
    while (!list_empty(&post->waiting)) {
        if (!take(post, &LIST_ENTRY(post->waiting.next, struct waiting_command, link)->cmd))
            return false;
        drop_first(post);
    }
    return cmd && take(post, cmd);
}

static bool later(struct hub_data_post *post, const struct data_cmd *cmd) {
    struct waiting_command *waiting = malloc(sizeof *waiting);
    if (!waiting)
        return false;
    waiting->cmd = *cmd;
    list_init(&waiting->link);
    list_push_back(&post->waiting, &waiting->link);
    post->count++;
    return true;
}

bool hub_data_post_try(struct hub_data_post *post, const struct data_cmd *cmd) {
    return now(post, cmd) || (post->count < post->waiting_max && later(post, cmd));
}

void hub_data_post_surely(struct hub_data_post *post, const struct data_cmd *cmd) {
    if (now(post, cmd) || later(post, cmd))
        return;
    post->lost++;
    LOG_ERROR("command to the data worker lost", LOG_TEXT("reason", "no memory"));
}

uint64_t hub_data_post_next_us(const struct hub_data_post *post) {
    return post->count > 0 ? post->flushed_us + COMMAND_POST_RETRY_US : TIME_NEVER;
}

void hub_data_post_flush(struct hub_data_post *post, uint64_t now_us) {
    post->flushed_us = now_us;
    (void)now(post, NULL);
}
