#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "transport/ice_screen.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

// Two connected sockets, the first one screened.
struct pair {
    int in, out;
};

static int open_socket(struct sockaddr_in *address) {
    socklen_t len = sizeof *address;
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof *address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &len), 0);
    return fd;
}

static struct pair open_pair(void) {
    struct sockaddr_in a, b;
    struct pair pair = {.in = open_socket(&a), .out = open_socket(&b)};
    assert_int_equal(connect(pair.out, (struct sockaddr *)&a, sizeof a), 0);
    assert_true(ice_screen_attach(pair.in));
    return pair;
}

static void close_pair(struct pair *pair) {
    close(pair->in);
    close(pair->out);
}

// Over loopback a datagram is there, or dropped, when send returns.
static bool passes(const struct pair *pair, const void *bytes, size_t len) {
    uint8_t got[2048];
    assert_int_equal(send(pair->out, bytes, len, 0), (ssize_t)len);
    ssize_t n = recv(pair->in, got, sizeof got, MSG_DONTWAIT);
    if (n < 0)
        return false;
    assert_int_equal(n, (ssize_t)len);
    return true;
}

struct message {
    uint8_t bytes[1500];
    size_t len;
};

static void put16(struct message *m, unsigned value) {
    m->bytes[m->len++] = (uint8_t)(value >> 8);
    m->bytes[m->len++] = (uint8_t)value;
}

static struct message begin(unsigned type) {
    struct message m = {.len = 0};
    put16(&m, type);
    put16(&m, 0);
    put16(&m, 0x2112);
    put16(&m, 0xA442);
    m.len += 12;
    return m;
}

static void attribute(struct message *m, unsigned type, const void *value, size_t len) {
    put16(m, type);
    put16(m, (unsigned)len);
    if (value)
        memcpy(m->bytes + m->len, value, len);
    m->len += (len + 3) & ~(size_t)3;
    m->bytes[2] = (uint8_t)((m->len - 20) >> 8);
    m->bytes[3] = (uint8_t)(m->len - 20);
}

static struct message error_message(unsigned type, unsigned code) {
    struct message m = begin(type);
    const uint8_t value[] = {0, 0, (uint8_t)(code / 100), (uint8_t)(code % 100)};
    attribute(&m, 0x8022, "x", 1); // not the first
    attribute(&m, 0x0009, value, sizeof value);
    attribute(&m, 0x0008, NULL, 20);
    return m;
}

static struct message in_channel(const struct message *inner) {
    struct message m = {.len = 0};
    put16(&m, 0x4001);
    put16(&m, (unsigned)inner->len);
    memcpy(m.bytes + m.len, inner->bytes, inner->len);
    m.len += inner->len;
    return m;
}

static struct message in_indication(const struct message *inner, unsigned before) {
    struct message m = begin(0x0017);
    for (unsigned i = 0; i < before; i++)
        attribute(&m, 0x0012, "01234567", 8);
    attribute(&m, 0x0013, inner->bytes, inner->len);
    return m;
}

static bool passes_message(const struct pair *pair, const struct message *m, bool everywhere) {
    bool alone = passes(pair, m->bytes, m->len);
    struct message channel = in_channel(m), indication = in_indication(m, 1);
    bool within = passes(pair, channel.bytes, channel.len);
    if (everywhere)
        assert_int_equal(within, passes(pair, indication.bytes, indication.len));
    assert_int_equal(alone, within);
    return alone;
}

static void checks_and_their_answers_pass(void **state) {
    (void)state;
    struct pair pair = open_pair();
    static const unsigned types[] = {0x0001, 0x0011, 0x0103, 0x0104, 0x0113};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct message m = begin(types[i]);
        assert_true(passes_message(&pair, &m, true));
        attribute(&m, 0x0006, "ufrag:ufrags", 12);
        attribute(&m, 0x0024, "1234", 4);
        attribute(&m, 0x0025, NULL, 0);
        attribute(&m, 0x0008, NULL, 20);
        attribute(&m, 0x8028, "1234", 4);
        assert_true(passes_message(&pair, &m, true));
    }
    close_pair(&pair);
}

