// What is to be recorded: the tracks of a room or of one participant, as they come and go.
#include "server/recordings_internal.h"

#include "base/log.h"
#include "server/hub/hub_operate.h"
#include "server/hub/hub_plain.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ORIENTATION_URI "urn:3gpp:video-orientation"

// ---- what can be recorded

// A recorder asks for what is missing, and gets it again under its old number.
static bool add_nack(json_t *codec) {
    return json_array_append_new(json_object_get(codec, "rtcpFeedback"),
                                 json_pack("{s:s}", "type", "nack")) == 0;
}

json_t *follow_capabilities(const struct hub *hub) {
    json_t *all = hub_plain_capabilities(hub), *extensions = json_array();
    const json_t *routed = json_object_get(hub_router_capabilities(hub), "headerExtensions");
    json_t *codecs = json_object_get(all, "codecs");
    bool fine = true;
    for (size_t i = json_array_size(codecs); i-- > 0;) {
        const char *type = json_string_value(json_object_get(json_array_get(codecs, i), "mimeType"));
        if (type && strcasecmp(type, "video/H265") == 0)
            json_array_remove(codecs, i);
        else
            fine = add_nack(json_array_get(codecs, i)) && fine;
    }
    for (size_t i = 0; i < json_array_size(routed); i++) {
        json_t *ext = json_array_get(routed, i);
        const char *uri = json_string_value(json_object_get(ext, "uri"));
        if (uri && strcmp(uri, ORIENTATION_URI) == 0)
            json_array_append(extensions, ext);
    }
    if (all && fine && json_object_set_new(all, "headerExtensions", extensions) == 0)
        return all;
    json_decref(all);
    return NULL;
}

static json_int_t orientation_id(const json_t *parameters) {
    const json_t *list = json_object_get(parameters, "headerExtensions");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *ext = json_array_get(list, i);
        const char *uri = json_string_value(json_object_get(ext, "uri"));
        if (uri && strcmp(uri, ORIENTATION_URI) == 0)
            return json_integer_value(json_object_get(ext, "id"));
    }
    return 0;
}

// ---- tracks

static struct room_transport *transport_of(struct recording_run *run) {
    struct hub_refusal ignored;
    return run->transport.text[0] ? hub_find_plain(run->all->hub, run->room, run->transport.text, &ignored)
                                  : NULL;
}

static struct followed *find_followed(struct recording_run *run, const struct room_producer *producer) {
    LIST_EACH(node, &run->tracks) {
        struct followed *f = LIST_ENTRY(node, struct followed, link);
        if (strcmp(f->producer.text, producer->public_id.text) == 0)
            return f;
    }
    return NULL;
}

static const char *source_name(unsigned source) {
    return source == RIGHT_CAMERA         ? "CAMERA"
           : source == RIGHT_MICROPHONE   ? "MICROPHONE"
           : source == RIGHT_SCREEN       ? "SCREEN_SHARE"
           : source == RIGHT_SCREEN_AUDIO ? "SCREEN_SHARE_AUDIO"
                                          : "";
}

static json_t *describe_track(const struct room_consumer *consumer, const json_t *parameters) {
    const struct room_producer *producer = consumer->producer;
    const struct participant *owner = producer_owner(producer);
    const json_t *codec = json_array_get(json_object_get(parameters, "codecs"), 0);
    const json_t *encoding = json_array_get(json_object_get(parameters, "encodings"), 0);
    json_int_t channels = json_integer_value(json_object_get(codec, "channels"));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:O, s:O, s:O, s:I, s:I}", "do", "track", "id",
                     consumer->public_id.text, "participant", owner->id.text, "name", owner->name, "source",
                     source_name(producer->source), "mimeType",
                     json_string_value(json_object_get(codec, "mimeType")), "ssrc",
                     json_object_get(encoding, "ssrc"), "payloadType", json_object_get(codec, "payloadType"),
                     "clockRate", json_object_get(codec, "clockRate"), "orientationId",
                     orientation_id(parameters), "channels", channels > 0 ? channels : 2);
}

static struct followed *follow_new(struct recording_run *run, const struct room_producer *producer) {
    struct followed *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    list_init(&f->link);
    list_push_back(&run->tracks, &f->link);
    f->producer = producer->public_id;
    return f;
}

static void follow_one(struct recording_run *run, struct room_transport *transport, struct followed *f) {
    struct hub_refusal refusal;
    json_t *parameters = NULL;
    struct hub_consume ask = {.producer_id = f->producer.text,
                              .transport_id = transport->public_id.text,
                              .capabilities = run->all->capabilities,
                              .paused = true};
    struct room_consumer *consumer =
        hub_consume(run->all->hub, transport->owner, &ask, &parameters, &refusal);
    if (!consumer) {
        if (f->again_us == 0) // told once
            LOG_WARN("track not recorded", LOG_TEXT("room", run->room), LOG_TEXT("recording", run->id.text),
                     LOG_TEXT("producer", f->producer.text), LOG_TEXT("reason", refusal.text));
        return;
    }
    f->consumer = consumer->public_id;
    run->track_count++;
    run_tell(run, describe_track(consumer, parameters)); // first, so that its packets find it
    json_decref(parameters);
}

