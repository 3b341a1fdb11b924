// The port over real loopback sockets of both families.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "transport/udp_port.h"

#include "base/bytes.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WAIT_MS 20000 // longest wait for a datagram on loopback; it comes at once

static int pool_start(void **state) {
    *state = pool_create(4096);
    return *state ? 0 : -1;
}

static int pool_stop(void **state) {
    assert_int_equal(pool_taken(*state), 0);
    pool_destroy(*state);
    return 0;
}

static struct udp_port *port_open(struct pool *pool, struct udp_port_config config) {
    char error[128] = "";
    struct udp_port *port = udp_port_open(&config, pool, error, sizeof error);
    if (!port)
        fail_msg("%s", error);
    return port;
}

static bool machine_has_ip6(void) {
    struct addr a;
    struct sockaddr_storage sa;
    assert_int_equal(addr_parse("::1", 0, &a), ERR_OK);
    socklen_t len = addr_to_sockaddr(&a, &sa);
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    bool yes = fd >= 0 && bind(fd, (struct sockaddr *)&sa, len) == 0;
    if (fd >= 0)
        close(fd);
    if (!yes)
        print_message("this machine has no IPv6: that part is left out\n");
    return yes;
}

// A client's socket on `ip`, connected to (server_ip, server_port): the kernel then gives it nothing that
// comes from another address.
static int client_open(const char *ip, const char *server_ip, uint16_t server_port, struct addr *self) {
    struct addr a;
    struct sockaddr_storage sa;
    assert_int_equal(addr_parse(ip, 0, &a), ERR_OK);
    int fd = socket(a.family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    int bytes = 4 << 20;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
    socklen_t len = addr_to_sockaddr(&a, &sa);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
    assert_int_equal(addr_parse(server_ip, server_port, &a), ERR_OK);
    len = addr_to_sockaddr(&a, &sa);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
    len = sizeof sa;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    addr_from_sockaddr((struct sockaddr *)&sa, self);
    return fd;
}

static ssize_t client_read(int fd, void *out, size_t cap) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, WAIT_MS) <= 0)
        return -1;
    return recv(fd, out, cap, 0);
}

static struct udp_datagram port_receive_one(struct udp_port *port, int family) {
    struct udp_datagram out[UDP_PORT_BATCH];
    struct pollfd p = {.fd = family == 4 ? udp_port_fd4(port) : udp_port_fd6(port), .events = POLLIN};
    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
    assert_int_equal(udp_port_receive(port, family, out), 1);
    return out[0];
}

// A peer knows us by the address to which it sent its checks, which need not be the one that the kernel
// would choose for a reply.
static void replies_leave_from_the_address_that_was_asked(void **state) {
    static const struct {
        const char *client, *server;
    } rows[] = {
        {"127.0.0.1", "127.0.0.1"},
        {"127.0.0.1", "127.0.0.2"}, // the kernel would choose 127.0.0.1
        {"127.0.0.5", "127.0.0.9"},
        {"::1", "::1"},
    };
    struct udp_port *port = port_open(*state, (struct udp_port_config){0});
    unsigned exchanges = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        print_message("%s -> %s\n", rows[i].client, rows[i].server);
        if (strchr(rows[i].client, ':') && !machine_has_ip6())
            continue;
        struct addr self, server;
        exchanges++;
        int fd = client_open(rows[i].client, rows[i].server, udp_port_number(port), &self);
        assert_int_equal(addr_parse(rows[i].server, udp_port_number(port), &server), ERR_OK);
        assert_int_equal(send(fd, "ping", 4, 0), 4);
        struct udp_datagram got = port_receive_one(port, self.family);
        assert_int_equal(got.from.protocol, TUPLE_UDP);
        assert_true(addr_equal(&got.from.remote, &self));
        assert_true(addr_equal(&got.from.local, &server));
        assert_int_equal(got.block->len, 4);
        assert_memory_equal(block_data(got.block), "ping", 4);
        block_release(got.block);
        assert_true(udp_port_queue_bytes(port, &got.from, span_of_text("pong")));
        udp_port_flush(port, 1);
        char reply[16];
        assert_int_equal(client_read(fd, reply, sizeof reply), 4);
        assert_memory_equal(reply, "pong", 4);
        close(fd);
    }
    assert_int_equal(udp_port_counters(port)->datagrams_in, exchanges);
    assert_int_equal(udp_port_counters(port)->bytes_in, 4 * exchanges);
    assert_int_equal(udp_port_counters(port)->bytes_out, 4 * exchanges);
    udp_port_close(port);
}

#define CLIENTS 4
#define EACH 60
struct transcript {
    size_t len;
    uint8_t bytes[EACH * 1300];
};

