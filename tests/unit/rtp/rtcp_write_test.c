#include "rtp/rtcp_write.h"

#include "tests/unit/rtp/bytes_of.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static uint8_t buffer[RTCP_DATAGRAM_MAX];

static void want_bytes(const char *name, const struct writer *w, const char *hex) {
    struct span want = bytes_of(hex);
    if (w->failed || !span_equal(span_of(w->ptr, w->len), want)) {
        print_error("%s: wanted %s\n     got", name, hex);
        for (size_t i = 0; i < w->len; i++)
            print_error(" %02x", w->ptr[i]);
        fail_msg("%s differs%s", name, w->failed ? " (writer failed)" : "");
    }
    bytes_free(want);
}

static const struct rtcp_sender_info info = {UINT64_C(0xe1e2e3e4f1f2f3f4), 0x00010203, 5, 0x640};
static const struct rtcp_report report = {12, 128, -2, 0x1ffff, 7, 0x11112222, 0x10000};

static void packets_look_as_the_rfcs_draw_them(void **state) {
    (void)state;
    struct writer w = writer_of(buffer, sizeof buffer);
    rtcp_write_sr(&w, 10, &info, &report, 1);
    want_bytes("sender report", &w,
               "81c8000c 0000000a e1e2e3e4f1f2f3f4 00010203 00000005 00000640"
               "0000000c 80fffffe 0001ffff 00000007 11112222 00010000");
    w = writer_of(buffer, sizeof buffer);
    rtcp_write_sr(&w, 10, &info, NULL, 0);
    want_bytes("sender report without blocks", &w,
               "80c80006 0000000a e1e2e3e4f1f2f3f4 00010203 00000005 00000640");
    w = writer_of(buffer, sizeof buffer);
    rtcp_write_rr(&w, 10, &report, 1);
    want_bytes("receiver report", &w,
               "81c90007 0000000a 0000000c 80fffffe 0001ffff 00000007 11112222 00010000");
    w = writer_of(buffer, sizeof buffer);
    rtcp_write_rr(&w, 10, NULL, 0);
    want_bytes("empty receiver report", &w, "80c90001 0000000a");
    w = writer_of(buffer, sizeof buffer);
    memset(buffer, 0xee, sizeof buffer); // it began with the same SSRC
    rtcp_write_pli(&w, 10, 11);
    want_bytes("pli", &w, "81ce0002 0000000a 0000000b");
    w = writer_of(buffer, sizeof buffer);
    rtcp_write_fir(&w, 10, 11, 200);
    want_bytes("fir", &w, "84ce0004 0000000a 00000000 0000000b c8000000");
    static const struct rtcp_dlrr_item answers[] = {{1, 2, 3}, {4, 5, 6}};
    w = writer_of(buffer, sizeof buffer);
    rtcp_write_xr(&w, 10, UINT64_C(0x0102030405060708), NULL, 0);
    want_bytes("our time", &w, "80cf0004 0000000a 04000002 0102030405060708");
    w = writer_of(buffer, sizeof buffer);
    rtcp_write_xr(&w, 10, 0, answers, 2);
    want_bytes("answers", &w, "80cf0008 0000000a 05000006 000000010000000200000003 000000040000000500000006");
    w = writer_of(buffer, sizeof buffer);
    rtcp_write_xr(&w, 10, UINT64_C(0x0102030405060708), answers, 1);
    want_bytes("both", &w, "80cf0008 0000000a 04000002 0102030405060708 05000003 000000010000000200000003");
}

