// What tokens let participants do, and for how long.
#include "base/log.h"
#include "server/hub/hub_internal.h"

#include <string.h>

static void grants_end(struct wheel_node *node, uint64_t now_us) {
    (void)now_us;
    struct participant *me = LIST_ENTRY(node, struct participant, grants_timer);
    struct hub *hub = hub_of(me->room);
    hub->events.removed(hub->events.ctx, me, "token-expired", NULL, NULL);
    hub_leave(hub, me, "token-expired");
}

// The token's end is a time of day, timers run on the other clock: both are read now.
static void arm(struct hub *hub, struct participant *me, uint64_t ends_s) {
    uint64_t wall_us = hub_wall_us(hub), end_us = ends_s * US_PER_SECOND;
    uint64_t until_us = (end_us > wall_us ? end_us : wall_us) + GRANTS_GRACE_US;
    uint64_t last_us = end_us + GRANTS_PAST_US_MAX;
    until_us = until_us < last_us ? until_us : last_us;
    wheel_node_init(&me->grants_timer, grants_end);
    wheel_arm(&hub->wheel, &me->grants_timer, hub->now_us + (until_us > wall_us ? until_us - wall_us : 0));
}

void hub_take_grants(struct hub *hub, struct participant *me, const struct grants *grants) {
    wheel_cancel(&hub->wheel, &me->grants_timer);
    me->rights = me->rights_assigned ? me->assigned_rights
                 : grants            ? grants->rights
                                     : (unsigned)RIGHTS_ALL | RIGHT_METADATA;
    if (!grants)
        return;
    memcpy(me->identity, grants->identity, sizeof me->identity);
    if (me->hidden)
        me->rights &= (unsigned)RIGHT_SUBSCRIBE;
    hub_set_recorder(hub, me, grants->recorder);
    if (grants->ends_s)
        arm(hub, me, grants->ends_s);
}

// ---- a new token

// Closes what it sends without a right to.
static void close_producers(struct hub *hub, struct participant *me) {
    LIST_EACH(t, &me->transports) {
        LIST_EACH(p, &LIST_ENTRY(t, struct room_transport, link)->producers) {
            struct room_producer *producer = LIST_ENTRY(p, struct room_producer, link);
            if (me->rights & producer->source)
                continue;
            hub->events.producer_taken(hub->events.ctx, producer, "forbidden");
            hub_drop_producer(hub, producer, true);
        }
    }
}

static void close_consumers(struct hub *hub, struct participant *me) {
    LIST_EACH(t, &me->transports) {
        LIST_EACH(c, &LIST_ENTRY(t, struct room_transport, link)->consumers)
        hub_drop_consumer(hub, LIST_ENTRY(c, struct room_consumer, link), "forbidden", false);
    }
}

void hub_apply_rights(struct hub *hub, struct participant *me, unsigned rights) {
    me->rights = rights;
    close_producers(hub, me);
    if (!(rights & RIGHT_SUBSCRIBE))
        close_consumers(hub, me);
    hub_apply_data_rights(hub, me);
}

bool hub_update_grants(struct hub *hub, struct participant *me, const struct grants *grants,
                       struct hub_refusal *refusal) {
    char room[ROOM_NAME_BYTES_MAX + 1];
    if (strcmp(me->identity, grants->identity) != 0)
        return hub_refuse(refusal, HUB_FORBIDDEN,
                          "the token is somebody else's; leave-room, then join with it");
    if (!hub_read_name("video.room", grants->room, ROOM_NAME_CHARS_MAX, room, refusal))
        return false;
    if (strcmp(room, me->room->name) != 0)
        return hub_refuse(refusal, HUB_FORBIDDEN,
                          "the token is for another room; leave-room, then join with it");
    if (grants->hidden != me->hidden && !me->hidden_assigned)
        return hub_refuse(
            refusal, HUB_FORBIDDEN,
            "the token says otherwise whether its bearer is hidden; leave-room, then join with it");
    if (!hub_recorder_may_enter(hub, room, grants, refusal))
        return false;
    hub_take_grants(hub, me, grants);
    hub_apply_rights(hub, me, me->rights);
    return true;
}
