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
    assert_int_equal(s.lost, 0);
    assert_int_equal(s.fraction_lost, 64);
    assert_in_range(s.rtt_us, 999000, 1001000); // 1.5 s less the half that the receiver held it
    r.last_sr = 0;
    send_stats_report(&s, &r, now_ntp);
    assert_in_range(s.rtt_us, 999000, 1001000); // nothing new is known
}

static void scores(void **state) {
    (void)state;
    assert_int_equal(stream_score(100, 0, 0), 10);
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
        cmocka_unit_test(reports),
        cmocka_unit_test(jitter),
        cmocka_unit_test(rates),
        cmocka_unit_test(what_receivers_report),
        cmocka_unit_test(scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
