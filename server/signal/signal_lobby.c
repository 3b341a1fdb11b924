// The lobby, bans and roles.
#include "server/signal/signal.h"

#include <string.h>

// ---- who waits

json_t *signal_describe_knock(const struct knock *knock) {
    return json_pack("{s:s, s:s}", "userId", knock->id.text, "username", knock->name);
}

void signal_answer_waiting(struct signal_call *call, const struct knock *knock) {
    struct session *session = call->session;
    wheel_cancel(&session->signalling->wheel, &session->join_timer);
    session->lobby_room = knock->room->id;
    signal_answer(call, OUT_LOBBY,
                  json_pack("{s:s, s:s, s:s, s:s}", "state", "waiting", "roomId", knock->room->name, "userId",
                            knock->id.text, "username", knock->name));
}

// Nobody speaks of it any more, whether it was let in, sent away or went itself.
void signal_leave_lobby(struct session *session) {
    uint32_t room = session->lobby_room;
    session->lobby_room = 0;
    if (room)
        hub_withdraw(session->signalling->hub, room, session->id);
}

void signal_tell_moderators(struct signalling *signalling, const struct room *room,
                            const struct participant *except, json_t *data) {
    LIST_EACH(node, &room->participants) {
        const struct participant *who = LIST_ENTRY(node, struct participant, link);
        if (who != except && (who->rights & RIGHT_ADMIN))
            signal_notify(signalling, who, OUT_LOBBY, json_incref(data));
    }
    json_decref(data);
}

json_t *signal_describe_lobby(const struct room *room) {
    json_t *waiting = json_array();
    size_t count = 0;
    LIST_EACH(node, &room->lobby) {
        const struct knock *knock = LIST_ENTRY(node, struct knock, link);
        if (knock->admitted)
            continue;
        json_array_append_new(waiting, signal_describe_knock(knock));
        count++;
    }
    if (json_array_size(waiting) != count) {
        json_decref(waiting);
        waiting = NULL;
    }
    return json_pack("{s:b, s:o}", "enabled", (int)room->has_lobby, "waiting", waiting);
}

void signal_greet_moderator(struct signalling *signalling, const struct participant *who) {
    if ((who->rights & RIGHT_ADMIN) && (who->room->has_lobby || who->room->knock_count > 0))
        signal_notify(signalling, who, OUT_LOBBY, signal_describe_lobby(who->room));
}

// ---- what moderators decide

void signal_admit_user(struct signal_call *call) {
    struct hub_refusal refusal;
    const char *id = signal_data_text(call->data, "target");
    if (hub_admit(call->hub, call->me, id, &refusal))
        signal_answer(call, OUT_USER_ADMITTED, json_pack("{s:s}", "userId", id));
    else
        signal_refuse_verb(call, &refusal);
}

void signal_deny_user(struct signal_call *call) {
    struct hub_refusal refusal;
    const char *id = signal_data_text(call->data, "target");
    json_t *data = json_pack("{s:s}", "userId", id);
    if (hub_deny(call->hub, call->me, id, signal_data_text(call->data, "reason"), &refusal)) {
        signal_answer(call, OUT_USER_DENIED, data);
    } else {
        json_decref(data);
        signal_refuse_verb(call, &refusal);
    }
}

void signal_admit_all(struct signal_call *call) {
    struct hub_refusal refusal;
    uint32_t count;
    if (hub_admit_all(call->hub, call->me, &count, &refusal))
        signal_answer(call, OUT_ALL_ADMITTED, json_pack("{s:I}", "count", (json_int_t)count));
    else
        signal_refuse_verb(call, &refusal);
}

void signal_set_lobby(struct signal_call *call) {
    struct hub_refusal refusal;
    bool on = signal_data_bool(call->data, "enabled");
    if (hub_set_lobby(call->hub, call->me, on, &refusal))
        signal_answer(call, OUT_LOBBY_SET, json_pack("{s:b}", "enabled", (int)on));
    else
        signal_refuse_verb(call, &refusal);
}

// ---- bans

