// Joining, leaving, chat, ping.
#include "base/log.h"
#include "rooms/name.h"
#include "server/signal/signal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NAMED_BYTES 80 // of user-joined and user-left, each, without the name

// The name that a field means; false and a refusal.
static bool take_name(struct signal_call *call, const char *field, const char *text, size_t chars_max,
                      char *out) {
    uint32_t refused;
    char which[64] = "";
    enum err e = name_normalise(text, chars_max, out, &refused);
    if (e == ERR_NO_MEMORY)
        signal_refuse_memory(call);
    if (refused)
        snprintf(which, sizeof which, "; U+%04" PRIX32 " is one", refused);
    if (e != ERR_OK && e != ERR_NO_MEMORY)
        signal_refuse(call, CODE_BAD_REQUEST,
                      "%s: `%s` must be 1 to %zu characters, not counting spaces around it, without control "
                      "characters and others that do not show%s",
                      call->type, field, chars_max, which);
    return e == ERR_OK;
}

// ---- join-room

static void linger_fire(struct wheel_node *node, uint64_t now_us) {
    (void)now_us;
    struct room *room = LIST_ENTRY(node, struct room, linger_timer);
    signal_room_remove(room->directory->ctx, room);
}

void signal_room_empty(struct hub *hub, struct room *room) {
    assert(room->participant_count == 0);
    room->emptied_us = hub->now_us;
    wheel_cancel(&hub->wheel, &room->speaker_timer);
    wheel_arm(&hub->wheel, &room->linger_timer, hub->now_us + hub->config.limits.room_linger_us);
}

void signal_room_remove(struct hub *hub, struct room *room) {
    wheel_cancel(&hub->wheel, &room->linger_timer);
    wheel_cancel(&hub->wheel, &room->speaker_timer);
    uint64_t end_us = room->participant_count == 0 ? room->emptied_us : hub->now_us;
    uint64_t lasted_us = end_us > room->opened_us ? end_us - room->opened_us : 0;
    LOG_INFO("room closed", LOG_TEXT("room", room->name), LOG_NUMBER("people", room->joins),
             LOG_NUMBER("most_at_once", room->participants_most),
             LOG_NUMBER("minutes", (lasted_us + 30000000) / 60000000));
    memory_give(hub, memory_of_chat(room));
    directory_remove(room);
}

// The room of that name, opened when need be; NULL and a refusal.
static struct room *room_for_join(struct signal_call *call, const char *name) {
    struct hub *hub = call->hub;
    struct room *room = directory_find(&hub->directory, name);
    if (room)
        return room;
    if (!signal_admit(call, HUB_STEP_OPEN_ROOM))
        return NULL;
    enum err e = directory_open(&hub->directory, name, &room);
    struct room *empty = e == ERR_LIMIT ? directory_empty_room(&hub->directory) : NULL;
    if (empty) {
        signal_room_remove(hub, empty);
        e = directory_open(&hub->directory, name, &room);
    }
    if (e == ERR_LIMIT) {
        signal_refuse(call, CODE_LIMIT_REACHED,
                      "join-room: this server has all the %u rooms that it may have",
                      hub->directory.rooms_max);
        return NULL;
    }
    if (e != ERR_OK) {
        signal_refuse_memory(call);
        return NULL;
    }
    wheel_node_init(&room->linger_timer, linger_fire);
    wheel_node_init(&room->speaker_timer, speaker_timer_fire);
    room->opened_us = hub->now_us;
    LOG_INFO("room opened", LOG_TEXT("room", name));
    return room;
}

static bool may_enter(struct signal_call *call, const struct room *room, const char *username) {
    if (room && room_find_name(room, username)) {
        signal_refuse(call, CODE_USERNAME_TAKEN,
                      "join-room: someone in this room is already called that; choose another username");
        return false;
    }
    uint32_t most = call->hub->config.limits.participants_per_room_max;
    if (room && room->participant_count >= most) {
        signal_refuse(call, CODE_ROOM_FULL, "join-room: the room is full (%u participants)", most);
        return false;
    }
    return true;
}

// rtpCapabilities, if they are given; false and a refusal.
static bool take_capabilities(struct signal_call *call, struct receiver *receiver) {
    struct refusal refusal = {0};
    const json_t *given = data_object(call->data, "rtpCapabilities");
    if (!given || receiver_check(call->hub, given, receiver, &refusal))
        return true;
    signal_refuse_negotiation(call, "join-room: rtpCapabilities", &refusal);
    return false;
}

