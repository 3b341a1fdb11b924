// What a viewer hears of what it watches, and what it may choose of it: the extensions of the draft
// "WebRTC-HTTP Egress Protocol Core Extensions" (server-sent events, layer selection), in the form that
// players use.
#include "base/entropy.h"
#include "base/slots.h"
#include "server/whip/whip_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENT_BYTES_MAX 2048

// ---- streams of events

static unsigned event_of(const char *name) {
    static const struct {
        const char *name;
        enum whip_event bit;
    } rows[] = {{"active", EVENT_ACTIVE},
                {"inactive", EVENT_INACTIVE},
                {"layers", EVENT_LAYERS},
                {"viewercount", EVENT_VIEWERS}};
    for (size_t i = 0; name && i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(name, rows[i].name) == 0)
            return rows[i].bit;
    return 0;
}

// Those of the body; none: all. Names that nobody knows are passed over.
static bool read_events(struct whip *whip, const struct whip_request *request, unsigned *events,
                        struct whip_answer *answer) {
    *events = EVENTS_ALL;
    if (request->body.len == 0)
        return true;
    json_t *list = json_loadb((const char *)request->body.ptr, request->body.len, 0, NULL);
    bool good = json_is_array(list) && whip_media_type_is(request->content_type, "application/json");
    *events = 0;
    for (size_t i = 0; good && i < json_array_size(list); i++)
        *events |= event_of(json_string_value(json_array_get(list, i)));
    json_decref(list);
    if (!good)
        whip_refuse(whip, answer, 400, "the body is to be a JSON array of the names of events: " EVENT_NAMES);
    return good;
}

static struct event_stream *find_stream(struct whip_session *session, const char *secret) {
    for (unsigned i = 0; i < WHIP_STREAMS_MAX; i++) {
        struct event_stream *stream = &session->streams[i];
        if (strcmp(stream->secret, secret) == 0)
            return stream;
    }
    return NULL;
}

static void stream_end(struct whip_session *session, struct event_stream *stream) {
    struct whip *whip = session->whip;
    if (stream->id) {
        whip->counts.event_streams--;
        if (whip->io.stream_end)
            whip->io.stream_end(whip->io.ctx, stream->id);
    }
    stream->id = 0;
}

void whip_stream_open(struct whip_session *session, const struct whip_request *request,
                      struct whip_answer *answer) {
    struct whip *whip = session->whip;
    struct event_stream *free_one = find_stream(session, "");
    char address[WHIP_ADDRESS_MAX];
    unsigned events;
    if (!whip_session_may_ask(session, answer) || !read_events(whip, request, &events, answer))
        return;
    if (!free_one) {
        whip_refuse(whip, answer, 409, "a session may have %d streams of events; DELETE one",
                    WHIP_STREAMS_MAX);
        return;
    }
    *free_one = (struct event_stream){.events = events};
    entropy_text(free_one->secret, ETAG_BYTES);
    whip_session_address(session, address, sizeof address);
    answer->status = 201;
    whip_add_header(answer, "location: %s/events/%s", address, free_one->secret);
}

void whip_stream_read(struct whip_session *session, const char *secret, struct whip_answer *answer) {
    struct event_stream *stream = secret[0] ? find_stream(session, secret) : NULL;
    struct whip *whip = session->whip;
    if (!stream) {
        whip_refuse(whip, answer, 404, "there is no such stream of events; POST to /events makes one");
        return;
    }
    stream_end(session, stream); // who reads it now has come back
    answer->status = 200;
    answer->content_type = "text/event-stream";
    answer->stream = stream->id = whip->streams_next++;
    whip->counts.event_streams++;
    if (whip->streams_next == 0)
        whip->streams_next = 1;
    session->layers_told = session->active_told = false;
    session->viewers_told = 0;
    whip_session_mark(session); // it hears how things stand
}

