// Connections over loopback: who may stay, what comes of the slow, and who hears of an end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "transport/tcp_port.h"
#include "transport/tcp_queue.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OWNER 77

struct bench {
    struct pool *pool;
    struct tcp_port *port;
    struct tcp_ticket tickets[4];
    int listener, client; // the last one that was opened
    struct tuple tuple;   // of the last packet
    unsigned packets, lost;
    uint16_t last_len;
    uint32_t last_owner, lost_owner;
    bool prove, close;  // what the handler does with a packet
    uint16_t other_len; // of a packet that is waited for
    bool other_came;
    uint64_t now_us;
};

static void on_packet(void *ctx, const struct tuple *from, uint32_t owner, struct block *block) {
    struct bench *b = ctx;
    b->packets++;
    b->tuple = *from;
    b->last_len = block->len;
    b->last_owner = owner;
    b->other_came |= block->len == b->other_len;
    block_release(block);
    if (b->prove)
        tcp_port_prove(b->port, from, OWNER);
    if (b->close)
        tcp_port_close(b->port, from);
}

static void on_lost(void *ctx, const struct tuple *tuple, uint32_t owner) {
    struct bench *b = ctx;
    assert_true(tuple_equal(tuple, &b->tuple));
    b->lost++;
    b->lost_owner = owner;
}

static int bench_begin(void **state) {
    struct bench *b = calloc(1, sizeof *b);
    b->pool = pool_create(4096);
    b->port = tcp_port_create(b->pool, &(struct tcp_handlers){b, on_packet, on_lost});
    b->now_us = 1000 * UINT64_C(1000000);
    b->client = -1;
    b->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct addr any;
    struct sockaddr_storage sa;
    assert_int_equal(addr_parse("127.0.0.1", 0, &any), ERR_OK);
    socklen_t len = addr_to_sockaddr(&any, &sa);
    assert_int_equal(bind(b->listener, (struct sockaddr *)&sa, len), 0);
    assert_int_equal(listen(b->listener, 8), 0);
    *state = b;
    return b->pool && b->port ? 0 : -1;
}

static int bench_end(void **state) {
    struct bench *b = *state;
    tcp_port_destroy(b->port);
    int held = (int)pool_taken(b->pool);
    pool_destroy(b->pool);
    close(b->listener);
    if (b->client >= 0)
        close(b->client);
    free(b);
    return held;
}

