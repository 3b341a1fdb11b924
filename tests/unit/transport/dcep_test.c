// DATA_CHANNEL_OPEN and DATA_CHANNEL_ACK: the bytes of browsers, and bytes that are neither.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "transport/dcep.h"

#define HEADER(type, parameter, label, protocol)                                                             \
    3, (type), 1, 0, 0, 0, (parameter) >> 8, (parameter) & 0xff, 0, (label), 0, (protocol)

static void what_browsers_send(void **state) {
    (void)state;
    static const struct {
        uint8_t bytes[24];
        size_t len;
        struct data_stream stream;
        const char *label, *protocol;
    } rows[] = {
        {{HEADER(0x00, 0, 4, 0), 'c', 'h', 'a', 't'}, 16, {0, true, DATA_RELIABLE, 0}, "chat", ""},
        {{HEADER(0x80, 0, 0, 0)}, 12, {0, false, DATA_RELIABLE, 0}, "", ""},
        {{HEADER(0x00, 7, 1, 1), 'a', 'b'}, 14, {0, true, DATA_RELIABLE, 0}, "a", "b"}, // 7 is to be ignored
        {{HEADER(0x01, 3, 1, 0), 'a'}, 13, {0, true, DATA_MAX_RETRANSMITS, 3}, "a", ""},
        {{HEADER(0x81, 0, 1, 0), 'a'}, 13, {0, false, DATA_MAX_RETRANSMITS, 0}, "a", ""},
        {{HEADER(0x82, 500, 2, 0), 0xc3, 0xa4}, 14, {0, false, DATA_MAX_LIFETIME, 500}, "\xc3\xa4", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct data_channel_params got;
        enum dcep_type type;
        struct span message = span_of(rows[i].bytes, rows[i].len);
        assert_int_equal(dcep_read_type(message, &type), ERR_OK);
        assert_int_equal(type, DCEP_OPEN);
        assert_int_equal(dcep_read_open(message, &got), ERR_OK);
        assert_int_equal(got.stream.ordered, rows[i].stream.ordered);
        assert_int_equal(got.stream.reliability, rows[i].stream.reliability);
        assert_int_equal(got.stream.limit, rows[i].stream.limit);
        assert_string_equal(got.label, rows[i].label);
        assert_string_equal(got.protocol, rows[i].protocol);
    }
}

static void what_is_none(void **state) {
    (void)state;
    static const struct {
        uint8_t bytes[24];
        size_t len;
    } rows[] = {
        {{0}, 0},
        {{3}, 1},
        {{HEADER(0x00, 0, 0, 0)}, 11},
        {{HEADER(0x03, 0, 0, 0)}, 12},                         // no such type
        {{HEADER(0x00, 0, 4, 0), 'c', 'h', 'a'}, 15},          // shorter than it says
        {{HEADER(0x00, 0, 2, 0), 'c', 'h', 'a'}, 15},          // longer
        {{HEADER(0x00, 0, 200, 200), 'c'}, 13},                //
        {{HEADER(0x00, 0, 1, 0), 0}, 13},                      // NUL
        {{HEADER(0x00, 0, 1, 0), '\n'}, 13},                   // a control character
        {{HEADER(0x00, 0, 1, 0), 0xc3}, 13},                   // half a character
        {{HEADER(0x00, 0, 2, 0), 0xc0, 0xaf}, 14},             // overlong
        {{HEADER(0x00, 0, 3, 0), 0xed, 0xa0, 0x80}, 15},       // half a surrogate pair
        {{HEADER(0x00, 0, 4, 0), 0xf4, 0x90, 0x80, 0x80}, 16}, // beyond Unicode
        {{HEADER(0x00, 0, 3, 0), 0xe0, 0x80, 0x80}, 15},       //
        {{HEADER(0x00, 0, 2, 0), 0xc3, 0x28}, 14},             //
        {{4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 12},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct data_channel_params got;
        assert_int_equal(dcep_read_open(span_of(rows[i].bytes, rows[i].len), &got), ERR_MALFORMED);
    }
    enum dcep_type type;
    assert_int_equal(dcep_read_type((struct span){0}, &type), ERR_MALFORMED);
    assert_int_equal(dcep_read_type(span_of("\2\2", 2), &type), ERR_MALFORMED);
    assert_int_equal(dcep_read_type(span_of("\2", 1), &type), ERR_OK);
    assert_int_equal(type, DCEP_ACK);
}

static void long_labels_are_refused_whole(void **state) {
    (void)state;
    uint8_t bytes[1024];
    struct data_channel_params channel = {.stream = {.ordered = true}}, got;
    memset(channel.label, 'a', DATA_TEXT_MAX);
    size_t len = dcep_write_open(&channel, bytes, sizeof bytes);
    assert_int_equal(dcep_read_open(span_of(bytes, len), &got), ERR_OK);
    assert_string_equal(got.label, channel.label);
    memmove(bytes + 13, bytes + 12, len - 12);
    store_be16(bytes + 8, DATA_TEXT_MAX + 1);
    assert_int_equal(dcep_read_open(span_of(bytes, len + 1), &got), ERR_LIMIT);
    assert_int_equal(dcep_write_open(&channel, bytes, 20), 0);
}

static void every_form_reads_as_it_was_written(void **state) {
    (void)state;
    uint8_t bytes[600];
    for (unsigned r = 0; r < DATA_RELIABILITY_COUNT; r++)
        for (unsigned ordered = 0; ordered < 2; ordered++) {
            struct data_channel_params channel = {.stream = {.ordered = ordered,
                                                             .reliability = (enum data_reliability)r,
                                                             .limit = r == DATA_RELIABLE ? 0 : 65535},
                                                  .label = "label",
                                                  .protocol = "protocol"},
                                       got;
            size_t len = dcep_write_open(&channel, bytes, sizeof bytes);
            assert_int_equal(dcep_read_open(span_of(bytes, len), &got), ERR_OK);
            assert_memory_equal(&got, &channel, sizeof got);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_browsers_send),
        cmocka_unit_test(what_is_none),
        cmocka_unit_test(long_labels_are_refused_whole),
        cmocka_unit_test(every_form_reads_as_it_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
