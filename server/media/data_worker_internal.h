// data_worker_internal: what the files of the data worker share. data_worker.c has its rings and its turn,
// data_peer.c an association and what it has to do with the forwarder.
#ifndef SERVER_DATA_WORKER_INTERNAL_H
#define SERVER_DATA_WORKER_INTERNAL_H

#include "server/media/data_worker.h"

#include "base/hmap.h"
#include "base/list.h"
#include "base/published.h"
#include "base/ring.h"
#include "base/slots.h"
#include "transport/sctp_association.h"

#include <stdatomic.h>

#define EVENTS_KEPT 64 // free places in the queue of events that a turn of one peer needs at most

struct data_link { // with one media worker
    struct ring *in, *out;
    bool in_written;  // the media worker's
    bool out_written; // ours
    uint32_t to_take; // packets of this turn
};

struct data_worker {
    struct data_worker_config config;
    unsigned workers;
    bool library; // started
    int wake_fd;
    _Atomic bool stopping, asleep;
    _Atomic uint64_t heartbeat_us;
    struct ring *commands, *events;
    bool events_written;
    struct data_link links[WORKERS_MAX];
    struct slots *peers;
    struct hmap *peers_by_id; // transport_id -> handle
    struct list ready;        // data_peer.ready_link: there may be something to read, or room to write
    struct data_forwarder *forwarder;
    uint64_t busy_until_us, next_us;
    struct data_worker_counters counters; // this thread's
    _Atomic uint64_t published[sizeof(struct data_worker_counters) / sizeof(uint64_t)];
};

struct data_peer {
    struct list ready_link;
    struct data_worker *data;
    struct transport_id id;
    uint32_t handle;
    unsigned worker;
    struct association *association;
    struct data_endpoint *endpoint;
    bool awaits; // the answer to a channel that its peer asks for; nothing is read until then
    bool some_acks;
    uint64_t acks[DATA_STREAMS_MAX / 64]; // to be sent when there is room
};

extern const struct data_forwarder_output data_forwarder_output_template;

bool data_events_have_room(struct data_worker *data);
void data_peer_command(struct data_worker *data, const struct data_cmd *cmd, uint64_t now_us);
void data_peer_packet(struct data_worker *data, const struct data_packet *packet);
// What there is of it now; true: there is more.
bool data_peer_read(struct data_peer *peer, uint64_t now_us);
void data_peers_close(struct data_worker *data);

#endif
