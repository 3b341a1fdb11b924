// dialect: what the signalling dialects that others made have in common: PeerJS (server/dialects/peerjs.h),
// the messages with `from` and `to` (server/dialects/named.h) and calls by socket.io
// (server/dialects/socket_io.h).
//
// They set up calls between two clients that carry their media themselves: none of them touches a room, a
// participant or a worker. What each may cost is bounded here. docs/dialects.md is their contract.
//
// No I/O, no clock: texts and `now_us` in, texts out. Control thread only.
#ifndef SERVER_DIALECT_H
#define SERVER_DIALECT_H

#include "base/span.h"
#include "server/common/net_address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIALECT_MESSAGE_MAX (64 * 1024) // bytes of one message that comes in
#define DIALECT_NAME_MAX 64             // bytes of an id, of a room's name
#define DIALECT_REASON_MAX 123          // bytes of a close reason (RFC 6455, section 5.5)

// Codes of a close frame (RFC 6455, section 7.4.1).
#define DIALECT_CLOSE_NORMAL 1000
#define DIALECT_CLOSE_BINARY 1003
#define DIALECT_CLOSE_REFUSED 1008
#define DIALECT_CLOSE_TOO_BIG 1009

struct dialect_io {
    void *ctx;
    void (*send)(void *ctx, uint32_t client, const char *text, size_t len);
    void (*close)(void *ctx, uint32_t client, uint16_t code, const char *reason);
};

struct dialect_limits {
    uint32_t clients_max;             // of one dialect
    uint32_t messages_per_second_max; // of one client; bursts of ten seconds are taken
    uint32_t relay_rate_max;          // bytes a second of one client, summed over receivers; likewise
};

// Of all dialects together. X(member, type of the metric, its name, its help)
#define DIALECT_COUNTERS(X)                                                                                  \
    X(peerjs_clients, "gauge", "rotunda_peerjs_clients", "Clients of PeerJS.")                               \
    X(named_clients, "gauge", "rotunda_named_ws_clients", "Clients of the dialect with from and to.")        \
    X(socket_io_clients, "gauge", "rotunda_socket_io_clients", "Sessions of socket.io.")                     \
    X(socket_io_polls, "gauge", "rotunda_socket_io_polls", "Requests of socket.io that wait for news.")      \
    X(relayed, "counter", "rotunda_dialect_relayed_total", "Messages of dialects that were passed on.")      \
    X(kept, "gauge", "rotunda_dialect_kept_messages",                                                        \
      "Messages of dialects that wait for somebody who is not there yet.")                                   \
    X(kept_bytes, "gauge", "rotunda_dialect_kept_bytes", "The same in bytes.")                               \
    X(expired, "counter", "rotunda_dialect_expired_total", "Messages of dialects nobody came for in time.")  \
    X(refused, "counter", "rotunda_dialect_refused_total",                                                   \
      "Messages, clients and requests of dialects that were refused.")

struct dialect_counts {
#define DIALECT_MEMBER(member, ...) uint64_t member;
    DIALECT_COUNTERS(DIALECT_MEMBER)
#undef DIALECT_MEMBER
};

// A name in the one form that tables compare: what is beyond its end is zero.
struct dialect_name {
    char text[DIALECT_NAME_MAX];
};

// What a client has cost lately, as a moment when it will be paid for.
struct dialect_spent {
    uint64_t due_us;
};
// Takes a message of `bytes` (to all its receivers together) off what the client may send; false: it sends
// too much.
bool dialect_spend(struct dialect_spent *spent, const struct dialect_limits *limits, size_t bytes,
                   uint64_t now_us);

// Any text of 1 to DIALECT_NAME_MAX bytes in UTF-8 without control characters; false: it is none.
bool dialect_name_of(const char *text, struct dialect_name *out);
// A name as a text with its end.
void dialect_name_text(const struct dialect_name *name, char out[DIALECT_NAME_MAX + 1]);

#endif
