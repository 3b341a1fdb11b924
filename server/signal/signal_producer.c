// produce, pause-producer, resume-producer, close-producer.
#include "base/entropy.h"
#include "base/log.h"
#include "server/signal/signal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

// First of the SSRCs by which consumable parameters name a producer's streams; only ever names.
#define MAPPED_SSRC_FIRST UINT32_C(100000000)
#define MAPPED_SSRC_SPAN UINT32_C(800000000)

json_t *describe_producer(const struct room_producer *producer) {
    const struct participant *owner = producer_owner(producer);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:O}", "producerId", producer->public_id.text, "userId",
                     owner->id.text, "user", owner->name, "kind",
                     producer->kind == MEDIA_AUDIO ? "audio" : "video", "type", producer->type, "paused",
                     producer->paused, "appData", producer->app_data);
}

static void log_producer(const char *event, const struct room_producer *producer, const char *reason) {
    const struct participant *owner = producer_owner(producer);
    LOG_INFO(event, LOG_TEXT("room", owner->room->name), LOG_TEXT("user", owner->name),
             LOG_TEXT("transport", producer->transport->public_id.text),
             LOG_TEXT("producer", producer->public_id.text),
             LOG_TEXT("kind", producer->kind == MEDIA_AUDIO ? "audio" : "video"), LOG_TEXT("reason", reason));
}

// ---- what must be unique among the live producers of one transport

static bool ssrc_is_of(uint32_t ssrc, const struct producer_params *params) {
    for (unsigned i = 0; i < params->stream_count; i++)
        if (params->streams[i].ssrc == ssrc || params->streams[i].rtx_ssrc == ssrc)
            return true;
    return false;
}

static bool rid_is_of(const char *rid, const struct producer_params *params) {
    for (unsigned i = 0; i < params->stream_count; i++)
        if (strcmp(params->streams[i].rid, rid) == 0)
            return true;
    return false;
}

// What `new` has in common with `live`, in words; false: nothing.
static bool streams_clash(const struct producer_params *new, const struct producer_params *live, char *why,
                          size_t cap) {
    if (new->mid[0] && strcmp(new->mid, live->mid) == 0) {
        snprintf(why, cap, "the MID \"%s\"", new->mid);
        return true;
    }
    for (unsigned i = 0; i < new->stream_count; i++) {
        const struct stream_params *stream = &new->streams[i];
        if (stream->ssrc && ssrc_is_of(stream->ssrc, live)) {
            snprintf(why, cap, "the SSRC %u", stream->ssrc);
            return true;
        }
        if (stream->rtx_ssrc && ssrc_is_of(stream->rtx_ssrc, live)) {
            snprintf(why, cap, "the RTX SSRC %u", stream->rtx_ssrc);
            return true;
        }
        // RIDs repeat between producers that have MIDs; without a MID the RID alone tells streams apart.
        if (!new->mid[0] && !live->mid[0] && stream->rid[0] && rid_is_of(stream->rid, live)) {
            snprintf(why, cap, "the RID \"%s\" without a MID", stream->rid);
            return true;
        }
    }
    return false;
}

static bool may_add_streams(struct signal_call *call, const struct room_transport *transport,
                            const struct producer_params *params) {
    char why[64];
    LIST_EACH(node, &transport->producers) {
        const struct room_producer *live = LIST_ENTRY(node, struct room_producer, link);
        if (!streams_clash(params, &live->params, why, sizeof why))
            continue;
        signal_refuse(call, CODE_BAD_REQUEST,
                      "produce: %s is in use by producer %s of this transport; close that one first", why,
                      live->public_id.text);
        return false;
    }
    return true;
}

// ---- produce

struct offer {
    struct producer_params params;
    const char *type;
    json_t *parameters; // checked
    json_t *consumable;
    json_t *app_data;
};

static void offer_close(struct offer *offer) {
    json_decref(offer->parameters);
    json_decref(offer->consumable);
    json_decref(offer->app_data);
}

