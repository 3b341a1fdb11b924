// udp_send_bench: the send queue against a socket that is played: this program's own sendmmsg and sendmsg
// note what leaves and refuse what a row asks for. For one file of a program.
#ifndef TESTS_UNIT_TRANSPORT_UDP_SEND_BENCH_H
#define TESTS_UNIT_TRANSPORT_UDP_SEND_BENCH_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "transport/segment_refusals.h"
#include "transport/udp_send.h"

#include "base/bytes.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#define WIRE_MAX 40000
#define FD4 1004
#define FD6 1006

struct wire_datagram {
    uint32_t ssrc;
    uint16_t port; // of the destination
    uint16_t len;
    uint32_t number; // the first four bytes
};

static struct {
    int full_after;      // datagrams after which the socket says EAGAIN; -1: never
    int full_fd;         // for this socket alone; 0: for both
    int segment_error;   // answer to any UDP_SEGMENT message
    unsigned segment_ok; // how many of them pass before that
    uint16_t dead_port;  // destination that gets dead_error
    int dead_error;
    unsigned interrupts; // calls that EINTR first
    unsigned calls, messages, count;
    struct wire_datagram datagrams[WIRE_MAX];
} wire;

static uint16_t message_segment(const struct msghdr *m) {
    for (struct cmsghdr *c = m->msg_controllen ? CMSG_FIRSTHDR(m) : NULL; c;
         c = CMSG_NXTHDR((struct msghdr *)(uintptr_t)m, c))
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_SEGMENT) {
            uint16_t segment;
            memcpy(&segment, CMSG_DATA(c), sizeof segment);
            return segment;
        }
    return 0;
}

static int wire_error(int fd, const struct msghdr *m, uint16_t port, uint16_t segment) {
    if (wire.full_after >= 0 && (int)wire.count >= wire.full_after && (!wire.full_fd || wire.full_fd == fd))
        return EAGAIN;
    if (wire.dead_port && port == wire.dead_port)
        return wire.dead_error;
    if (segment && wire.segment_error) {
        if (wire.segment_ok == 0)
            return wire.segment_error;
        wire.segment_ok--;
    }
    return m->msg_iovlen > 0 ? 0 : EINVAL;
}

static void wire_take(uint16_t port, const uint8_t *bytes, size_t len) {
    assert_true(wire.count < WIRE_MAX);
    wire.datagrams[wire.count++] =
        (struct wire_datagram){.port = port,
                               .len = (uint16_t)len,
                               .number = len >= 4 ? load_be32(bytes) : 0,
                               .ssrc = len >= 12 ? load_be32(bytes + (bytes[1] >= 200 ? 4 : 8)) : 0};
}

// 0 or an errno; a message with UDP_SEGMENT is cut as the kernel would.
static int wire_send(int fd, const struct msghdr *m) {
    static uint8_t flat[65536];
    struct addr to;
    addr_from_sockaddr(m->msg_name, &to);
    assert_int_equal(fd, to.family == 4 ? FD4 : FD6);
    uint16_t segment = message_segment(m);
    int error = wire_error(fd, m, to.port, segment);
    if (error)
        return error;
    size_t len = 0;
    for (size_t i = 0; i < m->msg_iovlen; i++) {
        assert_true(len + m->msg_iov[i].iov_len <= 65000);
        memcpy(flat + len, m->msg_iov[i].iov_base, m->msg_iov[i].iov_len);
        len += m->msg_iov[i].iov_len;
    }
    wire.messages++;
    if (!segment)
        wire_take(to.port, flat, len);
    for (size_t at = 0; segment && at < len; at += segment)
        wire_take(to.port, flat + at, len - at < segment ? len - at : segment);
    return 0;
}

int sendmmsg(int fd, struct mmsghdr *headers, unsigned n, int flags) {
    assert_int_equal(flags, 0);
    assert_true(n > 0 && n <= 32);
    wire.calls++;
    if (wire.interrupts > 0) {
        wire.interrupts--;
        errno = EINTR;
        return -1;
    }
    for (unsigned i = 0; i < n; i++) {
        int error = wire_send(fd, &headers[i].msg_hdr);
        if (error && i > 0)
            return (int)i;
        if (error) {
            errno = error;
            return -1;
        }
    }
    return (int)n;
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags) {
    assert_int_equal(flags, 0);
    wire.calls++;
    int error = wire_send(fd, m);
    errno = error;
    return error ? -1 : 1;
}

struct bench {
    struct pool *pool;
    struct udp_send *send;
    struct udp_port_counters counters;
    uint64_t now_us;
};

static int bench_start(void **state) {
    struct bench *b = calloc(1, sizeof *b);
    memset(&wire, 0, sizeof wire);
    wire.full_after = -1;
    b->pool = pool_create(40000);
    assert_non_null(b->pool);
    b->send = udp_send_create(&b->counters, true);
    assert_non_null(b->send);
    *state = b;
    return b->pool && b->send ? 0 : -1;
}

static int bench_stop(void **state) {
    struct bench *b = *state;
    assert_int_equal(b->counters.send_calls, wire.calls);
    udp_send_destroy(b->send);
    assert_int_equal(pool_taken(b->pool), 0);
    pool_destroy(b->pool);
    free(b);
    return 0;
}

static struct tuple to_port(int family, uint16_t port) {
    struct tuple t = {.protocol = TUPLE_UDP};
    assert_int_equal(addr_parse(family == 4 ? "192.0.2.1" : "2001:db8::1", port, &t.remote), ERR_OK);
    assert_int_equal(addr_parse(family == 4 ? "192.0.2.9" : "2001:db8::9", 40000, &t.local), ERR_OK);
    return t;
}

static inline bool segments(const struct bench *b, uint16_t port) {
    struct tuple to = to_port(4, port);
    return udp_send_segments(b->send, &to, b->now_us);
}

static inline bool queue_worth(struct bench *b, int family, uint16_t port, uint32_t number, uint16_t len,
                               enum udp_worth worth) {
    struct block *block = pool_take(b->pool);
    assert_non_null(block);
    memset(block_data(block), 0, len);
    store_be32(block_data(block), number);
    block->len = len;
    struct tuple to = to_port(family, port);
    return udp_send_queue(b->send, &to, block, worth);
}

static inline bool queue(struct bench *b, int family, uint16_t port, uint32_t number, uint16_t len) {
    return queue_worth(b, family, port, number, len, UDP_KEEP);
}

static inline void flush(struct bench *b) {
    udp_send_flush(b->send, FD4, FD6, b->now_us);
}

// Datagrams of a port rise in number; returns how many there were.
static inline unsigned check_order(uint16_t port) {
    unsigned n = 0;
    uint32_t last = 0;
    for (unsigned i = 0; i < wire.count; i++)
        if (wire.datagrams[i].port == port) {
            assert_true(n == 0 || wire.datagrams[i].number > last);
            last = wire.datagrams[i].number;
            n++;
        }
    return n;
}

#endif
