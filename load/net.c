#include "load/net.h"
#include "load/net_tcp.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#define RECEIVE_BUFFER_BYTES (32 * 1024 * 1024) // of a shared socket
#define RECEIVE_BUFFER_ONE_BYTES (1024 * 1024)  // of one path's own
#define BATCHES_PER_TURN 16                     // of one socket, before others have their turn
#define CONTROL_BYTES (CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(uint32_t)))
#define FIRST_SOURCE UINT32_C(0x7f010000) // 127.1.0.0

struct net_socket {
    uv_poll_t poll;
    struct net *net;
    struct net_path *path; // the one path, or NULL: shared
    int fd;
    uint32_t dropped; // SO_RXQ_OVFL as last seen
};

struct net_path {
    struct net *net;
    struct net_socket *socket;
    struct net_tcp *tcp; // in place of a socket
    struct addr remote;
    struct sockaddr_storage name;
    socklen_t name_len;
    uint32_t source; // 0: the socket's own
    uint16_t number;
    net_handler *handler;
    void *ctx;
};

struct net_out {
    struct net_path *path;
    uint16_t len;
    uint8_t bytes[NET_DATAGRAM_MAX];
};

struct net {
    uv_loop_t *loop;
    uv_prepare_t prepare;
    enum socket_mode mode;
    struct net_counters counters;
    struct net_socket *lanes[NET_LANES];
    struct net_path *paths[NET_PATHS_MAX];
    uint16_t next_number;
    unsigned out_count;
    struct net_out out[NET_BATCH];
    struct mmsghdr headers[NET_BATCH];
    struct iovec iovecs[NET_BATCH];
    struct sockaddr_storage names[NET_BATCH];
    _Alignas(struct cmsghdr) uint8_t control[NET_BATCH][CONTROL_BYTES];
    uint8_t in[NET_BATCH][NET_DATAGRAM_MAX + NET_SPARE_BYTES];
};

// ---- receiving

static struct net_path *path_of_source(struct net *net, uint32_t ip) {
    uint32_t number = ip - FIRST_SOURCE;
    return number < NET_PATHS_MAX ? net->paths[number] : NULL;
}

// The path that a datagram is for; notes what else the kernel says.
static struct net_path *receive_path(struct net_socket *s, struct msghdr *header) {
    struct net_path *path = s->path;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
            uint32_t dropped;
            memcpy(&dropped, CMSG_DATA(c), sizeof dropped);
            s->net->counters.kernel_dropped += (uint32_t)(dropped - s->dropped);
            s->dropped = dropped;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO && !s->path) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            path = path_of_source(s->net, ntohl(info.ipi_addr.s_addr));
        }
    }
    struct addr from;
    if (path && !s->path) { // a connected socket hears its server alone
        addr_from_sockaddr((struct sockaddr *)header->msg_name, &from);
        if (path->socket != s || !addr_equal(&from, &path->remote))
            path = NULL;
    }
    return path;
}

static unsigned receive_batch(struct net_socket *s) {
    struct net *net = s->net;
    for (unsigned i = 0; i < NET_BATCH; i++) {
        net->iovecs[i] = (struct iovec){.iov_base = net->in[i], .iov_len = NET_DATAGRAM_MAX};
        net->headers[i].msg_hdr = (struct msghdr){.msg_name = &net->names[i],
                                                  .msg_namelen = sizeof net->names[i],
                                                  .msg_iov = &net->iovecs[i],
                                                  .msg_iovlen = 1,
                                                  .msg_control = net->control[i],
                                                  .msg_controllen = CONTROL_BYTES};
    }
    int n = recvmmsg(s->fd, net->headers, NET_BATCH, MSG_DONTWAIT, NULL);
    net->counters.receive_calls++;
    uint64_t now_us = clock_now_us();
    for (int i = 0; i < n; i++) {
        struct msghdr *header = &net->headers[i].msg_hdr;
        struct net_path *path = receive_path(s, header);
        size_t len = net->headers[i].msg_len;
        net->counters.datagrams_in++;
        net->counters.bytes_in += len;
        if (path && !(header->msg_flags & MSG_TRUNC))
            path->handler(path->ctx, net->in[i], len, now_us);
        else
            net->counters.strangers++;
    }
    return n > 0 ? (unsigned)n : 0;
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    (void)status; // an error such as a refused connection is read off by recvmmsg
    (void)events;
    struct net_socket *s = poll->data;
    for (unsigned i = 0; i < BATCHES_PER_TURN; i++)
        if (receive_batch(s) < NET_BATCH)
            break;
}

