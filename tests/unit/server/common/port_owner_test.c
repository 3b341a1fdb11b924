// Who holds a port: here, this very process.
#include "server/common/port_owner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// A socket on a port that the system chooses; listens if it is TCP.
static int socket_open(int family, int type, uint16_t *port) {
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    assert_int_equal(bind(fd, family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
                          family == AF_INET ? sizeof v4 : sizeof v6),
                     0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&bound, &len), 0);
    memcpy(port, (char *)&bound + 2, 2); // the same place in both families
    *port = ntohs(*port);
    return fd;
}

static void test_owners(void **state) {
    (void)state;
    static const struct {
        const char *what;
        int family, type;
        enum port_kind kind;
    } rows[] = {
        {"UDP, IPv4", AF_INET, SOCK_DGRAM, PORT_UDP},
        {"UDP, IPv6", AF_INET6, SOCK_DGRAM, PORT_UDP},
        {"TCP, IPv4", AF_INET, SOCK_STREAM, PORT_TCP},
        {"TCP, IPv6", AF_INET6, SOCK_STREAM, PORT_TCP},
    };
    char expected[64];
    // The kernel keeps 15 characters of a program's name.
    snprintf(expected, sizeof expected, "%.15s (pid %d)", program_invocation_short_name, getpid());
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint16_t port;
        char got[96] = "";
        int fd = socket_open(rows[i].family, rows[i].type, &port);
        if (fd < 0) {
            print_message("%s: not on this machine\n", rows[i].what);
            continue;
        }
        if (!port_owner_find(rows[i].kind, port, got, sizeof got) || strcmp(got, expected) != 0)
            fail_msg("%s: expected %s, got \"%s\"", rows[i].what, expected, got);
        close(fd);
        if (port_owner_find(rows[i].kind, port, got, sizeof got))
            fail_msg("%s: expected nobody once it is closed, got \"%s\"", rows[i].what, got);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
