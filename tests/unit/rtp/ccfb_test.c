#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "rtp/ccfb.h"
#include "rtp/rtcp_write.h"

#include <string.h>

#define MS 1000u
#define NTP UINT64_C(0x1234567890abcdef)
#define START_US (1000 * US_PER_SECOND)

enum { UNTOLD = -1, LOST = -2 };

// What feedback tells of up to three streams, read by the words of RFC 8888, section 3.1. Offsets in 1/1024
// s.
struct told {
    int32_t of[3][65536];
    unsigned packets, blocks;
};

static struct told told;

static void told_clear(void) {
    for (unsigned s = 0; s < 3; s++)
        for (unsigned i = 0; i < 65536; i++)
            told.of[s][i] = UNTOLD;
    told.packets = told.blocks = 0;
}

// SSRCs are 100, 101 and 102.
static void told_add(struct span datagram) {
    struct reader r = reader_of(span_of(datagram.ptr, datagram.len - 4));
    assert_int_equal(read_u8(&r), 0x8b);
    assert_int_equal(read_u8(&r), 205);
    assert_int_equal((read_u16(&r) + 1) * 4, datagram.len);
    assert_int_equal(read_u32(&r), 11);
    bool seen[3] = {false};
    while (r.left > 0) {
        uint32_t stream = read_u32(&r) - 100;
        assert_in_range(stream, 0, 2);
        assert_false(seen[stream]); // a block for each
        seen[stream] = true;
        uint16_t begin = read_u16(&r), count = read_u16(&r);
        assert_in_range(count, 1, 16384);
        for (uint16_t i = 0; i < count; i++) {
            uint16_t metric = read_u16(&r), seq = (uint16_t)(begin + i);
            assert_int_equal(metric & 0x6000, 0); // ECN is not looked at
            int32_t *of = &told.of[stream][seq];
            assert_true(*of < 0); // nothing that came is told a second time, or lost
            *of = metric & 0x8000 ? metric & 0x1fff : LOST;
        }
        if (count % 2)
            assert_int_equal(read_u16(&r), 0);
        assert_false(r.failed);
        told.blocks++;
    }
    assert_int_equal(load_be32(datagram.ptr + datagram.len - 4), (uint32_t)(NTP >> 16));
    told.packets++;
}

static void report(struct ccfb_recorder *r, uint64_t now_us) {
    for (;;) {
        uint8_t bytes[RTCP_DATAGRAM_MAX];
        struct writer w = writer_of(bytes, sizeof bytes);
        if (!ccfb_recorder_write(r, &w, 11, NTP, now_us))
            break;
        told_add(span_of(bytes, w.len));
    }
}

static int setup(void **state) {
    told_clear();
    *state = ccfb_recorder_create();
    return *state ? 0 : -1;
}

static int teardown(void **state) {
    ccfb_recorder_destroy(*state);
    return 0;
}

static void tells_when_each_came_and_what_did_not(void **state) {
    struct ccfb_recorder *r = *state;
    assert_int_equal(ccfb_recorder_next_us(r), TIME_NEVER);
    ccfb_recorder_add(r, 100, 65534, START_US);
    ccfb_recorder_add(r, 101, 7, START_US + 10 * MS);
    ccfb_recorder_add(r, 100, 1, START_US + 20 * MS);
    assert_int_equal(ccfb_recorder_next_us(r), START_US + FEEDBACK_INTERVAL_US);
    report(r, START_US + 50 * MS);
    assert_int_equal(told.packets, 1);
    assert_int_equal(told.of[0][65534], 51); // 50 ms in 1/1024 s
    assert_int_equal(told.of[0][65535], LOST);
    assert_int_equal(told.of[0][0], LOST);
    assert_int_equal(told.of[0][1], 30);
    assert_int_equal(told.of[1][7], 40);
    assert_int_equal(told.of[1][6], UNTOLD);
    assert_int_equal(told.of[1][8], UNTOLD);
    assert_int_equal(ccfb_recorder_next_us(r), TIME_NEVER);
    assert_true(ccfb_recorder_loss(r) > 0.39f && ccfb_recorder_loss(r) < 0.41f);
}

static void a_gap_between_two_reports_is_told(void **state) {
    struct ccfb_recorder *r = *state;
    ccfb_recorder_add(r, 100, 10, START_US);
    report(r, START_US + 50 * MS);
    ccfb_recorder_add(r, 100, 13, START_US + 60 * MS);
    report(r, START_US + 110 * MS);
    assert_int_equal(told.of[0][11], LOST);
    assert_int_equal(told.of[0][12], LOST);
    assert_int_equal(told.of[0][13], 51);
}

