#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "rtp/cc/bandwidth.h"

#include <string.h>

#define MS UINT64_C(1000)
#define START (5000 * MS)

static const struct bandwidth_config config = {.start_bps = 600000, .min_bps = 50000, .max_bps = 5000000};

// ---- a receiver whose words are made here: everything from `first` on, `count` packets, all `gap` ticks
// apart

static size_t twcc_all(uint8_t *out, uint16_t first, uint16_t count, uint32_t reference, uint8_t gap) {
    struct writer w = writer_of(out, 1500);
    write_u16(&w, first);
    write_u16(&w, count);
    write_u24(&w, reference);
    write_u8(&w, 0);
    write_u16(&w, (uint16_t)(0x2000 | count));
    for (unsigned i = 0; i < count; i++)
        write_u8(&w, gap);
    assert_false(w.failed);
    return w.len;
}

static size_t twcc_none(uint8_t *out, uint16_t first, uint16_t count) {
    struct writer w = writer_of(out, 1500);
    write_u16(&w, first);
    write_u16(&w, count);
    write_u24(&w, 0);
    write_u8(&w, 0);
    write_u16(&w, count);
    return w.len;
}

struct sender {
    struct bandwidth *b;
    uint64_t now_us;
    uint16_t number; // the next
};

// False: memory ended.
static bool sender_begin(struct sender *s) {
    *s = (struct sender){.b = bandwidth_create(&config, START), .now_us = START, .number = 65000};
    if (!s->b)
        return false;
    bandwidth_demand(s->b, 10000000, s->now_us);
    return true;
}

// 100 packets of 1000 bytes a second and more, a tick each 20 ms, and feedback of an honest receiver each 100
// ms.
static void sender_run(struct sender *s, unsigned ms, bool feedback) {
    for (unsigned i = 0; i < ms; i += 10, s->now_us += 10 * MS) {
        if (i % 20 == 0)
            bandwidth_tick(s->b, s->now_us);
        bandwidth_sent(s->b, s->number++, 1000, false, s->now_us);
        uint8_t bytes[1500];
        if (feedback && i % 100 == 90) {
            uint32_t reference = (uint32_t)((s->now_us - 90 * MS) / 64000);
            size_t len = twcc_all(bytes, (uint16_t)(s->number - 10), 10, reference, 40);
            assert_true(bandwidth_twcc(s->b, span_of(bytes, len), s->now_us));
        }
    }
}

static void assert_within(const struct bandwidth *b) {
    struct bandwidth_state state = bandwidth_state(b);
    assert_true(state.target_bps >= config.min_bps && state.target_bps <= config.max_bps);
    assert_true(state.loss >= 0 && state.loss <= 1);
    assert_true(state.reason < BANDWIDTH_REASONS);
}

// ---- contract

static void begins_with_the_start(void **state) {
    (void)state;
    struct bandwidth *b = bandwidth_create(&config, START);
    if (!b)
        return;
    struct bandwidth_state s = bandwidth_state(b);
    assert_int_equal(s.target_bps, 600000);
    assert_int_equal(s.reason, BANDWIDTH_START);
    assert_true(s.acked_bps == 0 && s.sent_bps == 0 && s.rtt_us == 0 && s.loss == 0 && !s.congested);
    assert_string_equal(bandwidth_reason_name(s.reason), "start");
    assert_int_equal(bandwidth_probe(b, START).rate_bps, 0);
    assert_int_equal(bandwidth_next_us(b), START + BANDWIDTH_TICK_US); // the first packet may come any time
    bandwidth_destroy(b);
    bandwidth_destroy(NULL);
}

