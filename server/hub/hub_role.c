// What a moderator lets somebody be, whatever the token says.
#include "base/log.h"
#include "server/hub/hub_internal.h"

#define NOTICE_BYTES 160 // of what the room hears, without names

enum hub_role hub_role_of(const struct participant *who) {
    if (who->rights & RIGHT_ADMIN)
        return HUB_MODERATOR;
    return who->rights & RIGHTS_PUBLISH ? HUB_PARTICIPANT : HUB_VIEWER;
}

struct participant *hub_set_role(struct hub *hub, struct participant *me, const char *target,
                                 enum hub_role role, struct hub_refusal *refusal) {
    static const unsigned rights[] = {[HUB_MODERATOR] = RIGHTS_ALL | RIGHT_ADMIN,
                                      [HUB_PARTICIPANT] = RIGHTS_ALL,
                                      [HUB_VIEWER] = RIGHTS_ALL & ~(unsigned)RIGHTS_PUBLISH};
    const unsigned of_no_role = RIGHT_METADATA | RIGHT_RECORD; // what a token gave of these stays
    struct participant *who = hub_allowed(me, RIGHT_ADMIN, "say what others may do", refusal)
                                  ? hub_find_other(me, target, refusal)
                                  : NULL;
    if (!who || !hub_spend_notice(hub, me, NOTICE_BYTES + hub_json_text_bytes(who->name), refusal) ||
        !hub_keep_rights(hub, who, rights[role] | (who->rights & of_no_role), refusal))
        return NULL;
    hub_apply_rights(hub, who, who->assigned_rights);
    LOG_INFO("role changed", LOG_TEXT("room", who->room->name), LOG_TEXT("user", who->name),
             LOG_NUMBER("role", role), LOG_TEXT("by", me->name));
    hub->events.role_changed(hub->events.ctx, who, me);
    return who;
}
