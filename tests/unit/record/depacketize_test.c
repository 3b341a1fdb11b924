// Payloads of each codec to frames as files have them, by vectors of real encoders where sizes are read; and
// what a gap does.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/depacketize.h"

#include <stdio.h>
#include <string.h>

// One packet as digits, "320x240" beside frames. A row whose frame is NULL gives none.
struct step {
    const char *payload;
    uint32_t timestamp;
    bool marker, gap;
    const char *frame, *size;
    bool key;
};

static unsigned digit(char c) {
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

static size_t bytes_of(const char *digits, uint8_t *out) {
    size_t len = 0;
    for (; *digits; digits++)
        if (*digits != ' ') {
            out[len++] = (uint8_t)(digit(digits[0]) << 4 | digit(digits[1]));
            digits++;
        }
    return len;
}

static void expect_frame(struct depacketizer *d, const struct step *step, size_t row) {
    struct record_frame frame;
    uint8_t wanted[512];
    char size[16];
    if (!depacketizer_next(d, &frame)) {
        if (step->frame)
            fail_msg("row %zu: no frame", row);
        return;
    }
    if (!step->frame)
        fail_msg("row %zu: a frame", row);
    size_t len = bytes_of(step->frame, wanted);
    if (frame.bytes.len != len || memcmp(frame.bytes.ptr, wanted, len) != 0) {
        for (size_t i = 0; i < frame.bytes.len; i++)
            print_message("%02x", frame.bytes.ptr[i]);
        fail_msg(": row %zu: another frame", row);
    }
    assert_int_equal(frame.key, step->key);
    assert_int_equal(frame.timestamp, step->timestamp);
    snprintf(size, sizeof size, "%ux%u", frame.width, frame.height);
    if (step->size)
        assert_string_equal(size, step->size);
    assert_false(depacketizer_next(d, &frame));
}

static void run(enum media_codec codec, const struct step *steps, size_t count) {
    struct depacketizer *d = depacketizer_create(codec);
    assert_non_null(d);
    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[512];
        size_t len = bytes_of(steps[i].payload, bytes);
        depacketizer_push(d, &(struct packet_in){.payload = span_of(bytes, len),
                                                 .timestamp = steps[i].timestamp,
                                                 .marker = steps[i].marker,
                                                 .gap = steps[i].gap});
        expect_frame(d, &steps[i], i);
    }
    depacketizer_destroy(d);
}
#define RUN(codec, steps) run(codec, steps, sizeof(steps) / sizeof(steps)[0])

#define VP8_KEY "100000 9d012a 4001 f000 aa"

static void vp8(void **state) {
    (void)state;
    static const struct step steps[] = {
        {.payload = "10 0100 bb", .timestamp = 1, .marker = true}, // what comes before a key frame
        {.payload = "90 80 8123 " VP8_KEY, .timestamp = 2},
        {.payload = "80 80 8123 cc",
         .timestamp = 2,
         .marker = true,
         .key = true,
         .size = "320x240",
         .frame = VP8_KEY " cc"},
        {.payload = "90 f0 23 01 20 01dd",
         .timestamp = 3,
         .marker = true,
         .frame = "01dd"},                                                   // TL0, TID, KEYIDX
        {.payload = "10 01ee", .timestamp = 4, .marker = true, .gap = true}, // one is missing
        {.payload = "10 01ee", .timestamp = 5, .marker = true},
        {.payload = "10 " VP8_KEY,
         .timestamp = 6,
         .marker = true,
         .key = true,
         .size = "320x240",
         .frame = VP8_KEY},
        {.payload = "10 01 11", .timestamp = 7}, // its end comes without a marker
        {.payload = "10 01 22", .timestamp = 8, .frame = NULL},
    };
    struct step last[sizeof steps / sizeof steps[0]];
    memcpy(last, steps, sizeof steps);
    run(CODEC_VP8, last, sizeof steps / sizeof steps[0] - 1);
    static const struct step cut[] = {
        {.payload = "10 " VP8_KEY, .timestamp = 1},
        {.payload = "00 cc", .timestamp = 1, .gap = true, .marker = true}, // its middle is missing
        {.payload = "10 0100", .timestamp = 2, .marker = true},
        {.payload = "00 " VP8_KEY, .timestamp = 3, .marker = true}, // its beginning is
        {.payload = "10 " VP8_KEY, .timestamp = 4, .marker = true, .key = true, .frame = VP8_KEY},
        {.payload = "", .timestamp = 4},                      // padding
        {.payload = "80 80", .timestamp = 5, .marker = true}, // a descriptor without its end
        {.payload = "10 0100", .timestamp = 6, .marker = true},
    };
    RUN(CODEC_VP8, cut);
}