static void limits_are_put_in_order(void **state) {
    (void)state;
    static const struct {
        struct bandwidth_config config;
        uint32_t target_bps;
    } cases[] = {{{600000, 50000, 5000000}, 600000},   {{10000, 50000, 5000000}, 50000},
                 {{6000000, 50000, 5000000}, 5000000}, {{0, 0, 5000000}, BANDWIDTH_MIN_BPS},
                 {{600000, 50000, 20000}, 20000},      {{UINT32_MAX, 0, UINT32_MAX}, BANDWIDTH_MAX_BPS}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bandwidth *b = bandwidth_create(&cases[i].config, START);
        if (!b)
            return;
        assert_int_equal(bandwidth_state(b).target_bps, cases[i].target_bps);
        bandwidth_destroy(b);
    }
}

static void the_ceiling_holds_at_once(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    bandwidth_set_max(s.b, 200000);
    assert_int_equal(bandwidth_state(s.b).target_bps, 200000);
    assert_int_equal(bandwidth_state(s.b).reason, BANDWIDTH_CEILING);
    bandwidth_set_max(s.b, 10000); // lower than what is the least otherwise
    assert_int_equal(bandwidth_state(s.b).target_bps, 10000);
    sender_run(&s, 2000, true);
    assert_int_equal(bandwidth_state(s.b).target_bps, 10000);
    assert_int_equal(bandwidth_probe(s.b, s.now_us).rate_bps, 0);
    bandwidth_destroy(s.b);
}

static void is_small(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    assert_true(bandwidth_memory(s.b) < 3000); // nothing with a number was sent
    sender_run(&s, 10000, true);
    assert_true(bandwidth_memory(s.b) < 8000);
    bandwidth_destroy(s.b);
}

static void feedback_tells_rate_and_round_trip(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    sender_run(&s, 3000, true);
    struct bandwidth_state figures = bandwidth_state(s.b);
    if (figures.acked_bps != 0) { // memory for what was sent
        assert_in_range(figures.acked_bps, 780000, 820000);
        assert_in_range(figures.sent_bps, 780000, 820000);
        assert_in_range(figures.rtt_us, 1, 1000);
        assert_true(figures.loss == 0);
    }
    bandwidth_destroy(s.b);
}

static void padding_counts_as_sent_but_not_as_media(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    sender_run(&s, 2000, true);
    for (unsigned i = 0; i < 50; i++, s.now_us += 10 * MS) {
        bandwidth_sent(s.b, s.number++, 100, false, s.now_us);
        bandwidth_sent(s.b, s.number++, 900, true, s.now_us);
        bandwidth_tick(s.b, s.now_us);
    }
    assert_in_range(bandwidth_state(s.b).sent_bps, 780000, 820000);
    bandwidth_destroy(s.b);
}

static void a_probe_ends_when_the_ceiling_comes_down(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    sender_run(&s, 30, false);
    if (bandwidth_memory(s.b) > 3000)
        assert_int_equal(bandwidth_probe(s.b, s.now_us).rate_bps, 1800000);
    bandwidth_set_max(s.b, 1000000);
    assert_int_equal(bandwidth_probe(s.b, s.now_us).rate_bps, 0);
    bandwidth_destroy(s.b);
}

// What arrives in one and a half times the time it was sent in makes a queue.
static void a_queue_that_grows_lowers_the_target(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    sender_run(&s, 2000, true);
    uint32_t reference = (uint32_t)(s.now_us / 64000);
    uint8_t bytes[1500];
    for (unsigned i = 0; i < 5; i++) {
        sender_run(&s, 100, false);
        size_t len = twcc_all(bytes, (uint16_t)(s.number - 10), 10, reference, 60);
        reference = (uint32_t)((s.now_us + (i + 1) * 50 * MS) / 64000);
        assert_true(bandwidth_twcc(s.b, span_of(bytes, len), s.now_us + 50 * MS));
    }
    struct bandwidth_state after = bandwidth_state(s.b);
    if (after.rtt_us > 0) {
        assert_int_equal(after.reason, BANDWIDTH_DELAY);
        assert_true(after.target_bps < 600000);
        assert_true(after.queue_us > 50 * MS);
    }
    bandwidth_destroy(s.b);
}

