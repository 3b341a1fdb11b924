// media: the N worker threads as the control thread sees them.
//
// media_start binds the sockets and starts the threads, media_stop joins them. In between, commands go to a
// worker through its queue and events come back through another; nothing is shared but counters that are
// copied on request. Every media_* function is called on the control thread only. A worker's number is
// 0..workers-1.
#ifndef SERVER_MEDIA_H
#define SERVER_MEDIA_H

#include "rooms/media/forwarder_counters.h"
#include "rooms/media_limits.h"
#include "rooms/media_msg.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ice_pool_config;
struct media_config {
    unsigned workers;                            // 1..WORKERS_MAX
    uint16_t port;                               // UDP, shared by all workers; 0 lets the system choose
    int receive_buffer_bytes, send_buffer_bytes; // of each worker's socket
    // A worker reads its sockets at most once in this time, so that what came meanwhile leaves in few large
    // messages. A packet that comes after a pause does not wait. 0: at once, always.
    uint32_t batch_us;
    bool no_shedding;           // leave nothing out when a worker is full (for comparison)
    struct media_limits limits; // of publishers and transports; 0: the default
    bool tcp;                   // connections are taken, by media_offer_tcp
    bool data_channels;
    uint32_t data_rate; // bytes a second that one participant's data channels may cost, summed over
                        // receivers; 0: no limit
    const struct ice_pool_config *ice; // of full ICE agents (transport/ice_agent.h); NULL: there are none
};

struct media;

// Binds the sockets and starts the threads. On failure NULL and a sentence in `error` (a busy port is named).
struct media *media_start(const struct media_config *config, char *error, size_t error_cap);
// Stops and joins the threads; what they said until then can still be drained. NULL is fine.
void media_halt(struct media *media);
void media_stop(struct media *media); // halts and frees; NULL is fine

// "AA:BB:..." of the process's DTLS certificate; lives as long as `media`.
const char *media_fingerprint_sha256(const struct media *media);
uint16_t media_port(const struct media *media); // the bound port

// Hands a command to a worker; false when its queue is full.
bool media_post(struct media *media, unsigned worker, const struct media_cmd *cmd);

// A connected TCP socket to the worker that its first packet names (transport/tcp_first.h); it and the ticket
// (transport/tcp_port.h) are the worker's until that says that it is closed, or media_halt has returned.
// False: it takes none, and nothing has changed.
struct tcp_ticket;
bool media_offer_tcp(struct media *media, unsigned worker, int fd, struct tcp_ticket *ticket);
// The same for the data worker, if data_channels are on.
bool media_post_data(struct media *media, const struct data_cmd *cmd);

// `wakeup` is called on a worker's thread when events wait; it must only wake the control loop.
void media_set_wakeup(struct media *media, void (*wakeup)(void *ctx), void *ctx);
struct media_listener {
    void *ctx;
    void (*on_event)(void *ctx, unsigned worker, const struct media_event *event);
    void (*on_stats)(void *ctx, unsigned worker, const struct media_stats *stats); // answers to GET_STATS
    void (*on_data)(void *ctx, const struct data_event *event);                    // NULL: nobody asks
    void (*on_ice)(void *ctx, const struct ice_event *event);                      // NULL: nobody asks
};
// Hands over all events and answers that wait, those of each kind in their order.
void media_drain(struct media *media, const struct media_listener *listener);

