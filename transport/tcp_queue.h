// tcp_queue: packets that wait for one TCP connection to take them, framed as RFC 4571 says. Sans I/O.
//
// Bounded in packets, bytes and time, so that who reads slowly gets what is new and costs no memory: when it
// is full, the oldest video makes room, and only if none waits the oldest of all; video that has waited for
// TCP_QUEUE_VIDEO_US, and anything that has for TCP_QUEUE_US, is not sent any more. What the connection has
// taken a part of is sent to its end, whatever happens: packets leave whole or not at all. The order is that
// in which they came, sound and pictures together: the receiver's reports about arrivals then say how long
// the queue is, and congestion control (rooms/media/congestion.h) sees it.
//
// The places in the queues of all connections of a worker are in one store; a quarter of it is for what is no
// video. One thread; blocks belong to the queue until they are sent or dropped.
#ifndef TRANSPORT_TCP_QUEUE_H
#define TRANSPORT_TCP_QUEUE_H

#include "base/pool.h"
#include "transport/udp_port.h"

#include <sys/uio.h>

#define TCP_QUEUE_PACKETS 512 // of one connection, and its bytes with their lengths
#define TCP_QUEUE_BYTES (256 * 1024)
#define TCP_QUEUE_VIDEO_US (500 * UINT64_C(1000))
#define TCP_QUEUE_US (2 * UINT64_C(1000000))
#define TCP_QUEUE_GATHER 32 // packets that one call may carry
#define TCP_QUEUE_STORE 65536

struct tcp_store;
struct tcp_store *tcp_store_create(uint32_t places); // for so many packets in all; NULL: no memory
void tcp_store_destroy(struct tcp_store *store);     // all queues are cleared; NULL is fine
uint32_t tcp_store_taken(const struct tcp_store *store);

struct tcp_queue {
    struct tcp_fifo {
        uint32_t first, last, count;
    } fifos[2];           // by enum udp_worth
    struct block *sent;   // a part of this one has been taken; NULL: none
    uint32_t sent_bytes;  // so much of it, the length in front of it counted
    uint32_t bytes;       // of all that wait, with their lengths
    uint64_t next_number; // of the packet that comes next
};

// What a call leads to: packets that are not to be sent.
struct tcp_queue_losses {
    uint64_t full, late;
};

void tcp_queue_init(struct tcp_queue *queue);
void tcp_queue_clear(struct tcp_queue *queue, struct tcp_store *store);
static inline bool tcp_queue_empty(const struct tcp_queue *queue) {
    return queue->bytes == 0;
}

// Takes the block over. False: there is no room, and this one or another one was dropped for it.
bool tcp_queue_put(struct tcp_queue *queue, struct tcp_store *store, struct block *block,
                   enum udp_worth worth, uint64_t now_us, struct tcp_queue_losses *losses);
// Drops what has waited too long.
void tcp_queue_expire(struct tcp_queue *queue, struct tcp_store *store, uint64_t now_us,
                      struct tcp_queue_losses *losses);

struct tcp_gather {
    uint8_t heads[TCP_QUEUE_GATHER + 1][2];
    struct iovec iovecs[2 * (TCP_QUEUE_GATHER + 1)];
    unsigned count; // of iovecs
    size_t bytes;   // in them
};
// What is to be sent next, in its order; nothing changes.
void tcp_queue_gather(const struct tcp_queue *queue, const struct tcp_store *store, struct tcp_gather *out);
// The connection has taken so many of those bytes. Returns how many packets are whole with them.
unsigned tcp_queue_taken(struct tcp_queue *queue, struct tcp_store *store, size_t bytes);

#endif
