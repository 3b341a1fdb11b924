// signalling: the WebSocket protocol of the hub: sessions, and JSON turned into verbs
// (server/hub/hub_verbs.h) and events (server/hub/hub_events.h) into JSON.
//
// Texts of clients go in with `now_us`, texts for clients come out through `struct signal_io`. It touches no
// socket, no thread and no clock. It observes its hub. Control thread only. docs/protocol.md is its contract.
#ifndef SERVER_SIGNALLING_H
#define SERVER_SIGNALLING_H

#include "server/hub/hub_verbs.h"

#define SIGNAL_WHY_MAX 256
#define SIGNAL_PASSWORD_BYTES_MAX 512
#define SIGNAL_MESSAGE_MAX (64 * 1024) // bytes of one incoming message

// How a text goes out.
enum signal_haste {
    SIGNAL_NOW,
    SIGNAL_SOON, // it may wait a moment for others: many people cause it at once, and nobody waits for it
    SIGNAL_OWED, // what a client gets on joining, which must not be cut off for its length
};

// What the caller is told of a client; for limits by address. SIGNAL_GUESSED: a join failed for a wrong
// password.
enum signal_note { SIGNAL_JOINED, SIGNAL_LEFT, SIGNAL_JOIN_FAILED, SIGNAL_GUESSED };

// A client is one WebSocket connection; its number is chosen by the caller and not reused while it is open.
struct signal_io {
    void *ctx;
    // Queues one text frame; the bytes are copied. A client that does not keep up is closed by the callee,
    // which then reports signalling_client_closed later, never from inside this call.
    void (*send)(void *ctx, uint32_t client, const char *text, size_t len, enum signal_haste haste);
    // Closes after what is queued has been sent. signalling_client_closed follows later, never from inside
    // this call.
    void (*close)(void *ctx, uint32_t client, uint16_t code, const char *reason);
    // The seconds that the client must wait before it may take this step; 0: it may now. NULL: always.
    unsigned (*admit)(void *ctx, uint32_t client, enum hub_step step);
    // What a token says; false: `why` (SIGNAL_WHY_MAX bytes) says what is wrong with it. NULL: nobody needs
    // one.
    bool (*verify)(void *ctx, const char *token, struct grants *out, char *why);
    // Whether one who comes without a token has to show a password to join that room by that name, and
    // whether it is a moderator's. NULL: nobody has to.
    bool (*password)(void *ctx, const char *room, const char *name, bool *moderator);
    // Begins to verify it; signalling_password_checked follows, never from inside this call. False: not now.
    bool (*check_password)(void *ctx, uint32_t client, uint32_t ticket, const char *room, const char *name,
                           const char *password);
    // Where the client comes from, for bans ("192.0.2.7", "2001:db8:0:1::/64"); false: not known. NULL:
    // never.
    bool (*network)(void *ctx, uint32_t client, char out[NETWORK_BYTES_MAX]);
    void (*note)(void *ctx, uint32_t client, enum signal_note note); // NULL: nobody wants to know
    // Bytes that wait to be sent to clients. NULL: not known, none.
    size_t (*waiting)(void *ctx);
};

struct signalling;

// NULL: no memory. The hub outlives it.
struct signalling *signalling_create(struct hub *hub, const struct signal_io *io, uint64_t now_us);
// Tells nobody; close the connections first. NULL is fine.
void signalling_destroy(struct signalling *signalling);

void signalling_client_opened(struct signalling *signalling, uint32_t client, uint64_t now_us);
// One text message, already known to be at most SIGNAL_MESSAGE_MAX bytes; not NUL-terminated.
void signalling_client_message(struct signalling *signalling, uint32_t client, const char *text, size_t len,
                               uint64_t now_us);
// A frame that the protocol does not allow (section 1): answers `error` and closes with 1003 (binary) or 1009
// (too big).
enum signal_bad_frame { SIGNAL_FRAME_BINARY, SIGNAL_FRAME_TOO_BIG };
void signalling_client_bad_frame(struct signalling *signalling, uint32_t client, enum signal_bad_frame what,
                                 uint64_t now_us);
void signalling_client_closed(struct signalling *signalling, uint32_t client, uint64_t now_us);
// The same of one that was given up: it was heard last at heard_us, and what its participant may take to
// return counts from there.
void signalling_client_lost(struct signalling *signalling, uint32_t client, uint64_t heard_us,
                            uint64_t now_us);

// The password of signal_io.check_password was verified. The client may be gone, or have given up.
void signalling_password_checked(struct signalling *signalling, uint32_t client, uint32_t ticket, bool right,
                                 bool moderator, uint64_t now_us);

// What a program that manages the room says to somebody in it, or to everybody (only NULL), in base64. topic:
// NULL for none. Whoever has no connection just now does not hear it.
void signalling_send_data(struct signalling *signalling, const struct room *room,
                          const struct participant *only, const char *payload_base64, const char *topic);

// Timers: connections that do not join, get-stats that nobody answers. Call at or after signalling_next_us.
uint64_t signalling_next_us(const struct signalling *signalling); // TIME_NEVER for none
void signalling_advance(struct signalling *signalling, uint64_t now_us);

// What the signalling counts. A row is all that a new counter needs besides the line that counts: a member
// below, and a metric. X(member, type of the metric, its name, its help)
#define SIGNAL_COUNTERS(X)                                                                                   \
    X(clients, "gauge", "rotunda_clients", "WebSocket clients.")                                             \
    X(messages_in, "counter", "rotunda_messages_received_total", "Messages from clients.")                   \
    X(messages_out, "counter", "rotunda_messages_sent_total", "Messages to clients.")                        \
    X(errors_out, "counter", "rotunda_errors_sent_total", "Error answers to clients.")

struct signal_counts {
#define SIGNAL_MEMBER(member, ...) uint64_t member;
    SIGNAL_COUNTERS(SIGNAL_MEMBER)
#undef SIGNAL_MEMBER
    uint64_t rate_limited; // messages and joins; what is too much for others is hub_counts.rate_limited
};
void signalling_read_counts(const struct signalling *signalling, struct signal_counts *out);

#endif
