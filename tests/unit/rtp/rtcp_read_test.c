#include "rtp/rtcp_read.h"

#include "tests/unit/rtp/bytes_of.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#define PACKETS_MAX 8

#define SSRC_A "0000000a"
#define SSRC_B "0000000b"
#define INFO "e1e2e3e4f1f2f3f4 00010203 00000005 00000640" // ntp, timestamp, packets, octets
#define BLOCK "0000000c 80fffffe 0001ffff 00000007 11112222 00010000"
#define SR0 "80c80006" SSRC_A INFO
#define RR0 "80c90001" SSRC_A
#define RR1 "81c90007" SSRC_A BLOCK
#define PLI "81ce0002" SSRC_A SSRC_B
#define APP "80cc0003" SSRC_A "6e616d65 00000000"
#define SDES "81ca0003" SSRC_A "0104 61626364 0000"

struct row {
    const char *name;
    const char *hex;
    bool malformed;
    struct {
        enum rtcp_kind kind;
        size_t body;
    } want[PACKETS_MAX]; // ends with body NONE
};
#define END {RTCP_OTHER, SIZE_MAX}

static const struct row rows[] = {
    {"nothing", "", false, {END}},
    {"sender report", SR0, false, {{RTCP_SENDER_REPORT, 0}, END}},
    {"sender report with a block", "81c8000c" SSRC_A INFO BLOCK, false, {{RTCP_SENDER_REPORT, 24}, END}},
    {"sender report cut", "80c80005" SSRC_A "e1e2e3e4f1f2f3f4 00010203 00000005", true, {END}},
    {"sender report that counts more than it has", "82c8000c" SSRC_A INFO BLOCK, true, {END}},
    {"report blocks do not reach into the next packet", "81c80006" SSRC_A INFO RR1, true, {END}},
    {"profile-specific extension behind the blocks",
     "81c90009" SSRC_A BLOCK "deadbeefdeadbeef" PLI,
     false,
     {{RTCP_RECEIVER_REPORT, 24}, {RTCP_PLI, 0}, END}},
    {"receiver report", RR1, false, {{RTCP_RECEIVER_REPORT, 24}, END}},
    {"thirty-one counted, one there", "9fc90007" SSRC_A BLOCK, true, {END}},
    {"report without a sender", "80c90000", true, {END}},
    {"compound", SR0 SDES PLI, false, {{RTCP_SENDER_REPORT, 0}, {RTCP_OTHER, 0}, {RTCP_PLI, 0}, END}},
    {"an APP first does not hide the reports",
     APP RR1,
     false,
     {{RTCP_OTHER, 0}, {RTCP_RECEIVER_REPORT, 24}, END}},
    {"types nobody knows",
     "80c00000 80ff0001 01020304" RR0,
     false,
     {{RTCP_OTHER, 0}, {RTCP_OTHER, 0}, {RTCP_RECEIVER_REPORT, 0}, END}},
    {"reduced-size feedback alone", PLI, false, {{RTCP_PLI, 0}, END}},
    {"what came before a lie stands", RR0 "80c9ffff" SSRC_A, true, {{RTCP_RECEIVER_REPORT, 0}, END}},
    {"a tail shorter than a head", RR0 "80c9", true, {{RTCP_RECEIVER_REPORT, 0}, END}},
    {"version 1", RR0 "40c90001" SSRC_A, true, {{RTCP_RECEIVER_REPORT, 0}, END}},
    {"padding", "a1ce0003" SSRC_A SSRC_B "00000004", false, {{RTCP_PLI, 0}, END}},
    {"padding of eight bytes behind two items",
     "a1cd0006" SSRC_A SSRC_B "00010000 00020000 00000000 00000008",
     false,
     {{RTCP_NACK, 8}, END}},
    {"padding of none", "a1ce0003" SSRC_A SSRC_B "00000000", true, {END}},
    {"padding of two bytes, as browsers send behind transport-wide feedback",
     "afcd0006" SSRC_A SSRC_B "00070004 00edc603 20043100 c3000002",
     false,
     {{RTCP_TRANSPORT_CC, 14}, END}},
    {"padding that eats the sender", "a1ce0003" SSRC_A SSRC_B "0000000c", true, {END}},
    {"padding longer than the packet", "a1ce0003" SSRC_A SSRC_B "000000f0", true, {END}},
    {"padding of an empty packet", "a0c90000", true, {END}},
    {"bye", "81cb0001" SSRC_A, false, {{RTCP_BYE, 0}, END}},
    {"bye of three with a reason",
     "83cb0005" SSRC_A SSRC_B "0000000c 03627965 00000000",
     false,
     {{RTCP_BYE, 8}, END}},
    {"bye of nobody", "80cb0000" PLI, false, {{RTCP_OTHER, 0}, {RTCP_PLI, 0}, END}},
    {"bye that counts more than it has", "82cb0001" SSRC_A, true, {END}},
    {"nack", "81cd0004" SSRC_A SSRC_B "00010000 fffe8001", false, {{RTCP_NACK, 8}, END}},
    {"nack of nothing", "81cd0002" SSRC_A SSRC_B, false, {{RTCP_NACK, 0}, END}},
    {"feedback without a media source", "81cd0001" SSRC_A, true, {END}},
    {"fir", "84ce0004" SSRC_A "00000000" SSRC_B "07000000", false, {{RTCP_FIR, 8}, END}},
    {"fir with half an entry",
     "84ce0005" SSRC_A "00000000" SSRC_B "07000000 0000000c",
     false,
     {{RTCP_FIR, 8}, END}},
    {"transport-cc",
     "8fcd0005" SSRC_A SSRC_B "00010001 00000100 20010000",
     false,
     {{RTCP_TRANSPORT_CC, 12}, END}},
    {"goog-remb", "8fce0005" SSRC_A "00000000 52454d42 01000000" SSRC_B, false, {{RTCP_REMB, 4}, END}},
    {"another application's word",
     "8fce0005" SSRC_A "00000000 52454d43 01000000" SSRC_B,
     false,
     {{RTCP_OTHER, 8}, END}},
    {"an application that says little", "8fce0002" SSRC_A "00000000", false, {{RTCP_OTHER, 0}, END}},
    {"goog-remb without a rate", "8fce0003" SSRC_A "00000000 52454d42", true, {END}},
    {"ccfb", "8bcd0004" SSRC_A SSRC_B "00010001 80000000", false, {{RTCP_CCFB, 12}, END}},
    {"xr", "80cf0004" SSRC_A "04000002 0102030405060708", false, {{RTCP_XR, 12}, END}},
    {"xr of two blocks", "80cf0005" SSRC_A "04000002 0102030405060708 05000000", false, {{RTCP_XR, 16}, END}},
    {"xr whose block lies", "80cf0004" SSRC_A "04000003 0102030405060708", true, {END}},
};