void signal_ban(struct signal_call *call) {
    struct hub_refusal refusal;
    const json_t *address = json_object_get(call->data, "address");
    const struct ban *ban =
        hub_ban(call->hub, call->me, signal_data_text(call->data, "target"),
                signal_data_text(call->data, "reason"), !json_is_false(address), &refusal);
    if (ban)
        signal_answer(call, OUT_USER_BANNED,
                      json_pack("{s:s, s:s, s:b}", "userId", ban->id.text, "username", ban->name, "address",
                                (int)(ban->network[0] != '\0')));
    else
        signal_refuse_verb(call, &refusal);
}

void signal_unban(struct signal_call *call) {
    struct hub_refusal refusal;
    const char *id = signal_data_text(call->data, "target");
    if (hub_unban(call->hub, call->me, id, &refusal))
        signal_answer(call, OUT_USER_UNBANNED, json_pack("{s:s}", "userId", id));
    else
        signal_refuse_verb(call, &refusal);
}

void signal_list_bans(struct signal_call *call) {
    json_t *list = json_array();
    LIST_EACH(node, &call->me->room->bans) {
        const struct ban *ban = LIST_ENTRY(node, struct ban, link);
        json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "userId", ban->id.text, "username",
                                              ban->name, "address", (int)(ban->network[0] != '\0')));
    }
    if (json_array_size(list) != call->me->room->ban_count) {
        json_decref(list);
        list = NULL;
    }
    signal_answer(call, OUT_BANS, json_pack("{s:o}", "bans", list));
}

// ---- roles

const char *signal_role_name(const struct participant *who) {
    static const char *const names[] = {
        [HUB_MODERATOR] = "moderator", [HUB_PARTICIPANT] = "participant", [HUB_VIEWER] = "viewer"};
    return names[hub_role_of(who)];
}

const char *signal_role_to_tell(const struct participant *who) {
    return hub_role_of(who) == HUB_PARTICIPANT ? NULL : signal_role_name(who);
}

json_t *signal_describe_held(const struct participant *who) {
    json_t *list = json_array();
    for (enum media_kind kind = MEDIA_AUDIO; kind <= MEDIA_VIDEO; kind++)
        if (participant_is_held(who, kind))
            json_array_append_new(list, json_string(media_kind_name(kind)));
    return list;
}

json_t *signal_with_about(json_t *data, const struct participant *who) {
    if (data && who->about && json_object_update(data, who->about) != 0) {
        json_decref(data);
        return NULL;
    }
    return data;
}

json_t *signal_describe_joiner(const struct participant *who) {
    return signal_with_about(json_pack("{s:s, s:s, s:s*, s:o*}", "user", who->name, "userId", who->id.text,
                                       "role", signal_role_to_tell(who), "held",
                                       who->held ? signal_describe_held(who) : NULL),
                             who);
}

json_t *signal_describe_about(const struct participant *who, const struct participant *by) {
    json_t *data = json_pack("{s:s, s:s, s:s*, s:n, s:{}}", "userId", who->id.text, "user", who->name, "by",
                             by ? by->name : NULL, "metadata", "attributes");
    return signal_with_about(data, who);
}

void signal_set_metadata(struct signal_call *call) {
    struct hub_refusal refusal;
    const struct participant *who = hub_set_metadata(
        call->hub, call->me, signal_data_text(call->data, "target"), signal_data_text(call->data, "metadata"),
        signal_data_object(call->data, "attributes"), &refusal);
    if (who)
        signal_answer(call, OUT_METADATA_CHANGED, signal_describe_about(who, call->me));
    else
        signal_refuse_verb(call, &refusal);
}

json_t *signal_describe_role(const struct participant *who, const struct participant *by) {
    return json_pack("{s:s, s:s, s:s, s:s}", "userId", who->id.text, "user", who->name, "role",
                     signal_role_name(who), "by", by->name);
}

void signal_set_role(struct signal_call *call) {
    static const struct {
        const char *name;
        enum hub_role role;
    } rows[] = {{"moderator", HUB_MODERATOR}, {"participant", HUB_PARTICIPANT}, {"viewer", HUB_VIEWER}};
    const char *name = signal_data_text(call->data, "role");
    enum hub_role role = HUB_VIEWER;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].name, name) == 0)
            role = rows[i].role;
    struct hub_refusal refusal;
    const struct participant *who =
        hub_set_role(call->hub, call->me, signal_data_text(call->data, "target"), role, &refusal);
    if (who)
        signal_answer(call, OUT_ROLE_CHANGED, signal_describe_role(who, call->me));
    else
        signal_refuse_verb(call, &refusal);
}
