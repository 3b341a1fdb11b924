// net: the sockets of the load, on a libuv loop: many transports, few system calls.
//
// A server tells peers apart by their addresses, so each transport (a `net_path`) needs one of its own. Two
// ways, chosen by the server's address (or by hand): where it is in 127.0.0.0/8, NET_LANES sockets are shared
// by all and each path has a source address of its own, 127.1.0.0 and up, told to the kernel with each
// datagram (IP_PKTINFO); elsewhere each path has a connected socket. docs/load-testing.md has what both cost.
//
// Received datagrams are read up to NET_BATCH a call and handed to the path's handler; what is sent is copied
// into a batch that leaves when it is full and before the loop waits. One thread. A handler must not open or
// close paths.
#ifndef LOAD_NET_H
#define LOAD_NET_H

#include "base/span.h"
#include "load/options.h"
#include "base/addr.h"

#define NET_BATCH 64
#define NET_LANES 4
#define NET_DATAGRAM_MAX 1600 // longer ones are dropped
#define NET_SPARE_BYTES 64    // writable behind a received datagram
#define NET_PATHS_MAX 65000

struct uv_loop_s;
struct net;
struct net_path;

typedef void net_handler(void *ctx, uint8_t *datagram, size_t len, uint64_t now_us);

struct net_counters {
    uint64_t datagrams_in, bytes_in, datagrams_out, bytes_out;
    uint64_t send_failed;    // full socket or unreachable
    uint64_t kernel_dropped; // our receive buffers were full: this machine could not keep up
    uint64_t strangers;      // from no path's server
    uint64_t receive_calls, send_calls;
};

struct net *net_create(struct uv_loop_s *loop, enum socket_mode mode); // NULL: no memory
// Ends on the loop: run it until it has no handles. All paths are closed. NULL is fine.
void net_stop(struct net *net);
void net_destroy(struct net *net);

// NULL: no socket to be had (errno).
struct net_path *net_path_open(struct net *net, const struct addr *remote, net_handler *handler, void *ctx);
// The same over TCP (load/net_tcp.h), which reads read_bps at most; 0: all there is.
struct net_path *net_path_open_tcp(struct net *net, const struct addr *remote, uint32_t read_bps,
                                   net_handler *handler, void *ctx);
void net_path_close(struct net_path *path);
void net_send(struct net_path *path, const void *bytes, size_t len);
void net_flush(struct net *net);
const struct net_counters *net_get_counters(const struct net *net);

#endif
