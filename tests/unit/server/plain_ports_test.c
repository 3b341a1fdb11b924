// Sockets of plain RTP, from a range of which the system knows what is free.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/addr.h"
#include "server/plain_ports.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Four ports from an even one on that nobody else has at present.
static struct port_range free_range(void) {
    for (unsigned first = 21000;; first += 4) {
        struct port_range range = {.host = "127.0.0.1", .from = (uint16_t)first, .to = (uint16_t)(first + 3)};
        struct plain_place places[4];
        char why[HUB_PLAIN_WHY_MAX];
        uint16_t next = 0;
        unsigned n = 0;
        assert_true(first < 60000);
        while (n < 4 && plain_ports_bind(&range, &next, true, &places[n], why) == PLAIN_BOUND)
            n++;
        for (unsigned i = 0; i < n; i++)
            close(places[i].rtp_fd);
        if (n == 4)
            return range;
    }
}

static uint16_t port_of(int fd) {
    struct sockaddr_storage name;
    socklen_t len = sizeof name;
    struct addr at;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
    addr_from_sockaddr((struct sockaddr *)&name, &at);
    return at.port;
}

static void close_place(const struct plain_place *place) {
    close(place->rtp_fd);
    if (place->rtcp_fd >= 0)
        close(place->rtcp_fd);
}

static void ports_are_taken_in_turn(void **state) {
    (void)state;
    struct port_range range = free_range();
    struct plain_place a, b;
    char why[HUB_PLAIN_WHY_MAX];
    uint16_t next = 0;
    assert_int_equal(plain_ports_bind(&range, &next, true, &a, why), PLAIN_BOUND);
    assert_int_equal(a.rtp_port, range.from);
    assert_int_equal(a.rtcp_port, range.from);
    assert_int_equal(a.rtcp_fd, -1);
    assert_int_equal(port_of(a.rtp_fd), range.from);
    assert_string_equal(a.ip, "127.0.0.1");
    assert_int_equal(a.family, 4);
    close_place(&a);
    assert_int_equal(plain_ports_bind(&range, &next, true, &b, why), PLAIN_BOUND);
    assert_int_equal(b.rtp_port, range.from + 1); // not the one that was just given back
    close_place(&b);
    next = range.to;
    assert_int_equal(plain_ports_bind(&range, &next, true, &b, why), PLAIN_BOUND);
    assert_int_equal(b.rtp_port, range.to);
    assert_int_equal(next, range.from);
    close_place(&b);
}

static void pairs_begin_even(void **state) {
    (void)state;
    struct port_range range = free_range();
    struct plain_place a, b, c;
    char why[HUB_PLAIN_WHY_MAX] = "";
    uint16_t next = (uint16_t)(range.from + 1);
    assert_int_equal(plain_ports_bind(&range, &next, false, &a, why), PLAIN_BOUND);
    assert_int_equal(a.rtp_port, range.from + 2);
    assert_int_equal(a.rtcp_port, range.from + 3);
    assert_int_equal(port_of(a.rtcp_fd), range.from + 3);
    assert_int_equal(plain_ports_bind(&range, &next, true, &b, why), PLAIN_BOUND);
    assert_int_equal(b.rtp_port, range.from);
    assert_int_equal(plain_ports_bind(&range, &next, false, &c, why), PLAIN_BIND_NONE_LEFT);
    assert_non_null(strstr(why, "all ports"));
    close_place(&b);
    assert_int_equal(plain_ports_bind(&range, &next, false, &c, why), PLAIN_BOUND);
    assert_int_equal(c.rtp_port, range.from);
    close_place(&a);
    close_place(&c);
}

static void an_address_of_another_machine_is_told(void **state) {
    (void)state;
    struct port_range range = {.host = "192.0.2.1", .from = 40000, .to = 40003};
    struct plain_place place;
    char why[HUB_PLAIN_WHY_MAX] = "";
    uint16_t next = 0;
    assert_int_equal(plain_ports_bind(&range, &next, true, &place, why), PLAIN_BIND_FAILED);
    assert_non_null(strstr(why, "192.0.2.1"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_are_taken_in_turn),
        cmocka_unit_test(pairs_begin_even),
        cmocka_unit_test(an_address_of_another_machine_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
