// What can be asked for, as the hub does it.
#include "server/admin/admin_internal.h"

#include "base/clock.h"
#include "server/common/plain_url.h"

#include <string.h>

#define NAMES_MAX 1000
#define ADMIN_DATA_CHARS_MAX ((ADMIN_DATA_MAX + 2) / 3 * 4)

static json_t *list_of(json_t *list, const char *name) {
    return json_pack("{s:o}", name, list);
}

static struct room *find_room(struct admin_call *call) {
    struct hub_refusal refusal;
    const char *name = admin_text(call, "room", true);
    struct room *room = name ? hub_operate_find(call->admin->hub, name, &refusal) : NULL;
    if (name && !room)
        admin_refuse_verb(call, &refusal);
    return room;
}

static struct participant *find_person(struct admin_call *call) {
    struct hub_refusal refusal;
    struct room *room = find_room(call);
    const char *identity = room ? admin_text(call, "identity", true) : NULL;
    struct participant *who = identity ? hub_operate_person(room, identity, &refusal) : NULL;
    if (identity && !who)
        admin_refuse_verb(call, &refusal);
    return who;
}

// What a message may carry and this server has not; false and a refusal where it is more than its preset.
static bool lacks(struct admin_call *call, const char *const *names) {
    for (; *names; names++) {
        const json_t *value = admin_member(call, *names);
        bool says_nothing = !value || json_is_false(value) ||
                            (json_is_string(value) &&
                             (!json_string_length(value) || strcmp(json_string_value(value), "0") == 0)) ||
                            (json_is_array(value) && !json_array_size(value)) ||
                            (json_is_object(value) && !json_object_size(value)) ||
                            (json_is_number(value) && json_number_value(value) == 0);
        if (!says_nothing)
            return admin_refuse(call, ADMIN_UNIMPLEMENTED, "this server has no `%s`; leave it out", *names);
    }
    return true;
}

// ---- rooms

// Each that is there once, in the order of the names; how often a name is read does not grow with the rooms.
static json_t *list_named(const struct admin_call *call, const json_t *names) {
    const struct room *found[NAMES_MAX];
    unsigned count = 0;
    const json_t *entry;
    struct hub_refusal ignored;
    json_t *list = json_array();
    for (size_t i = 0; i < NAMES_MAX && (entry = json_array_get(names, i)); i++) {
        const char *name = json_string_value(entry);
        const struct room *room = name ? hub_operate_find(call->admin->hub, name, &ignored) : NULL;
        unsigned before = 0;
        while (before < count && found[before] != room)
            before++;
        if (!room || before < count)
            continue;
        found[count++] = room;
        json_array_append_new(list, admin_describe_room(room));
    }
    return list;
}

json_t *admin_list_rooms(struct admin_call *call) {
    const json_t *names = admin_member(call, "names");
    if ((names && !json_is_array(names)) || json_array_size(names) > NAMES_MAX)
        return admin_refuse(call, ADMIN_INVALID, "`names` must be a list of at most %d names", NAMES_MAX);
    if (json_array_size(names) > 0)
        return list_of(list_named(call, names), "rooms");
    json_t *list = json_array();
    for (struct room *room = NULL; (room = hub_operate_next(call->admin->hub, room));)
        json_array_append_new(list, admin_describe_room(room));
    return list_of(list, "rooms");
}

json_t *admin_get_room(struct admin_call *call) {
    const struct room *room = find_room(call);
    return room ? admin_describe_room(room) : NULL;
}

// LiveKit's RoomEgress: `tracks` (a file for each) or `participant` (sound and picture of each in one). A
// picture of the whole room nobody draws here, and files go where the server has its place for them.
static bool read_egress(struct admin_call *call, enum record_wish *out) {
    static const char *const unknown[] = {"room", NULL};
    const json_t *egress = admin_member(call, "egress");
    struct admin_call inner = {.admin = call->admin, .ask = (json_t *)(uintptr_t)egress};
    *out = RECORD_WHEN_ASKED;
    if (!egress)
        return true;
    if (!json_is_object(egress))
        return admin_refuse(call, ADMIN_INVALID, "`egress` must be an object");
    if (!lacks(&inner, unknown))
        return admin_refuse(call, ADMIN_UNIMPLEMENTED,
                            "this server records tracks and participants, and draws no room: say `tracks` or "
                            "`participant` in `egress`");
    const json_t *tracks = admin_member(&inner, "tracks"), *people = admin_member(&inner, "participant");
    if (!tracks && !people)
        return true;
    if ((tracks && people) || json_object_size(tracks ? tracks : people) > 0)
        return admin_refuse(
            call, ADMIN_UNIMPLEMENTED,
            "`egress` may have `tracks: {}` or `participant: {}`, with nothing in it: files go "
            "to the server's `record-dir`");
    if (!call->admin->io.records)
        return admin_refuse(call, ADMIN_PRECONDITION,
                            "this server records nothing; its setting `record-dir` is empty");
    *out = tracks ? RECORD_TRACKS : RECORD_PARTICIPANTS;
    return true;
}

