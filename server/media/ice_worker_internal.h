// ice_worker_internal: what the files of the ICE worker share. ice_worker.c has its rings and its turn,
// ice_peer.c an agent and what it says.
#ifndef SERVER_ICE_WORKER_INTERNAL_H
#define SERVER_ICE_WORKER_INTERNAL_H

#include "server/media/ice_worker.h"

#include "base/hmap.h"
#include "base/list.h"
#include "base/published.h"
#include "base/ring.h"
#include "base/slots.h"

#include <pthread.h>
#include <stdatomic.h>

struct ice_link { // with one media worker
    struct ring *in, *out;
    bool in_written;  // the media worker's
    bool out_written; // ours
};

struct ice_worker {
    struct ice_worker_config config;
    unsigned workers;
    struct ice_pool *pool;
    _Atomic bool stopping, asleep;
    _Atomic uint64_t heartbeat_us;
    struct ring *events;
    bool events_written;
    struct ice_link links[WORKERS_MAX];
    struct slots *peers;
    struct hmap *peers_by_id; // transport_id -> handle
    struct list untold;       // ice_peer.untold_link: what did not fit into a ring
    bool held_up;             // a note waits for room, and those behind it
    pthread_mutex_t hosts_lock;
    bool hosts_new; // for the pool
    unsigned host_count;
    struct addr hosts[ICE_AGENT_HOSTS_MAX];
    struct ice_worker_counters counters; // this thread's
    _Atomic uint64_t published[sizeof(struct ice_worker_counters) / sizeof(uint64_t)];
};

struct ice_peer {
    struct list untold_link;
    struct ice_worker *ice;
    struct transport_id id;
    uint32_t handle;
    unsigned worker;
    struct ice_agent *agent; // NULL: it could not be made
    struct ice_candidate locals[ICE_LOCALS_MAX];
    uint8_t local_count, locals_told;
    bool gathered, end_told; // or failed: there comes no more
    bool there, path_told;   // `path` is, or it is lost
    struct ice_agent_path path;
};

// False: nothing was done, since what has to be said of it has no room now.
bool ice_peer_note(struct ice_worker *ice, unsigned worker, const struct ice_note *note);
// What is left to say of all peers, as far as there is room.
void ice_peers_tell(struct ice_worker *ice);
void ice_peers_close(struct ice_worker *ice);

#endif
