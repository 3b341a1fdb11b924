// worker_internal: what the files of a worker share. worker.c owns the loop and its turn, worker_peer.c the
// peers and their commands, worker_data.c what goes to the data worker and comes from it, worker_ingress.c
// the way of a datagram to its peer, worker_handshake.c when those of DTLS have their turn, worker_tcp.c
// connections of TCP, worker_load.c what is left out when the worker is full, worker_budget.c who is told to
// be over a limit, worker_plain.c the sockets of plain RTP, worker_ice.c the peers of full ICE agents.
#ifndef SERVER_WORKER_INTERNAL_H
#define SERVER_WORKER_INTERNAL_H

#include "server/media/worker.h"

#include "base/hmap.h"
#include "base/published.h"
#include "base/ring.h"
#include "base/slots.h"
#include "base/wheel.h"
#include "rooms/media/overload.h"
#include "server/media/peer.h"
#include "transport/plain_port.h"
#include "transport/route_table.h"
#include "transport/udp_port.h"

#include <stdatomic.h>
#include <uv.h>

#define WORKER_PEERS_MAX 65536
#define WORKER_COMMANDS 2048
#define WORKER_EVENTS 4096
#define WORKER_STATS 4096               // answers to GET_STATS
#define WORKER_POOL_BLOCKS (512 * 1024) // 1 GiB at the very most
#define WORKER_HINTS 1024               // power of two
#define WORKER_HANDSHAKES 4096          // DTLS datagrams that wait for a later turn
#define WORKER_TCP_OFFERS 1024          // connections that were let in and not taken yet
#define WORKER_ICE_CLOSED 8192          // agents whose end their thread has not heard of yet
#define WORKER_UNTOLD 8192              // removed routes that wait for room in another worker's queue

// A tuple from which a STUN request for another worker's peer came. Until that worker has validated the tuple
// and says so (MESH_ROUTE_ADD), whatever follows from the tuple is handed to it, so that a ClientHello right
// behind the first check is not lost. Only a guess: the owner checks everything itself.
struct route_hint {
    struct tuple tuple;
    uint8_t worker;
};

// What a worker whose queue was full must still hear: that a tuple no longer leads here.
struct untold_route {
    struct tuple tuple;
    uint8_t to;
};

// Packets that were too many, as last told in the log (worker_budget.c).
struct worker_spending {
    uint64_t told, told_us;
};

struct worker {
    unsigned index, workers;
    struct mesh *mesh;
    struct data_worker *data;    // or NULL
    struct ice_worker *ice;      // or NULL
    struct ring *ice_closed;     // of struct transport_id, likewise; both ends are ours
    struct list agents_untold;   // struct worker_agent, by untold_link
    struct wheel_node ice_retry; // armed while there is something in these two
    void (*events_ready)(void *ctx);
    void *events_ctx;

    uv_loop_t loop;
    // An eventfd and not uv_async_t, whose receiver spins until the sender has come back from its system
    // call.
    int wake_fd;
    uv_poll_t wake, poll4, poll6, poll_tcp;
    uv_timer_t timer;
    uv_prepare_t prepare;
    uv_check_t check;
    bool loop_ready; // the handles above exist
    bool polls_writable;
    _Atomic bool stopping;
    // The loop waits, or is about to after a last look: who has something for it wakes it.
    _Atomic bool asleep;
    _Atomic uint64_t heartbeat_us;

    struct pool *pool;
    struct wheel wheel;
    struct wheel_node publish; // copies the counters for others, and is the heartbeat
    struct udp_port *port;
    struct tcp_port *tcp;    // NULL: none are taken
    struct ring *tcp_offers; // worker_tcp.c; from the control thread
    struct ice_stun *stun;
    struct peer_env env;
    struct forwarder *fw;
    struct overload overload; // worker_load.c
    bool no_shedding;
    uint64_t load_packets, load_lost;          // handled, and lost, until the end of the last turn
    uint64_t shedding_since_us, shedding_most; // of the present episode
    struct worker_spending producers_over, transports_over;

