// create-transport, connect-transport, restart-ice, close-transport.
#include "server/signal/signal.h"

#include <string.h>

// RFC 8445, section 5.1.2.1: priority = 2^24 type + 2^8 local + (256 - component); host candidates have type
// preference 126, RTP has component 1. Earlier addresses are preferred.
#define CANDIDATE_TYPE_HOST UINT32_C(126)
#define CANDIDATE_LOCAL_MAX UINT32_C(65535)

static uint32_t candidate_priority(unsigned index) {
    return (CANDIDATE_TYPE_HOST << 24) + ((CANDIDATE_LOCAL_MAX - index) << 8) + 255;
}

static json_t *describe_ice(const struct ice_credentials *ice) {
    return json_pack("{s:s, s:s, s:b}", "usernameFragment", ice->ufrag, "password", ice->pwd, "iceLite", 1);
}

static json_t *describe_candidates(const struct hub_config *config, unsigned worker) {
    json_t *candidates = json_array();
    for (unsigned i = 0; i < config->announce_count; i++) {
        const char *ip = config->announce[i];
        json_t *candidate =
            json_pack("{s:s, s:I, s:s, s:s, s:s, s:i, s:s}", "foundation", "udpcandidate", "priority",
                      (json_int_t)candidate_priority(i), "ip", ip, "address", ip, "protocol", "udp", "port",
                      (int)config->media_ports[worker], "type", "host");
        if (json_array_append_new(candidates, candidate) != 0) {
            json_decref(candidates);
            return NULL;
        }
    }
    return candidates;
}

json_t *signal_describe_transport(const struct hub *hub, const struct room_transport *transport,
                                  const struct ice_credentials *ice) {
    return json_pack(
        "{s:s, s:s, s:o, s:o, s:{s:s, s:[{s:s, s:s}]}, s:o, s:b}", "id", transport->public_id.text,
        "direction", transport->from_client ? "send" : "recv", "iceParameters", describe_ice(ice),
        "iceCandidates", describe_candidates(hub_config(hub), transport->owner->worker), "dtlsParameters",
        "role", "auto", "fingerprints", "algorithm", "sha-256", "value", hub_config(hub)->fingerprint_sha256,
        "iceServers", signal_ice_servers(hub, transport->owner), "dtlsInStun", 1);
}

void signal_create_transport(struct signal_call *call) {
    struct hub *hub = call->hub;
    struct hub_refusal refusal;
    struct ice_credentials ice;
    if (signal_data_bool(call->data, "forceTcp")) {
        signal_refuse(call, CODE_UNSUPPORTED,
                      "create-transport: media over TCP is not offered; leave "
                      "`forceTcp` out to use UDP");
        return;
    }
    bool from_client = strcmp(signal_data_text(call->data, "direction"), "send") == 0;
    struct room_transport *transport = hub_open_transport(hub, call->me, from_client, &ice, &refusal);
    if (!transport) {
        signal_refuse_verb(call, &refusal);
        return;
    }
    if (!signal_answer(call, OUT_TRANSPORT_CREATED, signal_describe_transport(hub, transport, &ice)))
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
                     describe_ice(ice), "iceCandidates",
                     describe_candidates(hub_config(hub), transport->owner->worker), "iceServers",
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
