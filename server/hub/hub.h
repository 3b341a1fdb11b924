// hub: the control side of the whole server as one sans-I/O object: sessions, rooms, negotiation, protocol.
//
// WebSocket texts and media events go in with `now_us`; texts for clients and commands for workers come out
// through `struct hub_io`. It touches no socket, no thread and no clock. Control thread only.
// docs/protocol.md is its contract.
#ifndef SERVER_HUB_H
#define SERVER_HUB_H

#include "base/err.h"
#include "rooms/media_msg.h"
#include "server/hub/ice_servers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUB_ANNOUNCE_MAX 16
#define HUB_MESSAGE_MAX (64 * 1024)       // bytes of one incoming message
#define JOINED_REST_BYTES_MAX (24 * 1024) // of `joined`, without lists, chat and ids

struct hub_limits {
    uint32_t rooms_max;
    uint32_t participants_per_room_max;
    uint32_t transports_per_participant_max;
    uint32_t producers_per_participant_max;
    uint32_t consumers_per_participant_max;
    uint32_t messages_per_second_max; // sustained, per connection; a burst of ten seconds' worth is fine
    uint32_t commands_waiting_max;    // that clients asked for, for one worker whose queue is full
    uint32_t chat_history_max;        // messages that a room keeps
    uint32_t chat_bytes_max;          // of one chat text
    uint32_t chat_history_bytes_max;  // of those messages, as JSON
    // appData as JSON: of one participant's producers, and of a room's beyond what each has for nothing
    uint32_t participant_app_data_bytes_max, room_app_data_bytes_max;
    uint32_t relay_rate_max;    // bytes a second that one participant sends to others, summed over them
    uint32_t relayed_bytes_max; // that others may cause to wait for one participant
    uint32_t held_bytes_max;    // of memory that are held for clients, what waits to be sent included
    uint64_t resume_window_us;
    uint64_t room_linger_us;
    uint64_t join_timeout_us;         // a connection that does not join in this time is closed
    uint32_t participants_per_worker; // of one room, before its next participants go to another worker
};

struct hub_config {
    unsigned workers; // 1..WORKERS_MAX
    // ICE candidates: every address with the media port of the participant's worker (all the same on a shared
    // port).
    unsigned announce_count;
    char announce[HUB_ANNOUNCE_MAX][46]; // IP literals
    uint16_t media_ports[WORKERS_MAX];
    char fingerprint_sha256[3 * 32]; // "AA:BB:...", NUL-terminated
    struct ice_servers ice_servers;  // that clients are told of
    struct hub_limits limits;
};

// The longest `joined` under these limits, in bytes. What does not fit it of a large room follows at once, as
// `user-joined` and `new-producer`.
#define HUB_JOINED_LISTS_BYTES_MAX (128 * 1024) // users, peers and producers
size_t hub_joined_bytes_max(const struct hub_limits *limits);

// Sane defaults for everything but workers, addresses, ports and the fingerprint.
void hub_limits_default(struct hub_limits *limits);

// A client is one WebSocket connection; its number is chosen by the caller and not reused while it is open.
// What the caller may limit before it happens, and what it is told of a client; for limits by address.
enum hub_step { HUB_STEP_JOIN, HUB_STEP_OPEN_ROOM };
enum hub_note { HUB_NOTE_JOINED, HUB_NOTE_LEFT, HUB_NOTE_JOIN_FAILED };

struct hub_io {
    void *ctx;
    // Queues one text frame; the bytes are copied. A client that does not keep up is closed by the callee,
    // which then reports hub_client_closed later, never from inside this call.
    void (*send)(void *ctx, uint32_t client, const char *text, size_t len);
    // The same for what a client is owed on joining, which must not be cut off for its length. NULL: send.
    void (*send_owed)(void *ctx, uint32_t client, const char *text, size_t len);
    // Closes after what is queued has been sent. hub_client_closed follows later, never from inside this
    // call.
    void (*close)(void *ctx, uint32_t client, uint16_t code, const char *reason);
    // Hands a command to a worker. False when its queue is full: the hub then keeps it and tries again
    // (server/hub/command_post.h).
    bool (*post)(void *ctx, unsigned worker, const struct media_cmd *cmd);
    // The seconds that the client must wait before it may take this step; 0: it may now. NULL: always.
    unsigned (*admit)(void *ctx, uint32_t client, enum hub_step step);
    void (*note)(void *ctx, uint32_t client, enum hub_note note); // NULL: nobody wants to know
    // Bytes that wait to be sent to clients. NULL: not known, none.
    size_t (*waiting)(void *ctx);
    // Microseconds since 1970, for the times that people read (chat, ping, stats). NULL: clock_wall_us.
    uint64_t (*wall_us)(void *ctx);
};

struct hub;

struct hub *hub_create(const struct hub_config *config, const struct hub_io *io,
                       uint64_t now_us); // NULL: no memory
// Tells nobody; close the connections first. NULL is fine.
void hub_destroy(struct hub *hub);

void hub_client_opened(struct hub *hub, uint32_t client, uint64_t now_us);
// One text message, already known to be at most HUB_MESSAGE_MAX bytes; not NUL-terminated.
void hub_client_message(struct hub *hub, uint32_t client, const char *text, size_t len, uint64_t now_us);
// A frame that the protocol does not allow (section 1): answers `error` and closes with 1003 (binary) or 1009
// (too big).
enum hub_bad_frame { HUB_FRAME_BINARY, HUB_FRAME_TOO_BIG };
void hub_client_bad_frame(struct hub *hub, uint32_t client, enum hub_bad_frame what, uint64_t now_us);
void hub_client_closed(struct hub *hub, uint32_t client, uint64_t now_us);

void hub_media_event(struct hub *hub, unsigned worker, const struct media_event *event, uint64_t now_us);
// A worker's answer to a GET_STATS.
void hub_media_stats(struct hub *hub, unsigned worker, const struct media_stats *stats, uint64_t now_us);

// Timers: resume windows, lingering rooms, unjoined connections, speakers. Call at or after hub_next_us.
uint64_t hub_next_us(const struct hub *hub); // TIME_NEVER for none
void hub_advance(struct hub *hub, uint64_t now_us);

// Begins the end: `server-draining` to everyone, new joins are refused with `draining`.
void hub_drain(struct hub *hub, uint64_t now_us);

struct hub_counts {
    uint32_t clients, rooms, participants, transports, producers, consumers, relays;
    uint32_t transports_by_ice[4];  // by enum ice_state
    uint32_t transports_by_dtls[5]; // by enum dtls_state
    uint32_t commands_waiting;      // for room in the queues of workers
    uint64_t held_bytes;            // of memory that is held for clients (limits.held_bytes_max)
    uint64_t messages_in, messages_out, errors_out, joins, joins_refused, resumes, leaves, rate_limited;
};
void hub_read_counts(const struct hub *hub, struct hub_counts *out);

#endif
