// Headers that the server's own reader reads back.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "load/rtp_write.h"
#include "rtp/rtp_ext.h"

static void test_headers_read_back(void **state) {
    (void)state;
    struct ext_ids ids = {.ids = {[EXT_MID] = 4,
                                  [EXT_RID] = 10,
                                  [EXT_REPAIRED_RID] = 11,
                                  [EXT_ABS_SEND_TIME] = 2,
                                  [EXT_TRANSPORT_CC] = 3,
                                  [EXT_AUDIO_LEVEL] = 1}};
    struct rtp_head head = {.marker = true,
                            .payload_type = 96,
                            .seq = 65535,
                            .timestamp = 0xfffffff0,
                            .ssrc = 77,
                            .ids = &ids,
                            .mid = "1",
                            .rid = "r2",
                            .repaired = false,
                            .abs_send_time = 0x123456,
                            .transport_seq = 4242,
                            .audio_level = 30,
                            .voice = true};
    for (int repaired = 0; repaired < 2; repaired++) {
        uint8_t packet[128];
        struct writer w = writer_of(packet, sizeof packet);
        struct rtp_packet read;
        struct ext_map map;
        struct rtp_ext_values values;
        uint16_t transport_seq;
        int8_t level;
        bool voice;
        head.repaired = repaired;
        rtp_head_write(&w, &head);
        write_u8(&w, 0xab);
        assert_false(w.failed);
        assert_int_equal(rtp_parse(span_of(packet, w.len), &read), ERR_OK);
        assert_true(read.marker);
        assert_int_equal(read.payload_type, 96);
        assert_int_equal(read.seq, 65535);
        assert_int_equal(read.timestamp, 0xfffffff0);
        assert_int_equal(read.ssrc, 77);
        assert_int_equal(read.payload.len, 1);
        ext_map_clear(&map);
        ext_map_add(&map, &ids);
        rtp_ext_read(&read, &map, &values);
        assert_true(span_equal(values.of[EXT_MID], span_of_text("1")));
        assert_true(span_equal(values.of[repaired ? EXT_REPAIRED_RID : EXT_RID], span_of_text("r2")));
        assert_null(values.of[repaired ? EXT_RID : EXT_REPAIRED_RID].ptr);
        assert_true(rtp_ext_transport_seq(&values, &transport_seq));
        assert_int_equal(transport_seq, 4242);
        assert_true(rtp_ext_audio_level(&values, &level, &voice));
        assert_int_equal(level, -30);
        assert_true(voice);
        assert_int_equal(load_be24(values.of[EXT_ABS_SEND_TIME].ptr), 0x123456);
    }
}

static void test_what_was_not_negotiated_is_left_out(void **state) {
    (void)state;
    struct ext_ids none = {{0}};
    struct rtp_head head = {.ids = &none, .mid = "1", .rid = "r", .audio_level = 5};
    uint8_t packet[64];
    struct writer w = writer_of(packet, sizeof packet);
    rtp_head_write(&w, &head);
    assert_int_equal(w.len, 16); // the fixed header and an empty extension block
    struct writer small = writer_of(packet, 15);
    rtp_head_write(&small, &head);
    assert_true(small.failed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers_read_back),
        cmocka_unit_test(test_what_was_not_negotiated_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