// A frame without a marker is over when the next one begins.
static void a_frame_ends_with_its_time(void **state) {
    (void)state;
    struct depacketizer *d = depacketizer_create(CODEC_VP8);
    struct record_frame frame;
    uint8_t first[64], second[64];
    size_t a = bytes_of("10 " VP8_KEY, first), b = bytes_of("10 01 22", second);
    depacketizer_push(d, &(struct packet_in){.payload = span_of(first, a), .timestamp = 1});
    assert_false(depacketizer_next(d, &frame));
    depacketizer_push(d, &(struct packet_in){.payload = span_of(second, b), .timestamp = 2, .marker = true});
    assert_true(depacketizer_next(d, &frame));
    assert_true(frame.key && frame.timestamp == 1);
    assert_true(depacketizer_next(d, &frame));
    assert_true(!frame.key && frame.timestamp == 2 && frame.bytes.len == 2);
    assert_false(depacketizer_next(d, &frame));
    depacketizer_destroy(d);
}

static void vp9(void **state) {
    (void)state;
    // A key frame of 320x240 in profile 0: marker, sync code, colours, size.
    static const struct step steps[] = {
        {.payload = "88 01 82498342 0013f00ef0",
         .timestamp = 1,
         .marker = true,
         .key = true,
         .size = "320x240",
         .frame = "82498342 0013f00ef0"},
        {.payload = "c8 02 86 00", .timestamp = 2, .marker = true, .frame = "86 00"},
        // Two layers of one picture: one packet of the file, with its index.
        {.payload = "aa 03 00 00 20 82498342 0013f00ef0", .timestamp = 3},
        {.payload = "ec 03 03 00 86 11",
         .timestamp = 3,
         .marker = true,
         .key = true,
         .frame = "82498342 0013f00ef0 8611 d9 09000000 02000000 d9"},
        {.payload = "98", .timestamp = 4, .marker = true}, // nothing behind the descriptor
    };
    RUN(CODEC_VP9, steps);
}

#define SPS "6742c00cda0507ec0440000003004000000783c50aa8"
#define PPS "68ce0fc8"
#define SPS_LARGE "6742c028da01e0089ea6c044000003000400000300783c60ca80"
#define CODE "00000001 "

static void h264(void **state) {
    (void)state;
    static const struct step steps[] = {
        {.payload = "65 aa", .timestamp = 1, .marker = true}, // without parameter sets nobody reads it
        {.payload = "78 0016 " SPS " 0004 " PPS, .timestamp = 2},
        {.payload = "7c 85 1122", .timestamp = 2},
        {.payload = "7c 05 33", .timestamp = 2},
        {.payload = "7c 45 44",
         .timestamp = 2,
         .marker = true,
         .key = true,
         .size = "320x240",
         .frame = CODE SPS CODE PPS CODE "65 11223344"},
        {.payload = "41 55", .timestamp = 3, .marker = true, .frame = CODE "41 55"},
        {.payload = "65 66",
         .timestamp = 4,
         .marker = true,
         .key = true,
         .size = "320x240",
         .frame = CODE SPS CODE PPS CODE "65 66"},
        {.payload = SPS_LARGE, .timestamp = 5},
        {.payload = PPS, .timestamp = 5},
        {.payload = "65 77",
         .timestamp = 5,
         .marker = true,
         .key = true,
         .size = "1918x1078",
         .frame = CODE SPS_LARGE CODE PPS CODE "65 77"},
        {.payload = "7c 05 33", .timestamp = 6, .marker = true},   // the middle of a unit
        {.payload = "78 0016 67", .timestamp = 7, .marker = true}, // a length that lies
        {.payload = "7c 85 11", .timestamp = 8, .marker = true},   // a unit without an end
        {.payload = "41 55", .timestamp = 9, .marker = true},      // waits now
        {.payload = "65 88",
         .timestamp = 10,
         .marker = true,
         .key = true,
         .frame = CODE SPS_LARGE CODE PPS CODE "65 88"},
    };
    RUN(CODEC_H264, steps);
}

