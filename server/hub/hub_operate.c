// What an operator does with rooms and people.
#include "server/hub/hub_operate.h"

#include "base/log.h"
#include "server/hub/hub_internal.h"

#include <assert.h>
#include <string.h>

struct room *hub_operate_find(struct hub *hub, const char *name, struct hub_refusal *refusal) {
    char plain[ROOM_NAME_BYTES_MAX + 1];
    if (!hub_read_name("room", name, ROOM_NAME_CHARS_MAX, plain, refusal))
        return NULL;
    struct room *room = directory_find(&hub->directory, plain);
    if (!room)
        hub_refuse(refusal, HUB_NOT_FOUND, "there is no room of that name");
    return room;
}

struct room *hub_operate_next(struct hub *hub, const struct room *after) {
    const struct list *next = after ? after->link.next : hub->directory.rooms.next;
    return next == &hub->directory.rooms ? NULL : LIST_ENTRY(next, struct room, link);
}

// A new one, or the one that is there with what is said of it; NULL and a refusal.
static struct room *open_or_describe(struct hub *hub, const char *name, const struct hub_room_wish *wish,
                                     struct hub_refusal *refusal) {
    struct room *room = directory_find(&hub->directory, name);
    const char *metadata = wish->metadata ? wish->metadata : "";
    json_t *said = NULL;
    if (room)
        return !metadata[0] || hub_operate_describe(hub, room, metadata, refusal) ? room : NULL;
    if (hub->draining)
        hub_refuse(refusal, HUB_DRAINING, "this server is shutting down");
    else if (hub_memory_allows(hub, refusal) && hub_read_room_metadata(hub, metadata, &said, refusal))
        room = hub_open_room(hub, name, said, refusal);
    if (!room)
        json_decref(said);
    return room;
}

struct room *hub_operate_open(struct hub *hub, const struct hub_room_wish *wish,
                              struct hub_refusal *refusal) {
    char plain[ROOM_NAME_BYTES_MAX + 1];
    if (!hub_read_name("name", wish->name, ROOM_NAME_CHARS_MAX, plain, refusal))
        return NULL;
    if (wish->record != RECORD_WHEN_ASKED && !hub_name_may_be_recorded(hub, plain, refusal))
        return NULL;
    struct room *room = open_or_describe(hub, plain, wish, refusal);
    if (!room)
        return NULL;
    if (wish->linger_us)
        room->linger_us = wish->linger_us;
    if (wish->linger_first_us)
        room->linger_first_us = wish->linger_first_us;
    if (wish->record != RECORD_WHEN_ASKED)
        room->record = wish->record;
    if (wish->participants_max)
        room->participants_max = wish->participants_max;
    if (room->participant_count == 0) {
        wheel_cancel(&hub->wheel, &room->linger_timer);
        hub_room_empty(hub, room); // from now on, as long as was wished
    }
    return room;
}

bool hub_operate_describe(struct hub *hub, struct room *room, const char *metadata,
                          struct hub_refusal *refusal) {
    json_t *said;
    if (!hub_read_room_metadata(hub, metadata, &said, refusal))
        return false;
    bool same = said ? json_equal(said, room->metadata) : !room->metadata;
    hub_put_room_metadata(hub, room, said);
    if (!same)
        hub->events.room_described(hub->events.ctx, room);
    return true;
}

void hub_operate_close(struct hub *hub, struct room *room) {
    hub_end_knocks(hub, room, "room-closed", NULL);
    LIST_EACH(node, &room->participants)
    hub_put_out(hub, LIST_ENTRY(node, struct participant, link), "room-closed", NULL, NULL);
    hub_room_remove(hub, room);
}

static struct participant *find_identity(struct room *room, const char *identity) {
    LIST_EACH(node, &room->participants) {
        struct participant *who = LIST_ENTRY(node, struct participant, link);
        if (who->identity[0] && strcmp(who->identity, identity) == 0)
            return who;
    }
    return NULL;
}

struct participant *hub_operate_person(struct room *room, const char *who, struct hub_refusal *refusal) {
    struct participant *found = find_identity(room, who);
    if (!found)
        found = room_find_id(room, who);
    if (!found)
        hub_refuse(refusal, HUB_NOT_FOUND, "nobody in that room has that identity");
    return found;
}

void hub_operate_remove(struct hub *hub, struct participant *who) {
    hub_put_out(hub, who, "kicked", NULL, NULL);
}

struct room_producer *hub_operate_producer(struct participant *who, const char *id,
                                           struct hub_refusal *refusal) {
    LIST_EACH(t, &who->transports) {
        LIST_EACH(p, &LIST_ENTRY(t, struct room_transport, link)->producers) {
            struct room_producer *producer = LIST_ENTRY(p, struct room_producer, link);
            if (strcmp(producer->public_id.text, id) == 0)
                return producer;
        }
    }
    hub_refuse(refusal, HUB_NOT_FOUND, "that participant sends no track of that id");
    return NULL;
}

void hub_operate_recorded(struct hub *hub, struct room *room, bool recorded) {
    hub_count_recording(hub, room, recorded);
}

void hub_operate_mute(struct hub *hub, struct room_producer *producer) {
    if (producer->paused)
        return;
    hub_set_producer_paused(hub, producer, true);
    hub->events.muted(hub->events.ctx, producer_owner(producer), producer->kind, NULL);
}

bool hub_operate_rights(struct hub *hub, struct participant *who, unsigned rights,
                        struct hub_refusal *refusal) {
    if (who->hidden)
        rights &= (unsigned)RIGHT_SUBSCRIBE; // nobody hears of it
    if (!hub_keep_rights(hub, who, rights, refusal))
        return false;
    hub_apply_rights(hub, who, rights);
    hub->events.rights_changed(hub->events.ctx, who);
    LOG_INFO("rights changed", LOG_TEXT("room", who->room->name), LOG_TEXT("user", who->name),
             LOG_NUMBER("rights", rights), LOG_TEXT("by", "operator"));
    return true;
}
