// Payloads that a forwarder reads as what they are meant to be, and whose marks come back.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "load/payload.h"
#include "rtp/codec.h"

#include <stdio.h>

static struct payload_note note_of(enum media_codec codec, bool key, uint16_t index, uint16_t count) {
    return (struct payload_note){
        .codec = codec,
        .mark = {.source = 7, .send_us = 123456789, .frame = 40000, .index = index, .count = count},
        .bytes = 700,
        .width = 640,
        .height = 360,
        .key = key,
        .temporal = key ? 0 : 2,
        .temporal_layers = 3,
    };
}

static const enum media_codec video[] = {CODEC_VP8, CODEC_VP9, CODEC_H264, CODEC_AV1};

static void test_a_forwarder_reads_frames(void **state) {
    (void)state;
    struct span none = {0};
    for (size_t c = 0; c < sizeof video / sizeof video[0]; c++)
        for (int key = 0; key < 2; key++)
            for (uint16_t index = 0; index < 4; index++) {
                struct payload_note note = note_of(video[c], key, index, 4);
                uint8_t payload[PAYLOAD_MAX];
                struct codec_frame frame;
                payload_write(&note, payload);
                print_message("%s key %d packet %u\n", codec_mime(video[c]), key, index);
                assert_true(codec_inspect(video[c], span_of(payload, note.bytes), none, &frame));
                // H264 begins a key frame with its parameter sets and says so again with the picture.
                bool again = video[c] == CODEC_H264 && key && index == 1;
                assert_int_equal(frame.frame_start, index == 0 || again);
                assert_int_equal(frame.key_frame, key && (index == 0 || again));
                if (video[c] != CODEC_H264 && (video[c] != CODEC_AV1 || index == 0))
                    assert_int_equal(frame.layers.temporal, key ? 0 : 2);
            }
}

static void test_a_frame_of_one_packet(void **state) {
    (void)state;
    struct span none = {0};
    for (size_t c = 0; c < sizeof video / sizeof video[0]; c++) {
        struct payload_note note = note_of(video[c], false, 0, 1);
        uint8_t payload[PAYLOAD_MAX];
        struct codec_frame frame;
        note.bytes = PAYLOAD_MIN;
        payload_write(&note, payload);
        assert_true(codec_inspect(video[c], span_of(payload, note.bytes), none, &frame));
        assert_true(frame.frame_start);
        assert_false(frame.key_frame);
    }
}

static void test_marks_come_back(void **state) {
    (void)state;
    struct payload_note note = note_of(CODEC_OPUS, false, 0, 1);
    struct mark mark;
    uint8_t payload[PAYLOAD_MAX];
    note.temporal_layers = 1;
    payload_write(&note, payload);
    assert_true(mark_read(span_of(payload, note.bytes), &mark));
    assert_int_equal(mark.source, 7);
    assert_int_equal(mark.send_us, 123456789);
    assert_int_equal(mark.frame, 40000);
    assert_int_equal(mark.index, 0);
    assert_int_equal(mark.count, 1);
    assert_false(mark_read(span_of(payload, note.bytes - 1), &mark));
    assert_false(mark_read(span_of(payload, MARK_BYTES - 1), &mark));
    payload[note.bytes - MARK_BYTES] ^= 1;
    assert_false(mark_read(span_of(payload, note.bytes), &mark));
}

static void test_silence_is_one_byte(void **state) {
    (void)state;
    struct payload_note note = {.codec = CODEC_OPUS, .bytes = PAYLOAD_DTX_BYTES, .temporal_layers = 1};
    uint8_t payload[2] = {0, 0xee};
    payload_write(&note, payload);
    assert_in_range(PAYLOAD_DTX_BYTES, 1, 2); // RFC 6716: what the encoder gives while there is nothing to send
    assert_int_equal(payload[1], 0xee);
}

static void test_temporal_patterns(void **state) {
    (void)state;
    static const struct {
        unsigned layers;
        uint8_t of[8];
    } rows[] = {{1, {0, 0, 0, 0, 0, 0, 0, 0}}, {2, {0, 1, 0, 1, 0, 1, 0, 1}}, {3, {0, 2, 1, 2, 0, 2, 1, 2}}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (uint32_t frame = 0; frame < 8; frame++)
            assert_int_equal(payload_temporal(rows[i].layers, frame), rows[i].of[frame]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_forwarder_reads_frames), cmocka_unit_test(test_a_frame_of_one_packet),
        cmocka_unit_test(test_marks_come_back),          cmocka_unit_test(test_silence_is_one_byte),
        cmocka_unit_test(test_temporal_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