// What refuses now may pass, as a limit, a full queue, memory: it is tried anew.
static void follow_on(struct recording_run *run, struct room_transport *transport, struct followed *f,
                      uint64_t now_us) {
    struct hub_refusal ignored;
    if (f->running)
        return;
    if (now_us >= f->again_us) {
        if (!f->consumer.text[0])
            follow_one(run, transport, f);
        f->running = f->consumer.text[0] &&
                     hub_pause_consumer(run->all->hub, transport->owner, f->consumer.text, false, &ignored);
        f->again_us = now_us + FOLLOW_AGAIN_US;
    }
    if (!f->running && f->again_us < run->all->again_us)
        run->all->again_us = f->again_us;
}

static void tell_pause(struct recording_run *run, struct followed *f, bool paused) {
    if (f->paused == paused || !f->consumer.text[0])
        return;
    f->paused = paused;
    run_tell(run, json_pack("{s:s, s:s}", "do", paused ? "pause" : "resume", "id", f->consumer.text));
}

static void unfollow(struct recording_run *run, struct followed *f) {
    if (f->consumer.text[0]) {
        run_tell(run, json_pack("{s:s, s:s}", "do", "end", "id", f->consumer.text));
        run->track_count--;
    }
    list_remove(&f->link);
    free(f);
}

void follow_refused(struct recording_run *run, const char *consumer, uint64_t now_us) {
    const struct room_transport *transport = transport_of(run);
    struct hub_refusal ignored;
    LIST_EACH(node, &run->tracks) {
        struct followed *f = LIST_ENTRY(node, struct followed, link);
        if (strcmp(f->consumer.text, consumer) != 0)
            continue;
        if (transport)
            (void)hub_close_consumer(run->all->hub, transport->owner, consumer, &ignored);
        f->consumer.text[0] = '\0';
        f->running = f->paused = false;
        f->again_us = now_us + FOLLOW_AGAIN_US;
        if (f->again_us < run->all->again_us)
            run->all->again_us = f->again_us;
        run->track_count--;
        return;
    }
}

static bool is_wanted(const struct recording_run *run, const struct participant *who) {
    if (who->observer == HUB_OBSERVER_RECORDER)
        return false;
    return !run->who[0] || strcmp(who->identity, run->who) == 0 || strcmp(who->id.text, run->who) == 0;
}

static void look_at(struct recording_run *run, struct room_transport *transport, struct participant *who,
                    uint64_t now_us) {
    LIST_EACH(t, &who->transports) {
        LIST_EACH(p, &LIST_ENTRY(t, struct room_transport, link)->producers) {
            struct room_producer *producer = LIST_ENTRY(p, struct room_producer, link);
            struct followed *f = find_followed(run, producer);
            f = f ? f : follow_new(run, producer);
            if (!f)
                continue;
            follow_on(run, transport, f, now_us);
            tell_pause(run, f, producer->paused);
        }
    }
}

static bool is_there(struct room *room, const struct public_id *producer) {
    struct hub_refusal ignored;
    LIST_EACH(node, &room->participants)
    if (hub_operate_producer(LIST_ENTRY(node, struct participant, link), producer->text, &ignored))
        return true;
    return false;
}

void follow_look(struct recording_run *run, uint64_t now_us) {
    struct room_transport *transport = transport_of(run);
    if (!transport) { // its room has closed, or it was put out
        if (run->state == RECORDING_ACTIVE) {
            run->state = RECORDING_ENDING;
            run_end(run);
        }
        return;
    }
    struct room *room = transport->owner->room;
    unsigned wanted = 0;
    LIST_EACH(node, &run->tracks) {
        struct followed *f = LIST_ENTRY(node, struct followed, link);
        if (!is_there(room, &f->producer))
            unfollow(run, f);
    }
    LIST_EACH(node, &room->participants) {
        struct participant *who = LIST_ENTRY(node, struct participant, link);
        if (!is_wanted(run, who))
            continue;
        wanted++;
        look_at(run, transport, who, now_us);
    }
    if (wanted == 0 && run->state == RECORDING_ACTIVE) {
        run->state = RECORDING_ENDING;
        run_end(run);
    }
}

bool follow_begin(struct recording_run *run, uint16_t port) {
    struct hub_refusal refusal;
    struct hub_plain ask = {.name = "recorder",
                            .identity = "",
                            .metadata = "",
                            .hidden = true,
                            .ip = "127.0.0.1",
                            .port = port,
                            .rtcp_mux = true,
                            .inside = true};
    struct room_transport *transport = hub_open_plain(run->all->hub, run->room, &ask, &refusal);
    if (!transport) {
        snprintf(run->error, sizeof run->error, "%.150s", refusal.text);
        return false;
    }
    run->transport = transport->public_id;
    return true;
}

void follow_end(struct recording_run *run) {
    struct room_transport *transport = transport_of(run);
    if (transport)
        hub_close_plain(run->all->hub, transport);
    run->transport.text[0] = '\0';
    LIST_EACH(node, &run->tracks) {
        struct followed *f = LIST_ENTRY(node, struct followed, link);
        list_remove(&f->link);
        free(f);
    }
    run->track_count = 0;
}