// Runs the rules over rtpParameters; false and the refusal.
static bool offer_negotiate(struct hub *hub, enum media_kind kind, const json_t *given, struct offer *offer,
                            struct refusal *refusal) {
    *refusal = (struct refusal){.code = ERR_NO_MEMORY, .text = "out of memory"};
    offer->parameters = negotiate_check_producer(kind, given, refusal);
    if (!offer->parameters)
        return false;
    offer->type = negotiate_producer_type(kind, offer->parameters, refusal);
    if (!offer->type)
        return false;
    uint32_t first_ssrc = MAPPED_SSRC_FIRST + entropy_u32() % MAPPED_SSRC_SPAN;
    json_t *mapping =
        negotiate_producer_mapping(offer->parameters, hub->router_capabilities, first_ssrc, refusal);
    if (!mapping)
        return false;
    offer->consumable = negotiate_consumable(kind, offer->parameters, hub->router_capabilities, mapping);
    json_decref(mapping);
    if (!offer->consumable) {
        *refusal = (struct refusal){.code = ERR_NO_MEMORY, .text = "out of memory"};
        return false;
    }
    enum err e = negotiate_producer_params(kind, offer->parameters, &offer->params, refusal);
    if (e != ERR_OK)
        refusal->code = e;
    return e == ERR_OK;
}

// All producers of a participant show the CNAME of its first one (RFC 3550, section 6.5.1: it binds the
// media of one participant together).
static void take_cname(struct participant *me, const json_t *parameters) {
    if (me->cname[0])
        return;
    const char *cname = data_text(json_object_get(parameters, "rtcp"), "cname");
    if (!cname || !cname[0] || strlen(cname) > CNAME_MAX)
        cname = me->id.text;
    memcpy(me->cname, cname, strlen(cname) + 1);
}

static bool may_produce(struct signal_call *call, const struct room_transport *transport) {
    uint32_t most = call->hub->config.limits.producers_per_participant_max;
    if (!transport->from_client) {
        signal_refuse(call, CODE_BAD_REQUEST,
                      "produce: this transport has direction \"recv\"; use one with direction \"send\"");
        return false;
    }
    if (call->me->producer_count >= most) {
        signal_refuse(call, CODE_LIMIT_REACHED,
                      "produce: a participant may have %u producers; close one first", most);
        return false;
    }
    const json_t *app_data = data_object(call->data, "appData");
    if (app_data && json_dumpb(app_data, NULL, 0, JSON_COMPACT) > APP_DATA_BYTES_MAX) {
        signal_refuse(call, CODE_BAD_REQUEST, "produce: `appData` may have at most %d bytes as JSON",
                      APP_DATA_BYTES_MAX);
        return false;
    }
    return true;
}

// Opens what was offered, tells the worker and the client; NULL after a refusal.
static struct room_producer *open_producer(struct signal_call *call, struct room_transport *transport,
                                           struct offer *offer) {
    struct hub *hub = call->hub;
    struct room_producer *producer =
        registry_open_producer(&hub->registry, transport, &offer->params, offer->consumable, offer->app_data);
    if (!producer) {
        signal_refuse_memory(call);
        return NULL;
    }
    offer->consumable = offer->app_data = NULL;
    producer->type = offer->type;
    producer->paused = data_bool(call->data, "paused");
    struct media_cmd cmd = {
        .type = MEDIA_OPEN_PRODUCER, .transport = transport->id, .producer = producer->id};
    cmd.open_producer.params = producer->params;
    cmd.open_producer.paused = producer->paused;
    cmd.open_producer.source = link_of_worker(call->me->worker);
    if (!command_post_try(&hub->post, call->me->worker, &cmd)) {
        registry_close_producer(&hub->registry, producer);
        signal_refuse(call, CODE_INTERNAL, "produce: the media worker is too busy; try again in a moment");
        return NULL;
    }
    const char *id = producer->public_id.text;
    json_t *data = json_pack("{s:s, s:s, s:s, s:s}", "id", id, "producerId", id, "kind",
                             producer->kind == MEDIA_AUDIO ? "audio" : "video", "type", producer->type);
    if (!signal_answer(call, OUT_PRODUCED, data)) {
        cmd = (struct media_cmd){.type = MEDIA_CLOSE_PRODUCER, .producer = producer->id};
        command_post_surely(&hub->post, call->me->worker, &cmd);
        registry_close_producer(&hub->registry, producer);
        return NULL;
    }
    return producer;
}

