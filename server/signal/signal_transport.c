// create-transport, connect-transport, restart-ice, close-transport.
#include "base/entropy.h"
#include "base/log.h"
#include "server/signal/signal.h"

#include <assert.h>
#include <string.h>

// RFC 8445, section 5.1.2.1: priority = 2^24 type + 2^8 local + (256 - component); host candidates have type
// preference 126, RTP has component 1. Earlier addresses are preferred.
#define CANDIDATE_TYPE_HOST UINT32_C(126)
#define CANDIDATE_LOCAL_MAX UINT32_C(65535)

static uint32_t candidate_priority(unsigned index) {
    return (CANDIDATE_TYPE_HOST << 24) + ((CANDIDATE_LOCAL_MAX - index) << 8) + 255;
}

// The first two characters name the worker, base 36; the rest is random.
static void make_credentials(unsigned worker, struct ice_credentials *ice) {
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    _Static_assert(WORKERS_MAX <= 36 * 36, "two digits name every worker");
    assert(worker < WORKERS_MAX);
    ice->ufrag[0] = digits[worker / 36];
    ice->ufrag[1] = digits[worker % 36];
    entropy_text(ice->ufrag + 2, ICE_UFRAG_BYTES - 2);
    ice->ufrag[ICE_UFRAG_BYTES] = '\0';
    entropy_text(ice->pwd, ICE_PWD_BYTES);
    ice->pwd[ICE_PWD_BYTES] = '\0';
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

static json_t *describe_transport(const struct hub *hub, const struct room_transport *transport,
                                  const struct ice_credentials *ice) {
    return json_pack("{s:s, s:s, s:o, s:o, s:{s:s, s:[{s:s, s:s}]}, s:o}", "id", transport->public_id.text,
                     "direction", transport->from_client ? "send" : "recv", "iceParameters",
                     describe_ice(ice), "iceCandidates",
                     describe_candidates(&hub->config, transport->owner->worker), "dtlsParameters", "role",
                     "auto", "fingerprints", "algorithm", "sha-256", "value", hub->config.fingerprint_sha256,
                     "iceServers", describe_ice_servers(hub, transport->owner));
}

static void log_transport(const char *event, const struct room_transport *transport, const char *name,
                          const char *value) {
    const struct participant *owner = transport->owner;
    LOG_DEBUG(event, LOG_TEXT("room", owner->room->name), LOG_TEXT("user", owner->name),
              LOG_TEXT("transport", transport->public_id.text), LOG_TEXT(name, value));
}

static void refuse_queue(struct signal_call *call) {
    signal_refuse(call, CODE_INTERNAL, "%s: the media worker is too busy; try again in a moment", call->type);
}

void signal_create_transport(struct signal_call *call) {
    struct hub *hub = call->hub;
    struct participant *me = call->me;
    uint32_t most = hub->config.limits.transports_per_participant_max;
    if (data_bool(call->data, "forceTcp")) {
        signal_refuse(call, CODE_UNSUPPORTED,
                      "create-transport: media over TCP is not offered; leave "
                      "`forceTcp` out to use UDP");
        return;
    }
    if (me->transport_count >= most) {
        signal_refuse(call, CODE_LIMIT_REACHED,
                      "create-transport: a participant may have %u transports; close one first", most);
        return;
    }
    if (!memory_allows(call))
        return;
    bool from_client = strcmp(data_text(call->data, "direction"), "send") == 0;
    struct room_transport *transport = registry_open_transport(&hub->registry, me, from_client);
    if (!transport) {
        signal_refuse_memory(call);
        return;
    }
    transport->ssrc_start = entropy_u32();
    struct media_cmd cmd = {.type = MEDIA_OPEN_TRANSPORT, .transport = transport->id};
    make_credentials(me->worker, &cmd.ice);
    json_t *data = describe_transport(hub, transport, &cmd.ice);
    if (data && !command_post_try(&hub->post, me->worker, &cmd)) {
        json_decref(data);
        registry_close_transport(&hub->registry, transport);
        refuse_queue(call);
    } else if (!data) {
        registry_close_transport(&hub->registry, transport);
        signal_refuse_memory(call);
    } else {
        log_transport("transport created", transport, "direction", from_client ? "send" : "recv");
        if (!signal_answer(call, OUT_TRANSPORT_CREATED, data))
            drop_transport(hub, transport, "transport-closed", false);
    }
    explicit_bzero(&cmd, sizeof cmd);
}

struct room_transport *my_transport(struct signal_call *call, const char *public_id) {
    struct room_transport *transport = registry_find_transport(&call->hub->registry, public_id);
    if (transport && transport->owner == call->me)
        return transport;
    signal_refuse(call, CODE_NOT_FOUND, "%s: you have no transport of that id", call->type);
    return NULL;
}

void signal_connect_transport(struct signal_call *call) {
    struct room_transport *transport = my_transport(call, data_text(call->data, "transportId"));
    if (!transport)
        return;
    if (transport->connected) {
        signal_refuse(
            call, CODE_WRONG_STATE,
            "connect-transport: this transport is connected already; to change the network path use "
            "restart-ice");
        return;
    }
    struct media_cmd cmd = {.type = MEDIA_CONNECT_TRANSPORT, .transport = transport->id};
    struct refusal refusal = {0};
    enum err e = negotiate_dtls(data_object(call->data, "dtlsParameters"), &cmd.connect.remote_role,
                                &cmd.connect.fingerprint, &refusal);
    if (e != ERR_OK) {
        refusal.code = e;
        signal_refuse_negotiation(call, "connect-transport: dtlsParameters", &refusal);
        return;
    }
    if (!command_post_try(&call->hub->post, call->me->worker, &cmd)) {
        refuse_queue(call);
        return;
    }
    transport->connected = true;
    log_transport("transport parameters given", transport, "by", "connect-transport");
    signal_answer(call, OUT_TRANSPORT_CONNECTED,
                  json_pack("{s:s}", "transportId", transport->public_id.text));
}

void signal_restart_ice(struct signal_call *call) {
    struct hub *hub = call->hub;
    struct room_transport *transport = my_transport(call, data_text(call->data, "transportId"));
    if (!transport)
        return;
    struct media_cmd cmd = {.type = MEDIA_RESTART_ICE, .transport = transport->id};
    make_credentials(call->me->worker, &cmd.ice);
    json_t *data = json_pack("{s:s, s:o, s:o, s:o}", "transportId", transport->public_id.text,
                             "iceParameters", describe_ice(&cmd.ice), "iceCandidates",
                             describe_candidates(&hub->config, call->me->worker), "iceServers",
                             describe_ice_servers(hub, call->me));
    if (data && !command_post_try(&hub->post, call->me->worker, &cmd)) {
        json_decref(data);
        refuse_queue(call);
    } else {
        signal_answer(call, OUT_ICE_RESTARTED, data);
    }
    explicit_bzero(&cmd, sizeof cmd);
}

void drop_transport(struct hub *hub, struct room_transport *transport, const char *reason, bool tell_owner) {
    LIST_EACH(p, &transport->producers)
    drop_producer(hub, LIST_ENTRY(p, struct room_producer, link), false);
    LIST_EACH(c, &transport->consumers)
    drop_consumer(hub, LIST_ENTRY(c, struct room_consumer, link), tell_owner ? reason : NULL, true);
    struct media_cmd cmd = {.type = MEDIA_CLOSE_TRANSPORT, .transport = transport->id};
    command_post_surely(&hub->post, transport->owner->worker, &cmd);
    log_transport("transport closed", transport, "reason", reason);
    registry_close_transport(&hub->registry, transport);
}

void signal_close_transport(struct signal_call *call) {
    struct room_transport *transport = my_transport(call, data_text(call->data, "transportId"));
    if (!transport)
        return;
    json_t *data = json_pack("{s:s}", "transportId", transport->public_id.text);
    drop_transport(call->hub, transport, "transport-closed", true);
    signal_answer(call, OUT_TRANSPORT_CLOSED, data);
}
