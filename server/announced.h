// announced: the list of announced addresses while the server runs, and what the names among them stand for
// now.
//
// Control thread.
#ifndef SERVER_ANNOUNCED_H
#define SERVER_ANNOUNCED_H

#include "server/config/announce.h"
#include "server/config/announce_watch.h"

struct control_loop;

// A watch over the names in the settings, which wakes the loop when it has something. NULL: no memory.
struct announce_watch *announced_watch(const struct announce *announce, const struct config *config,
                                       struct control_loop *loop);
// After the loop was woken: takes what names stand for now. As announced_replace.
bool announced_take(struct announce_watch *watch, struct announce *announce, const struct config *config,
                    bool *outside);
// Puts `now` in the place of `announce`. True when it announces something else, which is logged; outside: and
// not in the machine's own networks alone.
bool announced_replace(struct announce *announce, const struct announce *now, const struct config *config,
                       bool *outside);

#endif
