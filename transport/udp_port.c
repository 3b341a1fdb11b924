#include "transport/udp_port.h"

#include "transport/udp_send.h"

#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
// The local address and the socket's drop count.
#define RECEIVE_CONTROL_BYTES (CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint32_t)))
#define PORT_TRIES 16 // to find a port that is free in both families

struct udp_socket {
    int fd; // -1: the machine does not have this family
    int family;
    uint32_t dropped; // SO_RXQ_OVFL as last seen
};

struct udp_port {
    struct udp_socket sockets[2]; // IPv4, IPv6
    uint16_t number;
    struct pool *pool;
    struct udp_send *send;
    struct udp_port_counters counters;
    struct block *blocks[UDP_PORT_BATCH]; // taken ahead; NULL where one is to be taken
    struct mmsghdr headers[UDP_PORT_BATCH];
    struct iovec iovecs[UDP_PORT_BATCH];
    struct sockaddr_storage names[UDP_PORT_BATCH];
    _Alignas(struct cmsghdr) uint8_t control[UDP_PORT_BATCH][RECEIVE_CONTROL_BYTES];
};

// Opening

static bool socket_option(int fd, int level, int option, int value) {
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

// Beyond net.core.rmem_max where we may, else as far as it goes.
static void socket_buffer(int fd, int force, int option, int bytes) {
    if (bytes > 0 && !socket_option(fd, SOL_SOCKET, force, bytes))
        (void)socket_option(fd, SOL_SOCKET, option, bytes);
}

static bool socket_prepare(int fd, int family, const struct udp_port_config *config) {
    socket_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, config->receive_buffer_bytes);
    socket_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, config->send_buffer_bytes);
    if (config->reuse_port && !socket_option(fd, SOL_SOCKET, SO_REUSEPORT, 1))
        return false;
    (void)socket_option(fd, SOL_SOCKET, SO_RXQ_OVFL,
                        1); // a counter is all that is lost (QEMU's user mode has none)
    if (family == 4)
        return socket_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
    return socket_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
           socket_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

static int socket_bind(int fd, int family, uint16_t port) {
    struct addr any = {.family = (uint8_t)family, .port = port};
    struct sockaddr_storage sa;
    socklen_t len = addr_to_sockaddr(&any, &sa);
    return bind(fd, (struct sockaddr *)&sa, len);
}

static uint16_t socket_port(int fd) {
    struct sockaddr_storage sa = {0};
    socklen_t len = sizeof sa;
    struct addr bound = {0};
    if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0)
        addr_from_sockaddr((struct sockaddr *)&sa, &bound);
    return bound.port;
}

