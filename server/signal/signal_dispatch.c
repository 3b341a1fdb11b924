// One message: its rate, its envelope, its row of the table.
#include "base/log_pace.h"
#include "server/signal/signal.h"

#include <string.h>

static struct signal_call call_of(struct session *session) {
    return (struct signal_call){
        .signalling = session->signalling, .hub = session->signalling->hub, .session = session};
}

// A virtual-scheduling token bucket: each message costs 1 s / rate, and RATE_BURST_US may be owed.
static bool rate_allows(struct session *session, uint64_t now_us) {
    uint32_t per_second = hub_config(session->signalling->hub)->limits.messages_per_second_max;
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
    call->signalling->counts.rate_limited++;
    if (++session->refused > RATE_REFUSED_MAX) {
        LOG_STRANGER(LOG_LEVEL_WARN, "connection closed", LOG_NUMBER("client", session->client),
                     LOG_TEXT("reason", "message rate"));
        signal_close(session, CLOSE_POLICY, "too many messages");
        return;
    }
    signal_refuse(call, CODE_RATE_LIMITED,
                  "too many messages: at most %u a second are allowed; wait and send this one again",
                  hub_config(call->hub)->limits.messages_per_second_max);
}

// What of its rights counts: those about recordings are not its token's alone to give.
static unsigned rights_for(const struct signal_call *call, const struct signal_row *row) {
    return row->right & RIGHT_RECORD ? hub_rights(call->hub, call->me) : call->me->rights;
}

static void handle(struct signal_call *call) {
    char why[SIGNAL_ERROR_BYTES_MAX];
    const struct signal_row *row = call->row;
    if (!row)
        signal_refuse(call, CODE_UNKNOWN_TYPE, "`%.*s` is not a request of this protocol",
                      strlen(call->type) <= SIGNAL_TYPE_BYTES_MAX ? SIGNAL_TYPE_BYTES_MAX : 0, call->type);
    else if (!signal_check_fields(row->fields, call->data, why))
        signal_refuse(call, CODE_BAD_REQUEST, "%s: %s", row->type, why);
    else if (row->needs == NEEDS_ROOM && !call->me)
        signal_refuse(call, CODE_NOT_JOINED, "%s needs a room: send join-room first", row->type);
    else if (row->right && !(rights_for(call, row) & row->right))
        signal_refuse(call, CODE_FORBIDDEN, "%s: your token does not allow it; ask for one that does",
                      row->type);
    else
        row->handle(call);
}

void signal_refuse_frame(struct session *session, enum signal_code code, const char *why, uint16_t close) {
    struct signal_call call = call_of(session);
    signal_refuse(&call, code, "%s", why);
    // RFC 6455, section 5.5: a control frame's payload is at most 125 bytes; the words were in the error.
    signal_close(session, close, signal_code_name(code));
}

void signal_dispatch(struct session *session, const char *text, size_t len) {
    char why[SIGNAL_ERROR_BYTES_MAX];
    bool allowed = rate_allows(session, session->signalling->now_us);
    struct signal_envelope envelope;
    enum err e = signal_decode(text, len, &envelope, why);
    if (e == ERR_NO_MEMORY) {
        struct signal_call call = call_of(session);
        signal_refuse_memory(&call);
        return;
    }
    if (e != ERR_OK && e != ERR_UNSUPPORTED) {
        signal_refuse_frame(session, CODE_BAD_JSON, why, CLOSE_BAD_DATA);
        return;
    }
    if (session->participant)
        participant_token_received(session->participant); // it has read what `joined` said
    bool well_formed = e == ERR_OK && signal_check_envelope(&envelope, why);
    if (e == ERR_UNSUPPORTED) {
        char ignored[SIGNAL_ERROR_BYTES_MAX];
        (void)signal_check_envelope(&envelope, ignored); // an id of another type is none
    }
    struct signal_call call = call_of(session);
    call.me = session->participant;
    call.type = envelope.type;
    call.row = envelope.type ? signal_find_row(envelope.type) : NULL;
    call.data = envelope.data;
    call.id = envelope.id;
    if (!allowed)
        refuse_rate(&call);
    else if (!well_formed)
        signal_refuse(&call, CODE_BAD_REQUEST, "%s", why);
    else
        handle(&call);
    json_decref(envelope.root);
}
