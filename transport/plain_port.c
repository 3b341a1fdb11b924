#include "transport/plain_port.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64 // messages of one sendmmsg

struct queued {
    struct block *block;
    struct addr to;
    enum plain_way way;
};

struct plain_port {
    struct list link; // in `waiting` while something is queued
    struct list *waiting;
    int fds[2];
    struct addr local[2];
    unsigned count;
    struct plain_port_counters counters;
    struct queued queue[PLAIN_PORT_QUEUE_MAX];
};

static void note_local(struct plain_port *port, enum plain_way way) {
    struct sockaddr_storage name;
    socklen_t len = sizeof name;
    if (port->fds[way] >= 0 && getsockname(port->fds[way], (struct sockaddr *)&name, &len) == 0)
        addr_from_sockaddr((const struct sockaddr *)&name, &port->local[way]);
}

struct plain_port *plain_port_create(int rtp_fd, int rtcp_fd, struct list *waiting) {
    struct plain_port *port = calloc(1, sizeof *port);
    if (!port) {
        close(rtp_fd);
        if (rtcp_fd >= 0)
            close(rtcp_fd);
        return NULL;
    }
    list_init(&port->link);
    port->waiting = waiting;
    port->fds[PLAIN_RTP] = rtp_fd;
    port->fds[PLAIN_RTCP] = rtcp_fd;
    note_local(port, PLAIN_RTP);
    note_local(port, PLAIN_RTCP);
    return port;
}

void plain_port_destroy(struct plain_port *port) {
    if (!port)
        return;
    for (unsigned i = 0; i < port->count; i++)
        block_release(port->queue[i].block);
    list_remove(&port->link);
    close(port->fds[PLAIN_RTP]);
    if (port->fds[PLAIN_RTCP] >= 0)
        close(port->fds[PLAIN_RTCP]);
    free(port);
}

struct plain_port *plain_port_of_waiting(struct list *node) {
    return LIST_ENTRY(node, struct plain_port, link);
}

int plain_port_fd(const struct plain_port *port, enum plain_way way) {
    return port->fds[way];
}

bool plain_port_receive(struct plain_port *port, enum plain_way way, struct block *b, struct tuple *from,
                        bool *truncated) {
    struct sockaddr_storage name;
    struct iovec iov = {.iov_base = block_data(b), .iov_len = BLOCK_DATAGRAM_MAX};
    struct msghdr msg = {.msg_name = &name, .msg_namelen = sizeof name, .msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n = recvmsg(port->fds[way], &msg, MSG_DONTWAIT);
    if (n < 0)
        return false;
    *from = (struct tuple){.local = port->local[way], .protocol = TUPLE_UDP};
    addr_from_sockaddr((const struct sockaddr *)&name, &from->remote);
    *truncated = (msg.msg_flags & MSG_TRUNC) != 0;
    b->len = (uint16_t)n;
    port->counters.datagrams_in++;
    port->counters.bytes_in += (uint64_t)n;
    return true;
}

bool plain_port_is_rtcp(const struct plain_port *port, const struct tuple *from) {
    return port->fds[PLAIN_RTCP] >= 0 && from->local.port == port->local[PLAIN_RTCP].port;
}

void plain_port_queue(struct plain_port *port, enum plain_way way, const struct addr *to, struct block *b) {
    if (port->count == PLAIN_PORT_QUEUE_MAX)
        plain_port_flush(port);
    assert(port->count < PLAIN_PORT_QUEUE_MAX);
    if (port->count == 0)
        list_push_back(port->waiting, &port->link);
    if (port->fds[way] < 0)
        way = PLAIN_RTP;
    port->queue[port->count++] = (struct queued){.block = b, .to = *to, .way = way};
}

// As many as go over one socket, from `first` on. Returns how many of the queue were dealt with.
static unsigned send_run(struct plain_port *port, unsigned first) {
    struct mmsghdr messages[BATCH];
    struct iovec iov[BATCH];
    struct sockaddr_storage names[BATCH];
    enum plain_way way = port->queue[first].way;
    unsigned n = 0;
    for (; n < BATCH && first + n < port->count && port->queue[first + n].way == way; n++) {
        const struct queued *q = &port->queue[first + n];
        iov[n] = (struct iovec){.iov_base = block_data(q->block), .iov_len = q->block->len};
        messages[n] =
            (struct mmsghdr){.msg_hdr = {.msg_name = &names[n], .msg_iov = &iov[n], .msg_iovlen = 1}};
        messages[n].msg_hdr.msg_namelen = addr_to_sockaddr(&q->to, &names[n]);
    }
    int sent = sendmmsg(port->fds[way], messages, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    unsigned done = sent > 0 ? (unsigned)sent : 0;
    for (unsigned i = 0; i < done; i++)
        port->counters.bytes_out += iov[i].iov_len;
    port->counters.datagrams_out += done;
    if (done == n)
        return n;
    port->counters.send_failed++; // the first that was not taken; a full socket takes none behind it either
    return done + 1;
}

void plain_port_flush(struct plain_port *port) {
    unsigned first = 0;
    while (first < port->count)
        first += send_run(port, first);
    for (unsigned i = 0; i < port->count; i++)
        block_release(port->queue[i].block);
    port->count = 0;
    list_remove(&port->link);
}

void plain_port_take_counters(struct plain_port *port, struct plain_port_counters *out) {
    *out = port->counters;
    port->counters = (struct plain_port_counters){0};
}
