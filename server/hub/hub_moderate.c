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
    if (!moderates(me, "remove others from the room", refusal) || !hub_words_fit(words, refusal))
        return false;
    struct participant *who = hub_find_other(me, target, refusal);
    if (!who)
        return false;
    *id = who->id;
    hub_put_out(hub, who, "kicked", me, words);
    return true;
}

// ---- muting

// How many of its producers were paused.
static uint32_t pause_all(struct hub *hub, const struct participant *who, enum media_kind kind) {
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
    return count;
}

bool hub_hold(struct hub *hub, struct participant *who, enum media_kind kind, bool held,
              const struct participant *by, struct hub_refusal *refusal) {
    unsigned bit = 1U << kind, now = held ? who->held | bit : who->held & ~bit;
    if (now == who->held)
        return true;
    if (!hub_keep_held(hub, who, now, refusal))
        return false;
    LOG_INFO(held ? "participant held muted" : "participant may unmute", LOG_TEXT("room", who->room->name),
             LOG_TEXT("user", who->name), LOG_TEXT("userId", who->id.text),
             LOG_TEXT("kind", media_kind_name(kind)), LOG_TEXT("by", by ? by->name : "operator"));
    hub->events.held_changed(hub->events.ctx, who, by);
    return true;
}

// Whether it sent something. It is told of each mute that changes anything for it.
static bool mute(struct hub *hub, struct participant *who, enum media_kind kind, bool was_held,
                 const struct participant *by) {
    uint32_t count = pause_all(hub, who, kind);
    if (count > 0 || was_held != participant_is_held(who, kind))
        hub->events.muted(hub->events.ctx, who, kind, by);
    return count > 0;
}

struct participant *hub_mute(struct hub *hub, struct participant *me, const char *target,
                             enum media_kind kind, bool hold, struct hub_refusal *refusal) {
    struct participant *who =
        moderates(me, "mute others", refusal) ? hub_find_other(me, target, refusal) : NULL;
    if (!who || !hub_spend_notice(hub, me, NOTICE_BYTES, refusal))
        return NULL;
    bool was_held = participant_is_held(who, kind);
    if (hold && !hub_hold(hub, who, kind, true, me, refusal))
        return NULL;
    mute(hub, who, kind, was_held, me);
    return who;
}

struct participant *hub_allow_unmute(struct hub *hub, struct participant *me, const char *target,
                                     enum media_kind kind, struct hub_refusal *refusal) {
    struct participant *who =
        moderates(me, "let others unmute", refusal) ? hub_find_other(me, target, refusal) : NULL;
    if (!who || !hub_spend_notice(hub, me, NOTICE_BYTES, refusal) ||
        !hub_hold(hub, who, kind, false, me, refusal))
        return NULL;
    return who;
}

static bool is_muted_with_all(const struct participant *who, const struct participant *me) {
    return who != me && !(who->rights & RIGHT_ADMIN);
}

// Whether all of them can be held: else none is.
static bool may_hold_all(const struct participant *me, enum media_kind kind, struct hub_refusal *refusal) {
    uint32_t more = 0;
    LIST_EACH(node, &me->room->participants) {
        const struct participant *who = LIST_ENTRY(node, struct participant, link);
        more += is_muted_with_all(who, me) && !participant_is_held(who, kind) && !hub_is_kept(who);
    }
    return hub_may_keep(me->room, more, refusal);
}

bool hub_mute_all(struct hub *hub, struct participant *me, enum media_kind kind, bool hold, uint32_t *count,
                  struct hub_refusal *refusal) {
    *count = 0;
    if (!moderates(me, "mute others", refusal) || (hold && !may_hold_all(me, kind, refusal)) ||
        !hub_spend_notice(hub, me, NOTICE_BYTES, refusal))
        return false;
    LIST_EACH(node, &me->room->participants) {
        struct participant *who = LIST_ENTRY(node, struct participant, link);
        bool was_held = participant_is_held(who, kind);
        if (!is_muted_with_all(who, me))
            continue;
        if (hold && !hub_hold(hub, who, kind, true, me, refusal))
            return false;
        *count += mute(hub, who, kind, was_held, me);
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
    if (on && !hub_may_be_recorded(hub, me->room, refusal))
        return false;
    if (!(hub_rights(hub, me) & RIGHT_RECORD))
        return hub_refuse(refusal, HUB_FORBIDDEN, "neither your token nor this room's settings let you %s",
                          on ? "have the room recorded" : "end a recording");
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
