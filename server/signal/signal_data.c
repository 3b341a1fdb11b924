// Data channels: produce-data, consume-data, and what goes with a transport that carries them.
#include "server/signal/signal.h"

#include <string.h>

#define CHANNEL_SOURCE_ID "*" // that a data consumer of a room's channel has for its producer's

static const struct field_rule stream_rules[] = {
    {.name = "streamId", .kind = FIELD_INTEGER, .min = 0, .max = DATA_STREAMS_MAX - 1},
    {.name = "ordered", .kind = FIELD_BOOL},
    {.name = "maxPacketLifeTime", .kind = FIELD_INTEGER, .min = 0, .max = UINT16_MAX},
    {.name = "maxRetransmits", .kind = FIELD_INTEGER, .min = 0, .max = UINT16_MAX},
    {.kind = FIELD_END},
};

static const struct field_rule number_rules[] = {
    {.name = "OS", .kind = FIELD_INTEGER, .min = 1, .max = UINT16_MAX},
    {.name = "MIS", .kind = FIELD_INTEGER, .min = 1, .max = UINT16_MAX},
    {.kind = FIELD_END},
};

// An object inside of `data`; false: refused.
static bool fields_fit(struct signal_call *call, const char *name, const json_t *object,
                       const struct field_rule *rules) {
    char why[SIGNAL_ERROR_BYTES_MAX];
    if (signal_check_fields(rules, object, why))
        return true;
    signal_refuse(call, CODE_BAD_REQUEST, "%s: `%s`: %s", call->type, name, why);
    return false;
}

// ---- transports

static uint16_t streams_of(const json_t *numbers, const char *name) {
    int64_t wanted = signal_data_integer(numbers, name, DATA_STREAMS_MAX);
    return (uint16_t)(wanted > DATA_STREAMS_MAX ? DATA_STREAMS_MAX : wanted);
}

bool signal_check_data_wish(struct signal_call *call) {
    const json_t *numbers = signal_data_object(call->data, "numSctpStreams");
    return !numbers || fields_fit(call, "numSctpStreams", numbers, number_rules);
}

bool signal_carry_data(struct signal_call *call, struct room_transport *transport,
                       struct hub_refusal *refusal) {
    const json_t *numbers = signal_data_object(call->data, "numSctpStreams");
    return !signal_data_bool(call->data, "enableSctp") ||
           hub_carry_data(call->hub, transport, streams_of(numbers, "OS"), streams_of(numbers, "MIS"),
                          refusal);
}

json_t *signal_describe_sctp(const struct room_transport *transport) {
    if (!transport->data)
        return NULL;
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "port", DATA_SCTP_PORT, "OS",
                     (int)transport->data_streams_out, "MIS", (int)transport->data_streams_in,
                     "maxMessageSize", DATA_MESSAGE_MAX, "maxSendMessageSize", DATA_MESSAGE_MAX,
                     "maxReceiveMessageSize", DATA_MESSAGE_MAX);
}

// ---- streams

// False: refused. The id is not checked for being there.
static bool read_stream(struct signal_call *call, const json_t *given, struct data_stream *out) {
    int64_t lifetime = signal_data_integer(given, "maxPacketLifeTime", -1);
    int64_t retransmits = signal_data_integer(given, "maxRetransmits", -1);
    const json_t *ordered = json_object_get(given, "ordered");
    if (!fields_fit(call, "sctpStreamParameters", given, stream_rules))
        return false;
    if (lifetime >= 0 && retransmits >= 0) {
        signal_refuse(call, CODE_BAD_REQUEST,
                      "%s: `sctpStreamParameters` may have `maxPacketLifeTime` or `maxRetransmits`, not both",
                      call->type);
        return false;
    }
    *out = (struct data_stream){.id = (uint16_t)signal_data_integer(given, "streamId", 0),
                                .ordered = !json_is_false(ordered),
                                .reliability = lifetime >= 0      ? DATA_MAX_LIFETIME
                                               : retransmits >= 0 ? DATA_MAX_RETRANSMITS
                                                                  : DATA_RELIABLE,
                                .limit = (uint16_t)(lifetime >= 0      ? lifetime
                                                    : retransmits >= 0 ? retransmits
                                                                       : 0)};
    return true;
}

