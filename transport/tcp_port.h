// tcp_port: the TCP connections of one worker: passive ICE-TCP (RFC 6544) with the framing of RFC 4571. The
// only recv and send of media over TCP.
//
// It takes connections that somebody else has accepted (server/tcp_door.h), reads frames off them and hands
// them up as datagrams of a tuple; what is queued for a tuple leaves at tcp_port_flush, and when the socket
// takes more. What waits is bounded for each connection (tcp_queue.h), and little of it lies in the kernel
// (TCP_NOTSENT_LOWAT), where nothing can be dropped. Who takes nothing for TCP_STALL_US is cut off.
//
// Until its owner has said that it is proven (tcp_port_prove), a connection is a stranger's: it is closed
// after TCP_PROOF_US, or with its TCP_UNPROVEN_FRAMES-th frame. One thread: the worker's; its ticket alone is
// shared. No allocation on the way of a packet. Close the port before its pool is destroyed.
#ifndef TRANSPORT_TCP_PORT_H
#define TRANSPORT_TCP_PORT_H

#include "base/addr.h"
#include "base/pool.h"
#include "base/span.h"
#include "transport/udp_port.h"

#include <stdatomic.h>

#define TCP_CONNECTIONS_MAX 16384 // of one worker
#define TCP_PROOF_US (10 * UINT64_C(1000000))
#define TCP_UNPROVEN_FRAMES 32
#define TCP_STALL_US (10 * UINT64_C(1000000))
#define TCP_NOTSENT_BYTES 16384

// What a connection is to whoever let it in, who keeps it until it is TCP_CLOSED. Written by the worker.
enum tcp_standing { TCP_STRANGER, TCP_PROVEN, TCP_CLOSED };
struct tcp_ticket {
    _Atomic int standing; // enum tcp_standing
};

struct tcp_handlers {
    void *ctx;
    // One packet, whose block is the handler's from now on. owner: as tcp_port_prove said, 0 before.
    void (*packet)(void *ctx, const struct tuple *from, uint32_t owner, struct block *block);
    // A proven connection has ended, and not by tcp_port_close.
    void (*lost)(void *ctx, const struct tuple *tuple, uint32_t owner);
};

struct tcp_port;
struct tcp_port *tcp_port_create(struct pool *pool, const struct tcp_handlers *handlers); // NULL: no memory
void tcp_port_destroy(struct tcp_port *port); // closes all, tells nobody but the tickets; NULL is fine
// Readable when there is something to read, or to write again.
int tcp_port_fd(const struct tcp_port *port);

// Takes a connected socket over, whatever comes of it; the ticket outlives it.
void tcp_port_adopt(struct tcp_port *port, int fd, struct tcp_ticket *ticket, uint64_t now_us);
// Reads a bounded part of what is there, of each connection in its turn. False: nothing was.
bool tcp_port_receive(struct tcp_port *port, uint64_t now_us);
// A good check has come over it: it belongs to a peer, by a number of the caller's that is not 0.
void tcp_port_prove(struct tcp_port *port, const struct tuple *tuple, uint32_t owner);
// Closes it when what is queued has had one chance to leave.
void tcp_port_close(struct tcp_port *port, const struct tuple *tuple);
// Deadlines; some times in TCP_STALL_US.
void tcp_port_advance(struct tcp_port *port, uint64_t now_us);

// As udp_port_queue and udp_port_queue_bytes. A tuple whose connection is gone takes nothing (false).
bool tcp_port_queue(struct tcp_port *port, const struct tuple *to, struct block *block, enum udp_worth worth,
                    uint64_t now_us);
bool tcp_port_queue_bytes(struct tcp_port *port, const struct tuple *to, struct span datagram,
                          uint64_t now_us);
void tcp_port_flush(struct tcp_port *port, uint64_t now_us);

struct tcp_port_counters {
    uint64_t connections, waiting_bytes;                // now; the bytes as last flushed
    uint64_t opened, proven, broken, stalled, unproven; // ever; the last three: why we closed them
    uint64_t packets_in, bytes_in, packets_out, bytes_out;
    uint64_t null_packets, no_block;
    uint64_t queue_full, queue_late, no_connection; // packets that were not sent
};
const struct tcp_port_counters *tcp_port_counters(const struct tcp_port *port);

#endif