    struct slots *peers;      // handle -> struct worker_peer
    struct hmap *peers_by_id; // transport_id -> handle
    struct route_table *routes;
    struct route_hint hints[WORKER_HINTS];
    struct ring *untold;     // of struct untold_route; both ends are ours
    struct ring *handshakes; // worker_handshake.c; both ends are ours
    uint64_t handshakes_us;  // that this turn has spent on them

    struct ring *commands, *events, *stats;
    bool events_written;    // or stats
    struct list unreported; // peers whose state did not fit in the event queue

    struct list plains;        // struct plain_sockets, worker_plain.c
    struct list plains_queued; // struct plain_port, that have something to send
    bool plains_readable;      // one of them
    uint64_t plain_send_failed;

    uint32_t batch_us;
    bool turn_due;
    unsigned readable;              // sockets that have something: 1 IPv4, 2 IPv6, 4 TCP
    unsigned lively;                // those that had something in the last turn
    uint64_t gathered_us;           // when the last turn began to read
    uint64_t now_us;                // of the present turn
    struct media_counters counters; // this thread's
    uint64_t lag_now_us, lag_before_us,
        lag_turned_us; // longest turns of this period and the last, and when it began
    // What others may read: the fields of struct media_counters in order.
    _Atomic uint64_t published[sizeof(struct media_counters) / sizeof(uint64_t)];
};
_Static_assert(sizeof(struct media_counters) % sizeof(uint64_t) == 0, "nothing but 64-bit counters");
_Static_assert(WORKER_ICE_CLOSED > ICE_AGENTS_LIMIT, "an end always has a place");

// What a full ICE agent is to know, and how much of it its thread has been told: what finds no room in
// the ring is told later, as it is then, so nothing is lost.
struct worker_agent {
    struct list untold_link; // in worker.agents_untold
    struct worker_peer *peer;
    struct ice_credentials ours;
    struct ice_remote remote;
    bool opened, ours_told, remote_told; // opened: its thread knows that there is one
    uint8_t candidate_count, candidates_told;
    struct ice_candidate candidates[ICE_AGENT_REMOTES_MAX]; // the peer's, since the last restart
};

struct worker_peer {
    struct worker *worker;
    struct transport_id id;
    uint32_t room; // the control side's word for it
    uint32_t handle;
    struct peer *peer;
    struct plain_sockets *plain; // NULL: it comes over the worker's own
    struct endpoint *endpoint;
    struct wheel_node timer;
    struct list unreported;              // in worker.unreported
    struct tuple path;                   // where media went last, TUPLE_NONE: nowhere yet
    uint8_t handshakes_waiting;          // in worker.handshakes
    bool carries_data;                   // SCTP, which the data worker speaks
    bool data_announced;                 // it knows that DTLS is there
    struct worker_agent *agent;          // a full ICE agent finds its path; NULL: it proves where it is
    bool agent_controls;                 // in this role at first
    struct ice_agent_path agent_path;    // the last one; TUPLE_NONE: none yet
    uint64_t data_due_us;                // when all packets of it so far would be paid for
    uint64_t told_workers;               // a bit for each that was told a route to this peer
    char ufrags[2][ICE_UFRAG_BYTES + 1]; // now, and before the last restart
    enum ice_state reported_ice;
    enum dtls_state reported_dtls;
};

// ---- worker.c
// Room for an event, or NULL when the control thread is that far behind; worker_event_push sends it.
struct media_event *worker_event_reserve(struct worker *w);
void worker_event_push(struct worker *w);
static inline void worker_drop(struct worker *w, enum media_drop reason) {
    w->counters.drops[reason]++;
}

// ---- worker_peer.c
struct worker_peer *worker_peer_get(const struct worker *w, struct transport_id id); // NULL: none such
void worker_peer_command(struct worker *w, const struct media_cmd *cmd, uint64_t now_us);
void worker_peers_close(struct worker *w);
void worker_peers_report(struct worker *w); // states that did not fit before
void worker_tell_untold(struct worker *w);  // routes that did not fit before
// After a peer's `input` or `advance`: routes, states, timers. `from` is NULL for a timer; `origin` is the
// worker that the kernel gave the datagram to.
void worker_peer_settle(struct worker_peer *peer, const struct peer_input *input, const struct tuple *from,
                        unsigned origin, uint64_t now_us);
