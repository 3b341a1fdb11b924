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
#define PAUSE_NOTICE_BYTES 80
#define NOTICE_BYTES 400 // of new-producer without appData, and of producer-closed, about

bool describe_producer(struct text_buffer *out, const struct room_producer *producer) {
    const struct participant *owner = producer_owner(producer);
    const struct raw_member app_data = {"appData", producer->app_data, producer->app_data_len};
    json_t *entry = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "producerId", producer->public_id.text,
                              "userId", owner->id.text, "user", owner->name, "kind",
                              producer->kind == MEDIA_AUDIO ? "audio" : "video", "type", producer->type,
                              "paused", producer->paused);
    bool ok = entry && text_buffer_add_object(out, entry, &app_data, 1);
    json_decref(entry);
    return ok;
}

static void log_producer(const char *event, const struct room_producer *producer, const char *name,
                         const char *value) {
    const struct participant *owner = producer_owner(producer);
    LOG_INFO(event, LOG_TEXT("room", owner->room->name), LOG_TEXT("user", owner->name),
             LOG_TEXT("transport", producer->transport->public_id.text),
             LOG_TEXT("producer", producer->public_id.text),
             LOG_TEXT("kind", producer->kind == MEDIA_AUDIO ? "audio" : "video"), LOG_TEXT(name, value));
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
    json_t *consumable;
    size_t held_bytes; // of consumable and app_data
    char cname[CNAME_MAX + 1];
    struct text_buffer app_data;
};

static void offer_close(struct offer *offer) {
    json_decref(offer->consumable);
    text_buffer_close(&offer->app_data);
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
    enum err e = negotiate_producer_params(kind, parameters, &offer->params, refusal);
    if (e != ERR_OK)
        refusal->code = e;
    return e == ERR_OK;
}

