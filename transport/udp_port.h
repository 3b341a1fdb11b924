// udp_port: the only recvmmsg and sendmmsg of the program: one worker's UDP sockets (IPv4 and, where there is
// IPv6, IPv6) on one port that all workers share (SO_REUSEPORT).
//
// Received datagrams come in pool blocks at BLOCK_HEADROOM; datagrams to send are queued and leave at
// udp_port_flush: those of one tuple with equal sizes as one message with UDP_SEGMENT (the last may be
// shorter, at most UDP_PORT_SEGMENTS), everything of a tick in as few sendmmsg calls as possible. Order is
// kept within an SSRC and among datagrams without one; streams to one tuple may overtake each other within a
// flush, so that equal sizes meet. When the kernel or the path refuses segmentation (EMSGSIZE, EINVAL, EIO)
// that message is sent one by one; after many refusals in a row that is done for good, and logged once. What
// the socket does not take (EAGAIN) waits in a bounded tail; beyond that the oldest video is dropped, or the
// oldest of all when no video waits, and counted.
// Any other error costs its own message alone. Datagrams leave from the local address of their tuple
// (IP_PKTINFO); with `local.family` 0 the kernel chooses. One thread: the worker's. Close the port before its
// pool is destroyed.
#ifndef TRANSPORT_UDP_PORT_H
#define TRANSPORT_UDP_PORT_H

#include "base/pool.h"
#include "base/span.h"
#include "base/addr.h"
#include "transport/udp_steer.h"

#define UDP_PORT_BATCH 64        // datagrams of one receive call
#define UDP_PORT_SEGMENTS 64     // of one GSO message; and at most 65000 bytes
#define UDP_PORT_QUEUE_MAX 16384 // datagrams that may wait for a flush or for the socket

struct udp_port;

struct udp_port_config {
    uint16_t port; // 0: any, the same for both families
    bool reuse_port;
    int receive_buffer_bytes, send_buffer_bytes; // 0: leave the system's
    bool no_segmentation;                        // never use UDP_SEGMENT (tests, comparison)
};

// NULL: `error` says why, naming the port.
struct udp_port *udp_port_open(const struct udp_port_config *config, struct pool *pool, char *error,
                               size_t error_cap);
void udp_port_close(struct udp_port *port); // releases queued blocks; NULL is fine
uint16_t udp_port_number(const struct udp_port *port);
// The sockets to wait on for reading (and for writing while udp_port_backlog() > 0); -1 where a family is
// missing.
int udp_port_fd4(const struct udp_port *port);
int udp_port_fd6(const struct udp_port *port);

// Where the kernel gives datagrams of known senders to, of all sockets of the family that share this port;
// any of them may say it, on any thread. False: the kernel takes no such program.
bool udp_port_steer(struct udp_port *port, int family, const struct steer_entry *entries, unsigned count);

struct udp_datagram {
    struct block *block; // the caller's from now on
    struct tuple from;
    bool truncated; // longer than BLOCK_DATAGRAM_MAX: to be dropped
};

// Up to UDP_PORT_BATCH datagrams of one socket (4 or 6); fewer than that means that it is empty. 0 when there
// is nothing or no block to be had. Takes blocks ahead from the pool and keeps those that were not filled.
unsigned udp_port_receive(struct udp_port *port, int family, struct udp_datagram out[UDP_PORT_BATCH]);

enum udp_worth {
    UDP_KEEP,       // dropped only when nothing else is there
    UDP_DROP_FIRST, // video
};
// Queues a block (the port releases it). False: the queue was full and a datagram was dropped.
bool udp_port_queue(struct udp_port *port, const struct tuple *to, struct block *block, enum udp_worth worth);
// Queues a copy of some bytes (STUN, DTLS). False also when no block is left.
bool udp_port_queue_bytes(struct udp_port *port, const struct tuple *to, struct span datagram);
void udp_port_flush(struct udp_port *port);
uint32_t udp_port_backlog(const struct udp_port *port); // datagrams that wait for the socket

struct udp_port_counters {
    uint64_t datagrams_in, bytes_in, datagrams_out, bytes_out, truncated;
    uint64_t receive_calls, send_calls, messages_out, segmented_messages;
    uint64_t kernel_dropped; // SO_RXQ_OVFL
    uint64_t queue_dropped, send_failed, no_block;
};
const struct udp_port_counters *udp_port_counters(const struct udp_port *port);

#endif
