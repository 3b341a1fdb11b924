// What moderators do with people and with the room.
#include "base/log.h"
#include "server/hub/hub_internal.h"

#include <string.h>

#define NOTICE_BYTES 128 // of what the room hears, without names

static bool moderates(const struct participant *me, const char *what, struct hub_refusal *refusal) {
    return hub_allowed(me, RIGHT_ADMIN, what, refusal);
}

bool hub_kick(struct hub *hub, struct participant *me, const char *target, const char *words,
              struct public_id *id, struct hub_refusal *refusal) {
    if (!moderates(me, "put others out of the room", refusal) || !hub_words_fit(words, refusal))
        return false;
    struct participant *who = hub_find_other(me, target, refusal);
    if (!who)
        return false;
    *id = who->id;
    hub_put_out(hub, who, "kicked", me, words);
    return true;
}

// ---- muting

// How many of its producers it paused.
static uint32_t mute(struct hub *hub, struct participant *who, enum media_kind kind,
                     const struct participant *by) {
    uint32_t count = 0;
    LIST_EACH(t, &who->transports) {
        LIST_EACH(p, &LIST_ENTRY(t, struct room_transport, link)->producers) {
            struct room_producer *producer = LIST_ENTRY(p, struct room_producer, link);
            if (producer->kind != kind || producer->paused)
                continue;
            hub_set_producer_paused(hub, producer, true);
            count++;
        }
    }
    if (count > 0)
        hub->events.muted(hub->events.ctx, who, kind, by);
    return count;
}

struct participant *hub_mute(struct hub *hub, struct participant *me, const char *target,
                             enum media_kind kind, struct hub_refusal *refusal) {
    struct participant *who =
        moderates(me, "mute others", refusal) ? hub_find_other(me, target, refusal) : NULL;
    if (!who || !hub_spend_notice(hub, me, NOTICE_BYTES, refusal))
        return NULL;
    mute(hub, who, kind, me);
    return who;
}

bool hub_mute_all(struct hub *hub, struct participant *me, enum media_kind kind, uint32_t *count,
                  struct hub_refusal *refusal) {
    *count = 0;
    if (!moderates(me, "mute others", refusal) || !hub_spend_notice(hub, me, NOTICE_BYTES, refusal))
        return false;
    LIST_EACH(node, &me->room->participants) {
        struct participant *who = LIST_ENTRY(node, struct participant, link);
        if (who != me && !(who->rights & RIGHT_ADMIN))
            *count += mute(hub, who, kind, me) > 0;
    }
    return true;
}

// ---- the room

bool hub_lock(struct hub *hub, struct participant *me, bool locked, struct hub_refusal *refusal) {
    if (!moderates(me, locked ? "lock the room" : "unlock the room", refusal))
        return false;
    if (me->room->locked == locked)
        return true;
    if (!hub_spend_notice(hub, me, NOTICE_BYTES, refusal))
        return false;
    me->room->locked = locked;
    hub->events.room_locked(hub->events.ctx, me->room, me);
    return true;
}

bool hub_set_recording(struct hub *hub, struct participant *me, bool on, struct hub_refusal *refusal) {
    if (!hub_allowed(me, RIGHT_RECORD, on ? "have the room recorded" : "end a recording", refusal))
        return false;
    if (!hub->io.record)
        return hub_refuse(refusal, HUB_UNSUPPORTED, "this server records nothing");
    return hub->io.record(hub->io.ctx, me->room, on, refusal);
}

bool hub_close_room(struct hub *hub, struct participant *me, const char *words, struct hub_refusal *refusal) {
    if (!moderates(me, "close the room", refusal) || !hub_words_fit(words, refusal))
        return false;
    hub_end_knocks(hub, me->room, "room-closed", me);
    LIST_EACH(node, &me->room->participants) {
        struct participant *who = LIST_ENTRY(node, struct participant, link);
        if (who != me)
            hub_put_out(hub, who, "room-closed", me, words);
    }
    hub_leave(hub, me, "room-closed");
    return true;
}
