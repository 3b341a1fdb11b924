// Opening, connecting, restarting and closing a transport.
#include "base/entropy.h"
#include "base/log.h"
#include "server/hub/hub_internal.h"

#include <string.h>

static void log_transport(const char *event, const struct room_transport *transport, const char *name,
                          const char *value) {
    const struct participant *owner = transport->owner;
    LOG_DEBUG(event, LOG_TEXT("room", owner->room->name), LOG_TEXT("user", owner->name),
              LOG_TEXT("transport", transport->public_id.text), LOG_TEXT(name, value));
}

struct room_transport *hub_open_transport(struct hub *hub, struct participant *me, bool from_client,
                                          struct ice_credentials *ice, struct hub_refusal *refusal) {
    uint32_t most = hub->config.limits.transports_per_participant_max;
    if (me->transport_count >= most) {
        hub_refuse(refusal, HUB_LIMIT_REACHED, "a participant may have %u transports; close one first", most);
        return NULL;
    }
    if (!hub_memory_allows(hub, refusal))
        return NULL;
    struct room_transport *transport = registry_open_transport(&hub->registry, me, from_client);
    if (!transport) {
        hub_refuse_memory(refusal);
        return NULL;
    }
    transport->ssrc_start = entropy_u32();
    struct media_cmd cmd = {.type = MEDIA_OPEN_TRANSPORT, .transport = transport->id};
    cmd.room = me->room->id;
    ice_credentials_make(me->worker, &cmd.ice);
    if (!command_post_try(&hub->post, me->worker, &cmd)) {
        registry_close_transport(&hub->registry, transport);
        hub_refuse_busy(refusal);
        transport = NULL;
    } else {
        *ice = cmd.ice;
        hub_stage_transport(hub, transport);
        log_transport("transport created", transport, "direction", from_client ? "send" : "recv");
    }
    explicit_bzero(&cmd, sizeof cmd);
    return transport;
}

struct room_transport *hub_connect_transport(struct hub *hub, struct participant *me,
                                             const char *transport_id, const json_t *dtls_parameters,
                                             struct hub_refusal *refusal) {
    struct room_transport *transport = hub_own_transport(hub, me, transport_id, refusal);
    if (!transport)
        return NULL;
    if (transport->connected) {
        hub_refuse(refusal, HUB_WRONG_STATE,
                   "this transport is connected already; to change the network path use restart-ice");
        return NULL;
    }
    struct media_cmd cmd = {.type = MEDIA_CONNECT_TRANSPORT, .transport = transport->id};
    struct refusal why = {0};
    why.code = negotiate_dtls(dtls_parameters, &cmd.connect.remote_role, &cmd.connect.fingerprint, &why);
    if (why.code != ERR_OK) {
        hub_refuse_negotiation(refusal, "dtlsParameters", &why);
        return NULL;
    }
    if (!command_post_try(&hub->post, me->worker, &cmd)) {
        hub_refuse_busy(refusal);
        return NULL;
    }
    transport->connected = true;
    log_transport("transport parameters given", transport, "by", "connect-transport");
    return transport;
}

struct room_transport *hub_restart_ice(struct hub *hub, struct participant *me, const char *transport_id,
                                       struct ice_credentials *ice, struct hub_refusal *refusal) {
    struct room_transport *transport = hub_own_transport(hub, me, transport_id, refusal);
    if (!transport)
        return NULL;
    struct media_cmd cmd = {.type = MEDIA_RESTART_ICE, .transport = transport->id};
    ice_credentials_make(me->worker, &cmd.ice);
    if (command_post_try(&hub->post, me->worker, &cmd)) {
        *ice = cmd.ice;
    } else {
        hub_refuse_busy(refusal);
        transport = NULL;
    }
    explicit_bzero(&cmd, sizeof cmd);
    return transport;
}

void hub_offer_ice(struct hub *hub, const struct room_transport *transport) {
    if (transport->plain)
        return;
    struct media_cmd cmd = {.type = MEDIA_OFFER_ICE, .transport = transport->id};
    ice_credentials_make(transport->owner->worker, &cmd.ice);
    if (command_post_try(&hub->post, transport->owner->worker, &cmd))
        hub->events.ice_offered(hub->events.ctx, transport, &cmd.ice);
    explicit_bzero(&cmd, sizeof cmd);
}

void hub_drop_transport(struct hub *hub, struct room_transport *transport, const char *reason,
                        bool tell_owner) {
    LIST_EACH(p, &transport->producers)
    hub_drop_producer(hub, LIST_ENTRY(p, struct room_producer, link), false);
    LIST_EACH(c, &transport->consumers)
    hub_drop_consumer(hub, LIST_ENTRY(c, struct room_consumer, link), tell_owner ? reason : NULL, true);
    hub_drop_data(hub, transport, tell_owner);
    struct media_cmd cmd = {.type = MEDIA_CLOSE_TRANSPORT, .transport = transport->id};
    command_post_surely(&hub->post, transport->owner->worker, &cmd);
    log_transport("transport closed", transport, "reason", reason);
    registry_close_transport(&hub->registry, transport);
}

bool hub_close_transport(struct hub *hub, struct participant *me, const char *transport_id,
                         struct hub_refusal *refusal) {
    struct room_transport *transport = hub_own_transport(hub, me, transport_id, refusal);
    if (transport)
        hub_drop_transport(hub, transport, "transport-closed", true);
    return transport != NULL;
}

void hub_close_transports(struct hub *hub, struct participant *me) {
    LIST_EACH(node, &me->transports)
    hub_drop_transport(hub, LIST_ENTRY(node, struct room_transport, link), "transport-closed", false);
}
