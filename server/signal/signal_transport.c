// create-transport, connect-transport, restart-ice, close-transport.
#include "server/signal/signal.h"

#include <string.h>

void signal_create_transport(struct signal_call *call) {
    struct hub *hub = call->hub;
    struct hub_refusal refusal;
    struct ice_credentials ice;
    bool tcp_only = signal_data_bool(call->data, "forceTcp");
    if (tcp_only && !hub_takes_tcp(hub)) {
        signal_refuse(call, CODE_UNSUPPORTED,
                      "create-transport: this server accepts no media over TCP (its setting ice-tcp is off, "
                      "or the port "
                      "was taken); leave `forceTcp` out to use UDP");
        return;
    }
    if (!signal_check_data_wish(call))
        return;
    bool from_client = strcmp(signal_data_text(call->data, "direction"), "send") == 0;
    // Who is to get media answers an offer that is made of what the server says, who sends makes one.
    struct hub_transport_ask ask = {
        .from_client = from_client, .client_offers = from_client, .want = signal_ice_want(call->data)};
    if (tcp_only && ask.want == HUB_WANT_ICE_FULL) {
        signal_refuse(call, CODE_BAD_REQUEST,
                      "create-transport: a full ICE agent speaks only UDP; leave `ice` or `forceTcp` out");
        return;
    }
    if (tcp_only)
        ask.want = HUB_WANT_ICE_LITE;
    struct room_transport *transport = hub_open_transport_as(hub, call->me, &ask, &ice, &refusal);
    if (!transport) {
        signal_refuse_verb(call, &refusal);
        return;
    }
    transport->tcp_only = tcp_only;
    if (!signal_carry_data(call, transport, &refusal)) {
        struct hub_refusal ignored;
        hub_close_transport(hub, call->me, transport->public_id.text, &ignored);
        explicit_bzero(&ice, sizeof ice);
        signal_refuse_verb(call, &refusal);
        return;
    }
    bool answered = transport->full ? signal_await_gathering(call, transport, &ice)
                                    : signal_answer(call, OUT_TRANSPORT_CREATED,
                                                    signal_describe_transport(hub, transport, &ice));
    if (!answered)
        hub_close_transport(hub, call->me, transport->public_id.text, &refusal); // nobody knows of it
    explicit_bzero(&ice, sizeof ice);
}

static json_t *name_transport(const char *id) {
    return json_pack("{s:s}", "transportId", id);
}

void signal_connect_transport(struct signal_call *call) {
    const char *id = signal_data_text(call->data, "transportId");
    struct hub_refusal refusal;
    if (hub_connect_transport(call->hub, call->me, id, signal_data_object(call->data, "dtlsParameters"),
                              &refusal))
        signal_answer(call, OUT_TRANSPORT_CONNECTED, name_transport(id));
    else
        signal_refuse_verb(call, &refusal);
}

void signal_restart_ice(struct signal_call *call) {
    struct hub *hub = call->hub;
    const char *id = signal_data_text(call->data, "transportId");
    struct hub_refusal refusal;
    struct ice_credentials ice;
    const struct room_transport *transport = hub_restart_ice(hub, call->me, id, &ice, &refusal);
    if (!transport) {
        signal_refuse_verb(call, &refusal);
        return;
    }
    signal_answer(call, OUT_ICE_RESTARTED, signal_describe_restart(hub, transport, &ice));
    explicit_bzero(&ice, sizeof ice);
}

void signal_close_transport(struct signal_call *call) {
    const char *id = signal_data_text(call->data, "transportId");
    struct hub_refusal refusal;
    if (hub_close_transport(call->hub, call->me, id, &refusal))
        signal_answer(call, OUT_TRANSPORT_CLOSED, name_transport(id));
    else
        signal_refuse_verb(call, &refusal);
}