// The 24 bits of the reference time wrap after twelve days; nothing shows of it.
static void the_reference_time_wraps(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    uint8_t bytes[1500];
    for (unsigned i = 0; i < 40; i++) {
        bandwidth_tick(s.b, s.now_us);
        for (unsigned n = 0; n < 8; n++, s.now_us += 8 * MS)
            bandwidth_sent(s.b, s.number++, 1000, false, s.now_us);
        size_t len = twcc_all(bytes, (uint16_t)(s.number - 8), 8, (0xfffff0 + i) & 0xffffff, 32);
        assert_true(bandwidth_twcc(s.b, span_of(bytes, len), s.now_us));
        struct bandwidth_state now = bandwidth_state(s.b);
        if (i >= 4 && now.rtt_us > 0)
            assert_in_range(now.acked_bps, 970000, 1030000);
    }
    bandwidth_destroy(s.b);
}

static void what_is_told_late_was_not_lost(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    for (unsigned i = 0; i < 60; i++) {
        sender_run(&s, 100, false);
        uint8_t bytes[1500];
        size_t len = twcc_none(bytes, (uint16_t)(s.number - 10), 5);
        assert_true(bandwidth_twcc(s.b, span_of(bytes, len), s.now_us));
        len = twcc_all(bytes, (uint16_t)(s.number - 10), 10, (uint32_t)(s.now_us / 64000), 40);
        assert_true(bandwidth_twcc(s.b, span_of(bytes, len), s.now_us));
    }
    assert_true(bandwidth_state(s.b).loss == 0);
    bandwidth_destroy(s.b);
}

static void idle_halves(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    bandwidth_remb(s.b, 2000000, s.now_us);
    bandwidth_sent_unnumbered(s.b, 1000, s.now_us);
    bandwidth_tick(s.b, s.now_us + 4900 * MS);
    assert_int_equal(bandwidth_state(s.b).target_bps, 2000000);
    bandwidth_tick(s.b, s.now_us + 5100 * MS);
    bandwidth_tick(s.b, s.now_us + 9000 * MS); // once
    assert_int_equal(bandwidth_state(s.b).target_bps, 1000000);
    bandwidth_destroy(s.b);
}

// ---- bad input

static void malformed_feedback_changes_nothing(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    sender_run(&s, 1000, true);
    sender_run(&s, 80, false);
    struct bandwidth_state before = bandwidth_state(s.b);
    uint8_t bytes[1500];
    size_t len = twcc_all(bytes, (uint16_t)(s.number - 8), 8, 0, 200);
    for (size_t n = 0; n < len; n++) {
        uint8_t copy[1500];
        memcpy(copy, bytes, n);
        assert_false(bandwidth_twcc(s.b, span_of(copy, n), s.now_us));
    }
    for (size_t n = 1; n < len; n += 2)
        assert_false(bandwidth_ccfb(s.b, span_of(bytes, n), s.now_us));
    struct bandwidth_state after = bandwidth_state(s.b);
    assert_int_equal(after.target_bps, before.target_bps);
    assert_int_equal(after.acked_bps, before.acked_bps);
    assert_int_equal(after.rtt_us, before.rtt_us);
    assert_int_equal(after.queue_us, before.queue_us);
    bandwidth_destroy(s.b);
}

static void replays_count_once(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    sender_run(&s, 2000, true);
    struct bandwidth_state before = bandwidth_state(s.b);
    for (unsigned back = 10; back <= 100; back += 10)
        for (unsigned n = 0; n < 100; n++) {
            uint8_t bytes[1500];
            size_t len = twcc_all(bytes, (uint16_t)(s.number - back), 10, 77, 0);
            assert_true(bandwidth_twcc(s.b, span_of(bytes, len), s.now_us));
        }
    struct bandwidth_state after = bandwidth_state(s.b);
    assert_int_equal(after.target_bps, before.target_bps);
    assert_int_equal(after.acked_bps, before.acked_bps);
    bandwidth_destroy(s.b);
}

