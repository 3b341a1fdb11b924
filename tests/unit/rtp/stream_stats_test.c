#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "rtp/stream_stats.h"

#define MS 1000u

static void sequence_validity(void **state) { // RFC 3550, appendix A.1
    (void)state;
    static const struct {
        const char *what;
        uint16_t seq;
        bool accepted;
        uint64_t lost;
    } rows[] = {
        {"the first", 65530, true, 0},
        {"over the wrap, ten lost", 5, true, 10},
        {"one of them late", 0, true, 9},
        {"far ahead: wild", 40000, false, 9},
        {"not its successor", 50000, false, 9},
        {"back again", 6, true, 9},
        {"wild", 30000, false, 9},
        {"and its successor: begun anew", 30001, true, 9},
        {"goes on", 30002, true, 9},
    };
    struct receive_stats s;
    receive_stats_init(&s, 90000);
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool accepted = receive_stats_add(&s, rows[i].seq, 0, 100, i * MS);
        if (accepted != rows[i].accepted || receive_stats_lost(&s) != rows[i].lost)
            fail_msg("%s: expected %d and %u lost, got %d and %u", rows[i].what, rows[i].accepted,
                     (unsigned)rows[i].lost, accepted, (unsigned)receive_stats_lost(&s));
    }
    assert_int_equal(s.discarded, 3);
}

// RFC 3550, A.1: MAX_DROPOUT and MAX_MISORDER are in order still.
static void the_edges_of_order(void **state) {
    (void)state;
    static const struct {
        int ahead;
        bool accepted;
    } rows[] = {{3000, true}, {3001, false}, {-1500, true}, {-1501, false}, {0, true}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct receive_stats s;
        receive_stats_init(&s, 90000);
        assert_true(receive_stats_add(&s, 65000, 0, 100, MS));
        bool accepted = receive_stats_add(&s, (uint16_t)(65000 + rows[i].ahead), 0, 50, 7 * MS);
        assert_int_equal(accepted, rows[i].accepted);
        assert_int_equal(s.packets, accepted ? 2 : 1);
        assert_int_equal(s.received, accepted ? 2 : 1);
        assert_int_equal(s.bytes, accepted ? 150 : 100);
        assert_int_equal(s.last_packet_us, accepted ? 7 * MS : MS);
        assert_int_equal(rate_meter_bps(&s.rate, 8 * MS), accepted ? 1200 : 800);
    }
}

// Only two wild numbers with nothing between them make a new beginning.
static void a_wild_number_is_forgotten_with_the_next_good_one(void **state) {
    (void)state;
    struct receive_stats s;
    receive_stats_init(&s, 90000);
    assert_true(receive_stats_add(&s, 10, 0, 1, 0));
    assert_false(receive_stats_add(&s, 30000, 0, 1, 0));
    assert_true(receive_stats_add(&s, 11, 0, 1, 0));
    assert_false(receive_stats_add(&s, 30001, 0, 1, 0));
    assert_int_equal(s.discarded, 2);
}

// What a source that began anew had before counts neither for its loss nor for its jitter.
static void a_new_beginning_has_a_new_interval(void **state) {
    (void)state;
    struct receive_stats s;
    struct rtcp_report r;
    receive_stats_init(&s, 90000);
    for (unsigned i = 0; i < 100; i++)
        receive_stats_add(&s, (uint16_t)i, i * 1800, 1, i * 20 * MS);
    receive_stats_report(&s, 1, 2000 * MS, &r);
    assert_int_equal(r.fraction_lost, 0);
    assert_false(receive_stats_add(&s, 30000, 400000, 1, 2000 * MS));
    for (unsigned i = 1; i <= 20; i++) // half of them lost
        receive_stats_add(&s, (uint16_t)(30000 + 2 * i - 1), 400000 + i * 1800, 1, (2000 + i * 20) * MS);
    // The first of them was refused as well: it does not follow the wild one by one.
    receive_stats_report(&s, 1, 3000 * MS, &r);
    assert_in_range(r.fraction_lost, 110, 128);
    assert_int_equal(receive_stats_jitter(&s), 0);
}

static void reports(void **state) { // RFC 3550, section 6.4.1 and appendix A.3
    (void)state;
    struct receive_stats s;
    struct rtcp_report r;
    receive_stats_init(&s, 90000);
    for (unsigned i = 0; i < 100; i++)
        if (i % 4 != 2)
            receive_stats_add(&s, (uint16_t)(65500 + i), i * 3000, 100, i * 33333);
    receive_stats_sender_report(&s, UINT64_C(0x1122334455667788), 5000 * MS);
    receive_stats_report(&s, 77, 5500 * MS, &r);
    assert_int_equal(r.ssrc, 77);
    assert_int_equal(r.fraction_lost, 25 * 256 / 100);
    assert_int_equal(r.cumulative_lost, 25);
    assert_int_equal(r.highest_seq, 65536 + 63);
    assert_int_equal(r.last_sr, 0x33445566);
    assert_int_equal(r.delay_since_sr, 32768); // half a second in 1/65536
    for (unsigned i = 100; i < 200; i++)
        receive_stats_add(&s, (uint16_t)(65500 + i), i * 3000, 100, i * 33333);
    receive_stats_report(&s, 77, 6000 * MS, &r);
    assert_int_equal(r.fraction_lost, 0); // since the last report
    assert_int_equal(r.cumulative_lost, 25);
}

