#include "transport/tcp_port.h"

#include "base/hmap.h"
#include "base/list.h"
#include "base/slots.h"
#include "transport/tcp_frames.h"
#include "transport/tcp_queue.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES 16384        // of one connection, before others have their turn
#define TURN_BYTES (256 * 1024) // of all, before UDP has its turn again
#define EVENT_COST_BYTES 512    // what looking at a connection counts as, and what a packet does
#define PACKET_COST_BYTES 64
#define EVENTS_AT_ONCE 16
#define KEEPALIVE_IDLE_S 30 // a peer that has vanished while nothing was sent to it
#define KEEPALIVE_EACH_S 10
#define KEEPALIVE_TIMES 3

struct tcp_connection {
    struct list link;  // of port->all
    struct list dirty; // of port->dirty, while something is to be sent or it is to be closed
    int fd;
    uint32_t handle, owner;
    struct tuple tuple;
    struct tcp_ticket *ticket;
    struct tcp_frames in;
    struct tcp_queue out;
    uint64_t opened_us, progress_us; // when the socket last took bytes, or had nothing to take
    uint32_t strange_frames;         // before it was proven
    bool proven, writable_awaited;
    bool closing; // with the next flush
    bool dead;    // closed; freed when nobody looks at it any more
};

struct tcp_port {
    struct pool *pool;
    struct tcp_handlers handlers;
    int epoll;
    struct slots *connections; // handle -> struct tcp_connection
    struct hmap *by_tuple;     // -> handle
    struct tcp_store *store;
    struct list all, dirty, dead;
    struct tcp_port_counters counters;
    struct tcp_gather gather;
    uint8_t bytes[READ_BYTES];
};

struct tcp_port *tcp_port_create(struct pool *pool, const struct tcp_handlers *handlers) {
    struct tcp_port *port = calloc(1, sizeof *port);
    if (!port)
        return NULL;
    port->pool = pool;
    port->handlers = *handlers;
    list_init(&port->all);
    list_init(&port->dirty);
    list_init(&port->dead);
    port->epoll = epoll_create1(EPOLL_CLOEXEC);
    port->connections = slots_create(TCP_CONNECTIONS_MAX);
    port->by_tuple = hmap_create(sizeof(struct tuple), TCP_CONNECTIONS_MAX);
    port->store = tcp_store_create(TCP_QUEUE_STORE);
    if (port->epoll >= 0 && port->connections && port->by_tuple && port->store)
        return port;
    tcp_port_destroy(port);
    return NULL;
}

int tcp_port_fd(const struct tcp_port *port) {
    return port->epoll;
}

const struct tcp_port_counters *tcp_port_counters(const struct tcp_port *port) {
    return &port->counters;
}

// ---- connections

static struct tcp_connection *connection_of(const struct tcp_port *port, const struct tuple *tuple) {
    uint32_t handle = hmap_get(port->by_tuple, tuple);
    return handle == HMAP_NONE ? NULL : slots_get(port->connections, handle);
}

static void ticket_set(struct tcp_ticket *ticket, enum tcp_standing standing) {
    atomic_store_explicit(&ticket->standing, standing, memory_order_release);
}

static void port_free_dead(struct tcp_port *port) {
    LIST_EACH(node, &port->dead) {
        list_remove(node);
        free(LIST_ENTRY(node, struct tcp_connection, link));
    }
}

// Everything but the struct, which somebody may be looking at.
static void connection_end(struct tcp_port *port, struct tcp_connection *c) {
    assert(!c->dead);
    c->dead = true;
    close(c->fd); // epoll forgets it with that
    hmap_remove(port->by_tuple, &c->tuple);
    slots_remove(port->connections, c->handle);
    tcp_frames_clear(&c->in);
    tcp_queue_clear(&c->out, port->store);
    list_remove(&c->dirty);
    list_remove(&c->link);
    list_push_back(&port->dead, &c->link);
    port->counters.connections--;
    ticket_set(c->ticket, TCP_CLOSED);
}

// Its owner hears of it.
static void connection_lose(struct tcp_port *port, struct tcp_connection *c) {
    uint32_t owner = c->owner;
    bool told = c->proven && !c->closing;
    struct tuple tuple = c->tuple;
    connection_end(port, c);
    if (told)
        port->handlers.lost(port->handlers.ctx, &tuple, owner);
}

static void socket_set(int fd, int level, int option, int value) {
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

// What is not taken costs nothing but the comfort that it brings.
static void socket_prepare(int fd) {
    socket_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    socket_set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, TCP_NOTSENT_BYTES);
    socket_set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)(TCP_STALL_US / 1000));
    socket_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    socket_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    socket_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EACH_S);
    socket_set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_TIMES);
}

// False: the connection is gone already.
static bool socket_tuple(int fd, struct tuple *out) {
    struct sockaddr_storage remote, local;
    socklen_t remote_len = sizeof remote, local_len = sizeof local;
    *out = (struct tuple){.protocol = TUPLE_TCP};
    if (getpeername(fd, (struct sockaddr *)&remote, &remote_len) != 0 ||
        getsockname(fd, (struct sockaddr *)&local, &local_len) != 0)
        return false;
    addr_from_sockaddr((struct sockaddr *)&remote, &out->remote);
    addr_from_sockaddr((struct sockaddr *)&local, &out->local);
    return out->remote.family != 0 && out->local.family != 0;
}

