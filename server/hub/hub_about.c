// What participants say of themselves, or a token or a moderator of them: metadata, a text, and attributes,
// texts by name. Everybody in the room gets it, so it is bounded as it is sent, in bytes of JSON.
#include "server/hub/hub_internal.h"

#include <assert.h>
#include <string.h>

#define NOTICE_BYTES 160           // without names and what is said
#define ROOM_ABOUT_JOINED_FACTOR 4 // tokens may bring four times of what people may set

// Bytes of `about` as JSON; 0 for none.
static size_t bytes_of(const json_t *about) {
    return json_object_size(about) > 0 ? json_dumpb(about, NULL, 0, JSON_COMPACT) : 0;
}

static size_t counted(size_t bytes) {
    return bytes > ABOUT_BYTES_FREE ? bytes - ABOUT_BYTES_FREE : 0;
}

static bool are_texts(const json_t *attributes) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)attributes, name, value) {
        if (!name[0] || (!json_is_string(value) && !json_is_null(value)))
            return false;
    }
    return true;
}

// Those of before with these; an empty text, or null, takes one out. NULL without memory.
static json_t *merged(const json_t *before, const json_t *attributes) {
    const char *name;
    json_t *value, *out = before ? json_copy((json_t *)before) : json_object();
    json_object_foreach((json_t *)attributes, name, value) {
        if (json_string_length(value) == 0)
            json_object_del(out, name);
        else if (out && json_object_set(out, name, value) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

// What is said of somebody once this is; NULL without memory.
static json_t *about_with(const json_t *before, const char *metadata, const json_t *attributes) {
    json_t *out = before ? json_copy((json_t *)before) : json_object();
    bool ok = out != NULL;
    if (ok && metadata && !metadata[0])
        json_object_del(out, "metadata");
    else if (ok && metadata)
        ok = json_object_set_new(out, "metadata", json_string(metadata)) == 0;
    json_t *all = attributes ? merged(json_object_get(before, "attributes"), attributes) : NULL;
    if (ok && attributes && json_object_size(all) == 0 && all)
        json_object_del(out, "attributes");
    else if (ok && attributes)
        ok = json_object_set(out, "attributes", all) == 0;
    json_decref(all);
    if (ok)
        return out;
    json_decref(out);
    return NULL;
}

static bool fits(const struct participant *who, const struct room *room, size_t bytes, size_t room_max,
                 struct hub_refusal *refusal) {
    size_t others = room ? room->about_bytes - counted(who->about_bytes) : 0;
    if (bytes > ABOUT_BYTES_MAX)
        return hub_refuse(refusal, HUB_LIMIT_REACHED,
                          "metadata and attributes of one participant may have %d bytes as JSON together",
                          ABOUT_BYTES_MAX);
    return bytes <= who->about_bytes || others + counted(bytes) <= room_max ||
           hub_refuse(
               refusal, HUB_LIMIT_REACHED,
               "metadata and attributes of everybody in the room are %zu bytes already, not counting %d of "
               "each; make them shorter",
               others, ABOUT_BYTES_FREE);
}

static void put(struct hub *hub, struct participant *who, json_t *about, size_t bytes) {
    hub_memory_give(hub, who->about_held_bytes);
    json_decref(who->about);
    who->room->about_bytes += counted(bytes) - counted(who->about_bytes);
    who->about = bytes > 0 ? about : NULL;
    who->about_bytes = bytes;
    who->about_held_bytes = bytes > 0 ? hub_memory_of_json(about) : 0;
    hub_memory_take(hub, who->about_held_bytes);
    if (bytes == 0)
        json_decref(about);
}

bool hub_bring_about(struct hub *hub, struct participant *me, struct room *room, const struct grants *grants,
                     json_t **out, struct hub_refusal *refusal) {
    json_t *attributes = grants->attributes[0] ? json_loads(grants->attributes, 0, NULL) : NULL;
    bool fine = grants->attributes[0] == '\0' || (attributes && are_texts(attributes));
    (void)hub;
    *out = fine ? about_with(NULL, grants->metadata[0] ? grants->metadata : NULL, attributes) : NULL;
    json_decref(attributes);
    if (!*out)
        return hub_refuse_memory(refusal);
    if (fits(me, room, bytes_of(*out), (size_t)ROOM_ABOUT_BYTES_MAX * ROOM_ABOUT_JOINED_FACTOR, refusal))
        return true;
    json_decref(*out);
    *out = NULL;
    return false;
}

void hub_put_about(struct hub *hub, struct participant *me, json_t *about) {
    put(hub, me, about, bytes_of(about));
}

void hub_drop_about(struct hub *hub, struct participant *me) {
    put(hub, me, NULL, 0);
}

// What is to be said of somebody who is there; NULL and a refusal.
static json_t *read_about(const struct participant *who, const char *metadata, const json_t *attributes,
                          struct hub_refusal *refusal) {
    if (attributes && !are_texts(attributes)) {
        hub_refuse(refusal, HUB_BAD_REQUEST,
                   "`attributes` must be texts by name; an empty one takes an attribute away");
        return NULL;
    }
    json_t *about = about_with(who->about, metadata, attributes);
    if (!about)
        hub_refuse_memory(refusal);
    if (about && fits(who, who->room, bytes_of(about), ROOM_ABOUT_BYTES_MAX, refusal))
        return about;
    json_decref(about);
    return NULL;
}

bool hub_may_describe(const struct participant *who, const char *metadata, const json_t *attributes,
                      struct hub_refusal *refusal) {
    json_t *about = read_about(who, metadata, attributes, refusal);
    json_decref(about);
    return about != NULL;
}

bool hub_describe(struct hub *hub, struct participant *who, const char *metadata, const json_t *attributes,
                  struct participant *by, struct hub_refusal *refusal) {
    json_t *about = read_about(who, metadata, attributes, refusal);
    size_t bytes = bytes_of(about);
    if (!about)
        return false;
    if (by && !hub_spend(hub, by, NULL, NOTICE_BYTES + hub_json_text_bytes(who->name) + bytes, refusal)) {
        json_decref(about);
        return false;
    }
    put(hub, who, about, bytes);
    hub->events.described(hub->events.ctx, who, by);
    return true;
}

// ---- of rooms

bool hub_read_room_metadata(const struct hub *hub, const char *text, json_t **out,
                            struct hub_refusal *refusal) {
    *out = NULL;
    if (!text[0])
        return true;
    json_t *metadata = json_string(text);
    if (!metadata)
        return hub_refuse_memory(refusal);
    if (json_dumpb(metadata, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) > ROOM_METADATA_BYTES_MAX)
        hub_refuse(refusal, HUB_BAD_REQUEST, "the metadata of a room may have %d bytes as JSON",
                   ROOM_METADATA_BYTES_MAX);
    else if (hub_memory_allows(hub, refusal))
        *out = metadata;
    if (!*out)
        json_decref(metadata);
    return *out != NULL;
}

void hub_put_room_metadata(struct hub *hub, struct room *room, json_t *metadata) {
    if (room->metadata)
        hub_memory_give(hub, hub_memory_of_json(room->metadata));
    json_decref(room->metadata);
    room->metadata = metadata;
    if (metadata)
        hub_memory_take(hub, hub_memory_of_json(metadata));
}

// ---- of people

struct participant *hub_set_metadata(struct hub *hub, struct participant *me, const char *target,
                                     const char *metadata, const json_t *attributes,
                                     struct hub_refusal *refusal) {
    struct participant *who = me;
    if (target && (!hub_allowed(me, RIGHT_ADMIN, "describe others", refusal) ||
                   !(who = hub_find_other(me, target, refusal))))
        return NULL;
    if (!target && !hub_allowed(me, RIGHT_METADATA | RIGHT_ADMIN, "describe yourself", refusal))
        return NULL;
    return hub_describe(hub, who, metadata, attributes, me, refusal) ? who : NULL;
}