// It was told as lost; what came beside it is not said to be lost now.
static void what_comes_late_is_told_alone(void **state) {
    struct ccfb_recorder *r = *state;
    for (uint16_t seq = 10; seq < 20; seq++)
        if (seq != 12 && seq != 13 && seq != 17)
            ccfb_recorder_add(r, 100, seq, START_US);
    report(r, START_US + 50 * MS);
    ccfb_recorder_add(r, 100, 12, START_US + 60 * MS);
    ccfb_recorder_add(r, 100, 17, START_US + 60 * MS);
    ccfb_recorder_add(r, 100, 13, START_US + 60 * MS);
    ccfb_recorder_add(r, 100, 20, START_US + 60 * MS);
    report(r, START_US + 110 * MS);
    for (uint16_t seq = 10; seq <= 20; seq++)
        assert_true(told.of[0][seq] >= 0);
    assert_int_equal(told.packets, 4); // 12 and 13, 17, 20
}

static void of_two_that_are_equal_the_first_counts(void **state) {
    struct ccfb_recorder *r = *state;
    ccfb_recorder_add(r, 100, 5, START_US);
    ccfb_recorder_add(r, 100, 5, START_US + 40 * MS);
    report(r, START_US + 50 * MS);
    assert_int_equal(told.of[0][5], 51);
    assert_int_equal(told.blocks, 1);
}

static void an_offset_that_does_not_fit_says_so(void **state) {
    struct ccfb_recorder *r = *state;
    ccfb_recorder_add(r, 100, 5, START_US);
    ccfb_recorder_add(r, 100, 6, START_US + 20 * US_PER_SECOND); // after the report
    report(r, START_US + 9 * US_PER_SECOND);
    assert_int_equal(told.of[0][5], 0x1ffe);
    assert_int_equal(told.of[0][6], 0);
}

// 3000 packets of three streams between two reports of which half are lost, in datagrams that fit.
static void much_is_told_in_several_packets(void **state) {
    struct ccfb_recorder *r = *state;
    for (unsigned i = 0; i < 1000; i++)
        ccfb_recorder_add(r, 100 + i % 3, (uint16_t)(2 * (i / 3)), START_US + i);
    assert_true(ccfb_recorder_next_us(r) <= START_US);
    report(r, START_US + 20 * MS);
    assert_in_range(told.packets, 2, 8);
    for (unsigned i = 0; i < 1000; i++)
        assert_true(told.of[i % 3][2 * (i / 3)] >= 0);
    assert_int_equal(told.of[2][1], LOST);
    assert_int_equal(ccfb_recorder_next_us(r), TIME_NEVER);
}

static void a_wide_gap_ends(void **state) {
    struct ccfb_recorder *r = *state;
    ccfb_recorder_add(r, 100, 0, START_US);
    ccfb_recorder_add(r, 100, 8000, START_US);
    report(r, START_US + 50 * MS);
    assert_int_equal(told.of[0][1], LOST);
    assert_int_equal(told.of[0][7999], LOST);
    assert_int_equal(told.of[0][8000], 51);
    assert_in_range(told.packets, 14, 15);
}

// Another beginning of numbers, there and back, many times.
// Each number that is told costs two bytes: who jumps ahead with each packet gets little for it.
static void jumps_cost_no_more_than_one_wide_gap(void **state) {
    struct ccfb_recorder *r = *state;
    unsigned packets = 0;
    for (unsigned i = 0; i < 8; i++)
        for (uint32_t ssrc = 100; ssrc < 102; ssrc++)
            ccfb_recorder_add(r, ssrc, (uint16_t)(i * (CCFB_NUMBERS - 1)), START_US);
    for (bool more = true; more;) {
        uint8_t bytes[RTCP_DATAGRAM_MAX];
        struct writer w = writer_of(bytes, sizeof bytes);
        more = ccfb_recorder_write(r, &w, 11, NTP, START_US + 50 * MS);
        packets += more;
    }
    assert_in_range(packets, 1, CCFB_NUMBERS * 2 / RTCP_DATAGRAM_MAX + 2);
    // Where nothing waits any more, the next gap may be as wide.
    uint16_t far = 2 * (CCFB_NUMBERS - 1);
    ccfb_recorder_add(r, 100, far, START_US + 60 * MS);
    report(r, START_US + 110 * MS);
    assert_int_equal(told.of[0][far - 1], LOST);
    assert_int_equal(told.of[0][far], 51);
}