// A connection that the port has; small: with a reader's buffer that soon fills.
static void connect_one(struct bench *b, unsigned ticket, bool small) {
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    if (b->client >= 0)
        close(b->client);
    b->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int bytes = 4096;
    if (small)
        setsockopt(b->client, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    assert_int_equal(getsockname(b->listener, (struct sockaddr *)&sa, &len), 0);
    assert_int_equal(connect(b->client, (struct sockaddr *)&sa, len), 0);
    int fd = accept4(b->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(fd >= 0);
    b->tickets[ticket].standing = TCP_STRANGER;
    tcp_port_adopt(b->port, fd, &b->tickets[ticket], b->now_us);
    assert_int_equal(b->tickets[ticket].standing, TCP_STRANGER);
}

static void say(struct bench *b, const void *bytes, size_t len) {
    assert_int_equal(send(b->client, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void say_frame(struct bench *b, uint16_t len) {
    uint8_t frame[2048] = {0};
    store_be16(frame, len);
    say(b, frame, len + 2u);
}

// Reads until nothing is there, waiting for the first.
static void turn(struct bench *b) {
    struct pollfd p = {.fd = tcp_port_fd(b->port), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 10000), 1);
    while (tcp_port_receive(b->port, b->now_us))
        tcp_port_flush(b->port, b->now_us);
    tcp_port_flush(b->port, b->now_us);
}

static void prove_one(struct bench *b, bool small) {
    connect_one(b, 0, small);
    b->prove = true;
    say_frame(b, 30);
    turn(b);
    b->prove = false;
    assert_int_equal(b->tickets[0].standing, TCP_PROVEN);
}

// The client sees the end of the connection.
static void expect_end(struct bench *b) {
    uint8_t bytes[4096];
    ssize_t n;
    struct pollfd p = {.fd = b->client, .events = POLLIN};
    do {
        assert_int_equal(poll(&p, 1, 10000), 1);
        n = recv(b->client, bytes, sizeof bytes, 0);
    } while (n > 0);
    assert_true(n == 0 || errno == ECONNRESET);
}

static void packets_come_and_go(void **state) {
    struct bench *b = *state;
    prove_one(b, false);
    assert_int_equal(b->last_owner, 0);
    assert_int_equal(b->tuple.protocol, TUPLE_TCP);
    say_frame(b, 100);
    turn(b);
    assert_int_equal(b->packets, 2);
    assert_int_equal(b->last_len, 100);
    assert_int_equal(b->last_owner, OWNER);
    static const uint8_t words[] = "answer";
    assert_true(tcp_port_queue_bytes(b->port, &b->tuple, span_of(words, 6), b->now_us));
    tcp_port_flush(b->port, b->now_us);
    uint8_t got[64];
    assert_int_equal(recv(b->client, got, sizeof got, 0), 8);
    assert_memory_equal(got, "\0\6answer", 8);
    struct tuple other = b->tuple;
    other.remote.port ^= 1;
    assert_false(tcp_port_queue_bytes(b->port, &other, span_of(words, 6), b->now_us));
    assert_int_equal(tcp_port_counters(b->port)->no_connection, 1);
}

static void a_proven_connection_that_ends_is_told(void **state) {
    struct bench *b = *state;
    prove_one(b, false);
    close(b->client);
    b->client = -1;
    turn(b);
    assert_int_equal(b->lost, 1);
    assert_int_equal(b->lost_owner, OWNER);
    assert_int_equal(b->tickets[0].standing, TCP_CLOSED);
    assert_int_equal(tcp_port_counters(b->port)->connections, 0);
}

static void a_strangers_end_is_nobodys_business(void **state) {
    struct bench *b = *state;
    connect_one(b, 0, false);
    close(b->client);
    b->client = -1;
    turn(b);
    assert_int_equal(b->lost, 0);
    assert_int_equal(b->tickets[0].standing, TCP_CLOSED);
}

static void strangers_have_ten_seconds_and_few_frames(void **state) {
    struct bench *b = *state;
    connect_one(b, 0, false);
    b->now_us += TCP_PROOF_US;
    tcp_port_advance(b->port, b->now_us);
    assert_int_equal(b->tickets[0].standing, TCP_STRANGER);
    tcp_port_advance(b->port, b->now_us + 1);
    assert_int_equal(b->tickets[0].standing, TCP_CLOSED);
    expect_end(b);
    connect_one(b, 1, false);
    for (unsigned i = 0; i < TCP_UNPROVEN_FRAMES; i++)
        say_frame(b, 30);
    while (b->tickets[1].standing != TCP_CLOSED)
        turn(b);
    assert_int_equal(b->packets, TCP_UNPROVEN_FRAMES - 1);
    expect_end(b);
    connect_one(b, 2, false);
    say(b, "\0\0", 2); // no stranger needs an empty packet
    turn(b);
    assert_int_equal(b->tickets[2].standing, TCP_CLOSED);
    assert_int_equal(tcp_port_counters(b->port)->unproven, 2);
}

static void a_lying_length_ends_it(void **state) {
    struct bench *b = *state;
    prove_one(b, false);
    say(b, "\0\0\0\0", 4); // those of a peer are passed over
    say_frame(b, BLOCK_DATAGRAM_MAX);
    while (b->packets < 2)
        turn(b);
    assert_int_equal(tcp_port_counters(b->port)->null_packets, 2);
    say(b, "\x06\x01", 2);
    turn(b);
    expect_end(b);
    assert_int_equal(b->lost, 1);
    assert_int_equal(tcp_port_counters(b->port)->broken, 1);
}

static struct block *video(struct bench *b) {
    struct block *block = pool_take(b->pool);
    assert_non_null(block);
    memset(block_data(block), 1, 1200);
    block->len = 1200;
    return block;
}

static void who_reads_nothing_costs_a_bounded_queue_and_is_cut_off(void **state) {
    struct bench *b = *state;
    prove_one(b, true);
    uint32_t most = 0;
    for (unsigned i = 0; i < 4000; i++) {
        tcp_port_queue(b->port, &b->tuple, video(b), UDP_DROP_FIRST, b->now_us);
        tcp_port_flush(b->port, b->now_us);
        most = pool_taken(b->pool) > most ? pool_taken(b->pool) : most;
    }
    assert_true(most <= TCP_QUEUE_BYTES / 1202 + 2);
    assert_true(tcp_port_counters(b->port)->queue_full > 3000);
    b->now_us += TCP_STALL_US;
    tcp_port_advance(b->port, b->now_us);
    assert_int_equal(b->lost, 0);
    assert_true(pool_taken(b->pool) <= 2); // what had grown old is gone, but for what was begun
    tcp_port_advance(b->port, b->now_us + 1);
    assert_int_equal(b->lost, 1);
    assert_int_equal(tcp_port_counters(b->port)->stalled, 1);
    assert_int_equal(pool_taken(b->pool), 0);
}

static void who_reads_again_gets_whole_packets(void **state) {
    struct bench *b = *state;
    prove_one(b, true);
    for (unsigned i = 0; i < 1000; i++)
        tcp_port_queue(b->port, &b->tuple, video(b), UDP_DROP_FIRST, b->now_us);
    tcp_port_flush(b->port, b->now_us);
    size_t got = 0;
    uint8_t bytes[65536];
    uint64_t sent = 0;
    while (pool_taken(b->pool) > 0) { // the queue empties as it is read
        struct pollfd p[] = {{.fd = b->client, .events = POLLIN},
                             {.fd = tcp_port_fd(b->port), .events = POLLIN}};
        assert_true(poll(p, 2, 10000) > 0);
        ssize_t n = recv(b->client, bytes, sizeof bytes, MSG_DONTWAIT);
        got += n > 0 ? (size_t)n : 0;
        tcp_port_receive(b->port, b->now_us);
        tcp_port_flush(b->port, b->now_us);
    }
    sent = tcp_port_counters(b->port)->bytes_out;
    while (got < sent) {
        ssize_t n = recv(b->client, bytes, sizeof bytes, 0);
        assert_true(n > 0);
        got += (size_t)n;
    }
    assert_int_equal(got, sent);
    assert_int_equal(sent % 1202, 0);
    assert_int_equal(sent / 1202, tcp_port_counters(b->port)->packets_out);
}

// One that floods takes its turn like any other.
static void nobody_waits_for_who_floods(void **state) {
    struct bench *b = *state;
    prove_one(b, false);
    int flooder = b->client;
    static uint8_t flood[1024 * 1024];
    for (size_t i = 0; i + 3 <= sizeof flood; i += 3)
        flood[i + 1] = 1;
    size_t sent = 0;
    for (ssize_t n; (n = send(flooder, flood + sent, sizeof flood - sent, MSG_NOSIGNAL | MSG_DONTWAIT)) > 0;)
        sent += (size_t)n; // as much as fits
    assert_true(sent > 300 * 1024);
    b->client = -1;
    connect_one(b, 1, false);
    say_frame(b, 999);
    struct pollfd p = {.fd = tcp_port_fd(b->port), .events = POLLIN};
    uint64_t before = tcp_port_counters(b->port)->bytes_in;
    b->other_len = 999;
    while (!b->other_came) {
        assert_int_equal(poll(&p, 1, 10000), 1);
        assert_true(tcp_port_receive(b->port, b->now_us));
    }
    assert_true(tcp_port_counters(b->port)->bytes_in - before < 300 * 1024); // of the first call
    close(flooder);
}

static void what_is_closed_says_goodbye_and_tells_nobody(void **state) {
    struct bench *b = *state;
    prove_one(b, false);
    tcp_port_close(b->port, &b->tuple);
    static const uint8_t words[] = "goodbye";
    assert_true(tcp_port_queue_bytes(b->port, &b->tuple, span_of(words, 7), b->now_us));
    tcp_port_flush(b->port, b->now_us);
    uint8_t got[64];
    assert_int_equal(recv(b->client, got, sizeof got, 0), 9);
    assert_int_equal(recv(b->client, got, sizeof got, 0), 0);
    assert_int_equal(b->lost, 0);
    assert_int_equal(b->tickets[0].standing, TCP_CLOSED);
    // Closed from within: what came behind is not handed up.
    connect_one(b, 1, false);
    b->packets = 0;
    b->close = true;
    uint8_t three[3 * 22];
    for (unsigned i = 0; i < 3; i++) {
        memset(three + 22 * i, 0, 22);
        three[22 * i + 1] = 20;
    }
    say(b, three, sizeof three);
    turn(b);
    assert_int_equal(b->packets, 1);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, bench_begin, bench_end)
    const struct CMUnitTest tests[] = {
        CASE(packets_come_and_go),
        CASE(a_proven_connection_that_ends_is_told),
        CASE(a_strangers_end_is_nobodys_business),
        CASE(strangers_have_ten_seconds_and_few_frames),
        CASE(a_lying_length_ends_it),
        CASE(who_reads_nothing_costs_a_bounded_queue_and_is_cut_off),
        CASE(who_reads_again_gets_whole_packets),
        CASE(nobody_waits_for_who_floods),
        CASE(what_is_closed_says_goodbye_and_tells_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
