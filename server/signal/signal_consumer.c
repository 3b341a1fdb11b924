// consume and what a client may ask of its consumers.
#include "base/log.h"
#include "server/signal/signal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define CONSUMER_SSRC_FIRST UINT32_C(100000000)
#define CONSUMER_SSRC_SPAN UINT32_C(900000000)
#define CONSUMERS_OF_ONE_MAX 2 // of one producer for one participant: each costs a track's packets
#define CONSUMER_MID_MAX UINT32_C(99999999) // decimal, 8 bytes: what packets leave room for

static void log_consumer(const char *event, const struct room_consumer *consumer, const char *name,
                         const char *value) {
    const struct participant *owner = consumer_owner(consumer);
    LOG_DEBUG(event, LOG_TEXT("room", owner->room->name), LOG_TEXT("user", owner->name),
              LOG_TEXT("transport", consumer->transport->public_id.text),
              LOG_TEXT("producer", consumer->producer->public_id.text),
              LOG_TEXT("consumer", consumer->public_id.text), LOG_TEXT(name, value));
}

// ---- consume

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

// Consumable for the caller; NULL and a refusal.
static struct room_producer *find_consumable(struct signal_call *call) {
    struct room_producer *producer =
        registry_find_producer(&call->hub->registry, data_text(call->data, "producerId"));
    if (!producer || producer_owner(producer)->room != call->me->room) {
        signal_refuse(call, CODE_NOT_FOUND, "consume: there is no producer of that id in this room");
        return NULL;
    }
    if (producer_owner(producer) == call->me) {
        signal_refuse(call, CODE_FORBIDDEN, "consume: this producer is your own");
        return NULL;
    }
    return producer;
}

bool receiver_check(const struct hub *hub, const json_t *given, struct receiver *out,
                    struct refusal *refusal) {
    json_t *capabilities = negotiate_check_capabilities(given, refusal);
    if (!capabilities)
        return false;
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

static struct room_transport *find_recv_transport(struct signal_call *call) {
    const char *id = data_text(call->data, "transportId");
    struct room_transport *transport = id ? my_transport(call, id) : first_recv_transport(call->me);
    if (!id && !transport)
        signal_refuse(call, CODE_WRONG_STATE,
                      "consume: you have no transport with direction \"recv\"; create one first");
    if (transport && transport->from_client) {
        signal_refuse(call, CODE_BAD_REQUEST,
                      "consume: this transport has direction \"send\"; use one with direction \"recv\"");
        return NULL;
    }
    if (transport && transport->next_mid > CONSUMER_MID_MAX) {
        signal_refuse(call, CODE_LIMIT_REACHED,
                      "consume: this transport has used all its MIDs; create another one");
        return NULL;
    }
    return transport;
}

static bool find_capabilities(struct signal_call *call, struct demand *demand) {
    struct refusal refusal = {0};
    const json_t *given = data_object(call->data, "rtpCapabilities");
    demand->receiver = given ? &demand->given : &call->me->receiver;
    if (given && !receiver_check(call->hub, given, &demand->given, &refusal)) {
        signal_refuse_negotiation(call, "consume: rtpCapabilities", &refusal);
        return false;
    }
    if (!demand->receiver->given) {
        signal_refuse(call, CODE_BAD_REQUEST,
                      "consume: `rtpCapabilities` is required when it was not given to join-room: send "
                      "device.rtpCapabilities");
        return false;
    }
    demand->capabilities = receiver_capabilities(call->hub, demand->receiver);
    if (!demand->capabilities) {
        signal_refuse_memory(call);
        return false;
    }
    if (!negotiate_can_consume(demand->producer->consumable, demand->capabilities)) {
        signal_refuse(call, CODE_UNSUPPORTED,
                      "consume: `rtpCapabilities` have no codec for this producer's %s",
                      demand->producer->kind == MEDIA_AUDIO ? "audio" : "video");
        return false;
    }
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

static bool demand_negotiate(struct signal_call *call, struct demand *demand) {
    struct refusal refusal = {.code = ERR_NO_MEMORY, .text = "out of memory"};
    const struct room_producer *producer = demand->producer;
    const char *cname = producer_owner(producer)->cname;
    char mid[MID_MAX + 1];
    snprintf(mid, sizeof mid, "%u", demand->transport->next_mid);
    demand->parameters =
        negotiate_consumer(producer->consumable, demand->capabilities, producer->kind == MEDIA_VIDEO,
                           choose_ssrc(demand->transport), &refusal);
    bool ok = demand->parameters != NULL;
    if (ok && (json_object_set_new(demand->parameters, "mid", json_string(mid)) != 0 ||
               json_object_set_new(demand->parameters, "rtcp",
                                   json_pack("{s:s, s:b}", "cname", cname, "reducedSize", 1)) != 0)) {
        refusal = (struct refusal){.code = ERR_NO_MEMORY, .text = "out of memory"};
        ok = false;
    }
    if (ok) {
        enum err e = negotiate_consumer_params(producer->kind, demand->parameters, &demand->params, &refusal);
        if (e != ERR_OK)
            refusal.code = e;
        ok = e == ERR_OK;
    }
    if (!ok) {
        signal_refuse_negotiation(call, "consume", &refusal);
        return false;
    }
    assert(strlen(cname) <= CNAME_MAX && strlen(mid) <= MID_MAX);
    memcpy(demand->params.mid, mid, strlen(mid) + 1);
    memcpy(demand->params.cname, cname, strlen(cname) + 1);
    return true;
}

static json_t *describe_consumer(const struct room_consumer *consumer, json_t *parameters) {
    const struct room_producer *producer = consumer->producer;
    const struct participant *from = producer_owner(producer);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:O, s:s, s:b, s:b}", "id", consumer->public_id.text,
                     "producerId", producer->public_id.text, "userId", from->id.text, "user", from->name,
                     "kind", producer->kind == MEDIA_AUDIO ? "audio" : "video", "rtpParameters", parameters,
                     "type", producer->type, "producerPaused", producer->paused, "paused", consumer->paused);
}