static bool offer_negotiate(struct hub *hub, enum media_kind kind, const json_t *given, struct offer *offer,
                            struct refusal *refusal) {
    *refusal = (struct refusal){.code = ERR_NO_MEMORY, .text = "out of memory"};
    json_t *parameters = negotiate_check_producer(kind, given, refusal);
    if (!parameters || !parameters_negotiate(hub, kind, parameters, offer, refusal)) {
        json_decref(parameters);
        return false;
    }
    const char *cname = data_text(json_object_get(parameters, "rtcp"), "cname");
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
static bool producer_memory_fits(struct signal_call *call, struct offer *offer) {
    offer->held_bytes = memory_of_json(offer->consumable) + offer->app_data.len;
    if (call->me->producer_bytes + offer->held_bytes <= PRODUCERS_BYTES_MAX)
        return memory_allows(call);
    signal_refuse(
        call, CODE_LIMIT_REACHED,
        "produce: the server holds at most %d bytes of what a participant says of its producers, and this "
        "would make it %zu; say less in `rtpParameters` and `appData`, or close a producer",
        PRODUCERS_BYTES_MAX, call->me->producer_bytes + offer->held_bytes);
    return false;
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
    return true;
}

// ---- appData: everyone who joins gets it, so it is bounded for a participant and for a room

// What of a participant's appData counts for its room.
static size_t app_data_counted(size_t bytes) {
    return bytes > APP_DATA_BYTES_FREE ? bytes - APP_DATA_BYTES_FREE : 0;
}

static void set_app_data_bytes(struct participant *owner, size_t bytes) {
    owner->room->app_data_bytes -= app_data_counted(owner->app_data_bytes);
    owner->app_data_bytes = bytes;
    owner->room->app_data_bytes += app_data_counted(bytes);
}

static bool app_data_fits(struct signal_call *call, size_t len) {
    const struct hub_limits *limits = &call->hub->config.limits;
    const struct participant *me = call->me;
    size_t mine = me->app_data_bytes + len;
    size_t of_room = me->room->app_data_bytes - app_data_counted(me->app_data_bytes) + app_data_counted(mine);
    if (len > APP_DATA_BYTES_MAX)
        signal_refuse(call, CODE_BAD_REQUEST, "produce: `appData` may have at most %d bytes as JSON",
                      APP_DATA_BYTES_MAX);
    else if (mine > limits->participant_app_data_bytes_max)
        signal_refuse(
            call, CODE_LIMIT_REACHED,
            "produce: the `appData` of all your producers may have at most %u bytes as JSON, and this would "
            "make it %zu; say less, or close a producer",
            limits->participant_app_data_bytes_max, mine);
    else if (app_data_counted(mine) > 0 && of_room > limits->room_app_data_bytes_max)
        signal_refuse(call, CODE_LIMIT_REACHED,
                      "produce: this room has all the `appData` that it may have; leave it out, or say at "
                      "most %d bytes "
                      "in all your producers",
                      APP_DATA_BYTES_FREE);
    else
        return true;
    return false;
}

static bool take_app_data(struct signal_call *call, struct text_buffer *out) {
    const json_t *app_data = data_object(call->data, "appData");
    bool ok = app_data ? text_buffer_add_json(out, app_data) : text_buffer_add(out, "{}", 2);
    if (!ok)
        signal_refuse_memory(call);
    return ok && app_data_fits(call, out->len);
}

// The message to everyone else, paid for; false and a refusal.
static bool may_tell(struct signal_call *call, const struct text_buffer *app_data) {
    return budget_spend_notice(call, NOTICE_BYTES + app_data->len);
}

static void account_producer(struct hub *hub, struct room_producer *producer, size_t held_bytes) {
    struct participant *owner = producer_owner(producer);
    producer->held_bytes = held_bytes;
    set_app_data_bytes(owner, owner->app_data_bytes + producer->app_data_len);
    owner->producer_bytes += held_bytes;
    memory_take(hub, held_bytes);
}

static void forget_producer(struct hub *hub, struct room_producer *producer) {
    struct participant *owner = producer_owner(producer);
    set_app_data_bytes(owner, owner->app_data_bytes - producer->app_data_len);
    owner->producer_bytes -= producer->held_bytes;
    memory_give(hub, producer->held_bytes);
    registry_close_producer(&hub->registry, producer);
}

static void tell_producer(struct signal_call *call, const struct room_producer *producer) {
    struct text_buffer entry = {0};
    if (describe_producer(&entry, producer))
        signal_broadcast_text(call->hub, call->me->room, call->me, OUT_NEW_PRODUCER, entry.text, entry.len);
    else
        LOG_ERROR("notification lost", LOG_TEXT("type", "new-producer"), LOG_TEXT("reason", "no memory"));
    text_buffer_close(&entry);
}

// Opens what was offered, tells the worker and the client; NULL after a refusal.
static struct room_producer *open_producer(struct signal_call *call, struct room_transport *transport,
                                           struct offer *offer) {
    struct hub *hub = call->hub;
    struct room_producer *producer =
        registry_open_producer(&hub->registry, transport, &offer->params, offer->consumable,
                               offer->app_data.text, offer->app_data.len);
    if (!producer) {
        signal_refuse_memory(call);
        return NULL;
    }
    offer->consumable = NULL;
    offer->app_data = (struct text_buffer){0};
    account_producer(hub, producer, offer->held_bytes);
    producer->type = offer->type;
    producer->paused = data_bool(call->data, "paused");
    struct media_cmd cmd = {
        .type = MEDIA_OPEN_PRODUCER, .transport = transport->id, .producer = producer->id};
    cmd.open_producer.params = producer->params;
    cmd.open_producer.paused = producer->paused;
    cmd.open_producer.source = link_of_worker(call->me->worker);
    if (!command_post_try(&hub->post, call->me->worker, &cmd)) {
        forget_producer(hub, producer);
        signal_refuse(call, CODE_INTERNAL, "produce: the media worker is too busy; try again in a moment");
        return NULL;
    }
    const char *id = producer->public_id.text;
    json_t *data = json_pack("{s:s, s:s, s:s, s:s}", "id", id, "producerId", id, "kind",
                             producer->kind == MEDIA_AUDIO ? "audio" : "video", "type", producer->type);
    if (!signal_answer(call, OUT_PRODUCED, data)) {
        cmd = (struct media_cmd){.type = MEDIA_CLOSE_PRODUCER, .producer = producer->id};
        command_post_surely(&hub->post, call->me->worker, &cmd);
        forget_producer(hub, producer);
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
    struct room_producer *producer = NULL;
    if (take_app_data(call, &offer.app_data) && producer_memory_fits(call, &offer) &&
        may_add_streams(call, transport, &offer.params) && may_tell(call, &offer.app_data))
        producer = open_producer(call, transport, &offer);
    if (producer) {
        take_cname(call->me, offer.cname);
        log_producer("producer opened", producer, "type", producer->type);
        tell_producer(call, producer);
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
    if (changes && !budget_spend_notice(call, PAUSE_NOTICE_BYTES))
        return;
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
    log_producer("producer closed", producer, "reason", transport_stays ? "closed" : "transport-closed");
    forget_producer(hub, producer);
}

void signal_close_producer(struct signal_call *call) {
    struct room_producer *producer = my_producer(call);
    if (!producer)
        return;
    json_t *data = name_producer(producer);
    drop_producer(call->hub, producer, true);
    signal_answer(call, OUT_PRODUCER_CLOSED, data);
}