static void check_row(const struct row *row) {
    struct span bytes = bytes_of(row->hex);
    struct rtcp_walk walk = rtcp_walk_of(bytes);
    struct rtcp_packet p;
    unsigned n = 0;
    for (; rtcp_walk_next(&walk, &p); n++) {
        if (row->want[n].body == SIZE_MAX)
            fail_msg("%s: packet %u: wanted the end, got kind %d", row->name, n, p.kind);
        if (p.kind != row->want[n].kind || p.body.len != row->want[n].body)
            fail_msg("%s: packet %u: wanted kind %d with %zu bytes, got %d with %zu", row->name, n,
                     row->want[n].kind, row->want[n].body, p.kind, p.body.len);
    }
    if (row->want[n].body != SIZE_MAX)
        fail_msg("%s: wanted kind %d, got the end after %u", row->name, row->want[n].kind, n);
    if (walk.malformed != row->malformed)
        fail_msg("%s: wanted malformed %d, got %d", row->name, row->malformed, walk.malformed);
    assert_false(rtcp_walk_next(&walk, &p)); // the end stays the end
    bytes_free(bytes);
}

static void datagrams_are_walked(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_row(&rows[i]);
}

static void read_all_entries(const struct rtcp_packet *p) {
    struct rtcp_report report;
    struct rtcp_nack_item nack;
    struct rtcp_fir_entry fir;
    struct reader r = reader_of(p->body);
    while (rtcp_report_next(&r, &report))
        ;
    r = reader_of(p->body);
    while (rtcp_nack_next(&r, &nack))
        ;
    r = reader_of(p->body);
    while (rtcp_fir_next(&r, &fir))
        ;
}

static void prefixes_are_safe(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span whole = bytes_of(rows[i].hex);
        for (size_t n = 0; n < whole.len; n++) {
            struct span cut = bytes_copy(whole.ptr, n);
            struct rtcp_walk walk = rtcp_walk_of(cut);
            struct rtcp_packet p;
            while (rtcp_walk_next(&walk, &p))
                read_all_entries(&p);
            if (n % 4 != 0)
                assert_true(walk.malformed);
            bytes_free(cut);
        }
        bytes_free(whole);
    }
}

static struct rtcp_packet only_packet(struct span bytes) {
    struct rtcp_walk walk = rtcp_walk_of(bytes);
    struct rtcp_packet p;
    assert_true(rtcp_walk_next(&walk, &p));
    return p;
}

