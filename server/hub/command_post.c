#include "server/hub/command_post.h"

#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <stdlib.h>

#define CHUNK_COMMANDS 64

// Some of those that wait; freed when the last of them has left.
struct command_chunk {
    struct command_chunk *next;
    unsigned left, count; // the first `left` of `count` are gone
    struct media_cmd commands[CHUNK_COMMANDS];
};

void command_post_init(struct command_post *post, const struct hub_io *io, uint32_t waiting_max) {
    *post = (struct command_post){.io = *io, .waiting_max = waiting_max};
}

// ---- what waits for one worker

static void backlog_drop_chunk(struct command_backlog *backlog) {
    struct command_chunk *chunk = backlog->first;
    backlog->first = chunk->next;
    if (!backlog->first)
        backlog->last = NULL;
    free(chunk);
}

static void backlog_flush(struct command_post *post, unsigned worker) {
    struct command_backlog *backlog = &post->backlog[worker];
    while (backlog->count > 0) {
        struct command_chunk *chunk = backlog->first;
        assert(chunk->left < chunk->count);
        if (!post->io.post(post->io.ctx, worker, &chunk->commands[chunk->left]))
            return;
        if (++chunk->left == chunk->count)
            backlog_drop_chunk(backlog);
        backlog->count--;
        post->backlogged--;
    }
    assert(!backlog->first && !backlog->last);
}

// False without memory.
static bool backlog_add(struct command_post *post, unsigned worker, const struct media_cmd *cmd) {
    struct command_backlog *backlog = &post->backlog[worker];
    struct command_chunk *last = backlog->last;
    if (!last || last->count == CHUNK_COMMANDS) {
        struct command_chunk *chunk = malloc(sizeof *chunk);
        if (!chunk)
            return false;
        chunk->next = NULL;
        chunk->left = chunk->count = 0;
        *(last ? &last->next : &backlog->first) = chunk;
        backlog->last = last = chunk;
    }
    last->commands[last->count++] = *cmd;
    backlog->count++;
    post->backlogged++;
    return true;
}

void command_post_close(struct command_post *post) {
    for (unsigned w = 0; w < WORKERS_MAX; w++)
        while (post->backlog[w].first)
            backlog_drop_chunk(&post->backlog[w]);
}

// ---- all of them

// True when the worker has it; it does not overtake what waits.
static bool post_now(struct command_post *post, unsigned worker, const struct media_cmd *cmd) {
    assert(worker < WORKERS_MAX);
    backlog_flush(post, worker);
    return post->backlog[worker].count == 0 && post->io.post(post->io.ctx, worker, cmd);
}

bool command_post_try(struct command_post *post, unsigned worker, const struct media_cmd *cmd) {
    if (post_now(post, worker, cmd))
        return true;
    return post->backlog[worker].count < post->waiting_max && backlog_add(post, worker, cmd);
}

void command_post_surely(struct command_post *post, unsigned worker, const struct media_cmd *cmd) {
    if (post_now(post, worker, cmd) || backlog_add(post, worker, cmd))
        return;
    post->lost++;
    LOG_ERROR("command to worker lost", LOG_NUMBER("worker", worker), LOG_TEXT("reason", "no memory"));
}

// Counted from the last flush: were it from now, messages that keep coming would put it off for ever.
uint64_t command_post_next_us(const struct command_post *post) {
    return post->backlogged > 0 ? post->flushed_us + COMMAND_POST_RETRY_US : TIME_NEVER;
}

void command_post_flush(struct command_post *post, uint64_t now_us) {
    post->flushed_us = now_us;
    for (unsigned w = 0; w < WORKERS_MAX && post->backlogged > 0; w++)
        backlog_flush(post, w);
}
