#include "load/net_tcp.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define OUT_BYTES (128 * 1024)
#define READ_BYTES 16384
#define SLOW_BUFFER_BYTES 8192 // its socket's receive buffer, so that the server soon feels it
#define HEAD_BYTES 2

struct net_tcp {
    uv_poll_t poll;
    uv_timer_t rest; // a slow reader's pause
    unsigned handles;
    int fd;
    uint32_t read_bps;
    struct net_counters *counters;
    net_handler *handler;
    void *ctx;
    bool resting, writable_awaited, over;
    size_t in_len, out_len;
    uint8_t in[HEAD_BYTES + NET_DATAGRAM_MAX + NET_SPARE_BYTES];
    uint8_t out[OUT_BYTES];
};

static void on_ready(uv_poll_t *poll, int status, int events);

static void tcp_watch(struct net_tcp *tcp) {
    int events = (tcp->resting ? 0 : UV_READABLE) | (tcp->writable_awaited ? UV_WRITABLE : 0);
    if (tcp->over || events == 0)
        uv_poll_stop(&tcp->poll);
    else
        uv_poll_start(&tcp->poll, events, on_ready);
}

// ---- out

static void tcp_flush(struct net_tcp *tcp) {
    ssize_t n = send(tcp->fd, tcp->out, tcp->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);
    tcp->counters->send_calls++;
    if (n > 0) {
        tcp->out_len -= (size_t)n;
        memmove(tcp->out, tcp->out + n, tcp->out_len);
    } else if (n < 0 && errno != EAGAIN && errno != ENOTCONN && errno != EINPROGRESS) {
        tcp->over = true;
        tcp->out_len = 0;
    }
    tcp->writable_awaited = tcp->out_len > 0;
    tcp_watch(tcp);
}

void net_tcp_send(struct net_tcp *tcp, const void *bytes, size_t len) {
    assert(len > 0 && len <= NET_DATAGRAM_MAX);
    if (tcp->over || tcp->out_len + HEAD_BYTES + len > sizeof tcp->out) {
        tcp->counters->send_failed++;
        return;
    }
    tcp->out[tcp->out_len++] = (uint8_t)(len >> 8);
    tcp->out[tcp->out_len++] = (uint8_t)len;
    memcpy(tcp->out + tcp->out_len, bytes, len);
    tcp->out_len += len;
    tcp->counters->datagrams_out++;
    tcp->counters->bytes_out += len;
    if (!tcp->writable_awaited)
        tcp_flush(tcp);
}

// ---- in

static void on_rested(uv_timer_t *timer) {
    struct net_tcp *tcp = timer->data;
    tcp->resting = false;
    tcp_watch(tcp);
}

// Whoever is slow reads on when what it has read would have come over its link.
static void tcp_rest(struct net_tcp *tcp, size_t bytes) {
    uint64_t rest_ms = bytes * 8 * 1000 / tcp->read_bps;
    if (rest_ms == 0)
        return;
    tcp->resting = true;
    uv_timer_start(&tcp->rest, on_rested, rest_ms, 0);
    tcp_watch(tcp);
}

// Hands up whole frames from the front of what was read; the handler may write behind a frame, so it gets a
// copy.
static void tcp_frames(struct net_tcp *tcp) {
    uint64_t now_us = clock_now_us();
    while (tcp->in_len >= HEAD_BYTES && !tcp->over) {
        size_t len = (size_t)tcp->in[0] << 8 | tcp->in[1];
        if (len == 0 || len > NET_DATAGRAM_MAX) {
            tcp->over = true;
            break;
        }
        if (tcp->in_len < HEAD_BYTES + len)
            break;
        uint8_t datagram[NET_DATAGRAM_MAX + NET_SPARE_BYTES];
        memcpy(datagram, tcp->in + HEAD_BYTES, len);
        tcp->in_len -= HEAD_BYTES + len;
        memmove(tcp->in, tcp->in + HEAD_BYTES + len, tcp->in_len);
        tcp->counters->datagrams_in++;
        tcp->counters->bytes_in += len;
        tcp->handler(tcp->ctx, datagram, len, now_us);
    }
}

static bool tcp_read(struct net_tcp *tcp) {
    size_t room = HEAD_BYTES + NET_DATAGRAM_MAX - tcp->in_len;
    ssize_t n = recv(tcp->fd, tcp->in + tcp->in_len, room, MSG_DONTWAIT);
    tcp->counters->receive_calls++;
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != ENOTCONN))
        tcp->over = true;
    if (n <= 0)
        return false;
    tcp->in_len += (size_t)n;
    tcp_frames(tcp);
    if (tcp->read_bps)
        tcp_rest(tcp, (size_t)n);
    return !tcp->read_bps;
}

static void on_ready(uv_poll_t *poll, int status, int events) {
    struct net_tcp *tcp = poll->data;
    if (status < 0)
        tcp->over = true;
    if (!tcp->over && (events & UV_WRITABLE))
        tcp_flush(tcp);
    if (!tcp->over && (events & UV_READABLE))
        for (size_t i = 0; i < READ_BYTES / 1024 && tcp_read(tcp); i++)
            ;
    tcp_watch(tcp);
}

// ---- life

static void on_closed(uv_handle_t *handle) {
    struct net_tcp *tcp = handle->data;
    if (--tcp->handles == 0)
        free(tcp);
}

void net_tcp_close(struct net_tcp *tcp) {
    if (!tcp)
        return;
    uv_poll_stop(&tcp->poll);
    close(tcp->fd);
    uv_close((uv_handle_t *)&tcp->poll, on_closed);
    uv_close((uv_handle_t *)&tcp->rest, on_closed);
}

static int tcp_connect(const struct addr *remote, bool slow) {
    struct sockaddr_storage to;
    socklen_t len = addr_to_sockaddr(remote, &to);
    int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int on = 1, small = SLOW_BUFFER_BYTES;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (slow)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (connect(fd, (struct sockaddr *)&to, len) == 0 || errno == EINPROGRESS)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

struct net_tcp *net_tcp_open(uv_loop_t *loop, const struct addr *remote, uint32_t read_bps,
                             struct net_counters *counters, net_handler *handler, void *ctx) {
    struct net_tcp *tcp = calloc(1, sizeof *tcp);
    if (!tcp)
        return NULL;
    tcp->read_bps = read_bps;
    tcp->counters = counters;
    tcp->handler = handler;
    tcp->ctx = ctx;
    tcp->fd = tcp_connect(remote, read_bps != 0);
    if (tcp->fd < 0 || uv_poll_init_socket(loop, &tcp->poll, tcp->fd) != 0) {
        if (tcp->fd >= 0)
            close(tcp->fd);
        free(tcp);
        return NULL;
    }
    uv_timer_init(loop, &tcp->rest);
    tcp->handles = 2;
    tcp->poll.data = tcp->rest.data = tcp;
    tcp_watch(tcp);
    return tcp;
}
