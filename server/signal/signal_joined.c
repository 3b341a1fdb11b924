// What a joiner hears: who is there, what can be consumed, and, on resuming, what survived.
//
// `joined` is bounded whatever others have said: what does not fit it of a large room follows at once, as
// `user-joined` and `new-producer`, so that nobody is kept out by the size of a room. People come first, and
// producers only of those who were told.
#include "server/signal/signal.h"

#include <stdlib.h>
#include <string.h>

#define HANDS_TOLD_MAX 64

// The lists of one `joined` as text, and how much of the room is in them, in the room's order.
struct lists {
    size_t bytes_max;
    struct text_buffer users, peers, producers;
    size_t consumers_len; // of the list of new consumers, which counts as well
    bool brief;           // producers that are consumed are told by that list alone
    uint32_t peers_told, producers_told;
};

static void lists_close(struct lists *lists) {
    text_buffer_close(&lists->users);
    text_buffer_close(&lists->peers);
    text_buffer_close(&lists->producers);
}

static size_t lists_bytes(const struct lists *lists) {
    return lists->users.len + lists->peers.len + lists->producers.len + lists->consumers_len;
}

static bool begin(struct text_buffer *list) {
    return text_buffer_add(list, "[", 1);
}

static bool end(struct text_buffer *list) {
    return text_buffer_add(list, "]", 1);
}

static bool separate(struct text_buffer *list) {
    return list->len <= 1 || text_buffer_add(list, ",", 1);
}

static bool add_user(struct text_buffer *list, const struct participant *user) {
    return separate(list) && text_buffer_add_string(list, user->name);
}

static bool add_peer(struct text_buffer *list, const struct participant *peer) {
    json_t *entry = signal_with_about(json_pack("{s:s, s:s, s:s*, s:o*}", "userId", peer->id.text, "username",
                                                peer->name, "role", signal_role_to_tell(peer), "held",
                                                peer->held ? signal_describe_held(peer) : NULL),
                                      peer);
    bool ok = entry && separate(list) && text_buffer_add_json(list, entry);
    json_decref(entry);
    return ok;
}

// The one who joins has a place in any case.
static bool list_people(struct lists *lists, const struct participant *me) {
    bool ok = begin(&lists->users) && begin(&lists->peers), full = false;
    LIST_EACH(node, &me->room->participants) {
        const struct participant *user = LIST_ENTRY(node, struct participant, link);
        size_t users_len = lists->users.len, peers_len = lists->peers.len;
        if (user == me) {
            ok = ok && add_user(&lists->users, me);
            continue;
        }
        if (full || user->hidden)
            continue;
        ok = ok && add_user(&lists->users, user) && add_peer(&lists->peers, user);
        full = ok && lists->users.len + lists->peers.len + lists->consumers_len >
                         lists->bytes_max * JOINED_PEOPLE_SHARE;
        if (full) { // one too many
            lists->users.len = users_len;
            lists->peers.len = peers_len;
        } else {
            lists->peers_told++;
        }
    }
    return ok && end(&lists->users) && end(&lists->peers);
}

static bool is_consumed(const struct participant *me, const struct room_producer *producer) {
    LIST_EACH(t, &me->transports) {
        LIST_EACH(c, &LIST_ENTRY(t, struct room_transport, link)->consumers)
        if (LIST_ENTRY(c, struct room_consumer, link)->producer == producer)
            return true;
    }
    return false;
}

// Calls `each` for the producers that the first `peers` of the room's people have and that are to be listed;
// until it returns false.
typedef bool producer_visit(void *ctx, const struct room_producer *producer);
static bool visit_producers(const struct lists *lists, const struct participant *me, uint32_t peers,
                            producer_visit *each, void *ctx) {
    uint32_t peer = 0;
    LIST_EACH(node, &me->room->participants) {
        const struct participant *owner = LIST_ENTRY(node, struct participant, link);
        if (owner == me || owner->hidden)
            continue;
        if (peer++ == peers)
            return true;
        LIST_EACH(t, &owner->transports) {
            LIST_EACH(p, &LIST_ENTRY(t, struct room_transport, link)->producers) {
                const struct room_producer *producer = LIST_ENTRY(p, struct room_producer, link);
                if (!(lists->brief && is_consumed(me, producer)) && !each(ctx, producer))
                    return false;
            }
        }
    }
    return true;
}

struct listing {
    struct lists *lists;
    bool ok;
};

static bool list_producer(void *ctx, const struct room_producer *producer) {
    struct listing *listing = ctx;
    struct text_buffer *list = &listing->lists->producers;
    size_t len = list->len;
    listing->ok = separate(list) && signal_describe_producer(list, producer);
    if (listing->ok && lists_bytes(listing->lists) > listing->lists->bytes_max - 2) { // one too many
        list->len = len;
        return false;
    }
    listing->lists->producers_told += listing->ok;
    return listing->ok;
}

