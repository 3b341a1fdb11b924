// What the send queue does when the kernel refuses a message, or messages of many segments.
#include "udp_send_bench.h"

static void an_error_of_one_message_costs_that_message_alone(void **state) {
    static const int errors[] = {ENOBUFS, EPERM, ENETUNREACH, EHOSTUNREACH, ECONNREFUSED, EACCES, ENETDOWN};
    for (size_t e = 0; e < sizeof errors / sizeof *errors; e++) {
        bench_start(state);
        struct bench *b = *state;
        wire.dead_port = 5003;
        wire.dead_error = errors[e];
        for (uint32_t i = 0; i < 70; i++)
            queue(b, 4, (uint16_t)(5000 + i % 7), i, 900);
        flush(b);
        print_message("%s\n", strerror(errors[e]));
        assert_int_equal(wire.count, 60);
        assert_int_equal(b->counters.send_failed, 10);
        assert_int_equal(udp_send_backlog(b->send), 0);
        assert_true(segments(b, 5003) && segments(b, 5000));
        bench_stop(state);
    }
}

// A machine that cannot: everybody's datagrams go singly, and for a minute nothing else is tried.
static void refused_segmentation_falls_back_and_rests(void **state) {
    static const int errors[] = {EMSGSIZE, EINVAL, EIO};
    for (size_t e = 0; e < sizeof errors / sizeof *errors; e++) {
        bench_start(state);
        struct bench *b = *state;
        wire.segment_error = errors[e];
        for (uint32_t i = 0; i < 800; i++)
            queue(b, 4, (uint16_t)(5000 + i % 80), i, 900);
        flush(b);
        print_message("%s\n", strerror(errors[e]));
        assert_int_equal(wire.count, 800); // nothing lost
        for (uint16_t p = 5000; p < 5080; p++)
            assert_int_equal(check_order(p), 10);
        assert_false(segments(b, 5000) || segments(b, 9999));
        assert_int_equal(b->counters.segmented_messages, 0);
        unsigned calls = wire.calls;
        for (uint32_t i = 0; i < 64; i++)
            queue(b, 4, 5000, 1000 + i, 900);
        flush(b);
        assert_int_equal(wire.calls - calls, 2); // plain messages, 32 a call
        b->now_us += SEGMENT_REST_ALL_US;        // the interface was exchanged
        assert_true(segments(b, 5000));
        wire.segment_error = 0;
        for (uint32_t i = 0; i < 64; i++)
            queue(b, 4, 5000, 2000 + i, 900);
        flush(b);
        assert_int_equal(b->counters.segmented_messages, 1);
        bench_stop(state);
    }
}

// A path with a small MTU refuses for its own peer; the others keep the fast way.
static void a_few_refusals_stop_nobody_else(void **state) {
    struct bench *b = *state;
    for (unsigned round = 0; round < 100; round++) {
        wire.segment_error = EINVAL;
        wire.segment_ok = 1;
        for (uint32_t i = 0; i < 8; i++)
            queue(b, 4, (uint16_t)(5000 + i % 2), round * 8 + i, 900);
        flush(b);
    }
    assert_true(segments(b, 5000));
    assert_false(segments(b, 5001));
    assert_int_equal(b->counters.segmented_messages, 100);
    assert_int_equal(wire.count, 800);
}

// EINVAL also means that the source address is gone. Then single datagrams fail too.
static void a_dead_source_address_does_not_end_segmentation(void **state) {
    struct bench *b = *state;
    wire.dead_port = 5000;
    wire.dead_error = EINVAL;
    for (unsigned round = 0; round < 100; round++) {
        for (uint32_t i = 0; i < 4; i++)
            queue(b, 4, 5000, i, 900);
        flush(b);
    }
    assert_true(segments(b, 5000));
    assert_int_equal(b->counters.send_failed, 400);
}

static void a_socket_that_fills_up_in_the_fallback_keeps_the_rest(void **state) {
    struct bench *b = *state;
    wire.segment_error = EIO;
    wire.full_after = 3;
    for (uint32_t i = 0; i < 10; i++)
        queue(b, 4, 5000, i, 900);
    flush(b);
    assert_int_equal(wire.count, 3);
    assert_int_equal(udp_send_backlog(b->send), 7);
    wire.full_after = -1;
    flush(b);
    assert_int_equal(check_order(5000), 10);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, bench_start, bench_stop)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_of_one_message_costs_that_message_alone),
        cmocka_unit_test(refused_segmentation_falls_back_and_rests),
        CASE(a_few_refusals_stop_nobody_else),
        CASE(a_dead_source_address_does_not_end_segmentation),
        CASE(a_socket_that_fills_up_in_the_fallback_keeps_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
