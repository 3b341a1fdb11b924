// consume: from a producer and what a receiver takes to a consumer.
#include "base/log.h"
#include "server/hub/hub_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define CONSUMER_SSRC_FIRST UINT32_C(100000000)
#define CONSUMER_SSRC_SPAN UINT32_C(900000000)
#define CONSUMERS_OF_ONE_MAX 2 // of one producer for one participant: each costs a track's packets
#define REPEATS_OFFERED true   // of sound too (as the same packet, since there is no RTX for it)
#define CONSUMER_MID_MAX UINT32_C(99999999) // decimal, 8 bytes: what packets leave room for

// A consumer in the making.
struct demand {
    struct room_producer *producer;
    struct room_transport *transport;
    const struct receiver *receiver;
    struct receiver given; // with this request
    json_t *capabilities;  // the hub's, or this one's: owned
    json_t *parameters;    // owned
    struct consumer_params params;
};

static void demand_close(struct demand *demand) {
    json_decref(demand->capabilities);
    json_decref(demand->parameters);
}

// Consumable for the participant; NULL and a refusal.
static struct room_producer *find_consumable(const struct hub *hub, const struct participant *me,
                                             const char *producer_id, struct hub_refusal *refusal) {
    struct room_producer *producer = registry_find_producer(&hub->registry, producer_id);
    if (!producer || producer_owner(producer)->room != me->room) {
        hub_refuse(refusal, HUB_NOT_FOUND, "there is no producer of that id in this room");
        return NULL;
    }
    if (producer_owner(producer) == me) {
        hub_refuse(refusal, HUB_FORBIDDEN, "this producer is your own");
        return NULL;
    }
    return producer;
}

bool hub_receiver_check(const struct hub *hub, const json_t *given, struct receiver *out,
                        struct hub_refusal *refusal) {
    struct refusal why = {0};
    json_t *capabilities = negotiate_check_capabilities(given, &why);
    if (!capabilities)
        return hub_refuse_negotiation(refusal, "rtpCapabilities", &why);
    negotiate_receiver(capabilities, hub->router_capabilities, out);
    json_decref(capabilities);
    return true;
}

// A new reference; NULL without memory.
static json_t *receiver_capabilities(struct hub *hub, const struct receiver *receiver) {
    for (size_t i = 0; i < RECEIVERS_KEPT; i++)
        if (hub->receivers[i].capabilities &&
            memcmp(&hub->receivers[i].receiver, receiver, sizeof *receiver) == 0)
            return json_incref(hub->receivers[i].capabilities);
    json_t *capabilities = negotiate_receiver_capabilities(receiver, hub->router_capabilities);
    if (!capabilities)
        return NULL;
    struct receiver_entry *entry = &hub->receivers[hub->receivers_next++ % RECEIVERS_KEPT];
    json_decref(entry->capabilities);
    *entry = (struct receiver_entry){*receiver, json_incref(capabilities)};
    return capabilities;
}

static struct room_transport *first_recv_transport(const struct participant *me) {
    LIST_EACH(node, &me->transports) {
        struct room_transport *transport = LIST_ENTRY(node, struct room_transport, link);
        if (!transport->from_client)
            return transport;
    }
    return NULL;
}

static struct room_transport *find_recv_transport(const struct hub *hub, const struct participant *me,
                                                  const char *id, struct hub_refusal *refusal) {
    struct room_transport *transport =
        id ? hub_own_transport(hub, me, id, refusal) : first_recv_transport(me);
    if (!id && !transport)
        hub_refuse(refusal, HUB_WRONG_STATE,
                   "you have no transport with direction \"recv\"; create one first");
    if (transport && transport->from_client) {
        hub_refuse(refusal, HUB_BAD_REQUEST,
                   "this transport has direction \"send\"; use one with direction \"recv\"");
        return NULL;
    }
    if (transport && transport->next_mid > CONSUMER_MID_MAX) {
        hub_refuse(refusal, HUB_LIMIT_REACHED, "this transport has used all its MIDs; create another one");
        return NULL;
    }
    return transport;
}

