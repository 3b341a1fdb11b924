// What a join asks for beyond being there: transports, and consumers of what is in the room, so that media
// begins one round trip after `join-room`. All of it comes in `joined`, as the answers to create-transport
// and consume would have it. What is refused (a limit, a busy worker, no codec in common) is not there, and
// the client asks for it as usual, and hears why.
//
// A client that takes the brief form hears what is the same for several consumers once. What a new TCP
// connection may send before it is acknowledged is ten packets, some 14 KB: whatever is beyond that comes a
// round trip later, and with it all media.
#include "server/signal/signal.h"

#include <string.h>

#define OPENED_CONSUMERS_SHARE 3 / 8 // of the bytes of all lists
#define SHARED_MAX 16                // different sets of codecs and extensions; few rooms have five

const struct field_rule signal_consume_rules[] = {
    {.name = "video", .kind = FIELD_INTEGER, .min = 0, .max = 10000},
    {.name = "spatialLayer", .kind = FIELD_INTEGER, .min = 0, .max = 7},
    {.name = "brief", .kind = FIELD_BOOL},
    {.kind = FIELD_END},
};

static bool begin_list(struct text_buffer *list) {
    return text_buffer_add(list, "[", 1);
}

static bool end_list(struct text_buffer *list) {
    return text_buffer_add(list, "]", 1);
}

static bool separate(struct text_buffer *list) {
    return list->len <= 1 || text_buffer_add(list, ",", 1);
}

// ---- transports

// False without memory: nobody would know of it.
static bool list_transport(struct signal_call *call, const struct room_transport *transport,
                           const struct ice_credentials *ice, struct text_buffer *list) {
    json_t *data = signal_describe_transport(call->hub, transport, ice);
    bool ok = data && separate(list) && text_buffer_add_json(list, data);
    json_decref(data);
    return ok;
}

static bool open_transports(struct signal_call *call, struct participant *me, struct text_buffer *list) {
    const json_t *wanted = json_object_get(call->data, "openTransports");
    bool ok = begin_list(list);
    for (size_t i = 0; ok && i < json_array_size(wanted); i++) {
        bool from_client = strcmp(json_string_value(json_array_get(wanted, i)), "send") == 0;
        struct hub_refusal refusal;
        struct ice_credentials ice;
        const struct hub_transport_ask ask = {.from_client = from_client, .client_offers = from_client};
        struct room_transport *transport = hub_open_transport_as(call->hub, me, &ask, &ice, &refusal);
        if (!transport)
            break;
        (void)signal_carry_data(call, transport, &refusal); // without sctpParameters, the client sees that
        ok = list_transport(call, transport, &ice, list);
        explicit_bzero(&ice, sizeof ice);
    }
    return ok && end_list(list);
}

// ---- consumers

struct opening {
    struct signal_call *call;
    struct participant *me;
    struct text_buffer *list;
    int64_t video; // that may still begin at once
    int64_t layer; // LAYER_NONE: any
    bool full, brief;
    size_t bytes_max;
    // Of the brief form: the sets as text, and as they are, to find them again (references of ours).
    struct text_buffer *shared;
    json_t *sets[SHARED_MAX];
    unsigned set_count;
};

static const char *const shared_members[] = {"codecs", "headerExtensions"};
#define SHARED_MEMBERS (sizeof shared_members / sizeof shared_members[0])

static bool set_equals(const json_t *set, const json_t *parameters) {
    for (size_t i = 0; i < SHARED_MEMBERS; i++)
        if (!json_equal(json_object_get(set, shared_members[i]),
                        json_object_get(parameters, shared_members[i])))
            return false;
    return true;
}

static bool add_set(struct opening *opening, const json_t *parameters) {
    json_t *set = json_object();
    bool ok = set != NULL;
    for (size_t i = 0; i < SHARED_MEMBERS; i++)
        ok = ok &&
             json_object_set(set, shared_members[i], json_object_get(parameters, shared_members[i])) == 0;
    ok = ok && separate(opening->shared) && text_buffer_add_json(opening->shared, set);
    if (ok)
        opening->sets[opening->set_count++] = set;
    else
        json_decref(set);
    return ok;
}

// Takes out of the parameters what a set has, and tells which; -1: they stay whole. False without memory.
static bool share_parameters(struct opening *opening, json_t *parameters, int *which) {
    unsigned at = 0;
    while (at < opening->set_count && !set_equals(opening->sets[at], parameters))
        at++;
    *which = at < SHARED_MAX ? (int)at : -1;
    if (at == SHARED_MAX)
        return true;
    if (at == opening->set_count && !add_set(opening, parameters))
        return false;
    for (size_t i = 0; i < SHARED_MEMBERS; i++)
        json_object_del(parameters, shared_members[i]);
    return true;
}