#define SEQUENCE "000000043cffbcfbf90040"

static void av1(void **state) {
    (void)state;
    static const struct step steps[] = {
        // Delimiter (left out), sequence header and a frame, each with its size: W = 0.
        {.payload = "08 01 10 0c 08" SEQUENCE " 03 30 1122",
         .timestamp = 1,
         .marker = true,
         .key = true,
         .size = "320x240",
         .frame = "0a0b" SEQUENCE " 3202 1122"},
        {.payload = "10 30 334455", .timestamp = 2, .marker = true, .frame = "3203 334455"}, // W = 1
        {.payload = "50 30 66", .timestamp = 3},                                             // Y: goes on
        {.payload = "d0 77", .timestamp = 3},
        {.payload = "90 88", .timestamp = 3, .marker = true, .frame = "3203 667788"},
        {.payload = "20 02 3401 3000",
         .timestamp = 4,
         .marker = true,
         .frame = "360100 320100"},                                    // not of our making
        {.payload = "90 88", .timestamp = 5, .marker = true},          // continues nothing
        {.payload = "88 08" SEQUENCE, .timestamp = 6, .marker = true}, // N with Z
        {.payload = "00 7f 30", .timestamp = 7, .marker = true},       // a length that lies
    };
    struct step own[sizeof steps / sizeof steps[0]];
    memcpy(own, steps, sizeof steps);
    own[5] =
        (struct step){.payload = "20 02 3001 3002", .timestamp = 4, .marker = true, .frame = "320101 320102"};
    RUN(CODEC_AV1, own);
}

static void opus(void **state) {
    (void)state;
    static const struct step steps[] = {
        {.payload = "7c aabb", .timestamp = 1, .key = true, .frame = "7c aabb"},
        {.payload = "7c cc", .timestamp = 2, .gap = true, .marker = true, .key = true, .frame = "7c cc"},
        {.payload = "", .timestamp = 3},
        {.payload = "03", .timestamp = 4}, // a code whose count is missing
        {.payload = "7c dd", .timestamp = 5, .key = true, .frame = "7c dd"},
    };
    RUN(CODEC_OPUS, steps);
    static const struct {
        const char *packet;
        unsigned samples;
    } rows[] = {{"00", 480},    {"08", 960}, {"10", 1920}, {"18", 2880}, {"60", 480},
                {"68", 960},    {"80", 120}, {"98", 960},  {"99", 1920}, {"9b03", 2880},
                {"9b06", 5760}, {"9b07", 0}, {"9b00", 0},  {"1b03", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[8];
        size_t len = bytes_of(rows[i].packet, bytes);
        assert_int_equal(opus_packet_samples(span_of(bytes, len)), rows[i].samples);
    }
}

static void what_is_no_codec_of_files(void **state) {
    (void)state;
    assert_null(depacketizer_create(CODEC_H265));
    depacketizer_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vp8),
        cmocka_unit_test(a_frame_ends_with_its_time),
        cmocka_unit_test(vp9),
        cmocka_unit_test(h264),
        cmocka_unit_test(av1),
        cmocka_unit_test(opus),
        cmocka_unit_test(what_is_no_codec_of_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