json_t *admin_create_room(struct admin_call *call) {
    static const char *const unknown[] = {"agents",          "roomPreset",  "minPlayoutDelay",
                                          "maxPlayoutDelay", "syncStreams", "replayEnabled",
                                          "nodeId",          "tags",        NULL};
    struct hub_refusal refusal;
    struct hub_room_wish wish = {.name = admin_text(call, "name", true)};
    uint32_t empty_s, departure_s;
    wish.metadata = wish.name ? admin_text(call, "metadata", false) : NULL;
    if (!wish.metadata || !admin_number(call, "emptyTimeout", 7 * 86400, &empty_s) ||
        !admin_number(call, "departureTimeout", 7 * 86400, &departure_s) ||
        !admin_number(call, "maxParticipants", 10000, &wish.participants_max) || !lacks(call, unknown) ||
        !read_egress(call, &wish.record))
        return NULL;
    wish.linger_us = (departure_s ? departure_s : empty_s) * US_PER_SECOND;
    wish.linger_first_us = empty_s * US_PER_SECOND;
    struct room *room = hub_operate_open(call->admin->hub, &wish, &refusal);
    return room ? admin_describe_room(room) : admin_refuse_verb(call, &refusal);
}

json_t *admin_delete_room(struct admin_call *call) {
    struct room *room = find_room(call);
    if (!room)
        return NULL;
    hub_operate_close(call->admin->hub, room);
    return json_object();
}

// An empty text, or none, takes away what there was, as with LiveKit.
json_t *admin_update_room_metadata(struct admin_call *call) {
    struct hub_refusal refusal;
    struct room *room = find_room(call);
    const char *metadata = room ? admin_text(call, "metadata", false) : NULL;
    if (!metadata)
        return NULL;
    if (!hub_operate_describe(call->admin->hub, room, metadata, &refusal))
        return admin_refuse_verb(call, &refusal);
    return admin_describe_room(room);
}

json_t *admin_change_room(struct admin_call *call) {
    if (!admin_member(call, "metadata"))
        return admin_refuse(call, ADMIN_INVALID, "`metadata` is required; an empty text takes it away");
    return admin_update_room_metadata(call);
}

// ---- people

json_t *admin_list_participants(struct admin_call *call) {
    const struct room *room = find_room(call);
    if (!room)
        return NULL;
    json_t *list = json_array();
    LIST_EACH(node, &room->participants)
    json_array_append_new(list, admin_describe_person(LIST_ENTRY(node, struct participant, link)));
    return list_of(list, "participants");
}

json_t *admin_get_participant(struct admin_call *call) {
    const struct participant *who = find_person(call);
    return who ? admin_describe_person(who) : NULL;
}

json_t *admin_remove_participant(struct admin_call *call) {
    static const char *const unknown[] = {"revokeTokenTs", NULL};
    struct participant *who = lacks(call, unknown) ? find_person(call) : NULL;
    if (!who)
        return NULL;
    hub_operate_remove(call->admin->hub, who);
    return json_object();
}

// muted: pauses it; with `hold`, a member of our own, nobody but who moderates lets its owner resume it, or
// anything of its kind. Not muted: the owner may, where it was held. Nobody resumes what others send.
json_t *admin_mute_track(struct admin_call *call) {
    struct hub_refusal refusal;
    bool muted, hold;
    struct hub *hub = call->admin->hub;
    struct participant *who = find_person(call);
    const char *sid = who ? admin_text(call, "trackSid", true) : NULL;
    if (!sid || !admin_truth(call, "muted", &muted) || !admin_truth(call, "hold", &hold))
        return NULL;
    struct room_producer *producer = hub_operate_producer(who, sid, &refusal);
    if (!producer)
        return admin_refuse_verb(call, &refusal);
    if (!muted && hold)
        return admin_refuse(call, ADMIN_INVALID, "`hold` is for what is muted");
    bool held = participant_is_held(who, producer->kind);
    if (!muted && producer->paused && !held)
        return admin_refuse(call, ADMIN_PRECONDITION,
                            "nobody but its owner lets a track be heard or seen again");
    if ((muted ? hold : held) && !hub_hold(hub, who, producer->kind, muted, NULL, &refusal))
        return admin_refuse_verb(call, &refusal);
    if (muted)
        hub_operate_mute(hub, producer);
    json_t *track = admin_describe_track(producer);
    return json_pack("{s:o}", "track", track);
}

