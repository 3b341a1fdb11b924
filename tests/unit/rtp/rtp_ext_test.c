#include "rtp/rtp_ext.h"

#include "tests/unit/rtp/bytes_of.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

// What this publisher negotiated.
static const struct ext_ids publisher = {
    .ids = {
        [EXT_MID] = 1, [EXT_RID] = 2, [EXT_TRANSPORT_CC] = 5, [EXT_AUDIO_LEVEL] = 14, [EXT_TOFFSET] = 200}};

struct row {
    const char *name;
    uint16_t profile;
    const char *block;
    const char *mid, *rid, *transport_cc, *level, *toffset; // hexadecimal; NULL: absent
};

static const struct row rows[] = {
    {"one byte: one value", 0xbede, "1061 0000", "61", NULL, NULL, NULL, NULL},
    {"one byte: several, padding between", 0xbede, "1061 00 00 51abcd e0ff 00", "61", NULL, "abcd", "ff",
     NULL},
    {"one byte: sixteen bytes", 0xbede, "2f 000102030405060708090a0b0c0d0e0f 000000", NULL,
     "000102030405060708090a0b0c0d0e0f", NULL, NULL, NULL},
    {"one byte: unknown ids are passed over", 0xbede, "3199aa 1061 000000", "61", NULL, NULL, NULL, NULL},
    {"one byte: id 15 ends the block", 0xbede, "1061 f0aa 51abcd 00", "61", NULL, NULL, NULL, NULL},
    {"one byte: id 0 with a length ends it", 0xbede, "1061 01aaaa 51abcd", "61", NULL, NULL, NULL, NULL},
    {"one byte: a value that does not fit ends it", 0xbede, "1061 2faabb", "61", NULL, NULL, NULL, NULL},
    {"one byte: a head at the very end", 0xbede, "00 1061 51", "61", NULL, NULL, NULL, NULL},
    {"one byte: of two, the first counts", 0xbede, "1061 1062", "61", NULL, NULL, NULL, NULL},
    {"one byte: all padding", 0xbede, "00000000", NULL, NULL, NULL, NULL, NULL},
    {"two bytes: values", 0x1000, "010161 c803000102 0502abcd", "61", NULL, "abcd", NULL, "000102"},
    {"two bytes: with the application's bits", 0x100f, "010161 00", "61", NULL, NULL, NULL, NULL},
    {"two bytes: an empty value is there", 0x1000, "0100 0502abcd", "", NULL, "abcd", NULL, NULL},
    {"two bytes: padding", 0x1000, "00 00 010161 000000", "61", NULL, NULL, NULL, NULL},
    {"two bytes: id 15 is an id like others", 0x1000, "0f01aa 010161 0000", "61", NULL, NULL, NULL, NULL},
    {"two bytes: a value that does not fit", 0x1000, "010161 02ffaa", "61", NULL, NULL, NULL, NULL},
    {"two bytes: a length is missing", 0x1000, "010161 02", "61", NULL, NULL, NULL, NULL},
    {"another profile says nothing", 0x1234, "1061 0000", NULL, NULL, NULL, NULL, NULL},
    {"no extensions", 0, "", NULL, NULL, NULL, NULL, NULL},
};

static void want_value(const char *row, const char *what, struct span got, const char *want) {
    if (!want) {
        if (got.ptr)
            fail_msg("%s: %s: wanted none, got %zu bytes", row, what, got.len);
        return;
    }
    struct span bytes = bytes_of(want);
    if (!got.ptr || !span_equal(got, bytes))
        fail_msg("%s: %s: wanted \"%s\", got %zu bytes", row, what, want, got.len);
    bytes_free(bytes);
}

static void values_are_found(void **state) {
    (void)state;
    struct ext_map map;
    ext_map_clear(&map);
    ext_map_add(&map, &publisher);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span block = bytes_of(rows[i].block);
        struct rtp_packet p = {.ext_profile = rows[i].profile, .extensions = block};
        struct rtp_ext_values v;
        rtp_ext_read(&p, &map, &v);
        want_value(rows[i].name, "mid", v.of[EXT_MID], rows[i].mid);
        want_value(rows[i].name, "rid", v.of[EXT_RID], rows[i].rid);
        want_value(rows[i].name, "transport-cc", v.of[EXT_TRANSPORT_CC], rows[i].transport_cc);
        want_value(rows[i].name, "level", v.of[EXT_AUDIO_LEVEL], rows[i].level);
        want_value(rows[i].name, "toffset", v.of[EXT_TOFFSET], rows[i].toffset);
        assert_null(v.of[EXT_NONE].ptr);
        bytes_free(block);
    }
}

