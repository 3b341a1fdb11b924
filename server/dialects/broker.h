// broker: clients with names, and messages for names that nobody has yet: what PeerJS and the dialect with
// `from` and `to` stand on. It knows the text of no message.
//
// A message that waits belongs to a name, not to a client, and goes after a time that is the same for all.
// What waits is bounded by name, by sender, by the senders' network (an IPv4 address, or a /64) and as a
// whole; what would be beyond is refused, and nobody's message makes room for another's.
//
// No I/O, no clock. Control thread only.
#ifndef SERVER_BROKER_H
#define SERVER_BROKER_H

#include "base/list.h"
#include "server/dialects/dialect.h"

#define BROKER_TOKEN_MAX 64                     // bytes
#define BROKER_NAMES_WAITED_MAX 4096            // names that messages wait for
#define BROKER_WAITING_MAX 64                   // messages for one name, and of one sender
#define BROKER_WAITING_BYTES_MAX (512 * 1024)   // likewise
#define BROKER_NETWORK_BYTES_MAX (1024 * 1024)  // of all senders of one network whose address is known
#define BROKER_NETWORKS_MAX 16384               // of which something waits
#define BROKER_ALL_BYTES_MAX (16 * 1024 * 1024) // of everything that waits

struct broker_config {
    uint32_t clients_max;
    uint64_t wait_us;  // that a message waits
    uint64_t alive_us; // that a client may be silent; TIME_NEVER: for ever
};

// A client: one connection.
struct broker_client {
    uint32_t id;     // in the broker
    uint32_t client; // of the connection, for dialect_io
    struct net_address address;
    bool address_known; // it is the client's own, not a proxy's that speaks for many
    bool named;
    struct dialect_name name;
    char token[BROKER_TOKEN_MAX]; // zeros behind its end; for PeerJS
    struct dialect_spent spent;
    uint64_t heard_us;
    struct list by_heard; // who was heard longest ago stands in front
    unsigned waiting;     // of its messages
    size_t waiting_bytes;
};

struct broker;

struct broker *broker_create(const struct broker_config *config, uint64_t now_us); // NULL: no memory
void broker_destroy(struct broker *broker);                                        // NULL is fine

// ---- clients

// NULL: clients_max are there, or no memory.
struct broker_client *broker_open(struct broker *broker, uint32_t client, const struct net_address *address,
                                  bool address_known, uint64_t now_us);
void broker_close(struct broker *broker, struct broker_client *client); // with its name; messages stay
struct broker_client *broker_find(const struct broker *broker, uint32_t client); // or NULL
struct broker_client *broker_find_named(const struct broker *broker, const struct dialect_name *name); // NULL
// Gives the client its one name, which nobody has. False: no memory.
bool broker_name(struct broker *broker, struct broker_client *client, const struct dialect_name *name);
void broker_heard(struct broker *broker, struct broker_client *client, uint64_t now_us);
// Whoever has been silent for too long, or NULL.
struct broker_client *broker_silent(const struct broker *broker, uint64_t now_us);
// Walks all clients: start with *cursor = 0; NULL at the end.
struct broker_client *broker_next(const struct broker *broker, uint32_t *cursor);
uint32_t broker_client_count(const struct broker *broker);

// ---- messages that wait

struct broker_message {
    struct dialect_name from, to;
    bool late;    // goes to its receiver behind those that are not
    bool follows; // its sender need not hear of it where an earlier one that waits is told of
    bool quiet;   // set by broker_keep: so it is
    const char *text;
    size_t len;
};

// Keeps a copy for whoever takes the name `to`. False: a bound is reached, or no memory.
bool broker_keep(struct broker *broker, struct broker_client *from, const struct broker_message *message,
                 uint64_t now_us);
// Takes out the next message for the name; NULL: there is none. To be freed by broker_message_free.
struct broker_message *broker_take(struct broker *broker, const struct dialect_name *to);
// Takes out a message that nobody came for, or NULL.
struct broker_message *broker_take_expired(struct broker *broker, uint64_t now_us);
void broker_message_free(struct broker_message *message); // NULL is fine

uint64_t broker_next_us(const struct broker *broker); // when something may be silent or expired
void broker_read_counts(const struct broker *broker, struct dialect_counts *counts); // adds kept, kept_bytes

#endif
