#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "transport/demux.h"

static const char *const names[] = {"unknown", "STUN", "DTLS", "RTP", "RTCP"};

// RFC 7983, figure 3, by the first byte of an otherwise plausible datagram.
static void the_first_byte_tells(void **state) {
    (void)state;
    static const struct {
        int first, last;
        enum datagram_kind kind;
    } rows[] = {
        {0, 3, DATAGRAM_STUN},       {4, 15, DATAGRAM_UNKNOWN},  {16, 19, DATAGRAM_UNKNOWN}, // ZRTP
        {20, 63, DATAGRAM_DTLS},     {64, 79, DATAGRAM_UNKNOWN},                             // TURN channel
        {80, 127, DATAGRAM_UNKNOWN}, {128, 191, DATAGRAM_RTP},   {192, 255, DATAGRAM_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int b = rows[i].first; b <= rows[i].last; b++) {
            uint8_t d[20] = {(uint8_t)b, 111, 0, 0, 0x21, 0x12, 0xa4, 0x42};
            enum datagram_kind kind = datagram_kind(span_of(d, sizeof d));
            if (kind != rows[i].kind)
                fail_msg("first byte %d: %s expected, %s seen", b, names[rows[i].kind], names[kind]);
        }
}

// RFC 5761, section 4.
static void the_payload_type_tells_rtcp(void **state) {
    (void)state;
    for (int second = 0; second < 256; second++) {
        uint8_t d[20] = {0x80, (uint8_t)second};
        enum datagram_kind expected = second >= 192 && second <= 223 ? DATAGRAM_RTCP : DATAGRAM_RTP;
        assert_int_equal(datagram_kind(span_of(d, sizeof d)), expected);
    }
}

static void too_short_is_unknown(void **state) {
    (void)state;
    static const struct {
        uint8_t bytes[8];
        size_t shortest;
        enum datagram_kind kind;
    } rows[] = {
        {{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, 20, DATAGRAM_STUN},
        {{22}, 13, DATAGRAM_DTLS},
        {{0x80, 96}, 12, DATAGRAM_RTP},
        {{0x80, 201}, 8, DATAGRAM_RTCP},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t len = 0; len <= 24; len++) {
            uint8_t d[24] = {0};
            memcpy(d, rows[i].bytes, sizeof rows[i].bytes);
            assert_int_equal(datagram_kind(span_of(d, len)),
                             len >= rows[i].shortest ? rows[i].kind : DATAGRAM_UNKNOWN);
        }
}

static void stun_needs_its_cookie(void **state) {
    (void)state;
    uint8_t d[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x43};
    assert_int_equal(datagram_kind(span_of(d, sizeof d)), DATAGRAM_UNKNOWN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_byte_tells),
        cmocka_unit_test(the_payload_type_tells_rtcp),
        cmocka_unit_test(too_short_is_unknown),
        cmocka_unit_test(stun_needs_its_cookie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
