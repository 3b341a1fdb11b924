#include "rtp/codec.h"

#include "tests/unit/rtp/bytes_of.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

// What a row wants, as letters: S frame start, K key frame, Y layer sync; "!" malformed.
struct row {
    const char *name;
    enum media_codec codec;
    const char *payload;
    const char *descriptor; // NULL: none
    const char *want;
    uint8_t spatial, temporal;
};

static const struct row rows[] = {
    // VP8: X R N S R PID | I L T K | PictureID | TL0PICIDX | TID Y KEYIDX | frame
    {"vp8: minimal, key", CODEC_VP8, "10 500200 9d012a", NULL, "SKY", 0, 0},
    {"vp8: minimal, delta", CODEC_VP8, "10 31", NULL, "S", 0, 0},
    {"vp8: inside a key frame", CODEC_VP8, "00 50", NULL, "", 0, 0},
    {"vp8: second partition", CODEC_VP8, "11 50", NULL, "", 0, 0},
    {"vp8: chrome key frame", CODEC_VP8, "90 e0 92af 01 20 10 f30a 9d012a8002e001", NULL, "SKY", 0, 0},
    {"vp8: chrome delta, TID 2, sync", CODEC_VP8, "90 e0 92b0 01 a0 11 0202", NULL, "SY", 0, 2},
    {"vp8: chrome delta, TID 1, no sync", CODEC_VP8, "90 e0 92b1 01 40 11 0202", NULL, "S", 0, 1},
    {"vp8: short picture id", CODEC_VP8, "90 80 12 10", NULL, "SKY", 0, 0},
    {"vp8: KEYIDX alone gives no layer", CODEC_VP8, "90 10 ff 11", NULL, "S", 0, 0},
    {"vp8: no extension flags", CODEC_VP8, "90 00 10", NULL, "SKY", 0, 0},
    {"vp8: descriptor without a frame", CODEC_VP8, "10", NULL, "!", 0, 0},
    {"vp8: long picture id cut", CODEC_VP8, "90 80 92", NULL, "!", 0, 0},

    // VP9: I P L F B E V Z
    {"vp9: two sizes fill the descriptor", CODEC_VP9, "8a 1b 30 0140 00b4 0280 0168", NULL, "!", 0, 0},
    {"vp9: not flexible, without its TL0PICIDX", CODEC_VP9, "a8 8123 02", NULL, "!", 0, 0},
    {"vp9: not flexible, TL0PICIDX and no more", CODEC_VP9, "a8 8123 02 07", NULL, "!", 0, 0},
    {"vp9: a group of two pictures, the frame missing", CODEC_VP9, "8a 1b 08 02 0000", NULL, "!", 0, 0},
    {"vp9: a group of two pictures", CODEC_VP9, "8a 1b 08 02 0000 86", NULL, "SKY", 0, 0},
    {"vp9: key, two sizes and a group", CODEC_VP9,
     "aa 8123 00 00 38 0140 00b4 0280 0168 02 04 01 14 01 824983", NULL, "SKY", 0, 0},
    {"vp9: key, sizes alone", CODEC_VP9, "8a 1b 10 0280 0168 82", NULL, "SKY", 0, 0},
    {"vp9: delta", CODEC_VP9, "c8 1c 86", NULL, "S", 0, 0},
    {"vp9: inside a key frame", CODEC_VP9, "80 1b 99", NULL, "", 0, 0},
    {"vp9: upper layer of the key picture", CODEC_VP9, "a8 8123 02 07 86", NULL, "S", 1, 0},
    {"vp9: TID 2, switching up, SID 1", CODEC_VP9, "e8 8124 53 07 86", NULL, "SY", 1, 2},
    {"vp9: flexible, three references", CODEC_VP9, "f8 8124 42 03 05 06 86", NULL, "S", 1, 2},
    {"vp9: flexible, a fourth reference", CODEC_VP9, "f8 8124 42 03 05 07 08 86", NULL, "!", 0, 0},
    {"vp9: flexible key frame has no references", CODEC_VP9, "b8 8124 00 86", NULL, "SKY", 0, 0},
    {"vp9: end of a frame", CODEC_VP9, "84 1b 99", NULL, "", 0, 0},
    {"vp9: nothing but a descriptor", CODEC_VP9, "88 1b", NULL, "!", 0, 0},
    {"vp9: structure counts more pictures than there are", CODEC_VP9, "8a 1b 08 ff 0401 82", NULL, "!", 0, 0},

    // H264
    {"h264: sps", CODEC_H264, "67 42e01f 8c8d40", NULL, "SKY", 0, 0},
    {"h264: pps", CODEC_H264, "68 ce3c80", NULL, "S", 0, 0},
    {"h264: delimiter", CODEC_H264, "09 10", NULL, "S", 0, 0},
    {"h264: idr, first slice", CODEC_H264, "65 b8", NULL, "SKY", 0, 0},
    {"h264: idr, a later slice", CODEC_H264, "65 4b", NULL, "", 0, 0},
    {"h264: delta, first slice", CODEC_H264, "41 9a", NULL, "S", 0, 0},
    {"h264: delta, a later slice", CODEC_H264, "41 4a", NULL, "", 0, 0},
    {"h264: STAP-A sps pps", CODEC_H264, "78 0004 6742e01f 0004 68ce3c80", NULL, "SKY", 0, 0},
    {"h264: STAP-A sps pps idr", CODEC_H264, "78 0004 6742e01f 0002 68ce 0002 65b8", NULL, "SKY", 0, 0},
    {"h264: STAP-A of two deltas", CODEC_H264, "58 0002 419a 0002 414a", NULL, "S", 0, 0},
    {"h264: STAP-A, the last size lies", CODEC_H264, "78 0004 6742e01f 0005 68ce3c80", NULL, "!", 0, 0},
    {"h264: STAP-A, an empty unit", CODEC_H264, "78 0000", NULL, "!", 0, 0},
    {"h264: STAP-A of nothing", CODEC_H264, "78", NULL, "!", 0, 0},
    {"h264: FU-A starts an idr", CODEC_H264, "7c 85 b800", NULL, "SKY", 0, 0},
    {"h264: FU-A goes on", CODEC_H264, "7c 05 b800", NULL, "", 0, 0},
    {"h264: FU-A ends", CODEC_H264, "7c 45 b800", NULL, "", 0, 0},
    {"h264: FU-A starts a later slice", CODEC_H264, "7c 85 4800", NULL, "", 0, 0},
    {"h264: FU-A starts a delta", CODEC_H264, "5c 81 9a00", NULL, "S", 0, 0},
    {"h264: FU-A without its head", CODEC_H264, "7c", NULL, "!", 0, 0},
    {"h264: type 0", CODEC_H264, "60 00", NULL, "!", 0, 0},
    {"h264: STAP-B, not negotiated", CODEC_H264, "79 0000 0002 65b8", NULL, "!", 0, 0},
    {"h264: type 31", CODEC_H264, "7f 00", NULL, "!", 0, 0},

    // H265: F type(6) layer(6) tid+1(3)
    {"h265: vps", CODEC_H265, "4001 0c01", NULL, "SKY", 0, 0},
    {"h265: sps", CODEC_H265, "4201 0101", NULL, "SKY", 0, 0},
    {"h265: pps", CODEC_H265, "4401 c0f1", NULL, "SKY", 0, 0},
    {"h265: delimiter", CODEC_H265, "4601 50", NULL, "S", 0, 0},
    {"h265: idr, first slice", CODEC_H265, "2601 af08", NULL, "SKY", 0, 0},
    {"h265: idr, a later slice", CODEC_H265, "2601 2f08", NULL, "", 0, 0},
    {"h265: cra", CODEC_H265, "2a01 af08", NULL, "SKY", 0, 0},
    {"h265: the last of the random access types", CODEC_H265, "2e01 af08", NULL, "SKY", 0, 0},
    {"h265: the first of the random access types", CODEC_H265, "2001 af08", NULL, "SKY", 0, 0},
    {"h265: the first of the sub-layer access types", CODEC_H265, "0402 d0", NULL, "SY", 0, 1},
    {"h265: step-wise temporal sub-layer access", CODEC_H265, "0a02 d0", NULL, "SY", 0, 1},
    {"h265: SEI before a picture", CODEC_H265, "4e01 05", NULL, "S", 0, 0},
    {"h265: end of a sequence", CODEC_H265, "4801 00", NULL, "", 0, 0},
    {"h265: trailing picture", CODEC_H265, "0201 d0", NULL, "S", 0, 0},
    {"h265: temporal layer 2", CODEC_H265, "0203 d0", NULL, "S", 0, 2},
    {"h265: temporal sub-layer access", CODEC_H265, "0602 d0", NULL, "SY", 0, 1},
    {"h265: AP vps sps", CODEC_H265, "6001 0004 40010c01 0004 42010101", NULL, "SKY", 0, 0},
    {"h265: AP of two deltas", CODEC_H265, "6002 0003 0202d0 0003 020250", NULL, "S", 0, 1},
    {"h265: AP, a size lies", CODEC_H265, "6001 0005 40010c01", NULL, "!", 0, 0},
    {"h265: AP of nothing", CODEC_H265, "6001", NULL, "!", 0, 0},
    {"h265: AP with a unit of one byte", CODEC_H265, "6001 0001 40", NULL, "!", 0, 0},
    {"h265: FU starts an idr", CODEC_H265, "6201 93 af08", NULL, "SKY", 0, 0},
    {"h265: FU goes on", CODEC_H265, "6201 13 af08", NULL, "", 0, 0},
    {"h265: FU ends", CODEC_H265, "6201 53 af08", NULL, "", 0, 0},
    {"h265: FU without its head", CODEC_H265, "6201", NULL, "!", 0, 0},
    {"h265: TID 0 is illegal", CODEC_H265, "4000 0c01", NULL, "!", 0, 0},
    {"h265: half a head", CODEC_H265, "40", NULL, "!", 0, 0},
    {"h265: PACI", CODEC_H265, "6401 0000", NULL, "!", 0, 0},

    // AV1: Z Y W(2) N; OBU: F type(4) X S
    {"av1: N, sequence header and frame", CODEC_AV1, "28 0a 0a0b0000002d4cffb3c088 32 1000", NULL, "!", 0, 0},
    {"av1: N, two elements", CODEC_AV1, "28 04 08000000 30 1000", NULL, "SKY", 0, 0},
    {"av1: sequence header without N", CODEC_AV1, "20 04 08000000 30 1000", NULL, "SKY", 0, 0},
    {"av1: one frame", CODEC_AV1, "10 30 2000", NULL, "S", 0, 0},
    {"av1: temporal delimiter", CODEC_AV1, "10 10 00", NULL, "S", 0, 0},
    {"av1: frame header", CODEC_AV1, "10 18 00", NULL, "S", 0, 0},
    {"av1: metadata", CODEC_AV1, "10 28 00", NULL, "S", 0, 0},
    {"av1: a length of nine bytes", CODEC_AV1, "00 808080808080808000 02 3000", NULL, "!", 0, 0},
    {"av1: a length of eight bytes", CODEC_AV1, "00 8080808080808000 02 3000", NULL, "", 0, 0},
    {"av1: one frame to be continued", CODEC_AV1, "50 30 2000", NULL, "S", 0, 0},
    {"av1: continued", CODEC_AV1, "90 08 2000", NULL, "", 0, 0},
    {"av1: continued, then a tile group", CODEC_AV1, "a0 01 08 20 00", NULL, "", 0, 0},
    {"av1: tile group", CODEC_AV1, "10 20 00", NULL, "", 0, 0},
    {"av1: layers in the OBU extension", CODEC_AV1, "10 34 48 00", NULL, "S", 0, 2},
    {"av1: the second OBU tells the layer", CODEC_AV1, "20 01 28 34 48 00", NULL, "S", 0, 2},
    {"av1: continued, then an OBU that tells it", CODEC_AV1, "a0 01 08 24 48 00", NULL, "", 0, 2},
    {"av1: continued, of an upper spatial layer", CODEC_AV1, "90 34 48 00", NULL, "", 0, 0},
    {"av1: each with its length", CODEC_AV1, "00 03 300102 02 2000", NULL, "S", 0, 0},
    {"av1: a length of two bytes", CODEC_AV1, "00 8300 300102", NULL, "S", 0, 0},
    {"av1: an element is missing", CODEC_AV1, "20 03 300102", NULL, "!", 0, 0},
    {"av1: an element is empty", CODEC_AV1, "00 00 02 3000", NULL, "", 0, 0},
    {"av1: a length lies", CODEC_AV1, "00 04 300102", NULL, "!", 0, 0},
    {"av1: a length without end", CODEC_AV1, "00 ffffffffffffffffff", NULL, "!", 0, 0},
    {"av1: the largest length", CODEC_AV1, "00 ffffffffffffff7f 30", NULL, "!", 0, 0},
    {"av1: forbidden bit", CODEC_AV1, "10 b0 00", NULL, "!", 0, 0},
    {"av1: extension cut", CODEC_AV1, "10 34", NULL, "!", 0, 0},
    {"av1: N with Z", CODEC_AV1, "98 08 00", NULL, "!", 0, 0},
    {"av1: nothing but the aggregation header", CODEC_AV1, "10", NULL, "!", 0, 0},

    // Dependency descriptor: start end template(6) | frame number(16) | structure ...
    {"dd: key frame", CODEC_AV1, "10 30 2000", "80 0001 80", "SKY", 0, 0},
    {"dd: start of a delta frame", CODEC_AV1, "10 30 2000", "82 0002", "S", 0, 0},
    {"dd: extended without a structure", CODEC_AV1, "10 30 2000", "82 0002 40", "S", 0, 0},
    {"dd: inside a frame", CODEC_AV1, "10 30 2000", "42 0002", "", 0, 0},
    {"dd: a structure but no start", CODEC_AV1, "10 30 2000", "40 0002 80", "", 0, 0},
    {"dd: too short to count", CODEC_AV1, "10 30 2000", "80 00", "S", 0, 0},
    {"dd: empty", CODEC_AV1, "10 30 2000", "", "S", 0, 0},
    {"dd: encrypted payload", CODEC_AV1, "98 ffff", "80 0001 80", "SKY", 0, 0},
    {"dd: encrypted h264", CODEC_H264, "00 ffff", "c0 0001 80", "SKY", 0, 0},
    {"dd: vp8 keeps its layer", CODEC_VP8, "90 e0 92b0 01 a0 11", "80 0001", "SY", 0, 2},

    {"opus: sound", CODEC_OPUS, "78 0102030405", NULL, "S", 0, 0},
    {"opus: silence", CODEC_OPUS, "78", NULL, "S", 0, 0},
    {"opus: has no key frames", CODEC_OPUS, "78 01", "80 0001 80", "S", 0, 0},
};

