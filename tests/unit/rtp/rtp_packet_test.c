#include "rtp/rtp_packet.h"

#include "tests/unit/rtp/bytes_of.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

struct row {
    const char *name;
    const char *hex;
    enum err want;
    uint16_t header_len, payload_len, ext_len;
    uint8_t padding;
};

#define FIXED " 1234 00000100 cafebabe " // seq, timestamp, ssrc

static const struct row rows[] = {
    {"plain header and payload", "80e0" FIXED "aabb", ERR_OK, 12, 2, 0, 0},
    {"no payload at all", "8060" FIXED, ERR_OK, 12, 0, 0, 0},
    {"one byte short of a header", "8060 1234 00000100 cafeba", ERR_MALFORMED, 0, 0, 0, 0},
    {"nothing", "", ERR_MALFORMED, 0, 0, 0, 0},
    {"version 1", "4060" FIXED "aa", ERR_MALFORMED, 0, 0, 0, 0},
    {"version 3", "c060" FIXED "aa", ERR_MALFORMED, 0, 0, 0, 0},
    {"two contributing sources", "8260" FIXED "00000001 00000002 aa", ERR_OK, 20, 1, 0, 0},
    {"fifteen announced, one there", "8f60" FIXED "00000001", ERR_MALFORMED, 0, 0, 0, 0},
    {"one-byte extensions", "9060" FIXED "bede 0001 10aa 0000 bb", ERR_OK, 20, 1, 4, 0},
    {"an empty extension block", "9060" FIXED "bede 0000 bb", ERR_OK, 16, 1, 0, 0},
    {"extension head cut", "9060" FIXED "bede 00", ERR_MALFORMED, 0, 0, 0, 0},
    {"extension length lies", "9060" FIXED "bede 0002 10aa0000", ERR_MALFORMED, 0, 0, 0, 0},
    {"extension length lies at most", "9060" FIXED "bede ffff 10aa0000", ERR_MALFORMED, 0, 0, 0, 0},
    {"sources and extensions", "9160" FIXED "00000001 1000 0001 0102ccdd 99", ERR_OK, 24, 1, 4, 0},
    {"padding of three", "a060" FIXED "aabb 000003", ERR_OK, 12, 2, 0, 3},
    {"nothing but padding", "a060" FIXED "00000004", ERR_OK, 12, 0, 0, 4},
    {"padding of nothing", "a060" FIXED "aabb00", ERR_MALFORMED, 0, 0, 0, 0},
    {"padding longer than the payload", "a060" FIXED "aabb04", ERR_MALFORMED, 0, 0, 0, 0},
    {"padding without a byte", "a060" FIXED, ERR_MALFORMED, 0, 0, 0, 0},
    {"padding does not reach the header", "b060" FIXED "bede 0001 10aa0000 0006", ERR_MALFORMED, 0, 0, 0, 0},
};

static void packets_are_read(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct span bytes = bytes_of(row->hex);
        struct rtp_packet p;
        enum err got = rtp_parse(bytes, &p);
        if (got != row->want)
            fail_msg("%s: wanted \"%s\", got \"%s\"", row->name, err_name(row->want), err_name(got));
        if (got == ERR_OK && (p.header_len != row->header_len || p.payload.len != row->payload_len ||
                              p.extensions.len != row->ext_len || p.padding != row->padding))
            fail_msg("%s: wanted header %u payload %u extensions %u padding %u, got %u %zu %zu %u", row->name,
                     row->header_len, row->payload_len, row->ext_len, row->padding, p.header_len,
                     p.payload.len, p.extensions.len, p.padding);
        if (got == ERR_OK)
            assert_ptr_equal(p.payload.ptr, bytes.ptr + p.header_len);
        bytes_free(bytes);
    }
}

static void fields_are_read(void **state) {
    (void)state;
    struct span bytes = bytes_of("90e1 fffe 80000001 cafebabe bede 0001 10aa0000 77");
    struct rtp_packet p;
    assert_int_equal(rtp_parse(bytes, &p), ERR_OK);
    assert_true(p.marker);
    assert_int_equal(p.payload_type, 0x61);
    assert_int_equal(p.seq, 0xfffe);
    assert_int_equal(p.timestamp, 0x80000001);
    assert_int_equal(p.ssrc, 0xcafebabe);
    assert_int_equal(p.ext_profile, 0xbede);
    assert_int_equal(p.payload.ptr[0], 0x77);
    bytes_free(bytes);
}

// Each prefix of a valid packet is read or refused without a look past its end.
static void prefixes_are_safe(void **state) {
    (void)state;
    struct span whole = bytes_of("b260" FIXED "00000001 00000002 bede 0002 10aa 22bbccdd 0000 aabb000003");
    for (size_t n = 0; n <= whole.len; n++) {
        struct span cut = bytes_copy(whole.ptr, n);
        struct rtp_packet p;
        if (rtp_parse(cut, &p) == ERR_OK)
            assert_true(p.header_len + p.payload.len + p.padding == n);
        bytes_free(cut);
    }
    bytes_free(whole);
}

static void longer_than_a_datagram_is_refused(void **state) {
    (void)state;
    uint8_t *bytes = calloc(1, 65536);
    bytes[0] = 0x80;
    struct rtp_packet p;
    assert_int_equal(rtp_parse(span_of(bytes, 65536), &p), ERR_MALFORMED);
    assert_int_equal(rtp_parse(span_of(bytes, 65535), &p), ERR_OK);
    free(bytes);
}

static void rtx_is_unwrapped(void **state) {
    (void)state;
    static const struct {
        const char *payload;
        enum err want;
        uint16_t seq;
        size_t left;
    } rtx[] = {
        {"", ERR_MALFORMED, 0, 0},
        {"12", ERR_MALFORMED, 0, 0},
        {"1234", ERR_OK, 0x1234, 0},
        {"ffff aabbcc", ERR_OK, 0xffff, 3},
    };
    for (size_t i = 0; i < sizeof rtx / sizeof *rtx; i++) {
        struct span bytes = bytes_of(rtx[i].payload);
        struct rtp_packet p = {.payload = bytes};
        uint16_t seq = 0;
        struct span payload = {0};
        assert_int_equal(rtp_unwrap_rtx(&p, &seq, &payload), rtx[i].want);
        assert_int_equal(seq, rtx[i].seq);
        assert_int_equal(payload.len, rtx[i].left);
        if (rtx[i].want == ERR_OK)
            assert_ptr_equal(payload.ptr, bytes.ptr + 2);
        bytes_free(bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_read),  cmocka_unit_test(fields_are_read),
        cmocka_unit_test(prefixes_are_safe), cmocka_unit_test(longer_than_a_datagram_is_refused),
        cmocka_unit_test(rtx_is_unwrapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