// Tells the workers; false: one takes nothing now, and nothing has happened.
static bool post_consumer(struct hub *hub, const struct room_consumer *consumer,
                          const struct consumer_params *params) {
    unsigned worker = consumer_owner(consumer)->worker;
    if (!relay_take(hub, consumer->producer, worker))
        return false;
    struct media_cmd cmd = {.type = MEDIA_OPEN_CONSUMER,
                            .transport = consumer->transport->id,
                            .producer = consumer->producer->id,
                            .consumer = consumer->id};
    cmd.open_consumer.params = *params;
    cmd.open_consumer.paused = consumer->paused;
    if (command_post_try(&hub->post, worker, &cmd))
        return true;
    relay_drop(hub, consumer->producer, worker);
    return false;
}

static void open_consumer(struct signal_call *call, struct demand *demand) {
    struct hub *hub = call->hub;
    struct room_consumer *consumer =
        registry_open_consumer(&hub->registry, demand->transport, demand->producer);
    if (!consumer) {
        signal_refuse_memory(call);
        return;
    }
    consumer->paused = data_bool(call->data, "paused");
    json_t *data = describe_consumer(consumer, demand->parameters);
    if (!data || !post_consumer(hub, consumer, &demand->params)) {
        registry_close_consumer(&hub->registry, consumer);
        if (data)
            signal_refuse(call, CODE_INTERNAL,
                          "consume: the media worker is too busy; try again in a moment");
        else
            signal_refuse_memory(call);
        json_decref(data);
        return;
    }
    demand->transport->next_mid++;
    log_consumer("consumer opened", consumer, "state", consumer->paused ? "paused" : "running");
    const struct raw_member app_data = {"appData", consumer->producer->app_data,
                                        consumer->producer->app_data_len};
    if (!signal_answer_raw(call, OUT_CONSUMED, data, &app_data, 1)) {
        drop_consumer(hub, consumer, NULL, false);
    } else if (!call->me->receiver.given) {
        call->me->receiver = demand->given; // remembered for the next consume
    }
}

void signal_consume(struct signal_call *call) {
    struct demand demand = {0};
    uint32_t most = call->hub->config.limits.consumers_per_participant_max;
    demand.producer = find_consumable(call);
    demand.transport = demand.producer ? find_recv_transport(call) : NULL;
    if (!demand.transport)
        return;
    if (call->me->consumer_count >= most)
        signal_refuse(call, CODE_LIMIT_REACHED,
                      "consume: a participant may have %u consumers; close one first", most);
    else if (registry_consumer_count(&call->hub->registry, call->me, demand.producer) >= CONSUMERS_OF_ONE_MAX)
        signal_refuse(
            call, CODE_LIMIT_REACHED,
            "consume: you have %d consumers of this producer already; close one first, or use those",
            CONSUMERS_OF_ONE_MAX);
    else if (memory_allows(call) && find_capabilities(call, &demand) && demand_negotiate(call, &demand))
        open_consumer(call, &demand);
    demand_close(&demand);
}

// ---- pause, resume, close

struct room_consumer *my_consumer(struct signal_call *call) {
    struct room_consumer *consumer =
        registry_find_consumer(&call->hub->registry, data_text(call->data, "consumerId"));
    if (consumer && consumer_owner(consumer) == call->me)
        return consumer;
    signal_refuse(call, CODE_NOT_FOUND, "%s: you have no consumer of that id", call->type);
    return NULL;
}

