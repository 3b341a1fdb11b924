#include "server/dialects/broker.h"

#include "base/clock.h"
#include "base/hmap.h"
#include "base/slots.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// The messages for one name, in two rows.
struct box {
    uint32_t id;
    struct dialect_name to;
    struct list rows[2]; // struct letter; those that go behind are in the second
    unsigned count;
    size_t bytes;
};

// What waits of the clients of one network, as long as something does.
struct share {
    uint32_t id;
    struct net_address network;
    size_t bytes;
    unsigned count; // of messages
};

struct letter {
    struct broker_message message; // first, so that one is the other
    struct box *box;
    struct share *share; // NULL: nobody knows whose it is
    struct list in_row, in_ages;
    uint64_t due_us;
    uint32_t sender; // id of a client, which may be gone
    char bytes[];
};

struct broker {
    struct broker_config config;
    struct slots *clients; // struct broker_client
    struct hmap *connections, *names;
    struct list heard;   // clients by by_heard
    struct slots *boxes; // struct box
    struct hmap *box_names;
    struct slots *shares; // struct share
    struct hmap *share_networks;
    struct list ages; // letters, the oldest in front
    unsigned kept;
    size_t kept_bytes;
};

struct broker *broker_create(const struct broker_config *config, uint64_t now_us) {
    (void)now_us;
    struct broker *broker = calloc(1, sizeof *broker);
    if (!broker)
        return NULL;
    uint32_t most = config->clients_max < SLOTS_MAX ? config->clients_max : SLOTS_MAX;
    broker->config = *config;
    list_init(&broker->heard);
    list_init(&broker->ages);
    broker->clients = slots_create(most);
    broker->connections = hmap_create(sizeof(uint32_t), most);
    broker->names = hmap_create(sizeof(struct dialect_name), most);
    broker->boxes = slots_create(BROKER_NAMES_WAITED_MAX);
    broker->box_names = hmap_create(sizeof(struct dialect_name), BROKER_NAMES_WAITED_MAX);
    broker->shares = slots_create(BROKER_NETWORKS_MAX);
    broker->share_networks = hmap_create(sizeof(struct net_address), BROKER_NETWORKS_MAX);
    if (broker->clients && broker->connections && broker->names && broker->boxes && broker->box_names &&
        broker->shares && broker->share_networks)
        return broker;
    broker_destroy(broker);
    return NULL;
}

// ---- clients

struct broker_client *broker_open(struct broker *broker, uint32_t client, const struct net_address *address,
                                  bool address_known, uint64_t now_us) {
    struct broker_client *one = calloc(1, sizeof *one);
    if (!one)
        return NULL;
    one->id = slots_add(broker->clients, one);
    if (!one->id || hmap_put(broker->connections, &client, one->id) != ERR_OK) {
        if (one->id)
            slots_remove(broker->clients, one->id);
        free(one);
        return NULL;
    }
    one->client = client;
    one->address = *address;
    one->address_known = address_known;
    one->heard_us = now_us;
    list_push_back(&broker->heard, &one->by_heard);
    return one;
}

void broker_close(struct broker *broker, struct broker_client *client) {
    if (client->named)
        hmap_remove(broker->names, &client->name);
    hmap_remove(broker->connections, &client->client);
    list_remove(&client->by_heard);
    slots_remove(broker->clients, client->id);
    free(client);
}

struct broker_client *broker_find(const struct broker *broker, uint32_t client) {
    uint32_t id = hmap_get(broker->connections, &client);
    return id == HMAP_NONE ? NULL : slots_get(broker->clients, id);
}

struct broker_client *broker_find_named(const struct broker *broker, const struct dialect_name *name) {
    uint32_t id = hmap_get(broker->names, name);
    return id == HMAP_NONE ? NULL : slots_get(broker->clients, id);
}

bool broker_name(struct broker *broker, struct broker_client *client, const struct dialect_name *name) {
    assert(!client->named && !broker_find_named(broker, name));
    if (hmap_put(broker->names, name, client->id) != ERR_OK)
        return false;
    client->name = *name;
    client->named = true;
    return true;
}

