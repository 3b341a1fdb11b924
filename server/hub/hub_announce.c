// Where media is sent to, when that changes.
#include "server/hub/hub_internal.h"

#include <assert.h>
#include <string.h>

static void offer_to(struct hub *hub, const struct participant *participant) {
    LIST_EACH(node, &participant->transports)
    hub_offer_ice(hub, LIST_ENTRY(node, struct room_transport, link));
}

void hub_set_announce(struct hub *hub, const char (*announce)[46], unsigned count, bool offer,
                      uint64_t now_us) {
    assert(count >= 1 && count <= HUB_ANNOUNCE_MAX);
    hub->config.announce_count = count;
    memcpy(hub->config.announce, announce, count * sizeof *announce);
    hub_set_time(hub, now_us);
    if (!offer)
        return;
    LIST_EACH(node, &hub->directory.rooms) {
        LIST_EACH(p, &LIST_ENTRY(node, struct room, link)->participants)
        offer_to(hub, LIST_ENTRY(p, struct participant, link));
    }
}