// ---- sending

static void send_prepare(struct net *net, unsigned i) {
    struct net_out *out = &net->out[i];
    struct msghdr *header = &net->headers[i].msg_hdr;
    net->iovecs[i] = (struct iovec){.iov_base = out->bytes, .iov_len = out->len};
    *header = (struct msghdr){.msg_iov = &net->iovecs[i], .msg_iovlen = 1};
    if (!out->path->source)
        return;
    header->msg_name = &out->path->name;
    header->msg_namelen = out->path->name_len;
    header->msg_control = net->control[i];
    header->msg_controllen = CMSG_SPACE(sizeof(struct in_pktinfo));
    struct cmsghdr *c = CMSG_FIRSTHDR(header);
    *c = (struct cmsghdr){
        .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO, .cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo))};
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(out->path->source)};
    memcpy(CMSG_DATA(c), &info, sizeof info);
}

// Sends entries [from, to), which are of one socket.
static void send_run(struct net *net, int fd, unsigned from, unsigned to) {
    while (from < to) {
        int n = sendmmsg(fd, net->headers + from, to - from, MSG_DONTWAIT);
        net->counters.send_calls++;
        if (n <= 0) { // this one cannot leave; a full socket is a lossy network
            net->counters.send_failed++;
            n = 1;
        }
        from += (unsigned)n;
    }
}

void net_flush(struct net *net) {
    unsigned run = 0, count = net->out_count;
    for (unsigned i = 0; i < count; i++) {
        send_prepare(net, i);
        if (i > 0 && net->out[i].path->socket != net->out[run].path->socket) {
            send_run(net, net->out[run].path->socket->fd, run, i);
            run = i;
        }
    }
    if (count > 0)
        send_run(net, net->out[run].path->socket->fd, run, count);
    net->out_count = 0;
}

void net_send(struct net_path *path, const void *bytes, size_t len) {
    struct net *net = path->net;
    assert(len <= NET_DATAGRAM_MAX);
    if (path->tcp) {
        net_tcp_send(path->tcp, bytes, len);
        return;
    }
    if (net->out_count == NET_BATCH)
        net_flush(net);
    struct net_out *out = &net->out[net->out_count++];
    out->path = path;
    out->len = (uint16_t)len;
    memcpy(out->bytes, bytes, len);
    net->counters.datagrams_out++;
    net->counters.bytes_out += len;
}

static void on_prepare(uv_prepare_t *prepare) {
    net_flush(prepare->data);
}

// ---- sockets

static void socket_closed(uv_handle_t *handle) {
    free(handle->data);
}

static void socket_close(struct net_socket *s) {
    uv_poll_stop(&s->poll);
    close(s->fd);
    uv_close((uv_handle_t *)&s->poll, socket_closed);
}

