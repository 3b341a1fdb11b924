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

struct media_config {
    unsigned workers;                            // 1..WORKERS_MAX
    uint16_t port;                               // UDP, shared by all workers; 0 lets the system choose
    int receive_buffer_bytes, send_buffer_bytes; // of each worker's socket
    // A worker reads its sockets at most once in this time, so that what came meanwhile leaves in few large
    // messages. A packet that comes after a pause does not wait. 0: at once, always.
    uint32_t batch_us;
    bool no_shedding;           // leave nothing out when a worker is full (for comparison)
    struct media_limits limits; // of publishers and transports; 0: the default
};

struct media;

// Binds the sockets and starts the threads. On failure NULL and a sentence in `error` (a busy port is named).
struct media *media_start(const struct media_config *config, char *error, size_t error_cap);
void media_stop(struct media *media); // stops and joins; NULL is fine

// "AA:BB:..." of the process's DTLS certificate; lives as long as `media`.
const char *media_fingerprint_sha256(const struct media *media);
uint16_t media_port(const struct media *media); // the bound port

// Hands a command to a worker; false when its queue is full.
bool media_post(struct media *media, unsigned worker, const struct media_cmd *cmd);

// `wakeup` is called on a worker's thread when events wait; it must only wake the control loop.
void media_set_wakeup(struct media *media, void (*wakeup)(void *ctx), void *ctx);
struct media_listener {
    void *ctx;
    void (*on_event)(void *ctx, unsigned worker, const struct media_event *event);
    void (*on_stats)(void *ctx, unsigned worker, const struct media_stats *stats); // answers to GET_STATS
};
// Hands over all events and answers that wait, those of each kind in their order.
void media_drain(struct media *media, const struct media_listener *listener);

// Why a worker dropped a packet.
enum media_drop {
    MEDIA_DROP_UNKNOWN_KIND, // neither STUN, DTLS, RTP nor RTCP (RFC 7983)
    MEDIA_DROP_TOO_LONG,
    MEDIA_DROP_STUN_MALFORMED,
    MEDIA_DROP_STUN_UNKNOWN_UFRAG,
    MEDIA_DROP_STUN_AUTH,
    MEDIA_DROP_STUN_RATE,         // more good checks of one transport than are looked at
    MEDIA_DROP_STUN_COPIED,       // a check that came before from another tuple
    MEDIA_DROP_TUPLE_HELD,        // a check from a tuple at which another transport is beyond doubt
    MEDIA_DROP_UNVALIDATED_TUPLE, // not STUN, and ICE has not validated where it came from
    MEDIA_DROP_DTLS_INVALID,
    MEDIA_DROP_SRTP_AUTH,
    MEDIA_DROP_SRTP_REPLAY,
    MEDIA_DROP_NO_KEYS, // SRTP before DTLS has finished
    MEDIA_DROP_RTP_MALFORMED,
    MEDIA_DROP_RTP_UNKNOWN_SSRC,
    MEDIA_DROP_RTP_DUPLICATE,
    MEDIA_DROP_RTCP_MALFORMED,
    MEDIA_DROP_PAUSED,
    MEDIA_DROP_INDEX_USED,  // a packet was to go out under an index that was used: a fault of the server
    MEDIA_DROP_OVER_BUDGET, // of a producer that sends more than it may
    MEDIA_DROP_EGRESS_OVER_BUDGET, // to a transport that gets more than it may
    MEDIA_DROP_POOL_EMPTY,
    MEDIA_DROP_EGRESS_FULL,
    MEDIA_DROP_SEND_FAILED,
    MEDIA_DROP_HANDOVER_FULL,   // the queue to the worker that owns the peer
    MEDIA_DROP_HANDSHAKES_FULL, // DTLS that waits for a worker to have time for it
    MEDIA_DROP_RELAY_FULL,      // the queue to a worker that also serves the room
    MEDIA_DROP_KERNEL_RECEIVE_QUEUE,
    MEDIA_DROP_COUNT
};

// A reason's name in metrics: its constant in small letters ("stun_auth"); never NULL.
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
// X(member, type of the metric, its name, its help)
#define MEDIA_WORKER_COUNTERS(X)                                                                             \
    X(stun_in, "counter", "rotunda_stun_received_total", "STUN messages received.")                          \
    X(dtls_in, "counter", "rotunda_dtls_received_total", "DTLS datagrams received.")                         \
    X(handed_over, "counter", "rotunda_handed_over_packets_total",                                           \
      "Datagrams that arrived at a worker that does not own their peer.")                                    \
    X(pool_blocks, "gauge", "rotunda_worker_pool_blocks", "Packet blocks in use.")                           \
    X(transports, "gauge", "rotunda_worker_transports", "Transports that the worker serves.")

struct media_counters {
#define MEDIA_MEMBER(member, ...) uint64_t member;
    MEDIA_UDP_COUNTERS(MEDIA_MEMBER)
    FORWARDER_COUNTERS(MEDIA_MEMBER)
    MEDIA_WORKER_COUNTERS(MEDIA_MEMBER)
#undef MEDIA_MEMBER
    struct link_counters links;
    uint64_t loop_lag_us_max;                          // longest turn of the loop in the last 5 to 10 seconds
    uint64_t receive_calls, send_calls, send_messages; // system calls, and what they sent: one packet or GSO
    uint64_t drops[MEDIA_DROP_COUNT];
    uint64_t published_us; // the time of all of these
};
void media_read_counters(struct media *media, unsigned worker, struct media_counters *out);

// A worker's loop has not turned for seconds.
bool media_stuck(struct media *media, uint64_t now_us);

#endif
