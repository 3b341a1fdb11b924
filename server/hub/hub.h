// hub: who is together in which room, and what they send and get: the control side of the whole server as one
// sans-I/O object.
//
// Verbs (server/hub/hub_verbs.h) and what media workers report go in; commands for workers come out through
// `struct hub_io`, and what others are to hear through `struct hub_events` (server/hub/hub_events.h). It
// knows no message, no connection but its number, no socket, no thread and no clock. Control thread only.
// What its limits and refusals mean to clients is in docs/protocol.md.
#ifndef SERVER_HUB_H
#define SERVER_HUB_H

#include "base/err.h"
#include "rooms/media_msg.h"
#include "rooms/room_rules.h"
#include "server/common/net_address.h"
#include "server/hub/hub_counters.h"
#include "server/hub/ice_servers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUB_ANNOUNCE_MAX 16
#define ROOM_METADATA_BYTES_MAX 8192      // as JSON
#define JOINED_REST_BYTES_MAX (32 * 1024) // of `joined`, without lists, chat and ids

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
    uint32_t last_n, loudest_n;       // what rooms give that do not choose; 0: everybody
    uint32_t participants_per_worker; // of one room, before its next participants go to another worker
};

// Where media is taken over TCP. Port 0: not there.
struct hub_tcp {
    uint16_t media_port;   // on all addresses
    uint16_t web_port;     // HTTP's own TLS port,
    bool web_ip4, web_ip6; // which is open on all addresses of these families,
    char web_ip[46];       // or on this one
};

// Full ICE agents in place of ICE-lite (docs/adr/0020-one-thread-owns-agents.md).
enum hub_ice_mode {
    HUB_ICE_LITE, // there are none
    HUB_ICE_AUTO, // for whoever asks for one, and for peers that are ICE-lite themselves
    HUB_ICE_FULL, // for everybody who does not ask for ICE-lite
};
struct hub_ice {
    enum hub_ice_mode mode;
    uint32_t agents_max;
    uint32_t agents_per_room, agents_per_address; // 0: no limit
    struct networks peers;                        // where checks may go beside the public internet
};

struct hub_config {
    unsigned workers; // 1..WORKERS_MAX
    // ICE candidates: every address with the media port of the participant's worker (all the same on a shared
    // port).
    unsigned announce_count;
    char announce[HUB_ANNOUNCE_MAX][46]; // IP literals
    uint16_t media_ports[WORKERS_MAX];
    struct hub_tcp tcp;
    char fingerprint_sha256[3 * 32]; // "AA:BB:...", NUL-terminated
    struct ice_servers ice_servers;  // that clients are told of
    struct hub_limits limits;
    struct hub_ice ice;
};

// No `joined` is longer, whatever the settings. What does not fit it of a large room follows at once, as
// `user-joined` and `new-producer`.
#define HUB_JOINED_BYTES_MAX (256 * 1024)
#define HUB_JOINED_LISTS_BYTES_MAX (120 * 1024)
// Bytes for its users, peers, producers and new consumers: what chat and the ids of one participant's own
// leave of it, at most HUB_JOINED_LISTS_BYTES_MAX. With the largest limits that can be set there are 32 KiB.
size_t hub_joined_lists_bytes(const struct hub_limits *limits);

// Sane defaults for everything but workers, addresses, ports and the fingerprint.
void hub_limits_default(struct hub_limits *limits);

// Bound sockets for one transport of plain RTP.
#define HUB_PLAIN_WHY_MAX 256
struct plain_place {
    int rtp_fd, rtcp_fd; // rtcp_fd -1: one carries both
    char ip[46];         // that the other side sends to
    uint16_t rtp_port, rtcp_port;
    uint8_t family; // 4 or 6
};
enum plain_bind_result { PLAIN_BOUND, PLAIN_BIND_NONE_LEFT, PLAIN_BIND_FAILED };

struct room;
struct hub_refusal;
struct hub_io {
    void *ctx;
    // Hands a command to a worker. False when its queue is full: the hub then keeps it and tries again
    // (server/hub/command_post.h).
    bool (*post)(void *ctx, unsigned worker, const struct media_cmd *cmd);
    // The same for the data worker. NULL: there is none, and no transport carries data channels.
    bool (*post_data)(void *ctx, const struct data_cmd *cmd);
    // Microseconds since 1970, for the times that people read. NULL: clock_wall_us.
    uint64_t (*wall_us)(void *ctx);
    // What is settled for a room of that name, asked at each join. NULL: nothing is.
    struct room_rules (*rules)(void *ctx, const char *room);
    // Sockets for plain RTP, the caller's; but for PLAIN_BOUND, `why` (HUB_PLAIN_WHY_MAX bytes) says what is
    // missing. inside: on loopback, for a program of the server's own. NULL: there is none on this server.
    enum plain_bind_result (*plain_bind)(void *ctx, bool rtcp_mux, bool inside, struct plain_place *out,
                                         char *why);
    // Begins or ends a recording of the room. False and a refusal. NULL: nothing is recorded on this server.
    bool (*record)(void *ctx, const struct room *room, bool begin, struct hub_refusal *refusal);
};

