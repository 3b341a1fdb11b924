#include "rtp/red.h"

#include "tests/unit/rtp/bytes_of.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define OPUS 111 // 6f; with the bit that says that more follow, ef

// RFC 2198, section 3; the first two as Chromium sends them, one and two frames again.
static const struct row {
    const char *name, *bytes;
    bool red, opus; // all blocks of payload type 111
    unsigned primary_at;
} rows[] = {
    {"the primary block alone", "6f aabb", true, true, 1},
    {"one frame again", "ef0f0003 6f 010203 aabb", true, true, 8},
    {"two frames again", "ef1e0002 ef0f0003 6f 0101 020202 aa", true, true, 14},
    {"a length of ten bits", "ef0f0302 6f 00", false, false, 0},
    {"an empty frame again", "ef0f0000 6f aa", true, true, 5},
    {"another codec again", "e00f0001 6f 01 aa", true, false, 6},
    {"another codec first", "ef0f0001 60 01 aa", true, false, 6},
    {"no primary block", "ef0f0003 6f 010203", false, false, 0},
    {"a frame that is cut off", "ef0f0003 6f 0102", false, false, 0},
    {"no last header", "ef0f0001", false, false, 0},
    {"half a header", "ef0f00", false, false, 0},
    {"headers alone", "ef0f0001 6f", false, false, 0},
    {"one header alone", "6f", false, false, 0},
    {"nothing", "", false, false, 0},
};

static void packets_are_read(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span payload = bytes_of(rows[i].bytes);
        uint16_t primary_at = 0;
        bool red = red_read(payload, &primary_at);
        if (red != rows[i].red || (red && primary_at != rows[i].primary_at))
            fail_msg("%s: %d, at %u", rows[i].name, red, primary_at);
        if (red && red_is_of(payload, OPUS) != rows[i].opus)
            fail_msg("%s: of which codec", rows[i].name);
        bytes_free(payload);
    }
}

static void lengths_of_ten_bits_are_read(void **state) {
    (void)state;
    uint8_t bytes[5 + 0x302 + 1] = {0xef, 0x0f, 0x03, 0x02, 0x6f};
    uint16_t primary_at;
    assert_true(red_read(span_of(bytes, sizeof bytes), &primary_at));
    assert_int_equal(primary_at, 5 + 0x302);
    assert_false(red_read(span_of(bytes, sizeof bytes - 1), &primary_at));
}

static void there_are_not_endlessly_many_blocks(void **state) {
    (void)state;
    for (unsigned blocks = RED_BLOCKS_MAX; blocks <= RED_BLOCKS_MAX + 1; blocks++) {
        uint8_t bytes[4 * RED_BLOCKS_MAX + 2] = {0};
        uint16_t primary_at;
        for (unsigned i = 0; i + 1 < blocks; i++)
            bytes[4 * i] = 0xef;
        bytes[4 * (blocks - 1)] = 0x6f;
        assert_int_equal(red_read(span_of(bytes, sizeof bytes), &primary_at), blocks == RED_BLOCKS_MAX);
    }
}

static void blocks_get_another_payload_type(void **state) {
    (void)state;
    struct span before = bytes_of("ef1e0002 ef0f0003 6f efef 6f6f6f ef");
    struct span want = bytes_of("e41e0002 e40f0003 64 efef 6f6f6f ef");
    uint8_t bytes[64];
    memcpy(bytes, before.ptr, before.len);
    red_set_payload_type(bytes, before.len, 100);
    assert_memory_equal(bytes, want.ptr, want.len);
    assert_true(red_is_of(span_of(bytes, before.len), 100));
    bytes_free(before);
    bytes_free(want);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_read),
        cmocka_unit_test(lengths_of_ten_bits_are_read),
        cmocka_unit_test(there_are_not_endlessly_many_blocks),
        cmocka_unit_test(blocks_get_another_payload_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
