#include "base/bytes.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void numbers_are_big_endian(void **state) {
    (void)state;
    uint8_t b[8];
    store_be16(b, 0x0102);
    assert_memory_equal(b, "\x01\x02", 2);
    store_be24(b, 0x010203);
    assert_memory_equal(b, "\x01\x02\x03", 3);
    store_be32(b, 0xf1020304);
    assert_memory_equal(b, "\xf1\x02\x03\x04", 4);
    store_be64(b, UINT64_C(0xf102030405060708));
    assert_memory_equal(b, "\xf1\x02\x03\x04\x05\x06\x07\x08", 8);
    assert_int_equal(load_be16(b), 0xf102);
    assert_int_equal(load_be24(b), 0xf10203);
    assert_int_equal(load_be32(b), 0xf1020304);
    assert_true(load_be64(b) == UINT64_C(0xf102030405060708));
}

static void a_reader_goes_through(void **state) {
    (void)state;
    uint8_t b[19];
    for (size_t i = 0; i < sizeof b; i++)
        b[i] = (uint8_t)(i + 1);
    struct reader r = reader_of(span_of(b, sizeof b));
    assert_int_equal(read_u8(&r), 0x01);
    assert_int_equal(read_u16(&r), 0x0203);
    assert_int_equal(read_u24(&r), 0x040506);
    assert_int_equal(read_u32(&r), 0x0708090a);
    assert_true(read_u64(&r) == UINT64_C(0x0b0c0d0e0f101112));
    assert_int_equal(r.left, 1);
    assert_ptr_equal(read_span(&r, 1).ptr, b + 18);
    assert_false(r.failed);
    assert_int_equal(r.left, 0);
}

// Once something was missing, everything yields zero, even what would still fit.
static void a_failed_reader_stays_failed(void **state) {
    (void)state;
    static const uint8_t b[] = {1, 2, 3};
    struct reader r = reader_of(span_of(b, 3));
    assert_int_equal(read_u32(&r), 0);
    assert_true(r.failed);
    assert_int_equal(r.left, 3);
    assert_int_equal(read_u8(&r), 0);
    assert_null(read_raw(&r, 0));
    assert_null(read_span(&r, 1).ptr);
    assert_true(read_sub(&r, 0).failed);
}

static void lengths_do_not_overflow(void **state) {
    (void)state;
    uint8_t b[4] = {0};
    struct reader r = reader_of(span_of(b, 4));
    assert_null(read_raw(&r, SIZE_MAX));
    struct writer w = writer_of(b, 4);
    write_u8(&w, 1);
    assert_null(write_raw(&w, SIZE_MAX));
    assert_true(w.failed && w.len == 1);
}

static void a_sub_reader_ends_with_its_block(void **state) {
    (void)state;
    static const uint8_t b[] = {1, 2, 3, 4};
    struct reader r = reader_of(span_of(b, 4));
    struct reader inner = read_sub(&r, 2);
    assert_int_equal(read_u16(&inner), 0x0102);
    assert_int_equal(read_u8(&inner), 0);
    assert_true(inner.failed);
    assert_false(r.failed);
    assert_int_equal(read_u16(&r), 0x0304);
    assert_true(read_sub(&r, 1).failed);
    assert_true(r.failed);
}

static void nothing_can_be_read_from_nothing(void **state) {
    (void)state;
    struct reader r = reader_of((struct span){0});
    assert_false(read_sub(&r, 0).failed);
    assert_int_equal(read_span(&r, 0).len, 0);
    assert_false(r.failed);
    assert_int_equal(read_u8(&r), 0);
    assert_true(r.failed);
}

static void a_writer_stops_at_its_end(void **state) {
    (void)state;
    uint8_t b[20];
    memset(b, 0xee, sizeof b);
    struct writer w = writer_of(b, 19);
    write_u8(&w, 1);
    write_u16(&w, 0x0203);
    write_u24(&w, 0x040506);
    write_u32(&w, 0x0708090a);
    write_u64(&w, UINT64_C(0x0b0c0d0e0f101112));
    write_span(&w, span_of("", 0));
    write_zeros(&w, 1);
    assert_false(w.failed);
    assert_int_equal(w.len, 19);
    for (uint8_t i = 0; i < 18; i++)
        assert_int_equal(b[i], i + 1);
    assert_int_equal(b[18], 0);
    write_u8(&w, 9);
    assert_true(w.failed);
    assert_int_equal(b[19], 0xee);
}

static void a_failed_writer_writes_no_more(void **state) {
    (void)state;
    uint8_t b[4] = {0};
    struct writer w = writer_of(b, 3);
    write_u32(&w, 0xffffffff);
    write_u8(&w, 0xff);
    write_span(&w, span_of("\xff", 1));
    assert_true(w.failed && w.len == 0);
    assert_memory_equal(b, "\0\0\0\0", 4);
}

static void spans_compare_by_content(void **state) {
    (void)state;
    assert_true(span_equal(span_of_text("abc"), span_of("abcd", 3)));
    assert_false(span_equal(span_of_text("abc"), span_of_text("abd")));
    assert_false(span_equal(span_of_text("abc"), span_of_text("ab")));
    assert_true(span_equal((struct span){0}, span_of_text("")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_big_endian),
        cmocka_unit_test(a_reader_goes_through),
        cmocka_unit_test(a_failed_reader_stays_failed),
        cmocka_unit_test(lengths_do_not_overflow),
        cmocka_unit_test(a_sub_reader_ends_with_its_block),
        cmocka_unit_test(nothing_can_be_read_from_nothing),
        cmocka_unit_test(a_writer_stops_at_its_end),
        cmocka_unit_test(a_failed_writer_writes_no_more),
        cmocka_unit_test(spans_compare_by_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
