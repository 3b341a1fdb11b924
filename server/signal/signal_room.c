// Joining, leaving, chat, ping.
#include "base/clock.h"
#include "server/signal/signal.h"

#include <stdlib.h>
#include <string.h>

// ---- join-room

static bool admit_address(struct signal_admission *admission, enum hub_step step,
                          struct hub_refusal *refusal) {
    static const char *const words[] = {
        [HUB_STEP_JOIN] = "too many joins from your network have failed",
        [HUB_STEP_OPEN_ROOM] = "too many new rooms were opened from your network",
    };
    struct signalling *signalling = admission->session->signalling;
    const struct signal_io *io = &signalling->io;
    unsigned wait_seconds = io->admit ? io->admit(io->ctx, admission->session->client, step) : 0;
    admission->opening = step == HUB_STEP_OPEN_ROOM;
    admission->asked = wait_seconds == 0;
    if (wait_seconds == 0)
        return true;
    signalling->counts.rate_limited++;
    bool guesses = step == HUB_STEP_JOIN && admission->password;
    return hub_refuse(refusal, guesses ? HUB_PASSWORD_ATTEMPTS : HUB_RATE_LIMITED,
                      "%s; try again in %u seconds", words[step], wait_seconds);
}

static bool admit(void *ctx, enum hub_step step, struct hub_join *join, struct hub_refusal *refusal) {
    return step == HUB_STEP_PASSWORD ? signal_may_pass(ctx, join, refusal)
                                     : admit_address(ctx, step, refusal);
}

static void deliver_kept(struct signal_call *call, struct participant *me) {
    for (struct queued_text *kept; (kept = hub_next_kept(call->hub, me)); free(kept))
        signal_send_text(call->session, kept->text, kept->len, SIGNAL_OWED);
}

// The participant is there, and its client has to know.
static void welcome(struct signal_call *call, struct participant *me, bool resumed) {
    signal_leave_lobby(call->session); // whichever it was
    signal_attach(call->session, me);
    if (signal_answer_joined(call, me, resumed)) {
        call->me = me;
        if (call->session->participant) // else what did not fit the answer could not be told either
            deliver_kept(call, me);
        if (call->session->participant)
            signal_greet_moderator(call->signalling, me);
        if (call->session->participant) // it was not there when the others heard
            signal_tell_draining(call->session);
    } else if (resumed) { // the token before is good once more
        signal_detach(call->session);
        hub_detach(call->hub, me, call->signalling->now_us);
        signal_wait_for_join(call->session);
    } else {
        hub_leave(call->hub, me, "left");
        signal_wait_for_join(call->session);
    }
}

// Where tokens are needed one comes with each join; who resumes has shown one before.
static bool token_suffices(struct signal_call *call) {
    if (!call->signalling->io.verify || signal_data_text(call->data, "token") ||
        signal_data_text(call->data, "resumeToken"))
        return true;
    signal_refuse(call, CODE_UNAUTHORIZED, "join-room: this server admits nobody without a `token`");
    signal_note(call->session, SIGNAL_JOIN_FAILED);
    return false;
}

static void note_failure(const struct signal_admission *admission) {
    if (admission->verdict == SIGNAL_PASSWORD_WRONG)
        signal_note(admission->session, SIGNAL_GUESSED);
    else if (admission->asked && !admission->opening)
        signal_note(admission->session, SIGNAL_JOIN_FAILED);
}

void signal_decide_join(struct signal_call *call, struct signal_admission *admission) {
    struct session *session = call->session;
    struct hub_refusal refusal;
    struct grants grants;
    const struct signal_io *io = &call->signalling->io;
    char network[NETWORK_BYTES_MAX];
    bool vouched = io->verify && signal_data_text(call->data, "token");
    const char *room = signal_data_text(call->data, "roomId");
    const char *resume_token = signal_data_text(call->data, "resumeToken");
    bool was_there = hub_has_session(call->hub, room, resume_token);
    if (vouched && !was_there && !admit_address(admission, HUB_STEP_JOIN, &refusal)) {
        signal_refuse_verb(call, &refusal); // before anything is verified
        return;
    }
    if (!token_suffices(call) || (vouched && !signal_read_token(call, &grants)))
        return;
    struct hub_join join = {.room = room,
                            .username = signal_data_text(call->data, "username"),
                            .resume_token = resume_token,
                            .grants = vouched ? &grants : NULL,
                            .only_resume = io->verify && !vouched,
                            .seals = signal_data_bool(call->data, "e2ee"),
                            .capabilities = signal_data_object(call->data, "rtpCapabilities"),
                            .connection = session->id,
                            .last_n = (int32_t)signal_data_integer(call->data, "lastN", CHOICE_OF_ROOM),
                            .loudest_n = (int32_t)signal_data_integer(call->data, "loudestN", CHOICE_OF_ROOM),
                            .network = io->network && io->network(io->ctx, session->client, network) ? network
                                                                                                     : NULL,
                            .spent = &session->spent,
                            .admit = admit,
                            .ctx = admission};
    struct participant *me = hub_join(call->hub, &join, &refusal);
    if (me) {
        welcome(call, me, join.resumed);
    } else if (join.knock) {
        signal_answer_waiting(call, join.knock);
    } else if (join.pending) {
        signal_wait_for_password(call, admission->ticket);
    } else {
        if (refusal.code == HUB_DRAINING) // where else to go
            signal_tell_draining(session);
        signal_refuse_verb(call, &refusal);
        note_failure(admission);
    }
}