void whip_stream_delete(struct whip_session *session, const char *secret, struct whip_answer *answer) {
    struct event_stream *stream = secret[0] ? find_stream(session, secret) : NULL;
    if (!stream) {
        whip_refuse(session->whip, answer, 404, "there is no such stream of events");
        return;
    }
    stream_end(session, stream);
    stream->secret[0] = '\0';
    answer->status = 200;
}

void whip_streams_end(struct whip_session *session) {
    for (unsigned i = 0; i < WHIP_STREAMS_MAX; i++)
        stream_end(session, &session->streams[i]);
}

void whip_stream_closed(struct whip *whip, uint32_t id) {
    uint32_t cursor = 0;
    for (struct whip_session *session; (session = slots_next(whip->sessions, &cursor));) {
        for (unsigned i = 0; i < WHIP_STREAMS_MAX; i++) {
            if (session->streams[i].id != id)
                continue;
            session->streams[i].id = 0;
            whip->counts.event_streams--;
            return;
        }
    }
}

// ---- events

static void send_event(struct whip_session *session, enum whip_event event, const char *name, json_t *data) {
    struct whip *whip = session->whip;
    char text[EVENT_BYTES_MAX];
    char *json = data ? json_dumps(data, JSON_COMPACT) : NULL;
    int len = json ? snprintf(text, sizeof text, "event: %s\ndata: %s\n\n", name, json) : -1;
    free(json);
    json_decref(data);
    for (unsigned i = 0; len > 0 && (size_t)len < sizeof text && i < WHIP_STREAMS_MAX; i++) {
        struct event_stream *stream = &session->streams[i];
        if (!stream->id || !(stream->events & event))
            continue;
        if (!whip->io.stream_write || !whip->io.stream_write(whip->io.ctx, stream->id, text, (size_t)len))
            stream_end(session, stream);
    }
}

static const struct room_producer *watched_video(struct whip_session *session) {
    struct hub_refusal refusal;
    const struct section *section = &session->sections[MEDIA_VIDEO];
    const struct room_consumer *consumer =
        section->consumer.text[0]
            ? hub_own_consumer(session->whip->hub, session->me, section->consumer.text, &refusal)
            : NULL;
    return consumer ? consumer->producer : NULL;
}

// The name of a stream of a simulcast producer: its RID, else its number.
static void name_layer(const struct room_producer *producer, unsigned i, char out[RID_MAX + 1]) {
    if (producer->params.streams[i].rid[0])
        memcpy(out, producer->params.streams[i].rid, RID_MAX + 1);
    else
        snprintf(out, RID_MAX + 1, "%u", i);
}

static json_t *describe_layers(struct whip_session *session, const struct room_producer *producer) {
    const struct producer_params *params = &producer->params;
    int8_t shown = session->sections[MEDIA_VIDEO].spatial_shown;
    json_t *list = json_array();
    bool simulcast = params->stream_count > 1;
    unsigned layers = simulcast ? params->stream_count : params->spatial_layers;
    for (unsigned i = layers; i-- > 0;) { // the best one first, as the draft's examples have it
        char rid[RID_MAX + 1] = "";
        if (simulcast)
            name_layer(producer, i, rid);
        json_t *layer =
            json_pack("{s:s*, s:s*, s:i, s:i, s:b}", "rid", simulcast ? rid : NULL, "encodingId",
                      simulcast ? rid : NULL, "spatialLayerId", simulcast ? 0 : (int)i, "temporalLayerId",
                      params->temporal_layers - 1, "shown", shown == (int)i || (!simulcast && layers == 1));
        json_array_append_new(list, layer);
    }
    return json_pack("{s:o}", session->section_index[MEDIA_VIDEO], list);
}

static unsigned count_audience(const struct whip_session *session) {
    unsigned count = 0;
    LIST_EACH(node, &session->me->room->participants) {
        const struct participant *who = LIST_ENTRY(node, struct participant, link);
        const struct whip_session *other = whip_session_of(session->whip, who);
        count += other && other->views && other->me && !who->hidden &&
                 strcmp(other->shown.text, session->shown.text) == 0;
    }
    return count;
}

