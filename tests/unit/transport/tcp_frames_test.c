// RFC 4571: what comes out of a stream, however it is cut, and what ends it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transport/tcp_frames.h"

#include <stdlib.h>

#define BYTES_MAX 8192

static struct pool *pool;

static int pool_begin(void **state) {
    (void)state;
    pool = pool_create(64);
    return pool ? 0 : -1;
}

static int pool_end(void **state) {
    (void)state;
    if (pool_taken(pool) > 0) // every block is to be given back
        return -1;
    pool_destroy(pool);
    return 0;
}

struct stream {
    size_t len;
    uint8_t bytes[BYTES_MAX];
};

// A frame whose bytes count up from `first`.
static void put(struct stream *s, uint16_t len, uint8_t first) {
    s->bytes[s->len++] = (uint8_t)(len >> 8);
    s->bytes[s->len++] = (uint8_t)len;
    for (uint16_t i = 0; i < len; i++)
        s->bytes[s->len++] = (uint8_t)(first + i);
}

static void expect(struct block *b, uint16_t len, uint8_t first) {
    assert_non_null(b);
    assert_int_equal(b->len, len);
    assert_int_equal(b->start, BLOCK_HEADROOM);
    for (uint16_t i = 0; i < len; i++)
        assert_int_equal(block_data(b)[i], (uint8_t)(first + i));
    block_release(b);
}

static void many_frames_in_one_read(void **state) {
    (void)state;
    static struct stream s;
    s.len = 0;
    put(&s, 1, 7);
    put(&s, 20, 1);
    put(&s, 1200, 9);
    put(&s, BLOCK_DATAGRAM_MAX, 3);
    struct tcp_frames frames = {0};
    struct span in = span_of(s.bytes, s.len);
    expect(tcp_frames_next(&frames, pool, &in), 1, 7);
    expect(tcp_frames_next(&frames, pool, &in), 20, 1);
    expect(tcp_frames_next(&frames, pool, &in), 1200, 9);
    expect(tcp_frames_next(&frames, pool, &in), BLOCK_DATAGRAM_MAX, 3);
    assert_null(tcp_frames_next(&frames, pool, &in));
    assert_int_equal(in.len, 0);
    assert_false(tcp_frames_inside(&frames) || frames.broken);
}

// The same frames come out wherever the stream is cut in three.
static void a_cut_is_nowhere_to_be_seen(void **state) {
    (void)state;
    static struct stream s;
    s.len = 0;
    put(&s, 3, 1);
    put(&s, 0, 0);
    put(&s, 5, 2);
    put(&s, 260, 3);
    for (size_t a = 0; a <= s.len; a++) {
        for (size_t b = a; b <= s.len; b += b > 20 ? 38u : 1u) {
            const size_t ends[] = {a, b, s.len};
            static const struct {
                uint16_t len;
                uint8_t first;
            } wanted[] = {{3, 1}, {5, 2}, {260, 3}};
            struct tcp_frames frames = {0};
            size_t from = 0, got = 0;
            for (unsigned part = 0; part < 3; from = ends[part++]) {
                // From a buffer of its own, so that a sanitizer sees reads beyond the part.
                size_t len = ends[part] - from;
                uint8_t *copy = malloc(len + !len);
                assert_non_null(copy);
                memcpy(copy, s.bytes + from, len);
                struct span in = span_of(copy, len);
                for (struct block *block; (block = tcp_frames_next(&frames, pool, &in)); got++)
                    expect(block, wanted[got].len, wanted[got].first);
                assert_int_equal(in.len, 0);
                free(copy);
            }
            assert_int_equal(got, 3);
            assert_int_equal(frames.nulls, 1);
            assert_false(tcp_frames_inside(&frames));
        }
    }
}

static void a_length_beyond_the_limit_breaks_the_stream(void **state) {
    (void)state;
    static const uint16_t lengths[] = {BLOCK_DATAGRAM_MAX + 1, 2048, 0x1603, 0x4745, UINT16_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct stream s = {0};
        put(&s, 2, 5);
        s.bytes[s.len++] = (uint8_t)(lengths[i] >> 8);
        s.bytes[s.len++] = (uint8_t)lengths[i];
        put(&s, 2, 5);
        struct tcp_frames frames = {0};
        struct span in = span_of(s.bytes, s.len);
        expect(tcp_frames_next(&frames, pool, &in), 2, 5);
        assert_null(tcp_frames_next(&frames, pool, &in));
        assert_true(frames.broken);
        assert_int_equal(in.len, 4); // nothing behind it is looked at
        assert_null(tcp_frames_next(&frames, pool, &in));
        assert_int_equal(in.len, 4);
    }
}

static void empty_frames_are_counted_and_cost_nothing(void **state) {
    (void)state;
    static const uint8_t zeros[2 * 1000];
    struct tcp_frames frames = {0};
    struct span in = span_of(zeros, sizeof zeros);
    assert_null(tcp_frames_next(&frames, pool, &in));
    assert_int_equal(frames.nulls, 1000);
    assert_int_equal(pool_taken(pool), 0);
}

static void without_a_block_the_frame_is_lost_and_the_stream_goes_on(void **state) {
    (void)state;
    struct stream s = {0};
    put(&s, 100, 1);
    put(&s, 100, 2);
    struct block *all[64];
    for (unsigned i = 0; i < 64; i++)
        all[i] = pool_take(pool);
    struct tcp_frames frames = {0};
    struct span in = span_of(s.bytes, 102);
    assert_null(tcp_frames_next(&frames, pool, &in));
    assert_int_equal(frames.dropped, 1);
    assert_int_equal(in.len, 0);
    for (unsigned i = 0; i < 64; i++)
        block_release(all[i]);
    in = span_of(s.bytes + 102, 102);
    expect(tcp_frames_next(&frames, pool, &in), 100, 2);
}

static void half_a_frame_is_given_back(void **state) {
    (void)state;
    static const uint8_t half[] = {0, 200, 1, 2, 3};
    struct tcp_frames frames = {0};
    struct span in = span_of(half, sizeof half);
    assert_null(tcp_frames_next(&frames, pool, &in));
    assert_true(tcp_frames_inside(&frames));
    assert_int_equal(pool_taken(pool), 1);
    tcp_frames_clear(&frames);
    assert_int_equal(pool_taken(pool), 0);
    assert_false(tcp_frames_inside(&frames));
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, pool_begin, pool_end)
    const struct CMUnitTest tests[] = {
        CASE(many_frames_in_one_read),
        CASE(a_cut_is_nowhere_to_be_seen),
        CASE(a_length_beyond_the_limit_breaks_the_stream),
        CASE(empty_frames_are_counted_and_cost_nothing),
        CASE(without_a_block_the_frame_is_lost_and_the_stream_goes_on),
        CASE(half_a_frame_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