static void resume_timer_fire(struct wheel_node *node, uint64_t now_us) {
    (void)now_us;
    struct participant *participant = LIST_ENTRY(node, struct participant, resume_timer);
    signal_leave(participant->room->directory->ctx, participant, "timeout");
}

static void enter_room(struct signal_call *call, struct room *room, struct participant *me) {
    struct hub *hub = call->hub;
    wheel_cancel(&hub->wheel, &room->linger_timer);
    wheel_node_init(&me->resume_timer, resume_timer_fire);
    directory_enter(room, me);
    if (!signal_answer_joined(call, me, false)) {
        directory_exit(me);
        participant_destroy(me);
        if (room->participant_count == 0)
            signal_room_empty(hub, room);
        return;
    }
    signal_attach(call->session, me);
    hub->counts.joins++;
    room->joins++;
    if (room->participants_most < room->participant_count)
        room->participants_most = room->participant_count;
    LOG_INFO("participant joined", LOG_TEXT("room", room->name), LOG_TEXT("user", me->name),
             LOG_TEXT("userId", me->id.text), LOG_NUMBER("worker", me->worker));
    signal_broadcast(hub, room, me, OUT_USER_JOINED,
                     json_pack("{s:s, s:s}", "user", me->name, "userId", me->id.text));
}

// True when a participant was made and has entered.
static bool join_anew(struct signal_call *call, struct room *room, const char *room_name,
                      const char *username) {
    struct receiver receiver = {0};
    if (call->hub->draining) {
        signal_refuse(call, CODE_DRAINING, "join-room: this server is shutting down; join again elsewhere");
        return false;
    }
    if (!signal_admit(call, HUB_STEP_JOIN))
        return false;
    if (!may_enter(call, room, username) ||
        !budget_spend_join(call, room, 2 * (strlen(username) + NAMED_BYTES)) ||
        !take_capabilities(call, &receiver) || !memory_allows(call)) {
        signal_note(call->session, HUB_NOTE_JOIN_FAILED);
        return false;
    }
    struct participant *me = participant_create(username);
    if (!me) {
        signal_refuse_memory(call);
        return false;
    }
    me->receiver = receiver;
    room = room_for_join(call, room_name);
    if (!room) {
        participant_destroy(me);
        return false;
    }
    enter_room(call, room, me);
    return call->session->participant != NULL;
}

void signal_join_room(struct signal_call *call) {
    char room_name[ROOM_NAME_BYTES_MAX + 1], username[USERNAME_BYTES_MAX + 1];
    const char *user_text = data_text(call->data, "username");
    const char *token = data_text(call->data, "resumeToken");
    if (call->me) {
        signal_refuse(call, CODE_ALREADY_JOINED, "join-room: this connection is in a room; leave-room first");
        return;
    }
    bool ok = take_name(call, "roomId", data_text(call->data, "roomId"), ROOM_NAME_CHARS_MAX, room_name) &&
              (!user_text || take_name(call, "username", user_text, USERNAME_CHARS_MAX, username));
    struct room *room = ok ? directory_find(&call->hub->directory, room_name) : NULL;
    if (ok && token && room && signal_resume(call, room, user_text ? username : NULL, token))
        return;
    if (ok && !user_text) {
        if (token)
            signal_refuse(call, CODE_NOT_FOUND,
                          "join-room: there is no session to resume (it has ended, or its token was used); "
                          "give a username to join anew");
        else
            signal_refuse(call, CODE_BAD_REQUEST, "join-room: `username` is required");
        ok = false;
    }
    if (!ok || !join_anew(call, room, room_name, username))
        call->hub->counts.joins_refused++;
}

// ---- leaving

void signal_leave(struct hub *hub, struct participant *participant, const char *reason) {
    struct room *room = participant->room;
    p2p_hang_up_all(hub, participant);
    LIST_EACH(node, &participant->transports)
    drop_transport(hub, LIST_ENTRY(node, struct room_transport, link), "transport-closed", false);
    speaker_leave(hub, participant);
    wheel_cancel(&hub->wheel, &participant->resume_timer);
    struct session *session = signal_session_of(hub, participant);
    if (session) {
        session->participant = NULL;
        signal_note(session, HUB_NOTE_LEFT);
    }
    participant->connection = 0;
    directory_exit(participant);
    hub->counts.leaves++;
    LOG_INFO("participant left", LOG_TEXT("room", room->name), LOG_TEXT("user", participant->name),
             LOG_TEXT("userId", participant->id.text), LOG_TEXT("reason", reason));
    signal_broadcast(hub, room, NULL, OUT_USER_LEFT,
                     json_pack("{s:s, s:s, s:s}", "user", participant->name, "userId", participant->id.text,
                               "reason", reason));
    memory_give(hub, memory_of_queued(participant));
    participant_destroy(participant);
    if (room->participant_count == 0)
        signal_room_empty(hub, room);
}

