#include "server/dialects/socket_io.h"

#include "base/clock.h"
#include "base/entropy.h"
#include "base/hmap.h"
#include "base/list.h"
#include "base/slots.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_US (45 * US_PER_SECOND) // for a session to say CONNECT
#define ID_BYTES 20
#define ACK_NONE UINT64_MAX
#define ACK_DIGITS_MAX 15

struct room {
    uint32_t id;
    struct dialect_name name;
    struct list members; // struct membership
    unsigned count;
};

struct membership {
    struct user *user;
    struct room *room; // NULL: free
    struct list in_room;
};

struct user {
    uint32_t session;
    bool connected;
    uint64_t connect_by_us;
    struct list unconnected; // of socket_io->unconnected, while it is not
    struct membership rooms[SOCKET_IO_ROOMS_MAX];
};

struct socket_io {
    struct engine *engine;
    struct slots *users, *rooms;
    struct hmap *of_sessions; // to ids of users
    struct hmap *room_names;
    struct list unconnected; // users, who came first in front
    uint64_t relayed, refused;
};

// ---- users and rooms

static struct user *user_of(const struct socket_io *sio, uint32_t session) {
    uint32_t id = hmap_get(sio->of_sessions, &session);
    return id == HMAP_NONE ? NULL : slots_get(sio->users, id);
}

static struct room *room_of(const struct socket_io *sio, const struct dialect_name *name) {
    uint32_t id = hmap_get(sio->room_names, name);
    return id == HMAP_NONE ? NULL : slots_get(sio->rooms, id);
}

static struct room *room_make(struct socket_io *sio, const struct dialect_name *name) {
    struct room *room = calloc(1, sizeof *room);
    if (!room)
        return NULL;
    room->name = *name;
    list_init(&room->members);
    room->id = slots_add(sio->rooms, room);
    if (room->id && hmap_put(sio->room_names, name, room->id) == ERR_OK)
        return room;
    if (room->id)
        slots_remove(sio->rooms, room->id);
    free(room);
    return NULL;
}

static void leave(struct socket_io *sio, struct membership *membership) {
    struct room *room = membership->room;
    list_remove(&membership->in_room);
    membership->room = NULL;
    if (--room->count > 0)
        return;
    hmap_remove(sio->room_names, &room->name);
    slots_remove(sio->rooms, room->id);
    free(room);
}

static void leave_all(struct socket_io *sio, struct user *user) {
    for (unsigned i = 0; i < SOCKET_IO_ROOMS_MAX; i++)
        if (user->rooms[i].room)
            leave(sio, &user->rooms[i]);
}

static bool is_in(const struct user *user, const struct room *room) {
    for (unsigned i = 0; i < SOCKET_IO_ROOMS_MAX; i++)
        if (user->rooms[i].room == room)
            return true;
    return false;
}

// NULL, or why not.
static const char *join(struct socket_io *sio, struct user *user, const struct dialect_name *name) {
    struct room *room = room_of(sio, name);
    struct membership *place = NULL;
    if (room && is_in(user, room))
        return NULL;
    for (unsigned i = 0; i < SOCKET_IO_ROOMS_MAX && !place; i++)
        if (!user->rooms[i].room)
            place = &user->rooms[i];
    if (!place)
        return "you are in as many rooms as one may be (8)";
    if (room && room->count == SOCKET_IO_ROOM_MAX)
        return "the room has as many clients as it takes (16)";
    if (!room && !(room = room_make(sio, name)))
        return "the server is out of memory";
    *place = (struct membership){.user = user, .room = room};
    list_push_back(&room->members, &place->in_room);
    room->count++;
    return NULL;
}

// ---- out

// "42[...]" and its like; text NULL, without memory, is not sent.
static void send_json(struct socket_io *sio, uint32_t session, const char *prefix, const json_t *json) {
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    char *packet = NULL;
    int len = text ? asprintf(&packet, "%s%s", prefix, text) : -1;
    if (len >= 0)
        engine_send(sio->engine, session, packet, (size_t)len);
    if (len >= 0)
        free(packet);
    free(text);
}

static void send_new(struct socket_io *sio, uint32_t session, const char *prefix, json_t *json) {
    send_json(sio, session, prefix, json);
    json_decref(json);
}

