// consume and what a client may ask of its consumers.
#include "server/signal/signal.h"

json_t *signal_describe_consumer(const struct room_consumer *consumer, json_t *parameters) {
    const struct room_producer *producer = consumer->producer;
    const struct participant *from = producer_owner(producer);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:O, s:s, s:b, s:b, s:b}", "id", consumer->public_id.text,
                     "producerId", producer->public_id.text, "userId", from->id.text, "user", from->name,
                     "kind", media_kind_name(producer->kind), "rtpParameters", parameters, "type",
                     producer->type, "producerPaused", producer->paused, "paused", consumer->paused, "held",
                     consumer->held);
}

static void answer_consumed(struct signal_call *call, const struct room_consumer *consumer,
                            json_t *parameters) {
    const struct room_producer *producer = consumer->producer;
    const struct raw_member app_data = {"appData", producer->app_data, producer->app_data_len};
    struct hub_refusal refusal;
    if (!signal_answer_raw(call, OUT_CONSUMED, signal_describe_consumer(consumer, parameters), &app_data, 1))
        hub_close_consumer(call->hub, call->me, consumer->public_id.text, &refusal); // nobody knows of it
}

void signal_consume(struct signal_call *call) {
    struct hub_consume ask = {.producer_id = signal_data_text(call->data, "producerId"),
                              .transport_id = signal_data_text(call->data, "transportId"),
                              .capabilities = signal_data_object(call->data, "rtpCapabilities"),
                              .paused = signal_data_bool(call->data, "paused")};
    struct hub_refusal refusal;
    json_t *parameters = NULL;
    const struct room_consumer *consumer = hub_consume(call->hub, call->me, &ask, &parameters, &refusal);
    if (consumer)
        answer_consumed(call, consumer, parameters);
    else
        signal_refuse_verb(call, &refusal);
    json_decref(parameters);
}

// ---- pause, resume, close

static json_t *name_consumer(const char *id) {
    return json_pack("{s:s}", "consumerId", id);
}

// What was done of a request about one consumer; `data` is taken over.
static void answer(struct signal_call *call, bool done, enum signal_out type, json_t *data,
                   const struct hub_refusal *refusal) {
    if (done) {
        signal_answer(call, type, data);
        return;
    }
    json_decref(data);
    signal_refuse_verb(call, refusal);
}

static void set_paused(struct signal_call *call, bool paused) {
    const char *id = signal_data_text(call->data, "consumerId");
    struct hub_refusal refusal;
    bool done = hub_pause_consumer(call->hub, call->me, id, paused, &refusal);
    answer(call, done, paused ? OUT_CONSUMER_PAUSED : OUT_CONSUMER_RESUMED, name_consumer(id), &refusal);
}

void signal_pause_consumer(struct signal_call *call) {
    set_paused(call, true);
}

void signal_resume_consumer(struct signal_call *call) {
    set_paused(call, false);
}

void signal_close_consumer(struct signal_call *call) {
    const char *id = signal_data_text(call->data, "consumerId");
    struct hub_refusal refusal;
    bool done = hub_close_consumer(call->hub, call->me, id, &refusal);
    answer(call, done, OUT_CONSUMER_CLOSED, name_consumer(id), &refusal);
}

// ---- wishes

void signal_set_preferred_layers(struct signal_call *call) {
    const char *id = signal_data_text(call->data, "consumerId");
    struct hub_refusal refusal;
    int64_t spatial = signal_data_integer(call->data, "spatialLayer", 0);
    int64_t temporal = signal_data_integer(call->data, "temporalLayer", LAYER_NONE);
    struct hub_layers chosen = {0};
    bool done = hub_set_layers(call->hub, call->me, id, (int8_t)spatial, (int8_t)temporal, &chosen, &refusal);
    json_t *data = json_pack("{s:s, s:i, s:i}", "consumerId", id, "spatialLayer", chosen.spatial,
                             "temporalLayer", chosen.temporal);
    answer(call, done, OUT_PREFERRED_LAYERS_SET, data, &refusal);
}

void signal_set_priority(struct signal_call *call) {
    const char *id = signal_data_text(call->data, "consumerId");
    struct hub_refusal refusal;
    int64_t priority = signal_data_integer(call->data, "priority", 1);
    bool done = hub_set_priority(call->hub, call->me, id, (uint8_t)priority, &refusal);
    answer(call, done, OUT_PRIORITY_SET,
           json_pack("{s:s, s:I}", "consumerId", id, "priority", (json_int_t)priority), &refusal);
}

void signal_set_max_bitrate(struct signal_call *call) {
    const char *consumer = signal_data_text(call->data, "consumerId");
    const char *transport = signal_data_text(call->data, "transportId");
    struct hub_refusal refusal;
    int64_t bps = signal_data_integer(call->data, "maxBitrate", 0);
    if ((consumer != NULL) == (transport != NULL)) {
        signal_refuse(call, CODE_BAD_REQUEST,
                      "set-max-bitrate: exactly one of `consumerId` and `transportId` is required");
        return;
    }
    bool done = hub_set_max_bitrate(call->hub, call->me, consumer, transport, (uint32_t)bps, &refusal);
    answer(call, done, OUT_MAX_BITRATE_SET,
           json_pack("{s:s, s:I}", consumer ? "consumerId" : "transportId", consumer ? consumer : transport,
                     "maxBitrate", (json_int_t)bps),
           &refusal);
}

void signal_request_key_frame(struct signal_call *call) {
    const char *id = signal_data_text(call->data, "consumerId");
    struct hub_refusal refusal;
    bool done = hub_request_key_frame(call->hub, call->me, id, &refusal);
    answer(call, done, OUT_KEY_FRAME_REQUESTED, name_consumer(id), &refusal);
}
