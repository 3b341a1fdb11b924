// Asking for our own address: the bytes (RFC 5769's samples among them), and a server that answers late, with
// lies, or not at all.
#include "server/common/stun_client.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "server/common/name_lookup.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

// RFC 5769, sections 2.2 and 2.3.
static const uint8_t sample_id[STUN_ID_BYTES] = {0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
                                                 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};
static const char sample_v4[] = "0101003c2112a442b7e7a701bc34d686fa87dfae"
                                "8022000b7465737420766563746f7220"
                                "002000080001a147e112a643"
                                "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
                                "80280004c07d4c96";
static const char sample_v6[] = "010100482112a442b7e7a701bc34d686fa87dfae"
                                "8022000b7465737420766563746f7220"
                                "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
                                "00080014a382954e4be67bf11784c97c8292c275bfe3ed41"
                                "80280004c8fb0b4c";

#define HEAD "2112a442b7e7a701bc34d686fa87dfae"

static size_t bytes_of(const char *hex, uint8_t *out) {
    size_t len = strlen(hex) / 2;
    for (size_t i = 0; i < len; i++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        out[i] = (uint8_t)byte;
    }
    return len;
}

static void test_answers(void **state) {
    (void)state;
    static const struct {
        const char *what, *hex;
        enum err expected;
        const char *seen;
    } rows[] = {
        {"RFC 5769, IPv4", sample_v4, ERR_OK, "192.0.2.1:32853"},
        {"RFC 5769, IPv6", sample_v6, ERR_OK, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"},
        {"MAPPED-ADDRESS alone",
         "0101000c" HEAD "000100080001805"
         "5c0000201",
         ERR_OK, "192.0.2.1:32853"},
        {"the masked address wins over the plain one",
         "01010018" HEAD "0001000800010001"
         "0a000001"
         "002000080001a147e112a643",
         ERR_OK, "192.0.2.1:32853"},
        {"an unknown required attribute is passed over",
         "01010014" HEAD "00050004deadbeef"
         "002000080001a147e112a643",
         ERR_OK, "192.0.2.1:32853"},
        {"a v4-mapped address is IPv4",
         "01010018" HEAD "002000140002a147"
         "2112a442"
         "b7e7a701bc34"
         "2979"
         "3a87ddaf",
         ERR_OK, "192.0.2.1:32853"},
        {"another transaction",
         "0101000c2112a442"
         "000000000000000000000000"
         "002000080001a147e112a643",
         ERR_NOT_FOUND, "none"},
        {"a request", "00010000" HEAD, ERR_NOT_FOUND, "none"},
        {"an error", "01110008" HEAD "0009000400000401", ERR_UNSUPPORTED, "none"},
        {"no address", "01010000" HEAD, ERR_UNSUPPORTED, "none"},
        {"no cookie",
         "0101000c"
         "00000000b7e7a701bc34d686fa87dfae"
         "002000080001a147e112a643",
         ERR_MALFORMED, "none"},
        {"a length that lies", "01010010" HEAD "002000080001a147e112a643", ERR_MALFORMED, "none"},
        {"an attribute beyond the end", "0101000c" HEAD "002000180001a147e112a643", ERR_MALFORMED, "none"},
        {"an address of no family", "0101000c" HEAD "002000080003a147e112a643", ERR_MALFORMED, "none"},
        {"an IPv6 address of four bytes", "0101000c" HEAD "002000080002a147e112a643", ERR_MALFORMED, "none"},
        {"half a header",
         "01010000"
         "2112a442b7e7",
         ERR_MALFORMED, "none"},
        {"nothing", "", ERR_MALFORMED, "none"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t *datagram = malloc(strlen(rows[i].hex) / 2 + 1);
        size_t len = bytes_of(rows[i].hex, datagram);
        struct addr seen;
        char text[ADDR_TEXT_MAX];
        enum err got = stun_answer_read(span_of(datagram, len), sample_id, &seen);
        addr_print(&seen, text);
        if (got != rows[i].expected || strcmp(text, rows[i].seen) != 0)
            fail_msg("%s: expected \"%s\" and %s, got \"%s\" and %s", rows[i].what,
                     err_name(rows[i].expected), rows[i].seen, err_name(got), text);
        free(datagram);
    }
}

static void test_query(void **state) {
    (void)state;
    uint8_t query[STUN_QUERY_BYTES], expected[STUN_QUERY_BYTES];
    stun_query_write(query, sample_id);
    bytes_of("00010000" HEAD, expected);
    assert_memory_equal(query, expected, sizeof query);
}

// ---- a server on loopback

enum manner {
    ANSWERS,
    LIES_FIRST, // with another transaction id, and from another port; then answers
    SECOND_TRY, // the first request is lost
    SAYS_ERROR,
    SAYS_NOTHING,
};

struct server {
    int fd, other_fd;
    enum manner manner;
    uint16_t port;
    pthread_t thread;
    uint16_t asked_from; // port
    unsigned requests;
};

// *port 0: any; set to what it is.
static int socket_on(const char *ip, uint16_t *port) {
    struct addr local;
    struct sockaddr_storage sa;
    assert_int_equal(addr_parse(ip, *port, &local), ERR_OK);
    socklen_t len = addr_to_sockaddr(&local, &sa);
    int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && sa.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int));
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) != 0) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    len = sizeof sa;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    addr_from_sockaddr((struct sockaddr *)&sa, &local);
    *port = local.port;
    return fd;
}