static void send_to_clients(struct udp_port *port, struct pool *pool, const struct tuple to[CLIENTS]) {
    static const uint16_t sizes[] = {1200, 1200, 1200, 700, 90, 90, 1200};
    for (uint32_t i = 0; i < CLIENTS * EACH; i++) {
        struct block *b = pool_take(pool);
        assert_non_null(b);
        b->len = sizes[i / CLIENTS % 7];
        b->start = (uint16_t)(BLOCK_HEADROOM - i % 9); // blocks are not contiguous and need not start alike
        for (uint16_t k = 0; k < b->len; k++)
            block_data(b)[k] = (uint8_t)(i * 31 + k);
        store_be32(block_data(b), i);
        assert_true(udp_port_queue(port, &to[i % CLIENTS], b, UDP_KEEP));
    }
    udp_port_flush(port, 1);
}

// Sends the same to four clients in turn and notes what each got, lengths included.
static void record(struct pool *pool, bool segmentation, struct transcript *out) {
    struct udp_port *port = port_open(pool, (struct udp_port_config){.no_segmentation = !segmentation});
    int fds[CLIENTS];
    struct tuple to[CLIENTS];
    bool ip6 = machine_has_ip6();
    for (int c = 0; c < CLIENTS; c++) {
        const char *ip = c == 3 && ip6 ? "::1" : "127.0.0.1";
        to[c] = (struct tuple){.protocol = TUPLE_UDP};
        fds[c] = client_open(ip, ip, udp_port_number(port), &to[c].remote);
        assert_int_equal(addr_parse(ip, udp_port_number(port), &to[c].local), ERR_OK);
    }
    send_to_clients(port, pool, to);
    for (int c = 0; c < CLIENTS; c++) {
        out[c].len = 0;
        uint32_t last = 0;
        for (int i = 0; i < EACH; i++) {
            uint8_t *at = out[c].bytes + out[c].len;
            ssize_t n = client_read(fds[c], at + 2, 1298);
            assert_true(n >= 4);
            store_be16(at, (uint16_t)n);
            assert_true(i == 0 || load_be32(at + 2) > last); // order
            last = load_be32(at + 2);
            out[c].len += 2 + (size_t)n;
        }
        close(fds[c]);
    }
    const struct udp_port_counters *counters = udp_port_counters(port);
    print_message("segmentation %d: %llu datagrams, %llu segmented messages, %llu calls\n", segmentation,
                  (unsigned long long)counters->datagrams_out,
                  (unsigned long long)counters->segmented_messages, (unsigned long long)counters->send_calls);
    assert_int_equal(counters->datagrams_out, CLIENTS * EACH);
    assert_int_equal(counters->segmented_messages > 0, segmentation);
    udp_port_close(port);
}

static void segmentation_changes_no_byte(void **state) {
    struct transcript *with = calloc(CLIENTS, sizeof *with), *without = calloc(CLIENTS, sizeof *without);
    assert_true(with && without);
    record(*state, true, with);
    record(*state, false, without);
    for (int c = 0; c < CLIENTS; c++) {
        assert_int_equal(with[c].len, without[c].len);
        assert_memory_equal(with[c].bytes, without[c].bytes, with[c].len);
    }
    free(with);
    free(without);
}

static void a_datagram_that_is_too_long_is_flagged(void **state) {
    static const struct {
        size_t len;
        bool truncated;
    } rows[] = {{1200, false}, {BLOCK_DATAGRAM_MAX, false}, {BLOCK_DATAGRAM_MAX + 1, true}, {9000, true}};
    struct udp_port *port = port_open(*state, (struct udp_port_config){0});
    struct addr self;
    int fd = client_open("127.0.0.1", "127.0.0.1", udp_port_number(port), &self);
    static uint8_t bytes[9000];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(send(fd, bytes, rows[i].len, 0), rows[i].len);
        struct udp_datagram got = port_receive_one(port, 4);
        print_message("%zu bytes: truncated %d\n", rows[i].len, got.truncated);
        assert_int_equal(got.truncated, rows[i].truncated);
        assert_int_equal(got.block->len, rows[i].truncated ? BLOCK_DATAGRAM_MAX : rows[i].len);
        block_release(got.block);
    }
    assert_int_equal(udp_port_counters(port)->truncated, 2);
    close(fd);
    udp_port_close(port);
}

static void a_batch_takes_64_and_a_short_one_means_empty(void **state) {
    struct udp_port *port = port_open(*state, (struct udp_port_config){.receive_buffer_bytes = 1 << 20});
    struct addr self;
    int fd = client_open("127.0.0.1", "127.0.0.1", udp_port_number(port), &self);
    for (uint8_t i = 0; i < 70; i++)
        assert_int_equal(send(fd, &i, 1, 0), 1);
    struct udp_datagram out[UDP_PORT_BATCH];
    assert_int_equal(udp_port_receive(port, 4, out), 64);
    for (uint8_t i = 0; i < 64; i++) {
        assert_int_equal(*block_data(out[i].block), i);
        block_release(out[i].block);
    }
    assert_int_equal(udp_port_receive(port, 4, out), 6);
    for (uint8_t i = 0; i < 6; i++)
        block_release(out[i].block);
    assert_int_equal(udp_port_receive(port, 4, out), 0);
    assert_int_equal(udp_port_receive(port, 6, out), 0);
    close(fd);
    udp_port_close(port);
}

