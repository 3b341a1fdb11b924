// The kernel runs the program: datagrams of known senders come in at the socket that was named.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/pool.h"
#include "transport/udp_port.h"

#include <linux/filter.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SOCKETS 4
#define SENDERS 40
#define WAIT_MS 20000 // longest wait for a datagram on loopback; it comes at once

struct group {
    struct pool *pool;
    struct udp_port *ports[SOCKETS];
    int senders[SENDERS];
    struct addr addrs[SENDERS];
};

static int sender_open(const char *ip, uint16_t port, struct addr *self) {
    struct addr to;
    struct sockaddr_storage sa;
    assert_int_equal(addr_parse(ip, port, &to), ERR_OK);
    socklen_t len = addr_to_sockaddr(&to, &sa);
    int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&sa, len) != 0) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    len = sizeof sa;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    addr_from_sockaddr((struct sockaddr *)&sa, self);
    return fd;
}

// False: this machine has not got the family.
static bool group_open(struct group *g, const char *ip) {
    g->pool = pool_create(1024);
    assert_non_null(g->pool);
    struct udp_port_config config = {.reuse_port = true};
    char error[128] = "";
    bool ok = true;
    for (unsigned i = 0; i < SOCKETS; i++) {
        g->ports[i] = udp_port_open(&config, g->pool, error, sizeof error);
        if (!g->ports[i])
            fail_msg("%s", error);
        config.port = udp_port_number(g->ports[0]);
    }
    for (unsigned i = 0; i < SENDERS; i++) {
        g->senders[i] = sender_open(ip, config.port, &g->addrs[i]);
        ok = ok && g->senders[i] >= 0;
    }
    return ok;
}

static void group_close(struct group *g) {
    for (unsigned i = 0; i < SENDERS; i++)
        if (g->senders[i] >= 0)
            close(g->senders[i]);
    for (unsigned i = 0; i < SOCKETS; i++)
        udp_port_close(g->ports[i]);
    pool_destroy(g->pool);
}

// The socket at which a datagram of this sender comes in.
static unsigned group_arrival(struct group *g, unsigned sender, int family) {
    struct pollfd fds[SOCKETS];
    for (unsigned i = 0; i < SOCKETS; i++)
        fds[i] = (struct pollfd){.fd = family == 4 ? udp_port_fd4(g->ports[i]) : udp_port_fd6(g->ports[i]),
                                 .events = POLLIN};
    assert_int_equal(send(g->senders[sender], "datagram", 8, 0), 8);
    assert_int_equal(poll(fds, SOCKETS, WAIT_MS), 1);
    for (unsigned i = 0; i < SOCKETS; i++) {
        struct udp_datagram batch[UDP_PORT_BATCH];
        if (!fds[i].revents)
            continue;
        assert_int_equal(udp_port_receive(g->ports[i], family, batch), 1);
        block_release(batch[0].block);
        return i;
    }
    return SOCKETS;
}

static int by_key(const void *a, const void *b) {
    uint32_t x = ((const struct steer_entry *)a)->key, y = ((const struct steer_entry *)b)->key;
    return (x > y) - (x < y);
}

// `count` entries: the first `known` senders belong to socket `shift` + their number, the rest is filled up.
static void group_steer(struct group *g, int family, unsigned known, unsigned shift, unsigned count) {
    struct steer_entry entries[UDP_STEER_MAX];
    for (unsigned i = 0; i < count; i++)
        entries[i] = (struct steer_entry){.key = i < known ? udp_steer_key(&g->addrs[i]) : 0x1000001u * i + 7,
                                          .socket = (uint8_t)((i + shift) % SOCKETS)};
    qsort(entries, count, sizeof entries[0], by_key);
    if (!udp_port_steer(g->ports[0], family, entries, count))
        fail_msg("the kernel refuses a program of %u entries", count);
}

static void check_family(int family, const char *ip) {
    struct group g = {0};
    if (!group_open(&g, ip)) {
        print_message("this machine has no IPv%d: that part is left out\n", family);
        group_close(&g);
        return;
    }
    unsigned before[SENDERS];
    for (unsigned i = 0; i < SENDERS; i++)
        before[i] = group_arrival(&g, i, family);
    static const unsigned counts[] = {1, 2, 3, SENDERS / 2, UDP_STEER_MAX};
    for (unsigned row = 0; row < sizeof counts / sizeof counts[0]; row++) {
        unsigned known = counts[row] < SENDERS / 2 ? counts[row] : SENDERS / 2;
        group_steer(&g, family, known, row, counts[row]);
        for (unsigned i = 0; i < SENDERS; i++) {
            unsigned expected = i < known ? (i + row) % SOCKETS : before[i];
            unsigned got = group_arrival(&g, i, family);
            if (got != expected)
                fail_msg("IPv%d, %u entries, sender %u: expected socket %u, got %u", family, counts[row], i,
                         expected, got);
        }
    }
    group_steer(&g, family, 0, 0, 0);
    for (unsigned i = 0; i < SENDERS; i++)
        assert_int_equal(group_arrival(&g, i, family), before[i]);
    group_close(&g);
}

static void datagrams_come_in_where_they_are_wanted_ip4(void **state) {
    (void)state;
    check_family(4, "127.0.0.1");
}

static void datagrams_come_in_where_they_are_wanted_ip6(void **state) {
    (void)state;
    check_family(6, "::1");
}

static void keys_tell_addresses_apart(void **state) {
    (void)state;
    static const struct {
        const char *ip;
        uint16_t port;
    } rows[] = {{"192.0.2.1", 5000},   {"192.0.2.1", 5001},   {"192.0.2.2", 5000},     {"2.192.0.1", 5000},
                {"2001:db8::1", 5000}, {"2001:db8::2", 5000}, {"2001:db8:1::1", 5000}, {"2001:db8::1", 5001}};
    uint32_t keys[8];
    for (unsigned i = 0; i < 8; i++) {
        struct addr a;
        assert_int_equal(addr_parse(rows[i].ip, rows[i].port, &a), ERR_OK);
        keys[i] = udp_steer_key(&a);
        for (unsigned k = 0; k < i; k++)
            if (keys[k] == keys[i])
                fail_msg("%s:%u and %s:%u have the same key", rows[i].ip, rows[i].port, rows[k].ip,
                         rows[k].port);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_come_in_where_they_are_wanted_ip4),
        cmocka_unit_test(datagrams_come_in_where_they_are_wanted_ip6),
        cmocka_unit_test(keys_tell_addresses_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