static void letters_of(const struct codec_frame *f, bool ok, char out[8]) {
    char *p = out;
    if (!ok)
        *p++ = '!';
    if (f->frame_start)
        *p++ = 'S';
    if (f->key_frame)
        *p++ = 'K';
    if (f->layers.sync)
        *p++ = 'Y';
    *p = 0;
}

static void payloads_are_inspected(void **state) {
    (void)state;
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct span payload = bytes_of(row->payload);
        struct span descriptor = row->descriptor ? bytes_of(row->descriptor) : (struct span){0};
        struct codec_frame frame;
        memset(&frame, 0xff, sizeof frame);
        bool ok = codec_inspect(row->codec, payload, descriptor, &frame);
        char got[8];
        letters_of(&frame, ok, got);
        if (strcmp(got, row->want) != 0 || frame.layers.spatial != row->spatial ||
            frame.layers.temporal != row->temporal) {
            print_error("%s: wanted \"%s\" S%u T%u, got \"%s\" S%u T%u\n", row->name, row->want, row->spatial,
                        row->temporal, got, frame.layers.spatial, frame.layers.temporal);
            wrong++;
        }
        bytes_free(payload);
        bytes_free(descriptor);
    }
    assert_int_equal(wrong, 0);
}

// Every codec reads every prefix of every row without a look past its end.
static void prefixes_are_safe(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span whole = bytes_of(rows[i].payload);
        for (size_t n = 1; n <= whole.len; n++) {
            struct span cut = bytes_copy(whole.ptr, n);
            for (int codec = CODEC_OPUS; codec <= CODEC_AV1; codec++) {
                struct codec_frame f;
                bool ok = codec_inspect((enum media_codec)codec, cut, (struct span){0}, &f);
                assert_false(!ok && (f.frame_start || f.key_frame || f.layers.sync || f.layers.spatial ||
                                     f.layers.temporal));
                assert_false(f.key_frame && !f.frame_start);
            }
            bytes_free(cut);
        }
        bytes_free(whole);
    }
}

