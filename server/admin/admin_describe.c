// Rooms, people and tracks in the form of LiveKit's messages (Room, ParticipantInfo, TrackInfo), as JSON with
// 64-bit numbers as text, which protobuf's mapping wants.
#include "server/admin/admin_describe.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

static json_t *long_number(uint64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    return json_string(text);
}

static unsigned publishers(const struct room *room) {
    unsigned count = 0;
    LIST_EACH(node, &room->participants)
    count += LIST_ENTRY(node, struct participant, link)->producer_count > 0;
    return count;
}

json_t *admin_describe_room(const struct room *room) {
    uint64_t first_us = room->linger_first_us ? room->linger_first_us : room->linger_us;
    return json_pack("{s:s, s:s, s:o, s:i, s:i, s:i, s:i, s:i, s:b, s:O*}", "sid", room->public_id.text,
                     "name", room->name, "creationTime", long_number(room->opened_wall_s), "numParticipants",
                     (int)room->participant_count, "numPublishers", (int)publishers(room), "maxParticipants",
                     (int)room->participants_max, "emptyTimeout", (int)(first_us / US_PER_SECOND),
                     "departureTimeout", (int)(room->linger_us / US_PER_SECOND), "activeRecording",
                     room->recordings > 0, "metadata", room->metadata);
}

static const char *source_name(unsigned source) {
    switch (source) {
    case RIGHT_CAMERA:
        return "CAMERA";
    case RIGHT_MICROPHONE:
        return "MICROPHONE";
    case RIGHT_SCREEN:
        return "SCREEN_SHARE";
    case RIGHT_SCREEN_AUDIO:
        return "SCREEN_SHARE_AUDIO";
    default:
        return "UNKNOWN";
    }
}

json_t *admin_describe_track(const struct room_producer *producer) {
    return json_pack("{s:s, s:s, s:b, s:s, s:b}", "sid", producer->public_id.text, "type",
                     producer->kind == MEDIA_AUDIO ? "AUDIO" : "VIDEO", "muted", (int)producer->paused,
                     "source", source_name(producer->source), "simulcast",
                     producer->type[0] == 's' && producer->type[2] == 'm' && producer->type[3] == 'u');
}

static json_t *describe_permission(unsigned rights, bool hidden) {
    static const unsigned sources[] = {RIGHT_CAMERA, RIGHT_MICROPHONE, RIGHT_SCREEN, RIGHT_SCREEN_AUDIO};
    json_t *list = json_array();
    bool some = (rights & RIGHTS_PUBLISH) && (rights & RIGHTS_PUBLISH) != RIGHTS_PUBLISH;
    for (size_t i = 0; some && i < sizeof sources / sizeof sources[0]; i++)
        if (rights & sources[i])
            json_array_append_new(list, json_string(source_name(sources[i])));
    return json_pack("{s:b, s:b, s:b, s:b, s:b, s:o}", "hidden", (int)hidden, "canUpdateMetadata",
                     (rights & RIGHT_METADATA) != 0, "canSubscribe", (rights & RIGHT_SUBSCRIBE) != 0,
                     "canPublish", (rights & RIGHTS_PUBLISH) != 0, "canPublishData",
                     (rights & RIGHT_DATA) != 0, "canPublishSources", list);
}

static bool is_connected(const struct participant *who) {
    LIST_EACH(node, &who->transports) {
        const struct room_transport *transport = LIST_ENTRY(node, struct room_transport, link);
        if (transport->dtls == DTLS_CONNECTED)
            return true;
    }
    return false;
}

json_t *admin_describe_person(const struct participant *who) {
    json_t *tracks = json_array();
    LIST_EACH(t, &who->transports) {
        LIST_EACH(p, &LIST_ENTRY(t, struct room_transport, link)->producers)
        json_array_append_new(tracks, admin_describe_track(LIST_ENTRY(p, struct room_producer, link)));
    }
    json_t *person =
        json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:b}", "sid", who->id.text, "identity",
                  who->identity[0] ? who->identity : who->id.text, "name", who->name, "state",
                  is_connected(who) ? "ACTIVE" : "JOINED", "tracks", tracks, "joinedAt",
                  long_number(who->joined_wall_s), "permission",
                  describe_permission(who->rights, who->hidden), "isPublisher", who->producer_count > 0);
    if (!person || !who->about || json_object_update(person, who->about) == 0) // metadata, attributes
        return person;
    json_decref(person);
    return NULL;
}
