#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "rtp/rtcp_write.h"
#include "rtp/twcc.h"

#include <stdlib.h>
#include <string.h>

#define MS 1000u
#define TICK 250 // us of a delta

// What feedback tells, read by the words of section 3.1 and not by our writer.
struct told {
    int64_t arrival_us[65536]; // -1: not told, -2: told as lost
    unsigned packets;
    int last_count; // feedback packet count, -1: none yet
};

static void told_clear(struct told *t) {
    for (unsigned i = 0; i < 65536; i++)
        t->arrival_us[i] = -1;
    t->packets = 0;
    t->last_count = -1;
}

static void told_add(struct told *t, struct span datagram) {
    struct reader r = reader_of(datagram);
    uint8_t first = read_u8(&r);
    assert_int_equal(first & 0xdf, 0x8f); // version 2, FMT 15, padding or not
    assert_int_equal(read_u8(&r), 205);
    assert_int_equal((read_u16(&r) + 1) * 4, datagram.len);
    assert_int_equal(read_u32(&r), 11);
    assert_int_equal(read_u32(&r), 22);
    uint16_t base = read_u16(&r), count = read_u16(&r);
    int64_t at_us = (int64_t)read_u24(&r) * 64000;
    uint8_t feedback = read_u8(&r);
    if (t->last_count >= 0)
        assert_int_equal(feedback, (uint8_t)(t->last_count + 1));
    t->last_count = feedback;
    uint8_t symbols[65536];
    unsigned n = 0;
    while (n < count) {
        uint16_t chunk = read_u16(&r);
        unsigned here = !(chunk & 0x8000) ? chunk & 0x1fff : chunk & 0x4000 ? 7 : 14;
        assert_true(here > 0);
        for (unsigned i = 0; i < here && n < count; i++)
            symbols[n++] = (uint8_t)(!(chunk & 0x8000) ? chunk >> 13
                                     : chunk & 0x4000  ? chunk >> (12 - 2 * i) & 3
                                                       : chunk >> (13 - i) & 1);
    }
    for (unsigned i = 0; i < count; i++) {
        uint16_t seq = (uint16_t)(base + i);
        if (symbols[i] == 0) {
            if (t->arrival_us[seq] == -1)
                t->arrival_us[seq] = -2;
            continue;
        }
        at_us += symbols[i] == 1 ? read_u8(&r) * TICK : (int16_t)read_u16(&r) * TICK;
        t->arrival_us[seq] = at_us;
    }
    assert_false(r.failed);
    assert_true(r.left < 4);
    assert_int_equal(first & 0x20 ? datagram.ptr[datagram.len - 1] : 0, r.left); // RFC 3550, 6.4.1
    assert_in_range(count, 1, 400);
    t->packets++;
}

static void told_all(struct told *t, struct twcc_recorder *r, uint64_t now_us) {
    uint8_t bytes[RTCP_DATAGRAM_MAX];
    for (;;) {
        struct writer w = writer_of(bytes, sizeof bytes);
        if (!twcc_recorder_write(r, &w, 11, 22, now_us))
            break;
        told_add(t, span_of(bytes, w.len));
    }
    assert_true(twcc_recorder_next_us(r) == TIME_NEVER);
}

static struct told told;

static void arrivals_are_told_over_the_wrap(void **state) {
    (void)state;
    struct twcc_recorder *r = twcc_recorder_create();
    told_clear(&told);
    uint64_t start_us = 123456789;
    for (unsigned i = 0; i < 59; i++)
        if (i % 7 != 3)
            twcc_recorder_add(r, (uint16_t)(65500 + i), start_us + i * 3 * MS);
    assert_true(twcc_recorder_next_us(r) == start_us + FEEDBACK_INTERVAL_US);
    told_all(&told, r, start_us + FEEDBACK_INTERVAL_US);
    for (unsigned i = 0; i < 59; i++) {
        int64_t got = told.arrival_us[(uint16_t)(65500 + i)];
        int64_t expected = (int64_t)(start_us + i * 3 * MS) / TICK * TICK;
        if (i % 7 == 3)
            expected = -2;
        if (got != expected)
            fail_msg("packet %u: expected %lld, told %lld", i, (long long)expected, (long long)got);
    }
    twcc_recorder_destroy(r);
}

