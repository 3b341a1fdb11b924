#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtp/picture_rewrite.h"

// What goes out under the present offset.
static struct picture_numbers out_of(struct picture_rewrite *rw, struct picture_numbers in) {
    picture_rewrite_note(rw, in);
    return (struct picture_numbers){.id = (uint16_t)(in.id + rw->offset.id) & (in.id_long ? 0x7fff : 0x7f),
                                    .tl0 = (uint8_t)(in.tl0 + rw->offset.tl0)};
}

static struct picture_numbers both(uint16_t id, uint8_t tl0) {
    return (struct picture_numbers){.id = id, .tl0 = tl0, .has_id = true, .id_long = true, .has_tl0 = true};
}

static struct picture_numbers id_alone(uint16_t id) {
    return (struct picture_numbers){.id = id, .has_id = true, .id_long = true};
}

static struct picture_numbers short_id(uint16_t id) {
    return (struct picture_numbers){.id = id, .has_id = true};
}

static void expect(struct picture_numbers got, uint16_t id, uint8_t tl0) {
    assert_int_equal(got.id, id);
    assert_int_equal(got.tl0, tl0);
}

static void one_source_keeps_its_numbers(void **state) {
    (void)state;
    struct picture_rewrite rw = {0};
    picture_rewrite_sync(&rw, both(32766, 254));
    expect(out_of(&rw, both(32766, 254)), 32766, 254);
    expect(out_of(&rw, both(32767, 255)), 32767, 255);
    expect(out_of(&rw, both(0, 0)), 0, 0); // both wrap
    assert_int_equal(rw.highest.id, 0);
    assert_int_equal(rw.highest.tl0, 0);
}

static void another_source_goes_on_behind_the_highest(void **state) {
    (void)state;
    struct picture_rewrite rw = {0};
    expect(out_of(&rw, both(100, 10)), 100, 10);
    expect(out_of(&rw, both(102, 12)), 102, 12);
    expect(out_of(&rw, both(101, 11)), 101, 11); // late: the highest stays
    picture_rewrite_sync(&rw, both(30000, 200));
    expect(out_of(&rw, both(30000, 200)), 103, 13);
    expect(out_of(&rw, both(30001, 200)), 104, 13);
    picture_rewrite_sync(&rw, both(5, 1)); // and back, below
    expect(out_of(&rw, both(5, 1)), 105, 14);
}

static void numbers_wrap_after_a_switch(void **state) {
    (void)state;
    struct picture_rewrite rw = {0};
    expect(out_of(&rw, both(32767, 255)), 32767, 255);
    picture_rewrite_sync(&rw, both(7, 7));
    expect(out_of(&rw, both(7, 7)), 0, 0);
    expect(out_of(&rw, both(8, 8)), 1, 1);
}

// Chromium with one temporal layer has no TL0PICIDX: the id goes on all the same.
static void an_id_without_tl0_goes_on(void **state) {
    (void)state;
    struct picture_rewrite rw = {0};
    expect(out_of(&rw, id_alone(20000)), 20000, 0);
    picture_rewrite_sync(&rw, id_alone(5));
    expect(out_of(&rw, id_alone(5)), 20001, 0);
    picture_rewrite_sync(&rw, both(100, 50)); // and one that has it, which begins as it is
    expect(out_of(&rw, both(100, 50)), 20002, 50);
    picture_rewrite_sync(&rw, id_alone(7));
    expect(out_of(&rw, id_alone(7)), 20003, 0);
    picture_rewrite_sync(&rw, both(9000, 200)); // it goes on where it was
    expect(out_of(&rw, both(9000, 200)), 20004, 51);
}

static void ids_of_7_bits_go_on_among_those_of_15(void **state) {
    (void)state;
    struct picture_rewrite rw = {0};
    expect(out_of(&rw, id_alone(300)), 300, 0);
    picture_rewrite_sync(&rw, short_id(90));
    expect(out_of(&rw, short_id(90)), 301 & 0x7f, 0);
    for (uint16_t i = 1; i < 200; i++)
        expect(out_of(&rw, short_id((90 + i) & 0x7f)), (uint16_t)(301 + i) & 0x7f, 0);
    picture_rewrite_sync(&rw, id_alone(4));
    expect(out_of(&rw, id_alone(4)), 501, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_source_keeps_its_numbers),
        cmocka_unit_test(another_source_goes_on_behind_the_highest),
        cmocka_unit_test(numbers_wrap_after_a_switch),
        cmocka_unit_test(an_id_without_tl0_goes_on),
        cmocka_unit_test(ids_of_7_bits_go_on_among_those_of_15),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
