// create-transport, connect-transport, restart-ice, close-transport.
#include "server/signal/signal.h"

#include <string.h>

static json_t *describe_ice(const struct room_transport *transport, const struct ice_credentials *ice) {
    return json_pack("{s:s, s:s, s:b}", "usernameFragment", ice->ufrag, "password", ice->pwd, "iceLite",
                     !transport->full);
}

static json_t *describe_candidate(const struct hub_candidate *c) {
    json_t *out =
        json_pack("{s:s, s:I, s:s, s:s, s:s, s:i, s:s}", "foundation",
                  c->tcp ? "tcpcandidate" : "udpcandidate", "priority", (json_int_t)c->priority, "ip", c->ip,
                  "address", c->ip, "protocol", c->tcp ? "tcp" : "udp", "port", (int)c->port, "type", "host");
    if (out && c->tcp && json_object_set_new(out, "tcpType", json_string("passive")) != 0) {
        json_decref(out);
        return NULL;
    }
    return out;
}

static json_t *describe_candidates(const struct hub *hub, const struct room_transport *transport) {
    struct hub_candidate list[HUB_CANDIDATES_MAX];
    if (transport->full)
        return signal_describe_agent_candidates(transport->full, 0);
    unsigned count = hub_candidates(hub, transport, list);
    json_t *candidates = json_array();
    for (unsigned i = 0; i < count; i++) {
        if (json_array_append_new(candidates, describe_candidate(&list[i])) != 0) {
            json_decref(candidates);
            return NULL;
        }
    }
    return candidates;
}

json_t *signal_describe_transport(const struct hub *hub, const struct room_transport *transport,
                                  const struct ice_credentials *ice) {
    return json_pack("{s:s, s:s, s:o, s:o, s:{s:s, s:[{s:s, s:s}]}, s:o, s:b, s:o*}", "id",
                     transport->public_id.text, "direction", transport->from_client ? "send" : "recv",
                     "iceParameters", describe_ice(transport, ice), "iceCandidates", describe_candidates(hub, transport),
                     "dtlsParameters", "role", "auto", "fingerprints", "algorithm", "sha-256", "value",
                     hub_config(hub)->fingerprint_sha256, "iceServers",
                     signal_ice_servers(hub, transport->owner), "dtlsInStun", !transport->full, "sctpParameters",
                     signal_describe_sctp(transport));
}

void signal_create_transport(struct signal_call *call) {
    struct hub *hub = call->hub;
    struct hub_refusal refusal;
    struct ice_credentials ice;
    bool tcp_only = signal_data_bool(call->data, "forceTcp");
    if (tcp_only && !hub_takes_tcp(hub)) {
        signal_refuse(call, CODE_UNSUPPORTED,
                      "create-transport: this server takes no media over TCP (its setting ice-tcp is off); "
                      "leave `forceTcp` out to use UDP");
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
                      "create-transport: a complete ICE agent speaks UDP alone; leave `ice` or `forceTcp` out");
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

json_t *signal_describe_restart(const struct hub *hub, const struct room_transport *transport,
                                const struct ice_credentials *ice) {
    return json_pack("{s:s, s:o, s:o, s:o}", "transportId", transport->public_id.text, "iceParameters",
                     describe_ice(transport, ice), "iceCandidates", describe_candidates(hub, transport), "iceServers",
                     signal_ice_servers(hub, transport->owner));
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
