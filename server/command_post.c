#include "server/command_post.h"

#include "base/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void command_post_init(struct command_post *post, const struct hub_io *io) {
    *post = (struct command_post){.io = *io};
}

void command_post_close(struct command_post *post) {
    for (unsigned w = 0; w < WORKERS_MAX; w++)
        free(post->backlog[w].commands);
}

static void backlog_flush(struct command_post *post, unsigned worker) {
    struct command_backlog *backlog = &post->backlog[worker];
    while (backlog->count > 0 && post->io.post(post->io.ctx, worker, &backlog->commands[backlog->first])) {
        backlog->first++;
        backlog->count--;
        post->backlogged--;
    }
    if (backlog->count == 0)
        backlog->first = 0;
}

bool command_post_try(struct command_post *post, unsigned worker, const struct media_cmd *cmd) {
    assert(worker < WORKERS_MAX);
    backlog_flush(post, worker);
    return post->backlog[worker].count == 0 && post->io.post(post->io.ctx, worker, cmd);
}

static bool backlog_grow(struct command_backlog *backlog) {
    if (backlog->first > 0) {
        memmove(backlog->commands, backlog->commands + backlog->first,
                backlog->count * sizeof *backlog->commands);
        backlog->first = 0;
        return true;
    }
    size_t allocated = backlog->allocated ? backlog->allocated * 2 : 16;
    struct media_cmd *commands = realloc(backlog->commands, allocated * sizeof *commands);
    if (!commands)
        return false;
    backlog->commands = commands;
    backlog->allocated = allocated;
    return true;
}

void command_post_surely(struct command_post *post, unsigned worker, const struct media_cmd *cmd) {
    if (command_post_try(post, worker, cmd))
        return;
    struct command_backlog *backlog = &post->backlog[worker];
    if (backlog->first + backlog->count == backlog->allocated && !backlog_grow(backlog)) {
        post->lost++;
        LOG_ERROR("command to worker lost", LOG_NUMBER("worker", worker), LOG_TEXT("reason", "no memory"));
        return;
    }
    backlog->commands[backlog->first + backlog->count++] = *cmd;
    post->backlogged++;
}

void command_post_flush(struct command_post *post) {
    for (unsigned w = 0; w < WORKERS_MAX && post->backlogged > 0; w++)
        backlog_flush(post, w);
}
