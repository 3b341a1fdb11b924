// What is a participant's own, by the ids that it gives, and what a worker says of it.
#include "rooms/name.h"
#include "server/hub/hub_internal.h"

bool hub_allowed(const struct participant *me, unsigned right, const char *what,
                 struct hub_refusal *refusal) {
    return (me->rights & right) != 0 ||
           hub_refuse(refusal, HUB_FORBIDDEN, "your token does not let you %s; ask for one that does", what);
}

struct room_rules hub_rules(const struct hub *hub, const char *room) {
    return hub->io.rules ? hub->io.rules(hub->io.ctx, room) : (struct room_rules){0};
}

bool hub_is_sealed(const struct hub *hub, const struct room *room) {
    return hub_rules(hub, room->name).sealed;
}

bool hub_says_sealed(const char *app_data, size_t len) {
    json_t *said = app_data ? json_loadb(app_data, len, 0, NULL) : NULL;
    bool sealed = json_is_true(json_object_get(said, "e2ee"));
    json_decref(said);
    return sealed;
}

bool hub_may_be_recorded(const struct hub *hub, const struct room *room, struct hub_refusal *refusal) {
    return hub_name_may_be_recorded(hub, room->name, refusal);
}

bool hub_name_may_be_recorded(const struct hub *hub, const char *room, struct hub_refusal *refusal) {
    const struct room_rules rules = hub_rules(hub, room);
    if (rules.sealed)
        return hub_refuse(refusal, HUB_ENCRYPTION_NEEDED,
                          "in this room everything is encrypted from end to end: without the key, which no "
                          "server has, there is nothing to record");
    return rules.record != RECORD_BY_NOBODY ||
           hub_refuse(refusal, HUB_FORBIDDEN, "this room is not to be recorded (its settings say so)");
}

bool hub_is_encrypted(const struct room_producer *producer) {
    return hub_says_sealed(producer->app_data, producer->app_data_len);
}

// Counts what is encrypted and what is not.
static void count_producers(const struct participant *who, unsigned counts[2]) {
    LIST_EACH(t, &who->transports) {
        LIST_EACH(p, &LIST_ENTRY(t, struct room_transport, link)->producers) {
            counts[hub_is_encrypted(LIST_ENTRY(p, struct room_producer, link))]++;
        }
    }
}

bool hub_sends_encrypted_alone(const struct room *room, const struct participant *who) {
    unsigned counts[2] = {0, 0};
    if (who) {
        count_producers(who, counts);
    } else {
        LIST_EACH(node, &room->participants)
        count_producers(LIST_ENTRY(node, struct participant, link), counts);
    }
    return counts[true] > 0 && counts[false] == 0;
}

unsigned hub_rights(const struct hub *hub, const struct participant *me) {
    const struct room_rules rules = hub_rules(hub, me->room->name);
    bool own = !me->by_token && !me->hidden &&
               (rules.record == RECORD_BY_ANYBODY ||
                (rules.record == RECORD_BY_MODERATORS && (me->rights & RIGHT_ADMIN) != 0));
    if (rules.sealed || rules.record == RECORD_BY_NOBODY)
        return me->rights & ~(unsigned)RIGHT_RECORD;
    return me->rights | (own ? (unsigned)RIGHT_RECORD : 0U);
}

struct room_transport *hub_own_transport(const struct hub *hub, const struct participant *me,
                                         const char *transport_id, struct hub_refusal *refusal) {
    struct room_transport *transport = registry_find_transport(&hub->registry, transport_id);
    if (transport && transport->owner == me)
        return transport;
    hub_refuse(refusal, HUB_NOT_FOUND, "you have no transport of that id");
    return NULL;
}

struct room_producer *hub_own_producer(const struct hub *hub, const struct participant *me,
                                       const char *producer_id, struct hub_refusal *refusal) {
    struct room_producer *producer = registry_find_producer(&hub->registry, producer_id);
    if (producer && producer_owner(producer) == me)
        return producer;
    hub_refuse(refusal, HUB_NOT_FOUND, "you have no producer of that id");
    return NULL;
}

struct room_consumer *hub_own_consumer(const struct hub *hub, const struct participant *me,
                                       const char *consumer_id, struct hub_refusal *refusal) {
    struct room_consumer *consumer = registry_find_consumer(&hub->registry, consumer_id);
    if (consumer && consumer_owner(consumer) == me)
        return consumer;
    hub_refuse(refusal, HUB_NOT_FOUND, "you have no consumer of that id");
    return NULL;
}

bool hub_ask_stats(struct hub *hub, const struct participant *me, const struct hub_subject *subject,
                   uint32_t token, struct hub_refusal *refusal) {
    struct media_cmd cmd = {.type = MEDIA_GET_STATS,
                            .transport = subject->transport,
                            .producer = subject->producer,
                            .consumer = subject->consumer};
    cmd.stats.token = token;
    return command_post_try(&hub->post, me->worker, &cmd) || hub_refuse_busy(refusal);
}

// The other one; NULL and a refusal.
struct participant *hub_find_other(const struct participant *me, const char *text,
                                   struct hub_refusal *refusal) {
    char name[USERNAME_BYTES_MAX + 1];
    uint32_t refused;
    enum err e = name_normalise(text, USERNAME_CHARS_MAX, name, &refused);
    struct participant *target = e == ERR_OK ? room_find_target(me->room, name) : NULL;
    if (e == ERR_NO_MEMORY)
        hub_refuse_memory(refusal);
    else if (!target)
        hub_refuse(refusal, HUB_NOT_FOUND, "nobody in this room has that userId or username");
    else if (target == me)
        hub_refuse(refusal, HUB_BAD_REQUEST, "`target` is yourself");
    return target == me ? NULL : target;
}