struct hub;
struct hub_events;
struct room;
struct json_t; // jansson

struct hub *hub_create(const struct hub_config *config, const struct hub_io *io,
                       uint64_t now_us); // NULL: no memory
// Tells neither workers nor observers. NULL is fine.
void hub_destroy(struct hub *hub);

// Who hears what happens, and speaks for participants; one protocol each.
enum hub_observer {
    HUB_OBSERVER_SIGNALLING,
    HUB_OBSERVER_WHIP,
    HUB_OBSERVER_WEBHOOKS,
    HUB_OBSERVER_PLAIN,
    HUB_OBSERVER_RECORDER,
    HUB_OBSERVER_COUNT
};
// Copied, with every function set. NULL: nobody.
void hub_observe(struct hub *hub, enum hub_observer observer, const struct hub_events *events);

// The time of the verbs that follow.
void hub_set_time(struct hub *hub, uint64_t now_us);

struct room;
struct room *hub_room(const struct hub *hub, uint32_t id); // NULL: it is gone
const struct hub_config *hub_config(const struct hub *hub);
struct json_t *hub_router_capabilities(const struct hub *hub); // RtpCapabilities; the hub's
const struct room *hub_find_room(const struct hub *hub,
                                 const char *name); // NULL: nobody has been there lately
uint64_t hub_wall_us(const struct hub *hub);        // microseconds since 1970

void hub_media_event(struct hub *hub, unsigned worker, const struct media_event *event, uint64_t now_us);
// A worker's answer to a GET_STATS.
void hub_media_stats(struct hub *hub, unsigned worker, const struct media_stats *stats, uint64_t now_us);

void hub_ice_event(struct hub *hub, const struct ice_event *event, uint64_t now_us);

void hub_data_event(struct hub *hub, const struct data_event *event, uint64_t now_us);

// Where media is to be sent to from now on (as hub_config.announce). With `offer` everybody's transports get
// new credentials, which their owners hear of together with the addresses, and may use.
void hub_set_announce(struct hub *hub, const char (*announce)[46], unsigned count, bool offer,
                      uint64_t now_us);

void hub_set_tcp(struct hub *hub, const struct hub_tcp *tcp); // for answers from now on

// Where a transport's owner may send its media to, best first: UDP, then TCP on the media port, then TCP on
// HTTP's; of a transport that is for TCP alone without UDP.
#define HUB_CANDIDATES_MAX (3 * HUB_ANNOUNCE_MAX)
struct room_transport;
struct hub_candidate {
    const char *ip; // lives until hub_set_announce
    uint16_t port;
    bool tcp;          // passive
    uint32_t priority; // RFC 8445, section 5.1.2.1
};
unsigned hub_candidates(const struct hub *hub, const struct room_transport *transport,
                        struct hub_candidate out[HUB_CANDIDATES_MAX]);
bool hub_takes_tcp(const struct hub *hub);

// Other limits, for what comes from now on; those of commands that wait stay.
void hub_set_limits(struct hub *hub, const struct hub_limits *limits);
void hub_set_ice_servers(struct hub *hub, const struct ice_servers *servers); // for answers from now on

// Timers: resume windows, lingering rooms, speakers, commands that wait. Call at or after hub_next_us.
uint64_t hub_next_us(const struct hub *hub); // TIME_NEVER for none
void hub_advance(struct hub *hub, uint64_t now_us);

// Begins the end: everyone is told, and from now on nobody joins anew. `deadline_wall_us` is when those who
// are there are cut off, in microseconds since 1970; 0: not known. Again: with another deadline,
// or another place (hub_set_drain_to), of which everyone hears as of the first.
void hub_drain(struct hub *hub, uint64_t deadline_wall_us, uint64_t now_us);
// Before that: the WebSocket's URL of the server that takes the people over, at most HUB_URL_MAX bytes; "":
// whoever answers at this one's address.
#define HUB_URL_MAX 512
void hub_set_drain_to(struct hub *hub, const char *url);
const char *hub_drain_to(const struct hub *hub);
uint32_t hub_participant_count(const struct hub *hub);
uint32_t hub_people_count(const struct hub *hub); // without programs behind plain RTP and recorders

void hub_read_counts(const struct hub *hub, struct hub_counts *out);

#endif