void broker_heard(struct broker *broker, struct broker_client *client, uint64_t now_us) {
    client->heard_us = now_us;
    list_remove(&client->by_heard);
    list_push_back(&broker->heard, &client->by_heard);
}

static uint64_t silent_us(const struct broker *broker) {
    if (list_empty(&broker->heard) || broker->config.alive_us == TIME_NEVER)
        return TIME_NEVER;
    return LIST_ENTRY(broker->heard.next, struct broker_client, by_heard)->heard_us + broker->config.alive_us;
}

struct broker_client *broker_silent(const struct broker *broker, uint64_t now_us) {
    return silent_us(broker) <= now_us ? LIST_ENTRY(broker->heard.next, struct broker_client, by_heard)
                                       : NULL;
}

struct broker_client *broker_next(const struct broker *broker, uint32_t *cursor) {
    return slots_next(broker->clients, cursor);
}

uint32_t broker_client_count(const struct broker *broker) {
    return slots_count(broker->clients);
}

// ---- messages that wait

static struct box *box_find(const struct broker *broker, const struct dialect_name *to) {
    uint32_t id = hmap_get(broker->box_names, to);
    return id == HMAP_NONE ? NULL : slots_get(broker->boxes, id);
}

static void box_free(struct broker *broker, struct box *box) {
    assert(box->count == 0 && box->bytes == 0);
    hmap_remove(broker->box_names, &box->to);
    slots_remove(broker->boxes, box->id);
    free(box);
}

static struct box *box_take(struct broker *broker, const struct dialect_name *to) {
    struct box *box = box_find(broker, to);
    if (box || !(box = calloc(1, sizeof *box)))
        return box;
    box->to = *to;
    list_init(&box->rows[0]);
    list_init(&box->rows[1]);
    box->id = slots_add(broker->boxes, box);
    if (box->id && hmap_put(broker->box_names, to, box->id) == ERR_OK)
        return box;
    if (box->id)
        slots_remove(broker->boxes, box->id);
    free(box);
    return NULL;
}

static void share_free(struct broker *broker, struct share *share) {
    assert(share->count == 0 && share->bytes == 0);
    hmap_remove(broker->share_networks, &share->network);
    slots_remove(broker->shares, share->id);
    free(share);
}

// That of the client's network; NULL: no memory, or too many have one.
static struct share *share_take(struct broker *broker, const struct broker_client *from) {
    struct net_address network = net_address_base(&from->address);
    uint32_t id = hmap_get(broker->share_networks, &network);
    struct share *share = id == HMAP_NONE ? NULL : slots_get(broker->shares, id);
    if (share || !(share = calloc(1, sizeof *share)))
        return share;
    share->network = network;
    share->id = slots_add(broker->shares, share);
    if (share->id && hmap_put(broker->share_networks, &network, share->id) == ERR_OK)
        return share;
    if (share->id)
        slots_remove(broker->shares, share->id);
    free(share);
    return NULL;
}

static bool share_has_room(const struct share *share, size_t len) {
    return share->bytes + len <= BROKER_NETWORK_BYTES_MAX;
}

static bool has_room(const struct broker *broker, const struct box *box, const struct broker_client *from,
                     size_t len) {
    return box->count < BROKER_WAITING_MAX && box->bytes + len <= BROKER_WAITING_BYTES_MAX &&
           from->waiting < BROKER_WAITING_MAX && from->waiting_bytes + len <= BROKER_WAITING_BYTES_MAX &&
           broker->kept_bytes + len <= BROKER_ALL_BYTES_MAX;
}

static bool has_of(const struct box *box, const struct dialect_name *from) {
    for (unsigned row = 0; row < 2; row++)
        LIST_EACH(node, &box->rows[row])
    if (memcmp(&LIST_ENTRY(node, struct letter, in_row)->message.from, from, sizeof *from) == 0)
        return true;
    return false;
}