static void descriptors_of_any_length_are_safe(void **state) {
    (void)state;
    struct span payload = bytes_of("10 30 2000");
    struct span whole = bytes_of("80 0001 80 ffffffff");
    for (size_t n = 0; n <= whole.len; n++) {
        struct span cut = bytes_copy(whole.ptr, n);
        struct codec_frame f;
        assert_true(codec_inspect(CODEC_AV1, payload, cut, &f));
        assert_int_equal(f.key_frame, n >= 4);
        bytes_free(cut);
    }
    bytes_free(whole);
    bytes_free(payload);
}

static void picture_numbers_are_found(void **state) {
    (void)state;
    static const struct {
        enum media_codec codec;
        const char *payload;
        struct picture_places places;
    } rows_of[] = {
        {CODEC_VP8, "10 10", {0}},
        {CODEC_VP8, "90 80 12 10", {.id_at = 2}},
        {CODEC_VP8, "90 80 9234 10", {.id_at = 2, .id_long = true}},
        {CODEC_VP8, "90 c0 12 07 10", {.id_at = 2, .tl0_at = 3}},
        {CODEC_VP8, "90 c0 9234 07 10", {.id_at = 2, .id_long = true, .tl0_at = 4}},
        {CODEC_VP8, "90 40 07 10", {.tl0_at = 2}},
        {CODEC_VP8, "90 a0 9234 20 10", {.id_at = 2, .id_long = true}},
        {CODEC_VP9, "08 82", {0}},
        {CODEC_VP9, "88 12 82", {.id_at = 1}},
        {CODEC_VP9, "88 9234 82", {.id_at = 1, .id_long = true}},
        {CODEC_VP9, "a8 9234 00 07 82", {.id_at = 1, .id_long = true, .tl0_at = 4}},
        {CODEC_VP9, "a8 12 00 07 82", {.id_at = 1, .tl0_at = 3}},
        {CODEC_VP9, "28 00 07 82", {.tl0_at = 2}},
        {CODEC_VP9, "b8 9234 00 82", {.id_at = 1, .id_long = true}}, // flexible: none
        {CODEC_H264, "65 88", {0}},
    };
    for (size_t i = 0; i < sizeof rows_of / sizeof *rows_of; i++) {
        struct span payload = bytes_of(rows_of[i].payload);
        struct codec_frame f;
        assert_true(codec_inspect(rows_of[i].codec, payload, (struct span){0}, &f));
        if (memcmp(&f.pictures, &rows_of[i].places, sizeof f.pictures) != 0)
            fail_msg("%s: got %u, %u, %u", rows_of[i].payload, f.pictures.id_at, f.pictures.id_long,
                     f.pictures.tl0_at);
        bytes_free(payload);
    }
}

static void codecs_have_names_and_manners(void **state) {
    (void)state;
    static const struct {
        enum media_codec codec;
        const char *mime;
        bool needs_key_frame;
    } codecs[] = {{CODEC_OPUS, "audio/opus", false}, {CODEC_VP8, "video/VP8", true},
                  {CODEC_VP9, "video/VP9", true},    {CODEC_H264, "video/H264", true},
                  {CODEC_H265, "video/H265", true},  {CODEC_AV1, "video/AV1", true}};
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++) {
        assert_string_equal(codec_mime(codecs[i].codec), codecs[i].mime);
        assert_int_equal(codec_needs_key_frame(codecs[i].codec), codecs[i].needs_key_frame);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payloads_are_inspected),
        cmocka_unit_test(prefixes_are_safe),
        cmocka_unit_test(descriptors_of_any_length_are_safe),
        cmocka_unit_test(picture_numbers_are_found),
        cmocka_unit_test(codecs_have_names_and_manners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
