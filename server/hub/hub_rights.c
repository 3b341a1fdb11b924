// What moderators and operators have made of people's rights, for when these come again: as long as the room
// is there, as a ban. Of whom a token named it all holds; of whom nobody but itself named, what was taken,
// since anybody may come by a name that was given more.
#include "server/hub/hub_internal.h"

#include <stdlib.h>
#include <string.h>

static size_t bytes_of(const struct kept_rights *kept) {
    return sizeof *kept + strlen(kept->who) + 64; // with the allocator's
}

static struct kept_rights *find(const struct room *room, bool is_identity, const char *who) {
    LIST_EACH(node, &room->kept_rights) {
        struct kept_rights *kept = LIST_ENTRY(node, struct kept_rights, link);
        if (kept->is_identity == is_identity && strcmp(kept->who, who) == 0)
            return kept;
    }
    return NULL;
}

bool hub_find_rights(const struct room *room, const char *identity, const char *name,
                     const struct kept_rights **out, struct hub_refusal *refusal) {
    char folded[NAME_FOLDED_BYTES_MAX];
    *out = NULL;
    if (!room || list_empty(&room->kept_rights))
        return true;
    if (!identity[0] && name_fold(name, folded) != ERR_OK)
        return hub_refuse_memory(refusal);
    *out = find(room, identity[0] != '\0', identity[0] ? identity : folded);
    return true;
}

unsigned hub_rights_with(const struct kept_rights *kept, unsigned rights) {
    if (!kept || !kept->has_rights)
        return rights;
    return kept->is_identity ? kept->rights : kept->rights & rights;
}

static bool refuse_full(struct hub_refusal *refusal) {
    return hub_refuse(refusal, HUB_LIMIT_REACHED,
                      "a room remembers the rights of %d people that were changed", KEPT_RIGHTS_MAX);
}

static struct kept_rights *remember(struct hub *hub, struct room *room, bool is_identity, const char *who,
                                    struct hub_refusal *refusal) {
    if (room->kept_rights_count == KEPT_RIGHTS_MAX) {
        refuse_full(refusal);
        return NULL;
    }
    struct kept_rights *kept = malloc(sizeof *kept + strlen(who) + 1);
    if (!kept) {
        hub_refuse_memory(refusal);
        return NULL;
    }
    *kept = (struct kept_rights){.is_identity = is_identity};
    memcpy(kept->who, who, strlen(who) + 1);
    list_push_back(&room->kept_rights, &kept->link);
    room->kept_rights_count++;
    hub_memory_take(hub, bytes_of(kept));
    return kept;
}

// By what it is known, as it comes again: its identity, or its name into `folded`. NULL: no memory.
static const char *key_of(const struct participant *who, char folded[NAME_FOLDED_BYTES_MAX]) {
    if (who->identity[0])
        return who->identity;
    return name_fold(who->came_as, folded) == ERR_OK ? folded : NULL;
}

// Its record, made if there is none; NULL and a refusal.
static struct kept_rights *record_of(struct hub *hub, const struct participant *who,
                                     struct hub_refusal *refusal) {
    char folded[NAME_FOLDED_BYTES_MAX];
    bool is_identity = who->identity[0] != '\0';
    const char *key = key_of(who, folded);
    if (!key) {
        hub_refuse_memory(refusal);
        return NULL;
    }
    struct kept_rights *kept = find(who->room, is_identity, key);
    return kept ? kept : remember(hub, who->room, is_identity, key, refusal);
}

bool hub_is_kept(const struct participant *who) {
    char folded[NAME_FOLDED_BYTES_MAX];
    const char *key = key_of(who, folded);
    return key && find(who->room, who->identity[0] != '\0', key);
}

bool hub_may_keep(const struct room *room, uint32_t more, struct hub_refusal *refusal) {
    return room->kept_rights_count + more <= KEPT_RIGHTS_MAX || refuse_full(refusal);
}

static void forget(struct hub *hub, struct room *room, struct kept_rights *kept) {
    list_remove(&kept->link);
    room->kept_rights_count--;
    hub_memory_give(hub, bytes_of(kept));
    free(kept);
}

bool hub_keep_rights(struct hub *hub, struct participant *who, unsigned rights, struct hub_refusal *refusal) {
    struct kept_rights *kept = record_of(hub, who, refusal);
    if (!kept)
        return false;
    kept->has_rights = true;
    kept->rights = rights;
    who->rights_assigned = true; // a new token does not change it
    who->assigned_rights = rights;
    return true;
}

bool hub_keep_held(struct hub *hub, struct participant *who, unsigned held, struct hub_refusal *refusal) {
    struct kept_rights *kept = record_of(hub, who, refusal);
    if (!kept)
        return false;
    kept->held = who->held = held;
    if (!held && !kept->has_rights) // its place is for others
        forget(hub, who->room, kept);
    return true;
}

void hub_recall_rights(struct participant *me, const struct kept_rights *kept) {
    if (kept)
        me->held = kept->held;
    if (!kept || !kept->has_rights)
        return;
    me->assigned_rights = hub_rights_with(kept, me->rights);
    if (me->hidden)
        me->assigned_rights &= (unsigned)RIGHT_SUBSCRIBE;
    me->rights_assigned = true;
    me->rights = me->assigned_rights;
}

void hub_forget_rights(struct hub *hub, struct room *room) {
    LIST_EACH(node, &room->kept_rights)
    forget(hub, room, LIST_ENTRY(node, struct kept_rights, link));
}
