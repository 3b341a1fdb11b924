// produce: from a publisher's parameters to a producer.
#include "base/entropy.h"
#include "base/log.h"
#include "server/hub/hub_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// First of the SSRCs by which consumable parameters name a producer's streams; only ever names.
#define MAPPED_SSRC_FIRST UINT32_C(100000000)
#define MAPPED_SSRC_SPAN UINT32_C(800000000)
#define NOTICE_BYTES 400 // of new-producer without appData, and of producer-closed, about

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

static bool may_add_streams(const struct room_transport *transport, const struct producer_params *params,
                            struct hub_refusal *refusal) {
    char why[64];
    LIST_EACH(node, &transport->producers) {
        const struct room_producer *live = LIST_ENTRY(node, struct room_producer, link);
        if (streams_clash(params, &live->params, why, sizeof why))
            return hub_refuse(refusal, HUB_BAD_REQUEST,
                              "%s is in use by producer %s of this transport; close that one first", why,
                              live->public_id.text);
    }
    return true;
}

// ---- what a publisher offers

struct offer {
    struct producer_params params;
    const char *type;
    json_t *consumable;
    size_t held_bytes; // of consumable and app_data
    char cname[CNAME_MAX + 1];
    char *app_data;
    size_t app_data_len;
};

static void offer_close(struct offer *offer) {
    json_decref(offer->consumable);
    free(offer->app_data);
}

// There are few lists of extensions, and each producer would hold its own.
static bool share_extensions(struct hub *hub, json_t *consumable) {
    json_t *own = json_object_get(consumable, "headerExtensions");
    for (size_t i = 0; i < EXTENSION_LISTS_MAX; i++) {
        if (!hub->extension_lists[i])
            hub->extension_lists[i] = json_incref(own);
        else if (json_equal(hub->extension_lists[i], own))
            return json_object_set(consumable, "headerExtensions", hub->extension_lists[i]) == 0;
    }
    return true;
}

// Runs the rules over checked rtpParameters; false and the refusal.
static bool parameters_negotiate(struct hub *hub, enum media_kind kind, const json_t *parameters,
                                 struct offer *offer, struct refusal *refusal) {
    offer->type = negotiate_producer_type(kind, parameters, refusal);
    if (!offer->type)
        return false;
    uint32_t first_ssrc = MAPPED_SSRC_FIRST + entropy_u32() % MAPPED_SSRC_SPAN;
    json_t *mapping = negotiate_producer_mapping(parameters, hub->router_capabilities, first_ssrc, refusal);
    if (!mapping)
        return false;
    offer->consumable = negotiate_consumable(kind, parameters, hub->router_capabilities, mapping);
    json_decref(mapping);
    if (!offer->consumable || !share_extensions(hub, offer->consumable)) {
        *refusal = (struct refusal){.code = ERR_NO_MEMORY, .text = "out of memory"};
        return false;
    }
    return negotiate_producer_params(kind, parameters, &offer->params, refusal) == ERR_OK;
}

static bool offer_negotiate(struct hub *hub, const struct hub_produce *ask, struct offer *offer,
                            struct hub_refusal *refusal) {
    struct refusal why = {.code = ERR_NO_MEMORY, .text = "out of memory"};
    json_t *parameters = negotiate_check_producer(ask->kind, ask->parameters, &why);
    if (!parameters || !parameters_negotiate(hub, ask->kind, parameters, offer, &why)) {
        json_decref(parameters);
        return hub_refuse_negotiation(refusal, "rtpParameters", &why);
    }
    const char *cname = json_string_value(json_object_get(json_object_get(parameters, "rtcp"), "cname"));
    if (cname && strlen(cname) <= CNAME_MAX)
        memcpy(offer->cname, cname, strlen(cname) + 1);
    json_decref(parameters);
    return true;
}

// All producers of a participant show the CNAME of its first one (RFC 3550, section 6.5.1: it binds the
// media of one participant together).
static void take_cname(struct participant *me, const char *cname) {
    if (me->cname[0])
        return;
    if (!cname[0])
        cname = me->id.text;
    memcpy(me->cname, cname, strlen(cname) + 1);
}

// What a server holds for one participant is bounded, whatever it says of its producers.
static bool producer_memory_fits(const struct hub *hub, const struct participant *me, struct offer *offer,
                                 struct hub_refusal *refusal) {
    offer->held_bytes = hub_memory_of_json(offer->consumable) + offer->app_data_len;
    if (me->producer_bytes + offer->held_bytes <= PRODUCERS_BYTES_MAX)
        return hub_memory_allows(hub, refusal);
    return hub_refuse(
        refusal, HUB_LIMIT_REACHED,
        "the server holds at most %d bytes of what a participant says of its producers, and "
        "this would make it %zu; say less in `rtpParameters` and `appData`, or close a producer",
        PRODUCERS_BYTES_MAX, me->producer_bytes + offer->held_bytes);
}

// What a track shows of its owner, as its owner says it: a client that lies about that shows the same
// picture.
static unsigned source_of(const struct hub_produce *ask) {
    unsigned allowed =
        ask->kind == MEDIA_AUDIO ? RIGHT_MICROPHONE | RIGHT_SCREEN_AUDIO : RIGHT_CAMERA | RIGHT_SCREEN;
    unsigned preset = ask->kind == MEDIA_AUDIO ? RIGHT_MICROPHONE : RIGHT_CAMERA;
    return ask->source & allowed ? ask->source & allowed : preset;
}

static bool source_allowed(const struct participant *me, unsigned source, struct hub_refusal *refusal) {
    const char *what = source == RIGHT_CAMERA       ? "send a camera's picture"
                       : source == RIGHT_MICROPHONE ? "send a microphone's sound"
                       : source == RIGHT_SCREEN     ? "share a screen"
                                                    : "share a screen's sound";
    return hub_allowed(me, source, what, refusal);
}

