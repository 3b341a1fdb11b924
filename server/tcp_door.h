// tcp_door: where connections for media over TCP come in (docs/adr/0012-media-over-tcp.md): on the number of
// the media port, and those that HTTP's own TLS port finds to be media (server/web/ws_server.h).
//
// It waits, for DOOR_FIRST_US at most and without reading it off the socket, for the first packet, which
// names the worker that the connection then belongs to (transport/tcp_first.h). Then it waits for hold_us
// more, in which the peer's checks over UDP are answered and its first over TCP is not: Firefox gives up what
// it has not tried yet as soon as one check is answered, and would stay with TCP where UDP works as well.
// Connections are bounded: in
// all, those that have not shown yet that they are a peer's (transport/tcp_port.h), and those of one address
// (IPv6: of one /64); where there is no more room, who came first and has said nothing is closed, or else the
// stranger who spoke first. Who speaks HTTP here is told so; everybody else who is no peer is closed, and
// counted.
//
// Control thread.
#ifndef SERVER_TCP_DOOR_H
#define SERVER_TCP_DOOR_H

#include "server/common/net_address.h"
#include "server/media/media.h"

#include <stddef.h>
#include <stdint.h>

#define DOOR_FIRST_US (10 * UINT64_C(1000000))
#define DOOR_HOLD_US (300 * UINT64_C(1000))
#define DOOR_STRANGERS_MAX 4096
#define DOOR_STRANGERS_OF_ADDRESS 1024
#define DOOR_STRANGERS_MIN 8 // of both, however few connections there may be

struct uv_loop_s;
struct tcp_door;

struct tcp_door_config {
    struct uv_loop_s *loop;
    struct media *media;
    uint16_t port; // 0: none of its own, others give it what came in (tcp_door_take)
    uint32_t connections_max;
    uint64_t hold_us; // 0: who has spoken goes in at once
    // 0: half of connections_max, so that strangers never keep peers out, and half of that for an address;
    // within the limits above.
    uint32_t strangers_max, strangers_of_address;
};

// Opens the door on all addresses. NULL and a sentence in `error` that names the port.
struct tcp_door *tcp_door_open(const struct tcp_door_config *config, char *error, size_t error_cap);
// A connection that came in elsewhere, nothing of which was read; `client` is who it counts for.
void tcp_door_take(struct tcp_door *door, int fd, const struct net_address *client);
// Nobody comes in any more; the loop's next turns end its handles. NULL is fine.
void tcp_door_shut(struct tcp_door *door);
// When media_stop has returned. NULL is fine.
void tcp_door_destroy(struct tcp_door *door);

// X(member, type of the metric, its name, its help)
#define TCP_DOOR_COUNTERS(X)                                                                                 \
    X(strangers, "gauge", "rotunda_tcp_strangers",                                                           \
      "Connections of media over TCP over which no good check has come yet.")                                \
    X(accepted, "counter", "rotunda_tcp_accepted_total", "Connections of media over TCP that came in.")      \
    X(refused_full, "counter", "rotunda_tcp_refused_full_total", "Those that were too many in all.")         \
    X(refused_address, "counter", "rotunda_tcp_refused_address_total",                                       \
      "Those that were too many strangers of one address.")                                                  \
    X(refused_other, "counter", "rotunda_tcp_refused_other_total",                                           \
      "Those whose first packet was no check of a peer's.")                                                  \
    X(refused_late, "counter", "rotunda_tcp_refused_late_total",                                             \
      "Those whose first packet had not come in 10 s, or that ended before.")

struct tcp_door_counts {
#define TCP_DOOR_MEMBER(member, ...) uint64_t member;
    TCP_DOOR_COUNTERS(TCP_DOOR_MEMBER)
#undef TCP_DOOR_MEMBER
};
void tcp_door_read(const struct tcp_door *door, struct tcp_door_counts *out); // NULL: zeros

#endif
