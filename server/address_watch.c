#include "server/address_watch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define NEWS_BYTES 16384

struct address_watch {
    uv_poll_t poll;
    uv_timer_t timer;
    int fd;
    unsigned open;     // handles
    uint64_t first_ms; // when the burst began; 0: there is none
    void (*changed)(void *ctx);
    void *ctx;
    _Alignas(struct nlmsghdr) uint8_t news[NEWS_BYTES];
};

// A route to everywhere; others come and go with every network that a machine has.
static bool is_default_route(const struct nlmsghdr *message) {
    struct rtmsg route;
    if (message->nlmsg_len < NLMSG_HDRLEN + sizeof route)
        return false;
    memcpy(&route, (const uint8_t *)message + NLMSG_HDRLEN, sizeof route);
    return route.rtm_dst_len == 0 && route.rtm_type == RTN_UNICAST;
}

// Of an interface that goes down or loses its carrier the kernel says nothing else: it keeps its IPv4
// addresses, and its routes go without a word.
bool address_news(struct span datagram) {
    for (struct span left = datagram; left.len >= NLMSG_HDRLEN;) {
        struct nlmsghdr message;
        memcpy(&message, left.ptr, sizeof message);
        if (message.nlmsg_len < NLMSG_HDRLEN || message.nlmsg_len > left.len)
            return false;
        bool address = message.nlmsg_type == RTM_NEWADDR || message.nlmsg_type == RTM_DELADDR;
        bool route = message.nlmsg_type == RTM_NEWROUTE || message.nlmsg_type == RTM_DELROUTE;
        bool link = message.nlmsg_type == RTM_NEWLINK || message.nlmsg_type == RTM_DELLINK;
        if (address || link || (route && is_default_route((const struct nlmsghdr *)(const void *)left.ptr)))
            return true;
        size_t step = NLMSG_ALIGN(message.nlmsg_len);
        left = step < left.len ? span_of(left.ptr + step, left.len - step) : (struct span){0};
    }
    return false;
}

static void on_quiet(uv_timer_t *timer) {
    struct address_watch *watch = timer->data;
    watch->first_ms = 0;
    watch->changed(watch->ctx);
}

static void note_news(struct address_watch *watch) {
    uint64_t now_ms = uv_now(watch->timer.loop);
    if (watch->first_ms == 0)
        watch->first_ms = now_ms ? now_ms : 1;
    uint64_t latest_ms = watch->first_ms + ADDRESS_LATEST_MS, due_ms = now_ms + ADDRESS_QUIET_MS;
    due_ms = due_ms < latest_ms ? due_ms : latest_ms;
    uv_timer_start(&watch->timer, on_quiet, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

// ENOBUFS: the kernel had more to say than there was room for, so anything may have changed.
static void on_readable(uv_poll_t *poll, int status, int events) {
    struct address_watch *watch = poll->data;
    (void)status, (void)events;
    for (;;) {
        struct sockaddr_nl from = {0};
        socklen_t len = sizeof from;
        ssize_t n = recvfrom(watch->fd, watch->news, sizeof watch->news, MSG_DONTWAIT,
                             (struct sockaddr *)&from, &len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == ENOBUFS) {
            note_news(watch);
            continue;
        }
        if (n <= 0)
            return;
        if (from.nl_pid == 0 && address_news(span_of(watch->news, (size_t)n))) // of the kernel alone
            note_news(watch);
    }
}

static int socket_open(void) {
    struct sockaddr_nl self = {.nl_family = AF_NETLINK,
                               .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
                                            RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&self, sizeof self) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

struct address_watch *address_watch_start(uv_loop_t *loop, void (*changed)(void *ctx), void *ctx) {
    struct address_watch *watch = calloc(1, sizeof *watch);
    int fd = watch ? socket_open() : -1;
    if (fd < 0 || uv_poll_init(loop, &watch->poll, fd) != 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        free(watch);
        errno = error;
        return NULL;
    }
    watch->fd = fd;
    watch->changed = changed;
    watch->ctx = ctx;
    watch->open = 2;
    watch->poll.data = watch->timer.data = watch;
    uv_timer_init(loop, &watch->timer);
    (void)uv_poll_start(&watch->poll, UV_READABLE, on_readable);
    uv_unref((uv_handle_t *)&watch->poll);
    uv_unref((uv_handle_t *)&watch->timer);
    return watch;
}

static void on_closed(uv_handle_t *handle) {
    struct address_watch *watch = handle->data;
    if (--watch->open == 0)
        free(watch);
}

void address_watch_stop(struct address_watch *watch) {
    if (!watch)
        return;
    uv_close((uv_handle_t *)&watch->poll, on_closed);
    uv_close((uv_handle_t *)&watch->timer, on_closed);
    close(watch->fd);
}