// A success response that says 203.0.113.9:4242, or [2001:db8::9]:4242 to a question over IPv6.
static size_t answer_write(const uint8_t *request, bool v6, uint8_t out[64]) {
    static const uint8_t seen_v4[] = {203, 0, 113, 9};
    static const uint8_t seen_v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 9};
    size_t len = v6 ? 16 : 4;
    struct writer w = writer_of(out, 64);
    write_u16(&w, 0x0101);
    write_u16(&w, (uint16_t)(8 + len));
    memcpy(write_raw(&w, 16), request + 4, 16);
    write_u16(&w, 0x0020);
    write_u16(&w, (uint16_t)(4 + len));
    write_u16(&w, v6 ? 2 : 1);
    write_u16(&w, 4242 ^ 0x2112);
    for (size_t i = 0; i < len; i++)
        write_u8(&w, (v6 ? seen_v6[i] : seen_v4[i]) ^ request[4 + i]);
    assert_false(w.failed);
    return w.len;
}

static void server_reply(struct server *server, const uint8_t *request, const struct sockaddr_storage *from,
                         socklen_t from_len) {
    uint8_t reply[64];
    size_t len = answer_write(request, from->ss_family == AF_INET6, reply);
    const struct sockaddr *to = (const struct sockaddr *)from;
    if (server->manner == SAYS_ERROR)
        reply[1] = 0x11;
    if (server->manner == LIES_FIRST) {
        uint8_t lie[64];
        memcpy(lie, reply, len);
        lie[27] ^= 0xff; // another address, from a port that was not asked
        assert_int_equal(sendto(server->other_fd, lie, len, 0, to, from_len), (ssize_t)len);
        lie[19] ^= 0xff; // and for another transaction
        assert_int_equal(sendto(server->fd, lie, len, 0, to, from_len), (ssize_t)len);
    }
    assert_int_equal(sendto(server->fd, reply, len, 0, to, from_len), (ssize_t)len);
}

// Until a datagram that is no request ends it.
static void *server_run(void *ctx) {
    struct server *server = ctx;
    for (;;) {
        uint8_t request[64];
        struct sockaddr_storage from;
        socklen_t from_len = sizeof from;
        ssize_t len = recvfrom(server->fd, request, sizeof request, 0, (struct sockaddr *)&from, &from_len);
        if (len != STUN_QUERY_BYTES)
            return NULL;
        struct addr remote;
        addr_from_sockaddr((struct sockaddr *)&from, &remote);
        server->asked_from = remote.port;
        server->requests++;
        bool lost = server->manner == SAYS_NOTHING || (server->manner == SECOND_TRY && server->requests == 1);
        if (!lost)
            server_reply(server, request, &from, from_len);
    }
}

static bool server_start_on(struct server *server, const char *ip, uint16_t port, enum manner manner) {
    *server = (struct server){.manner = manner, .port = port};
    uint16_t other_port = 0;
    server->fd = socket_on(ip, &server->port);
    if (server->fd < 0)
        return false;
    server->other_fd = socket_on(ip, &other_port);
    assert_int_equal(pthread_create(&server->thread, NULL, server_run, server), 0);
    return true;
}

static bool server_start(struct server *server, const char *ip, enum manner manner) {
    return server_start_on(server, ip, 0, manner);
}

static void server_stop(struct server *server, const char *ip) {
    struct addr to;
    struct sockaddr_storage sa;
    assert_int_equal(addr_parse(ip, server->port, &to), ERR_OK);
    socklen_t len = addr_to_sockaddr(&to, &sa);
    assert_int_equal(sendto(server->other_fd, "end", 3, 0, (struct sockaddr *)&sa, len), 3);
    pthread_join(server->thread, NULL);
    close(server->fd);
    close(server->other_fd);
}