bool broker_keep(struct broker *broker, struct broker_client *from, const struct broker_message *message,
                 uint64_t now_us) {
    size_t len = message->len;
    struct box *box = box_take(broker, &message->to);
    if (!box)
        return false;
    struct share *share = from->address_known ? share_take(broker, from) : NULL;
    bool allowed = from->address_known ? share && share_has_room(share, len) : true;
    struct letter *letter = allowed && has_room(broker, box, from, len) ? malloc(sizeof *letter + len) : NULL;
    if (!letter) {
        if (box->count == 0)
            box_free(broker, box);
        if (share && share->count == 0)
            share_free(broker, share);
        return false;
    }
    letter->message = *message;
    letter->message.quiet = message->follows && has_of(box, &message->from);
    memcpy(letter->bytes, message->text, len);
    letter->message.text = letter->bytes;
    letter->box = box;
    letter->share = share;
    if (share) {
        share->count++;
        share->bytes += len;
    }
    letter->due_us = now_us + broker->config.wait_us;
    letter->sender = from->id;
    list_push_back(&box->rows[message->late], &letter->in_row);
    list_push_back(&broker->ages, &letter->in_ages);
    box->count++;
    box->bytes += len;
    broker->kept++;
    broker->kept_bytes += len;
    from->waiting++;
    from->waiting_bytes += len;
    return true;
}

static struct broker_message *letter_take_out(struct broker *broker, struct letter *letter) {
    struct box *box = letter->box;
    size_t len = letter->message.len;
    struct broker_client *sender = slots_get(broker->clients, letter->sender);
    list_remove(&letter->in_row);
    list_remove(&letter->in_ages);
    box->count--;
    box->bytes -= len;
    broker->kept--;
    broker->kept_bytes -= len;
    if (sender) {
        sender->waiting--;
        sender->waiting_bytes -= len;
    }
    if (box->count == 0)
        box_free(broker, box);
    if (letter->share) {
        letter->share->count--;
        letter->share->bytes -= len;
        if (letter->share->count == 0)
            share_free(broker, letter->share);
    }
    return &letter->message;
}

struct broker_message *broker_take(struct broker *broker, const struct dialect_name *to) {
    struct box *box = box_find(broker, to);
    if (!box)
        return NULL;
    const struct list *row = list_empty(&box->rows[0]) ? &box->rows[1] : &box->rows[0];
    return letter_take_out(broker, LIST_ENTRY(row->next, struct letter, in_row));
}

struct broker_message *broker_take_expired(struct broker *broker, uint64_t now_us) {
    if (list_empty(&broker->ages))
        return NULL;
    struct letter *oldest = LIST_ENTRY(broker->ages.next, struct letter, in_ages);
    return oldest->due_us <= now_us ? letter_take_out(broker, oldest) : NULL;
}

void broker_message_free(struct broker_message *message) {
    free(message); // the letter, which begins with it
}

uint64_t broker_next_us(const struct broker *broker) {
    uint64_t due_us = list_empty(&broker->ages)
                          ? TIME_NEVER
                          : LIST_ENTRY(broker->ages.next, struct letter, in_ages)->due_us;
    uint64_t gone_us = silent_us(broker);
    return gone_us < due_us ? gone_us : due_us;
}

void broker_read_counts(const struct broker *broker, struct dialect_counts *counts) {
    counts->kept += broker->kept;
    counts->kept_bytes += broker->kept_bytes;
}

void broker_destroy(struct broker *broker) {
    if (!broker)
        return;
    while (broker->boxes && !list_empty(&broker->ages))
        broker_message_free(letter_take_out(broker, LIST_ENTRY(broker->ages.next, struct letter, in_ages)));
    while (!list_empty(&broker->heard))
        broker_close(broker, LIST_ENTRY(broker->heard.next, struct broker_client, by_heard));
    slots_destroy(broker->clients);
    hmap_destroy(broker->connections);
    hmap_destroy(broker->names);
    slots_destroy(broker->boxes);
    hmap_destroy(broker->box_names);
    slots_destroy(broker->shares);
    hmap_destroy(broker->share_networks);
    free(broker);
}