static json_t *name_consumer(const struct room_consumer *consumer) {
    return json_pack("{s:s}", "consumerId", consumer->public_id.text);
}

// Sends a command about one's own consumer; false and a refusal when its worker is too busy.
static bool post_to_consumer(struct signal_call *call, const struct room_consumer *consumer,
                             struct media_cmd *cmd) {
    cmd->consumer = consumer->id;
    if (command_post_try(&call->hub->post, consumer_owner(consumer)->worker, cmd))
        return true;
    signal_refuse(call, CODE_INTERNAL, "%s: the media worker is too busy; try again in a moment", call->type);
    return false;
}

static void set_consumer_paused(struct signal_call *call, bool paused) {
    struct room_consumer *consumer = my_consumer(call);
    if (!consumer)
        return;
    struct media_cmd cmd = {.type = MEDIA_PAUSE_CONSUMER};
    cmd.pause.paused = paused;
    if (consumer->paused != paused && !post_to_consumer(call, consumer, &cmd))
        return;
    consumer->paused = paused;
    signal_answer(call, paused ? OUT_CONSUMER_PAUSED : OUT_CONSUMER_RESUMED, name_consumer(consumer));
}

void signal_pause_consumer(struct signal_call *call) {
    set_consumer_paused(call, true);
}

void signal_resume_consumer(struct signal_call *call) {
    set_consumer_paused(call, false);
}

void drop_consumer(struct hub *hub, struct room_consumer *consumer, const char *reason, bool told_worker) {
    struct participant *owner = consumer_owner(consumer);
    struct room_producer *producer = consumer->producer;
    struct media_cmd cmd = {.type = MEDIA_CLOSE_CONSUMER, .consumer = consumer->id};
    if (!told_worker)
        command_post_surely(&hub->post, owner->worker, &cmd);
    if (reason)
        signal_notify(hub, owner, OUT_CONSUMER_CLOSED,
                      json_pack("{s:s, s:s}", "consumerId", consumer->public_id.text, "reason", reason));
    log_consumer("consumer closed", consumer, "reason", reason ? reason : "closed");
    registry_close_consumer(&hub->registry, consumer);
    relay_drop(hub, producer, owner->worker);
}

void signal_close_consumer(struct signal_call *call) {
    struct room_consumer *consumer = my_consumer(call);
    if (!consumer)
        return;
    json_t *data = name_consumer(consumer);
    drop_consumer(call->hub, consumer, NULL, false);
    signal_answer(call, OUT_CONSUMER_CLOSED, data);
}

// ---- wishes

void signal_set_preferred_layers(struct signal_call *call) {
    struct room_consumer *consumer = my_consumer(call);
    if (!consumer)
        return;
    int64_t spatial = data_integer(call->data, "spatialLayer", 0);
    int64_t temporal = data_integer(call->data, "temporalLayer", LAYER_NONE);
    struct media_cmd cmd = {.type = MEDIA_SET_LAYERS};
    cmd.layers.spatial = (int8_t)spatial;
    cmd.layers.temporal = (int8_t)temporal;
    if (!post_to_consumer(call, consumer, &cmd))
        return;
    json_t *data =
        json_pack("{s:s, s:I}", "consumerId", consumer->public_id.text, "spatialLayer", (json_int_t)spatial);
    if (data && temporal != LAYER_NONE &&
        json_object_set_new(data, "temporalLayer", json_integer(temporal)) != 0) {
        json_decref(data);
        data = NULL;
    }
    signal_answer(call, OUT_PREFERRED_LAYERS_SET, data);
}

void signal_set_priority(struct signal_call *call) {
    struct room_consumer *consumer = my_consumer(call);
    if (!consumer)
        return;
    int64_t priority = data_integer(call->data, "priority", 1);
    struct media_cmd cmd = {.type = MEDIA_SET_PRIORITY};
    cmd.priority.priority = (uint8_t)priority;
    if (post_to_consumer(call, consumer, &cmd))
        signal_answer(call, OUT_PRIORITY_SET,
                      json_pack("{s:s, s:I}", "consumerId", consumer->public_id.text, "priority",
                                (json_int_t)priority));
}

void signal_request_key_frame(struct signal_call *call) {
    struct room_consumer *consumer = my_consumer(call);
    if (!consumer)
        return;
    struct media_cmd cmd = {.type = MEDIA_REQUEST_KEY_FRAME};
    // Audio has no key frames: nothing to ask for.
    if (consumer->producer->kind == MEDIA_AUDIO || post_to_consumer(call, consumer, &cmd))
        signal_answer(call, OUT_KEY_FRAME_REQUESTED, name_consumer(consumer));
}