// 0, or the errno. A machine without the family is no error: then fd stays -1.
static int socket_open(struct udp_socket *s, const struct udp_port_config *config, uint16_t port) {
    int fd = socket(s->family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno == EAFNOSUPPORT ? 0 : errno;
    if (socket_prepare(fd, s->family, config) && socket_bind(fd, s->family, port) == 0) {
        s->fd = fd;
        return 0;
    }
    int error = errno;
    close(fd);
    return error == EADDRNOTAVAIL || error == EAFNOSUPPORT ? 0 : error;
}

static void sockets_close(struct udp_port *port) {
    for (int i = 0; i < 2; i++) {
        if (port->sockets[i].fd >= 0)
            close(port->sockets[i].fd);
        port->sockets[i].fd = -1;
    }
}

// Both families on one port; 0 or the errno.
static int sockets_open(struct udp_port *port, const struct udp_port_config *config) {
    int error = 0;
    for (int i = 0; i < PORT_TRIES; i++) {
        uint16_t number = config->port;
        for (int k = 0; k < 2 && error == 0; k++) {
            error = socket_open(&port->sockets[k], config, number);
            if (error == 0 && number == 0 && port->sockets[k].fd >= 0)
                number = socket_port(port->sockets[k].fd);
        }
        port->number = number;
        if (error == 0)
            return port->sockets[0].fd >= 0 || port->sockets[1].fd >= 0 ? 0 : EAFNOSUPPORT;
        sockets_close(port);
        if (error != EADDRINUSE || config->port != 0)
            return error;
        error = 0; // the port that IPv4 got is taken in IPv6: another one
    }
    return EADDRINUSE;
}

static bool kernel_segments(const struct udp_port *port) {
    int fd = port->sockets[0].fd >= 0 ? port->sockets[0].fd : port->sockets[1].fd;
    return socket_option(fd, IPPROTO_UDP, UDP_SEGMENT, 0); // since Linux 4.18
}

struct udp_port *udp_port_open(const struct udp_port_config *config, struct pool *pool, char *error,
                               size_t error_cap) {
    struct udp_port *port = calloc(1, sizeof *port);
    if (!port) {
        snprintf(error, error_cap, "UDP port %u: out of memory", config->port);
        return NULL;
    }
    port->pool = pool;
    port->sockets[0] = (struct udp_socket){.fd = -1, .family = 4};
    port->sockets[1] = (struct udp_socket){.fd = -1, .family = 6};
    int cause = sockets_open(port, config);
    if (cause == 0) {
        bool segmentation = !config->no_segmentation && kernel_segments(port);
        port->send = udp_send_create(&port->counters, segmentation);
        cause = port->send ? 0 : ENOMEM;
    }
    if (cause != 0) {
        snprintf(error, error_cap, "UDP port %u: %s", config->port, strerror(cause));
        udp_port_close(port);
        return NULL;
    }
    return port;
}

void udp_port_close(struct udp_port *port) {
    if (!port)
        return;
    sockets_close(port);
    udp_send_destroy(port->send);
    for (unsigned i = 0; i < UDP_PORT_BATCH; i++)
        block_release(port->blocks[i]);
    free(port);
}

uint16_t udp_port_number(const struct udp_port *port) {
    return port->number;
}

int udp_port_fd4(const struct udp_port *port) {
    return port->sockets[0].fd;
}

int udp_port_fd6(const struct udp_port *port) {
    return port->sockets[1].fd;
}

const struct udp_port_counters *udp_port_counters(const struct udp_port *port) {
    return &port->counters;
}

bool udp_port_steer(struct udp_port *port, int family, const struct steer_entry *entries, unsigned count) {
    struct sock_filter code[UDP_STEER_PROGRAM_MAX];
    struct sock_fprog program = {.filter = code};
    int fd = port->sockets[family == 6].fd;
    if (fd < 0)
        return true; // nothing comes in
    program.len = (unsigned short)udp_steer_program(family, entries, count, code);
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0;
}

// Receiving

// Points the first headers at blocks; returns how many. Fewer than a batch when the pool runs dry.
static unsigned receive_prepare(struct udp_port *port) {
    unsigned n = 0;
    for (; n < UDP_PORT_BATCH; n++) {
        if (!port->blocks[n])
            port->blocks[n] = pool_take(port->pool);
        struct block *block = port->blocks[n];
        if (!block)
            break;
        port->iovecs[n] = (struct iovec){.iov_base = block_data(block), .iov_len = BLOCK_DATAGRAM_MAX};
        port->headers[n].msg_hdr = (struct msghdr){.msg_name = &port->names[n],
                                                   .msg_namelen = sizeof port->names[n],
                                                   .msg_iov = &port->iovecs[n],
                                                   .msg_iovlen = 1,
                                                   .msg_control = port->control[n],
                                                   .msg_controllen = sizeof port->control[n]};
    }
    return n;
}

static void receive_dropped(struct udp_port *port, struct udp_socket *s, const struct cmsghdr *c) {
    uint32_t dropped;
    memcpy(&dropped, CMSG_DATA(c), sizeof dropped);
    port->counters.kernel_dropped += (uint32_t)(dropped - s->dropped);
    s->dropped = dropped;
}

static void receive_local4(const struct cmsghdr *c, struct addr *local) {
    struct in_pktinfo info;
    memcpy(&info, CMSG_DATA(c), sizeof info);
    local->family = 4;
    // Not ipi_addr: that may be a broadcast address, from which nothing can be sent.
    memcpy(local->ip, &info.ipi_spec_dst, 4);
}

static void receive_local6(const struct cmsghdr *c, uint16_t number, struct addr *local) {
    struct in6_pktinfo info;
    memcpy(&info, CMSG_DATA(c), sizeof info);
    struct sockaddr_in6 sa = {
        .sin6_family = AF_INET6, .sin6_addr = info.ipi6_addr, .sin6_scope_id = info.ipi6_ifindex};
    addr_from_sockaddr((struct sockaddr *)&sa, local);
    local->port = number;
}

static void receive_control(struct udp_port *port, struct udp_socket *s, struct msghdr *header,
                            struct addr *local) {
    *local = (struct addr){.port = port->number};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
            receive_dropped(port, s, c);
        else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
            receive_local4(c, local);
        else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
            receive_local6(c, port->number, local);
    }
}

