// command_post: commands on their way from the hub to the workers.
//
// A worker's queue is short. What it does not take now waits here, in order, and is tried again with the next
// command for this worker, and each COMMAND_POST_RETRY_US. So a hundred people who come at once are answered
// at once, while the workers catch up. What a client asks for may wait behind `waiting_max` commands of its
// worker and is refused beyond that; what must happen (closing things) is never refused. Its number is
// bounded by what is open: one object is closed once. Memory: sizeof(struct media_cmd) for each that waits,
// given back as they leave.
//
// No one client fills it: it may ask ten seconds' worth of messages at once (hub_limits), a
// thousand by default, and then some a second.
#ifndef SERVER_COMMAND_POST_H
#define SERVER_COMMAND_POST_H

#include "server/hub/hub.h"

struct command_chunk;

struct command_backlog {
    struct command_chunk *first, *last;
    uint32_t count;
};

struct command_post {
    struct hub_io io;
    uint32_t waiting_max; // of one worker
    uint32_t backlogged;  // commands over all workers
    uint64_t lost;        // without memory to wait
    uint64_t flushed_us;
    struct command_backlog backlog[WORKERS_MAX];
};

// A worker needs longer than this to empty a full queue (about 5 us a consumer), so none runs dry meanwhile.
#define COMMAND_POST_RETRY_US (5 * UINT64_C(1000))

void command_post_init(struct command_post *post, const struct hub_io *io, uint32_t waiting_max);
void command_post_close(struct command_post *post);

// Now or later. False: too many wait for the worker, or there is no memory to wait; nothing has happened.
MUST_USE bool command_post_try(struct command_post *post, unsigned worker, const struct media_cmd *cmd);
// The same for what must happen, however many wait.
void command_post_surely(struct command_post *post, unsigned worker, const struct media_cmd *cmd);

// When to call command_post_flush, which tries what waits again; TIME_NEVER: nothing does.
uint64_t command_post_next_us(const struct command_post *post);
void command_post_flush(struct command_post *post, uint64_t now_us);

#endif