static void a_late_packet_is_told_when_it_comes(void **state) {
    (void)state;
    struct twcc_recorder *r = twcc_recorder_create();
    told_clear(&told);
    twcc_recorder_add(r, 10, 1000 * MS);
    twcc_recorder_add(r, 12, 1002 * MS);
    told_all(&told, r, 1050 * MS);
    assert_int_equal(told.arrival_us[11], -2);
    twcc_recorder_add(r, 11, 1060 * MS);
    told_all(&told, r, 1110 * MS);
    assert_int_equal(told.arrival_us[11], 1060 * MS);
    assert_int_equal(told.arrival_us[12], 1002 * MS); // told again with it: a negative delta
    twcc_recorder_destroy(r);
}

static void many_at_once_are_due_at_once(void **state) {
    (void)state;
    struct twcc_recorder *r = twcc_recorder_create();
    for (unsigned i = 0; i < FEEDBACK_PACKETS_SOON; i++)
        twcc_recorder_add(r, (uint16_t)i, 5000 * MS + i);
    assert_true(twcc_recorder_next_us(r) <= 5000 * MS + FEEDBACK_PACKETS_SOON);
    twcc_recorder_destroy(r);
}

// Seven hours of packets with pauses of all lengths: the time told never leaves the true one.
static void a_long_call_does_not_drift(void **state) {
    (void)state;
    struct twcc_recorder *r = twcc_recorder_create();
    srand(9);
    uint64_t now_us = 77777;
    uint16_t seq = 0;
    for (unsigned round = 0; round < 3000; round++) {
        uint64_t at_us[200];
        uint16_t from = seq;
        unsigned n = (unsigned)rand() % 150 + 1;
        for (unsigned i = 0; i < n; i++) {
            now_us += round % 100 == 0 ? (unsigned)rand() % 9000000 : (unsigned)rand() % 20000;
            at_us[i] = now_us;
            twcc_recorder_add(r, seq++, now_us);
        }
        told_clear(&told);
        told_all(&told, r, now_us);
        for (unsigned i = 0; i < n; i++) {
            // 24 bits of 64 ms wrap after twelve days.
            int64_t off = told.arrival_us[(uint16_t)(from + i)] - (int64_t)at_us[i];
            if (off > 0 || off <= -TICK)
                fail_msg("round %u, packet %u is told %lld us off", round, i, (long long)off);
        }
        now_us += 8 * US_PER_SECOND;
    }
    assert_true(now_us > 7 * 3600 * US_PER_SECOND);
    twcc_recorder_destroy(r);
}

static void jumps_are_survived(void **state) {
    (void)state;
    struct twcc_recorder *r = twcc_recorder_create();
    srand(5);
    for (unsigned i = 0; i < 20000; i++) {
        twcc_recorder_add(r, (uint16_t)rand(), 1000 * MS + (uint64_t)rand() % 1000000000);
        if (i % 50 == 0) {
            told_clear(&told);
            told_all(&told, r, 2000 * MS);
        }
    }
    assert_true(twcc_recorder_loss(r) >= 0 && twcc_recorder_loss(r) <= 1);
    twcc_recorder_destroy(r);
    twcc_recorder_destroy(NULL);
}

static void loss_is_the_share_that_never_came(void **state) {
    (void)state;
    struct twcc_recorder *r = twcc_recorder_create();
    told_clear(&told);
    for (unsigned i = 0; i < 1000; i++) {
        if (i % 10 != 5)
            twcc_recorder_add(r, (uint16_t)i, (1000 + i) * MS);
        if (i % 50 == 49)
            told_all(&told, r, (1000 + i) * MS);
    }
    float loss = twcc_recorder_loss(r);
    assert_true(loss > 0.09f && loss < 0.11f);
    twcc_recorder_destroy(r);
}

