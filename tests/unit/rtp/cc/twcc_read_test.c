#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtp/cc/twcc_read.h"
#include "rtp/twcc.h"

struct expected {
    uint16_t seq;
    bool received;
    int64_t ticks;
};

static void assert_walk(struct span fci, const struct expected *expected, unsigned count) {
    struct twcc_walk walk;
    struct twcc_status status;
    assert_true(twcc_walk_of(fci, &walk));
    for (unsigned i = 0; i < count; i++) {
        assert_true(twcc_walk_next(&walk, &status));
        assert_int_equal(status.seq, expected[i].seq);
        assert_int_equal(status.received, expected[i].received);
        if (status.received)
            assert_int_equal(status.arrival_ticks, expected[i].ticks);
    }
    assert_false(twcc_walk_next(&walk, &status));
}

static void assert_malformed(const uint8_t *bytes, size_t len) {
    struct twcc_walk walk;
    assert_false(twcc_walk_of(span_of(bytes, len), &walk));
}

// Base 0xfffe, three statuses, reference 2 (of 64 ms), count 7; a run of three small deltas.
static void run_length(void **state) {
    (void)state;
    static const uint8_t fci[] = {0xff, 0xfe, 0, 3, 0, 0, 2, 7, 0x20, 3, 4, 8, 0};
    static const struct expected expected[] = {{0xfffe, true, 516}, {0xffff, true, 524}, {0, true, 524}};
    assert_walk(span_of(fci, sizeof fci), expected, 3);
}

// One bit each: came, lost, came, and eleven that are beyond the count.
static void vector_of_one_bit(void **state) {
    (void)state;
    static const uint8_t fci[] = {0, 1, 0, 3, 0, 0, 0, 0, 0xa8, 0, 1, 2};
    static const struct expected expected[] = {{1, true, 1}, {2, false, 0}, {3, true, 3}};
    assert_walk(span_of(fci, sizeof fci), expected, 3);
}

// Two bits each: small, large (back by 256), lost; then a run of two lost.
static void vector_of_two_bits(void **state) {
    (void)state;
    static const uint8_t fci[] = {0, 1, 0, 9, 0, 0, 1, 0, 0xd8, 0, 0, 2, 200, 0xff, 0};
    static const struct expected expected[] = {{1, true, 456}, {2, true, 200}, {3, false, 0},
                                               {4, false, 0},  {5, false, 0},  {6, false, 0},
                                               {7, false, 0},  {8, false, 0},  {9, false, 0}};
    assert_walk(span_of(fci, sizeof fci), expected, 9);
}

static void every_truncation_is_malformed(void **state) {
    (void)state;
    static const uint8_t fci[] = {0, 1, 0, 9, 0, 0, 1, 0, 0xd8, 0, 0, 2, 200, 0xff, 0};
    for (size_t len = 0; len < sizeof fci; len++)
        assert_malformed(fci, len);
}

static void what_must_not_be(void **state) {
    (void)state;
    static const uint8_t none[] = {0, 1, 0, 0, 0, 0, 1, 0, 0x20, 1, 4};
    static const uint8_t reserved_run[] = {0, 1, 0, 1, 0, 0, 1, 0, 0x60, 1, 4, 4, 4};
    static const uint8_t reserved_symbol[] = {0, 1, 0, 1, 0, 0, 1, 0, 0xf0, 0, 4, 4, 4};
    static const uint8_t empty_run[] = {0, 1, 0, 1, 0, 0, 1, 0, 0x20, 0, 4, 4, 4};
    assert_malformed(none, sizeof none);
    assert_malformed(reserved_run, sizeof reserved_run);
    assert_malformed(reserved_symbol, sizeof reserved_symbol);
    assert_malformed(empty_run, sizeof empty_run);
}

// What our own recorder writes reads back: gaps, late ones, pauses.
static void reads_what_is_written(void **state) {
    (void)state;
    struct twcc_recorder *recorder = twcc_recorder_create();
    if (!recorder)
        return;
    uint64_t random = 1, arrival_us = 123456789;
    for (unsigned round = 0; round < 50; round++) {
        uint64_t arrivals[200] = {0};
        uint16_t base = (uint16_t)(65400 + round * 200);
        for (unsigned i = 0; i < 200; i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            arrival_us += random >> 33 & 0xffff;
            if ((random >> 50) % 5 == 0)
                continue;
            arrivals[i] = arrival_us;
            twcc_recorder_add(recorder, (uint16_t)(base + i), arrival_us);
        }
        uint8_t bytes[1500];
        for (struct writer w;
             w = writer_of(bytes, sizeof bytes), twcc_recorder_write(recorder, &w, 1, 2, arrival_us);) {
            size_t padding = bytes[0] & 0x20 ? bytes[w.len - 1] : 0;
            struct twcc_walk walk;
            struct twcc_status status;
            assert_true(twcc_walk_of(span_of(bytes + 12, w.len - 12 - padding), &walk));
            while (twcc_walk_next(&walk, &status)) {
                uint16_t at = (uint16_t)(status.seq - base);
                if (at >= 200)
                    continue; // lost at the end of the round before
                assert_int_equal(status.received, arrivals[at] != 0);
                if (status.received)
                    assert_int_equal(status.arrival_ticks, arrivals[at] / TWCC_TICK_US);
            }
        }
    }
    twcc_recorder_destroy(recorder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_length),         cmocka_unit_test(vector_of_one_bit),
        cmocka_unit_test(vector_of_two_bits), cmocka_unit_test(every_truncation_is_malformed),
        cmocka_unit_test(what_must_not_be),   cmocka_unit_test(reads_what_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