static bool list_producers(struct lists *lists, const struct participant *me) {
    struct listing listing = {.lists = lists, .ok = begin(&lists->producers)};
    if (listing.ok)
        visit_producers(lists, me, lists->peers_told, list_producer, &listing);
    return listing.ok && end(&lists->producers);
}

// ---- what did not fit

struct rest {
    struct signal_call *call;
    uint32_t told; // so many were in `joined`
};

static bool tell_text(struct signal_call *call, bool encoded) {
    if (encoded)
        signal_send_text(call->session, call->signalling->out.text, call->signalling->out.len, SIGNAL_OWED);
    return encoded;
}

static bool tell_producer(void *ctx, const struct room_producer *producer) {
    struct rest *rest = ctx;
    struct text_buffer *out = &rest->call->signalling->out;
    if (rest->told > 0) {
        rest->told--;
        return true;
    }
    struct text_buffer entry = {0};
    bool ok = signal_describe_producer(&entry, producer) &&
              signal_encode_text(out, signal_out_name(OUT_NEW_PRODUCER), entry.text, entry.len);
    text_buffer_close(&entry);
    return tell_text(rest->call, ok);
}

static void tell_rest(struct signal_call *call, const struct participant *me, const struct lists *lists) {
    struct text_buffer *out = &call->signalling->out;
    struct rest rest = {.call = call, .told = lists->producers_told};
    uint32_t peer = 0;
    bool ok = true;
    LIST_EACH(node, &me->room->participants) {
        const struct participant *user = LIST_ENTRY(node, struct participant, link);
        if (user == me || user->hidden || peer++ < lists->peers_told)
            continue;
        json_t *data = signal_describe_joiner(user);
        ok = ok && tell_text(call, data && signal_encode(out, signal_out_name(OUT_USER_JOINED), data, NULL));
        json_decref(data);
    }
    // Half a room is worse than another try.
    if (!ok || !visit_producers(lists, me, UINT32_MAX, tell_producer, &rest))
        signal_close(call->session, CLOSE_INTERNAL, "out of memory");
}

// What there is of data channels follows at once: few have any.
static bool tell_data_producer(struct signal_call *call, const struct room_data_producer *producer) {
    struct text_buffer entry = {0};
    bool ok = signal_describe_data_producer(&entry, producer) &&
              signal_encode_text(&call->signalling->out, signal_out_name(OUT_NEW_DATA_PRODUCER), entry.text,
                                 entry.len);
    text_buffer_close(&entry);
    return tell_text(call, ok);
}

static void tell_data(struct signal_call *call, const struct participant *me) {
    bool ok = true;
    LIST_EACH(node, &me->room->participants) {
        const struct participant *owner = LIST_ENTRY(node, struct participant, link);
        if (owner == me || owner->data_producer_count == 0)
            continue;
        LIST_EACH(t, &owner->transports) {
            LIST_EACH(p, &LIST_ENTRY(t, struct room_transport, link)->data_producers)
            ok = ok && tell_data_producer(call, LIST_ENTRY(p, struct room_data_producer, link));
        }
    }
    if (!ok)
        signal_close(call->session, CLOSE_INTERNAL, "out of memory");
}

// ---- the rest of `joined`

static bool list_chat(struct text_buffer *list, const struct room *room) {
    bool ok = begin(list);
    LIST_EACH(node, &room->chat.entries) {
        const struct chat_entry *entry = LIST_ENTRY(node, struct chat_entry, link);
        ok = ok && separate(list) && text_buffer_add(list, entry->text, entry->len);
    }
    return ok && end(list);
}

static void append_own_producers(json_t *list, const struct participant *me) {
    LIST_EACH(node, &me->transports) {
        LIST_EACH(p, &LIST_ENTRY(node, struct room_transport, link)->producers)
        json_array_append_new(list, json_string(LIST_ENTRY(p, struct room_producer, link)->public_id.text));
    }
}

static void append_own_data(json_t *producers, json_t *consumers, const struct participant *me) {
    LIST_EACH(node, &me->transports) {
        const struct room_transport *transport = LIST_ENTRY(node, struct room_transport, link);
        LIST_EACH(p, &transport->data_producers)
        json_array_append_new(producers,
                              json_string(LIST_ENTRY(p, struct room_data_producer, link)->public_id.text));
        LIST_EACH(c, &transport->data_consumers)
        json_array_append_new(consumers,
                              json_string(LIST_ENTRY(c, struct room_data_consumer, link)->public_id.text));
    }
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
    append_own_producers(producers, me);
    json_t *data_producers = json_array(), *data_consumers = json_array();
    append_own_data(data_producers, data_consumers, me);
    bool data_ok = json_array_size(data_producers) == me->data_producer_count &&
                   json_array_size(data_consumers) == me->data_consumer_count;
    data_ok &= json_object_set_new(data, "ownDataProducers", data_producers) == 0;
    data_ok &= json_object_set_new(data, "dataConsumers", data_consumers) == 0;
    bool ok = json_array_size(transports) == me->transport_count &&
              json_array_size(consumers) == me->consumer_count &&
              json_array_size(producers) == me->producer_count;
    ok &= json_object_set_new(data, "transports", transports) == 0;
    ok &= json_object_set_new(data, "ownProducers", producers) == 0;
    ok &= json_object_set_new(data, "consumers", consumers) == 0;
    return ok && data_ok;
}

