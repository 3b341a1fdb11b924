// plain_port: the UDP sockets of one transport of plain RTP: one, or a second one for RTCP.
//
// Datagrams to send are queued and leave at plain_port_flush, in as few sendmmsg calls as possible; what the
// socket does not take then is dropped and counted, oldest first, so that memory stays bounded. Sockets come
// bound and non-blocking and are closed with the port. One thread: the worker's. Destroy the port before its
// blocks' pool.
#ifndef TRANSPORT_PLAIN_PORT_H
#define TRANSPORT_PLAIN_PORT_H

#include "base/addr.h"
#include "base/list.h"
#include "base/pool.h"

#define PLAIN_PORT_QUEUE_MAX 512 // datagrams that wait for a flush; one more flushes at once

enum plain_way { PLAIN_RTP, PLAIN_RTCP };

struct plain_port;

// Takes the sockets over, also without memory (NULL). rtcp_fd -1: both go over the first. `waiting` is a list
// of the caller's that the port enters (plain_port_of_waiting) while something is queued.
struct plain_port *plain_port_create(int rtp_fd, int rtcp_fd, struct list *waiting);
void plain_port_destroy(struct plain_port *port); // releases what is queued; NULL is fine
struct plain_port *plain_port_of_waiting(struct list *node);
int plain_port_fd(const struct plain_port *port, enum plain_way way); // -1: there is none of its own

// One datagram into the block; `from` says which of the two ports it came to (tuple.local.port) and from
// where. False: nothing waits. `truncated`: it was longer than BLOCK_DATAGRAM_MAX and is to be dropped.
bool plain_port_receive(struct plain_port *port, enum plain_way way, struct block *b, struct tuple *from,
                        bool *truncated);
// Whether a tuple that came from plain_port_receive is that of RTCP's own socket.
bool plain_port_is_rtcp(const struct plain_port *port, const struct tuple *from);
void plain_port_queue(struct plain_port *port, enum plain_way way, const struct addr *to, struct block *b);
void plain_port_flush(struct plain_port *port);

struct plain_port_counters {
    uint64_t datagrams_in, bytes_in, datagrams_out, bytes_out, send_failed;
};
// Since the last call.
void plain_port_take_counters(struct plain_port *port, struct plain_port_counters *out);

#endif
