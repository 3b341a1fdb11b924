// What the hub says: answers in their order, refusals, notifications.
#include "base/log.h"
#include "server/signal/signal.h"
#include "server/signal/signal_said.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *signal_out_name(enum signal_out out) {
    static const char *const names[OUT_COUNT] = {
#define SIGNAL_OUT_TEXT(name, text) [OUT_##name] = text,
        SIGNAL_OUT_TYPES(SIGNAL_OUT_TEXT)
#undef SIGNAL_OUT_TEXT
    };
    assert(out < OUT_COUNT);
    return names[out];
}

// What many people cause at once, and nobody waits for.
static enum signal_haste haste_of(enum signal_out type) {
    return type == OUT_USER_JOINED || type == OUT_USER_LEFT || type == OUT_NEW_PRODUCER ? SIGNAL_SOON
                                                                                        : SIGNAL_NOW;
}

// ---- the order of answers without ids

static struct held_answer *held_first(const struct session *session) {
    return list_empty(&session->held) ? NULL : LIST_ENTRY(session->held.next, struct held_answer, link);
}

static void held_free(struct session *session, struct held_answer *held) {
    list_remove(&held->link);
    session->held_count--;
    free(held->text);
    free(held);
}

static void held_flush(struct session *session) {
    for (struct held_answer *held; (held = held_first(session)) && held->text; held_free(session, held))
        signal_send_text(session, held->text, held->len, held->owed ? SIGNAL_OWED : SIGNAL_NOW);
}

void signal_drop_held(struct session *session) {
    for (struct held_answer *held; (held = held_first(session));)
        held_free(session, held);
}

// The one that everyone waits for is given up.
static void give_up_oldest(struct session *session) {
    LIST_EACH(node, &session->held) {
        struct held_answer *held = LIST_ENTRY(node, struct held_answer, link);
        if (!held->give_up)
            continue;
        held->give_up(held->owner);
        return;
    }
    assert(false); // answers are held, so something holds them
}

struct held_answer *signal_hold_place(struct session *session, void *owner, void (*give_up)(void *owner)) {
    while (session->held_count >= HELD_ANSWERS_MAX) // waiting is bounded
        give_up_oldest(session);
    struct held_answer *held = calloc(1, sizeof *held);
    if (!held)
        return NULL;
    held->owner = owner;
    held->give_up = give_up;
    list_push_back(&session->held, &held->link);
    session->held_count++;
    return held;
}

static void fill_place(struct session *session, struct held_answer *held, const char *text, size_t len,
                       bool owed) {
    assert(!held->text);
    held->owed = owed;
    held->give_up = NULL;
    held->text = malloc(len + 1);
    if (!held->text) { // the answer is lost, those behind it are not
        held_free(session, held);
    } else {
        memcpy(held->text, text, len);
        held->len = len;
    }
    held_flush(session);
}

// Finds the answer's place behind the held ones when it has no id. Before it is encoded: to make space,
// another answer may have to be given first.
static void take_place(struct signal_call *call) {
    if (!call->place && !call->id && !list_empty(&call->session->held))
        call->place = signal_hold_place(call->session, NULL, NULL);
}

static void send_answer(struct signal_call *call, const char *text, size_t len) {
    if (call->place)
        fill_place(call->session, call->place, text, len, call->owed);
    else
        signal_send_text(call->session, text, len, call->owed ? SIGNAL_OWED : SIGNAL_NOW);
    call->place = NULL;
}

// ---- answers

// An error that needs no memory: without the id when that is not a plain number.
void signal_refuse_memory(struct signal_call *call) {
    char text[512], id_text[64] = "";
    // What the client wrote may need escaping; what the table says does not.
    const char *request = call->row ? call->row->type : "";
    if (json_is_integer(call->id))
        snprintf(id_text, sizeof id_text, ",\"id\":%lld", (long long)json_integer_value(call->id));
    int len = snprintf(text, sizeof text,
                       "{\"type\":\"error\",\"data\":{\"message\":\"the server is out of memory; try again "
                       "later\",\"code\":\"internal\",\"request\":\"%s\"}%s}",
                       request, id_text);
    assert(len > 0 && (size_t)len < sizeof text);
    call->signalling->counts.errors_out++;
    take_place(call);
    send_answer(call, text, (size_t)len);
}

bool signal_answer_raw(struct signal_call *call, enum signal_out type, json_t *data,
                       const struct raw_member *raw, size_t raw_count) {
    struct signalling *signalling = call->signalling;
    take_place(call);
    bool ok =
        data && signal_encode_raw(&signalling->out, signal_out_name(type), data, raw, raw_count, call->id);
    json_decref(data);
    if (ok) {
        signal_said_check(type, signalling->out.text, signalling->out.len);
        send_answer(call, signalling->out.text, signalling->out.len);
    } else {
        signal_refuse_memory(call);
    }
    return ok;
}

bool signal_answer(struct signal_call *call, enum signal_out type, json_t *data) {
    return signal_answer_raw(call, type, data, NULL, 0);
}

static json_t *error_data(enum signal_code code, const char *message, const char *request) {
    json_t *data = json_pack("{s:s, s:s}", "message", message, "code", signal_code_name(code));
    if (data && request && strlen(request) <= SIGNAL_TYPE_BYTES_MAX &&
        json_object_set_new(data, "request", json_string(request)) != 0) {
        json_decref(data);
        data = NULL;
    }
    return data;
}