// To whoever waits for it: `answer` is taken over.
static void acknowledge(struct socket_io *sio, uint32_t session, uint64_t ack, json_t *answer) {
    char prefix[32];
    snprintf(prefix, sizeof prefix, "43%" PRIu64, ack);
    if (ack != ACK_NONE)
        send_json(sio, session, prefix, answer);
    json_decref(answer);
}

static void refuse(struct socket_io *sio, uint32_t session, uint64_t ack, const char *event,
                   const char *why) {
    sio->refused++;
    send_new(sio, session, "42", json_pack("[s, {s:s*, s:s}]", "error", "event", event, "message", why));
    if (ack != ACK_NONE)
        acknowledge(sio, session, ack, json_pack("[{s:s}]", "error", why));
}

static void end_session(struct socket_io *sio, uint32_t session, const char *why);

// ---- events

// What `said` tells as the room: a text, a number, or one of these as its member.
static bool read_room(const json_t *said, struct dialect_name *out) {
    char number[32];
    if (json_is_object(said)) {
        const json_t *of = json_object_get(said, "roomId");
        said = of ? of : json_object_get(said, "room");
    }
    if (json_is_integer(said)) {
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(said));
        return dialect_name_of(number, out);
    }
    return json_is_string(said) && dialect_name_of(json_string_value(said), out);
}

// What goes out of an event that came in, as a whole: its name, and then of {offer, roomId} the offer alone,
// where it has one; else what it had.
static json_t *relayed_form(const json_t *event, const char *name, const char *member) {
    json_t *out = json_array();
    const json_t *first = json_array_get(event, 1);
    json_t *part = member && json_is_object(first) ? json_object_get(first, member) : NULL;
    bool fine = out && json_array_append_new(out, json_string(name)) == 0;
    if (part)
        fine = fine && json_array_append(out, part) == 0;
    // (room, offer): such a page expects the offer alone, too.
    size_t from = member && !json_is_object(first) && json_array_size(event) > 2 ? 2 : 1;
    for (size_t i = from; !part && fine && i < json_array_size(event); i++)
        fine = json_array_append(out, json_array_get(event, i)) == 0;
    if (fine)
        return out;
    json_decref(out);
    return NULL;
}

struct said {
    uint32_t session;
    const char *name;
    uint64_t ack;
    const json_t *event;
};

static void relay(struct socket_io *sio, const struct user *user, const struct said *said, const char *member,
                  uint64_t now_us) {
    struct dialect_name name;
    struct room *room = read_room(json_array_get(said->event, 1), &name) ? room_of(sio, &name) : NULL;
    if (!room || !is_in(user, room)) {
        refuse(sio, said->session, said->ack, said->name, "you are not in that room: joinRoom comes first");
        return;
    }
    json_t *form = relayed_form(said->event, said->name, member);
    char *text = form ? json_dumps(form, JSON_COMPACT) : NULL, *packet = NULL;
    int len = text ? asprintf(&packet, "42%s", text) : -1;
    json_decref(form);
    free(text);
    if (len < 0) {
        refuse(sio, said->session, said->ack, said->name, "the server is out of memory");
        return;
    }
    if (engine_spend(sio->engine, said->session, (size_t)len * (room->count - 1), now_us)) {
        LIST_EACH(node, &room->members)
        engine_send(sio->engine, LIST_ENTRY(node, struct membership, in_room)->user->session, packet,
                    (size_t)len);
        sio->relayed += room->count;
        acknowledge(sio, said->session, said->ack, json_array());
    } else {
        end_session(sio, said->session, "too many messages, or too long ones");
    }
    free(packet);
}

// The events, and which member of {..., roomId} others hear of.
static const struct {
    const char *name, *member;
} events[] = {{"callRemote", NULL},     {"acceptCall", NULL},           {"sendOffer", "offer"},
              {"sendAnswer", "answer"}, {"sendCandidate", "candidate"}, {"hangUp", NULL}};

