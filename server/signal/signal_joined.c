// What a joiner hears: who is there, what can be consumed, and, on resuming, what survived.
#include "server/signal/signal.h"

static json_t *list_users(const struct room *room) {
    json_t *users = json_array();
    LIST_EACH(node, &room->participants)
    json_array_append_new(users, json_string(LIST_ENTRY(node, struct participant, link)->name));
    return users;
}

static json_t *list_peers(const struct room *room, const struct participant *me) {
    json_t *peers = json_array();
    LIST_EACH(node, &room->participants) {
        const struct participant *peer = LIST_ENTRY(node, struct participant, link);
        if (peer != me)
            json_array_append_new(peers,
                                  json_pack("{s:s, s:s}", "userId", peer->id.text, "username", peer->name));
    }
    return peers;
}

static void append_producers(json_t *list, const struct participant *owner, bool ids_only) {
    LIST_EACH(node, &owner->transports) {
        const struct room_transport *transport = LIST_ENTRY(node, struct room_transport, link);
        LIST_EACH(p, &transport->producers) {
            const struct room_producer *producer = LIST_ENTRY(p, struct room_producer, link);
            json_array_append_new(list, ids_only ? json_string(producer->public_id.text)
                                                 : describe_producer(producer));
        }
    }
}

static json_t *list_producers(const struct room *room, const struct participant *me) {
    json_t *producers = json_array();
    LIST_EACH(node, &room->participants) {
        const struct participant *owner = LIST_ENTRY(node, struct participant, link);
        if (owner != me)
            append_producers(producers, owner, false);
    }
    return producers;
}

static size_t count_producers(const struct room *room) {
    size_t count = 0;
    LIST_EACH(node, &room->participants)
    count += LIST_ENTRY(node, struct participant, link)->producer_count;
    return count;
}

// What survived, so that a client that resumes can compare.
static bool add_own_state(json_t *data, const struct participant *me) {
    json_t *transports = json_array(), *producers = json_array(), *consumers = json_array();
    LIST_EACH(node, &me->transports) {
        const struct room_transport *transport = LIST_ENTRY(node, struct room_transport, link);
        json_array_append_new(transports, json_string(transport->public_id.text));
        LIST_EACH(c, &transport->consumers)
        json_array_append_new(consumers,
                              json_string(LIST_ENTRY(c, struct room_consumer, link)->public_id.text));
    }
    append_producers(producers, me, true);
    bool ok = json_array_size(transports) == me->transport_count &&
              json_array_size(consumers) == me->consumer_count &&
              json_array_size(producers) == me->producer_count;
    ok &= json_object_set_new(data, "transports", transports) == 0;
    ok &= json_object_set_new(data, "ownProducers", producers) == 0;
    ok &= json_object_set_new(data, "consumers", consumers) == 0;
    return ok;
}

static bool set_new(json_t *object, const char *key, json_t *value) {
    return json_object_set_new(object, key, value) == 0;
}

json_t *signal_joined(struct hub *hub, struct participant *me, bool resumed) {
    const struct room *room = me->room;
    json_t *data = json_object(), *users = list_users(room), *peers = list_peers(room, me);
    json_t *producers = list_producers(room, me);
    // A list that lost an entry for lack of memory is no answer.
    bool ok = json_array_size(users) == room->participant_count &&
              json_array_size(peers) == room->participant_count - 1 &&
              json_array_size(producers) == count_producers(room) - me->producer_count;
    ok &= set_new(data, "roomId", json_string(room->name));
    ok &= set_new(data, "userId", json_string(me->id.text));
    ok &= set_new(data, "users", users);
    ok &= set_new(data, "peers", peers);
    ok &= json_object_set(data, "routerRtpCapabilities", hub->router_capabilities) == 0;
    ok &= set_new(data, "producers", producers);
    ok &= set_new(data, "iceServers", describe_ice_servers(hub, me));
    ok &= set_new(data, "resumeToken", json_string(me->resume_token));
    ok &= set_new(data, "chat", room->chat ? json_incref(room->chat) : json_array());
    ok &= set_new(data, "resumed", json_boolean(resumed));
    ok = ok && (!resumed || add_own_state(data, me));
    if (!ok) {
        json_decref(data);
        data = NULL;
    }
    return data;
}