static void sender_reports_are_read(void **state) {
    (void)state;
    struct span bytes = bytes_of("81c8000c" SSRC_A INFO BLOCK);
    struct rtcp_packet p = only_packet(bytes);
    assert_int_equal(p.sender_ssrc, 10);
    assert_true(p.ntp == UINT64_C(0xe1e2e3e4f1f2f3f4));
    assert_int_equal(p.rtp_timestamp, 0x00010203);
    assert_int_equal(p.packet_count, 5);
    assert_int_equal(p.octet_count, 0x640);
    struct reader r = reader_of(p.body);
    struct rtcp_report report;
    assert_true(rtcp_report_next(&r, &report));
    assert_int_equal(report.ssrc, 12);
    assert_int_equal(report.fraction_lost, 128);
    assert_int_equal(report.cumulative_lost, -2);
    assert_int_equal(report.highest_seq, 0x1ffff);
    assert_int_equal(report.jitter, 7);
    assert_int_equal(report.last_sr, 0x11112222);
    assert_int_equal(report.delay_since_sr, 0x10000);
    assert_false(rtcp_report_next(&r, &report));
    bytes_free(bytes);
}

static void lost_packets_are_signed(void **state) {
    (void)state;
    static const struct {
        const char *hex;
        int32_t lost;
    } lost[] = {{"000000", 0}, {"000001", 1}, {"7fffff", 8388607}, {"800000", -8388608}, {"ffffff", -1}};
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
        char hex[64];
        snprintf(hex, sizeof hex, "0000000c00%s%032d", lost[i].hex, 0);
        struct span bytes = bytes_of(hex);
        struct reader r = reader_of(bytes);
        struct rtcp_report report;
        assert_true(rtcp_report_next(&r, &report));
        assert_int_equal(report.cumulative_lost, lost[i].lost);
        bytes_free(bytes);
    }
}

static void feedback_entries_are_read(void **state) {
    (void)state;
    struct span bytes = bytes_of("81cd0004" SSRC_A SSRC_B "00010000 fffe8001");
    struct rtcp_packet p = only_packet(bytes);
    assert_int_equal(p.sender_ssrc, 10);
    assert_int_equal(p.media_ssrc, 11);
    struct reader r = reader_of(p.body);
    struct rtcp_nack_item item;
    assert_true(rtcp_nack_next(&r, &item));
    assert_true(item.seq == 1 && item.bitmask == 0);
    assert_true(rtcp_nack_next(&r, &item));
    assert_true(item.seq == 0xfffe && item.bitmask == 0x8001);
    assert_false(rtcp_nack_next(&r, &item));
    bytes_free(bytes);

    bytes = bytes_of("84ce0006" SSRC_A "00000000" SSRC_B "07ffffff 0000000c 08000000");
    p = only_packet(bytes);
    r = reader_of(p.body);
    struct rtcp_fir_entry fir;
    assert_true(rtcp_fir_next(&r, &fir));
    assert_true(fir.ssrc == 11 && fir.command_seq == 7);
    assert_true(rtcp_fir_next(&r, &fir));
    assert_true(fir.ssrc == 12 && fir.command_seq == 8);
    assert_false(rtcp_fir_next(&r, &fir));
    bytes_free(bytes);
}

// Half an entry at the end is no entry.
static void partial_entries_end_the_reading(void **state) {
    (void)state;
    for (size_t n = 0; n < 24; n++) {
        struct span bytes = bytes_of("010203040506070801020304050607080102030405060708");
        struct span cut = bytes_copy(bytes.ptr, n);
        struct reader r = reader_of(cut);
        struct rtcp_report report;
        struct rtcp_nack_item item;
        struct rtcp_fir_entry fir;
        assert_false(rtcp_report_next(&r, &report));
        r = reader_of(cut);
        size_t items = 0;
        while (rtcp_nack_next(&r, &item))
            items++;
        assert_int_equal(items, n / 4);
        r = reader_of(cut);
        for (items = 0; rtcp_fir_next(&r, &fir);)
            items++;
        assert_int_equal(items, n / 8);
        bytes_free(cut);
        bytes_free(bytes);
    }
}