// Why a worker dropped a packet. A row is all that a new reason needs besides the line that drops.
// X(reason: MEDIA_DROP_..., its name in metrics)
#define MEDIA_DROPS(X)                                                                                       \
    X(UNKNOWN_KIND, "unknown_kind") /* neither STUN, DTLS, RTP nor RTCP (RFC 7983) */                        \
    X(TOO_LONG, "too_long")                                                                                  \
    X(OVERLOAD, "overload") /* media that waited while the worker could do no more */                        \
    X(STUN_MALFORMED, "stun_malformed")                                                                      \
    X(STUN_UNKNOWN_UFRAG, "stun_unknown_ufrag")                                                              \
    X(STUN_AUTH, "stun_auth")                                                                                \
    X(STUN_RATE, "stun_rate")     /* more good checks of one transport than are looked at */                 \
    X(STUN_COPIED, "stun_copied") /* a check that came before from another tuple */                          \
    X(TUPLE_HELD, "tuple_held")   /* a check from a tuple at which another transport is beyond doubt */      \
    X(UNVALIDATED_TUPLE, "unvalidated_tuple") /* not STUN, and ICE has not validated where it came from */   \
    X(DTLS_INVALID, "dtls_invalid")                                                                          \
    X(SRTP_AUTH, "srtp_auth")                                                                                \
    X(SRTP_REPLAY, "srtp_replay")                                                                            \
    X(NO_KEYS, "no_keys") /* SRTP before DTLS has finished */                                                \
    X(RTP_MALFORMED, "rtp_malformed")                                                                        \
    X(RTP_UNKNOWN_SSRC, "rtp_unknown_ssrc")                                                                  \
    X(RTP_DUPLICATE, "rtp_duplicate")                                                                        \
    X(RTCP_MALFORMED, "rtcp_malformed")                                                                      \
    X(PAUSED, "paused")                                                                                      \
    X(INDEX_USED, "index_used")   /* a packet was to go out under a used index: a fault of the server */     \
    X(OVER_BUDGET, "over_budget") /* of a producer that sends more than it may */                            \
    X(EGRESS_OVER_BUDGET, "egress_over_budget") /* to a transport that gets more than it may */              \
    X(POOL_EMPTY, "pool_empty")                                                                              \
    X(EGRESS_FULL, "egress_full")                                                                            \
    X(SEND_FAILED, "send_failed")                                                                            \
    X(HANDOVER_FULL, "handover_full")       /* the queue to the worker that owns the peer */                 \
    X(DATA_OVER_BUDGET, "data_over_budget") /* SCTP of a peer that sends more than it may */                 \
    X(DATA_FULL, "data_full")               /* SCTP that the data worker's queue has no room for */          \
    X(ICE_FULL, "ice_full")                 /* for a full ICE agent, whose thread's queue has no room */     \
    X(HANDSHAKES_FULL, "handshakes_full")   /* DTLS that waits for a worker to have time for it */           \
    X(RELAY_FULL, "relay_full")             /* the queue to a worker that also serves the room */            \
    X(PLAIN_STRANGER, "plain_stranger")     /* of plain RTP, from an address that is not the other side's */ \
    X(TCP_QUEUE_FULL, "tcp_queue_full")     /* packets for somebody who reads his connection too slowly */   \
    X(TCP_QUEUE_LATE, "tcp_queue_late")     /* the same: they had waited for too long */                     \
    X(TCP_GONE, "tcp_gone")                 /* for a connection that has ended in the same turn */           \
    X(KERNEL_RECEIVE_QUEUE, "kernel_receive_queue")

enum media_drop {
#define MEDIA_DROP_REASON(reason, name) MEDIA_DROP_##reason,
    MEDIA_DROPS(MEDIA_DROP_REASON)
#undef MEDIA_DROP_REASON
        MEDIA_DROP_COUNT
};

// A reason's name in metrics; never NULL.
const char *media_drop_name(enum media_drop reason);

// What a worker counts beside its forwarder (rooms/media/forwarder_counters.h). A row is all that a new
// counter needs besides the line that counts: a member below, and a metric. Totals since the start, but for
// gauges, which are of now.
//
// X(member, member of struct udp_port_counters that it is read from, type of the metric, its name, its help)
#define MEDIA_UDP_COUNTERS(X)                                                                                \
    X(packets_in, datagrams_in, "counter", "rotunda_packets_received_total", "Datagrams received.")          \
    X(bytes_in, bytes_in, "counter", "rotunda_bytes_received_total", "UDP payload bytes received.")          \
    X(packets_out, datagrams_out, "counter", "rotunda_packets_sent_total", "Datagrams sent.")                \
    X(bytes_out, bytes_out, "counter", "rotunda_bytes_sent_total", "UDP payload bytes sent.")