// As signal_describe_consumer has it, without what is usual: false, and no msid, since a client that asks for
// this groups tracks by their participants.
static json_t *describe_briefly(struct opening *opening, const struct room_consumer *consumer,
                                json_t *parameters) {
    static const char *const usual[] = {"producerPaused", "paused", "held"};
    int which;
    json_object_del(parameters, "msid");
    if (!share_parameters(opening, parameters, &which))
        return NULL;
    json_t *data = signal_describe_consumer(consumer, parameters);
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        if (json_is_false(json_object_get(data, usual[i])))
            json_object_del(data, usual[i]);
    if (data && which >= 0 && json_object_set_new(data, "shared", json_integer(which)) != 0) {
        json_decref(data);
        data = NULL;
    }
    return data;
}

// The parameters are changed.
static bool list_consumer(struct opening *opening, const struct room_consumer *consumer, json_t *parameters) {
    const struct room_producer *producer = consumer->producer;
    const struct raw_member app_data = {"appData", producer->app_data, producer->app_data_len};
    json_t *data = opening->brief ? describe_briefly(opening, consumer, parameters)
                                  : signal_describe_consumer(consumer, parameters);
    bool ok = data && separate(opening->list) && text_buffer_add_object(opening->list, data, &app_data, 1);
    json_decref(data);
    return ok;
}

// False without memory.
static bool open_consumer(struct opening *opening, const struct room_producer *producer) {
    struct hub *hub = opening->call->hub;
    struct hub_refusal refusal;
    json_t *parameters = NULL;
    bool video = producer->kind == MEDIA_VIDEO;
    struct hub_consume ask = {.producer_id = producer->public_id.text,
                              .paused = video && opening->video <= 0,
                              .spatial_layers = video ? (uint8_t)(opening->layer + 1) : 0};
    const struct room_consumer *consumer = hub_consume(hub, opening->me, &ask, &parameters, &refusal);
    if (!consumer)
        return true; // the client asks again, and hears why
    opening->video -= video;
    size_t len = opening->list->len;
    bool ok = list_consumer(opening, consumer, parameters);
    json_decref(parameters);
    if (ok && opening->list->len + opening->shared->len > opening->bytes_max) { // one too many
        opening->list->len = len;
        opening->full = true;
        hub_close_consumer(hub, opening->me, consumer->public_id.text, &refusal);
    }
    return ok;
}

static bool open_of(struct opening *opening, const struct participant *owner) {
    bool ok = true;
    LIST_EACH(t, &owner->transports) {
        LIST_EACH(p, &LIST_ENTRY(t, struct room_transport, link)->producers) {
            if (ok && !opening->full)
                ok = open_consumer(opening, LIST_ENTRY(p, struct room_producer, link));
        }
    }
    return ok;
}

static bool open_consumers(struct signal_call *call, struct participant *me, const json_t *wanted,
                           struct signal_opened *out) {
    struct opening opening = {.call = call,
                              .me = me,
                              .list = &out->consumers,
                              .shared = &out->shared,
                              .brief = out->brief,
                              .bytes_max = hub_joined_lists_bytes(&hub_config(call->hub)->limits) *
                                           OPENED_CONSUMERS_SHARE,
                              .video = signal_data_integer(wanted, "video", INT32_MAX),
                              .layer = signal_data_integer(wanted, "spatialLayer", LAYER_NONE)};
    bool ok = begin_list(&out->consumers) && (!out->brief || begin_list(&out->shared));
    LIST_EACH(node, &me->room->participants) {
        const struct participant *owner = LIST_ENTRY(node, struct participant, link);
        if (ok && owner != me && !opening.full)
            ok = open_of(&opening, owner);
    }
    for (unsigned i = 0; i < opening.set_count; i++)
        json_decref(opening.sets[i]);
    return ok && end_list(&out->consumers) && (!out->brief || end_list(&out->shared));
}

bool signal_open_media(struct signal_call *call, struct participant *me, struct signal_opened *out) {
    const json_t *consume = signal_data_object(call->data, "consume");
    *out = (struct signal_opened){0};
    if (!json_is_array(json_object_get(call->data, "openTransports")))
        return true;
    hub_close_transports(call->hub, me); // those of a page that is gone
    bool ok = open_transports(call, me, &out->transports);
    if (ok && consume && me->receiver.given && (me->rights & RIGHT_SUBSCRIBE)) {
        out->brief = signal_data_bool(consume, "brief");
        ok = open_consumers(call, me, consume, out);
    }
    return ok;
}

void signal_opened_close(struct signal_opened *opened) {
    text_buffer_close(&opened->transports);
    text_buffer_close(&opened->consumers);
    text_buffer_close(&opened->shared);
}
