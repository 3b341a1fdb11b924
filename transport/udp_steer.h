// udp_steer: which of several sockets on one port (SO_REUSEPORT) the kernel gives a datagram to.
//
// By itself the kernel spreads datagrams by a hash of their addresses. A classic BPF program, which needs no
// privilege (socket(7), SO_ATTACH_REUSEPORT_CBPF), looks the sender up in a search tree of known ones and
// names their socket; what it does not know is spread as before. Senders are told apart by a 32-bit key made
// of their address: where two share one, or a sender has gone and another has its address, a datagram
// arrives at another socket than it should, as it might without the program. Pure.
#ifndef TRANSPORT_UDP_STEER_H
#define TRANSPORT_UDP_STEER_H

#include "base/addr.h"

#define UDP_STEER_MAX 800 // entries; the kernel takes programs of 4096 instructions (BPF_MAXINSNS)

struct steer_entry {
    uint32_t key;
    uint8_t socket; // the number of the socket in the order in which they were bound
};

uint32_t udp_steer_key(const struct addr *remote);

struct sock_filter;
#define UDP_STEER_PROGRAM_MAX 4096
// Writes the program for a family (4 or 6), at most UDP_STEER_PROGRAM_MAX instructions; `entries` ascend by
// key, no key comes twice. Returns its length.
unsigned udp_steer_program(int family, const struct steer_entry *entries, unsigned count,
                           struct sock_filter *program);

#endif