// Whether the room is the one that the connection waits for.
static bool waits_for(const struct signal_call *call) {
    const struct room *room = hub_room(call->hub, call->session->lobby_room);
    char name[ROOM_NAME_BYTES_MAX + 1];
    struct hub_refusal refusal;
    return !room || (hub_read_name("roomId", signal_data_text(call->data, "roomId"), ROOM_NAME_CHARS_MAX,
                                   name, &refusal) &&
                     strcmp(name, room->name) == 0);
}

void signal_join_room(struct signal_call *call) {
    struct session *session = call->session;
    if (call->me) {
        signal_refuse(call, CODE_ALREADY_JOINED, "join-room: this connection is in a room; leave-room first");
        return;
    }
    if (session->lobby_room && !waits_for(call)) {
        signal_refuse(call, CODE_WRONG_STATE,
                      "join-room: this connection waits for another room; leave-room first");
        return;
    }
    if (session->waiting) {
        signal_refuse(call, CODE_WRONG_STATE, "join-room: another one of this connection is not decided yet");
        return;
    }
    const json_t *consume = signal_data_object(call->data, "consume");
    char why[SIGNAL_ERROR_BYTES_MAX];
    if (consume && !signal_check_fields(signal_consume_rules, consume, why)) {
        signal_refuse(call, CODE_BAD_REQUEST, "join-room: `consume`: %s", why);
        return;
    }
    struct signal_admission admission = {.session = session,
                                         .password = signal_data_text(call->data, "password")};
    signal_decide_join(call, &admission);
}

// ---- leave-room

// A name that the client gives although it need not must be the one that it has.
static bool name_matches(struct signal_call *call, const char *field, size_t chars_max, const char *mine) {
    char given[ROOM_NAME_BYTES_MAX + 1];
    const char *text = signal_data_text(call->data, field);
    if (!text)
        return true;
    struct hub_refusal refusal;
    if (!hub_read_name(field, text, chars_max, given, &refusal)) {
        signal_refuse_verb(call, &refusal);
        return false;
    }
    if (strcmp(given, mine) == 0)
        return true;
    signal_refuse(call, CODE_FORBIDDEN, "leave-room: `%s` is not that of this session; leave it out", field);
    return false;
}

// Who waits for a room may go as well.
static void leave_lobby(struct signal_call *call) {
    const struct room *room = hub_room(call->hub, call->session->lobby_room);
    if (!room) {
        signal_refuse(call, CODE_NOT_JOINED, "leave-room needs a room: send join-room first");
        return;
    }
    json_t *data = json_pack("{s:s}", "roomId", room->name);
    signal_leave_lobby(call->session);
    signal_note(call->session, SIGNAL_JOIN_FAILED);
    signal_wait_for_join(call->session);
    signal_answer(call, OUT_LEFT, data);
}

void signal_leave_room(struct signal_call *call) {
    struct participant *me = call->me;
    if (!me) {
        leave_lobby(call);
        return;
    }
    if (!name_matches(call, "roomId", ROOM_NAME_CHARS_MAX, me->room->name) ||
        !name_matches(call, "username", USERNAME_CHARS_MAX, me->name))
        return;
    json_t *data = json_pack("{s:s}", "roomId", me->room->name);
    hub_leave(call->hub, me, "left");
    call->me = NULL;
    signal_wait_for_join(call->session);
    signal_answer(call, OUT_LEFT, data);
}

// ---- chat-message, ping

json_t *signal_describe_line(const struct hub_chat_line *line) {
    return json_pack("{s:s, s:s, s:s, s:s}", "from", line->from->name, "fromId", line->from->id.text, "text",
                     line->text, "timestamp", line->timestamp);
}

// Texts that @rotunda/client has encrypted begin so; others say it.
static bool is_sealed_text(const struct signal_call *call) {
    static const char sealed[] = "rotunda-e2ee-";
    return signal_data_bool(call->data, "e2ee") ||
           strncmp(signal_data_text(call->data, "text"), sealed, sizeof sealed - 1) == 0;
}

void signal_chat(struct signal_call *call) {
    struct hub_chat_line line;
    struct hub_refusal refusal;
    if (!is_sealed_text(call) && hub_is_sealed(call->hub, call->me->room))
        signal_refuse(call, CODE_ENCRYPTION_NEEDED,
                      "chat-message: in this room everything is encrypted from end to end, what people write "
                      "too; say `e2ee: true` with a `text` that is");
    else if (hub_chat(call->hub, call->me, signal_data_text(call->data, "text"),
                      signal_data_text(call->data, "timestamp"), &line, &refusal))
        signal_answer(call, OUT_CHAT_MESSAGE, signal_describe_line(&line));
    else
        signal_refuse_verb(call, &refusal);
}

void signal_get_capabilities(struct signal_call *call) {
    signal_answer(call, OUT_CAPABILITIES,
                  json_pack("{s:O}", "routerRtpCapabilities", hub_router_capabilities(call->hub)));
}

void signal_ping(struct signal_call *call) {
    signal_answer(call, OUT_PONG, json_pack("{s:I}", "ts", (json_int_t)(hub_wall_us(call->hub) / US_PER_MS)));
}