// ---- rights

static unsigned source_right(const json_t *value) {
    static const struct {
        const char *name;
        int number; // of protobuf's enumeration
        unsigned right;
    } rows[] = {{"CAMERA", 1, RIGHT_CAMERA},
                {"MICROPHONE", 2, RIGHT_MICROPHONE},
                {"SCREEN_SHARE", 3, RIGHT_SCREEN},
                {"SCREEN_SHARE_AUDIO", 4, RIGHT_SCREEN_AUDIO}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if ((json_is_string(value) && strcmp(json_string_value(value), rows[i].name) == 0) ||
            (json_is_integer(value) && json_integer_value(value) == rows[i].number))
            return rows[i].right;
    return 0;
}

// All members of LiveKit's ParticipantPermission count, those that are left out as false.
static bool read_rights(struct admin_call *call, unsigned *rights, bool *hidden) {
    static const char *const unknown[] = {"recorder", "agent", "canSubscribeMetrics", "canManageAgentSession",
                                          NULL};
    bool subscribe, publish, data, metadata;
    const json_t *entry;
    if (!lacks(call, unknown) || !admin_truth(call, "hidden", hidden) ||
        !admin_truth(call, "canSubscribe", &subscribe) || !admin_truth(call, "canPublish", &publish) ||
        !admin_truth(call, "canPublishData", &data) || !admin_truth(call, "canUpdateMetadata", &metadata))
        return false;
    const json_t *sources = admin_member(call, "canPublishSources");
    if (sources && !json_is_array(sources))
        return admin_refuse(call, ADMIN_INVALID, "`canPublishSources` must be a list");
    unsigned named = json_array_size(sources) > 0 ? 0 : RIGHTS_PUBLISH;
    for (size_t i = 0; (entry = json_array_get(sources, i)); i++) {
        if (!source_right(entry))
            return admin_refuse(call, ADMIN_INVALID, "`canPublishSources` has an unknown source");
        named |= source_right(entry);
    }
    *rights = (publish ? named : 0U) | (subscribe ? (unsigned)RIGHT_SUBSCRIBE : 0U) |
              (data ? (unsigned)RIGHT_DATA : 0U) | (metadata ? (unsigned)RIGHT_METADATA : 0U);
    return true;
}

// Changes nothing yet.
static bool read_permission(struct admin_call *call, const struct participant *who, const json_t *permission,
                            unsigned *rights, bool *hidden) {
    struct admin_call inner = {.admin = call->admin, .ask = (json_t *)(uintptr_t)permission};
    if (!json_is_object(permission))
        return admin_refuse(call, ADMIN_INVALID, "`permission` must be an object");
    if (!read_rights(&inner, rights, hidden))
        return admin_refuse(call, inner.code, "%s", inner.words);
    // LiveKit's SDK sends what it leaves out as its preset: `hidden` alone hides, and takes the rest.
    if (*hidden && (*rights & ~(unsigned)RIGHT_SUBSCRIBE))
        return admin_refuse(call, ADMIN_PRECONDITION,
                            "a hidden participant gets what others send and may do nothing else");
    *rights |= who->rights & RIGHT_ADMIN;
    return true;
}

// As with LiveKit, an empty `metadata` leaves what was there. All is read before anything is changed.
json_t *admin_update_participant(struct admin_call *call) {
    struct hub_refusal refusal;
    unsigned rights = 0;
    bool hidden = false;
    struct participant *who = find_person(call);
    const char *metadata = who ? admin_text(call, "metadata", false) : NULL;
    const char *name = metadata ? admin_text(call, "name", false) : NULL;
    const json_t *permission = admin_member(call, "permission");
    const json_t *attributes = admin_member(call, "attributes");
    if (!name)
        return NULL;
    if (attributes && !json_is_object(attributes))
        return admin_refuse(call, ADMIN_INVALID, "`attributes` must be texts by name");
    if (permission && !read_permission(call, who, permission, &rights, &hidden))
        return NULL;
    const struct hub_person_wish wish = {.name = name[0] ? name : NULL,
                                         .metadata = metadata[0] ? metadata : NULL,
                                         .attributes = attributes,
                                         .permits = permission != NULL,
                                         .rights = rights,
                                         .hidden = hidden};
    if (!hub_operate_change(call->admin->hub, who, &wish, &refusal))
        return admin_refuse_verb(call, &refusal);
    return admin_describe_person(who);
}

// ---- data

// Base64 (RFC 4648) of at most ADMIN_DATA_MAX bytes, with the letters of section 4 or 5, padded or not, into
// the one form that everybody reads: those of section 4, padded.
static bool take_base64(const char *text, char out[ADMIN_DATA_CHARS_MAX + 1]) {
    size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_");
    size_t padding = strspn(text + len, "="), lacking = (4 - len % 4) % 4;
    if (text[len + padding] || lacking == 3 || (padding && padding != lacking) ||
        len / 4 * 3 + len % 4 * 3 / 4 > ADMIN_DATA_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        out[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    memset(out + len, '=', lacking);
    out[len + lacking] = '\0';
    return true;
}

// To whom something goes, each once however often it is named.
struct destinations {
    struct participant *list[2 * NAMES_MAX];
    size_t count;
};

static void add_destination(struct destinations *out, struct participant *who) {
    for (size_t i = 0; i < out->count; i++)
        if (out->list[i] == who)
            return;
    out->list[out->count++] = who;
}

static bool read_destinations(struct admin_call *call, struct room *room, const json_t *list,
                              struct destinations *out) {
    const json_t *entry;
    struct hub_refusal refusal;
    if (list && (!json_is_array(list) || json_array_size(list) > NAMES_MAX))
        return admin_refuse(call, ADMIN_INVALID, "destinations must be lists of at most %d", NAMES_MAX);
    for (size_t i = 0; (entry = json_array_get(list, i)); i++) {
        const char *named = json_string_value(entry);
        struct participant *who = named ? hub_operate_person(room, named, &refusal) : NULL;
        if (!named)
            return admin_refuse(call, ADMIN_INVALID, "a destination must be a text");
        if (!who)
            return admin_refuse_verb(call, &refusal);
        add_destination(out, who);
    }
    return true;
}

// In a room where everything is encrypted: by programs that have its key, and say so, as people do.
static bool may_say_it(struct admin_call *call, const struct room *room) {
    bool sealed;
    return admin_truth(call, "e2ee", &sealed) &&
           (sealed || !hub_is_sealed(call->admin->hub, room) ||
            admin_refuse(call, ADMIN_PRECONDITION,
                         "in this room everything is encrypted from end to end, what programs send, too; "
                         "encrypt `data`, and say `e2ee: true`"));
}

json_t *admin_send_data(struct admin_call *call) {
    struct room *room = find_room(call);
    const char *payload = room ? admin_text(call, "data", true) : NULL;
    const char *topic = payload ? admin_text(call, "topic", false) : NULL;
    if (!topic || !may_say_it(call, room))
        return NULL;
    char plain[ADMIN_DATA_CHARS_MAX + 1];
    if (!take_base64(payload, plain) || strlen(topic) > 256)
        return admin_refuse(call, ADMIN_INVALID,
                            "`data` must be base64 of at most %d bytes, `topic` a text of at most 256",
                            ADMIN_DATA_MAX);
    struct admin_data data = {.room = room, .payload_base64 = plain, .topic = topic[0] ? topic : NULL};
    struct destinations to = {.count = 0};
    const struct admin_io *io = &call->admin->io;
    if (!read_destinations(call, room, admin_member(call, "destinationSids"), &to) ||
        !read_destinations(call, room, admin_member(call, "destinationIdentities"), &to))
        return NULL; // before any of it is sent
    if (to.count == 0)
        io->send(io->ctx, &data);
    for (size_t i = 0; i < to.count; i++) {
        data.only = to.list[i];
        io->send(io->ctx, &data);
    }
    return json_object();
}

// ---- the server

json_t *admin_drain(struct admin_call *call) {
    uint32_t seconds;
    const struct admin_io *io = &call->admin->io;
    const char *url = admin_text(call, "url", false);
    if (!url || !admin_number(call, "seconds", 86400, &seconds))
        return NULL;
    if (url[0] && (!plain_url_is(plain_url_ws, url, NULL) || strlen(url) > HUB_URL_MAX))
        return admin_refuse(
            call, ADMIN_INVALID,
            "`url` must be wss:// or ws://, a host, and what a URL may have, in at most %d bytes",
            HUB_URL_MAX);
    if (!io->drain(io->ctx, admin_member(call, "seconds") ? (int64_t)seconds : -1, url[0] ? url : NULL))
        return admin_refuse(call, ADMIN_PRECONDITION,
                            "the server is ending already, and this neither has it end sooner nor names "
                            "another place to go to");
    return json_object();
}

json_t *admin_unknown(struct admin_call *call) {
    return admin_refuse(call, ADMIN_UNIMPLEMENTED, "this server does not do that");
}
