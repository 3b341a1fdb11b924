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
    assert_true(twcc_recorder_next_us(r) == start_us + TWCC_INTERVAL_US);
    told_all(&told, r, start_us + TWCC_INTERVAL_US);
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
    for (unsigned i = 0; i < TWCC_PACKETS_SOON; i++)
        twcc_recorder_add(r, (uint16_t)i, 5000 * MS + i);
    assert_true(twcc_recorder_next_us(r) <= 5000 * MS + TWCC_PACKETS_SOON);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrivals_are_told_over_the_wrap),
        cmocka_unit_test(a_late_packet_is_told_when_it_comes),
        cmocka_unit_test(many_at_once_are_due_at_once),
        cmocka_unit_test(a_long_call_does_not_drift),
        cmocka_unit_test(jumps_are_survived),
        cmocka_unit_test(loss_is_the_share_that_never_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
