// The send queue against a socket that is played: this program's own sendmmsg and sendmsg note what leaves
// and refuse what a row asks for.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

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

static bool queue_worth(struct bench *b, int family, uint16_t port, uint32_t number, uint16_t len,
                        enum udp_worth worth) {
    struct block *block = pool_take(b->pool);
    assert_non_null(block);
    memset(block_data(block), 0, len);
    store_be32(block_data(block), number);
    block->len = len;
    struct tuple to = to_port(family, port);
    return udp_send_queue(b->send, &to, block, worth);
}

static bool queue(struct bench *b, int family, uint16_t port, uint32_t number, uint16_t len) {
    return queue_worth(b, family, port, number, len, UDP_KEEP);
}

static void flush(struct bench *b) {
    udp_send_flush(b->send, FD4, FD6);
}

// Datagrams of a port rise in number; returns how many there were.
static unsigned check_order(uint16_t port) {
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

static void sizes_decide_where_a_message_ends(void **state) {
    static const struct {
        const char *what;
        uint16_t sizes[80];
        unsigned count, messages;
    } rows[] = {
        {"one datagram", {1200}, 1, 1},
        {"equal sizes are one message", {1200, 1200, 1200, 1200}, 4, 1},
        {"a shorter one ends the message", {1200, 1200, 300, 1200}, 4, 2},
        {"a longer one starts another", {300, 1200, 1200}, 3, 2},
        {"falling sizes", {1200, 1000, 800, 600}, 4, 2},
        {"an empty one goes alone", {1200, 0, 1200}, 3, 3},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        bench_start(state);
        struct bench *b = *state;
        for (unsigned i = 0; i < rows[r].count; i++) {
            struct tuple to = to_port(4, 5000);
            struct block *block = pool_take(b->pool);
            memset(block_data(block), 0, 1500);
            block->len = rows[r].sizes[i];
            assert_true(udp_send_queue(b->send, &to, block, UDP_KEEP));
        }
        flush(b);
        print_message("%s: %u messages expected, %u seen\n", rows[r].what, rows[r].messages, wire.messages);
        assert_int_equal(wire.messages, rows[r].messages);
        assert_int_equal(wire.count, rows[r].count);
        for (unsigned i = 0; i < rows[r].count; i++)
            assert_int_equal(wire.datagrams[i].len, rows[r].sizes[i]);
        bench_stop(state);
    }
}

static void a_message_has_at_most_64_segments_and_65000_bytes(void **state) {
    struct bench *b = *state;
    for (uint32_t i = 0; i < 130; i++)
        queue(b, 4, 5000, i, 100);
    flush(b);
    assert_int_equal(wire.messages, 3); // 64 + 64 + 2
    wire.messages = 0;
    for (uint32_t i = 0; i < 130; i++)
        queue(b, 4, 5000, 200 + i, 1500);
    flush(b);
    assert_int_equal(wire.messages, 4); // 43 * 1500 = 64500: 43 + 43 + 43 + 1
    assert_int_equal(check_order(5000), 260);
}

// A packet gains a header and a tag on its way: what came in at the limit goes out longer.
static void what_is_longer_than_any_that_comes_in_goes_out(void **state) {
    struct bench *b = *state;
    for (uint32_t i = 0; i < 3; i++)
        queue(b, 4, 5000, i, BLOCK_CAPACITY - BLOCK_HEADROOM);
    flush(b);
    assert_int_equal(check_order(5000), 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(wire.datagrams[i].len, BLOCK_CAPACITY - BLOCK_HEADROOM);
}

// A datagram with the header of RTP (or, for types from 200 on, RTCP); the number that check_order sees is
// its first four bytes.
static void queue_rtp(struct bench *b, uint8_t type, uint16_t seq, uint32_t ssrc, uint16_t len) {
    struct block *block = pool_take(b->pool);
    uint8_t *bytes = block_data(block);
    memset(bytes, 0, len);
    bytes[0] = 0x80;
    bytes[1] = type;
    store_be16(bytes + 2, seq);
    store_be32(bytes + (type >= 200 ? 4 : 8), ssrc);
    block->len = len;
    struct tuple to = to_port(4, 5000);
    assert_true(udp_send_queue(b->send, &to, block, UDP_KEEP));
}

static void streams_meet_in_messages_of_equal_size(void **state) {
    static const struct {
        const char *what;
        struct {
            uint32_t ssrc;
            uint16_t len;
        } packets[8];
        unsigned count, messages;
    } rows[] = {
        {"audio between video", {{1, 1100}, {2, 80}, {1, 1100}, {2, 80}, {1, 1100}, {2, 80}}, 6, 2},
        {"three voices, one size", {{1, 80}, {2, 80}, {3, 80}, {1, 80}}, 4, 1},
        {"a frame's short last packet keeps its place", {{1, 1100}, {1, 700}, {1, 1100}, {1, 700}}, 4, 2},
        {"so does a long one", {{1, 700}, {1, 1100}, {1, 700}}, 3, 2},
        {"two frames at a time", {{1, 1100}, {2, 1000}, {1, 1100}, {2, 1000}, {1, 300}, {2, 300}}, 6, 3},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        bench_start(state);
        struct bench *b = *state;
        for (uint16_t i = 0; i < rows[r].count; i++)
            queue_rtp(b, (uint8_t)(96 + rows[r].packets[i].ssrc), i, rows[r].packets[i].ssrc,
                      rows[r].packets[i].len);
        flush(b);
        print_message("%s: %u messages expected, %u seen\n", rows[r].what, rows[r].messages, wire.messages);
        assert_int_equal(wire.messages, rows[r].messages);
        assert_int_equal(wire.count, rows[r].count);
        bench_stop(state);
    }
}

static void no_stream_overtakes_itself(void **state) {
    struct bench *b = *state;
    uint16_t seqs[200] = {0};
    uint32_t random = 1;
    for (unsigned i = 0; i < 5000; i++) {
        random = random * 1664525 + 1013904223;
        uint32_t ssrc = (random >> 8) % 200;
        bool rtcp = random >> 28 == 0;
        uint16_t len = (uint16_t)(100 + (random >> 20) % 7 * 150);
        // Every datagram of a stream counts on, reports as well: type and SSRC tell them apart below.
        queue_rtp(b, rtcp ? 200 : (uint8_t)(ssrc % 60), seqs[ssrc]++, ssrc, len);
        if (i % 500 == 499)
            flush(b);
    }
    assert_int_equal(wire.count, 5000);
    uint16_t seen[200] = {0};
    for (unsigned i = 0; i < wire.count; i++) {
        assert_true(wire.datagrams[i].ssrc < 200);
        assert_int_equal(wire.datagrams[i].number & 0xffff, seen[wire.datagrams[i].ssrc]++);
    }
    assert_true(wire.messages < 5000 / 3);
}

static void order_per_tuple_holds_when_tuples_are_interleaved(void **state) {
    struct bench *b = *state;
    for (uint32_t i = 0; i < 3000; i++)
        queue(b, i % 5 == 4 ? 6 : 4, (uint16_t)(5000 + i % 50), i, (uint16_t)(i % 7 == 0 ? 400 : 1100));
    flush(b);
    assert_int_equal(wire.count, 3000);
    for (uint16_t p = 5000; p < 5050; p++)
        assert_int_equal(check_order(p), 60);
    assert_true(wire.messages < 3000 / 3);
    assert_true(wire.calls <= wire.messages / 32 + 2);
    assert_int_equal(b->counters.datagrams_out, 3000);
    assert_int_equal(b->counters.send_calls, wire.calls);
}

static void one_sendmmsg_carries_32_messages(void **state) {
    struct bench *b = *state;
    for (uint32_t i = 0; i < 100; i++)
        queue(b, 4, (uint16_t)(5000 + i), i, 500);
    flush(b);
    assert_int_equal(wire.messages, 100);
    assert_int_equal(wire.calls, 4); // 32 + 32 + 32 + 4
}

static void what_a_full_socket_does_not_take_waits_in_order(void **state) {
    struct bench *b = *state;
    wire.full_after = 70;
    for (uint32_t i = 0; i < 300; i++)
        queue(b, 4, (uint16_t)(5000 + i % 3), i, (uint16_t)(i % 11 ? 800 : 801));
    flush(b);
    assert_true(wire.count >= 70);
    unsigned left = 300 - wire.count;
    assert_int_equal(udp_send_backlog(b->send), left);
    flush(b); // still full
    assert_int_equal(udp_send_backlog(b->send), left);
    for (uint32_t i = 300; i < 330; i++)
        queue(b, 4, (uint16_t)(5000 + i % 3), i, 800);
    wire.full_after = -1;
    flush(b);
    assert_int_equal(udp_send_backlog(b->send), 0);
    for (uint16_t p = 5000; p < 5003; p++)
        assert_int_equal(check_order(p), 110);
    assert_int_equal(b->counters.send_failed + b->counters.queue_dropped, 0);
}

static void a_full_socket_of_one_family_does_not_hold_up_the_other(void **state) {
    struct bench *b = *state;
    wire.full_after = 0;
    wire.full_fd = FD4;
    for (uint32_t i = 0; i < 20; i++)
        queue(b, i % 2 ? 6 : 4, (uint16_t)(5000 + i % 2), i, 500);
    flush(b);
    assert_int_equal(check_order(5001), 10);
    assert_int_equal(udp_send_backlog(b->send), 10);
}

static void beyond_the_queue_the_oldest_is_dropped(void **state) {
    struct bench *b = *state;
    wire.full_after = 0;
    queue(b, 4, 5000, 1, 100);
    flush(b);
    for (uint32_t i = 2; i <= UDP_PORT_QUEUE_MAX; i++)
        assert_true(queue(b, 4, 5000, i, 100));
    assert_false(queue(b, 4, 5000, UDP_PORT_QUEUE_MAX + 1, 100));
    assert_int_equal(b->counters.queue_dropped, 1);
    wire.full_after = -1;
    flush(b);
    assert_int_equal(wire.count, UDP_PORT_QUEUE_MAX);
    assert_int_equal(wire.datagrams[0].number, 2);
    assert_int_equal(check_order(5000), UDP_PORT_QUEUE_MAX);
}

// The socket takes nothing. Of `kinds` (a: audio, v: video), one datagram each, more come than there is room
// for.
static void when_the_queue_is_full_video_goes_first(void **state) {
    enum { MAX = UDP_PORT_QUEUE_MAX };
    static const struct {
        const char *what;
        const char *kinds; // repeated
        unsigned count, audio_lost;
    } rows[] = {
        {"audio alone: the oldest", "a", MAX + 100, 100},
        {"video alone: the oldest", "v", MAX + 100, 0},
        {"as much audio as video", "av", 2 * MAX, 0},
        {"three times the queue, a little audio", "vvvvvvvvva", 3 * MAX, 0},
        {"ten times the queue, a little audio", "vvvvvvvvvvvvvvvvvvva", 10 * MAX, 0},
        {"much audio, a little video", "aaaaaaaaav", MAX + MAX / 10, 0},
        {"more audio than there is room for", "aaav", 2 * MAX, 2 * MAX / 4 * 3 - MAX},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        bench_start(state);
        struct bench *b = *state;
        wire.full_after = 0;
        unsigned audio = 0, video = 0;
        size_t kinds = strlen(rows[r].kinds);
        for (unsigned i = 0; i < rows[r].count; i++) {
            bool is_audio = rows[r].kinds[i % kinds] == 'a';
            bool room =
                queue_worth(b, 4, is_audio ? 5000 : 5001, i + 1, 100, is_audio ? UDP_KEEP : UDP_DROP_FIRST);
            assert_int_equal(room, i < MAX);
            audio += is_audio;
            video += !is_audio;
            if (i % 5000 == 4999) // what was dropped must not be sent, nor what waits be lost
                flush(b);
        }
        wire.full_after = -1;
        flush(b);
        unsigned audio_sent = check_order(5000), video_sent = check_order(5001);
        print_message("%s: %u of %u audio lost expected, %u seen; %u of %u video sent\n", rows[r].what,
                      rows[r].audio_lost, audio, audio - audio_sent, video_sent, video);
        assert_int_equal(audio - audio_sent, rows[r].audio_lost);
        assert_int_equal(audio_sent + video_sent, MAX);
        assert_int_equal(b->counters.queue_dropped, rows[r].count - MAX);
        uint32_t first_video = 0, last_video = 0;
        for (unsigned i = 0; i < wire.count; i++)
            if (wire.datagrams[i].port == 5001) {
                first_video = first_video ? first_video : wire.datagrams[i].number;
                last_video = wire.datagrams[i].number;
            }
        if (rows[r].audio_lost == 0 && video_sent > 0) // the newest are left
            assert_true(last_video + kinds > rows[r].count &&
                        first_video + video_sent * kinds > rows[r].count);
        assert_int_equal(udp_send_backlog(b->send), 0);
        assert_int_equal(pool_taken(b->pool), 0);
        bench_stop(state);
    }
}

// Packets for one peer still leave as one message.
static void expect_segmentation(struct bench *b) {
    uint64_t before = b->counters.segmented_messages;
    wire.dead_port = 0;
    for (uint32_t i = 0; i < 4; i++)
        queue(b, 4, 5999, i, 900);
    flush(b);
    assert_int_equal(b->counters.segmented_messages, before + 1);
}

static void an_error_of_one_message_costs_that_message_alone(void **state) {
    static const int errors[] = {ENOBUFS, EPERM, ENETUNREACH, EHOSTUNREACH, ECONNREFUSED, EACCES, ENETDOWN};
    for (size_t e = 0; e < sizeof errors / sizeof *errors; e++) {
        bench_start(state);
        struct bench *b = *state;
        wire.dead_port = 5003;
        wire.dead_error = errors[e];
        for (uint32_t i = 0; i < 70; i++)
            queue(b, 4, (uint16_t)(5000 + i % 7), i, 900);
        flush(b);
        print_message("%s\n", strerror(errors[e]));
        assert_int_equal(wire.count, 60);
        assert_int_equal(b->counters.send_failed, 10);
        assert_int_equal(udp_send_backlog(b->send), 0);
        expect_segmentation(b);
        bench_stop(state);
    }
}

static void refused_segmentation_falls_back_and_is_given_up_in_the_end(void **state) {
    static const int errors[] = {EMSGSIZE, EINVAL, EIO};
    for (size_t e = 0; e < sizeof errors / sizeof *errors; e++) {
        bench_start(state);
        struct bench *b = *state;
        wire.segment_error = errors[e];
        for (uint32_t i = 0; i < 800; i++)
            queue(b, 4, (uint16_t)(5000 + i % 80), i, 900);
        flush(b);
        print_message("%s\n", strerror(errors[e]));
        assert_int_equal(wire.count, 800); // nothing lost
        for (uint16_t p = 5000; p < 5080; p++)
            assert_int_equal(check_order(p), 10);
        assert_int_equal(b->counters.segmented_messages, 0);
        unsigned calls = wire.calls;
        for (uint32_t i = 0; i < 64; i++)
            queue(b, 4, 5000, 1000 + i, 900);
        flush(b);
        assert_int_equal(wire.calls - calls, 2); // plain messages, 32 a call
        bench_stop(state);
    }
}

// A path with a small MTU refuses for its own peer; the others keep the fast way.
static void a_few_refusals_do_not_end_segmentation(void **state) {
    struct bench *b = *state;
    for (unsigned round = 0; round < 100; round++) {
        wire.segment_error = EINVAL;
        wire.segment_ok = 1;
        for (uint32_t i = 0; i < 8; i++)
            queue(b, 4, (uint16_t)(5000 + i % 2), round * 8 + i, 900);
        flush(b);
    }
    assert_int_equal(b->counters.segmented_messages, 100);
    assert_int_equal(wire.count, 800);
}

// EINVAL also means that the source address is gone. Then single datagrams fail too.
static void a_dead_source_address_does_not_end_segmentation(void **state) {
    struct bench *b = *state;
    wire.dead_port = 5000;
    wire.dead_error = EINVAL;
    for (unsigned round = 0; round < 100; round++) {
        for (uint32_t i = 0; i < 4; i++)
            queue(b, 4, 5000, i, 900);
        flush(b);
    }
    assert_int_equal(b->counters.send_failed, 400);
    expect_segmentation(b);
}

static void a_socket_that_fills_up_in_the_fallback_keeps_the_rest(void **state) {
    struct bench *b = *state;
    wire.segment_error = EIO;
    wire.full_after = 3;
    for (uint32_t i = 0; i < 10; i++)
        queue(b, 4, 5000, i, 900);
    flush(b);
    assert_int_equal(wire.count, 3);
    assert_int_equal(udp_send_backlog(b->send), 7);
    wire.full_after = -1;
    flush(b);
    assert_int_equal(check_order(5000), 10);
}

static void an_interrupted_call_is_repeated(void **state) {
    struct bench *b = *state;
    wire.interrupts = 3;
    for (uint32_t i = 0; i < 10; i++)
        queue(b, 4, 5000, i, 900);
    flush(b);
    assert_int_equal(check_order(5000), 10);
    assert_int_equal(b->counters.send_failed, 0);
}

static void a_family_without_a_socket_is_dropped_and_counted(void **state) {
    struct bench *b = *state;
    queue(b, 6, 5000, 1, 100);
    queue(b, 4, 5001, 2, 100);
    udp_send_flush(b->send, FD4, -1);
    assert_int_equal(wire.count, 1);
    assert_int_equal(b->counters.send_failed, 1);
    assert_int_equal(udp_send_backlog(b->send), 0);
}

static void queued_blocks_are_released_at_the_end(void **state) {
    struct bench *b = *state;
    for (uint32_t i = 0; i < 100; i++)
        queue(b, 4, 5000, i, 900);
    // bench_stop checks the pool
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, bench_start, bench_stop)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_decide_where_a_message_ends),
        CASE(a_message_has_at_most_64_segments_and_65000_bytes),
        cmocka_unit_test(streams_meet_in_messages_of_equal_size),
        CASE(no_stream_overtakes_itself),
        CASE(what_is_longer_than_any_that_comes_in_goes_out),
        CASE(order_per_tuple_holds_when_tuples_are_interleaved),
        CASE(one_sendmmsg_carries_32_messages),
        CASE(what_a_full_socket_does_not_take_waits_in_order),
        CASE(a_full_socket_of_one_family_does_not_hold_up_the_other),
        CASE(beyond_the_queue_the_oldest_is_dropped),
        cmocka_unit_test(when_the_queue_is_full_video_goes_first),
        cmocka_unit_test(an_error_of_one_message_costs_that_message_alone),
        cmocka_unit_test(refused_segmentation_falls_back_and_is_given_up_in_the_end),
        CASE(a_few_refusals_do_not_end_segmentation),
        CASE(a_dead_source_address_does_not_end_segmentation),
        CASE(a_socket_that_fills_up_in_the_fallback_keeps_the_rest),
        CASE(an_interrupted_call_is_repeated),
        CASE(a_family_without_a_socket_is_dropped_and_counted),
        CASE(queued_blocks_are_released_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
