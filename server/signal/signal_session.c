// One WebSocket connection: opening, message rate, dispatch, closing.
#include "base/hmap.h"
#include "base/log.h"
#include "base/slots.h"
#include "server/signal/signal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct session *signal_session_of(const struct hub *hub, const struct participant *participant) {
    return participant->connection ? slots_get(hub->sessions, participant->connection) : NULL;
}

static struct session *session_find(const struct hub *hub, uint32_t client) {
    uint32_t id = hmap_get(hub->clients, &client);
    return id == HMAP_NONE ? NULL : slots_get(hub->sessions, id);
}

void signal_close(struct session *session, uint16_t code, const char *reason) {
    if (session->closed)
        return;
    if (session->participant)
        signal_detach(session);
    session->closed = true;
    wheel_cancel(&session->hub->wheel, &session->join_timer);
    session->hub->post.io.close(session->hub->post.io.ctx, session->client, code, reason);
}

static void join_timer_fire(struct wheel_node *node, uint64_t now_us) {
    (void)now_us;
    struct session *session = LIST_ENTRY(node, struct session, join_timer);
    LOG_INFO("connection closed", LOG_NUMBER("client", session->client), LOG_TEXT("reason", "did not join"));
    signal_close(session, CLOSE_POLICY, "join a room in time");
}

void signal_wait_for_join(struct session *session) {
    wheel_arm(&session->hub->wheel, &session->join_timer,
              session->hub->now_us + session->hub->config.limits.join_timeout_us);
}

void hub_client_opened(struct hub *hub, uint32_t client, uint64_t now_us) {
    hub->now_us = now_us;
    assert(!session_find(hub, client));
    struct session *session = calloc(1, sizeof *session);
    if (session)
        session->id = slots_add(hub->sessions, session);
    if (!session || session->id == 0 || hmap_put(hub->clients, &client, session->id) != ERR_OK) {
        if (session)
            slots_remove(hub->sessions, session->id);
        free(session);
        hub->post.io.close(hub->post.io.ctx, client, CLOSE_INTERNAL, "out of memory");
        return;
    }
    session->hub = hub;
    session->client = client;
    list_init(&session->held);
    list_init(&session->stats);
    wheel_node_init(&session->join_timer, join_timer_fire);
    signal_wait_for_join(session);
}

void hub_client_closed(struct hub *hub, uint32_t client, uint64_t now_us) {
    hub->now_us = now_us;
    struct session *session = session_find(hub, client);
    if (!session)
        return;
    stats_forget_session(session);
    signal_drop_held(session);
    wheel_cancel(&hub->wheel, &session->join_timer);
    if (session->participant)
        signal_detach(session);
    hmap_remove(hub->clients, &client);
    slots_remove(hub->sessions, session->id);
    free(session);
}

// A virtual-scheduling token bucket: each message costs 1 s / rate, and RATE_BURST_US may be owed.
static bool rate_allows(struct session *session, uint64_t now_us) {
    uint32_t per_second = session->hub->config.limits.messages_per_second_max;
    if (per_second == 0)
        per_second = 1;
    if (session->rate_due_us <= now_us) {
        session->rate_due_us = now_us;
        session->refused = 0; // it has calmed down
    }
    uint64_t due_us = session->rate_due_us;
    due_us += US_PER_SECOND / per_second;
    if (due_us - now_us > RATE_BURST_US)
        return false;
    session->rate_due_us = due_us;
    return true;
}

static void refuse_rate(struct signal_call *call) {
    struct session *session = call->session;
    call->hub->counts.rate_limited++;
    if (++session->refused > RATE_REFUSED_MAX) {
        LOG_WARN("connection closed", LOG_NUMBER("client", session->client),
                 LOG_TEXT("reason", "message rate"));
        signal_close(session, CLOSE_POLICY, "too many messages");
        return;
    }
    signal_refuse(call, CODE_RATE_LIMITED,
                  "too many messages: at most %u a second are allowed; wait and send this one again",
                  call->hub->config.limits.messages_per_second_max);
}

static void dispatch(struct signal_call *call) {
    char why[SIGNAL_ERROR_BYTES_MAX];
    const struct signal_row *row = signal_find_row(call->type);
    if (!row)
        signal_refuse(call, CODE_UNKNOWN_TYPE, "`%.*s` is not a request of this protocol",
                      strlen(call->type) <= SIGNAL_TYPE_BYTES_MAX ? SIGNAL_TYPE_BYTES_MAX : 0, call->type);
    else if (!signal_check_fields(row->fields, call->data, why))
        signal_refuse(call, CODE_BAD_REQUEST, "%s: %s", row->type, why);
    else if (row->needs_room && !call->me)
        signal_refuse(call, CODE_NOT_JOINED, "%s needs a room: send join-room first", row->type);
    else
        row->handle(call);
}

static void refuse_frame(struct session *session, enum signal_code code, const char *why, uint16_t close) {
    struct signal_call call = {.hub = session->hub, .session = session};
    signal_refuse(&call, code, "%s", why);
    // RFC 6455, section 5.5: a control frame's payload is at most 125 bytes; the words were in the error.
    signal_close(session, close, signal_code_name(code));
}

static void session_message(struct session *session, const char *text, size_t len) {
    struct hub *hub = session->hub;
    char why[SIGNAL_ERROR_BYTES_MAX];
    bool allowed = rate_allows(session, hub->now_us);
    struct signal_envelope envelope;
    enum err e = signal_decode(text, len, &envelope, why);
    if (e == ERR_NO_MEMORY) {
        struct signal_call call = {.hub = hub, .session = session};
        signal_refuse_memory(&call);
        return;
    }
    if (e != ERR_OK && e != ERR_UNSUPPORTED) {
        refuse_frame(session, CODE_BAD_JSON, why, CLOSE_BAD_DATA);
        return;
    }
    if (session->participant)
        participant_token_received(session->participant); // it has read what `joined` said
    bool well_formed = e == ERR_OK && signal_check_envelope(&envelope, why);
    if (e == ERR_UNSUPPORTED) {
        char ignored[SIGNAL_ERROR_BYTES_MAX];
        (void)signal_check_envelope(&envelope, ignored); // an id of another type is none
    }
    struct signal_call call = {.hub = hub,
                               .session = session,
                               .me = session->participant,
                               .type = envelope.type,
                               .data = envelope.data,
                               .id = envelope.id};
    if (!allowed)
        refuse_rate(&call);
    else if (!well_formed)
        signal_refuse(&call, CODE_BAD_REQUEST, "%s", why);
    else
        dispatch(&call);
    json_decref(envelope.root);
}

void hub_client_message(struct hub *hub, uint32_t client, const char *text, size_t len, uint64_t now_us) {
    hub->now_us = now_us;
    struct session *session = session_find(hub, client);
    if (!session || session->closed)
        return;
    hub->counts.messages_in++;
    if (len > HUB_MESSAGE_MAX)
        hub_client_bad_frame(hub, client, HUB_FRAME_TOO_BIG, now_us);
    else
        session_message(session, text, len);
}

void hub_client_bad_frame(struct hub *hub, uint32_t client, enum hub_bad_frame what, uint64_t now_us) {
    hub->now_us = now_us;
    struct session *session = session_find(hub, client);
    if (!session || session->closed)
        return;
    if (what == HUB_FRAME_BINARY)
        refuse_frame(session, CODE_BAD_JSON, "binary frames are not used: send one JSON object as text",
                     CLOSE_UNSUPPORTED_DATA);
    else
        refuse_frame(session, CODE_LIMIT_REACHED, "the message is longer than 65536 bytes", CLOSE_TOO_BIG);
}