void signal_refuse(struct signal_call *call, enum signal_code code, const char *format, ...) {
    char message[SIGNAL_ERROR_BYTES_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    json_t *data = error_data(code, message, call->type);
    if (!data) { // also when the cut fell into a character
        bool utf8_cut = strlen(message) == sizeof message - 1;
        data = utf8_cut ? error_data(code, "the request was refused", call->type) : NULL;
    }
    if (!data) {
        signal_refuse_memory(call);
        return;
    }
    call->signalling->counts.errors_out++;
    signal_answer(call, OUT_ERROR, data);
}

void signal_refuse_verb(struct signal_call *call, const struct hub_refusal *refusal) {
    static const enum signal_code codes[HUB_CODE_COUNT] = {
        [HUB_BAD_REQUEST] = CODE_BAD_REQUEST,
        [HUB_NOT_FOUND] = CODE_NOT_FOUND,
        [HUB_FORBIDDEN] = CODE_FORBIDDEN,
        [HUB_UNAUTHORIZED] = CODE_UNAUTHORIZED,
        [HUB_ENCRYPTION_NEEDED] = CODE_ENCRYPTION_NEEDED,
        [HUB_PASSWORD_NEEDED] = CODE_PASSWORD_NEEDED,
        [HUB_PASSWORD_WRONG] = CODE_PASSWORD_WRONG,
        [HUB_PASSWORD_ATTEMPTS] = CODE_PASSWORD_ATTEMPTS,
        [HUB_USERNAME_TAKEN] = CODE_USERNAME_TAKEN,
        [HUB_ROOM_FULL] = CODE_ROOM_FULL,
        [HUB_LIMIT_REACHED] = CODE_LIMIT_REACHED,
        [HUB_UNSUPPORTED] = CODE_UNSUPPORTED,
        [HUB_WRONG_STATE] = CODE_WRONG_STATE,
        [HUB_RATE_LIMITED] = CODE_RATE_LIMITED,
        [HUB_DRAINING] = CODE_DRAINING,
        [HUB_BUSY] = CODE_INTERNAL,
        [HUB_NO_MEMORY] = CODE_INTERNAL,
    };
    assert(refusal->code < HUB_CODE_COUNT);
    if (refusal->code == HUB_NO_MEMORY)
        signal_refuse_memory(call);
    else
        signal_refuse(call, codes[refusal->code], "%s: %s", call->type, refusal->text);
}

// ---- notifications

static bool encoded(bool ok, enum signal_out type) {
    if (!ok)
        LOG_ERROR("notification lost", LOG_TEXT("type", signal_out_name(type)),
                  LOG_TEXT("reason", "no memory"));
    return ok;
}

static bool encode_notification(struct signalling *signalling, enum signal_out type, json_t *data,
                                const struct raw_member *raw, size_t raw_count) {
    bool ok = data && signal_encode_raw(&signalling->out, signal_out_name(type), data, raw, raw_count, NULL);
    json_decref(data);
    if (ok)
        signal_said_check(type, signalling->out.text, signalling->out.len);
    return encoded(ok, type);
}

void signal_notify(struct signalling *signalling, const struct participant *to, enum signal_out type,
                   json_t *data) {
    struct session *session = signal_session_of(signalling, to);
    if (session && encode_notification(signalling, type, data, NULL, 0))
        signal_send_text(session, signalling->out.text, signalling->out.len, haste_of(type));
    else if (!session)
        json_decref(data);
}

void signal_tell_session(struct session *session, enum signal_out type, json_t *data) {
    struct text_buffer *out = &session->signalling->out;
    if (encode_notification(session->signalling, type, data, NULL, 0))
        signal_send_text(session, out->text, out->len, SIGNAL_NOW);
}

// What has been encoded, to everyone in the room but one.
static void send_to_room(struct signalling *signalling, const struct room *room,
                         const struct participant *except, enum signal_out type) {
    LIST_EACH(node, &room->participants) {
        const struct participant *to = LIST_ENTRY(node, struct participant, link);
        struct session *session = to == except ? NULL : signal_session_of(signalling, to);
        if (session)
            signal_send_text(session, signalling->out.text, signalling->out.len, haste_of(type));
    }
}

void signal_broadcast(struct signalling *signalling, const struct room *room,
                      const struct participant *except, enum signal_out type, json_t *data) {
    if (encode_notification(signalling, type, data, NULL, 0))
        send_to_room(signalling, room, except, type);
}

void signal_broadcast_text(struct signalling *signalling, const struct room *room,
                           const struct participant *except, enum signal_out type, const char *data,
                           size_t len) {
    if (!encoded(signal_encode_text(&signalling->out, signal_out_name(type), data, len), type))
        return;
    signal_said_check(type, signalling->out.text, signalling->out.len);
    send_to_room(signalling, room, except, type);
}

enum err signal_pass_on(struct signalling *signalling, struct participant *to, enum signal_out type,
                        json_t *data, const struct raw_member *raw, size_t raw_count) {
    if (!encode_notification(signalling, type, data, raw, raw_count))
        return ERR_NO_MEMORY;
    struct session *session = signal_session_of(signalling, to);
    if (!session)
        return hub_keep_text(signalling->hub, to, signalling->out.text, signalling->out.len);
    signal_send_text(session, signalling->out.text, signalling->out.len, haste_of(type));
    return ERR_OK;
}