// A good answer without an address would end the process, sooner or later.
static void answers_say_an_address(void **state) {
    (void)state;
    struct pair pair = open_pair();
    static const uint8_t ip4[20] = {0, 1}, ip6[20] = {0, 2}, other[20] = {0, 3}, reserved[20] = {1, 1};
    const struct {
        unsigned type;
        const uint8_t *value;
        size_t len;
        bool pass;
    } rows[] = {
        {0x0020, ip4, 8, true},   {0x0020, ip6, 20, true}, {0x0001, ip4, 8, true},
        {0x0020, ip4, 20, false}, {0x0020, ip6, 8, false}, {0x0020, other, 8, false},
        {0x0020, ip4, 4, false},  {0x0020, ip4, 0, false}, {0x0020, reserved, 8, false},
        {0x0001, ip6, 8, false},  {0x8020, ip4, 8, false}, {0x0006, ip4, 8, false},
        {0x0020, ip4, 7, false},  {0x0001, ip6, 20, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct message m = begin(0x0101), late = begin(0x0101);
        attribute(&m, 0x8022, "x", 1);
        attribute(&m, rows[i].type, rows[i].value, rows[i].len);
        if (passes_message(&pair, &m, true) != rows[i].pass)
            fail_msg("row %zu", i);
        attribute(&m, 0x0008, NULL, 20);
        attribute(&m, 0x8028, "1234", 4);
        if (passes_message(&pair, &m, true) != rows[i].pass)
            fail_msg("row %zu, with integrity", i);
        attribute(&late, 0x0008, NULL, 20); // libnice looks for nothing behind it
        attribute(&late, rows[i].type, rows[i].value, rows[i].len);
        assert_false(passes_message(&pair, &late, true));
    }
    struct message none = begin(0x0101), two = begin(0x0101);
    assert_false(passes_message(&pair, &none, true));
    attribute(&two, 0x0020, other, 8); // the first counts
    attribute(&two, 0x0020, ip4, 8);
    assert_false(passes_message(&pair, &two, true));
    close_pair(&pair);
}

static void media_and_handshakes_pass(void **state) {
    (void)state;
    struct pair pair = open_pair();
    static const uint8_t rtp[] = {0x80, 96, 0, 1}, rtcp[] = {0x80, 200, 0, 1};
    static const uint8_t dtls[] = {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4};
    assert_true(passes(&pair, rtp, sizeof rtp));
    assert_true(passes(&pair, rtcp, sizeof rtcp));
    assert_true(passes(&pair, dtls, sizeof dtls));
    close_pair(&pair);
}

static void errors_pass_that_settle_roles(void **state) {
    (void)state;
    struct pair pair = open_pair();
    static const struct {
        unsigned type, code;
        bool pass;
    } rows[] = {{0x0111, 487, true},
                {0x0111, 403, false},
                {0x0111, 400, false},
                {0x0111, 401, false},
                {0x0111, 500, false},
                {0x0111, 486, false},
                {0x0111, 387, false},
                // of a TURN server
                {0x0113, 401, true},
                {0x0113, 438, true},
                {0x0113, 403, true},
                {0x0119, 403, true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct message m = error_message(rows[i].type, rows[i].code);
        if (passes_message(&pair, &m, true) != rows[i].pass)
            fail_msg("%u %u", rows[i].type, rows[i].code);
    }
    struct message none = begin(0x0111); // says no code
    assert_false(passes_message(&pair, &none, true));
    attribute(&none, 0x0008, NULL, 20);
    assert_false(passes_message(&pair, &none, true));
    // libnice reads the first code; here all have to be good.
    struct message two = error_message(0x0111, 487);
    const uint8_t forbidden[] = {0, 0, 4, 3};
    attribute(&two, 0x0009, forbidden, 4);
    assert_false(passes_message(&pair, &two, true));
    close_pair(&pair);
}

static void integrity_has_its_length(void **state) {
    (void)state;
    struct pair pair = open_pair();
    static const size_t lengths[] = {0, 1, 16, 19, 21, 24};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct message m = begin(0x0001);
        attribute(&m, 0x0006, "ufrag:ufrags", 12);
        attribute(&m, 0x0008, NULL, lengths[i]);
        assert_false(passes_message(&pair, &m, true));
    }
    close_pair(&pair);
}

static void what_is_too_much_is_dropped(void **state) {
    (void)state;
    struct pair pair = open_pair();
    struct message m = begin(0x0001);
    for (unsigned i = 0; i < ICE_SCREEN_ATTRIBUTES; i++)
        attribute(&m, 0xc001, "1234", 4);
    assert_true(passes_message(&pair, &m, true));
    attribute(&m, 0xc001, "1234", 4);
    assert_false(passes_message(&pair, &m, true));
    struct message inner = begin(0x0001);
    for (unsigned before = 0; before < 10; before++) {
        struct message outer = in_indication(&inner, before);
        assert_int_equal(passes(&pair, outer.bytes, outer.len), before < 6);
    }
    close_pair(&pair);
}

static void what_is_none_of_these_is_dropped(void **state) {
    (void)state;
    struct pair pair = open_pair();
    for (unsigned first = 0; first < 256; first++) {
        struct message m = begin(first << 8 | 3);
        attribute(&m, 0x8028, "1234", 4);
        bool fine = first < 4 || first >= 128; // with STUN's cookie
        if (first >= 64 && first < 128)
            continue; // a channel, with what looks like no message in it
        if (passes(&pair, m.bytes, m.len) != fine)
            fail_msg("%u", first);
    }
    static const uint8_t cut[] = {0x01, 0x11, 0, 8, 0x21, 0x12, 0xA4, 0x42, 0, 0, 0,
                                  0,    0,    0, 0, 0,    0,    0,    0,    0, 0, 9};
    for (size_t len = 1; len <= sizeof cut; len++)
        assert_false(passes(&pair, cut, len));
    assert_false(passes(&pair, "", 0));
    close_pair(&pair);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_and_their_answers_pass),    cmocka_unit_test(media_and_handshakes_pass),
        cmocka_unit_test(answers_say_an_address),           cmocka_unit_test(errors_pass_that_settle_roles),
        cmocka_unit_test(integrity_has_its_length),         cmocka_unit_test(what_is_too_much_is_dropped),
        cmocka_unit_test(what_is_none_of_these_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