// The forwarder's way out (struct forwarder_output).
extern const struct forwarder_output worker_forwarder_output_template;

// ---- worker_ingress.c
bool worker_receive(struct worker *w, int family, uint64_t now_us); // false: nothing was there
void worker_drain_mesh(struct worker *w, uint64_t now_us);
// A datagram from one of our peers; takes the block over.
void worker_peer_datagram(struct worker_peer *peer, const struct tuple *from, unsigned origin,
                          struct block *b, uint64_t now_us);

// ---- worker_handshake.c
struct ring *worker_handshakes_create(void); // NULL without memory
void worker_handshakes_close(struct worker *w);
// The same for DTLS: now or, when this turn has spent enough time on it, in a later one.
void worker_handshake(struct worker_peer *peer, const struct tuple *from, unsigned origin, struct block *b,
                      uint64_t now_us);
// A turn begins: those that wait, as far as its time goes.
void worker_handshakes(struct worker *w, uint64_t now_us);

// ---- worker_plain.c: the sockets of plain RTP
// Those of a peer, whose command brought them: taken over. NULL: no memory.
struct plain_sockets *worker_plain_watch(struct worker_peer *peer, struct plain_port *port);
void worker_plain_unwatch(struct plain_sockets *sockets);
void worker_plain_receive(struct worker *w, uint64_t now_us); // what waits in those that are readable
void worker_plain_flush(struct worker *w);

// ---- worker_tcp.c
struct ring *worker_tcp_offers_create(void); // NULL without memory
void worker_tcp_offers_close(struct worker *w);
void worker_tcp_offers(struct worker *w, uint64_t now_us); // takes those that wait
// For tcp_port (struct tcp_handlers); ctx is the worker, at a time of its turn.
void worker_tcp_packet(void *ctx, const struct tuple *from, uint32_t owner, struct block *b);
void worker_tcp_lost(void *ctx, const struct tuple *tuple, uint32_t owner);

// ---- worker_data.c: SCTP packets, on their way between our peers and the data worker

void worker_data_in(void *owner, struct span packet); // peer_env.data
// Its states may have changed.
void worker_data_connected(struct worker_peer *peer);
void worker_data_out(struct worker *w); // what the data worker has for our peers

// ---- worker_ice.c: peers whose path a full ICE agent finds

// The first of a transport with an agent, before it is entered anywhere; false: no memory.
bool worker_ice_open(struct worker_peer *peer, const struct media_cmd *cmd);
void worker_ice_begin(struct worker_peer *peer); // it is entered
void worker_ice_restart(struct worker_peer *peer, const struct media_cmd *cmd);
void worker_ice_remote(struct worker_peer *peer, const struct media_cmd *cmd); // ICE_REMOTE, ICE_CANDIDATE
void worker_ice_close(struct worker_peer *peer);                               // and frees peer->agent
void worker_ice_retry(struct wheel_node *node, uint64_t now_us);               // of worker.ice_retry
void worker_ice_send(void *owner, struct span datagram, enum udp_worth worth); // peer_env.agent_send
void worker_ice_in(struct worker *w, uint64_t now_us); // what the agents' thread has for our peers
void worker_ice_describe(const struct worker_peer *peer, struct transport_stats *out);

// ---- worker_budget.c
// Tells in the log who is over a limit. At each heartbeat.
void worker_budget_tell(struct worker *w, uint64_t now_us);

// ---- worker_load.c
// The turn is over: what is outside of turns is time to spare.
void worker_load_note(struct worker *w, uint64_t began_us, uint64_t ended_us);
// Sheds as much as the turns before this one demand.
void worker_load_apply(struct worker *w, uint64_t now_us);

#endif