// The same of struct tcp_port_counters.
#define MEDIA_TCP_COUNTERS(X)                                                                                \
    X(tcp_connections, connections, "gauge", "rotunda_tcp_connections", "Connections of media over TCP.")    \
    X(tcp_waiting_bytes, waiting_bytes, "gauge", "rotunda_tcp_waiting_bytes",                                \
      "Bytes that wait for readers of media over TCP.")                                                      \
    X(tcp_opened, opened, "counter", "rotunda_tcp_connections_total",                                        \
      "Connections of media over TCP that came to the worker.")                                              \
    X(tcp_proven, proven, "counter", "rotunda_tcp_connections_proven_total",                                 \
      "Those over which a good connectivity check has come.")                                                \
    X(tcp_unproven, unproven, "counter", "rotunda_tcp_connections_unproven_total",                           \
      "Those that were closed because none came in time.")                                                   \
    X(tcp_broken, broken, "counter", "rotunda_tcp_connections_broken_total",                                 \
      "Those that were closed because a frame was longer than is allowed.")                                  \
    X(tcp_stalled, stalled, "counter", "rotunda_tcp_connections_stalled_total",                              \
      "Those that were closed because they took nothing for 10 s.")                                          \
    X(tcp_packets_in, packets_in, "counter", "rotunda_tcp_packets_received_total",                           \
      "Packets received over TCP.")                                                                          \
    X(tcp_bytes_in, bytes_in, "counter", "rotunda_tcp_bytes_received_total",                                 \
      "Bytes received over TCP, with the packets' lengths.")                                                 \
    X(tcp_packets_out, packets_out, "counter", "rotunda_tcp_packets_sent_total", "Packets sent over TCP.")   \
    X(tcp_bytes_out, bytes_out, "counter", "rotunda_tcp_bytes_sent_total",                                   \
      "Bytes sent over TCP, with the packets' lengths.")
// X(member, type of the metric, its name, its help)
#define MEDIA_WORKER_COUNTERS(X)                                                                             \
    X(stun_in, "counter", "rotunda_stun_received_total", "STUN messages received.")                          \
    X(dtls_in, "counter", "rotunda_dtls_received_total", "DTLS datagrams received.")                         \
    X(handed_over, "counter", "rotunda_handed_over_packets_total",                                           \
      "Datagrams that arrived at a worker that does not own their peer.")                                    \
    X(plain_packets_in, "counter", "rotunda_plain_packets_received_total",                                   \
      "Datagrams received over sockets of plain RTP.")                                                       \
    X(plain_bytes_in, "counter", "rotunda_plain_bytes_received_total",                                       \
      "UDP payload bytes received over sockets of plain RTP.")                                               \
    X(plain_packets_out, "counter", "rotunda_plain_packets_sent_total",                                      \
      "Datagrams sent over sockets of plain RTP.")                                                           \
    X(plain_bytes_out, "counter", "rotunda_plain_bytes_sent_total",                                          \
      "UDP payload bytes sent over sockets of plain RTP.")                                                   \
    X(plain_transports, "gauge", "rotunda_plain_transports", "Transports of plain RTP.")                     \
    X(pool_blocks, "gauge", "rotunda_worker_pool_blocks", "Packet blocks in use.")                           \
    X(transports, "gauge", "rotunda_worker_transports", "Transports that the worker serves.")

struct media_counters {
#define MEDIA_MEMBER(member, ...) uint64_t member;
    MEDIA_UDP_COUNTERS(MEDIA_MEMBER)
    MEDIA_TCP_COUNTERS(MEDIA_MEMBER)
    FORWARDER_COUNTERS(MEDIA_MEMBER)
    MEDIA_WORKER_COUNTERS(MEDIA_MEMBER)
#undef MEDIA_MEMBER
    struct link_counters links;
    uint64_t loop_lag_us_max;                          // longest turn of the loop in the last 5 to 10 seconds
    uint64_t receive_calls, send_calls, send_messages; // system calls, and what they sent: one packet or GSO
    uint64_t drops[MEDIA_DROP_COUNT];
    uint64_t published_us; // the time of all of these
};
struct data_worker_counters;
void media_read_data_counters(struct media *media,
                              struct data_worker_counters *out); // all 0 without a data worker
struct ice_worker_counters;
void media_read_ice_counters(struct media *media, struct ice_worker_counters *out); // all 0 without agents
// Addresses of the machine, for full ICE agents from now on; none: all that it has but loopback.
void media_set_ice_hosts(struct media *media, const struct addr *hosts, unsigned count);
void media_read_counters(struct media *media, unsigned worker, struct media_counters *out);

// Its threads by number: those of the workers, then that of the data worker and that of the ICE agents, if
// there are these.
enum media_thread_kind { MEDIA_THREAD_WORKER, MEDIA_THREAD_DATA, MEDIA_THREAD_ICE };
unsigned media_threads(const struct media *media);
enum media_thread_kind media_thread_kind(const struct media *media, unsigned thread);
// It has not turned for seconds; how many of them have not.
bool media_thread_stuck(const struct media *media, unsigned thread, uint64_t now_us);
unsigned media_stuck(const struct media *media, uint64_t now_us);
// Has the thread write on standard error where it is (base/trace.h).
void media_trace_thread(const struct media *media, unsigned thread);
unsigned media_workers(const struct media *media);

#endif