// Who is hidden counts for itself alone.
static unsigned count_viewers(const struct whip_session *session, struct audiences *counted) {
    const struct room *room = session->me->room;
    struct audience *audience = counted->list, *end = counted->list + counted->count;
    while (audience < end &&
           (audience->room != room || strcmp(audience->shown.text, session->shown.text) != 0))
        audience++;
    if (audience == counted->list + AUDIENCES_MAX)
        return count_audience(session) + session->me->hidden;
    if (audience == end) {
        *audience =
            (struct audience){.room = room, .shown = session->shown, .viewers = count_audience(session)};
        counted->count++;
    }
    return audience->viewers + session->me->hidden;
}

static bool listens(const struct whip_session *session) {
    for (unsigned i = 0; i < WHIP_STREAMS_MAX; i++)
        if (session->streams[i].id)
            return true;
    return false;
}

void whip_tell(struct whip_session *session, struct audiences *counted) {
    if (!listens(session))
        return;
    bool active = session->shown.text[0] != '\0';
    if (active && !session->active_told)
        send_event(session, EVENT_ACTIVE, "active", json_object());
    else if (!active && session->active_told)
        send_event(session, EVENT_INACTIVE, "inactive", json_object());
    session->active_told = active;
    const struct room_producer *video = session->layers_told ? NULL : watched_video(session);
    if (video) {
        send_event(session, EVENT_LAYERS, "layers", describe_layers(session, video));
        session->layers_told = true;
    }
    unsigned viewers = count_viewers(session, counted);
    if (viewers != session->viewers_told)
        send_event(session, EVENT_VIEWERS, "viewercount", json_pack("{s:i}", "viewercount", (int)viewers));
    session->viewers_told = viewers;
}

// ---- what it may choose

// NULL: *answer. The caller's.
static json_t *read_object(struct whip *whip, const struct whip_request *request,
                           struct whip_answer *answer) {
    if (!whip_media_type_is(request->content_type, "application/json")) {
        whip_refuse(whip, answer, 415,
                    "the body is to be a JSON object: send `Content-Type: application/json`");
        return NULL;
    }
    json_t *body = json_loadb((const char *)request->body.ptr, request->body.len, 0, NULL);
    if (json_is_object(body))
        return body;
    json_decref(body);
    whip_refuse(whip, answer, 400, "the body is no JSON object");
    return NULL;
}

// A whole number from 0 to 7; LAYER_NONE: it is not there; -2: something else.
static int layer_member(const json_t *body, const char *name) {
    const json_t *value = json_object_get(body, name);
    if (!value || json_is_null(value))
        return LAYER_NONE;
    json_int_t number = json_integer_value(value);
    return json_is_integer(value) && number >= 0 && number <= 7 ? (int)number : -2;
}

static int first_of(const json_t *body, const char *name, const char *other) {
    int value = layer_member(body, name);
    return value == LAYER_NONE ? layer_member(body, other) : value;
}

// The number of the stream that a RID names; -2: none.
static int stream_of(const struct room_producer *producer, const char *name) {
    for (unsigned i = 0; producer && i < producer->params.stream_count; i++) {
        char rid[RID_MAX + 1];
        name_layer(producer, i, rid);
        if (strcmp(rid, name) == 0)
            return (int)i;
    }
    return -2;
}

static bool names_video(const struct whip_session *session, const json_t *body) {
    const json_t *media = json_object_get(body, "mediaId");
    const char *text = json_string_value(media);
    char index[8];
    if (!media || json_is_null(media))
        return true;
    snprintf(index, sizeof index, "%lld", (long long)json_integer_value(media));
    return strcmp(json_is_integer(media) ? index
                  : text                 ? text
                                         : "",
                  session->section_index[MEDIA_VIDEO]) == 0 ||
           (text && strcmp(text, session->sections[MEDIA_VIDEO].mid) == 0);
}

