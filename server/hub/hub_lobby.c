// The lobby: who waits, and who lets them in.
#include "base/log.h"
#include "server/hub/hub_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define KNOCK_BYTES (sizeof(struct knock) + 64) // with the allocator's

struct knock *hub_find_knock(const struct room *room, uint32_t connection) {
    LIST_EACH(node, &room->lobby) {
        struct knock *knock = LIST_ENTRY(node, struct knock, link);
        if (knock->connection == connection)
            return knock;
    }
    return NULL;
}

struct knock *hub_find_knock_id(const struct room *room, const char *id) {
    LIST_EACH(node, &room->lobby) {
        struct knock *knock = LIST_ENTRY(node, struct knock, link);
        if (strcmp(knock->id.text, id) == 0 && !knock->admitted)
            return knock;
    }
    return NULL;
}

static bool lobby_has_room(const struct room *room, const char *network, struct hub_refusal *refusal) {
    unsigned same = 0;
    LIST_EACH(node, &room->lobby) {
        same += network && strcmp(LIST_ENTRY(node, struct knock, link)->network, network) == 0;
    }
    if (room->knock_count >= LOBBY_WAITING_MAX)
        return hub_refuse(refusal, HUB_LIMIT_REACHED, "%d people wait for this room already; try again later",
                          LOBBY_WAITING_MAX);
    return same < LOBBY_WAITING_PER_NETWORK_MAX ||
           hub_refuse(refusal, HUB_LIMIT_REACHED,
                      "%d people from your network wait for this room already; try again later",
                      LOBBY_WAITING_PER_NETWORK_MAX);
}

struct knock *hub_knock(struct hub *hub, const struct hub_join *join, struct room *room,
                        struct hub_refusal *refusal) {
    if (!lobby_has_room(room, join->network, refusal))
        return NULL;
    struct knock *knock = calloc(1, sizeof *knock);
    if (!knock) {
        hub_refuse_memory(refusal);
        return NULL;
    }
    knock->room = room;
    knock->id = public_id_new();
    knock->connection = join->connection;
    snprintf(knock->name, sizeof knock->name, "%s", join->entering_as);
    snprintf(knock->identity, sizeof knock->identity, "%s", join->grants ? join->grants->identity : "");
    snprintf(knock->network, sizeof knock->network, "%s", join->network ? join->network : "");
    list_push_back(&room->lobby, &knock->link);
    room->knock_count++;
    hub_memory_take(hub, KNOCK_BYTES);
    wheel_cancel(&hub->wheel, &room->linger_timer);
    LOG_GUEST(LOG_LEVEL_INFO, "waits in the lobby", LOG_TEXT("room", room->name),
              LOG_TEXT("user", knock->name));
    hub->events.knocked(hub->events.ctx, knock);
    return knock;
}

void hub_forget_knock(struct hub *hub, struct knock *knock) {
    assert(knock->room->knock_count > 0);
    list_remove(&knock->link);
    knock->room->knock_count--;
    hub_memory_give(hub, KNOCK_BYTES);
    free(knock);
}

void hub_end_knock(struct hub *hub, struct knock *knock, const char *reason, const struct participant *by,
                   const char *words) {
    hub->events.knock_ended(hub->events.ctx, knock, reason, by, words);
    hub_forget_knock(hub, knock);
}

void hub_end_knocks(struct hub *hub, struct room *room, const char *reason, const struct participant *by) {
    LIST_EACH(node, &room->lobby)
    hub_end_knock(hub, LIST_ENTRY(node, struct knock, link), reason, by, NULL);
}

static void admit(struct hub *hub, struct knock *knock, const struct participant *by) {
    if (knock->admitted)
        return;
    knock->admitted = true;
    LOG_INFO("let in", LOG_TEXT("room", knock->room->name), LOG_TEXT("user", knock->name),
             LOG_TEXT("by", by ? by->name : ""));
    hub->events.knock_ended(hub->events.ctx, knock, "admitted", by, NULL);
}

static uint32_t admit_all(struct hub *hub, struct room *room, const struct participant *by) {
    uint32_t count = 0;
    LIST_EACH(node, &room->lobby) {
        struct knock *knock = LIST_ENTRY(node, struct knock, link);
        count += !knock->admitted;
        admit(hub, knock, by);
    }
    return count;
}

void hub_reset_lobby(struct hub *hub, struct room *room) {
    room->has_lobby = hub_rules(hub, room->name).lobby;
    if (!room->has_lobby)
        admit_all(hub, room, NULL);
}

// ---- who is not let in any more

void hub_forget_ban(struct hub *hub, struct room *room, struct ban *ban) {
    assert(room->ban_count > 0);
    list_remove(&ban->link);
    room->ban_count--;
    hub_memory_give(hub, HUB_BAN_BYTES);
    free(ban);
}

void hub_forget_outsiders(struct hub *hub, struct room *room) {
    LIST_EACH(node, &room->lobby)
    hub_forget_knock(hub, LIST_ENTRY(node, struct knock, link));
    LIST_EACH(b, &room->bans)
    hub_forget_ban(hub, room, LIST_ENTRY(b, struct ban, link));
    hub_forget_rights(hub, room);
}

// ---- verbs

static bool lets_in(const struct participant *me, struct hub_refusal *refusal) {
    return hub_allowed(me, RIGHT_ADMIN, "decide who comes in", refusal);
}

static struct knock *find(const struct participant *me, const char *id, struct hub_refusal *refusal) {
    struct knock *knock = lets_in(me, refusal) ? hub_find_knock_id(me->room, id) : NULL;
    if (!knock && (me->rights & RIGHT_ADMIN))
        hub_refuse(refusal, HUB_NOT_FOUND, "nobody of that userId waits");
    return knock;
}

bool hub_admit(struct hub *hub, struct participant *me, const char *id, struct hub_refusal *refusal) {
    struct knock *knock = find(me, id, refusal);
    if (knock)
        admit(hub, knock, me);
    return knock != NULL;
}

bool hub_deny(struct hub *hub, struct participant *me, const char *id, const char *words,
              struct hub_refusal *refusal) {
    struct knock *knock = hub_words_fit(words, refusal) ? find(me, id, refusal) : NULL;
    if (knock)
        hub_end_knock(hub, knock, "denied", me, words);
    return knock != NULL;
}

bool hub_admit_all(struct hub *hub, struct participant *me, uint32_t *count, struct hub_refusal *refusal) {
    *count = 0;
    if (!lets_in(me, refusal))
        return false;
    *count = admit_all(hub, me->room, me);
    return true;
}

bool hub_set_lobby(struct hub *hub, struct participant *me, bool on, struct hub_refusal *refusal) {
    struct room *room = me->room;
    if (!lets_in(me, refusal))
        return false;
    if (room->has_lobby == on)
        return true;
    room->has_lobby = on;
    if (!on)
        admit_all(hub, room, me);
    hub->events.lobby_switched(hub->events.ctx, room, me);
    return true;
}