static void jitter(void **state) { // appendix A.8
    (void)state;
    struct receive_stats s;
    receive_stats_init(&s, 90000);
    for (unsigned i = 0; i < 300; i++)
        receive_stats_add(&s, (uint16_t)i, i * 1800, 100, i * 20 * MS);
    assert_int_equal(receive_stats_jitter(&s), 0);
    for (unsigned i = 300; i < 900; i++) // 10 ms early and late in turn: 900 ticks of difference
        receive_stats_add(&s, (uint16_t)i, i * 1800, 100, i * 20 * MS + (i % 2 ? 10 * MS : 0));
    assert_in_range(receive_stats_jitter(&s), 850, 950);
}

// The difference counts whichever way it goes, and one of ten seconds or more is no jitter (A.8).
static void jitter_of_one_step(void **state) {
    (void)state;
    static const struct {
        int64_t late_us;
        uint32_t jitter_q4;
    } rows[] = {{10000, 900},   {-10000, 900}, {9999000, 899910}, {10000000, 0},
                {-10000000, 0}, {0, 0},        {20000000, 0}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct receive_stats s;
        receive_stats_init(&s, 90000);
        receive_stats_add(&s, 1, 5000, 1, 50 * US_PER_SECOND);
        receive_stats_add(&s, 2, 5000, 1, (uint64_t)((int64_t)(50 * US_PER_SECOND) + rows[i].late_us));
        assert_int_equal(s.jitter_q4, rows[i].jitter_q4);
        receive_stats_add(&s, 1, 9000000, 1, 51 * US_PER_SECOND); // one out of order says nothing
        assert_int_equal(s.jitter_q4, rows[i].jitter_q4);
    }
}

static void rates(void **state) {
    (void)state;
    struct rate_meter m = {0};
    for (unsigned ms = 0; ms < 3000; ms++)
        rate_meter_add(&m, 125, 5 * US_PER_SECOND + ms * MS); // 1 Mbit/s
    uint64_t end_us = 8 * US_PER_SECOND;
    assert_in_range(rate_meter_bps(&m, end_us - 1), 900000, 1000000);
    assert_in_range(rate_meter_bps(&m, end_us + 500 * MS), 300000, 600000);
    assert_int_equal(rate_meter_bps(&m, end_us + 2 * US_PER_SECOND), 0);
    rate_meter_add(&m, 1000, 100 * US_PER_SECOND);
    assert_int_equal(rate_meter_bps(&m, 100 * US_PER_SECOND), 8000);
}

static void what_receivers_report(void **state) {
    (void)state;
    struct send_stats s = {0};
    send_stats_add(&s, 1000, 1);
    struct rtcp_report r = {.fraction_lost = 64,
                            .cumulative_lost = -3,
                            .jitter = 5,
                            .last_sr = 0x00010000,
                            .delay_since_sr = 0x8000};
    uint64_t now_ntp = (UINT64_C(0x00010000) << 16) + (UINT64_C(3) << 31); // 1.5 s after the report went out
    send_stats_report(&s, &r, now_ntp);
    assert_int_equal(s.packets, 1);
    assert_int_equal(s.bytes, 1000);
    assert_int_equal(s.last_packet_us, 1);
    assert_int_equal(rate_meter_bps(&s.rate, 2), 8000);
    assert_int_equal(s.lost, 0);
    assert_int_equal(s.jitter, 5);
    assert_int_equal(s.fraction_lost, 64);
    assert_in_range(s.rtt_us, 999000, 1001000); // 1.5 s less the half that the receiver held it
    r.last_sr = 0;
    r.cumulative_lost = 9;
    send_stats_report(&s, &r, now_ntp);
    assert_in_range(s.rtt_us, 999000, 1001000); // nothing new is known
    assert_int_equal(s.lost, 9);
    send_stats_add(&s, 500, 3);
    assert_int_equal(s.packets, 2);
    assert_int_equal(s.bytes, 1500);
}

static void scores(void **state) {
    (void)state;
    assert_int_equal(stream_score(100, 0, 0), 10);
    assert_int_equal(stream_score(100, 10, 0), 7);  // 0.9 to the fourth
    assert_int_equal(stream_score(100, 50, 0), 1);  // 0.5
    assert_int_equal(stream_score(100, 50, 50), 6); // a quarter of a half: 0.875
    assert_int_equal(stream_score(100, 50, 25), 2); // 0.6875
    assert_int_equal(stream_score(0, 5, 0), 10);    // nothing was expected
    assert_int_equal(stream_score(100, 100, 0), 0);
    assert_int_equal(stream_score(100, 1000, 0), 0);
    uint8_t last = 10;
    for (uint32_t lost = 0; lost <= 100; lost++) {
        uint8_t score = stream_score(100, lost, 0), repaired = stream_score(100, lost, lost);
        assert_true(score <= last && repaired >= score && repaired <= 10);
        last = score;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequence_validity),
        cmocka_unit_test(the_edges_of_order),
        cmocka_unit_test(a_wild_number_is_forgotten_with_the_next_good_one),
        cmocka_unit_test(a_new_beginning_has_a_new_interval),
        cmocka_unit_test(reports),
        cmocka_unit_test(jitter),
        cmocka_unit_test(jitter_of_one_step),
        cmocka_unit_test(rates),
        cmocka_unit_test(what_receivers_report),
        cmocka_unit_test(scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
