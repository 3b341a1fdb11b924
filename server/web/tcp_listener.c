#include "server/web/tcp_listener.h"

#include "base/log_pace.h"
#include "server/common/port_owner.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#ifndef TCP_RTO_MAX_MS
#define TCP_RTO_MAX_MS 44 // Linux 6.15
#endif
#define AGAIN_MS 2000 // at most, between two tries to send the same bytes: an outage ends for us as soon
#define BACKLOG 1024
#define ACCEPTS_PER_TURN 64
#define RETRY_MS 1000 // after running out of descriptors or memory

struct tcp_listener {
    int socket;
    uint16_t port;
    uv_poll_t poll;
    uv_timer_t retry;
    unsigned open_handles;
    tcp_accepted *accepted;
    void *ctx;
};

union any_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t address_of(const char *host, uint16_t port, union any_address *out) {
    *out = (union any_address){0};
    if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(port);
        return sizeof out->v4;
    }
    if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(port);
        return sizeof out->v6;
    }
    return 0;
}

// Says in one line what went wrong with bind or listen, and what helps.
static void error_explain(int code, const char *host, uint16_t port, const char *flag, char *error,
                          size_t cap) {
    bool v6 = strchr(host, ':') != NULL;
    const char *advice = "";
    char owner[96], text[224];
    if (code == EADDRINUSE) {
        bool known = port_owner_find(PORT_TCP, port, owner, sizeof owner);
        snprintf(text, sizeof text, "; %s listens there: stop it, or choose another port with --%s",
                 known ? owner : "another program", flag);
        advice = text;
    } else if (code == EACCES) {
        snprintf(text, sizeof text,
                 "; ports below 1024 need the right to bind them: choose another with --%s", flag);
        advice = text;
    } else if (code == EADDRNOTAVAIL) {
        snprintf(text, sizeof text, "; this machine does not have that address: see --%s", flag);
        advice = text;
    }
    snprintf(error, cap, "cannot listen on %s%s%s:%u (TCP): %s%s", v6 ? "[" : "", host, v6 ? "]" : "", port,
             strerror(code), advice);
}

// The bound, listening socket or -1 with errno.
static int socket_open(const union any_address *address, socklen_t len) {
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int on = 1, off = 0, again_ms = AGAIN_MS;
    bool fine = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
    // Connections have it from here. Older kernels wait twice as long each time, which is 25 s soon: whoever
    // comes back then has to be quicker by a new connection.
    (void)setsockopt(fd, IPPROTO_TCP, TCP_RTO_MAX_MS, &again_ms, sizeof again_ms);
    if (address->any.sa_family == AF_INET6)
        fine = fine && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0;
    if (fine && bind(fd, &address->any, len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int code = errno;
    close(fd);
    errno = code;
    return -1;
}

static uint16_t socket_port(int fd) {
    union any_address address;
    socklen_t len = sizeof address;
    if (getsockname(fd, &address.any, &len) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_retry(uv_timer_t *timer) {
    struct tcp_listener *listener = timer->data;
    uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    (void)status, (void)events;
    struct tcp_listener *listener = poll->data;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        union any_address from;
        socklen_t len = sizeof from;
        int fd = accept4(listener->socket, &from.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
            listener->accepted(listener->ctx, fd, &from.any);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            LOG_STRANGER(LOG_LEVEL_ERROR, "connection not accepted", LOG_TEXT("reason", strerror(errno)));
            uv_poll_stop(&listener->poll);
            uv_timer_start(&listener->retry, on_retry, RETRY_MS, 0);
            return;
        } else if (errno == EAGAIN) {
            return;
        } // else: that connection is gone already; the next one may be fine
    }
}

struct tcp_listener *tcp_listener_start(struct uv_loop_s *loop, const char *host, uint16_t port,
                                        const char *flag, tcp_accepted *accepted, void *ctx, char *error,
                                        size_t error_cap) {
    union any_address address;
    socklen_t len = address_of(host, port, &address);
    struct tcp_listener *listener = calloc(1, sizeof *listener);
    if (!len || !listener) {
        snprintf(error, error_cap, "cannot listen on %s: %s", host,
                 len ? "out of memory" : "not an IP address");
        free(listener);
        return NULL;
    }
    listener->socket = socket_open(&address, len);
    if (listener->socket < 0) {
        error_explain(errno, host, port, flag, error, error_cap);
        free(listener);
        return NULL;
    }
    listener->port = socket_port(listener->socket);
    listener->accepted = accepted;
    listener->ctx = ctx;
    listener->poll.data = listener->retry.data = listener;
    listener->open_handles = 2;
    uv_timer_init(loop, &listener->retry);
    uv_poll_init_socket(loop, &listener->poll, listener->socket);
    uv_poll_start(&listener->poll, UV_READABLE, on_readable);
    return listener;
}

uint16_t tcp_listener_port(const struct tcp_listener *listener) {
    return listener->port;
}

static void on_closed(uv_handle_t *handle) {
    struct tcp_listener *listener = handle->data;
    assert(listener->open_handles > 0);
    if (--listener->open_handles == 0)
        free(listener);
}

void tcp_listener_stop(struct tcp_listener *listener) {
    if (!listener)
        return;
    uv_poll_stop(&listener->poll);
    close(listener->socket);
    uv_close((uv_handle_t *)&listener->poll, on_closed);
    uv_close((uv_handle_t *)&listener->retry, on_closed);
}
