// As what an operator has somebody appear to the others in its room: its name, and whether they see it at
// all.
#include "base/log.h"
#include "server/hub/hub_internal.h"
#include "server/hub/hub_operate.h"

#include <string.h>

static bool name_is_free(const struct participant *who, const char *name, struct hub_refusal *refusal) {
    const struct participant *namesake = room_find_target(who->room, name);
    return !namesake || namesake == who ||
           hub_refuse(refusal, HUB_USERNAME_TAKEN,
                      "someone in this room is already called that; choose another name");
}

bool hub_operate_rename(struct hub *hub, struct participant *who, const char *name,
                        struct hub_refusal *refusal) {
    char plain[USERNAME_BYTES_MAX + 1], before[USERNAME_BYTES_MAX + 1];
    uint64_t look;
    if (!hub_read_name("name", name, USERNAME_CHARS_MAX, plain, refusal) ||
        !hub_look_of(plain, &look, refusal) || (!who->hidden && !name_is_free(who, plain, refusal)))
        return false;
    if (strcmp(plain, who->name) == 0)
        return true;
    memcpy(before, who->name, sizeof before);
    memcpy(who->name, plain, sizeof who->name);
    who->look = look;
    LOG_INFO("participant renamed", LOG_TEXT("room", who->room->name), LOG_TEXT("user", who->name),
             LOG_TEXT("before", before), LOG_TEXT("userId", who->id.text), LOG_TEXT("by", "operator"));
    hub->events.renamed(hub->events.ctx, who, before);
    return true;
}

static bool may_be_hidden_or_not(const struct participant *who, struct hub_refusal *refusal) {
    return !hub_is_program(who) ||
           hub_refuse(refusal, HUB_WRONG_STATE, "a program is hidden, or not, for as long as it is there");
}

bool hub_operate_show(struct hub *hub, struct participant *who, bool hidden, struct hub_refusal *refusal) {
    if (who->hidden == hidden)
        return true;
    if (!may_be_hidden_or_not(who, refusal))
        return false;
    if (!hidden && !name_is_free(who, who->name, refusal))
        return false;
    if (hidden && !hub_operate_rights(hub, who, who->rights & RIGHT_SUBSCRIBE, refusal))
        return false;
    if (hidden) {
        hub_hang_up_all(hub, who);
        hub_speaker_leave(hub, who);
        who->hand = 0;
    }
    who->hidden = hidden;
    who->hidden_assigned = true;
    LOG_INFO(hidden ? "participant hidden" : "participant shown", LOG_TEXT("room", who->room->name),
             LOG_TEXT("user", who->name), LOG_TEXT("userId", who->id.text), LOG_TEXT("by", "operator"));
    hub->events.appeared(hub->events.ctx, who);
    return true;
}

// ---- all at once

static bool describes(const struct hub_person_wish *wish) {
    return wish->metadata || json_object_size(wish->attributes) > 0;
}

// Whether nothing of it is to be refused.
static bool may_change(const struct participant *who, const struct hub_person_wish *wish,
                       struct hub_refusal *refusal) {
    char plain[USERNAME_BYTES_MAX + 1];
    const char *name = who->name;
    bool turns = wish->permits && wish->hidden != who->hidden;
    if (wish->name) {
        if (!hub_read_name("name", wish->name, USERNAME_CHARS_MAX, plain, refusal))
            return false;
        name = plain;
    }
    bool seen = !who->hidden || turns;
    return (!seen || name_is_free(who, name, refusal)) && (!turns || may_be_hidden_or_not(who, refusal)) &&
           (!describes(wish) || hub_may_describe(who, wish->metadata, wish->attributes, refusal)) &&
           (!wish->permits || hub_may_keep(who->room, !hub_is_kept(who), refusal));
}

bool hub_operate_change(struct hub *hub, struct participant *who, const struct hub_person_wish *wish,
                        struct hub_refusal *refusal) {
    return may_change(who, wish, refusal) &&
           (!wish->name || hub_operate_rename(hub, who, wish->name, refusal)) &&
           (!describes(wish) || hub_describe(hub, who, wish->metadata, wish->attributes, NULL, refusal)) &&
           (!wish->permits || (hub_operate_show(hub, who, wish->hidden, refusal) &&
                               hub_operate_rights(hub, who, wish->rights, refusal)));
}