// He says that everything came at once, whenever he is asked, even what was not sent: what was sent is what
// counts.
static void who_claims_too_much_gets_no_more_than_was_sent(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    bandwidth_demand(s.b, 0, s.now_us); // no probes
    for (unsigned i = 0; i < 600; i++) {
        sender_run(&s, 50, false);
        uint8_t bytes[1500];
        size_t len = twcc_all(bytes, (uint16_t)(s.number - 200), 400, i, 0);
        assert_true(bandwidth_twcc(s.b, span_of(bytes, len), s.now_us));
        assert_within(s.b);
        assert_true(bandwidth_state(s.b).acked_bps <= 850000);
    }
    assert_true(bandwidth_state(s.b).target_bps <= 1000000);
    bandwidth_destroy(s.b);
}

static void times_that_run_backwards(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    for (unsigned i = 0; i < 400; i++) {
        sender_run(&s, 50, false);
        uint8_t bytes[1500];
        static const uint32_t references[] = {0xffffff, 0, 0x800000, 5, 0x7fffff, 0x400000, 0xc00000};
        size_t len = twcc_all(bytes, (uint16_t)(s.number - 5), 5, references[i % 7], (uint8_t)(i % 256));
        assert_true(bandwidth_twcc(s.b, span_of(bytes, len), s.now_us));
        assert_within(s.b);
    }
    bandwidth_destroy(s.b);
}

static void everything_lost(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    sender_run(&s, 2000, true);
    for (unsigned i = 0; i < 200; i++) {
        sender_run(&s, 50, false);
        uint8_t bytes[1500];
        size_t len = twcc_none(bytes, (uint16_t)(s.number - 5), 5);
        assert_true(bandwidth_twcc(s.b, span_of(bytes, len), s.now_us));
        assert_within(s.b);
    }
    assert_true(bandwidth_state(s.b).target_bps < 200000); // nothing arrives: that is silence
    bandwidth_destroy(s.b);
}

static void who_never_acknowledges_gets_the_least(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    sender_run(&s, 900, false);
    assert_int_equal(bandwidth_state(s.b).target_bps, 600000);
    sender_run(&s, 20000, false);
    assert_within(s.b);
    if (bandwidth_memory(s.b) > 3000) {
        assert_int_equal(bandwidth_state(s.b).target_bps, config.min_bps);
        assert_int_equal(bandwidth_state(s.b).reason, BANDWIDTH_SILENT);
    }
    assert_true(bandwidth_memory(s.b) < 40000);
    bandwidth_destroy(s.b);
}

// ---- time

// Who pauses is not silent, and who pauses long begins again.
static void pauses(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    sender_run(&s, 3000, true);
    uint32_t target_bps = bandwidth_state(s.b).target_bps;
    for (unsigned i = 0; i < 4; i++) {
        s.now_us += 1000 * MS;
        bandwidth_tick(s.b, s.now_us);
    }
    sender_run(&s, 80, false); // not silent: only just sent
    bandwidth_tick(s.b, s.now_us);
    assert_int_equal(bandwidth_state(s.b).target_bps, target_bps);
    sender_run(&s, 100, true);
    for (unsigned i = 0; i < 100; i++) {
        s.now_us = bandwidth_next_us(s.b);
        bandwidth_tick(s.b, s.now_us);
    }
    assert_int_equal(bandwidth_state(s.b).reason, BANDWIDTH_START);
    assert_in_range(bandwidth_state(s.b).target_bps, 600000, target_bps + 20000);
    assert_int_equal(bandwidth_next_us(s.b), s.now_us + BANDWIDTH_CALM_TICK_US);
    sender_run(&s, 100, false);
    assert_in_range(bandwidth_next_us(s.b), s.now_us - 20 * MS, s.now_us + BANDWIDTH_TICK_US);
    bandwidth_destroy(s.b);
}

