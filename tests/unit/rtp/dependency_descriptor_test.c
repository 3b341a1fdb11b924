#include "rtp/dependency_descriptor.h"

#include "tests/unit/rtp/bytes_of.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

// The first packet of AV1 L3T3 as Chromium 156 sends it, and those that follow.
#define KEY                                                                                                  \
    "80081485214eafffaaaa863cf0430c10c302afc0aaa0063c00430010c002a000a80006000040001d954926e082b04a0941b820" \
    "ac1282503"                                                                                              \
    "157f974000ca864330e222222eca8655304224230eca8775300ef008601df010d03bf021b"

struct row {
    const char *bytes,
        *want; // number, layer, first and last packet, references, indications, distances of chains
};

static const struct row chromium[] = {
    {"c10001" KEY, "1 S0T0 se SSSSSSSSS 0 0 0 key structure"},
    {"c60002", "2 S1T0 se 1 ---SSSSSS 1 1 1"},
    {"8b0003", "3 S2T0 s 1 ------SSS 2 1 1 aside"},
    {"4b0003", "3 S2T0 e 1 ------SSS 2 1 1 aside"},
    {"c30004", "4 S0T2 se 3 --D--R--R 3 2 1"},
    {"c80005", "5 S1T2 se 1 3 -----D--R 4 3 2"},
    {"cd0006", "6 S2T2 se 1 3 --------D 5 4 3 aside"},
    {"c20007", "7 S0T1 se 6 -DS-RR-RR 6 5 4"},
    {"c70008", "8 S1T1 se 1 6 ----DS-RR 7 6 5"},
    {"8c0009", "9 S2T1 s 1 6 -------DS 8 7 6 aside"},
    {"c4000a", "10 S0T2 se 3 --D--R--R 9 8 7"},
    {"c0000d", "13 S0T0 se 12 SSSRRRRRR 12 11 10"},
    {"85000e", "14 S1T0 s 1 12 ---SSSRRR 1 1 1"},
    {"0a000f", "15 S2T0 1 12 ------SSS 2 1 1 aside"},
};

static void describe(const struct dd_reader *reader, const struct dd_frame *frame, struct span bytes,
                     char *out) {
    const struct layer_facts *f = &frame->facts;
    const struct dd_structure *s = &reader->structure;
    out += sprintf(out, "%u S%uT%u", f->number, f->spatial, f->temporal);
    if (frame->starts || frame->ends)
        out += sprintf(out, " %s%s", frame->starts ? "s" : "", frame->ends ? "e" : "");
    for (unsigned i = 0; i < 64; i++)
        if (f->refs >> i & 1)
            out += sprintf(out, " %u", i + 1);
    *out++ = ' ';
    for (unsigned d = 0; d < s->target_count; d++)
        *out++ = "-DSR"[layer_dti_of(f, d)];
    for (unsigned c = 0; c < s->chain_count; c++) {
        uint8_t diff;
        assert_true(dd_chain_diff(reader, bytes, c, &diff));
        out += sprintf(out, " %u", diff);
    }
    sprintf(out, "%s%s%s", f->flags & LAYER_KEY ? " key" : "", frame->brings_structure ? " structure" : "",
            f->flags & LAYER_ASIDE ? " aside" : "");
    assert_int_equal(!!(f->flags & LAYER_ENDS), frame->ends);
}

static bool read(struct dd_reader *reader, const char *hex, struct dd_frame *frame) {
    struct span bytes = bytes_of(hex);
    bool ok = dd_read(reader, bytes, frame);
    bytes_free(bytes);
    return ok;
}

static void a_browsers_stream_is_read(void **state) {
    (void)state;
    struct dd_reader reader = {0};
    for (size_t i = 0; i < sizeof chromium / sizeof *chromium; i++) {
        struct span bytes = bytes_of(chromium[i].bytes);
        struct dd_frame frame;
        char got[200];
        assert_true(dd_read(&reader, bytes, &frame));
        describe(&reader, &frame, bytes, got);
        if (strcmp(got, chromium[i].want) != 0)
            fail_msg("row %zu: wanted \"%s\", got \"%s\"", i, chromium[i].want, got);
        assert_int_equal(frame.facts.structure, 1);
        bytes_free(bytes);
    }
    const struct dd_structure *s = &reader.structure;
    assert_int_equal(s->template_count, 15);
    assert_int_equal(s->spatial_layers, 3);
    assert_int_equal(s->temporal_layers, 3);
    assert_int_equal(s->whole, 0x100);
    for (unsigned d = 0; d < 9; d++) {
        assert_int_equal(s->target_spatial[d], d / 3);
        assert_int_equal(s->target_temporal[d], d % 3);
        assert_int_equal(s->target_chain[d], d / 3);
    }
    assert_int_equal(s->within[4], 0x1b); // S1T1 has all of S0T0, S0T1, S1T0 and itself
}

