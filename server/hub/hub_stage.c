// The stage: whose video a participant gets who has chosen to get that of the last speakers alone (`last-n`),
// and how many of the loudest voices (`loudest-n`).
//
// Those of a room who have video that is not paused stand in the order in which they spoke last. A receiver's
// last N are the first N of it but itself, and whoever it has pinned; every other video consumer of it is
// held: paused for its worker, whatever its client wishes. What is paused anyway stays as it is until it is
// resumed. A change of speaker moves one person to the front, so only those who cross somebody's N are looked
// at. The choice of voices is the workers' (rooms/media/loudest.h).
#include "server/hub/hub_internal.h"

#include <assert.h>
#include <string.h>

uint32_t hub_last_n(const struct participant *who) {
    return who->last_n == CHOICE_OF_ROOM ? who->room->last_n : (uint32_t)who->last_n;
}

uint32_t hub_loudest_n(const struct participant *who) {
    return who->loudest_n == CHOICE_OF_ROOM ? who->room->loudest_n : (uint32_t)who->loudest_n;
}

static bool has_pinned(const struct participant *who, const struct participant *other) {
    for (unsigned i = 0; i < who->pinned_count; i++)
        if (who->pinned[i] == other)
            return true;
    return false;
}

bool hub_stage_shows(const struct participant *to, const struct participant *from) {
    uint32_t n = hub_last_n(to);
    if (n == CHOICE_ALL || has_pinned(to, from))
        return true;
    uint32_t before = from->stage_rank - (to->stage_rank < from->stage_rank);
    return from->stage_rank != STAGE_NONE && before < n;
}

// ---- consumers

static void update_consumer(struct hub *hub, struct room_consumer *consumer) {
    bool held = !hub_stage_shows(consumer_owner(consumer), producer_owner(consumer->producer));
    if (consumer->held == held || consumer->producer->paused)
        return;
    consumer->held = held;
    if (consumer->paused)
        return; // nothing is sent either way
    struct media_cmd cmd = {.type = MEDIA_PAUSE_CONSUMER, .consumer = consumer->id};
    cmd.pause.paused = held;
    command_post_surely(&hub->post, consumer_owner(consumer)->worker, &cmd);
    hub_tell_held(hub, consumer);
}

void hub_tell_held(struct hub *hub, struct room_consumer *consumer) {
    bool held = consumer->held_told = consumer->held;
    if (!held && consumer->layers.spatial < 0)
        return; // its worker will tell
    hub->events.consumer_layers(hub->events.ctx, consumer, held ? LAYER_NONE : consumer->layers.spatial,
                                held ? LAYER_NONE : consumer->layers.temporal, held ? "last-n" : NULL);
}

static void update_receiver(struct hub *hub, struct participant *to) {
    LIST_EACH(t, &to->transports) {
        LIST_EACH(c, &LIST_ENTRY(t, struct room_transport, link)->consumers) {
            struct room_consumer *consumer = LIST_ENTRY(c, struct room_consumer, link);
            if (consumer->producer->kind == MEDIA_VIDEO)
                update_consumer(hub, consumer);
        }
    }
}

static void update_source(struct hub *hub, struct participant *from) {
    LIST_EACH(t, &from->transports) {
        LIST_EACH(p, &LIST_ENTRY(t, struct room_transport, link)->producers) {
            struct room_producer *producer = LIST_ENTRY(p, struct room_producer, link);
            if (producer->kind != MEDIA_VIDEO)
                continue;
            LIST_EACH(c, &producer->consumers)
            update_consumer(hub, LIST_ENTRY(c, struct room_consumer, producer_link));
        }
    }
}

// ---- the order

// Ranks anew after a change, and everybody who has come to another side of somebody's N.
static void rank(struct hub *hub, struct room *room) {
    uint32_t next = 0;
    LIST_EACH(node, &room->stage) {
        struct participant *who = LIST_ENTRY(node, struct participant, stage_link);
        who->stage_before = who->stage_rank;
        who->stage_rank = next++;
    }
    if (room->last_n_most == 0)
        return; // everybody gets everybody
    LIST_EACH(node, &room->stage) {
        struct participant *who = LIST_ENTRY(node, struct participant, stage_link);
        uint32_t best = who->stage_rank < who->stage_before ? who->stage_rank : who->stage_before;
        if (who->stage_rank != who->stage_before && best <= room->last_n_most)
            update_source(hub, who);
    }
}