static bool set_new(json_t *object, const char *key, json_t *value) {
    return json_object_set_new(object, key, value) == 0;
}

static int hand_order(const void *a, const void *b) {
    const struct participant *const *x = a, *const *y = b;
    return ((*x)->hand > (*y)->hand) - ((*x)->hand < (*y)->hand);
}

// Who has raised a hand, the first one first; as many as a client can show. NULL without memory.
static json_t *list_hands(const struct room *room) {
    const struct participant *up[HANDS_TOLD_MAX];
    size_t count = 0;
    LIST_EACH(node, &room->participants) {
        const struct participant *who = LIST_ENTRY(node, struct participant, link);
        if (who->hand && count < HANDS_TOLD_MAX)
            up[count++] = who;
    }
    qsort(up, count, sizeof up[0], hand_order);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(up[i]->id.text));
    if (json_array_size(list) != count) {
        json_decref(list);
        list = NULL;
    }
    return list;
}

// Without the lists; NULL without memory. brief: to one who has the router's capabilities.
static json_t *describe_joined(const struct hub *hub, const struct participant *me, bool resumed,
                               bool brief) {
    json_t *data = json_object();
    bool ok = set_new(data, "roomId", json_string(me->room->name));
    ok &= set_new(data, "userId", json_string(me->id.text));
    if (!brief)
        ok &= json_object_set(data, "routerRtpCapabilities", hub_router_capabilities(hub)) == 0;
    ok &= set_new(data, "iceServers", signal_ice_servers(hub, me));
    ok &= set_new(data, "turn", json_boolean(ice_servers_have_turn(&hub_config(hub)->ice_servers)));
    ok &= set_new(data, "resumeToken", json_string(me->resume_token));
    ok &= set_new(data, "resumed", json_boolean(resumed));
    ok &= set_new(data, "username", json_string(me->name));
    ok &= set_new(data, "locked", json_boolean(me->room->locked));
    ok &= set_new(data, "hands", list_hands(me->room));
    ok &= set_new(data, "permissions", signal_describe_grants(hub, me));
    ok &= set_new(data, "role", json_string(signal_role_name(me)));
    if (me->room->recordings > 0)
        ok &= set_new(data, "recording", json_true());
    if (hub_is_sealed(hub, me->room))
        ok &= set_new(data, "e2eeRequired", json_true());
    if (me->held)
        ok &= set_new(data, "held", signal_describe_held(me));
    if (me->room->metadata)
        ok &= json_object_set(data, "roomMetadata", me->room->metadata) == 0;
    if (me->hidden)
        ok &= set_new(data, "hidden", json_true());
    ok &= !me->about || json_object_update(data, me->about) == 0;
    if (me->identity[0])
        ok &= set_new(data, "identity", json_string(me->identity));
    ok &= set_new(data, "lastN", json_integer(hub_last_n(me)));
    ok &= set_new(data, "loudestN", json_integer(hub_loudest_n(me)));
    ok = ok && (!resumed || add_own_state(data, me));
    if (!ok) {
        json_decref(data);
        data = NULL;
    }
    return data;
}

bool signal_answer_joined(struct signal_call *call, struct participant *me, bool resumed) {
    struct lists lists = {.bytes_max = hub_joined_lists_bytes(&hub_config(call->hub)->limits)};
    struct text_buffer chat = {0};
    struct signal_opened opened;
    json_t *data = NULL;
    // Before the rest: what is told of the room and of the participant is what there is then.
    bool open = signal_open_media(call, me, &opened);
    lists.consumers_len = opened.consumers.len + opened.shared.len;
    lists.brief = opened.brief;
    if (open && list_people(&lists, me) && list_producers(&lists, me) && list_chat(&chat, me->room))
        data = describe_joined(call->hub, me, resumed, opened.brief);
    const struct raw_member raw[] = {{"users", lists.users.text, lists.users.len},
                                     {"peers", lists.peers.text, lists.peers.len},
                                     {"producers", lists.producers.text, lists.producers.len},
                                     {"chat", chat.text, chat.len},
                                     {"newTransports", opened.transports.text, opened.transports.len},
                                     {"newConsumers", opened.consumers.text, opened.consumers.len},
                                     {"sharedParameters", opened.shared.text, opened.shared.len}};
    // The last ones that were not asked for.
    size_t asked = opened.brief ? 0 : opened.consumers.len > 0 ? 1 : opened.transports.len > 0 ? 2 : 3;
    call->owed = true;
    bool ok = signal_answer_raw(call, OUT_JOINED, data, raw, sizeof raw / sizeof raw[0] - asked);
    call->owed = false;
    if (ok) {
        tell_rest(call, me, &lists);
        tell_data(call, me);
    }
    lists_close(&lists);
    text_buffer_close(&chat);
    signal_opened_close(&opened);
    return ok;
}
