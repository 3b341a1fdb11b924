// Joining a room, anew or on a new connection.
#include "base/log.h"
#include "server/hub/hub_internal.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#define NAMED_BYTES 80 // of the notices of a join and of a leave, each, without the name

// A join whose names are read.
struct entry {
    struct hub_join *ask;
    char room[ROOM_NAME_BYTES_MAX + 1], username[USERNAME_BYTES_MAX + 1];
    const char *named;              // whom it wants to be called; NULL: only to resume
    uint64_t look;                  // of that name (hub_look_of)
    const struct kept_rights *kept; // what was made of its rights before; NULL: nothing
};

// Whether the token, if there is one, is for this room.
static bool take_room(struct entry *entry, struct hub_refusal *refusal) {
    const struct hub_join *ask = entry->ask;
    char granted[ROOM_NAME_BYTES_MAX + 1];
    if (!hub_read_name("roomId", ask->room, ROOM_NAME_CHARS_MAX, entry->room, refusal))
        return false;
    if (!ask->grants)
        return true;
    return hub_read_name("video.room", ask->grants->room, ROOM_NAME_CHARS_MAX, granted, refusal) &&
           (strcmp(granted, entry->room) == 0 ||
            hub_refuse(refusal, HUB_FORBIDDEN, "the token is for another room"));
}

// A token's name wins; one without a name lets its bearer choose.
static const char *wanted_name(const struct hub_join *ask) {
    const struct grants *grants = ask->grants;
    if (ask->only_resume)
        return NULL;
    if (grants && grants->name[0])
        return grants->name;
    return ask->username || !grants ? ask->username : grants->identity;
}

static bool take_names(struct entry *entry, struct hub_refusal *refusal) {
    entry->named = wanted_name(entry->ask);
    return take_room(entry, refusal) &&
           (!entry->named ||
            (hub_read_name("username", entry->named, USERNAME_CHARS_MAX, entry->username, refusal) &&
             hub_look_of(entry->username, &entry->look, refusal)));
}

// ---- resuming

static struct participant *find_by_token(const struct room *room, const char *token) {
    LIST_EACH(node, &room->participants) {
        struct participant *participant = LIST_ENTRY(node, struct participant, link);
        if (participant_token_matches(participant, token))
            return participant;
    }
    return NULL;
}

bool hub_has_session(const struct hub *hub, const char *room, const char *resume_token) {
    char name[ROOM_NAME_BYTES_MAX + 1];
    struct hub_refusal ignored;
    if (!resume_token || !room || !hub_read_name("roomId", room, ROOM_NAME_CHARS_MAX, name, &ignored))
        return false;
    const struct room *found = directory_find(&hub->directory, name);
    return found && find_by_token(found, resume_token);
}

// A new connection is no new budget.
static struct relay_budget budget_later(const struct relay_budget *a, const struct relay_budget *b) {
    return (struct relay_budget){
        .all_due_us = a->all_due_us > b->all_due_us ? a->all_due_us : b->all_due_us,
        .each_due_us = a->each_due_us > b->each_due_us ? a->each_due_us : b->each_due_us,
        .notice_bytes = a->notice_bytes > b->notice_bytes ? a->notice_bytes : b->notice_bytes,
    };
}

static void attach(struct hub *hub, const struct hub_join *ask, struct participant *me) {
    assert(ask->connection != 0 && me->connection == 0);
    wheel_cancel(&hub->wheel, &me->resume_timer);
    me->connection = ask->connection;
    snprintf(me->network, sizeof me->network, "%s", ask->network ? ask->network : "");
    me->observer = ask->observer;
    me->spent = budget_later(&me->spent, ask->spent);
}