// To the place that its last speech gives it; who has not spoken stands behind those who came before.
static void place(struct room *room, struct participant *who) {
    list_remove(&who->stage_link);
    LIST_EACH(node, &room->stage) {
        if (LIST_ENTRY(node, struct participant, stage_link)->spoke >= who->spoke)
            continue;
        list_push_back(node, &who->stage_link); // before it
        return;
    }
    list_push_back(&room->stage, &who->stage_link);
}

void hub_stage_enter(struct hub *hub, struct participant *who) {
    if (who->video_count++ == 0) {
        place(who->room, who);
        rank(hub, who->room);
    }
    update_source(hub, who); // what was paused may be held, and not know it
}

void hub_stage_leave(struct hub *hub, struct participant *who) {
    assert(who->video_count > 0);
    if (--who->video_count > 0)
        return;
    list_remove(&who->stage_link);
    who->stage_rank = STAGE_NONE;
    rank(hub, who->room);
}

void hub_stage_speak(struct hub *hub, struct participant *who) {
    who->spoke = ++who->room->spoken;
    if (who->video_count == 0 || who->stage_rank == 0)
        return;
    place(who->room, who);
    rank(hub, who->room);
}

void hub_stage_forget(struct participant *leaving) {
    struct room *room = leaving->room;
    assert(leaving->video_count == 0);
    if (room->pins == 0)
        return;
    LIST_EACH(node, &room->participants) {
        struct participant *who = LIST_ENTRY(node, struct participant, link);
        for (unsigned i = 0; i < who->pinned_count; i++) {
            if (who->pinned[i] != leaving)
                continue;
            who->pinned[i] = who->pinned[--who->pinned_count];
            room->pins--;
            break;
        }
    }
    room->pins -= leaving->pinned_count;
    leaving->pinned_count = 0;
}

// ---- choices

static bool read_pinned(const struct participant *me, const struct hub_last_n *ask,
                        struct participant *pinned[PINNED_MAX], struct hub_refusal *refusal) {
    for (unsigned i = 0; i < ask->pinned_count; i++) {
        pinned[i] = room_find_id(me->room, ask->pinned[i]);
        if (!pinned[i])
            return hub_refuse(refusal, HUB_NOT_FOUND,
                              "nobody in this room has the userId of `pinned` number %u", i + 1);
        for (unsigned k = 0; k < i; k++)
            if (pinned[k] == pinned[i])
                return hub_refuse(refusal, HUB_BAD_REQUEST, "`pinned` names number %u twice", i + 1);
    }
    return true;
}

bool hub_set_last_n(struct hub *hub, struct participant *me, const struct hub_last_n *ask,
                    struct hub_refusal *refusal) {
    struct participant *pinned[PINNED_MAX];
    assert(ask->pinned_count <= PINNED_MAX);
    if (!read_pinned(me, ask, pinned, refusal))
        return false;
    struct room *room = me->room;
    me->last_n = ask->n;
    if (ask->n > 0 && (uint32_t)ask->n > room->last_n_most)
        room->last_n_most = (uint32_t)ask->n;
    room->pins += ask->pinned_count - me->pinned_count;
    me->pinned_count = ask->pinned_count;
    memcpy(me->pinned, pinned, ask->pinned_count * sizeof pinned[0]);
    update_receiver(hub, me);
    return true;
}

static struct media_cmd loudest_cmd(const struct room_transport *transport, uint32_t n) {
    struct media_cmd cmd = {.type = MEDIA_SET_LOUDEST, .transport = transport->id};
    _Static_assert(CHOICE_ALL == LOUDEST_ALL, "the same for everybody");
    cmd.loudest.n = (uint8_t)n;
    return cmd;
}

void hub_stage_transport(struct hub *hub, const struct room_transport *transport) {
    uint32_t n = hub_loudest_n(transport->owner);
    if (transport->from_client || n == CHOICE_ALL)
        return;
    struct media_cmd cmd = loudest_cmd(transport, n);
    command_post_surely(&hub->post, transport->owner->worker, &cmd);
}

void hub_set_loudest_n(struct hub *hub, struct participant *me, int32_t n) {
    uint32_t before = hub_loudest_n(me);
    me->loudest_n = n;
    uint32_t now = hub_loudest_n(me);
    if (now == before)
        return;
    LIST_EACH(node, &me->transports) {
        const struct room_transport *transport = LIST_ENTRY(node, struct room_transport, link);
        struct media_cmd cmd = loudest_cmd(transport, now);
        if (!transport->from_client)
            command_post_surely(&hub->post, me->worker, &cmd);
    }
}
