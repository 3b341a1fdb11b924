// Raised hands and reactions.
#include "server/hub/hub_internal.h"

#include <string.h>

#define NOTICE_BYTES 128 // without names and what is said

struct participant *hub_set_hand(struct hub *hub, struct participant *me, const char *target, bool up,
                                 struct hub_refusal *refusal) {
    struct participant *who = me;
    if (target && (!hub_allowed(me, RIGHT_ADMIN, "take others' hands down", refusal) ||
                   !(who = hub_find_other(me, target, refusal))))
        return NULL;
    if (me->hidden) {
        hub_refuse(refusal, HUB_FORBIDDEN,
                   "nobody would see the hand: your token is for a hidden participant");
        return NULL;
    }
    if ((who->hand != 0) == up)
        return who;
    if (!hub_spend(hub, me, NULL, NOTICE_BYTES + hub_json_text_bytes(who->name), refusal))
        return NULL;
    who->hand = up ? ++me->room->hands : 0;
    hub->events.hand_changed(hub->events.ctx, who, me);
    return who;
}

bool hub_react(struct hub *hub, struct participant *me, const char *text, struct hub_refusal *refusal) {
    char shown[4 * REACTION_BYTES_MAX + 1];
    size_t len = strlen(text);
    if (!hub_allowed(me, RIGHT_DATA, "write to others", refusal))
        return false;
    if (hub_has_control(text, ""))
        return hub_refuse(refusal, HUB_BAD_REQUEST, "`text` has control characters");
    if (len == 0 || len > REACTION_BYTES_MAX)
        return hub_refuse(refusal, HUB_BAD_REQUEST, "`text` must have 1 to %d bytes of UTF-8: one emoji",
                          REACTION_BYTES_MAX);
    if (!hub_read_name("text", text, REACTION_BYTES_MAX, shown, refusal)) // it stands over what others see
        return false;
    if (!hub_spend(hub, me, NULL, NOTICE_BYTES + hub_json_text_bytes(me->name) + len, refusal))
        return false;
    hub->events.reacted(hub->events.ctx, me, text);
    return true;
}