static struct participant *resume(struct hub *hub, struct entry *entry, struct participant *me,
                                  struct hub_refusal *refusal) {
    struct hub_join *ask = entry->ask;
    if (entry->named && strcmp(entry->username, me->name) != 0 && strcmp(entry->username, me->came_as) != 0) {
        hub_refuse(refusal, HUB_FORBIDDEN, "`username` is not that of the session to resume; leave it out");
        return NULL;
    }
    struct receiver receiver = me->receiver;
    if (ask->capabilities && !hub_receiver_check(hub, ask->capabilities, &receiver, refusal))
        return NULL;
    if (ask->grants && !hub_update_grants(hub, me, ask->grants, refusal))
        return NULL;
    me->receiver = receiver;
    participant_new_resume_token(me);
    if (me->connection != 0) {
        hub->events.taken_over(hub->events.ctx, me);
        me->connection = 0;
    }
    attach(hub, ask, me);
    ask->resumed = true;
    hub->counts.resumes++;
    HUB_LOG(me, LOG_LEVEL_INFO, "participant resumed", LOG_TEXT("room", me->room->name),
            LOG_TEXT("user", me->name), LOG_TEXT("userId", me->id.text));
    return me;
}

// ---- joining anew

// Its own knock; NULL: none. Whoever cannot wait has none, and its connection's number may be another's, too.
static struct knock *own_knock(const struct hub_join *ask, const struct room *room) {
    return room && !ask->cannot_wait ? hub_find_knock(room, ask->connection) : NULL;
}

static void linger_fire(struct wheel_node *node, uint64_t now_us) {
    (void)now_us;
    struct room *room = LIST_ENTRY(node, struct room, linger_timer);
    hub_room_remove(hub_of(room), room);
}

static bool admitted(struct hub_join *ask, enum hub_step step, struct hub_refusal *refusal) {
    return !ask->admit || ask->admit(ask->ctx, step, ask, refusal);
}

// Who shows a token was let in by whoever made it; who was let in from the lobby has shown its password
// there.
static bool shows_password(struct hub_join *ask, const struct room *room, struct hub_refusal *refusal) {
    const struct knock *knock = own_knock(ask, room);
    bool shown = knock && knock->admitted && strcmp(knock->name, ask->entering_as) == 0;
    return ask->grants || shown || admitted(ask, HUB_STEP_PASSWORD, refusal);
}

// A new room of that name; NULL and a refusal.
static struct room *open_room(struct hub *hub, const struct hub_join *ask, const char *name, json_t *metadata,
                              struct hub_refusal *refusal) {
    struct room *room = NULL;
    enum err e = directory_open(&hub->directory, name, &room);
    struct room *empty = e == ERR_LIMIT ? directory_empty_room(&hub->directory) : NULL;
    if (empty) {
        hub_room_remove(hub, empty);
        e = directory_open(&hub->directory, name, &room);
    }
    if (e == ERR_LIMIT)
        hub_refuse(refusal, HUB_LIMIT_REACHED, "this server has all the %u rooms that it may have",
                   hub->directory.rooms_max);
    else if (e != ERR_OK)
        hub_refuse_memory(refusal);
    if (e != ERR_OK)
        return NULL;
    wheel_node_init(&room->linger_timer, linger_fire);
    wheel_node_init(&room->speaker_timer, hub_speaker_timer_fire);
    room->opened_us = hub->now_us;
    room->opened_wall_s = hub_wall_us(hub) / US_PER_SECOND;
    room->public_id = public_id_new();
    const struct hub_limits *limits = &hub->config.limits;
    room->last_n = room->last_n_most = ask->last_n == CHOICE_OF_ROOM ? limits->last_n : (uint32_t)ask->last_n;
    room->told = hub_rules(hub, name);
    room->has_lobby = room->told.lobby;
    room->loudest_n = ask->loudest_n == CHOICE_OF_ROOM ? limits->loudest_n : (uint32_t)ask->loudest_n;
    hub_put_room_metadata(hub, room, metadata);
    room->by_token = ask->grants != NULL || ask->by_operator;
    HUB_LOG(room, LOG_LEVEL_INFO, "room opened", LOG_TEXT("room", name));
    hub->events.room_opened(hub->events.ctx, room);
    return room;
}

// Who was vouched for is the same person, wherever the other connection is; NULL: nobody.
static struct participant *find_same(const struct hub_join *ask, const struct room *room) {
    if (!room || !ask->grants || !ask->grants->identity[0])
        return NULL;
    LIST_EACH(node, &room->participants) {
        struct participant *other = LIST_ENTRY(node, struct participant, link);
        if (strcmp(other->identity, ask->grants->identity) == 0)
            return other;
    }
    return NULL;
}