static void round_trips(void **state) {
    (void)state;
    // RFC 3550, 6.4.1, figure 2: A = 0xb710:8000 0000 (46864.500 s), LSR 0xb705:2000, DLSR 0x0005:4000 gives
    // 6.125 s.
    static const struct {
        const char *name;
        uint32_t last_sr, delay;
        uint64_t now_ntp;
        uint32_t want_us;
    } trips[] = {
        {"the RFC's example", 0xb7052000, 0x00054000, UINT64_C(0x0000b71080000000), 6125000},
        {"no sender report seen", 0, 0, UINT64_C(0x0000b71080000000), 0},
        {"at once", 0xb7052000, 0, UINT64_C(0x0000b70520000000), 1},
        {"half a second across the wrap", 0xffffc000, 0, UINT64_C(0x0000000040000000), 500000},
        {"negative", 0xb7052000, 0x00000002, UINT64_C(0x0000b70520010000), 0},
        {"a delay that lies", 0xb7052000, 0xffffffff, UINT64_C(0x0000b70520000000), 15},
        {"thirty seconds", 0xb7050000, 0, UINT64_C(0x0000b72300000000), 30000000},
        {"beyond belief", 0xb7050000, 0, UINT64_C(0x0000b72300010000), 0},
    };
    for (size_t i = 0; i < sizeof trips / sizeof *trips; i++) {
        struct rtcp_report report = {.last_sr = trips[i].last_sr, .delay_since_sr = trips[i].delay};
        uint32_t got = rtcp_round_trip_us(&report, trips[i].now_ntp);
        if (got != trips[i].want_us)
            fail_msg("%s: wanted %u us, got %u", trips[i].name, trips[i].want_us, got);
    }
}

// RFC 3611, 4.4 and 4.5: what is of another kind, or not as long as its kind, is passed over.
static void extended_reports_are_read(void **state) {
    (void)state;
    static const struct {
        const char *name, *hex;
        const char *want; // R: a time, 0..9: an answer of so many items
    } texts[] = {
        {"a time", "04000002 0102030405060708", "R"},
        {"two answers", "05000006 000000010000000200000003 000000040000000500000006", "2"},
        {"answers to nobody", "05000000", "0"},
        {"both, behind a kind that nobody knows",
         "2a000001 11223344 04000002 0102030405060708"
         "05000003 000000010000000200000003",
         "R1"},
        {"a time that is too short", "04000001 01020304 05000000", "0"},
        {"a time that is too long", "04000003 010203040506070801020304", ""},
        {"half an answer", "05000002 0000000100000002 04000002 0102030405060708", "R"},
        {"a length that lies", "04000003 0102030405060708", ""},
        {"a head cut off", "0400", ""},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct span bytes = bytes_of(texts[i].hex);
        struct reader body = reader_of(bytes);
        char got[16] = "";
        size_t n = 0;
        for (struct rtcp_xr_block block; n < sizeof got - 1 && rtcp_xr_next(&body, &block);) {
            unsigned items = 0;
            struct reader list = reader_of(block.items);
            for (struct rtcp_dlrr_item item; rtcp_dlrr_next(&list, &item); items++)
                assert_true(item.ssrc == 1 + 3 * items && item.last_rr == 2 + 3 * items &&
                            item.delay_since_rr == 3 + 3 * items);
            assert_true(block.is_dlrr || block.ntp == UINT64_C(0x0102030405060708));
            got[n++] = block.is_dlrr ? (char)('0' + items) : 'R';
        }
        if (strcmp(got, texts[i].want) != 0)
            fail_msg("%s: %s", texts[i].name, got);
        bytes_free(bytes);
    }
}

// draft-alvestrand-rmcat-remb-03, 2.2: mantissa times two to the exponent.
static void remb_tells_a_rate(void **state) {
    (void)state;
    static const struct {
        const char *count_and_rate;
        uint64_t bps;
    } cases[] = {{"01000000", 0},
                 {"01003039", 12345},
                 {"0103ffff", 262143},
                 {"01040001", 2},
                 {"010bffff", 1048572},
                 {"01fc0000", 0},
                 {"01bbffff", UINT64_C(262143) << 46},
                 {"01ffffff", UINT64_MAX}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char hex[128];
        snprintf(hex, sizeof hex, "8fce0004" SSRC_A "00000000 52454d42 %s", cases[i].count_and_rate);
        struct span bytes = bytes_of(hex);
        struct rtcp_walk walk = rtcp_walk_of(bytes);
        struct rtcp_packet p;
        assert_true(rtcp_walk_next(&walk, &p));
        assert_int_equal(p.kind, RTCP_REMB);
        assert_int_equal(p.remb_bps, cases[i].bps);
        bytes_free(bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_are_walked),
        cmocka_unit_test(remb_tells_a_rate),
        cmocka_unit_test(prefixes_are_safe),
        cmocka_unit_test(sender_reports_are_read),
        cmocka_unit_test(lost_packets_are_signed),
        cmocka_unit_test(feedback_entries_are_read),
        cmocka_unit_test(partial_entries_end_the_reading),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(extended_reports_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
