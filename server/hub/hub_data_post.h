// hub_data_post: commands on their way to the data worker. What its queue does not take now waits here, in
// order, as those for media workers do (server/hub/command_post.h).
#ifndef SERVER_HUB_DATA_POST_H
#define SERVER_HUB_DATA_POST_H

#include "server/hub/hub.h"

#include "base/list.h"

struct hub_data_post {
    struct hub_io io;
    uint32_t waiting_max, count;
    struct list waiting;
    uint64_t flushed_us, lost;
};

void hub_data_post_init(struct hub_data_post *post, const struct hub_io *io, uint32_t waiting_max);
void hub_data_post_close(struct hub_data_post *post);
// Now or later. False: too many wait, or there is no memory to wait; nothing has happened.
MUST_USE bool hub_data_post_try(struct hub_data_post *post, const struct data_cmd *cmd);
void hub_data_post_surely(struct hub_data_post *post, const struct data_cmd *cmd); // what must happen
uint64_t
hub_data_post_next_us(const struct hub_data_post *post); // of hub_data_post_flush; TIME_NEVER: nothing waits
void hub_data_post_flush(struct hub_data_post *post, uint64_t now_us);

#endif
