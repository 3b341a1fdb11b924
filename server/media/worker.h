// worker: one media thread: its loop, UDP sockets, packet pool, peers and forwarder.
//
// Made, bound and destroyed on the control thread; everything between worker_run and its return happens on
// the worker's own thread. One turn of the loop: commands, handshakes that wait, messages of other workers,
// datagrams, connections; then one wake-up of each worker that was written to and sleeps, the packets of the
// turn to their receivers, due timers, one flush of what is left to send, and one wake-up of the control
// thread.
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "server/media/data_worker.h"
#include "server/media/ice_worker.h"
#include "server/media/media.h"
#include "server/media/mesh.h"
#include "transport/dtls.h"
#include "transport/tcp_port.h"
#include "transport/udp_steer.h"

struct worker_config {
    unsigned index, workers;
    uint16_t port;
    int receive_buffer_bytes, send_buffer_bytes;
    uint32_t batch_us;          // see media_config
    bool no_shedding;           // the same
    bool tcp;                   // the same
    struct media_limits limits; // the same
    struct dtls_context *dtls;
    struct mesh *mesh;
    struct data_worker *data; // NULL: no data channels
    struct ice_worker *ice;   // NULL: no full ICE agents
    // Called on the worker's thread when events wait; must only wake the control loop.
    void (*events_ready)(void *ctx);
    void *events_ctx;
};

struct worker;

struct worker *worker_create(const struct worker_config *config, char *error, size_t error_cap);
void worker_destroy(struct worker *worker); // the thread has ended or never started; NULL is fine
uint16_t worker_port(const struct worker *worker);

// How the kernel spreads datagrams over the workers' sockets, which were bound in the order of their numbers;
// said to any of them. False: it takes no such program.
bool worker_steer(struct worker *worker, int family, const struct steer_entry *entries, unsigned count);

void worker_run(struct worker *worker); // until worker_stop

// Any thread, behind a write to one of its queues: makes the loop turn, unless it is awake and will see
// anyway.
void worker_wake(struct worker *worker);
// Control thread:
void worker_stop(struct worker *worker);
bool worker_post(struct worker *worker, const struct media_cmd *cmd); // false: the queue is full
// A connected TCP socket, whose first packet names this worker; it and the ticket (transport/tcp_port.h) are
// the worker's until that says that it is closed. False: it takes none, and nothing has changed.
bool worker_offer_tcp(struct worker *worker, int fd, struct tcp_ticket *ticket);
const struct media_event *worker_peek_event(struct worker *worker); // NULL: none
void worker_pop_event(struct worker *worker);
const struct media_stats *worker_peek_stats(struct worker *worker); // NULL: none
void worker_pop_stats(struct worker *worker);
void worker_read_counters(struct worker *worker, struct media_counters *out);
uint64_t worker_heartbeat_us(const struct worker *worker); // when the loop last turned

#endif