static json_t *describe_stream(const struct data_stream *stream) {
    json_t *data = json_pack("{s:i, s:b}", "streamId", (int)stream->id, "ordered", stream->ordered);
    const char *limit = stream->reliability == DATA_MAX_LIFETIME ? "maxPacketLifeTime" : "maxRetransmits";
    if (data && stream->reliability != DATA_RELIABLE &&
        json_object_set_new(data, limit, json_integer(stream->limit)) != 0) {
        json_decref(data);
        return NULL;
    }
    return data;
}

// ---- producers

bool signal_describe_data_producer(struct text_buffer *out, const struct room_data_producer *producer) {
    const struct participant *owner = data_producer_owner(producer);
    const struct raw_member app_data = {"appData", producer->app_data, producer->app_data_len};
    json_t *entry = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:b, s:o}", "dataProducerId", producer->public_id.text, "userId",
        owner->id.text, "user", owner->name, "label", producer->label, "protocol", producer->protocol,
        "broadcast", producer->channel != NULL, "sctpStreamParameters", describe_stream(&producer->stream));
    bool ok = entry && text_buffer_add_object(out, entry, &app_data, 1);
    json_decref(entry);
    return ok;
}

json_t *signal_name_data_producer(const struct room_data_producer *producer, const char *reason) {
    return json_pack("{s:s, s:s, s:s*}", "dataProducerId", producer->public_id.text, "userId",
                     data_producer_owner(producer)->id.text, "reason", reason);
}

static void answer_produced(struct signal_call *call, const struct room_data_producer *producer) {
    const char *id = producer->public_id.text;
    struct hub_refusal refusal;
    json_t *data =
        json_pack("{s:s, s:s, s:b}", "id", id, "dataProducerId", id, "broadcast", producer->channel != NULL);
    if (!signal_answer(call, OUT_DATA_PRODUCED, data))
        hub_close_data_producer(call->hub, call->me, id, &refusal); // its owner does not know of it
}

void signal_produce_data(struct signal_call *call) {
    const json_t *app_data = signal_data_object(call->data, "appData");
    const json_t *given = signal_data_object(call->data, "sctpStreamParameters");
    struct text_buffer text = {0};
    struct hub_refusal refusal;
    struct data_stream stream;
    if (!read_stream(call, given, &stream))
        return;
    if (!json_is_integer(json_object_get(given, "streamId"))) {
        signal_refuse(call, CODE_BAD_REQUEST, "produce-data: `sctpStreamParameters.streamId` is required");
        return;
    }
    if (app_data && !text_buffer_add_json(&text, app_data)) {
        text_buffer_close(&text);
        signal_refuse_memory(call);
        return;
    }
    struct hub_produce_data ask = {.transport_id = signal_data_text(call->data, "transportId"),
                                   .stream = &stream,
                                   .label = signal_data_text(call->data, "label"),
                                   .protocol = signal_data_text(call->data, "protocol"),
                                   .broadcast = signal_data_bool(call->data, "broadcast"),
                                   .app_data = text.text,
                                   .app_data_len = text.len};
    const struct room_data_producer *producer = hub_produce_data(call->hub, call->me, &ask, &refusal);
    text_buffer_close(&text);
    if (producer)
        answer_produced(call, producer);
    else
        signal_refuse_verb(call, &refusal);
}

void signal_close_data_producer(struct signal_call *call) {
    const char *id = signal_data_text(call->data, "dataProducerId");
    struct hub_refusal refusal;
    if (hub_close_data_producer(call->hub, call->me, id, &refusal))
        signal_answer(call, OUT_DATA_PRODUCER_CLOSED,
                      json_pack("{s:s, s:s}", "dataProducerId", id, "userId", call->me->id.text));
    else
        signal_refuse_verb(call, &refusal);
}

// ---- consumers