static void a_dry_pool_is_counted_and_loses_nothing(void **state) {
    (void)state;
    struct pool *pool = pool_create(2);
    assert_non_null(pool);
    struct udp_port *port = port_open(pool, (struct udp_port_config){0});
    struct addr self;
    int fd = client_open("127.0.0.1", "127.0.0.1", udp_port_number(port), &self);
    for (uint8_t i = 0; i < 3; i++)
        assert_int_equal(send(fd, &i, 1, 0), 1);
    struct udp_datagram out[UDP_PORT_BATCH], more[UDP_PORT_BATCH];
    assert_int_equal(udp_port_receive(port, 4, out), 2);
    assert_int_equal(udp_port_receive(port, 4, more), 0);
    assert_false(udp_port_queue_bytes(port, &out[0].from, span_of_text("x")));
    assert_int_equal(udp_port_counters(port)->no_block, 2);
    block_release(out[0].block);
    assert_int_equal(udp_port_receive(port, 4, more), 1);
    assert_int_equal(*block_data(more[0].block), 2);
    block_release(out[1].block);
    block_release(more[0].block);
    close(fd);
    udp_port_close(port);
    pool_destroy(pool);
}

static void what_the_kernel_drops_is_counted(void **state) {
    struct udp_port *port = port_open(*state, (struct udp_port_config){.receive_buffer_bytes = 4096});
    struct addr self;
    int fd = client_open("127.0.0.1", "127.0.0.1", udp_port_number(port), &self);
    static const uint8_t bytes[1200];
    unsigned got = 0, n;
    struct udp_datagram out[UDP_PORT_BATCH];
    for (int i = 0; i < 50; i++)
        assert_int_equal(send(fd, bytes, sizeof bytes, 0), sizeof bytes);
    for (int round = 0; round < 2; round++) {
        while ((n = udp_port_receive(port, 4, out)) > 0)
            for (unsigned i = 0; i < n; i++, got++)
                block_release(out[i].block);
        if (round == 0) // the count comes with the next datagram
            assert_int_equal(send(fd, bytes, sizeof bytes, 0), sizeof bytes);
    }
    print_message("%u of 51 received, %llu dropped\n", got,
                  (unsigned long long)udp_port_counters(port)->kernel_dropped);
    assert_true(got < 51);
    assert_int_equal(got + udp_port_counters(port)->kernel_dropped, 51);
    close(fd);
    udp_port_close(port);
}

static void workers_share_a_port_and_strangers_do_not(void **state) {
    struct udp_port *a = port_open(*state, (struct udp_port_config){.reuse_port = true});
    uint16_t number = udp_port_number(a);
    assert_true(number > 0);
    struct udp_port *b = port_open(*state, (struct udp_port_config){.port = number, .reuse_port = true});
    assert_int_equal(udp_port_number(b), number);
    char error[128] = "", expected[32];
    assert_null(udp_port_open(&(struct udp_port_config){.port = number}, *state, error, sizeof error));
    snprintf(expected, sizeof expected, "UDP port %u: ", number);
    print_message("\"%s\"\n", error);
    assert_non_null(strstr(error, expected));
    assert_non_null(strstr(error, "in use"));
    udp_port_close(a);
    udp_port_close(b);
    udp_port_close(NULL);
}

// The kernel doubles what was asked for, for its own bookkeeping (socket(7)).
static int buffer_granted(const struct udp_port *port, int option) {
    int bytes = 0;
    socklen_t len = sizeof bytes;
    assert_int_equal(getsockopt(udp_port_fd4(port), SOL_SOCKET, option, &bytes, &len), 0);
    return bytes / 2;
}

static void buffers_are_what_was_asked_or_what_the_system_allows(void **state) {
    struct udp_port *port = port_open(
        *state, (struct udp_port_config){.receive_buffer_bytes = 65536, .send_buffer_bytes = 32768});
    assert_int_equal(buffer_granted(port, SO_RCVBUF), 65536);
    assert_int_equal(buffer_granted(port, SO_SNDBUF), 32768);
    udp_port_close(port);
}

static void a_closed_port_leaves_no_sockets(void **state) {
    struct udp_port *port = port_open(*state, (struct udp_port_config){0});
    int fds[2] = {udp_port_fd4(port), udp_port_fd6(port)};
    assert_true(fds[0] >= 0);
    udp_port_close(port);
    for (unsigned i = 0; i < 2; i++)
        if (fds[i] >= 0)
            assert_int_equal(fcntl(fds[i], F_GETFD), -1);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, pool_start, pool_stop)
    const struct CMUnitTest tests[] = {
        CASE(replies_leave_from_the_address_that_was_asked),
        CASE(a_closed_port_leaves_no_sockets),
        CASE(segmentation_changes_no_byte),
        CASE(a_datagram_that_is_too_long_is_flagged),
        CASE(a_batch_takes_64_and_a_short_one_means_empty),
        cmocka_unit_test(a_dry_pool_is_counted_and_loses_nothing),
        CASE(what_the_kernel_drops_is_counted),
        CASE(workers_share_a_port_and_strangers_do_not),
        CASE(buffers_are_what_was_asked_or_what_the_system_allows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