// What it may do once it is in.
static unsigned rights_of(const struct hub_join *ask) {
    return ask->grants ? ask->grants->rights : (unsigned)RIGHTS_ALL | ask->more_rights;
}

static bool is_hidden(const struct hub_join *ask) {
    return ask->grants && ask->grants->hidden;
}

// kept: what was made of its rights in this room before; NULL: nothing.
static bool moderates(const struct hub_join *ask, const struct kept_rights *kept) {
    return ask->by_operator ||
           (!is_hidden(ask) && (hub_rights_with(kept, rights_of(ask)) & RIGHT_ADMIN) != 0);
}

static bool find_kept(const struct room *room, const struct hub_join *ask, const struct kept_rights **out,
                      struct hub_refusal *refusal) {
    return hub_find_rights(room, ask->grants ? ask->grants->identity : "", ask->entering_as, out, refusal);
}

bool hub_is_welcome(const struct room *room, const struct hub_join *ask, struct hub_refusal *refusal) {
    const struct kept_rights *kept;
    return find_kept(room, ask, &kept, refusal) && hub_let_in(room, ask, moderates(ask, kept), refusal);
}

// `same`: who makes room for it.
static bool may_enter(const struct hub *hub, const struct entry *entry, const struct room *room,
                      const struct participant *same, struct hub_refusal *refusal) {
    const struct room_rules rules = hub_rules(hub, entry->room);
    uint32_t most = hub->config.limits.participants_per_room_max;
    if (rules.people_max > 0 && rules.people_max < most)
        most = rules.people_max;
    if (room && room->participants_max > 0 && room->participants_max < most)
        most = room->participants_max;
    if (rules.closed)
        return hub_refuse(refusal, HUB_FORBIDDEN, "nobody may join a room of that name on this server");
    if (rules.sealed && !entry->ask->seals)
        return hub_refuse(refusal, HUB_ENCRYPTION_NEEDED,
                          "in this room everything is encrypted from end to end, with a key that the server "
                          "does not have: join by a link with the key, and say `e2ee`");
    if (!hub_recorder_may_enter(hub, entry->room, entry->ask->grants, refusal))
        return false;
    bool moderator = moderates(entry->ask, entry->kept);
    if (room && !hub_let_in(room, entry->ask, moderator, refusal))
        return false;
    if (room && room->locked && !same && !moderator)
        return hub_refuse(refusal, HUB_FORBIDDEN,
                          "the room is locked; a moderator who is in it can unlock it");
    if (room && !same && room->participant_count >= most)
        return hub_refuse(refusal, HUB_ROOM_FULL, "the room is full (%u participants)", most);
    return true;
}

// Whether somebody would be taken for another one who is seen. A capital for a small letter is seen, and
// clients have always told people apart by it.
static bool looks_like_another(const struct entry *entry, const struct room *room,
                               const struct participant *same) {
    LIST_EACH(node, &room->participants) {
        const struct participant *other = LIST_ENTRY(node, struct participant, link);
        if (other->look == entry->look && other != same && !other->hidden &&
            strcasecmp(other->name, entry->username) != 0)
            return true;
    }
    return false;
}

// Who shows a token is called as whoever made that says; two of its people may have similar names. Nobody is
// called by another one's userId either: once that one is gone, what others still send to it would
// be for its namesake. Who only waits hears nothing of who is there.
static bool has_free_name(const struct entry *entry, const struct room *room, const struct participant *same,
                          struct hub_refusal *refusal) {
    const struct participant *namesake = room ? room_find_target(room, entry->username) : NULL;
    if (!room || is_hidden(entry->ask)) // nobody hears its name
        return true;
    if (namesake && namesake != same)
        return hub_refuse(refusal, HUB_USERNAME_TAKEN,
                          "someone in this room is already called that; choose another username");
    return entry->ask->grants || !looks_like_another(entry, room, same) ||
           hub_refuse(refusal, HUB_USERNAME_TAKEN,
                      "someone in this room has a name that looks like that; choose another username");
}

