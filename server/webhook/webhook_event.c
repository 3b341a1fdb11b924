#include "server/webhook/webhook_event.h"

#include "server/admin/admin_describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *kind_name(enum webhook_kind kind) {
    switch (kind) {
    case WEBHOOK_ROOM_STARTED:
        return "room_started";
    case WEBHOOK_ROOM_FINISHED:
        return "room_finished";
    case WEBHOOK_PARTICIPANT_JOINED:
        return "participant_joined";
    case WEBHOOK_PARTICIPANT_LEFT:
        return "participant_left";
    case WEBHOOK_TRACK_PUBLISHED:
        return "track_published";
    case WEBHOOK_TRACK_UNPUBLISHED:
        return "track_unpublished";
    }
    return "";
}

// Puts `value` there and takes it; false: no memory.
static bool put(json_t *object, const char *name, json_t *value) {
    return json_object_set_new(object, name, value) == 0;
}

static bool put_room(json_t *object, const struct webhook_event *event) {
    unsigned people = event->room->participant_count - event->gone;
    json_t *room = admin_describe_room(event->room);
    if (!put(object, "room", room))
        return false;
    return event->gone == 0 || (put(room, "numParticipants", json_integer((json_int_t)people)) &&
                                (people > 0 || put(room, "numPublishers", json_integer(0))));
}

// With a track its owner's names alone, as LiveKit has it: the rest may be long, and there may be many
// tracks.
static bool put_person(json_t *object, const struct webhook_event *event) {
    const struct participant *who = event->who;
    if (!who)
        return true;
    if (event->producer)
        return put(object, "participant",
                   json_pack("{s:s, s:s, s:s}", "sid", who->id.text, "identity",
                             who->identity[0] ? who->identity : who->id.text, "name", who->name));
    json_t *person = admin_describe_person(who);
    return put(object, "participant", person) &&
           (event->kind != WEBHOOK_PARTICIPANT_LEFT || put(person, "state", json_string("DISCONNECTED")));
}

char *webhook_event_text(const struct webhook_event *event, size_t *len) {
    char created[24];
    snprintf(created, sizeof created, "%" PRIu64, event->wall_s);
    json_t *object = json_pack("{s:s, s:s, s:s}", "event", kind_name(event->kind), "id", public_id_new().text,
                               "createdAt", created);
    bool whole = object && put_room(object, event) && put_person(object, event) &&
                 (!event->producer || put(object, "track", admin_describe_track(event->producer)));
    char *text = whole ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    *len = text ? strlen(text) : 0;
    return text;
}

char *webhook_egress_text(const char *event, const struct room *room, uint64_t wall_s, json_t *info,
                          size_t *len) {
    char created[24];
    snprintf(created, sizeof created, "%" PRIu64, wall_s);
    json_t *object = json_pack("{s:s, s:s, s:s, s:o}", "event", event, "id", public_id_new().text,
                               "createdAt", created, "egressInfo", info);
    bool whole = object && (!room || put(object, "room", admin_describe_room(room)));
    char *text = whole ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    *len = text ? strlen(text) : 0;
    return text;
}