static void another_address(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    sender_run(&s, 3000, true);
    sender_run(&s, 80, false);
    bandwidth_path_changed(s.b, s.now_us);
    struct bandwidth_state after = bandwidth_state(s.b);
    assert_int_equal(after.target_bps, 600000);
    assert_int_equal(after.reason, BANDWIDTH_START);
    assert_true(after.rtt_us == 0 && after.acked_bps == 0);
    uint8_t bytes[1500];
    size_t len = twcc_all(bytes, (uint16_t)(s.number - 8), 8, 0, 200); // about the old one
    assert_true(bandwidth_twcc(s.b, span_of(bytes, len), s.now_us));
    assert_int_equal(bandwidth_state(s.b).rtt_us, 0);
    bandwidth_destroy(s.b);
}

// ---- receivers without numbers

static void remb_is_followed(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    bandwidth_remb(s.b, 1200000, s.now_us);
    assert_int_equal(bandwidth_state(s.b).target_bps, 1200000);
    assert_int_equal(bandwidth_state(s.b).reason, BANDWIDTH_REMB);
    bandwidth_remb(s.b, 300000, s.now_us);
    assert_int_equal(bandwidth_state(s.b).target_bps, 300000);
    bandwidth_remb(s.b, UINT64_MAX, s.now_us);
    assert_int_equal(bandwidth_state(s.b).target_bps, config.max_bps);
    bandwidth_remb(s.b, 0, s.now_us);
    assert_int_equal(bandwidth_state(s.b).target_bps, config.min_bps);
    bandwidth_destroy(s.b);
}

static void remb_bounds_who_has_numbers(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    sender_run(&s, 3000, true);
    uint32_t target_bps = bandwidth_state(s.b).target_bps;
    bandwidth_remb(s.b, 300000, s.now_us);
    assert_int_equal(bandwidth_state(s.b).target_bps, 300000);
    bandwidth_remb(s.b, 4000000, s.now_us);
    if (bandwidth_state(s.b).rtt_us > 0)
        assert_in_range(bandwidth_state(s.b).target_bps, target_bps, target_bps + 100000);
    bandwidth_destroy(s.b);
}

static void unnumbered_packets_are_probed_blindly(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    bandwidth_remb(s.b, 800000, s.now_us);
    uint64_t padding = 0;
    for (unsigned i = 0; i < 3000; i += 10, s.now_us += 10 * MS) {
        if (i % 20 == 0)
            bandwidth_tick(s.b, s.now_us);
        bandwidth_sent_unnumbered(s.b, 500, s.now_us);
        struct bandwidth_probe probe = bandwidth_probe(s.b, s.now_us);
        assert_true(probe.rate_bps <= 880000);
        if (probe.bytes > 0)
            bandwidth_sent_unnumbered(s.b, (uint16_t)probe.bytes, s.now_us);
        padding += probe.bytes;
    }
    assert_in_range(padding, 80000, 130000); // two seconds of what is missing to 880 kbit/s
    assert_int_equal(bandwidth_state(s.b).target_bps, 800000);
    bandwidth_report(s.b, 30, 0, s.now_us); // more than a tenth is lost
    s.now_us += 5000 * MS;
    bandwidth_tick(s.b, s.now_us);
    assert_int_equal(bandwidth_probe(s.b, s.now_us).rate_bps, 0);
    bandwidth_destroy(s.b);
}

static void reports_of_loss(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    bandwidth_remb(s.b, 1000000, s.now_us);
    bandwidth_report(s.b, 64, 80000, s.now_us); // a quarter
    struct bandwidth_state figures = bandwidth_state(s.b);
    assert_int_equal(figures.target_bps, 875000);
    assert_int_equal(figures.reason, BANDWIDTH_LOSS);
    assert_int_equal(figures.rtt_us, 80000);
    assert_true(figures.loss == 0.25f);
    bandwidth_remb(s.b, 2000000, s.now_us); // he does not know better
    assert_int_equal(bandwidth_state(s.b).target_bps, 875000);
    bandwidth_report(s.b, 0, 80000, s.now_us);
    bandwidth_remb(s.b, 2000000, s.now_us);
    assert_int_equal(bandwidth_state(s.b).target_bps, 2000000);
    bandwidth_destroy(s.b);
}