static bool connection_enter(struct tcp_port *port, struct tcp_connection *c) {
    c->handle = slots_add(port->connections, c);
    if (!c->handle)
        return false;
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = c->handle};
    if (hmap_put(port->by_tuple, &c->tuple, c->handle) == ERR_OK) {
        if (epoll_ctl(port->epoll, EPOLL_CTL_ADD, c->fd, &event) == 0)
            return true;
        hmap_remove(port->by_tuple, &c->tuple);
    }
    slots_remove(port->connections, c->handle);
    return false;
}

void tcp_port_adopt(struct tcp_port *port, int fd, struct tcp_ticket *ticket, uint64_t now_us) {
    struct tuple tuple;
    bool there = socket_tuple(fd, &tuple) && !connection_of(port, &tuple);
    struct tcp_connection *c = there ? calloc(1, sizeof *c) : NULL;
    if (c) {
        c->fd = fd;
        c->tuple = tuple;
        c->ticket = ticket;
        c->opened_us = c->progress_us = now_us;
        tcp_queue_init(&c->out);
        list_init(&c->dirty);
        list_init(&c->link);
    }
    if (!c || !connection_enter(port, c)) {
        free(c);
        close(fd);
        ticket_set(ticket, TCP_CLOSED);
        return;
    }
    socket_prepare(fd);
    list_push_back(&port->all, &c->link);
    port->counters.connections++;
    port->counters.opened++;
}

void tcp_port_prove(struct tcp_port *port, const struct tuple *tuple, uint32_t owner) {
    struct tcp_connection *c = connection_of(port, tuple);
    assert(owner != 0);
    if (!c || c->closing || c->proven)
        return;
    c->proven = true;
    c->owner = owner;
    port->counters.proven++;
    ticket_set(c->ticket, TCP_PROVEN);
}

static void connection_touch(struct tcp_port *port, struct tcp_connection *c) {
    if (!list_linked(&c->dirty))
        list_push_back(&port->dirty, &c->dirty);
}

void tcp_port_close(struct tcp_port *port, const struct tuple *tuple) {
    struct tcp_connection *c = connection_of(port, tuple);
    if (!c)
        return;
    c->closing = true;
    connection_touch(port, c);
}

void tcp_port_destroy(struct tcp_port *port) {
    if (!port)
        return;
    LIST_EACH(node, &port->all)
    connection_end(port, LIST_ENTRY(node, struct tcp_connection, link));
    port_free_dead(port);
    if (port->epoll >= 0)
        close(port->epoll);
    slots_destroy(port->connections);
    hmap_destroy(port->by_tuple);
    tcp_store_destroy(port->store);
    free(port);
}

// ---- sending

static void note_losses(struct tcp_port *port, const struct tcp_queue_losses *losses) {
    port->counters.queue_full += losses->full;
    port->counters.queue_late += losses->late;
}

bool tcp_port_queue(struct tcp_port *port, const struct tuple *to, struct block *block, enum udp_worth worth,
                    uint64_t now_us) {
    struct tcp_connection *c = connection_of(port, to);
    if (!c || block->len == 0) {
        port->counters.no_connection++;
        block_release(block);
        return false;
    }
    struct tcp_queue_losses losses = {0};
    if (tcp_queue_empty(&c->out))
        c->progress_us = now_us;
    bool fits = tcp_queue_put(&c->out, port->store, block, worth, now_us, &losses);
    note_losses(port, &losses);
    if (!c->writable_awaited) // else the socket says when
        connection_touch(port, c);
    return fits;
}

bool tcp_port_queue_bytes(struct tcp_port *port, const struct tuple *to, struct span datagram,
                          uint64_t now_us) {
    assert(datagram.len <= BLOCK_DATAGRAM_MAX);
    struct block *block = pool_take(port->pool);
    if (!block) {
        port->counters.no_block++;
        return false;
    }
    memcpy(block_data(block), datagram.ptr, datagram.len);
    block->len = (uint16_t)datagram.len;
    return tcp_port_queue(port, to, block, UDP_KEEP, now_us);
}

static void connection_await(struct tcp_port *port, struct tcp_connection *c, bool writable) {
    if (c->writable_awaited == writable)
        return;
    c->writable_awaited = writable;
    struct epoll_event event = {.events = EPOLLIN | (writable ? EPOLLOUT : 0), .data.u64 = c->handle};
    (void)epoll_ctl(port->epoll, EPOLL_CTL_MOD, c->fd, &event);
}

