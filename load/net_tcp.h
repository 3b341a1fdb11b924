// net_tcp: one connection to the server's media over TCP, active ICE-TCP (RFC 6544), with the framing of RFC
// 4571, on a libuv loop. For net.c, whose paths are it or UDP.
//
// What is sent before the connection stands, and what the socket does not take, waits in a buffer; what does
// not fit is lost. It reads read_bps at most (0: all there is), so that the server meets a slow reader. One
// thread. A handler must not close its connection.
#ifndef LOAD_NET_TCP_H
#define LOAD_NET_TCP_H

#include "base/addr.h"
#include "load/net.h"

struct net_tcp;

struct net_tcp *net_tcp_open(struct uv_loop_s *loop, const struct addr *remote, uint32_t read_bps,
                             struct net_counters *counters, net_handler *handler, void *ctx); // NULL: errno
void net_tcp_close(struct net_tcp *tcp); // the loop's next turns free it; NULL is fine
void net_tcp_send(struct net_tcp *tcp, const void *bytes, size_t len);

#endif
