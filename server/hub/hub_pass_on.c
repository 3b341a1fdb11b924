// From one to one: offers, answers, candidates, calls. Payloads are passed on unread.
#include "base/log.h"
#include "rooms/name.h"
#include "server/hub/hub_internal.h"

#include <string.h>

// {"from":"","fromId":"","target":"","payload":}
#define NAMED_BYTES (46 + PUBLIC_ID_BYTES)

static size_t bytes_of(const struct hub_relayed *what) {
    return NAMED_BYTES + hub_json_text_bytes(what->from->name) +
           (what->target ? hub_json_text_bytes(what->target) : 0) + what->payload_len;
}

// False and a refusal when it cannot reach the target.
static bool deliver(struct hub *hub, struct participant *me, struct participant *target,
                    const struct hub_relayed *what, struct hub_refusal *refusal) {
    if (!hub_spend(hub, me, target, bytes_of(what), refusal))
        return false;
    enum err e = hub->events.relayed(hub->events.ctx, target, what);
    if (e == ERR_LIMIT)
        return hub_refuse(refusal, HUB_LIMIT_REACHED,
                          "the target has lost its connection and too much waits for its return");
    return e == ERR_OK || hub_refuse_memory(refusal);
}

// Remembers who rings whom; false and a refusal.
static bool ring(struct participant *me, struct participant *target, struct hub_refusal *refusal) {
    enum err e = room_ring(me->room, me, target);
    if (e == ERR_LIMIT)
        return hub_refuse(refusal, HUB_LIMIT_REACHED, "one of you two has %d calls already",
                          CALLS_PER_PARTICIPANT_MAX);
    return e == ERR_OK || hub_refuse_memory(refusal);
}

static bool pass_call(struct hub *hub, struct participant *me, struct participant *target,
                      const struct hub_relayed *what, struct hub_refusal *refusal) {
    struct room *room = me->room;
    bool begins = what->kind == HUB_CALL || what->kind == HUB_ACCEPT_CALL;
    bool known = room_find_call(room, me, target) != NULL;
    if (begins && !ring(me, target, refusal))
        return false;
    bool passed = deliver(hub, me, target, what, refusal);
    struct call *now = room_find_call(room, me, target);
    if (now && (passed ? !begins : !known))
        room_end_call(now); // rejected, hung up, or never heard of
    else if (now && passed && what->kind == HUB_ACCEPT_CALL)
        now->accepted = true;
    return passed;
}

struct participant *hub_pass_on(struct hub *hub, struct participant *me, const struct hub_pass_on *ask,
                                struct hub_refusal *refusal) {
    struct participant *target = hub_allowed(me, RIGHT_DATA, "call or signal to others", refusal)
                                     ? hub_find_other(me, ask->target, refusal)
                                     : NULL;
    if (!target)
        return NULL;
    struct hub_relayed what = {.kind = ask->kind,
                               .from = me,
                               .target = ask->kind < HUB_CALL ? ask->target : NULL,
                               .payload = ask->payload,
                               .payload_len = ask->payload_len};
    bool passed = ask->kind < HUB_CALL ? deliver(hub, me, target, &what, refusal)
                                       : pass_call(hub, me, target, &what, refusal);
    return passed ? target : NULL;
}

void hub_hang_up_all(struct hub *hub, struct participant *leaving) {
    const struct hub_relayed what = {.kind = HUB_HANG_UP, .from = leaving, .reason = "left"};
    struct participant *other;
    while ((other = room_drop_call(leaving->room, leaving)))
        if (hub->events.relayed(hub->events.ctx, other, &what) != ERR_OK)
            HUB_LOG(leaving, LOG_LEVEL_WARN, "hang-up lost", LOG_TEXT("room", leaving->room->name),
                    LOG_TEXT("user", other->name), LOG_TEXT("reason", "too much waits"));
}
