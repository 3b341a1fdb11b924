// command_post: commands on their way from the hub to the workers.
//
// What a client asked for may be refused when a worker's queue is full; what must happen (closing things) may
// not: it waits here, in order, and is tried again. While a worker has such a backlog nothing new is asked of
// it, so the order of commands is kept. The backlog is bounded by what is open: one object is closed once.
#ifndef SERVER_COMMAND_POST_H
#define SERVER_COMMAND_POST_H

#include "server/hub.h"

struct command_backlog {
    struct media_cmd *commands;
    size_t first, count, allocated;
};

struct command_post {
    struct hub_io io;
    uint32_t backlogged; // commands over all workers
    uint64_t lost;       // without memory to wait
    struct command_backlog backlog[WORKERS_MAX];
};

#define COMMAND_POST_RETRY_US (5 * UINT64_C(1000))

void command_post_init(struct command_post *post, const struct hub_io *io);
void command_post_close(struct command_post *post);

// False: the worker takes nothing now.
MUST_USE bool command_post_try(struct command_post *post, unsigned worker, const struct media_cmd *cmd);
// Now or later.
void command_post_surely(struct command_post *post, unsigned worker, const struct media_cmd *cmd);
// Tries the backlog again.
void command_post_flush(struct command_post *post);

#endif