// Of simulcast a stream is what is chosen; of layers within one stream their numbers.
static bool read_layer(struct whip_session *session, const json_t *body, int *spatial, int *temporal,
                       struct whip_answer *answer) {
    const char *rid = json_string_value(json_object_get(body, "rid"));
    rid = rid ? rid : json_string_value(json_object_get(body, "encodingId"));
    *spatial = first_of(body, "spatialLayerId", "maxSpatialLayerId");
    *temporal = first_of(body, "temporalLayerId", "maxTemporalLayerId");
    bool numbers = *spatial != -2 && *temporal != -2;
    if (rid)
        *spatial = stream_of(watched_video(session), rid);
    if (numbers && *spatial != -2 && names_video(session, body))
        return true;
    whip_refuse(session->whip, answer, 400,
                !numbers         ? "layers are whole numbers from 0 to 7"
                : *spatial == -2 ? "`rid` names no layer of what is shown; the event `layers` has their names"
                                 : "`mediaId` is not the section of the picture");
    return false;
}

void whip_choose_layer(struct whip_session *session, const struct whip_request *request,
                       struct whip_answer *answer) {
    struct section *section = &session->sections[MEDIA_VIDEO];
    int spatial = LAYER_NONE, temporal = LAYER_NONE;
    if (!whip_session_may_ask(session, answer))
        return;
    if (!section->wanted) {
        whip_refuse(session->whip, answer, 409, "this session has no picture");
        return;
    }
    if (request->method == WHIP_POST) {
        json_t *body = read_object(session->whip, request, answer);
        bool good = body && read_layer(session, body, &spatial, &temporal, answer);
        json_decref(body);
        if (!good)
            return;
    }
    section->spatial = (int8_t)spatial;
    section->temporal = (int8_t)temporal;
    whip_follow_wishes(session, MEDIA_VIDEO);
    answer->status = 200;
}

// What it sends of one kind, as its owner.
static void pause_own(struct whip_session *session, enum media_kind kind, bool paused,
                      struct whip_answer *answer) {
    const struct room_transport *transport = whip_session_transport(session);
    struct hub_refusal refusal;
    if (!transport)
        return;
    LIST_EACH(node, &transport->producers) {
        const struct room_producer *producer = LIST_ENTRY(node, struct room_producer, link);
        if (producer->kind == kind && !hub_pause_producer(session->whip->hub, session->me,
                                                          producer->public_id.text, paused, &refusal)) {
            whip_refuse_verb(session->whip, answer, &refusal);
            return;
        }
    }
}

// {"audio": true, "video": false}: true is muted. What is not named stays.
void whip_mute(struct whip_session *session, const struct whip_request *request, struct whip_answer *answer) {
    static const char *const names[SECTIONS] = {[MEDIA_AUDIO] = "audio", [MEDIA_VIDEO] = "video"};
    if (!whip_session_may_ask(session, answer))
        return;
    json_t *body = read_object(session->whip, request, answer);
    if (!body)
        return;
    bool good = true, named = false;
    for (unsigned kind = 0; kind < SECTIONS; kind++) {
        const json_t *value = json_object_get(body, names[kind]);
        good = good && (!value || json_is_boolean(value));
        named = named || value;
    }
    if (!good || !named) {
        whip_refuse(session->whip, answer, 400,
                    "say {\"audio\": true} to mute the sound, {\"video\": true} the "
                    "picture, false to have it again");
        json_decref(body);
        return;
    }
    answer->status = 200;
    for (unsigned kind = 0; kind < SECTIONS; kind++) {
        const json_t *value = json_object_get(body, names[kind]);
        if (!value)
            continue;
        session->sections[kind].muted = json_is_true(value);
        if (session->views)
            whip_follow_wishes(session, (enum media_kind)kind);
        else
            pause_own(session, (enum media_kind)kind, json_is_true(value), answer);
    }
    json_decref(body);
}
