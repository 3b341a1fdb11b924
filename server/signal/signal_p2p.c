// Peer to peer, relayed: offers, answers, candidates, calls. `payload` is passed on unread.
#include "base/log.h"
#include "rooms/name.h"
#include "server/signal/signal.h"

#include <assert.h>
#include <string.h>

static enum signal_out out_of(const char *type) {
    for (enum signal_out out = OUT_WEBRTC_OFFER; out <= OUT_HANG_UP; out++)
        if (strcmp(signal_out_name(out), type) == 0)
            return out;
    assert(false); // every relayed request has a message of the same name
    return OUT_ERROR;
}

// The other one; NULL and a refusal.
static struct participant *find_target(struct signal_call *call) {
    char name[USERNAME_BYTES_MAX + 1];
    uint32_t refused;
    enum err e = name_normalise(data_text(call->data, "target"), USERNAME_CHARS_MAX, name, &refused);
    struct participant *target = e == ERR_OK ? room_find_target(call->me->room, name) : NULL;
    if (e == ERR_NO_MEMORY) {
        signal_refuse_memory(call);
        return NULL;
    }
    if (!target)
        signal_refuse(call, CODE_NOT_FOUND, "%s: nobody in this room has that userId or username",
                      call->type);
    else if (target == call->me)
        signal_refuse(call, CODE_BAD_REQUEST, "%s: `target` is yourself", call->type);
    return target == call->me ? NULL : target;
}

// {target?, from, fromId, payload?}
static json_t *describe(const struct participant *from, const char *target, json_t *payload) {
    json_t *data = json_pack("{s:s, s:s}", "from", from->name, "fromId", from->id.text);
    bool ok = data && (!target || json_object_set_new(data, "target", json_string(target)) == 0) &&
              (!payload || json_object_set(data, "payload", payload) == 0);
    if (!ok) {
        json_decref(data);
        data = NULL;
    }
    return data;
}

// False and a refusal when it cannot reach the target.
static bool pass_on(struct signal_call *call, struct participant *target, json_t *data) {
    if (data && !budget_spend(call, target, signal_json_bytes(data))) {
        json_decref(data);
        return false;
    }
    enum err e = signal_pass_on(call->hub, target, out_of(call->type), data);
    if (e == ERR_LIMIT)
        signal_refuse(call, CODE_LIMIT_REACHED,
                      "%s: the target has lost its connection and too much waits for its return", call->type);
    else if (e != ERR_OK)
        signal_refuse_memory(call);
    return e == ERR_OK;
}

// What was relayed is answered only when the sender can tell answers apart: without an id it expects none.
static void confirm(struct signal_call *call, const struct participant *target) {
    if (call->id)
        signal_answer(call, OUT_RELAYED,
                      json_pack("{s:s, s:s}", "type", call->type, "targetId", target->id.text));
}

void signal_relay_message(struct signal_call *call) {
    struct participant *target = find_target(call);
    if (!target)
        return;
    json_t *data =
        describe(call->me, data_text(call->data, "target"), json_object_get(call->data, "payload"));
    if (pass_on(call, target, data))
        confirm(call, target);
}

void signal_call_message(struct signal_call *call) {
    struct participant *target = find_target(call);
    if (!target)
        return;
    struct room *room = call->me->room;
    enum signal_out out = out_of(call->type);
    bool begins = out == OUT_CALL_REMOTE || out == OUT_ACCEPT_CALL;
    struct call *known = room_find_call(room, call->me, target);
    enum err e = begins ? room_ring(room, call->me, target) : ERR_OK;
    if (e == ERR_LIMIT) {
        signal_refuse(call, CODE_LIMIT_REACHED, "%s: one of you two has %d calls already", call->type,
                      CALLS_PER_PARTICIPANT_MAX);
        return;
    }
    if (e != ERR_OK) {
        signal_refuse_memory(call);
        return;
    }
    json_t *data = describe(call->me, NULL, json_object_get(call->data, "payload"));
    bool passed = pass_on(call, target, data);
    struct call *now = room_find_call(room, call->me, target);
    if (now && (passed ? !begins : !known))
        room_end_call(now); // rejected, hung up, or never heard of
    else if (now && passed && out == OUT_ACCEPT_CALL)
        now->accepted = true;
    if (passed)
        confirm(call, target);
}

void p2p_hang_up_all(struct hub *hub, struct participant *leaving) {
    struct participant *other;
    while ((other = room_drop_call(leaving->room, leaving))) {
        json_t *data = json_pack("{s:s, s:s, s:{s:s}}", "from", leaving->name, "fromId", leaving->id.text,
                                 "payload", "reason", "left");
        if (signal_pass_on(hub, other, OUT_HANG_UP, data) != ERR_OK)
            LOG_WARN("hang-up lost", LOG_TEXT("room", leaving->room->name), LOG_TEXT("user", other->name),
                     LOG_TEXT("reason", "too much waits"));
    }
}
