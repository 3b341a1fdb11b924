// What clients are told of a transport's path.
#include "server/signal/signal.h"

#include <stdio.h>

// Their type is in the foundation alone: Firefox takes no srflx or relay without a related address, for which
// mediasoup-client has no place (RFC 8839, section 5.1), and nobody needs to know it.
static json_t *describe_found(const struct ice_candidate *c, unsigned number) {
    char ip[ADDR_TEXT_MAX], foundation[24];
    const char *type = ice_candidate_type_name(c->type);
    addr_print_ip(&c->address, ip);
    snprintf(foundation, sizeof foundation, "%s%u", type, number);
    return json_pack("{s:s, s:I, s:s, s:s, s:s, s:i, s:s}", "foundation", foundation, "priority",
                     (json_int_t)c->priority, "ip", ip, "address", ip, "protocol", "udp", "port",
                     (int)c->address.port, "type", "host");
}

json_t *signal_describe_agent_candidates(const struct room_ice *full, unsigned first) {
    json_t *list = json_array();
    for (unsigned i = first; list && i < full->count; i++) {
        if (json_array_append_new(list, describe_found(&full->candidates[i], i)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

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
                     "iceParameters", describe_ice(transport, ice), "iceCandidates",
                     describe_candidates(hub, transport), "dtlsParameters", "role", "auto", "fingerprints",
                     "algorithm", "sha-256", "value", hub_config(hub)->fingerprint_sha256, "iceServers",
                     signal_ice_servers(hub, transport->owner), "dtlsInStun", !transport->full,
                     "sctpParameters", signal_describe_sctp(transport));
}

json_t *signal_describe_restart(const struct hub *hub, const struct room_transport *transport,
                                const struct ice_credentials *ice) {
    return json_pack("{s:s, s:o, s:o, s:o}", "transportId", transport->public_id.text, "iceParameters",
                     describe_ice(transport, ice), "iceCandidates", describe_candidates(hub, transport),
                     "iceServers", signal_ice_servers(hub, transport->owner));
}