static void receive_datagram(struct udp_port *port, struct udp_socket *s, unsigned i,
                             struct udp_datagram *out) {
    struct msghdr *header = &port->headers[i].msg_hdr;
    out->block = port->blocks[i];
    port->blocks[i] = NULL;
    out->block->len = (uint16_t)port->headers[i].msg_len;
    out->truncated = header->msg_flags & MSG_TRUNC;
    out->from = (struct tuple){.protocol = TUPLE_UDP};
    addr_from_sockaddr((struct sockaddr *)&port->names[i], &out->from.remote);
    receive_control(port, s, header, &out->from.local);
    port->counters.datagrams_in++;
    port->counters.bytes_in += out->block->len;
    port->counters.truncated += out->truncated;
}

unsigned udp_port_receive(struct udp_port *port, int family, struct udp_datagram out[UDP_PORT_BATCH]) {
    assert(family == 4 || family == 6);
    struct udp_socket *s = &port->sockets[family == 6];
    if (s->fd < 0)
        return 0;
    unsigned room = receive_prepare(port);
    if (room == 0) {
        port->counters.no_block++;
        return 0;
    }
    int n;
    do {
        n = recvmmsg(s->fd, port->headers, room, 0, NULL);
        port->counters.receive_calls++;
    } while (n < 0 && errno == EINTR);
    for (int i = 0; i < n; i++)
        receive_datagram(port, s, (unsigned)i, &out[i]);
    return n > 0 ? (unsigned)n : 0;
}

// Sending

bool udp_port_queue(struct udp_port *port, const struct tuple *to, struct block *block,
                    enum udp_worth worth) {
    // A tick that produces much is sent in parts, unless the socket is what blocks.
    bool full = udp_send_full(port->send) && udp_send_backlog(port->send) == 0;
    if (full || udp_send_ripe(port->send, to))
        udp_port_flush(port);
    return udp_send_queue(port->send, to, block, worth);
}

bool udp_port_queue_bytes(struct udp_port *port, const struct tuple *to, struct span datagram) {
    assert(datagram.len <= BLOCK_DATAGRAM_MAX);
    struct block *block = pool_take(port->pool);
    if (!block) {
        port->counters.no_block++;
        return false;
    }
    memcpy(block_data(block), datagram.ptr, datagram.len);
    block->len = (uint16_t)datagram.len;
    return udp_port_queue(port, to, block, UDP_KEEP);
}

void udp_port_flush(struct udp_port *port) {
    udp_send_flush(port->send, port->sockets[0].fd, port->sockets[1].fd);
}

uint32_t udp_port_backlog(const struct udp_port *port) {
    return udp_send_backlog(port->send);
}