static void test_manners(void **state) {
    (void)state;
    static const struct {
        const char *what, *ip;
        enum manner manner;
        enum stun_result expected;
        const char *says; // the address that is seen, or a part of why not
        unsigned requests;
    } rows[] = {
        {"an answer", "127.0.0.1", ANSWERS, STUN_SEEN, "203.0.113.9:4242", 1},
        {"an answer over IPv6", "::1", ANSWERS, STUN_SEEN, "[2001:db8::9]:4242", 1},
        {"lies before the answer", "127.0.0.1", LIES_FIRST, STUN_SEEN, "203.0.113.9:4242", 1},
        {"a lost request", "127.0.0.1", SECOND_TRY, STUN_SEEN, "203.0.113.9:4242", 2},
        {"an error", "127.0.0.1", SAYS_ERROR, STUN_REFUSED, "does not serve STUN", 1},
        {"silence", "127.0.0.1", SAYS_NOTHING, STUN_SILENT, "did not answer within 3 s", 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct server server;
        if (!server_start(&server, rows[i].ip, rows[i].manner)) {
            print_message("no %s on this machine\n", rows[i].ip);
            continue;
        }
        struct stun_seen seen;
        char text[256] = "";
        uint64_t began_us = clock_now_us();
        enum stun_result got = stun_ask(rows[i].ip, server.port, 0, &seen, text, sizeof text);
        uint64_t took_us = clock_now_us() - began_us;
        server_stop(&server, rows[i].ip);
        if (got == STUN_SEEN)
            addr_print(&seen.address[0], text);
        if (got != rows[i].expected || !strstr(text, rows[i].says) || server.requests != rows[i].requests)
            fail_msg("%s: expected %d, \"%s\" after %u requests; got %d, \"%s\" after %u", rows[i].what,
                     rows[i].expected, rows[i].says, rows[i].requests, got, text, server.requests);
        assert_int_equal(seen.count, got == STUN_SEEN);
        assert_true(took_us < (STUN_ANSWER_MS_MAX + 1000) * US_PER_MS);
    }
}

// A name with an address of each family: both are asked, IPv4 comes first.
static void test_both_families(void **state) {
    (void)state;
    struct addr resolved[2];
    char why[256];
    unsigned families = name_lookup("localhost", 1, STUN_LOOKUP_MS_MAX, resolved, why, sizeof why);
    struct server v4, v6 = {.fd = -1};
    struct stun_seen seen;
    assert_true(server_start(&v4, "127.0.0.1", ANSWERS));
    bool both = families == 2 && server_start_on(&v6, "::1", v4.port, ANSWERS);
    assert_int_equal(stun_ask("localhost", v4.port, 0, &seen, why, sizeof why), STUN_SEEN);
    server_stop(&v4, "127.0.0.1");
    if (both)
        server_stop(&v6, "::1");
    else
        print_message("localhost is not of both families on this machine\n");
    assert_int_equal(seen.count, both ? 2 : 1);
    assert_int_equal(seen.address[0].family, 4);
    assert_int_equal(seen.address[seen.count - 1].family, both ? 6 : 4);
}

static void test_it_asks_from_the_wanted_port(void **state) {
    (void)state;
    struct server server;
    struct stun_seen seen;
    char why[256];
    uint16_t wanted = 0;
    int holder = socket_on("0.0.0.0", &wanted);
    assert_true(server_start(&server, "127.0.0.1", ANSWERS));
    // Busy: from another port, but it asks all the same.
    assert_int_equal(stun_ask("127.0.0.1", server.port, wanted, &seen, why, sizeof why), STUN_SEEN);
    close(holder);
    assert_int_equal(stun_ask("127.0.0.1", server.port, wanted, &seen, why, sizeof why), STUN_SEEN);
    server_stop(&server, "127.0.0.1");
    assert_int_equal(server.asked_from, wanted);
}

static void test_nobody_there(void **state) {
    (void)state;
    struct stun_seen seen;
    char why[256] = "";
    uint16_t port = 0;
    close(socket_on("127.0.0.1", &port));
    assert_int_equal(stun_ask("127.0.0.1", port, 0, &seen, why, sizeof why), STUN_REFUSED);
    assert_non_null(strstr(why, "does not serve STUN"));
    // RFC 6761, section 6.4: "invalid" names never resolve.
    uint64_t began_us = clock_now_us();
    assert_int_equal(stun_ask("rotunda.invalid", 3478, 0, &seen, why, sizeof why), STUN_UNRESOLVED);
    assert_true(clock_now_us() - began_us < (STUN_LOOKUP_MS_MAX + 1000) * US_PER_MS);
    assert_non_null(strstr(why, "\"rotunda.invalid\" does not resolve: "));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_both_families),
        cmocka_unit_test(test_manners),
        cmocka_unit_test(test_it_asks_from_the_wanted_port),
        cmocka_unit_test(test_nobody_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
