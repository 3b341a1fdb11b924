// udp_send: the queue of datagrams that leave, and the only sendmmsg of the program. For udp_port.c alone.
//
// A flush groups the queue by tuple, gathers datagrams of equal size from each group and sends them as one
// message with UDP_SEGMENT, 32 messages a call. Within a tuple order is kept among datagrams of one SSRC and
// among those without; across tuples it is not. What the
// socket does not take stays, in the order in which it came; when the queue is full, the oldest datagram that
// may be dropped makes room, and only if there is none the oldest of all.
#ifndef TRANSPORT_UDP_SEND_H
#define TRANSPORT_UDP_SEND_H

#include "transport/udp_port.h"

// So many refusals of UDP_SEGMENT in a row, each followed by a success without, and it is given up for good.
// A few are normal: a peer behind a small path MTU gets EINVAL, and must not take it from everybody.
#define UDP_SEND_REFUSALS_MAX 32
#define UDP_SEND_RIPE 64 // datagrams: an eighth of a megabyte of blocks

struct udp_send;
struct udp_send *udp_send_create(struct udp_port_counters *counters, bool segmentation); // NULL: no memory
void udp_send_destroy(struct udp_send *send); // releases queued blocks; NULL is fine

// Takes over the block. False: the queue was full and a datagram was dropped: this one, when all others are
// to be kept and it is not.
bool udp_send_queue(struct udp_send *send, const struct tuple *to, struct block *block, enum udp_worth worth);
bool udp_send_full(const struct udp_send *send);
// So much is queued that it is better sent before a datagram for `next` joins: the packets would fall out of
// the CPU's caches, and as those for one peer come in a row, a new peer means that those before it have all
// theirs.
bool udp_send_ripe(const struct udp_send *send, const struct tuple *next);
// -1 for a family without a socket: its datagrams are dropped.
void udp_send_flush(struct udp_send *send, int fd4, int fd6);
uint32_t udp_send_backlog(const struct udp_send *send); // what the last flush left

#endif