static void take_event(struct socket_io *sio, struct user *user, const struct said *said, uint64_t now_us) {
    struct dialect_name room;
    if (strcmp(said->name, "joinRoom") == 0) {
        const char *why = "joinRoom has a room of 1 to 64 bytes without control characters";
        if (read_room(json_array_get(said->event, 1), &room))
            why = join(sio, user, &room);
        if (why)
            refuse(sio, said->session, said->ack, said->name, why);
        else
            acknowledge(sio, said->session, said->ack, json_array());
        return;
    }
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (strcmp(said->name, events[i].name) == 0) {
            relay(sio, user, said, events[i].member, now_us);
            return;
        }
    }
    refuse(
        sio, said->session, said->ack, NULL,
        "this server knows joinRoom, callRemote, acceptCall, sendOffer, sendAnswer, sendCandidate, hangUp");
}

// ---- packets

static void disconnect(struct socket_io *sio, struct user *user, uint64_t now_us) {
    leave_all(sio, user);
    user->connected = false;
    user->connect_by_us = now_us + CONNECT_US;
    list_push_back(&sio->unconnected, &user->unconnected);
}

static void forget(struct socket_io *sio, struct user *user) {
    leave_all(sio, user);
    if (!user->connected)
        list_remove(&user->unconnected);
    uint32_t id = hmap_remove(sio->of_sessions, &user->session);
    slots_remove(sio->users, id);
    free(user);
}

static void end_session(struct socket_io *sio, uint32_t session, const char *why) {
    struct user *user = user_of(sio, session);
    sio->refused++;
    if (user)
        forget(sio, user);
    engine_close(sio->engine, session, DIALECT_CLOSE_REFUSED, why);
}

// Short, and nothing that could end a packet.
static bool namespace_plain(const char *name, size_t len) {
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] <= ' ')
            return false;
    return len <= DIALECT_NAME_MAX;
}

// "0", "0{...}", "0/name,{...}"; what stands in an auth is not looked at.
static void take_connect(struct socket_io *sio, struct user *user, const char *rest, size_t len) {
    uint32_t session = user->session;
    size_t name_len = 0;
    char id[ID_BYTES + 1] = "", text[128];
    while (len && rest[0] == '/' && name_len < len && rest[name_len] != ',')
        name_len++;
    if (name_len > 1) {
        sio->refused++;
        if (!namespace_plain(rest, name_len)) {
            end_session(sio, session, "that is no namespace");
            return;
        }
        int n =
            snprintf(text, sizeof text, "44%.*s,{\"message\":\"Invalid namespace\"}", (int)name_len, rest);
        engine_send(sio->engine, session, text, (size_t)n);
        return;
    }
    if (user->connected) {
        end_session(sio, session, "this session has already sent CONNECT");
        return;
    }
    user->connected = true;
    list_remove(&user->unconnected);
    entropy_text(id, ID_BYTES);
    int n = snprintf(text, sizeof text, "40{\"sid\":\"%s\"}", id);
    engine_send(sio->engine, session, text, (size_t)n);
    static const char hello[] = "42[\"connectionSuccess\"]"; // pages wait for it
    engine_send(sio->engine, session, hello, sizeof hello - 1);
}

// "[...]", "12[...]" with the number of an ACK that is asked for.
static void take_json(struct socket_io *sio, struct user *user, const char *text, size_t len,
                      uint64_t now_us) {
    struct said said = {.session = user->session, .ack = ACK_NONE};
    size_t digits = 0;
    while (digits < len && text[digits] >= '0' && text[digits] <= '9')
        digits++;
    if (digits > ACK_DIGITS_MAX) {
        end_session(sio, said.session, "the number of an ACK is too long");
        return;
    }
    if (digits)
        said.ack = 0;
    for (size_t i = 0; i < digits; i++)
        said.ack = 10 * said.ack + (uint64_t)(text[i] - '0');
    json_t *event = json_loadb(text + digits, len - digits, 0, NULL);
    if (!event)
        event = json_loadb(text + digits, len - digits, JSON_DECODE_INT_AS_REAL, NULL);
    said.event = event;
    said.name = json_string_value(json_array_get(event, 0));
    if (said.name)
        take_event(sio, user, &said, now_us);
    else
        end_session(sio, said.session, "that is no event of socket.io 4");
    json_decref(event);
}

