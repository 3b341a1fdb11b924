// Moderation, raised hands, reactions.
#include "server/signal/signal.h"

#include <string.h>

static enum media_kind kind_of(const struct signal_call *call) {
    return strcmp(signal_data_text(call->data, "kind"), "audio") == 0 ? MEDIA_AUDIO : MEDIA_VIDEO;
}

void signal_kick_user(struct signal_call *call) {
    struct hub_refusal refusal;
    struct public_id id;
    if (hub_kick(call->hub, call->me, signal_data_text(call->data, "target"),
                 signal_data_text(call->data, "reason"), &id, &refusal))
        signal_answer(call, OUT_USER_KICKED, json_pack("{s:s}", "userId", id.text));
    else
        signal_refuse_verb(call, &refusal);
}

void signal_mute_user(struct signal_call *call) {
    struct hub_refusal refusal;
    bool hold = signal_data_bool(call->data, "hold");
    const struct participant *who =
        hub_mute(call->hub, call->me, signal_data_text(call->data, "target"), kind_of(call), hold, &refusal);
    if (who)
        signal_answer(call, OUT_USER_MUTED,
                      json_pack("{s:s, s:s, s:o*}", "userId", who->id.text, "kind",
                                media_kind_name(kind_of(call)), "hold", hold ? json_true() : NULL));
    else
        signal_refuse_verb(call, &refusal);
}

void signal_allow_unmute(struct signal_call *call) {
    struct hub_refusal refusal;
    const struct participant *who = hub_allow_unmute(
        call->hub, call->me, signal_data_text(call->data, "target"), kind_of(call), &refusal);
    if (who)
        signal_answer(
            call, OUT_UNMUTE_ALLOWED,
            json_pack("{s:s, s:s}", "userId", who->id.text, "kind", media_kind_name(kind_of(call))));
    else
        signal_refuse_verb(call, &refusal);
}

void signal_mute_all(struct signal_call *call) {
    struct hub_refusal refusal;
    uint32_t count;
    bool hold = signal_data_bool(call->data, "hold");
    if (hub_mute_all(call->hub, call->me, kind_of(call), hold, &count, &refusal))
        signal_answer(call, OUT_ALL_MUTED,
                      json_pack("{s:s, s:I, s:o*}", "kind", media_kind_name(kind_of(call)), "count",
                                (json_int_t)count, "hold", hold ? json_true() : NULL));
    else
        signal_refuse_verb(call, &refusal);
}

// ---- the room

static void lock_room(struct signal_call *call, bool locked) {
    struct hub_refusal refusal;
    if (hub_lock(call->hub, call->me, locked, &refusal))
        signal_answer(call, locked ? OUT_ROOM_LOCKED : OUT_ROOM_UNLOCKED,
                      json_pack("{s:s}", "by", call->me->name));
    else
        signal_refuse_verb(call, &refusal);
}

void signal_lock_room(struct signal_call *call) {
    lock_room(call, true);
}

void signal_unlock_room(struct signal_call *call) {
    lock_room(call, false);
}

static void set_recording(struct signal_call *call, bool on) {
    struct hub_refusal refusal;
    if (hub_set_recording(call->hub, call->me, on, &refusal))
        signal_answer(call, on ? OUT_RECORDING_STARTING : OUT_RECORDING_STOPPING,
                      json_pack("{s:b}", "recording", call->me->room->recordings > 0));
    else
        signal_refuse_verb(call, &refusal);
}

void signal_start_recording(struct signal_call *call) {
    set_recording(call, true);
}

void signal_stop_recording(struct signal_call *call) {
    set_recording(call, false);
}

void signal_close_room(struct signal_call *call) {
    struct hub_refusal refusal;
    const char *words = signal_data_text(call->data, "reason");
    json_t *data =
        json_pack("{s:s, s:s, s:s*}", "reason", "room-closed", "by", call->me->name, "message", words);
    if (!hub_close_room(call->hub, call->me, words, &refusal)) {
        json_decref(data);
        signal_refuse_verb(call, &refusal);
        return;
    }
    call->me = NULL;
    signal_wait_for_join(call->session);
    signal_answer(call, OUT_ROOM_CLOSED, data);
}

// ---- hands, reactions

json_t *signal_describe_hand(const struct participant *who, const struct participant *by) {
    return json_pack("{s:s, s:s, s:s*}", "userId", who->id.text, "user", who->name, "by",
                     by == who ? NULL : by->name);
}

static void set_hand(struct signal_call *call, const char *target, bool up) {
    struct hub_refusal refusal;
    const struct participant *who = hub_set_hand(call->hub, call->me, target, up, &refusal);
    if (who)
        signal_answer(call, up ? OUT_HAND_RAISED : OUT_HAND_LOWERED, signal_describe_hand(who, call->me));
    else
        signal_refuse_verb(call, &refusal);
}

void signal_raise_hand(struct signal_call *call) {
    set_hand(call, NULL, true);
}

void signal_lower_hand(struct signal_call *call) {
    set_hand(call, signal_data_text(call->data, "target"), false);
}

json_t *signal_describe_reaction(const struct participant *who, const char *text) {
    return json_pack("{s:s, s:s, s:s}", "userId", who->id.text, "user", who->name, "text", text);
}

void signal_react(struct signal_call *call) {
    struct hub_refusal refusal;
    const char *text = signal_data_text(call->data, "text");
    if (hub_react(call->hub, call->me, text, &refusal))
        signal_answer(call, OUT_REACTION, signal_describe_reaction(call->me, text));
    else
        signal_refuse_verb(call, &refusal);
}