// What the socket takes. False: the connection is over.
static bool connection_write(struct tcp_port *port, struct tcp_connection *c, uint64_t now_us) {
    struct tcp_queue_losses losses = {0};
    tcp_queue_expire(&c->out, port->store, now_us, &losses);
    note_losses(port, &losses);
    while (!tcp_queue_empty(&c->out)) {
        struct tcp_gather *gather = &port->gather;
        tcp_queue_gather(&c->out, port->store, gather);
        struct msghdr header = {.msg_iov = gather->iovecs, .msg_iovlen = gather->count};
        ssize_t n = sendmsg(c->fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            return false;
        if (n > 0) {
            port->counters.packets_out += tcp_queue_taken(&c->out, port->store, (size_t)n);
            port->counters.bytes_out += (uint64_t)n;
            c->progress_us = now_us;
        }
        if (n < (ssize_t)gather->bytes)
            break;
    }
    connection_await(port, c, !tcp_queue_empty(&c->out));
    return true;
}

void tcp_port_flush(struct tcp_port *port, uint64_t now_us) {
    while (!list_empty(&port->dirty)) {
        struct tcp_connection *c = LIST_ENTRY(port->dirty.next, struct tcp_connection, dirty);
        list_remove(&c->dirty);
        if (!connection_write(port, c, now_us))
            connection_lose(port, c);
        else if (c->closing)
            connection_end(port, c);
    }
    port_free_dead(port);
}

// ---- receiving

static bool connection_takes(struct tcp_port *port, struct tcp_connection *c) {
    if (c->proven || ++c->strange_frames < TCP_UNPROVEN_FRAMES)
        return true;
    port->counters.unproven++;
    return false;
}

// Hands up what has come. False: the connection is to be closed.
static bool connection_frames(struct tcp_port *port, struct tcp_connection *c, struct span bytes) {
    uint64_t nulls = c->in.nulls, dropped = c->in.dropped;
    bool fine = true;
    for (struct block *b; fine && !c->closing && (b = tcp_frames_next(&c->in, port->pool, &bytes));) {
        port->counters.packets_in++;
        fine = connection_takes(port, c);
        if (fine)
            port->handlers.packet(port->handlers.ctx, &c->tuple, c->owner, b);
        else
            block_release(b);
    }
    assert(!c->dead); // who closes it has it written first
    port->counters.null_packets += c->in.nulls - nulls;
    port->counters.no_block += c->in.dropped - dropped;
    // A stranger has no business with empty packets.
    if (!c->proven && c->in.nulls > 0)
        fine = false;
    port->counters.broken += c->in.broken;
    return fine && !c->in.broken;
}

// False: it is to be closed.
static bool connection_read(struct tcp_port *port, struct tcp_connection *c) {
    ssize_t n = recv(c->fd, port->bytes, sizeof port->bytes, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    if (n == 0)
        return false;
    port->counters.bytes_in += (uint64_t)n;
    return c->closing || connection_frames(port, c, span_of(port->bytes, (size_t)n));
}

static void connection_event(struct tcp_port *port, struct tcp_connection *c, uint32_t events,
                             uint64_t now_us) {
    bool fine = true;
    if (events & EPOLLOUT)
        fine = connection_write(port, c, now_us);
    if (fine && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        fine = connection_read(port, c);
    if (!fine && !c->dead)
        connection_lose(port, c);
}

static uint64_t port_cost(const struct tcp_port *port) {
    return port->counters.bytes_in + port->counters.packets_in * PACKET_COST_BYTES;
}

// What is left of a connection is reported again, behind those that wait as well.
bool tcp_port_receive(struct tcp_port *port, uint64_t now_us) {
    struct epoll_event events[EVENTS_AT_ONCE];
    uint64_t begun = port_cost(port), seen = 0;
    while (port_cost(port) - begun + seen * EVENT_COST_BYTES < TURN_BYTES) {
        int n = epoll_wait(port->epoll, events, EVENTS_AT_ONCE, 0);
        if (n <= 0)
            break;
        seen += (unsigned)n;
        for (int i = 0; i < n; i++) {
            struct tcp_connection *c = slots_get(port->connections, (uint32_t)events[i].data.u64);
            if (c)
                connection_event(port, c, events[i].events, now_us);
        }
    }
    return seen > 0;
}

// ---- time

static bool connection_overdue(struct tcp_port *port, struct tcp_connection *c, uint64_t now_us) {
    bool unproven = !c->proven && now_us - c->opened_us > TCP_PROOF_US;
    bool stalled = !tcp_queue_empty(&c->out) && now_us - c->progress_us > TCP_STALL_US;
    port->counters.unproven += unproven;
    port->counters.stalled += stalled && !unproven;
    return unproven || stalled;
}

void tcp_port_advance(struct tcp_port *port, uint64_t now_us) {
    struct tcp_queue_losses losses = {0};
    port->counters.waiting_bytes = 0;
    LIST_EACH(node, &port->all) {
        struct tcp_connection *c = LIST_ENTRY(node, struct tcp_connection, link);
        tcp_queue_expire(&c->out, port->store, now_us, &losses);
        port->counters.waiting_bytes += c->out.bytes;
        if (connection_overdue(port, c, now_us))
            connection_lose(port, c);
    }
    note_losses(port, &losses);
    port_free_dead(port);
}
