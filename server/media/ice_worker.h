// ice_worker: the thread that has all full ICE agents (transport/ice_agent.h), beside the media workers.
//
// A NiceAgent lives on a GLib context, which costs more for each wake-up the more agents there are, has
// locks, and makes a system call a packet: nothing for a media worker
// (docs/adr/0020-one-thread-owns-agents.md). A media worker has the transport, with DTLS and SRTP: it hands
// over what it wants sent, and gets what came. Between the two are bounded rings; what does not fit is lost
// as in a network, and counted. Opening, restarting and closing go the same way, in order, in places that
// packets do not take. The control thread hears of addresses by a ring of its own. Without a setting that
// wants it the thread does not exist.
#ifndef SERVER_ICE_WORKER_H
#define SERVER_ICE_WORKER_H

#include "rooms/media_msg.h"
#include "transport/ice_agent.h"

#define ICE_PACKET_MAX 1800 // the longest that leaves a block
#define ICE_LOCALS_MAX 16   // addresses of one agent that its peer is told
#define ICE_AGENTS_LIMIT 4096

enum ice_note_type {
    ICE_NOTE_PACKET,
    ICE_NOTE_OPEN,
    ICE_NOTE_REMOTE,
    ICE_NOTE_CANDIDATE,
    ICE_NOTE_RESTART,
    ICE_NOTE_CLOSE,
};

struct ice_note { // from a media worker
    enum ice_note_type type;
    struct transport_id transport;
    union {
        struct {
            uint16_t len;
            uint8_t bytes[ICE_PACKET_MAX];
        } packet;
        struct {
            struct ice_credentials credentials;
            bool controlling; // OPEN
        } ours;               // OPEN, RESTART
        struct ice_remote remote;
        struct ice_candidate candidate;
    };
};

enum ice_report_type { ICE_REPORT_PACKET, ICE_REPORT_PATH, ICE_REPORT_LOST };

struct ice_report { // to a media worker
    enum ice_report_type type;
    struct transport_id transport;
    union {
        struct {
            uint16_t len;
            uint8_t bytes[ICE_PACKET_MAX];
        } packet;
        struct ice_agent_path path;
    };
};

// X(member, type of the metric, its name, its help)
#define ICE_WORKER_COUNTERS(X)                                                                               \
    X(agents, "gauge", "rotunda_ice_agents", "Full ICE agents.")                                             \
    X(opened, "counter", "rotunda_ice_agents_opened_total", "Full ICE agents that were made.")               \
    X(refused, "counter", "rotunda_ice_agents_failed_total",                                                 \
      "Full ICE agents that found no address, port or memory.")                                              \
    X(paths, "counter", "rotunda_ice_paths_found_total", "Paths that full ICE agents have found.")           \
    X(relayed, "counter", "rotunda_ice_paths_relayed_total", "Of these, those over a TURN server of ours.")  \
    X(lost, "counter", "rotunda_ice_consent_lost_total",                                                     \
      "Paths that were lost, mostly for want of consent.")                                                   \
    X(candidates, "counter", "rotunda_ice_candidates_total", "Candidates of peers that were taken.")         \
    X(candidates_refused, "counter", "rotunda_ice_candidates_over_total",                                    \
      "Candidates beyond what a peer may tell.")                                                             \
    X(packets_in, "counter", "rotunda_ice_packets_received_total",                                           \
      "Datagrams received by full ICE agents, without STUN.")                                                \
    X(packets_out, "counter", "rotunda_ice_packets_sent_total", "Datagrams sent by them, without STUN.")     \
    X(packets_lost, "counter", "rotunda_ice_packets_lost_total",                                             \
      "Datagrams that a queue or a socket had no room for, or that had no path.")

struct ice_worker_counters {
#define ICE_WORKER_MEMBER(member, ...) uint64_t member;
    ICE_WORKER_COUNTERS(ICE_WORKER_MEMBER)
#undef ICE_WORKER_MEMBER
};

struct ice_worker_config {
    unsigned workers;
    struct ice_pool_config pool;
    void (*wake_worker)(void *ctx, unsigned worker); // on this thread; must only wake it
    void (*events_ready)(void *ctx);                 // the same, the control loop
    void *ctx;
};

struct ice_worker;

// Control thread.
struct ice_worker *ice_worker_create(const struct ice_worker_config *config); // NULL: no memory
void ice_worker_destroy(struct ice_worker *ice); // its thread has ended or never started; NULL is fine
void ice_worker_run(struct ice_worker *ice);     // until ice_worker_stop; a thread of its own
void ice_worker_stop(struct ice_worker *ice);
// Addresses of the machine, for agents from now on (ice_pool_set_hosts).
void ice_worker_set_hosts(struct ice_worker *ice, const struct addr *hosts, unsigned count);
const struct ice_event *ice_worker_peek_event(struct ice_worker *ice); // NULL: none
void ice_worker_pop_event(struct ice_worker *ice);
uint64_t ice_worker_heartbeat_us(const struct ice_worker *ice); // when it last turned
void ice_worker_read_counters(struct ice_worker *ice, struct ice_worker_counters *out);

// A media worker's thread, with its number. What is pushed is seen at ice_worker_flush at the latest.
// NULL: no room. For packets the last part of the ring is not there, and half of it not for video.
struct ice_note *ice_worker_reserve(struct ice_worker *ice, unsigned worker);
struct ice_note *ice_worker_reserve_packet(struct ice_worker *ice, unsigned worker, bool video);
void ice_worker_push(struct ice_worker *ice, unsigned worker);
void ice_worker_flush(struct ice_worker *ice, unsigned worker);
bool ice_worker_waiting(struct ice_worker *ice, unsigned worker); // something is there for the media worker
const struct ice_report *ice_worker_peek(struct ice_worker *ice, unsigned worker); // NULL: nothing
void ice_worker_pop(struct ice_worker *ice, unsigned worker);

#endif