static void make_way(struct hub *hub, struct participant *same) {
    if (same->connection != 0)
        hub->events.taken_over(hub->events.ctx, same);
    same->connection = 0;
    hub_leave(hub, same, "taken-over");
}

static void enter(struct hub *hub, const struct entry *entry, struct room *room, struct participant *me,
                  json_t *about) {
    const struct hub_join *ask = entry->ask;
    wheel_cancel(&hub->wheel, &room->linger_timer);
    wheel_node_init(&me->resume_timer, hub_resume_timer_fire);
    directory_enter(room, me);
    hub_put_about(hub, me, about);
    hub_take_grants(hub, me, ask->grants);
    me->by_token = ask->grants != NULL;
    if (!me->hidden)
        me->rights |= rights_of(ask);
    hub_recall_rights(me, entry->kept);
    attach(hub, ask, me);
    hub->programs += hub_is_program(me);
    hub->counts.joins++;
    me->joined_wall_s = hub_wall_us(hub) / US_PER_SECOND;
    room->joins++;
    if (room->participants_most < room->participant_count)
        room->participants_most = room->participant_count;
    HUB_LOG(me, LOG_LEVEL_INFO, "participant joined", LOG_TEXT("room", room->name),
            LOG_TEXT("user", me->name), LOG_TEXT("userId", me->id.text), LOG_NUMBER("worker", me->worker),
            LOG_TEXT("network", ask->network ? ask->network : ""));
    hub->events.participant_joined(hub->events.ctx, me);
}

// Whether it was let in as the one that it comes as now: by its name, and its identity if a token tells one.
static bool is_admitted(const struct knock *knock, const struct entry *entry) {
    const struct grants *grants = entry->ask->grants;
    return knock && knock->admitted && strcmp(knock->name, entry->username) == 0 &&
           strcmp(knock->identity, grants ? grants->identity : "") == 0;
}

// Whether it has to wait for a moderator first. A knock that was let in is good for its name alone. Of who is
// hidden no moderator is to hear, so nobody can be asked: whoever made its token has let it in.
static bool must_wait(const struct hub *hub, const struct entry *entry, const struct room *room,
                      const struct participant *same) {
    bool lobby = room ? room->has_lobby : hub_rules(hub, entry->room).lobby;
    if (!lobby || same || is_hidden(entry->ask) || moderates(entry->ask, entry->kept))
        return false;
    return !is_admitted(own_knock(entry->ask, room), entry);
}

// Opens the room if it is not there; NULL and a refusal.
static struct room *room_for(struct hub *hub, struct entry *entry, struct room *room,
                             struct hub_refusal *refusal) {
    if (room)
        return room;
    return admitted(entry->ask, HUB_STEP_OPEN_ROOM, refusal)
               ? open_room(hub, entry->ask, entry->room, NULL, refusal)
               : NULL;
}

static void wait_in_lobby(struct hub *hub, struct entry *entry, struct room *room,
                          struct hub_refusal *refusal) {
    struct hub_join *ask = entry->ask;
    if (ask->cannot_wait) {
        hub_refuse(refusal, HUB_FORBIDDEN,
                   "a moderator of this room lets people in one by one, and this way has no place to wait; a "
                   "moderator's token (roomAdmin) lets its bearer in");
        return;
    }
    struct knock *before = own_knock(ask, room);
    if (before && !before->admitted) {
        hub_refuse(refusal, HUB_WRONG_STATE, "you wait already; a moderator of the room decides");
        return;
    }
    if (before) // by another name
        hub_forget_knock(hub, before);
    room = room_for(hub, entry, room, refusal);
    ask->knock = room ? hub_knock(hub, ask, room, refusal) : NULL;
    ask->pending = ask->knock != NULL;
    if (room && !ask->knock && room->participant_count == 0)
        hub_room_empty(hub, room);
}

