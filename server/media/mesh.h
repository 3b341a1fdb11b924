// mesh: the queues between media workers: datagrams that the kernel gave to the wrong one, packets of rooms
// that span workers, and what they tell each other about both.
//
// One SPSC ring for each ordered pair of workers. A message is written in place, becomes visible at
// mesh_push, and the receiver is woken once a tick, at mesh_flush, however many messages there are. Each
// function is called on the thread of the worker that is its first number.
#ifndef SERVER_MESH_H
#define SERVER_MESH_H

#include "base/pool.h"
#include "rooms/media/forwarder.h"
#include "rooms/media/relay_wire.h"
#include "base/addr.h"

#define MESH_KEPT 4

enum mesh_type {
    MESH_DATAGRAM,  // for a peer of the receiving worker; `tuple`, `origin`, bytes
    MESH_CLAIM,     // the same, for a peer of any worker: the tuple leads to the receiving one, which decides
    MESH_ROUTE_ADD, // `tuple` leads to the sending worker
    MESH_ROUTE_REMOVE, // and no longer does
    MESH_RELAY_RTP,    // a prepared packet, as rooms/media/relay_wire.h writes it
    MESH_RELAY_NOTE,
};

struct mesh_message {
    enum mesh_type type;
    union {
        struct tuple tuple;
        struct relay_note note;
    };
    uint16_t len;
    uint8_t origin; // DATAGRAM, CLAIM: the worker that the kernel gave it to
    uint8_t bytes[RELAY_WIRE_MAX];
};
_Static_assert(BLOCK_DATAGRAM_MAX <= RELAY_WIRE_MAX, "any datagram fits");

struct mesh;

// wake(ctx, worker) is called on the sender's thread and must only wake the worker.
struct mesh *mesh_create(unsigned workers, void (*wake)(void *ctx, unsigned worker),
                         void *ctx);  // NULL: no memory
void mesh_destroy(struct mesh *mesh); // all threads have ended; NULL is fine

// A message to fill in, or NULL when the queue is full.
struct mesh_message *mesh_reserve(struct mesh *mesh, unsigned from, unsigned to);
// The same for what nobody has vouched for (anybody can send a STUN request that names a worker): NULL
// already when 1 / MESH_KEPT of the queue is left, so that a flood does not push out the packets of calls.
struct mesh_message *mesh_reserve_unproven(struct mesh *mesh, unsigned from, unsigned to);
void mesh_push(struct mesh *mesh, unsigned from, unsigned to);
void mesh_flush(struct mesh *mesh, unsigned from); // wakes those that were written to

// The worker at the end of a link that leads from worker `from`; -1: none, or `from` itself.
int mesh_worker_of_link(const struct mesh *mesh, unsigned from, struct link_id link);

bool mesh_waiting(struct mesh *mesh, unsigned to); // somebody has written to it
// The oldest message from a worker, or NULL; mesh_pop frees it.
struct mesh_message *mesh_peek(struct mesh *mesh, unsigned to, unsigned from);
void mesh_pop(struct mesh *mesh, unsigned to, unsigned from);

#endif
