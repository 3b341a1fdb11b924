// produce, pause-producer, resume-producer, close-producer.
#include "server/signal/signal.h"

#include <string.h>

bool signal_describe_producer(struct text_buffer *out, const struct room_producer *producer) {
    const struct participant *owner = producer_owner(producer);
    const struct raw_member app_data = {"appData", producer->app_data, producer->app_data_len};
    json_t *entry =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "producerId", producer->public_id.text, "userId",
                  owner->id.text, "user", owner->name, "kind", media_kind_name(producer->kind), "type",
                  producer->type, "paused", producer->paused);
    bool ok = entry && text_buffer_add_object(out, entry, &app_data, 1);
    json_decref(entry);
    return ok;
}

json_t *signal_name_producer(const struct room_producer *producer) {
    return json_pack("{s:s, s:s}", "producerId", producer->public_id.text, "userId",
                     producer_owner(producer)->id.text);
}

static void answer_produced(struct signal_call *call, const struct room_producer *producer) {
    const char *id = producer->public_id.text;
    struct hub_refusal refusal;
    json_t *data = json_pack("{s:s, s:s, s:s, s:s, s:o*}", "id", id, "producerId", id, "kind",
                             media_kind_name(producer->kind), "type", producer->type, "paused",
                             producer->paused ? json_true() : NULL);
    if (!signal_answer(call, OUT_PRODUCED, data))
        hub_close_producer(call->hub, call->me, id, &refusal); // its owner does not know of it
}

// What appData says that the track is; 0: it does not say.
static unsigned source_of(const json_t *app_data) {
    static const struct {
        const char *name;
        unsigned right;
    } rows[] = {{"camera", RIGHT_CAMERA},
                {"microphone", RIGHT_MICROPHONE},
                {"screen", RIGHT_SCREEN},
                {"screen-audio", RIGHT_SCREEN_AUDIO}};
    const char *source = json_string_value(json_object_get(app_data, "source"));
    for (size_t i = 0; source && i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(source, rows[i].name) == 0)
            return rows[i].right;
    return 0;
}

void signal_produce(struct signal_call *call) {
    const json_t *app_data = signal_data_object(call->data, "appData");
    struct text_buffer text = {0};
    struct hub_refusal refusal;
    if (app_data && !text_buffer_add_json(&text, app_data)) {
        text_buffer_close(&text);
        signal_refuse_memory(call);
        return;
    }
    bool audio = strcmp(signal_data_text(call->data, "kind"), "audio") == 0;
    struct hub_produce ask = {.transport_id = signal_data_text(call->data, "transportId"),
                              .kind = audio ? MEDIA_AUDIO : MEDIA_VIDEO,
                              .parameters = signal_data_object(call->data, "rtpParameters"),
                              .paused = signal_data_bool(call->data, "paused"),
                              .source = source_of(app_data),
                              .sealed = json_is_true(json_object_get(app_data, "e2ee")),
                              .app_data = text.text,
                              .app_data_len = text.len};
    struct room_producer *producer = hub_produce(call->hub, call->me, &ask, &refusal);
    text_buffer_close(&text);
    if (producer)
        answer_produced(call, producer);
    else
        signal_refuse_verb(call, &refusal);
}

// ---- pause, resume, close

static void set_paused(struct signal_call *call, bool paused) {
    struct hub_refusal refusal;
    const struct room_producer *producer =
        hub_pause_producer(call->hub, call->me, signal_data_text(call->data, "producerId"), paused, &refusal);
    if (producer)
        signal_answer(call, paused ? OUT_PRODUCER_PAUSED : OUT_PRODUCER_RESUMED,
                      signal_name_producer(producer));
    else
        signal_refuse_verb(call, &refusal);
}

void signal_pause_producer(struct signal_call *call) {
    set_paused(call, true);
}

void signal_resume_producer(struct signal_call *call) {
    set_paused(call, false);
}

void signal_close_producer(struct signal_call *call) {
    const char *id = signal_data_text(call->data, "producerId");
    struct hub_refusal refusal;
    if (hub_close_producer(call->hub, call->me, id, &refusal))
        signal_answer(call, OUT_PRODUCER_CLOSED,
                      json_pack("{s:s, s:s}", "producerId", id, "userId", call->me->id.text));
    else
        signal_refuse_verb(call, &refusal);
}