// 18 bits of mantissa, six of exponent: rounded down.
static void remb_tells_18_significant_bits(void **state) {
    (void)state;
    static const uint32_t ssrcs[] = {11, 0xfffffffe};
    static const struct {
        uint64_t bps;
        unsigned count;
        const char *hex;
    } rows[] = {
        {0, 0, "8fce0004 0000000a 00000000 52454d42 00000000"},
        {0x3ffff, 1, "8fce0005 0000000a 00000000 52454d42 0103ffff 0000000b"},
        {0x40000, 2, "8fce0006 0000000a 00000000 52454d42 02060000 0000000b fffffffe"},
        {0x40001, 0, "8fce0004 0000000a 00000000 52454d42 00060000"},
        {2561000, 0, "8fce0004 0000000a 00000000 52454d42 0012713e"},
        {UINT64_MAX, 0, "8fce0004 0000000a 00000000 52454d42 00bbffff"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct writer w = writer_of(buffer, sizeof buffer);
        rtcp_write_remb(&w, 10, rows[i].bps, ssrcs, rows[i].count);
        want_bytes("remb", &w, rows[i].hex);
    }
}

// The list of items ends with one to four zeros.
static void cname_is_padded_to_a_word(void **state) {
    (void)state;
    static const struct {
        const char *cname, *hex;
    } rows[] = {
        {"", "81ca0002 0000000a 01000000"},
        {"a", "81ca0002 0000000a 01016100"},
        {"ab", "81ca0003 0000000a 01026162 00000000"},
        {"abc", "81ca0003 0000000a 01036162 63000000"},
        {"abcde", "81ca0003 0000000a 01056162 63646500"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct writer w = writer_of(buffer, sizeof buffer);
        rtcp_write_sdes_cname(&w, 10, rows[i].cname);
        want_bytes(rows[i].cname, &w, rows[i].hex);
    }
    char name[257];
    memset(name, 'x', sizeof name);
    name[255] = 0;
    struct writer w = writer_of(buffer, sizeof buffer);
    rtcp_write_sdes_cname(&w, 10, name);
    assert_false(w.failed);
    name[255] = 'x';
    name[256] = 0;
    w = writer_of(buffer, sizeof buffer);
    rtcp_write_sdes_cname(&w, 10, name);
    assert_true(w.failed && w.len == 0);
}

static void lost_packets_are_clamped_to_24_bits(void **state) {
    (void)state;
    static const int32_t lost[][2] = {{0, 0},
                                      {-1, -1},
                                      {8388607, 8388607},
                                      {8388608, 8388607},
                                      {INT32_MAX, 8388607},
                                      {-8388608, -8388608},
                                      {-8388609, -8388608},
                                      {INT32_MIN, -8388608}};
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
        struct writer w = writer_of(buffer, sizeof buffer);
        struct rtcp_report out = {.cumulative_lost = lost[i][0]}, back;
        rtcp_write_rr(&w, 1, &out, 1);
        struct reader r = reader_of(span_of(buffer + 8, 24));
        assert_true(rtcp_report_next(&r, &back));
        assert_int_equal(back.cumulative_lost, lost[i][1]);
    }
}

static void nacks_are_packed(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint16_t seqs[8];
        unsigned count;
        const char *hex; // behind the two SSRCs
    } rows[] = {
        {"one", {5}, 1, "0005 0000"},
        {"neighbours", {5, 6, 7}, 3, "0005 0003"},
        {"the last that fits an item", {5, 21}, 2, "0005 8000"},
        {"the first that does not", {5, 22}, 2, "0005 0000 0016 0000"},
        {"across the wrap", {0xffff, 0, 15, 16}, 4, "ffff 8001 0010 0000"},
        {"twice the same", {5, 5, 6}, 3, "0005 0001"},
        {"out of order", {6, 5}, 2, "0006 0000 0005 0000"},
        {"far apart", {1, 0x4000, 0x8001}, 3, "0001 0000 4000 0000 8001 0000"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct writer w = writer_of(buffer, sizeof buffer);
        assert_int_equal(rtcp_write_nack(&w, 10, 11, rows[i].seqs, rows[i].count), rows[i].count);
        struct span items = bytes_of(rows[i].hex);
        char hex[128];
        snprintf(hex, sizeof hex, "81cd%04zx 0000000a 0000000b %s", 2 + items.len / 4, rows[i].hex);
        want_bytes(rows[i].name, &w, hex);
        bytes_free(items);
    }
}

static void a_nack_takes_what_fits(void **state) {
    (void)state;
    static const uint16_t near[] = {1, 100, 101, 102, 103}, twice[] = {5, 5, 6};
    struct writer of_two = writer_of(buffer, sizeof buffer);
    memset(buffer, 0xee, sizeof buffer);
    assert_int_equal(rtcp_write_nack(&of_two, 1, 2, near, 2), 2); // and does not look at those behind
    want_bytes("two of five", &of_two, "81cd0004 00000001 00000002 00010000 00640000");
    struct writer of_three = writer_of(buffer, sizeof buffer);
    assert_int_equal(rtcp_write_nack(&of_three, 1, 2, twice, 3), 3);
    want_bytes("one of them twice", &of_three, "81cd0003 00000001 00000002 00050001");
    // What is in the writer already takes of its room.
    struct writer behind = writer_of(buffer, 24);
    write_u32(&behind, 0);
    assert_int_equal(rtcp_write_nack(&behind, 1, 2, near, 2), 2);
    assert_true(behind.len == 24 && !behind.failed);
    behind = writer_of(buffer, 23);
    write_u32(&behind, 0);
    assert_int_equal(rtcp_write_nack(&behind, 1, 2, near, 2), 1);
    assert_true(behind.len == 20 && !behind.failed);
    static const uint16_t far[] = {0, 100, 200, 300};
    static const struct {
        size_t room;
        unsigned fitted;
        bool failed;
    } rows[] = {{0, 0, true},   {12, 0, true},  {15, 0, true}, {16, 1, false},
                {23, 2, false}, {28, 4, false}, {99, 4, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t *room = malloc(rows[i].room ? rows[i].room : 1);
        struct writer w = writer_of(room, rows[i].room);
        assert_int_equal(rtcp_write_nack(&w, 1, 2, far, 4), rows[i].fitted);
        assert_int_equal(w.failed, rows[i].failed);
        assert_int_equal(w.len, rows[i].fitted ? 12 + 4 * rows[i].fitted : 0);
        free(room);
    }
    struct writer w = writer_of(buffer, sizeof buffer);
    assert_int_equal(rtcp_write_nack(&w, 1, 2, far, 0), 0);
    assert_true(w.len == 0 && !w.failed);
}

// The length has 16 bits: in words less one, which is two SSRCs and so many items.
static void a_nack_is_never_longer_than_its_length_says(void **state) {
    (void)state;
    enum { ITEMS = UINT16_MAX - 2, SEQS = ITEMS + 10 };
    uint16_t *seqs = malloc(SEQS * sizeof *seqs);
    size_t room = 12 + 4 * (size_t)SEQS;
    uint8_t *bytes = malloc(room);
    for (unsigned i = 0; i < SEQS; i++)
        seqs[i] = (uint16_t)(i * 100);
    struct writer w = writer_of(bytes, room);
    assert_int_equal(rtcp_write_nack(&w, 1, 2, seqs, SEQS), ITEMS);
    assert_int_equal(w.len, 12 + 4 * (size_t)ITEMS);
    assert_int_equal(load_be16(bytes + 2), UINT16_MAX);
    free(bytes);
    free(seqs);
}

static void write_kind(struct writer *w, unsigned kind) {
    static const uint16_t seq = 7;
    switch (kind) {
    case 0:
        rtcp_write_sr(w, 10, &info, &report, 1);
        break;
    case 1:
        rtcp_write_rr(w, 10, &report, 1);
        break;
    case 2:
        rtcp_write_sdes_cname(w, 10, "someone");
        break;
    case 3:
        rtcp_write_pli(w, 10, 11);
        break;
    case 4:
        rtcp_write_fir(w, 10, 11, 1);
        break;
    case 5:
        rtcp_write_xr(w, 10, 1, &(struct rtcp_dlrr_item){1, 2, 3}, 1);
        break;
    default:
        rtcp_write_nack(w, 10, 11, &seq, 1);
        break;
    }
}

// In a buffer that is too small nothing is written, and what stood before stays readable.
static void half_a_packet_is_never_written(void **state) {
    (void)state;
    for (unsigned kind = 0; kind < 7; kind++) {
        struct writer whole = writer_of(buffer, sizeof buffer);
        write_kind(&whole, kind);
        assert_true(whole.len > 0 && !whole.failed);
        for (size_t room = 0; room <= whole.len; room++) {
            uint8_t *exact = malloc(8 + room);
            struct writer w = writer_of(exact, 8 + room);
            rtcp_write_rr(&w, 9, NULL, 0);
            write_kind(&w, kind);
            assert_int_equal(w.failed, room < whole.len);
            assert_int_equal(w.len, room < whole.len ? 8 : 8 + whole.len);
            free(exact);
        }
    }
}

static void a_full_report_reads_back(void **state) {
    (void)state;
    struct rtcp_report reports[RTCP_REPORTS_MAX];
    for (uint32_t i = 0; i < RTCP_REPORTS_MAX; i++)
        reports[i] = (struct rtcp_report){i, (uint8_t)i, -(int32_t)i, i * 3, i * 5, i * 7, i * 11};
    struct writer w = writer_of(buffer, sizeof buffer);
    rtcp_write_sr(&w, 10, &info, reports, RTCP_REPORTS_MAX);
    assert_false(w.failed);
    struct rtcp_walk walk = rtcp_walk_of(span_of(w.ptr, w.len));
    struct rtcp_packet p;
    assert_true(rtcp_walk_next(&walk, &p));
    struct reader r = reader_of(p.body);
    struct rtcp_report back;
    uint32_t n = 0;
    for (; rtcp_report_next(&r, &back); n++) {
        assert_int_equal(back.ssrc, n);
        assert_int_equal(back.fraction_lost, n);
        assert_int_equal(back.cumulative_lost, -(int32_t)n);
        assert_int_equal(back.highest_seq, n * 3);
        assert_int_equal(back.jitter, n * 5);
        assert_int_equal(back.last_sr, n * 7);
        assert_int_equal(back.delay_since_sr, n * 11);
    }
    assert_int_equal(n, RTCP_REPORTS_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_look_as_the_rfcs_draw_them),
        cmocka_unit_test(remb_tells_18_significant_bits),
        cmocka_unit_test(cname_is_padded_to_a_word),
        cmocka_unit_test(lost_packets_are_clamped_to_24_bits),
        cmocka_unit_test(nacks_are_packed),
        cmocka_unit_test(a_nack_takes_what_fits),
        cmocka_unit_test(a_nack_is_never_longer_than_its_length_says),
        cmocka_unit_test(half_a_packet_is_never_written),
        cmocka_unit_test(a_full_report_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