static bool find_capabilities(struct hub *hub, const struct participant *me, const json_t *given,
                              struct demand *demand, struct hub_refusal *refusal) {
    demand->receiver = given ? &demand->given : &me->receiver;
    if (given && !hub_receiver_check(hub, given, &demand->given, refusal))
        return false;
    if (!demand->receiver->given)
        return hub_refuse(refusal, HUB_BAD_REQUEST,
                          "`rtpCapabilities` is required when it was not given to join-room: send "
                          "device.rtpCapabilities");
    demand->capabilities = receiver_capabilities(hub, demand->receiver);
    if (!demand->capabilities)
        return hub_refuse_memory(refusal);
    if (!negotiate_can_consume(demand->producer->consumable, demand->capabilities))
        return hub_refuse(refusal, HUB_UNSUPPORTED, "`rtpCapabilities` have no codec for this producer's %s",
                          media_kind_name(demand->producer->kind));
    return true;
}

// From a random start of the transport's own two for each MID, the second for RTX; so none is used twice, as
// no MID is.
static uint32_t choose_ssrc(const struct room_transport *transport) {
    _Static_assert(2 * (UINT64_C(1) + CONSUMER_MID_MAX) <= CONSUMER_SSRC_SPAN && CONSUMER_SSRC_SPAN % 2 == 0,
                   "enough for all MIDs");
    uint64_t pair = (UINT64_C(1) * transport->ssrc_start + transport->next_mid) % (CONSUMER_SSRC_SPAN / 2);
    return CONSUMER_SSRC_FIRST + (uint32_t)pair * 2;
}

static bool parameters_complete(json_t *parameters, const char *mid, const char *cname) {
    return json_object_set_new(parameters, "mid", json_string(mid)) == 0 &&
           json_object_set_new(parameters, "rtcp",
                               json_pack("{s:s, s:b}", "cname", cname, "reducedSize", 1)) == 0;
}

// Under the numbers that the receiver chose itself, if it did.
static bool demand_renumber(struct demand *demand, const struct hub_consume *ask,
                            struct hub_refusal *refusal) {
    struct refusal why = {.code = ERR_NO_MEMORY, .text = "out of memory"};
    if (!ask->numbers)
        return true;
    json_t *capabilities = negotiate_check_capabilities(ask->capabilities, &why);
    if (capabilities)
        why.code =
            negotiate_own_numbers(capabilities, demand->parameters, ask->numbers, &demand->params, &why);
    json_decref(capabilities);
    return why.code == ERR_OK || hub_refuse_negotiation(refusal, NULL, &why);
}

static bool demand_negotiate(struct demand *demand, struct hub_refusal *refusal) {
    struct refusal why = {.code = ERR_NO_MEMORY, .text = "out of memory"};
    const struct room_producer *producer = demand->producer;
    const char *cname = producer_owner(producer)->cname;
    char mid[MID_MAX + 1];
    snprintf(mid, sizeof mid, "%u", demand->transport->next_mid);
    demand->parameters = negotiate_consumer(producer->consumable, demand->capabilities, REPEATS_OFFERED,
                                            choose_ssrc(demand->transport), &why);
    if (!demand->parameters)
        return hub_refuse_negotiation(refusal, NULL, &why);
    if (!negotiate_add_capture_time(demand->parameters, demand->capabilities) ||
        !negotiate_spread_ccfb(demand->parameters) || !parameters_complete(demand->parameters, mid, cname))
        return hub_refuse_memory(refusal);
    if (negotiate_consumer_params(producer->kind, demand->parameters, &demand->params, &why) != ERR_OK)
        return hub_refuse_negotiation(refusal, NULL, &why);
    assert(strlen(cname) <= CNAME_MAX && strlen(mid) <= MID_MAX);
    memcpy(demand->params.mid, mid, strlen(mid) + 1);
    memcpy(demand->params.cname, cname, strlen(cname) + 1);
    return true;
}

// Tells the workers; false: one takes nothing now, and nothing has happened.
static bool post_consumer(struct hub *hub, const struct room_consumer *consumer,
                          const struct consumer_params *params, uint8_t spatial_layers) {
    unsigned worker = consumer_owner(consumer)->worker;
    if (!hub_relay_take(hub, consumer->producer, worker))
        return false;
    struct media_cmd cmd = {.type = MEDIA_OPEN_CONSUMER,
                            .transport = consumer->transport->id,
                            .producer = consumer->producer->id,
                            .consumer = consumer->id};
    cmd.open_consumer.params = *params;
    cmd.open_consumer.spatial_layers = spatial_layers;
    cmd.open_consumer.paused = consumer->paused || consumer->held;
    if (command_post_try(&hub->post, worker, &cmd))
        return true;
    hub_relay_drop(hub, consumer->producer, worker);
    return false;
}

