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

static void list_log(const struct announce *announce) {
    char list[HUB_ANNOUNCE_MAX * (ANNOUNCE_TEXT_MAX + 1)] = "";
    size_t len = 0;
    for (unsigned i = 0; i < announce->count; i++)
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", i ? "," : "", announce->list[i].text);
    LOG_INFO("announced addresses changed", LOG_TEXT("addresses", list));
}

bool announced_replace(struct announce *announce, const struct announce *now, const struct config *config,
                       bool *outside) {
    bool same = announce_equal(now, announce, false);
    *outside = !announce_equal(now, announce, true);
    *announce = *now;
    if (same)
        return false;
    list_log(announce);
    announce_log(announce, config);
    return true;
}

bool announced_take(struct announce_watch *watch, struct announce *announce, const struct config *config,
                    bool *outside) {
    struct announce_names names;
    struct announce now;
    if (!announce_watch_take(watch, &names))
        return false;
    announce_make(&now, config, &announce->seen, &names);
    return announced_replace(announce, &now, config, outside);
}