static bool on_opened(void *ctx, uint32_t session, uint64_t now_us) {
    struct socket_io *sio = ctx;
    struct user *user = calloc(1, sizeof *user);
    if (!user)
        return false;
    uint32_t id = slots_add(sio->users, user);
    if (!id || hmap_put(sio->of_sessions, &session, id) != ERR_OK) {
        if (id)
            slots_remove(sio->users, id);
        free(user);
        return false;
    }
    user->session = session;
    user->connect_by_us = now_us + CONNECT_US;
    list_push_back(&sio->unconnected, &user->unconnected);
    return true;
}

static void on_closed(void *ctx, uint32_t session) {
    struct socket_io *sio = ctx;
    struct user *user = user_of(sio, session);
    if (user)
        forget(sio, user);
}

static void on_message(void *ctx, uint32_t session, const char *text, size_t len, uint64_t now_us) {
    struct socket_io *sio = ctx;
    struct user *user = user_of(sio, session);
    assert(user);
    switch (len ? text[0] : 0) {
    case '0':
        take_connect(sio, user, text + 1, len - 1);
        return;
    case '1':
        if (user->connected && (len == 1 || text[1] != '/')) // of another namespace: it was never there
            disconnect(sio, user, now_us);
        return;
    case '2':
        if (user->connected && len > 1 && text[1] != '/') {
            take_json(sio, user, text + 1, len - 1, now_us);
            return;
        }
        end_session(sio, session, "an event comes behind CONNECT, to the namespace /");
        return;
    case '3': // nobody is asked for an ACK
        return;
    default:
        end_session(sio, session, "that is no packet of socket.io 4 that this server takes");
        return;
    }
}

// ---- its life

struct socket_io *socket_io_create(const struct dialect_limits *limits, const struct engine_outside *outside,
                                   uint64_t now_us) {
    struct socket_io *sio = calloc(1, sizeof *sio);
    if (!sio)
        return NULL;
    const struct engine_user user = {sio, on_opened, on_message, on_closed};
    uint32_t most = limits->clients_max < SLOTS_MAX / 8 ? limits->clients_max : SLOTS_MAX / 8;
    list_init(&sio->unconnected);
    sio->users = slots_create(most);
    sio->of_sessions = hmap_create(sizeof(uint32_t), most);
    sio->rooms = slots_create(most * SOCKET_IO_ROOMS_MAX);
    sio->room_names = hmap_create(sizeof(struct dialect_name), most * SOCKET_IO_ROOMS_MAX);
    if (sio->users && sio->of_sessions && sio->rooms && sio->room_names)
        sio->engine = engine_create(limits, outside, &user, now_us);
    if (sio->engine)
        return sio;
    socket_io_destroy(sio);
    return NULL;
}

void socket_io_destroy(struct socket_io *sio) {
    if (!sio)
        return;
    uint32_t cursor = 0;
    struct user *user;
    engine_destroy(sio->engine);
    while (sio->engine && (user = slots_next(sio->users, &cursor)))
        forget(sio, user);
    slots_destroy(sio->users);
    slots_destroy(sio->rooms);
    hmap_destroy(sio->of_sessions);
    hmap_destroy(sio->room_names);
    free(sio);
}

struct engine *socket_io_engine(const struct socket_io *sio) {
    return sio->engine;
}

static const struct user *first_unconnected(const struct socket_io *sio) {
    return list_empty(&sio->unconnected) ? NULL : LIST_ENTRY(sio->unconnected.next, struct user, unconnected);
}

uint64_t socket_io_next_us(const struct socket_io *sio) {
    const struct user *first = first_unconnected(sio);
    uint64_t next_us = engine_next_us(sio->engine);
    return first && first->connect_by_us < next_us ? first->connect_by_us : next_us;
}

void socket_io_advance(struct socket_io *sio, uint64_t now_us) {
    const struct user *first;
    engine_advance(sio->engine, now_us);
    while ((first = first_unconnected(sio)) && first->connect_by_us <= now_us)
        end_session(sio, first->session, "no CONNECT came");
}

void socket_io_read_counts(const struct socket_io *sio, struct dialect_counts *counts) {
    engine_read_counts(sio->engine, counts);
    counts->relayed += sio->relayed;
    counts->refused += sio->refused;
}
