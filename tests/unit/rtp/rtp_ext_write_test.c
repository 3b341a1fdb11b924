#include "rtp/rtp_ext_write.h"

#include "rtp/rtp_ext.h"
#include "tests/unit/rtp/bytes_of.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

static const struct row {
    const char *name;
    const char *block; // one-byte form
    uint8_t ids[2];
    const char *values[2]; // NULL: no more
    const char *want;      // "" for failure
} rows[] = {
    {"nothing more", "bede 0001 10 aa 0000", {0}, {NULL}, "bede 0001 10 aa 0000"},
    {"padding inside goes", "bede 0002 10 aa 0000 20 bb 0000", {0}, {NULL}, "bede 0001 10 aa 20 bb"},
    {"a short one stays in one-byte form",
     "bede 0001 10 aa 0000",
     {5},
     {"beef"},
     "bede 0002 10 aa 51 beef 000000"},
    {"16 bytes are short",
     "bede 0000",
     {7},
     {"000102030405060708090a0b0c0d0e0f"},
     "bede 0005 7f 000102030405060708090a0b0c0d0e0f 000000"},
    {"17 are not: all take the two-byte form",
     "bede 0001 10 aa 0000",
     {7},
     {"000102030405060708090a0b0c0d0e0f10"},
     "1000 0006 01 01 aa 07 11 000102030405060708090a0b0c0d0e0f10 0000"},
    {"an id of 15 is not", "bede 0001 10 aa 0000", {15}, {"bb"}, "1000 0002 01 01 aa 0f 01 bb 0000"},
    {"an id of 14 is", "bede 0000", {14}, {"bb"}, "bede 0001 e0 bb 0000"},
    {"nor is an id of 200", "bede 0000", {200}, {"bb"}, "1000 0001 c8 01 bb 00"},
    {"nor a value of nothing", "bede 0000", {3}, {""}, "1000 0001 03 00 0000"},
    {"one long and one short", "bede 0000", {5, 200}, {"beef", "cc"}, "1000 0002 05 02 beef c8 01 cc 00"},
    {"a malformed end is left", "bede 0001 10 aa 3f bb", {5}, {"cc"}, "bede 0001 10 aa 50 cc"},
    {"what follows id 15 is left", "bede 0002 10 aa f0 bb 20 cc 0000", {5}, {"dd"}, "bede 0001 10 aa 50 dd"},
    {"no id 0", "bede 0000", {0}, {"aa"}, ""},
};

static unsigned elements_of(const struct row *row, struct span values[2], struct rtp_ext_element out[2]) {
    unsigned n = 0;
    for (; n < 2 && row->values[n]; n++) {
        values[n] = bytes_of(row->values[n]);
        out[n] = (struct rtp_ext_element){row->ids[n], values[n]};
    }
    return n;
}

static void blocks_are_written(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span values[2], block = bytes_of(rows[i].block), want = bytes_of(rows[i].want);
        struct rtp_ext_element more[2];
        unsigned n = elements_of(&rows[i], values, more);
        uint8_t out[512];
        // Behind a fixed header, at any place.
        struct writer w = writer_of(out, sizeof out);
        write_zeros(&w, 12);
        rtp_ext_write(&w, block, more, n);
        if (want.len == 0 ? !w.failed : w.failed || !span_equal(span_of(out + 12, w.len - 12), want))
            fail_msg("%s: %zu bytes, failed %d", rows[i].name, w.len - 12, w.failed);
        // Without room for the last byte it fails.
        for (size_t cap = 0; want.len > 0 && cap < want.len; cap++) {
            w = writer_of(out, cap);
            rtp_ext_write(&w, block, more, n);
            assert_true(w.failed);
        }
        while (n > 0)
            bytes_free(values[--n]);
        bytes_free(block);
        bytes_free(want);
    }
}

static void the_longest_value_is_255_bytes(void **state) {
    (void)state;
    static const uint8_t bytes[256], empty[] = {0xbe, 0xde, 0, 0};
    uint8_t out[512];
    for (size_t len = 254; len <= 256; len++) {
        struct writer w = writer_of(out, sizeof out);
        struct rtp_ext_element e = {7, span_of(bytes, len)};
        rtp_ext_write(&w, span_of(empty, sizeof empty), &e, 1);
        assert_int_equal(w.failed, len > 255);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_written),
        cmocka_unit_test(the_longest_value_is_255_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
