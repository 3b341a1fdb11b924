// Who is not let into a room any more, as long as the room is there.
#include "base/log.h"
#include "server/hub/hub_internal.h"

#include <stdlib.h>
#include <string.h>

// Whether the ban is of this very person: of the identity that somebody vouched for, else of the name.
static bool is_of(const struct ban *ban, const char *identity, const char *folded) {
    return ban->identity[0] ? strcmp(ban->identity, identity) == 0 : strcmp(ban->folded, folded) == 0;
}

bool hub_let_in(const struct room *room, const struct hub_join *join, bool moderator,
                struct hub_refusal *refusal) {
    char folded[NAME_FOLDED_BYTES_MAX];
    const char *identity = join->grants ? join->grants->identity : "";
    if (list_empty(&room->bans))
        return true;
    if (name_fold(join->entering_as, folded) != ERR_OK)
        return hub_refuse_memory(refusal);
    LIST_EACH(node, &room->bans) {
        const struct ban *ban = LIST_ENTRY(node, struct ban, link);
        bool near =
            !moderator && ban->network[0] && join->network && strcmp(ban->network, join->network) == 0;
        if (near || is_of(ban, identity, folded))
            return hub_refuse(refusal, HUB_FORBIDDEN, "a moderator has banned you from this room");
    }
    return true;
}

// Whom a ban is for.
struct banned {
    struct participant *who; // or
    struct knock *knock;     // one of them
    const char *name, *identity, *network;
    struct public_id id;
};

static bool find(struct participant *me, const char *target, struct banned *out,
                 struct hub_refusal *refusal) {
    *out = (struct banned){.knock = hub_find_knock_id(me->room, target), .identity = ""};
    if (out->knock) {
        out->id = out->knock->id;
        out->name = out->knock->name;
        out->identity = out->knock->identity;
        out->network = out->knock->network;
        return true;
    }
    out->who = hub_find_other(me, target, refusal);
    if (!out->who)
        return false;
    out->id = out->who->id;
    out->name = out->who->name;
    out->identity = out->who->identity;
    out->network = out->who->network;
    return true;
}

// A moderator does not shut out its own network.
static struct ban *remember(struct hub *hub, const struct participant *me, const struct banned *whom,
                            bool with_network, struct hub_refusal *refusal) {
    struct room *room = me->room;
    if (room->ban_count == BANS_MAX) {
        hub_refuse(refusal, HUB_LIMIT_REACHED, "a room remembers %d bans; unban somebody first", BANS_MAX);
        return NULL;
    }
    struct ban *ban = calloc(1, sizeof *ban);
    if (!ban || name_fold(whom->who ? whom->who->came_as : whom->name, ban->folded) != ERR_OK) {
        free(ban);
        hub_refuse_memory(refusal);
        return NULL;
    }
    ban->id = whom->id;
    snprintf(ban->name, sizeof ban->name, "%s", whom->name);
    snprintf(ban->identity, sizeof ban->identity, "%s", whom->identity);
    if (with_network && strcmp(whom->network, me->network) != 0)
        snprintf(ban->network, sizeof ban->network, "%s", whom->network);
    list_push_back(&room->bans, &ban->link);
    room->ban_count++;
    hub_memory_take(hub, HUB_BAN_BYTES);
    return ban;
}

const struct ban *hub_ban(struct hub *hub, struct participant *me, const char *target, const char *words,
                          bool with_network, struct hub_refusal *refusal) {
    struct banned whom;
    if (!hub_allowed(me, RIGHT_ADMIN, "ban others", refusal) || !hub_words_fit(words, refusal) ||
        !find(me, target, &whom, refusal))
        return NULL;
    const struct ban *ban = remember(hub, me, &whom, with_network, refusal);
    if (!ban)
        return NULL;
    LOG_INFO("banned", LOG_TEXT("room", me->room->name), LOG_TEXT("user", ban->name),
             LOG_TEXT("network", ban->network), LOG_TEXT("by", me->name));
    if (whom.knock)
        hub_end_knock(hub, whom.knock, "denied", me, words);
    else
        hub_put_out(hub, whom.who, "banned", me, words);
    return ban;
}

bool hub_unban(struct hub *hub, struct participant *me, const char *id, struct hub_refusal *refusal) {
    if (!hub_allowed(me, RIGHT_ADMIN, "let banned people in again", refusal))
        return false;
    LIST_EACH(node, &me->room->bans) {
        struct ban *ban = LIST_ENTRY(node, struct ban, link);
        if (strcmp(ban->id.text, id) != 0)
            continue;
        hub_forget_ban(hub, me->room, ban);
        return true;
    }
    return hub_refuse(refusal, HUB_NOT_FOUND, "nobody of that userId is banned from this room");
}
