// Transports with a full ICE agent: the answer to create-transport, which waits for its addresses, those
// that come later, and what the client tells of itself (add-ice-candidates).
#include "server/signal/signal.h"

#include <stdlib.h>
#include <string.h>

#define GATHERING_US (500 * US_PER_MS) // how long an answer waits for STUN and TURN servers

// A create-transport that is not answered yet.
struct gathering_transport {
    struct list link; // in session->gathering
    struct wheel_node timer;
    struct session *session;
    const struct signal_row *row;
    json_t *id;                // of the request, or NULL
    struct held_answer *place; // of an answer without id
    struct public_id transport;
    struct ice_credentials ice;
};

enum hub_ice_want signal_ice_want(const json_t *data) {
    const char *ice = signal_data_text(data, "ice");
    return !ice ? HUB_WANT_ANY_ICE : strcmp(ice, "full") == 0 ? HUB_WANT_ICE_FULL : HUB_WANT_ICE_LITE;
}

// ---- the answer

static void gathering_free(struct gathering_transport *waiting) {
    wheel_cancel(&waiting->session->signalling->wheel, &waiting->timer);
    list_remove(&waiting->link);
    json_decref(waiting->id);
    explicit_bzero(waiting, sizeof *waiting);
    free(waiting);
}

void signal_gathering_forget(struct session *session) {
    LIST_EACH(node, &session->gathering)
    gathering_free(LIST_ENTRY(node, struct gathering_transport, link));
}

static struct signal_call call_of(const struct gathering_transport *waiting) {
    return (struct signal_call){.signalling = waiting->session->signalling,
                                .hub = waiting->session->signalling->hub,
                                .session = waiting->session,
                                .me = waiting->session->participant,
                                .row = waiting->row,
                                .type = waiting->row->type,
                                .id = waiting->id,
                                .place = waiting->place};
}

// With what has been found until now.
static void answer(struct gathering_transport *waiting) {
    struct signal_call call = call_of(waiting);
    struct hub_refusal refusal;
    const struct room_transport *transport =
        call.me ? hub_own_transport(call.hub, call.me, waiting->transport.text, &refusal) : NULL;
    if (transport && transport->full->count == 0 && transport->full->gathered) {
        signal_refuse(&call, CODE_INTERNAL,
                      "create-transport: the server found no address for a full ICE agent; its operator "
                      "sees why in the log");
        hub_close_transport(call.hub, call.me, waiting->transport.text, &refusal);
    } else if (transport)
        signal_answer(&call, OUT_TRANSPORT_CREATED,
                      signal_describe_transport(call.hub, transport, &waiting->ice));
    else
        signal_refuse(&call, CODE_NOT_FOUND, "create-transport: it was closed meanwhile");
    gathering_free(waiting);
}

static void gathering_fire(struct wheel_node *node, uint64_t now_us) {
    (void)now_us;
    answer(LIST_ENTRY(node, struct gathering_transport, timer));
}

static void place_give_up(void *owner) {
    answer(owner);
}

bool signal_await_gathering(struct signal_call *call, const struct room_transport *transport,
                            const struct ice_credentials *ice) {
    struct gathering_transport *waiting = calloc(1, sizeof *waiting);
    if (!waiting) {
        signal_refuse_memory(call);
        return false;
    }
    waiting->session = call->session;
    waiting->row = call->row;
    waiting->transport = transport->public_id;
    waiting->ice = *ice;
    list_init(&waiting->link);
    list_push_back(&call->session->gathering, &waiting->link);
    wheel_node_init(&waiting->timer, gathering_fire);
    wheel_arm(&call->signalling->wheel, &waiting->timer, call->signalling->now_us + GATHERING_US);
    if (!call->id)
        waiting->place = signal_hold_place(call->session, waiting, place_give_up);
    if (!call->id && !waiting->place) {
        gathering_free(waiting);
        signal_refuse_memory(call);
        return false;
    }
    waiting->id = json_incref(call->id);
    return true;
}

static struct gathering_transport *find_waiting(const struct session *session,
                                                const struct room_transport *transport) {
    LIST_EACH(node, &session->gathering) {
        struct gathering_transport *waiting = LIST_ENTRY(node, struct gathering_transport, link);
        if (strcmp(waiting->transport.text, transport->public_id.text) == 0)
            return waiting;
    }
    return NULL;
}

void signal_ice_found(struct signalling *signalling, const struct room_transport *transport, unsigned first) {
    const struct session *session = signal_session_of(signalling, transport->owner);
    struct gathering_transport *waiting = session ? find_waiting(session, transport) : NULL;
    if (waiting) { // it is answered with all of them at once
        if (transport->full->gathered)
            wheel_arm(&signalling->wheel, &waiting->timer, signalling->now_us);
        return;
    }
    signal_notify(signalling, transport->owner, OUT_ICE_CANDIDATES,
                  json_pack("{s:s, s:o, s:b}", "transportId", transport->public_id.text, "iceCandidates",
                            signal_describe_agent_candidates(transport->full, first), "complete",
                            (int)transport->full->gathered));
}

// ---- what the client tells

static struct span text_span(const json_t *text) {
    return json_is_string(text) ? span_of(json_string_value(text), json_string_length(text))
                                : (struct span){0};
}

void signal_add_ice_candidates(struct signal_call *call) {
    const char *id = signal_data_text(call->data, "transportId");
    const json_t *parameters = signal_data_object(call->data, "iceParameters");
    const json_t *list = json_object_get(call->data, "candidates");
    struct span lines[HUB_ICE_LINES_MAX];
    struct hub_ice_told told = {.candidates = lines};
    struct hub_ice_taken taken;
    struct hub_refusal refusal;
    if (parameters) {
        told.ufrag = text_span(json_object_get(parameters, "usernameFragment"));
        told.pwd = text_span(json_object_get(parameters, "password"));
        if (!told.ufrag.ptr || !told.pwd.ptr) {
            signal_refuse(
                call, CODE_BAD_REQUEST,
                "add-ice-candidates: `iceParameters` is {usernameFragment, password}, both strings");
            return;
        }
    }
    for (; told.count < json_array_size(list); told.count++)
        lines[told.count] = text_span(json_array_get(list, told.count));
    if (hub_tell_ice(call->hub, call->me, id, &told, &taken, &refusal))
        signal_answer(call, OUT_ICE_CANDIDATES_ADDED,
                      json_pack("{s:s, s:i, s:i}", "transportId", id, "taken", (int)taken.taken, "ignored",
                                (int)taken.ignored));
    else
        signal_refuse_verb(call, &refusal);
}