static bool names_match(struct signal_call *call, const char *field, size_t chars_max, const char *mine) {
    char given[ROOM_NAME_BYTES_MAX + 1];
    const char *text = data_text(call->data, field);
    if (!text)
        return true;
    if (!take_name(call, field, text, chars_max, given))
        return false;
    if (strcmp(given, mine) == 0)
        return true;
    signal_refuse(call, CODE_FORBIDDEN, "leave-room: `%s` is not that of this session; leave it out", field);
    return false;
}

void signal_leave_room(struct signal_call *call) {
    struct participant *me = call->me;
    if (!names_match(call, "roomId", ROOM_NAME_CHARS_MAX, me->room->name) ||
        !names_match(call, "username", USERNAME_CHARS_MAX, me->name))
        return;
    json_t *data = json_pack("{s:s}", "roomId", me->room->name);
    signal_leave(call->hub, me, "left");
    call->me = NULL;
    signal_wait_for_join(call->session);
    signal_answer(call, OUT_LEFT, data);
}

// ---- chat-message, ping

uint64_t signal_wall_us(const struct hub *hub) {
    return hub->post.io.wall_us ? hub->post.io.wall_us(hub->post.io.ctx) : clock_wall_us();
}

// "2026-05-01T12:00:00.000Z"
static void timestamp_text(uint64_t wall_us, char *out, size_t cap) {
    time_t seconds = (time_t)(wall_us / US_PER_SECOND);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t len = strftime(out, cap, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + len, cap - len, ".%03uZ", (unsigned)(wall_us / US_PER_MS % 1000));
}

// What the chat takes; false and a refusal.
static bool chat_fits(struct signal_call *call, const char *text, const char *when) {
    uint32_t most = call->hub->config.limits.chat_bytes_max;
    if (strlen(text) > most) {
        signal_refuse(call, CODE_LIMIT_REACHED, "chat-message: `text` may have at most %u bytes of UTF-8",
                      most);
        return false;
    }
    if (utf8_has_control(text, "\n\t") || (when && utf8_has_control(when, ""))) {
        signal_refuse(
            call, CODE_BAD_REQUEST,
            "chat-message: `text` has control characters; of those only newline and tab are allowed, and "
            "none in `timestamp`");
        return false;
    }
    return true;
}

static void chat_say(struct signal_call *call, json_t *data) {
    struct hub *hub = call->hub;
    struct room *room = call->me->room;
    struct text_buffer text = {0};
    if (!text_buffer_add_json(&text, data)) {
        signal_refuse_memory(call);
    } else if (budget_spend(call, NULL, text.len) &&
               signal_answer(call, OUT_CHAT_MESSAGE, json_incref(data))) {
        memory_give(hub, memory_of_chat(room));
        if (chat_history_add(&room->chat, text.text, text.len, hub->config.limits.chat_history_max,
                             hub->config.limits.chat_history_bytes_max) != ERR_OK)
            LOG_ERROR("chat message not kept", LOG_TEXT("room", room->name), LOG_TEXT("reason", "no memory"));
        memory_take(hub, memory_of_chat(room));
        signal_broadcast_text(hub, room, call->me, OUT_CHAT_MESSAGE, text.text, text.len);
    }
    text_buffer_close(&text);
}

void signal_chat(struct signal_call *call) {
    struct participant *me = call->me;
    const char *text = data_text(call->data, "text");
    const char *when = data_text(call->data, "timestamp");
    char now[40];
    if (!chat_fits(call, text, when))
        return;
    timestamp_text(signal_wall_us(call->hub), now, sizeof now);
    json_t *data = json_pack("{s:s, s:s, s:s, s:s}", "from", me->name, "fromId", me->id.text, "text", text,
                             "timestamp", when ? when : now);
    if (data)
        chat_say(call, data);
    else
        signal_refuse_memory(call);
    json_decref(data);
}

void signal_ping(struct signal_call *call) {
    signal_answer(call, OUT_PONG,
                  json_pack("{s:I}", "ts", (json_int_t)(signal_wall_us(call->hub) / US_PER_MS)));
}