// Statuses of numbers 0, 1, ... as letters: '.' lost, else so many units of 16 ticks behind the one before;
// and how long the packet is that tells them, by the shortest chunks there are.
static void chunks_are_as_short_as_they_can_be(void **state) {
    (void)state;
    static const struct {
        const char *what, *statuses;
        size_t bytes;
    } rows[] = {
        {"one", "a", 20 + 2 + 1},
        {"all alike: one run", "aaaaaaaaaaaaaaaaaa", 20 + 2 + 18},
        {"a run to the end, however short", "aaa", 20 + 2 + 3},
        {"fourteen alike are a run", "aaaaaaaaaaaaaa.a", 20 + 2 + 2 + 15},
        {"mixed: fourteen a chunk", "a.a.a.a.a.a.a.a.a.a.a.a.a.a", 20 + 4 + 14},
        {"a delta of 255 ticks is a byte", "ap", 20 + 2 + 2},
        {"a delta of 256 ticks is two, and so are two bits", "aq", 20 + 2 + 3},
        {"large ones among small: seven a chunk", "aqaqaqaqaqaqaq", 20 + 4 + 21},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct twcc_recorder *r = twcc_recorder_create();
        assert_non_null(r);
        uint64_t at_us = 64000;
        uint8_t bytes[RTCP_DATAGRAM_MAX];
        struct writer w = writer_of(bytes, sizeof bytes);
        write_u64(&w, 0); // it follows another packet
        for (uint16_t seq = 0; rows[i].statuses[seq]; seq++) {
            char c = rows[i].statuses[seq];
            at_us += c == 'a' || c == '.' ? 0 : c == 'p' ? 255 * TICK : 256 * TICK;
            if (c != '.')
                twcc_recorder_add(r, seq, at_us);
        }
        told_clear(&told);
        assert_true(twcc_recorder_write(r, &w, 11, 22, at_us));
        told_add(&told, span_of(bytes + 8, w.len - 8));
        if (w.len - 8 != (rows[i].bytes + 3) / 4 * 4)
            fail_msg("%s: expected %zu bytes and padding, got %zu", rows[i].what, rows[i].bytes, w.len - 8);
        twcc_recorder_destroy(r);
    }
}

// The first number is the first that is told of, and a jump begins a new interval: nothing waits from before.
static void a_beginning_has_nothing_before_it(void **state) {
    (void)state;
    struct twcc_recorder *r = twcc_recorder_create();
    assert_non_null(r);
    told_clear(&told);
    twcc_recorder_add(r, 5, 64000);
    twcc_recorder_add(r, 20000, US_PER_SECOND);
    assert_int_equal(twcc_recorder_next_us(r), US_PER_SECOND + FEEDBACK_INTERVAL_US);
    told_all(&told, r, 2 * US_PER_SECOND);
    assert_int_equal(told.arrival_us[5], -1);
    twcc_recorder_add(r, 5, 3 * US_PER_SECOND);
    told_all(&told, r, 4 * US_PER_SECOND);
    assert_int_equal(told.arrival_us[5], 3 * US_PER_SECOND);
    twcc_recorder_destroy(r);
    r = twcc_recorder_create();
    assert_non_null(r);
    told_clear(&told);
    twcc_recorder_add(r, 5, 64000);
    told_all(&told, r, US_PER_SECOND);
    assert_int_equal(told.arrival_us[5], 64000);
    for (unsigned seq = 0; seq < 5; seq++)
        assert_int_equal(told.arrival_us[seq], -1);
    twcc_recorder_destroy(r);
}