static void socket_set(int fd, int level, int option, int value) {
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

static struct net_socket *socket_open(struct net *net, int family, int buffer_bytes) {
    struct net_socket *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->net = net;
    s->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || uv_poll_init(net->loop, &s->poll, s->fd) != 0) {
        int error = errno;
        if (s->fd >= 0)
            close(s->fd);
        free(s);
        errno = error;
        return NULL;
    }
    s->poll.data = s;
    socket_set(s->fd, SOL_SOCKET, SO_RCVBUF, buffer_bytes);
    socket_set(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, buffer_bytes); // beyond net.core.rmem_max where we may
    socket_set(s->fd, SOL_SOCKET, SO_SNDBUF, buffer_bytes);
    socket_set(s->fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
    uv_poll_start(&s->poll, UV_READABLE, on_readable);
    return s;
}

static struct net_socket *lane_open(struct net *net, unsigned lane) {
    struct net_socket *s = net->lanes[lane];
    if (s)
        return s;
    s = socket_open(net, AF_INET, RECEIVE_BUFFER_BYTES);
    struct sockaddr_in any = {.sin_family = AF_INET};
    if (s && bind(s->fd, (struct sockaddr *)&any, sizeof any) != 0) {
        socket_close(s);
        return NULL;
    }
    if (s)
        socket_set(s->fd, IPPROTO_IP, IP_PKTINFO, 1);
    net->lanes[lane] = s;
    return s;
}

struct net *net_create(uv_loop_t *loop, enum socket_mode mode) {
    struct net *net = calloc(1, sizeof *net);
    if (!net)
        return NULL;
    net->loop = loop;
    net->mode = mode;
    uv_prepare_init(loop, &net->prepare);
    net->prepare.data = net;
    uv_prepare_start(&net->prepare, on_prepare);
    return net;
}

void net_stop(struct net *net) {
    if (!net)
        return;
    net_flush(net);
    uv_close((uv_handle_t *)&net->prepare, NULL);
    for (unsigned i = 0; i < NET_LANES; i++)
        if (net->lanes[i])
            socket_close(net->lanes[i]);
}

void net_destroy(struct net *net) {
    free(net);
}

// ---- paths

static bool path_take_number(struct net *net, struct net_path *path) {
    for (unsigned i = 0; i < NET_PATHS_MAX - 1; i++) {
        net->next_number = (uint16_t)(net->next_number + 1 < NET_PATHS_MAX ? net->next_number + 1 : 1);
        if (!net->paths[net->next_number]) {
            path->number = net->next_number;
            net->paths[path->number] = path;
            return true;
        }
    }
    errno = ENOBUFS;
    return false;
}

static bool path_attach(struct net *net, struct net_path *path) {
    bool loopback = path->remote.family == 4 && path->remote.ip[0] == 127;
    bool shared = net->mode != SOCKETS_EACH && loopback;
    if (shared) {
        path->source = FIRST_SOURCE + path->number;
        path->socket = lane_open(net, path->number % NET_LANES);
        return path->socket != NULL;
    }
    path->socket = socket_open(net, path->name.ss_family, RECEIVE_BUFFER_ONE_BYTES);
    if (!path->socket)
        return false;
    path->socket->path = path;
    if (connect(path->socket->fd, (struct sockaddr *)&path->name, path->name_len) == 0)
        return true;
    int error = errno;
    socket_close(path->socket);
    errno = error;
    return false;
}

struct net_path *net_path_open(struct net *net, const struct addr *remote, net_handler *handler, void *ctx) {
    struct net_path *path = calloc(1, sizeof *path);
    if (!path)
        return NULL;
    path->net = net;
    path->remote = *remote;
    path->name_len = addr_to_sockaddr(remote, &path->name);
    path->handler = handler;
    path->ctx = ctx;
    if (!path_take_number(net, path)) {
        free(path);
        return NULL;
    }
    if (!path_attach(net, path)) {
        net->paths[path->number] = NULL;
        free(path);
        return NULL;
    }
    return path;
}

struct net_path *net_path_open_tcp(struct net *net, const struct addr *remote, uint32_t read_bps,
                                   net_handler *handler, void *ctx) {
    struct net_path *path = calloc(1, sizeof *path);
    if (!path)
        return NULL;
    path->net = net;
    path->remote = *remote;
    if (path_take_number(net, path)) {
        path->tcp = net_tcp_open(net->loop, remote, read_bps, &net->counters, handler, ctx);
        if (path->tcp)
            return path;
        net->paths[path->number] = NULL;
    }
    free(path);
    return NULL;
}

void net_path_close(struct net_path *path) {
    if (!path)
        return;
    struct net *net = path->net;
    net_flush(net); // nothing that waits may name it
    assert(net->paths[path->number] == path);
    net->paths[path->number] = NULL;
    net_tcp_close(path->tcp);
    if (path->socket && path->socket->path)
        socket_close(path->socket);
    free(path);
}

const struct net_counters *net_get_counters(const struct net *net) {
    return &net->counters;
}