// Neither numbers nor REMB: reports alone, up while it is used and little is lost.
static void reports_alone(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    for (unsigned i = 0; i < 10000; i += 10, s.now_us += 10 * MS) {
        bandwidth_sent_unnumbered(s.b, 900, s.now_us);
        bandwidth_tick(s.b, s.now_us);
        if (i % 1000 == 990)
            bandwidth_report(s.b, 0, 50000, s.now_us);
    }
    assert_in_range(bandwidth_state(s.b).target_bps, 800000, 1040000); // and not beyond what is sent by much
    bandwidth_destroy(s.b);
}

// ---- RFC 8888

static size_t ccfb_one(uint8_t *out, uint32_t ssrc, uint16_t seq, uint16_t metric, uint32_t timestamp) {
    struct writer w = writer_of(out, 64);
    write_u32(&w, ssrc);
    write_u16(&w, seq);
    write_u16(&w, 1);
    write_u16(&w, metric);
    write_u16(&w, 0);
    write_u32(&w, timestamp);
    return w.len;
}

static void rfc8888_counts_marks_once(void **state) {
    (void)state;
    struct sender s;
    if (!sender_begin(&s))
        return;
    bandwidth_sent_rtp(s.b, 7, 99, 1000, false, s.now_us);
    bandwidth_tick(s.b, s.now_us);
    s.now_us += 10 * MS;
    bandwidth_sent_rtp(s.b, 7, 100, 1000, false, s.now_us);
    bandwidth_sent_rtp(s.b, 8, 100, 1000, false, s.now_us);
    uint8_t bytes[64];
    s.now_us += 40 * MS;
    for (unsigned i = 0; i < 3; i++) {
        size_t len = ccfb_one(bytes, 7, 100, 0xe000, 0xfffffff0 + i * 100);
        assert_true(bandwidth_ccfb(s.b, span_of(bytes, len), s.now_us));
        len = ccfb_one(bytes, 9, 100, 0xe000, 0xfffffff0); // no such stream
        assert_true(bandwidth_ccfb(s.b, span_of(bytes, len), s.now_us));
    }
    if (bandwidth_memory(s.b) > 3000) {
        assert_int_equal(bandwidth_state(s.b).ecn_ce, 1);
        assert_int_equal(bandwidth_state(s.b).rtt_us, 40 * MS);
    }
    bandwidth_destroy(s.b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_with_the_start),
        cmocka_unit_test(limits_are_put_in_order),
        cmocka_unit_test(the_ceiling_holds_at_once),
        cmocka_unit_test(is_small),
        cmocka_unit_test(feedback_tells_rate_and_round_trip),
        cmocka_unit_test(padding_counts_as_sent_but_not_as_media),
        cmocka_unit_test(a_probe_ends_when_the_ceiling_comes_down),
        cmocka_unit_test(a_queue_that_grows_lowers_the_target),
        cmocka_unit_test(the_reference_time_wraps),
        cmocka_unit_test(what_is_told_late_was_not_lost),
        cmocka_unit_test(idle_halves),
        cmocka_unit_test(malformed_feedback_changes_nothing),
        cmocka_unit_test(replays_count_once),
        cmocka_unit_test(who_claims_too_much_gets_no_more_than_was_sent),
        cmocka_unit_test(times_that_run_backwards),
        cmocka_unit_test(everything_lost),
        cmocka_unit_test(who_never_acknowledges_gets_the_least),
        cmocka_unit_test(pauses),
        cmocka_unit_test(another_address),
        cmocka_unit_test(remb_is_followed),
        cmocka_unit_test(remb_bounds_who_has_numbers),
        cmocka_unit_test(unnumbered_packets_are_probed_blindly),
        cmocka_unit_test(reports_of_loss),
        cmocka_unit_test(reports_alone),
        cmocka_unit_test(rfc8888_counts_marks_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
