// Opening, connecting, restarting and closing a transport.
#include "base/entropy.h"
#include "base/log.h"
#include "server/hub/hub_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void log_transport(const char *event, const struct room_transport *transport, const char *name,
                          const char *value) {
    const struct participant *owner = transport->owner;
    LOG_DEBUG(event, LOG_TEXT("room", owner->room->name), LOG_TEXT("user", owner->name),
              LOG_TEXT("transport", transport->public_id.text), LOG_TEXT(name, value));
}

// Its place in the limits, and what its owner will be told; false and a refusal.
static bool begin_full(struct hub *hub, struct room_transport *transport, struct hub_refusal *refusal) {
    if (!hub_ice_may_open(hub, transport->owner, refusal))
        return false;
    transport->full = calloc(1, sizeof *transport->full);
    if (!transport->full)
        return hub_refuse_memory(refusal);
    transport->full->transport = transport;
    memcpy(transport->full->network, transport->owner->network, sizeof transport->owner->network);
    list_push_back(&hub->full, &transport->full->link);
    hub->full_transports++;
    transport->owner->agent_count++;
    return true;
}

static void end_full(struct hub *hub, const struct room_transport *transport) {
    if (!transport->full)
        return;
    assert(hub->full_transports > 0);
    hub->full_transports--;
    list_remove(&transport->full->link);
}

// Whether it gets a full agent: 1, 0; -1 and a refusal.
static int choose_ice(const struct hub *hub, const struct hub_transport_ask *ask,
                      struct hub_refusal *refusal) {
    enum hub_ice_mode mode = hub->config.ice.mode;
    if (ask->want == HUB_WANT_ICE_LITE)
        return 0;
    bool asked = ask->want == HUB_WANT_ICE_FULL;
    if (mode != HUB_ICE_LITE)
        return asked || ask->peer_is_lite || mode == HUB_ICE_FULL;
    if (!asked && !ask->peer_is_lite)
        return 0;
    hub_refuse(refusal, HUB_UNSUPPORTED,
               asked ? "this server is ICE-lite (its setting ice is lite); leave `ice` out"
                     : "this server is ICE-lite (its setting ice is lite), and so are you: nobody would look "
                       "for the other; be a full ICE agent, or set ice = auto");
    return -1;
}

static bool begin_transport(struct hub *hub, struct room_transport *transport,
                            const struct hub_transport_ask *ask, struct ice_credentials *ice,
                            struct hub_refusal *refusal) {
    struct participant *me = transport->owner;
    struct media_cmd cmd = {.type = MEDIA_OPEN_TRANSPORT, .transport = transport->id};
    cmd.room = me->room->id;
    cmd.full = transport->full != NULL;
    cmd.controlling = ask->peer_is_lite || !ask->client_offers;
    ice_credentials_make(me->worker, &cmd.ice);
    bool ok = command_post_try(&hub->post, me->worker, &cmd) || hub_refuse_busy(refusal);
    if (ok)
        *ice = cmd.ice;
    explicit_bzero(&cmd, sizeof cmd);
    return ok;
}

struct room_transport *hub_open_transport_as(struct hub *hub, struct participant *me,
                                             const struct hub_transport_ask *ask, struct ice_credentials *ice,
                                             struct hub_refusal *refusal) {
    uint32_t most = hub->config.limits.transports_per_participant_max;
    if (me->transport_count >= most) {
        hub_refuse(refusal, HUB_LIMIT_REACHED, "a participant may have %u transports; close one first", most);
        return NULL;
    }
    int full = choose_ice(hub, ask, refusal);
    if (full < 0 || !hub_memory_allows(hub, refusal))
        return NULL;
    struct room_transport *transport = registry_open_transport(&hub->registry, me, ask->from_client);
    if (!transport) {
        hub_refuse_memory(refusal);
        return NULL;
    }
    transport->ssrc_start = entropy_u32();
    if ((full && !begin_full(hub, transport, refusal)) ||
        !begin_transport(hub, transport, ask, ice, refusal)) {
        end_full(hub, transport);
        registry_close_transport(&hub->registry, transport);
        return NULL;
    }
    hub_stage_transport(hub, transport);
    log_transport("transport created", transport, "direction", ask->from_client ? "send" : "recv");
    return transport;
}

struct room_transport *hub_open_transport(struct hub *hub, struct participant *me, bool from_client,
                                          struct ice_credentials *ice, struct hub_refusal *refusal) {
    const struct hub_transport_ask ask = {.from_client = from_client, .want = HUB_WANT_ICE_LITE};
    return hub_open_transport_as(hub, me, &ask, ice, refusal);
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
    if (!hub_ice_may_restart(hub, transport, refusal))
        return NULL;
    struct media_cmd cmd = {.type = MEDIA_RESTART_ICE, .transport = transport->id};
    ice_credentials_make(me->worker, &cmd.ice);
    if (command_post_try(&hub->post, me->worker, &cmd)) {
        *ice = cmd.ice;
        hub_ice_restarted(transport);
    } else {
        hub_refuse_busy(refusal);
        transport = NULL;
    }
    explicit_bzero(&cmd, sizeof cmd);
    return transport;
}

void hub_offer_ice(struct hub *hub, const struct room_transport *transport) {
    if (transport->plain || transport->full) // a full agent keeps the sockets that it has
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
    end_full(hub, transport);
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