void signal_produce(struct signal_call *call) {
    struct room_transport *transport = my_transport(call, data_text(call->data, "transportId"));
    if (!transport || !may_produce(call, transport))
        return;
    enum media_kind kind = strcmp(data_text(call->data, "kind"), "audio") == 0 ? MEDIA_AUDIO : MEDIA_VIDEO;
    struct offer offer = {0};
    struct refusal refusal;
    if (!offer_negotiate(call->hub, kind, data_object(call->data, "rtpParameters"), &offer, &refusal)) {
        signal_refuse_negotiation(call, "produce: rtpParameters", &refusal);
        offer_close(&offer);
        return;
    }
    json_t *app_data = data_object(call->data, "appData");
    offer.app_data = app_data ? json_incref(app_data) : json_object();
    struct room_producer *producer = NULL;
    if (!offer.app_data)
        signal_refuse_memory(call);
    else if (may_add_streams(call, transport, &offer.params))
        producer = open_producer(call, transport, &offer);
    if (producer) {
        take_cname(call->me, offer.parameters);
        log_producer("producer opened", producer, producer->type);
        signal_broadcast(call->hub, call->me->room, call->me, OUT_NEW_PRODUCER, describe_producer(producer));
    }
    offer_close(&offer);
}

// ---- pause, resume, close

struct room_producer *my_producer(struct signal_call *call) {
    struct room_producer *producer =
        registry_find_producer(&call->hub->registry, data_text(call->data, "producerId"));
    if (producer && producer_owner(producer) == call->me)
        return producer;
    signal_refuse(call, CODE_NOT_FOUND, "%s: you have no producer of that id", call->type);
    return NULL;
}

static json_t *name_producer(const struct room_producer *producer) {
    return json_pack("{s:s, s:s}", "producerId", producer->public_id.text, "userId",
                     producer_owner(producer)->id.text);
}

static void set_producer_paused(struct signal_call *call, bool paused) {
    struct hub *hub = call->hub;
    struct room_producer *producer = my_producer(call);
    enum signal_out out = paused ? OUT_PRODUCER_PAUSED : OUT_PRODUCER_RESUMED;
    if (!producer)
        return;
    bool changes = producer->paused != paused;
    if (changes) {
        producer->paused = paused;
        relay_post_pause(hub, producer);
        if (paused && producer->kind == MEDIA_AUDIO)
            speaker_leave(hub, call->me);
    }
    signal_answer(call, out, name_producer(producer));
    if (changes)
        signal_broadcast(hub, call->me->room, call->me, out, name_producer(producer));
}

void signal_pause_producer(struct signal_call *call) {
    set_producer_paused(call, true);
}

void signal_resume_producer(struct signal_call *call) {
    set_producer_paused(call, false);
}

void drop_producer(struct hub *hub, struct room_producer *producer, bool transport_stays) {
    struct participant *owner = producer_owner(producer);
    struct media_cmd cmd = {.type = MEDIA_CLOSE_PRODUCER, .producer = producer->id};
    relay_forget_wanted(producer); // nothing is wanted of what closes
    // Consumers first: with the last one on a worker its relay ends.
    LIST_EACH(c, &producer->consumers)
    drop_consumer(hub, LIST_ENTRY(c, struct room_consumer, producer_link), "producer-closed", true);
    assert(relay_count(producer) == 0);
    if (transport_stays)
        command_post_surely(&hub->post, owner->worker, &cmd);
    if (producer->kind == MEDIA_AUDIO)
        speaker_leave(hub, owner);
    signal_broadcast(hub, owner->room, owner, OUT_PRODUCER_CLOSED, name_producer(producer));
    log_producer("producer closed", producer, transport_stays ? "closed" : "transport-closed");
    registry_close_producer(&hub->registry, producer);
}

void signal_close_producer(struct signal_call *call) {
    struct room_producer *producer = my_producer(call);
    if (!producer)
        return;
    json_t *data = name_producer(producer);
    drop_producer(call->hub, producer, true);
    signal_answer(call, OUT_PRODUCER_CLOSED, data);
}