static bool may_produce(const struct hub *hub, const struct participant *me,
                        const struct room_transport *transport, bool sealed, struct hub_refusal *refusal) {
    uint32_t most = hub->config.limits.producers_per_participant_max;
    if (!sealed && hub_is_sealed(hub, me->room))
        return hub_refuse(refusal, HUB_ENCRYPTION_NEEDED,
                          "in this room everything is encrypted from end to end; `appData` of what is has "
                          "`e2ee: true`");
    if (!transport->from_client)
        return hub_refuse(refusal, HUB_BAD_REQUEST,
                          "this transport has direction \"recv\"; use one with direction \"send\"");
    if (me->producer_count >= most)
        return hub_refuse(refusal, HUB_LIMIT_REACHED, "a participant may have %u producers; close one first",
                          most);
    return true;
}

// ---- appData: everyone who joins gets it, so it is bounded for a participant and for a room

static bool app_data_fits(const struct hub *hub, const struct participant *me, size_t len,
                          struct hub_refusal *refusal) {
    const struct hub_limits *limits = &hub->config.limits;
    size_t mine = me->app_data_bytes + len;
    size_t of_room =
        me->room->app_data_bytes - hub_app_data_counted(me->app_data_bytes) + hub_app_data_counted(mine);
    if (len > APP_DATA_BYTES_MAX)
        return hub_refuse(refusal, HUB_BAD_REQUEST, "`appData` may have at most %d bytes as JSON",
                          APP_DATA_BYTES_MAX);
    if (mine > limits->participant_app_data_bytes_max)
        return hub_refuse(refusal, HUB_LIMIT_REACHED,
                          "the `appData` of all your producers may have at most %u bytes as JSON, and this "
                          "would make it %zu; say less, or close a producer",
                          limits->participant_app_data_bytes_max, mine);
    if (hub_app_data_counted(mine) > 0 && of_room > limits->room_app_data_bytes_max)
        return hub_refuse(refusal, HUB_LIMIT_REACHED,
                          "this room has all the `appData` that it may have; leave it out, or say at most %d "
                          "bytes in all your producers",
                          APP_DATA_BYTES_FREE);
    return true;
}

static bool take_app_data(const struct hub *hub, const struct participant *me, const struct hub_produce *ask,
                          struct offer *offer, struct hub_refusal *refusal) {
    const char *text = ask->app_data ? ask->app_data : "{}";
    offer->app_data_len = ask->app_data ? ask->app_data_len : strlen(text);
    if (!app_data_fits(hub, me, offer->app_data_len, refusal))
        return false;
    offer->app_data = malloc(offer->app_data_len + 1);
    if (!offer->app_data)
        return hub_refuse_memory(refusal);
    memcpy(offer->app_data, text, offer->app_data_len);
    offer->app_data[offer->app_data_len] = '\0';
    return true;
}

// ---- the producer

static bool post_producer(struct hub *hub, const struct room_producer *producer) {
    unsigned worker = producer_owner(producer)->worker;
    struct media_cmd cmd = {
        .type = MEDIA_OPEN_PRODUCER, .transport = producer->transport->id, .producer = producer->id};
    cmd.open_producer.params = producer->params;
    cmd.open_producer.paused = producer->paused;
    cmd.open_producer.source = link_of_worker(worker);
    cmd.open_producer.voice_group = producer_owner(producer)->room->id;
    return command_post_try(&hub->post, worker, &cmd);
}

// Opens what was offered and tells the worker; NULL and a refusal.
static struct room_producer *open_producer(struct hub *hub, struct room_transport *transport, bool paused,
                                           struct offer *offer, struct hub_refusal *refusal) {
    struct room_producer *producer = registry_open_producer(
        &hub->registry, transport, &offer->params, offer->consumable, offer->app_data, offer->app_data_len);
    if (!producer) {
        hub_refuse_memory(refusal);
        return NULL;
    }
    offer->consumable = NULL;
    offer->app_data = NULL;
    hub_account_producer(hub, producer, offer->held_bytes);
    producer->type = offer->type;
    producer->paused = paused;
    if (post_producer(hub, producer))
        return producer;
    hub_forget_producer(hub, producer);
    hub_refuse_busy(refusal);
    return NULL;
}

struct room_producer *hub_produce(struct hub *hub, struct participant *me, const struct hub_produce *ask,
                                  struct hub_refusal *refusal) {
    struct room_transport *transport = hub_own_transport(hub, me, ask->transport_id, refusal);
    if (!transport || !source_allowed(me, source_of(ask), refusal) ||
        !may_produce(hub, me, transport, ask->sealed, refusal))
        return NULL;
    struct offer offer = {0};
    struct room_producer *producer = NULL;
    if (offer_negotiate(hub, ask, &offer, refusal) && take_app_data(hub, me, ask, &offer, refusal) &&
        producer_memory_fits(hub, me, &offer, refusal) &&
        may_add_streams(transport, &offer.params, refusal) &&
        hub_spend_notice(hub, me, NOTICE_BYTES + offer.app_data_len, refusal)) {
        offer.params.screen = ask->source == RIGHT_SCREEN;
        bool paused = ask->paused || participant_is_held(me, ask->kind);
        producer = open_producer(hub, transport, paused, &offer, refusal);
    }
    if (producer) {
        producer->source = source_of(ask);
        take_cname(me, offer.cname);
        if (producer->kind == MEDIA_VIDEO && !producer->paused)
            hub_stage_enter(hub, me);
        hub_log_producer("producer opened", producer, "type", producer->type);
        hub->events.producer_opened(hub->events.ctx, producer);
    }
    offer_close(&offer);
    return producer;
}