static void a_sender_may_begin_anew(void **state) {
    struct ccfb_recorder *r = *state;
    for (unsigned i = 0; i < 1000; i++) {
        told_clear();
        uint16_t seq = (uint16_t)(i * 40000);
        ccfb_recorder_add(r, 100, seq, START_US);
        ccfb_recorder_add(r, 100, (uint16_t)(seq + 20000), START_US); // waits for the report in vain
        report(r, START_US + 50 * MS);
        assert_int_equal(told.packets, 1);
        assert_int_equal(told.of[0][seq], 51);
    }
}

static void memory_is_bounded(void **state) {
    struct ccfb_recorder *r = *state;
    for (unsigned i = 0; i < 3 * CCFB_WINDOW; i++)
        ccfb_recorder_add(r, 100 + i % 3, (uint16_t)(i / 3), START_US);
    report(r, START_US + 50 * MS);
    assert_true(told.of[0][CCFB_WINDOW / 3 - 1] >= 0);
    assert_int_equal(told.of[0][CCFB_WINDOW / 3 + 1], UNTOLD); // and lost, once the next one comes
    ccfb_recorder_add(r, 100, CCFB_WINDOW, START_US);
    report(r, START_US + 50 * MS);
    assert_int_equal(told.of[0][CCFB_WINDOW / 3 + 1], LOST);
}

// The one that has been silent longest makes room, and only if nothing of it waits.
static void streams_are_bounded(void **state) {
    struct ccfb_recorder *r = *state;
    for (unsigned i = 0; i < CCFB_STREAMS; i++)
        ccfb_recorder_add(r, 1000 + i, 1, START_US + i);
    ccfb_recorder_add(r, 100, 1, START_US + MS);
    uint8_t bytes[RTCP_DATAGRAM_MAX];
    struct writer w = writer_of(bytes, sizeof bytes);
    assert_true(ccfb_recorder_write(r, &w, 11, NTP, START_US + MS));
    assert_int_equal(w.len, 8 + CCFB_STREAMS * 12 + 4);
    ccfb_recorder_add(r, 100, 1, START_US + MS);
    ccfb_recorder_add(r, 1001, 3, START_US + MS); // still known: number 2 is missing
    w = writer_of(bytes, sizeof bytes);
    assert_true(ccfb_recorder_write(r, &w, 11, NTP, START_US + MS));
    assert_int_equal(w.len, 8 + 12 + 12 + 4);
    assert_int_equal(load_be32(bytes + 8), 100); // in the place of 1000
    assert_int_equal(load_be16(bytes + 20 + 4), 2);
}

static void its_pace_is_a_share_of_what_it_is_about(void **state) {
    struct ccfb_recorder *r = *state;
    ccfb_recorder_pace(r, 100, 200000); // 80 ms at a twentieth
    ccfb_recorder_add(r, 100, 1, START_US);
    assert_int_equal(ccfb_recorder_next_us(r), START_US + 80 * MS);
    ccfb_recorder_pace(r, 100, 10000000);
    assert_int_equal(ccfb_recorder_next_us(r), START_US + FEEDBACK_INTERVAL_US);
    ccfb_recorder_pace(r, 100, 0);
    assert_int_equal(ccfb_recorder_next_us(r), START_US + FEEDBACK_INTERVAL_MAX_US);
    for (uint16_t i = 2; i <= FEEDBACK_PACKETS_SOON; i++)
        ccfb_recorder_add(r, 100, i, START_US + MS);
    assert_int_equal(ccfb_recorder_next_us(r), START_US);
}

static void without_room_nothing_changes(void **state) {
    struct ccfb_recorder *r = *state;
    ccfb_recorder_add(r, 100, 1, START_US);
    uint8_t bytes[RTCP_DATAGRAM_MAX - 1];
    struct writer w = writer_of(bytes, sizeof bytes);
    assert_false(ccfb_recorder_write(r, &w, 11, NTP, START_US));
    report(r, START_US);
    assert_int_equal(told.of[0][1], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_when_each_came_and_what_did_not, setup, teardown),
        cmocka_unit_test_setup_teardown(a_gap_between_two_reports_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(what_comes_late_is_told_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(of_two_that_are_equal_the_first_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(an_offset_that_does_not_fit_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(much_is_told_in_several_packets, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wide_gap_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(jumps_cost_no_more_than_one_wide_gap, setup, teardown),
        cmocka_unit_test_setup_teardown(a_sender_may_begin_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(streams_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(its_pace_is_a_share_of_what_it_is_about, setup, teardown),
        cmocka_unit_test_setup_teardown(without_room_nothing_changes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