static json_t *describe_source(const struct room_data_consumer *consumer) {
    const struct room_data_producer *producer = consumer->producer;
    if (!producer)
        return json_pack("{s:s, s:s, s:s}", "dataProducerId", CHANNEL_SOURCE_ID, "label",
                         consumer->channel->label, "protocol", "");
    const struct participant *from = data_producer_owner(producer);
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "dataProducerId", producer->public_id.text, "label",
                     producer->label, "protocol", producer->protocol, "userId", from->id.text, "user",
                     from->name);
}

static json_t *describe_consumer(const struct room_data_consumer *consumer) {
    json_t *data = describe_source(consumer);
    json_t *own = json_pack("{s:s, s:s, s:b, s:o}", "id", consumer->public_id.text, "dataConsumerId",
                            consumer->public_id.text, "paused", consumer->paused, "sctpStreamParameters",
                            describe_stream(&consumer->stream));
    if (!data || !own || json_object_update(data, own) != 0) {
        json_decref(data);
        data = NULL;
    }
    json_decref(own);
    return data;
}

static void answer_consumed(struct signal_call *call, const struct room_data_consumer *consumer) {
    const struct room_data_producer *producer = consumer->producer;
    const struct raw_member app_data = {"appData", producer ? producer->app_data : "{}",
                                        producer ? producer->app_data_len : 2};
    struct hub_refusal refusal;
    if (!signal_answer_raw(call, OUT_DATA_CONSUMED, describe_consumer(consumer), &app_data, 1))
        hub_close_data_consumer(call->hub, call->me, consumer->public_id.text,
                                &refusal); // nobody knows of it
}

void signal_consume_data(struct signal_call *call) {
    const json_t *given = signal_data_object(call->data, "sctpStreamParameters");
    struct data_stream stream;
    struct hub_refusal refusal;
    struct hub_consume_data ask = {.producer_id = signal_data_text(call->data, "dataProducerId"),
                                   .label = signal_data_text(call->data, "label"),
                                   .transport_id = signal_data_text(call->data, "transportId"),
                                   .stream = given ? &stream : NULL,
                                   .paused = signal_data_bool(call->data, "paused")};
    bool channel = signal_data_bool(call->data, "broadcast");
    if (given && !read_stream(call, given, &stream))
        return;
    if (channel == (ask.producer_id != NULL)) {
        signal_refuse(
            call, CODE_BAD_REQUEST,
            "consume-data: either `dataProducerId`, or `broadcast` with the `label` of a room's channel, "
            "is required");
        return;
    }
    const struct room_data_consumer *consumer = hub_consume_data(call->hub, call->me, &ask, &refusal);
    if (consumer)
        answer_consumed(call, consumer);
    else
        signal_refuse_verb(call, &refusal);
}

static json_t *name_consumer(const char *id) {
    return json_pack("{s:s}", "dataConsumerId", id);
}

static void set_paused(struct signal_call *call, bool paused) {
    const char *id = signal_data_text(call->data, "dataConsumerId");
    struct hub_refusal refusal;
    if (hub_pause_data_consumer(call->hub, call->me, id, paused, &refusal))
        signal_answer(call, paused ? OUT_DATA_CONSUMER_PAUSED : OUT_DATA_CONSUMER_RESUMED, name_consumer(id));
    else
        signal_refuse_verb(call, &refusal);
}

void signal_pause_data_consumer(struct signal_call *call) {
    set_paused(call, true);
}

void signal_resume_data_consumer(struct signal_call *call) {
    set_paused(call, false);
}

void signal_close_data_consumer(struct signal_call *call) {
    const char *id = signal_data_text(call->data, "dataConsumerId");
    struct hub_refusal refusal;
    if (hub_close_data_consumer(call->hub, call->me, id, &refusal))
        signal_answer(call, OUT_DATA_CONSUMER_CLOSED, name_consumer(id));
    else
        signal_refuse_verb(call, &refusal);
}

json_t *signal_describe_channel(const struct room_data_producer *producer,
                                const struct room_data_consumer *consumer) {
    return json_pack("{s:s, s:i, s:s, s:s, s:s, s:s*}", "transportId", producer->transport->public_id.text,
                     "streamId", (int)producer->stream.id, "label", producer->label, "protocol",
                     producer->protocol, "dataProducerId", producer->public_id.text, "dataConsumerId",
                     consumer ? consumer->public_id.text : NULL);
}