static void the_best_target_fits_and_is_sent(void **state) {
    (void)state;
    static const struct {
        int spatial, temporal;
        uint32_t active;
        unsigned want;
    } rows[] = {{-1, -1, 0x1ff, 8}, {1, -1, 0x1ff, 5}, {2, 0, 0x1ff, 6}, {0, 0, 0x1ff, 0},
                {7, 7, 0x1ff, 8},   {-1, -1, 0x3f, 5}, {0, 1, 0x1c0, 6}, {-1, 1, 0x3f, 4}};
    struct dd_reader reader = {0};
    struct dd_frame frame;
    assert_true(read(&reader, chromium[0].bytes, &frame));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(dd_best_target(&reader.structure, rows[i].active, rows[i].spatial, rows[i].temporal),
                         rows[i].want);
}

// Each prefix, and each bit turned, is read without a look past its end, and what is malformed changes
// nothing.
static void what_is_malformed_changes_nothing(void **state) {
    (void)state;
    struct span whole = bytes_of(chromium[0].bytes);
    for (size_t n = 0; n < whole.len; n++) {
        struct dd_reader reader = {0}, before = {0};
        struct dd_frame frame;
        struct span cut = bytes_copy(whole.ptr, n);
        bool ok = dd_read(&reader, cut, &frame);
        assert_true(n == DD_MANDATORY_BYTES ? ok : !ok);
        if (!ok)
            assert_memory_equal(&reader, &before, sizeof reader);
        bytes_free(cut);
    }
    for (size_t bit = 0; bit < whole.len * 8; bit++) {
        struct dd_reader reader = {0};
        struct dd_frame frame;
        uint8_t turned[256];
        memcpy(turned, whole.ptr, whole.len);
        turned[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
        struct span bytes = bytes_copy(turned, whole.len);
        if (dd_read(&reader, bytes, &frame))
            assert_true(reader.structure.target_count <= DD_TARGETS_MAX &&
                        reader.structure.template_count <= DD_TEMPLATES_MAX);
        bytes_free(bytes);
    }
    bytes_free(whole);
    struct dd_reader reader = {0};
    struct dd_frame frame;
    assert_true(read(&reader, "c00001", &frame)); // of a structure that nobody has seen
    assert_int_equal(frame.facts.structure, 0);
    assert_int_equal(frame.facts.number, 1);
    assert_true(read(&reader, chromium[0].bytes, &frame));
    assert_true(read(&reader, "ff0005", &frame)); // a template that the structure does not have
    assert_int_equal(frame.facts.structure, 0);
}

static void what_is_late_does_not_take_the_stream_back(void **state) {
    (void)state;
    struct dd_reader reader = {0};
    struct dd_frame frame;
    assert_true(read(&reader, "c10100" KEY, &frame));
    assert_true(read(&reader, "c10200" KEY, &frame));
    assert_int_equal(frame.facts.structure, 2);
    assert_true(read(&reader, "c10180" KEY, &frame));
    assert_int_equal(frame.facts.structure, 0);
    assert_int_equal(reader.structure.generation, 2);
    assert_true(read(&reader, "c00181", &frame)); // from before the key frame
    assert_int_equal(frame.facts.structure, 0);
    assert_true(read(&reader, "c10200" KEY, &frame)); // again, as a repeat
    assert_int_equal(frame.facts.structure, 2);
    // Hours without a key frame: numbers wrap.
    for (uint32_t n = 0x200; n < 0x200 + 300000; n += 1000) {
        char hex[8];
        snprintf(hex, sizeof hex, "c0%04x", n & 0xffff);
        assert_true(read(&reader, hex, &frame));
        assert_int_equal(frame.facts.structure, 2);
    }
    dd_reader_reset(&reader);
    assert_true(read(&reader, "c00001", &frame));
    assert_int_equal(frame.facts.structure, 0);
    assert_true(read(&reader, "c10001" KEY, &frame));
    assert_int_equal(frame.facts.structure, 3); // not one that was there before
}

// One that is further back than any late packet is of a publisher that counts anew.
static void a_structure_far_back_begins_anew(void **state) {
    (void)state;
    struct dd_reader reader = {0};
    struct dd_frame frame;
    assert_true(read(&reader, "c12400" KEY, &frame));
    assert_true(read(&reader, "c12000" KEY, &frame)); // DD_LATE_MAX frames
    assert_int_equal(frame.facts.structure, 0);
    assert_true(read(&reader, "c02401", &frame));
    assert_int_equal(frame.facts.structure, 1);
    assert_true(read(&reader, "c11fff" KEY, &frame));
    assert_int_equal(frame.facts.structure, 2);
    assert_int_equal(frame.facts.flags & LAYER_KEY, LAYER_KEY);
    assert_true(read(&reader, "c02000", &frame));
    assert_int_equal(frame.facts.structure, 2);
    assert_true(read(&reader, "c01ffe", &frame));
    assert_int_equal(frame.facts.structure, 0);
    // Its numbers wrapped long ago.
    assert_true(read(&reader, "c19000" KEY, &frame));
    assert_true(read(&reader, "c10001" KEY, &frame));
    assert_int_equal(frame.facts.structure, 4);
    assert_true(read(&reader, "c1f000" KEY, &frame));
    assert_int_equal(frame.facts.structure, 5);
    assert_true(read(&reader, "c0f001", &frame));
    assert_int_equal(frame.facts.structure, 5);
}

static void active_targets_and_own_values_count(void **state) {
    (void)state;
    struct dd_reader reader = {0};
    struct dd_frame frame;
    assert_true(read(&reader, chromium[0].bytes, &frame));
    // The targets that are sent, nine bits: 000111111.
    assert_true(read(&reader, "c0000440fc", &frame));
    assert_int_equal(reader.active, 0x3f);
    assert_true(read(&reader, "c00003401c", &frame)); // late
    assert_int_equal(reader.active, 0x3f);
    assert_true(read(&reader, "c000054000", &frame)); // none at all: cannot be
    assert_int_equal(reader.active, 0x3f);
    // Its own indications, references to 2, 300 (too far to be kept) and 41, chains 1, 2 and 200.
    struct span own = bytes_of("c000063c3d548e257140020590");
    char got[200];
    assert_true(dd_read(&reader, own, &frame));
    describe(&reader, &frame, own, got);
    assert_string_equal(got, "6 S0T0 se 2 41 S-DRSSSSS 1 2 200");
    bytes_free(own);
}

// Targets stand in any order; where none fits, it is the least of those that are sent.
static void the_order_of_targets_does_not_matter(void **state) {
    (void)state;
    static const struct {
        uint8_t layers[3][2]; // spatial and temporal of each target
        int spatial, temporal;
        unsigned want;
    } rows[] = {
        {{{1, 1}, {1, 0}, {0, 0}}, -1, -1, 0}, {{{0, 1}, {1, 1}, {1, 0}}, -1, -1, 1},
        {{{1, 0}, {0, 1}, {0, 0}}, 0, -1, 1},  {{{1, 1}, {1, 0}, {2, 0}}, 0, -1, 1},
        {{{1, 0}, {1, 1}, {2, 0}}, 0, -1, 0},  {{{2, 0}, {1, 2}, {1, 1}}, 0, 0, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dd_structure s = {.target_count = 3};
        for (unsigned d = 0; d < 3; d++) {
            s.target_spatial[d] = rows[i].layers[d][0];
            s.target_temporal[d] = rows[i].layers[d][1];
        }
        if (dd_best_target(&s, 7, rows[i].spatial, rows[i].temporal) != rows[i].want)
            fail_msg("row %zu: not %u", i, rows[i].want);
    }
}

static void a_chain_that_is_not_there_has_no_distance(void **state) {
    (void)state;
    struct dd_reader reader = {0};
    struct dd_frame frame;
    struct span bytes = bytes_of(chromium[0].bytes);
    uint8_t diff;
    assert_true(dd_read(&reader, bytes, &frame));
    assert_true(dd_chain_diff(&reader, bytes, 2, &diff));
    assert_false(dd_chain_diff(&reader, bytes, 3, &diff));
    bytes_free(bytes);
}

// A structure of so many templates of one layer and one target, in which each is left out.
static bool templates_are_read(unsigned count) {
    struct dd_reader reader = {0};
    struct dd_frame frame;
    uint8_t bytes[64] = {0xc0, 0, 1, 0x80};           // then a structure that begins with template 0
    unsigned last = 24 + 5 + 6 + 5 + 2 * (count - 1); // the bits that end the list of templates
    for (unsigned bit = last; bit < last + 2; bit++)
        bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    struct span whole = bytes_copy(bytes, (last + 2 + 2 * count + count + 1 + 1 + 7) / 8);
    bool ok = dd_read(&reader, whole, &frame);
    if (ok)
        assert_int_equal(reader.structure.template_count, count);
    bytes_free(whole);
    return ok;
}

static void there_are_at_most_so_many_templates(void **state) {
    (void)state;
    assert_true(templates_are_read(1));
    assert_true(templates_are_read(DD_TEMPLATES_MAX));
    assert_false(templates_are_read(DD_TEMPLATES_MAX + 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_browsers_stream_is_read),
        cmocka_unit_test(the_best_target_fits_and_is_sent),
        cmocka_unit_test(what_is_malformed_changes_nothing),
        cmocka_unit_test(what_is_late_does_not_take_the_stream_back),
        cmocka_unit_test(a_structure_far_back_begins_anew),
        cmocka_unit_test(active_targets_and_own_values_count),
        cmocka_unit_test(the_order_of_targets_does_not_matter),
        cmocka_unit_test(a_chain_that_is_not_there_has_no_distance),
        cmocka_unit_test(there_are_at_most_so_many_templates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
