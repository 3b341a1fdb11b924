#include "server/announced.h"

#include "base/clock.h"
#include "base/log.h"
#include "server/common/name_lookup.h"
#include "server/control_loop.h"

#include <stdio.h>
#include <string.h>

struct announce_watch *announced_watch(const struct announce *announce, const struct config *config,
                                       struct control_loop *loop) {
    struct announce_watch_config watch = {.settings = config,
                                          .known = announce->names,
                                          .lookup = name_lookup,
                                          .wake = control_loop_wake,
                                          .ctx = loop};
    return announce_watch_create(&watch, clock_now_us());
}

static void hub_take(struct hub *hub, const struct announce *announce) {
    char list[HUB_ANNOUNCE_MAX][ANNOUNCE_TEXT_MAX], text[HUB_ANNOUNCE_MAX * ANNOUNCE_TEXT_MAX] = "";
    for (unsigned i = 0, len = 0; i < announce->count; i++) {
        memcpy(list[i], announce->list[i].text, sizeof list[i]);
        len += (unsigned)snprintf(text + len, sizeof text - len, "%s%s", i ? "," : "", list[i]);
    }
    hub_announce(hub, (const char(*)[ANNOUNCE_TEXT_MAX])list, announce->count);
    LOG_INFO("announced addresses changed", LOG_TEXT("addresses", text));
}

void announced_take(struct announce_watch *watch, struct announce *announce, const struct config *config,
                    struct hub *hub) {
    struct announce_names names;
    if (!announce_watch_take(watch, &names))
        return;
    struct stun_seen seen = announce->seen;
    announce_make(announce, config, &seen, &names);
    hub_take(hub, announce);
}