static struct room_consumer *open_consumer(struct hub *hub, const struct demand *demand,
                                           const struct hub_consume *ask, struct hub_refusal *refusal) {
    struct room_consumer *consumer =
        registry_open_consumer(&hub->registry, demand->transport, demand->producer);
    if (!consumer) {
        hub_refuse_memory(refusal);
        return NULL;
    }
    consumer->paused = ask->paused;
    bool video = demand->producer->kind == MEDIA_VIDEO, one = demand->producer->params.stream_count == 1;
    consumer->held = video && !demand->producer->paused &&
                     !hub_stage_shows(demand->transport->owner, producer_owner(demand->producer));
    consumer->held_told = consumer->held;
    consumer->layers.spatial = one ? 0 : LAYER_NONE;
    consumer->layers.temporal = one ? (int8_t)(demand->producer->params.temporal_layers - 1) : LAYER_NONE;
    if (!post_consumer(hub, consumer, &demand->params, ask->spatial_layers)) {
        registry_close_consumer(&hub->registry, consumer);
        hub_refuse_busy(refusal);
        return NULL;
    }
    demand->transport->next_mid++;
    hub_log_consumer("consumer opened", consumer, "state", ask->paused ? "paused" : "running");
    return consumer;
}

// What is encrypted from end to end says so; programs behind plain RTP, a recorder for one, and viewers by
// WHEP have no key.
static bool may_read(const struct room_transport *transport, const struct room_producer *producer,
                     struct hub_refusal *refusal) {
    bool keyless = transport->plain || transport->owner->observer == HUB_OBSERVER_WHIP;
    return !keyless || !hub_is_encrypted(producer) ||
           hub_refuse(refusal, HUB_WRONG_STATE,
                      "%s encrypts from end to end: without the key, which no server has, there is "
                      "nothing to record or to pass on",
                      producer_owner(producer)->name);
}

// So many consumers the participant may have. A recorder has those that the room has, or it would miss who
// comes after somebody who publishes much.
static bool may_consume(const struct hub *hub, const struct participant *me,
                        const struct room_producer *producer, struct hub_refusal *refusal) {
    uint32_t most = hub->config.limits.consumers_per_participant_max;
    if (!hub_allowed(me, RIGHT_SUBSCRIBE, "get what others send", refusal))
        return false;
    if (me->consumer_count >= most && me->observer != HUB_OBSERVER_RECORDER)
        return hub_refuse(refusal, HUB_LIMIT_REACHED, "a participant may have %u consumers; close one first",
                          most);
    if (registry_consumer_count(&hub->registry, me, producer) >= CONSUMERS_OF_ONE_MAX)
        return hub_refuse(refusal, HUB_LIMIT_REACHED,
                          "you have %d consumers of this producer already; close one first, or use those",
                          CONSUMERS_OF_ONE_MAX);
    return hub_memory_allows(hub, refusal);
}

struct room_consumer *hub_consume(struct hub *hub, struct participant *me, const struct hub_consume *ask,
                                  json_t **parameters, struct hub_refusal *refusal) {
    struct demand demand = {0};
    struct room_consumer *consumer = NULL;
    demand.producer = find_consumable(hub, me, ask->producer_id, refusal);
    if (demand.producer)
        demand.transport = find_recv_transport(hub, me, ask->transport_id, refusal);
    if (demand.transport && may_read(demand.transport, demand.producer, refusal) &&
        may_consume(hub, me, demand.producer, refusal) &&
        find_capabilities(hub, me, ask->capabilities, &demand, refusal) &&
        demand_negotiate(&demand, refusal) && demand_renumber(&demand, ask, refusal))
        consumer = open_consumer(hub, &demand, ask, refusal);
    if (consumer) {
        *parameters = json_incref(demand.parameters);
        if (!me->receiver.given)
            me->receiver = demand.given; // remembered for the next consume
    }
    demand_close(&demand);
    return consumer;
}