static void nothing_is_known_before_it_is_added(void **state) {
    (void)state;
    struct ext_map map;
    memset(&map, 0xff, sizeof map);
    ext_map_clear(&map);
    struct span block = bytes_of("1061 51abcd 000000");
    struct rtp_packet p = {.ext_profile = 0xbede, .extensions = block};
    struct rtp_ext_values v;
    rtp_ext_read(&p, &map, &v);
    for (int ext = 0; ext < EXT_COUNT; ext++)
        assert_null(v.of[ext].ptr);
    bytes_free(block);
}

static void single_values(void **state) {
    (void)state;
    static const uint8_t bytes[16] = {0x85, 0x06, 1, 2, 3, 4, 5, 6, 9, 9, 9, 9, 9, 9, 9, 9};
    struct rtp_ext_values v = {0};
    uint16_t seq = 0;
    int8_t level = 0;
    bool voice = false;
    uint64_t ntp = 0;
    assert_false(rtp_ext_transport_seq(&v, &seq));
    assert_false(rtp_ext_audio_level(&v, &level, &voice));
    assert_false(rtp_ext_capture_ntp(&v, &ntp));
    for (size_t len = 0; len <= 16; len++) {
        for (int ext = 0; ext < EXT_COUNT; ext++)
            v.of[ext] = span_of(bytes, len);
        assert_int_equal(rtp_ext_transport_seq(&v, &seq), len == 2);
        assert_int_equal(rtp_ext_audio_level(&v, &level, &voice), len == 1);
        assert_int_equal(rtp_ext_capture_ntp(&v, &ntp), len == 8 || len == 16);
    }
    assert_int_equal(seq, 0x8506);
    assert_int_equal(level, -5);
    assert_true(voice);
    assert_true(ntp == UINT64_C(0x8506010203040506));
}

static void audio_level_spans_its_range(void **state) {
    (void)state;
    static const struct {
        uint8_t byte;
        int8_t level;
        bool voice;
    } levels[] = {{0x00, 0, false}, {0x80, 0, true}, {0x7f, -127, false}, {0xff, -127, true}};
    for (size_t i = 0; i < 4; i++) {
        struct rtp_ext_values v = {.of[EXT_AUDIO_LEVEL] = span_of(&levels[i].byte, 1)};
        int8_t level;
        bool voice;
        assert_true(rtp_ext_audio_level(&v, &level, &voice));
        assert_int_equal(level, levels[i].level);
        assert_int_equal(voice, levels[i].voice);
    }
}

static void abs_send_time_is_six_eighteen(void **state) {
    (void)state;
    assert_int_equal(rtp_abs_send_time(0), 0);
    assert_int_equal(rtp_abs_send_time(1000000), 1 << 18);
    assert_int_equal(rtp_abs_send_time(500000), 1 << 17);
    assert_int_equal(rtp_abs_send_time(UINT64_C(64000000)), 0); // wraps every 64 seconds
    assert_int_equal(rtp_abs_send_time(UINT64_C(65000000)), 1 << 18);
}

static void times_of_sending_are_24_bits(void **state) {
    (void)state;
    static const uint8_t bytes[][3] = {{0, 0, 1}, {0x7f, 0xff, 0xff}, {0xff, 0xff, 0xff}, {0x80, 0, 0}};
    static const uint32_t times[] = {1, 0x7fffff, 0xffffff, 0x800000};
    static const uint32_t offsets[] = {1, 0x7fffff, UINT32_MAX, 0xff800000};
    for (size_t i = 0; i < 4; i++) {
        struct rtp_ext_values v = {.of[EXT_ABS_SEND_TIME] = span_of(bytes[i], 3),
                                   .of[EXT_TOFFSET] = span_of(bytes[i], 3)};
        uint32_t value;
        assert_true(rtp_ext_abs_send_time(&v, &value));
        assert_int_equal(value, times[i]);
        assert_true(rtp_ext_toffset(&v, &value));
        assert_int_equal(value, offsets[i]);
        v.of[EXT_ABS_SEND_TIME].len = v.of[EXT_TOFFSET].len = 2;
        assert_false(rtp_ext_abs_send_time(&v, &value));
        assert_false(rtp_ext_toffset(&v, &value));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_found),
        cmocka_unit_test(nothing_is_known_before_it_is_added),
        cmocka_unit_test(single_values),
        cmocka_unit_test(audio_level_spans_its_range),
        cmocka_unit_test(abs_send_time_is_six_eighteen),
        cmocka_unit_test(times_of_sending_are_24_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