static struct participant *become(struct hub *hub, struct entry *entry, struct room *room,
                                  struct participant *same, const struct receiver *receiver,
                                  struct hub_refusal *refusal) {
    const struct grants *grants = entry->ask->grants;
    struct participant *me = participant_create(entry->username);
    if (!me) {
        hub_refuse_memory(refusal);
        return NULL;
    }
    me->look = entry->look;
    me->receiver = *receiver;
    me->hidden = is_hidden(entry->ask);
    json_t *about = NULL;
    bool fine = !grants || hub_bring_about(hub, me, room, grants, &about, refusal);
    room = fine ? room_for(hub, entry, room, refusal) : NULL;
    if (!room) {
        json_decref(about);
        participant_destroy(me);
        return NULL;
    }
    struct knock *knock = own_knock(entry->ask, room);
    if (knock && knock->admitted)
        hub_forget_knock(hub, knock);
    else if (knock) // it became a moderator, or the lobby is no more
        hub_end_knock(hub, knock, "admitted", NULL, NULL);
    if (same)
        make_way(hub, same);
    enter(hub, entry, room, me, about);
    return me;
}

// Of the notices of the join and of the leave.
static size_t notice_bytes(const struct entry *entry) {
    const struct grants *grants = entry->ask->grants;
    size_t about = grants ? strlen(grants->metadata) + strlen(grants->attributes) : 0;
    return 2 * (strlen(entry->username) + NAMED_BYTES) + about;
}

static struct participant *join_anew(struct hub *hub, struct entry *entry, struct room *room,
                                     struct hub_refusal *refusal) {
    struct hub_join *ask = entry->ask;
    struct participant *same = find_same(ask, room);
    struct receiver receiver = {0};
    if (hub->draining) {
        hub_refuse(refusal, HUB_DRAINING, "this server is shutting down; join again elsewhere");
        return NULL;
    }
    ask->entering_room = entry->room;
    ask->entering_as = entry->username;
    if (!admitted(ask, HUB_STEP_JOIN, refusal) || !shows_password(ask, room, refusal) ||
        !find_kept(room, ask, &entry->kept, refusal))
        return NULL;
    bool waits = must_wait(hub, entry, room, same);
    if (!may_enter(hub, entry, room, same, refusal) ||
        (!waits && !has_free_name(entry, room, same, refusal)) ||
        !hub_spend_join(hub, ask->spent, room, notice_bytes(entry), refusal) ||
        (ask->capabilities && !hub_receiver_check(hub, ask->capabilities, &receiver, refusal)) ||
        !hub_memory_allows(hub, refusal))
        return NULL;
    if (!waits)
        return become(hub, entry, room, same, &receiver, refusal);
    wait_in_lobby(hub, entry, room, refusal);
    return NULL;
}

static struct participant *join(struct hub *hub, struct entry *entry, struct hub_refusal *refusal) {
    const struct hub_join *ask = entry->ask;
    if (!take_names(entry, refusal))
        return NULL;
    struct room *room = directory_find(&hub->directory, entry->room);
    struct participant *mine = room && ask->resume_token ? find_by_token(room, ask->resume_token) : NULL;
    if (mine)
        return resume(hub, entry, mine, refusal);
    if (entry->named)
        return join_anew(hub, entry, room, refusal);
    if (ask->resume_token)
        hub_refuse(refusal, HUB_NOT_FOUND,
                   "there is no session to resume (it has ended, or its token was used); give a username to "
                   "join anew");
    else
        hub_refuse(refusal, HUB_BAD_REQUEST, "`username` is required");
    return NULL;
}

struct participant *hub_join(struct hub *hub, struct hub_join *ask, struct hub_refusal *refusal) {
    struct entry entry = {.ask = ask};
    ask->resumed = ask->pending = false;
    ask->knock = NULL;
    struct participant *me = join(hub, &entry, refusal);
    ask->entering_room = ask->entering_as = NULL;
    if (!me && !ask->pending)
        hub->counts.joins_refused++;
    return me;
}

struct room *hub_open_room(struct hub *hub, const char *name, json_t *metadata, struct hub_refusal *refusal) {
    const struct hub_join nobody = {
        .last_n = CHOICE_OF_ROOM, .loudest_n = CHOICE_OF_ROOM, .by_operator = true};
    struct room *room = open_room(hub, &nobody, name, metadata, refusal);
    if (room)
        hub_room_empty(hub, room);
    return room;
}