// A delta has 16 bits: what is further apart is told by another packet, with a reference time of its own.
static void a_delta_that_does_not_fit_ends_the_packet(void **state) {
    (void)state;
    static const struct {
        int64_t ticks;
        unsigned packets;
    } rows[] = {{32767, 1}, {32768, 2}, {-32768, 1}, {-32769, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct twcc_recorder *r = twcc_recorder_create();
        assert_non_null(r);
        int64_t first_us = 64000000, second_us = first_us + rows[i].ticks * TICK;
        told_clear(&told);
        twcc_recorder_add(r, 1, (uint64_t)first_us);
        twcc_recorder_add(r, 2, (uint64_t)second_us);
        told_all(&told, r, (uint64_t)first_us);
        assert_int_equal(told.arrival_us[1], first_us);
        assert_int_equal(told.arrival_us[2], second_us);
        assert_int_equal(told.packets, rows[i].packets);
        twcc_recorder_destroy(r);
    }
}

// A jump by the whole window is a new beginning, in both directions; one number less is a gap.
static void the_edges_of_the_window(void **state) {
    (void)state;
    static const struct {
        int jump;
        bool anew;
    } rows[] = {
        {TWCC_WINDOW, true}, {TWCC_WINDOW - 1, false}, {-TWCC_WINDOW, true}, {1 - TWCC_WINDOW, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct twcc_recorder *r = twcc_recorder_create();
        assert_non_null(r);
        uint16_t to = (uint16_t)(20000 + rows[i].jump);
        told_clear(&told);
        twcc_recorder_add(r, 20000, 64000);
        twcc_recorder_add(r, to, 128000);
        told_all(&told, r, 200000);
        assert_int_equal(told.arrival_us[to], 128000);
        assert_int_equal(told.arrival_us[20000], rows[i].anew ? -1 : 64000);
        assert_int_equal(told.arrival_us[(uint16_t)(20000 + rows[i].jump / 2)], rows[i].anew ? -1 : -2);
        twcc_recorder_destroy(r);
    }
}

// Nobody asked for so long that the window has gone on: its oldest number is told as itself, none before it.
static void the_window_keeps_its_newest_numbers(void **state) {
    (void)state;
    struct twcc_recorder *r = twcc_recorder_create();
    assert_non_null(r);
    told_clear(&told);
    for (unsigned i = 0; i <= TWCC_WINDOW; i++)
        twcc_recorder_add(r, (uint16_t)i, 64000 + i * MS);
    told_all(&told, r, 64000 + TWCC_WINDOW * MS);
    assert_int_equal(told.arrival_us[0], -1);
    for (unsigned i = 1; i <= TWCC_WINDOW; i++)
        assert_int_equal(told.arrival_us[i], 64000 + i * MS);
    assert_int_equal(told.packets, 3); // 400 a packet
    twcc_recorder_destroy(r);
}

static void feedback_takes_a_twentieth(void **state) {
    (void)state;
    static const struct {
        const char *what;
        size_t bytes;
        uint64_t rate_bps;
        uint32_t interval_us;
    } rows[] = {
        {"a stream of video", 80, 2000000, FEEDBACK_INTERVAL_US},
        {"in between", 80, 200000, 64000},
        {"sound alone", 72, 50000, FEEDBACK_INTERVAL_MAX_US},
        {"nobody knows", 72, 0, FEEDBACK_INTERVAL_MAX_US},
        {"a lie of a rate", SIZE_MAX / 1000000000000, 1, FEEDBACK_INTERVAL_MAX_US},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct twcc_recorder *r = twcc_recorder_create();
        assert_non_null(r);
        twcc_recorder_pace(r, rows[i].bytes, rows[i].rate_bps);
        twcc_recorder_add(r, 1, US_PER_SECOND);
        uint64_t us = twcc_recorder_next_us(r) - US_PER_SECOND;
        if (us != rows[i].interval_us)
            fail_msg("%s: after %u us", rows[i].what, (unsigned)us);
        twcc_recorder_destroy(r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(feedback_takes_a_twentieth),
        cmocka_unit_test(arrivals_are_told_over_the_wrap),
        cmocka_unit_test(a_late_packet_is_told_when_it_comes),
        cmocka_unit_test(many_at_once_are_due_at_once),
        cmocka_unit_test(a_long_call_does_not_drift),
        cmocka_unit_test(jumps_are_survived),
        cmocka_unit_test(loss_is_the_share_that_never_came),
        cmocka_unit_test(chunks_are_as_short_as_they_can_be),
        cmocka_unit_test(a_beginning_has_nothing_before_it),
        cmocka_unit_test(a_delta_that_does_not_fit_ends_the_packet),
        cmocka_unit_test(the_edges_of_the_window),
        cmocka_unit_test(the_window_keeps_its_newest_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
