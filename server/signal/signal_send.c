// What the hub says: answers in their order, refusals, notifications.
#include "base/log.h"
#include "base/slots.h"
#include "server/signal/signal.h"

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

void signal_send_text(struct session *session, const char *text, size_t len) {
    struct hub *hub = session->hub;
    if (session->closed)
        return;
    hub->counts.messages_out++;
    hub->post.io.send(hub->post.io.ctx, session->client, text, len);
}

void signal_send_owed(struct session *session, const char *text, size_t len) {
    struct hub *hub = session->hub;
    if (session->closed)
        return;
    hub->counts.messages_out++;
    (hub->post.io.send_owed ? hub->post.io.send_owed : hub->post.io.send)(hub->post.io.ctx, session->client,
                                                                          text, len);
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
        (held->owed ? signal_send_owed : signal_send_text)(session, held->text, held->len);
}

void signal_drop_held(struct session *session) {
    for (struct held_answer *held; (held = held_first(session));)
        held_free(session, held);
}

struct held_answer *signal_hold_place(struct session *session) {
    // Waiting is bounded: the request that everyone waits for is given up.
    while (session->held_count >= HELD_ANSWERS_MAX)
        stats_give_up_oldest(session);
    struct held_answer *held = calloc(1, sizeof *held);
    if (!held)
        return NULL;
    list_push_back(&session->held, &held->link);
    session->held_count++;
    return held;
}

static void fill_place(struct session *session, struct held_answer *held, const char *text, size_t len,
                       bool owed) {
    assert(!held->text);
    held->owed = owed;
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
        call->place = signal_hold_place(call->session);
}

static void send_answer(struct signal_call *call, const char *text, size_t len) {
    if (call->place)
        fill_place(call->session, call->place, text, len, call->owed);
    else
        (call->owed ? signal_send_owed : signal_send_text)(call->session, text, len);
    call->place = NULL;
}

// ---- answers

// An error that needs no memory: without the id when that is not a plain number.
void signal_refuse_memory(struct signal_call *call) {
    char text[512], id_text[64] = "";
    // What the client wrote may need escaping; what the table says does not.
    const char *request = call->type && signal_find_row(call->type) ? call->type : "";
    if (json_is_integer(call->id))
        snprintf(id_text, sizeof id_text, ",\"id\":%lld", (long long)json_integer_value(call->id));
    int len = snprintf(text, sizeof text,
                       "{\"type\":\"error\",\"data\":{\"message\":\"the server is out of memory; try again "
                       "later\",\"code\":\"internal\",\"request\":\"%s\"}%s}",
                       request, id_text);
    assert(len > 0 && (size_t)len < sizeof text);
    call->hub->counts.errors_out++;
    take_place(call);
    send_answer(call, text, (size_t)len);
}

bool signal_answer_raw(struct signal_call *call, enum signal_out type, json_t *data,
                       const struct raw_member *raw, size_t raw_count) {
    struct hub *hub = call->hub;
    take_place(call);
    bool ok = data && signal_encode_raw(&hub->out, signal_out_name(type), data, raw, raw_count, call->id);
    json_decref(data);
    if (ok)
        send_answer(call, hub->out.text, hub->out.len);
    else
        signal_refuse_memory(call);
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
    struct hub *hub = call->hub;
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
    hub->counts.errors_out++;
    signal_answer(call, OUT_ERROR, data);
}

void signal_refuse_negotiation(struct signal_call *call, const char *what, const struct refusal *refusal) {
    enum signal_code code = refusal->code == ERR_UNSUPPORTED ? CODE_UNSUPPORTED
                            : refusal->code == ERR_NO_MEMORY ? CODE_INTERNAL
                            : refusal->code == ERR_LIMIT     ? CODE_LIMIT_REACHED
                                                             : CODE_BAD_REQUEST;
    signal_refuse(call, code, "%s: %.256s", what, refusal->text);
}

// ---- notifications

static bool encoded(bool ok, enum signal_out type) {
    if (!ok)
        LOG_ERROR("notification lost", LOG_TEXT("type", signal_out_name(type)),
                  LOG_TEXT("reason", "no memory"));
    return ok;
}

static bool encode_notification(struct hub *hub, enum signal_out type, json_t *data) {
    bool ok = data && signal_encode(&hub->out, signal_out_name(type), data, NULL);
    json_decref(data);
    return encoded(ok, type);
}

void signal_notify(struct hub *hub, const struct participant *to, enum signal_out type, json_t *data) {
    struct session *session = signal_session_of(hub, to);
    if (session && encode_notification(hub, type, data))
        signal_send_text(session, hub->out.text, hub->out.len);
    else if (!session)
        json_decref(data);
}

// What has been encoded, to everyone in the room but one.
static void send_to_room(struct hub *hub, const struct room *room, const struct participant *except) {
    LIST_EACH(node, &room->participants) {
        const struct participant *to = LIST_ENTRY(node, struct participant, link);
        struct session *session = to == except ? NULL : signal_session_of(hub, to);
        if (session)
            signal_send_text(session, hub->out.text, hub->out.len);
    }
}

void signal_broadcast(struct hub *hub, const struct room *room, const struct participant *except,
                      enum signal_out type, json_t *data) {
    if (encode_notification(hub, type, data))
        send_to_room(hub, room, except);
}

bool signal_broadcast_text(struct hub *hub, const struct room *room, const struct participant *except,
                           enum signal_out type, const char *data, size_t len) {
    if (!encoded(signal_encode_text(&hub->out, signal_out_name(type), data, len), type))
        return false;
    send_to_room(hub, room, except);
    return true;
}

enum err signal_pass_on(struct hub *hub, struct participant *to, enum signal_out type, json_t *data) {
    if (!encode_notification(hub, type, data))
        return ERR_NO_MEMORY;
    struct session *session = signal_session_of(hub, to);
    if (!session) {
        memory_give(hub, memory_of_queued(to));
        enum err e = participant_queue(to, hub->out.text, hub->out.len);
        memory_take(hub, memory_of_queued(to));
        return e;
    }
    signal_send_text(session, hub->out.text, hub->out.len);
    return ERR_OK;
}
