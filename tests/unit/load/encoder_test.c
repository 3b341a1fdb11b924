// The frames of a synthetic camera: bit rate, key frames, pace.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "load/encoder.h"
#include "load/payload.h"

#define START_US UINT64_C(1000000)

static void test_the_mean_bit_rate_holds(void **state) {
    (void)state;
    static const uint32_t rates[] = {100000, 500000, 2500000};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct encoder e;
        struct encoded_frame frame;
        uint64_t bytes = 0;
        encoder_init(&e, rates[i], 30, 10 * US_PER_SECOND, START_US);
        for (unsigned n = 0; n < 900; n++) {
            encoder_frame(&e, encoder_next_us(&e), &frame);
            assert_true(frame.packet_bytes >= PAYLOAD_MIN && frame.packet_bytes <= PAYLOAD_MAX);
            bytes += (uint64_t)frame.packets * frame.packet_bytes;
        }
        double told = (double)bytes * 8 / 30;
        print_message("%u bit/s: %.0f\n", rates[i], told);
        assert_true(told > rates[i] * 0.97 && told < rates[i] * 1.03);
    }
}

static void test_key_frames_come_first_on_request_and_at_an_interval(void **state) {
    (void)state;
    struct encoder e;
    struct encoded_frame frame;
    encoder_init(&e, 500000, 30, 2 * US_PER_SECOND, START_US);
    for (unsigned n = 0; n < 200; n++) {
        if (n == 3) // too soon after the first: comes when KEY_FRAME_GAP_US are over
            encoder_want_key(&e);
        encoder_frame(&e, encoder_next_us(&e), &frame);
        bool key = n == 0 || n == 9 || n == 69 || n == 129 || n == 189;
        if (frame.key != key)
            print_message("frame %u: expected key %d\n", n, key);
        assert_int_equal(frame.key, key);
        assert_int_equal(frame.since_key == 0, key);
        assert_true(!key || frame.packets >= 2);
    }
}

static void test_frames_are_due_at_the_rate_and_paced(void **state) {
    (void)state;
    struct encoder e;
    struct encoded_frame frame;
    encoder_init(&e, 2000000, 25, 10 * US_PER_SECOND, START_US);
    for (unsigned n = 0; n < 50; n++) {
        assert_int_equal(encoder_next_us(&e), START_US + n * 40000);
        encoder_frame(&e, encoder_next_us(&e), &frame);
        assert_int_equal(frame.timestamp, n * 3600);
        // 2.5 times the rate: all packets of an ordinary frame leave within the frame's time.
        if (!frame.key)
            assert_true((uint64_t)frame.gap_us * frame.packets < 40000);
        assert_true((uint64_t)frame.gap_us * 5000000 / 8 / 1000000 <= frame.packet_bytes);
    }
}

static void test_a_skipped_frame_takes_its_time(void **state) {
    (void)state;
    struct encoder e;
    struct encoded_frame frame;
    encoder_init(&e, 500000, 30, 10 * US_PER_SECOND, START_US);
    encoder_skip(&e);
    encoder_frame(&e, encoder_next_us(&e), &frame);
    assert_int_equal(frame.number, 1);
    assert_int_equal(frame.timestamp, 3000);
    assert_true(frame.key);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_mean_bit_rate_holds),
        cmocka_unit_test(test_key_frames_come_first_on_request_and_at_an_interval),
        cmocka_unit_test(test_frames_are_due_at_the_rate_and_paced),
        cmocka_unit_test(test_a_skipped_frame_takes_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
