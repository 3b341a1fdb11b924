// announced: the names among the announced addresses, while the server runs: what they stand for now goes to
// the hub.
//
// Control thread.
#ifndef SERVER_ANNOUNCED_H
#define SERVER_ANNOUNCED_H

#include "server/config/announce.h"
#include "server/config/announce_watch.h"
#include "server/hub/hub.h"

struct control_loop;

// A watch over the names in the settings, which wakes the loop when it has something. NULL: no memory.
struct announce_watch *announced_watch(const struct announce *announce, const struct config *config,
                                       struct control_loop *loop);
// After the loop was woken: what has changed goes into `announce`, the hub and the log.
void announced_take(struct announce_watch *watch, struct announce *announce, const struct config *config,
                    struct hub *hub);

#endif
