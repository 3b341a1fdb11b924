#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtp/picture_rewrite.h"

// What goes out under the present offset.
static struct picture_numbers out_of(struct picture_rewrite *rw, uint16_t id, uint8_t tl0) {
    struct picture_numbers in = {id, tl0};
    picture_rewrite_note(rw, in);
    return (struct picture_numbers){(uint16_t)(id + rw->offset.id) & 0x7fff, (uint8_t)(tl0 + rw->offset.tl0)};
}

static void expect(struct picture_numbers got, uint16_t id, uint8_t tl0) {
    assert_int_equal(got.id, id);
    assert_int_equal(got.tl0, tl0);
}

static void one_source_keeps_its_numbers(void **state) {
    (void)state;
    struct picture_rewrite rw = {0};
    picture_rewrite_sync(&rw, (struct picture_numbers){32766, 254});
    expect(out_of(&rw, 32766, 254), 32766, 254);
    expect(out_of(&rw, 32767, 255), 32767, 255);
    expect(out_of(&rw, 0, 0), 0, 0); // both wrap
    assert_int_equal(rw.highest.id, 0);
    assert_int_equal(rw.highest.tl0, 0);
}

static void another_source_goes_on_behind_the_highest(void **state) {
    (void)state;
    struct picture_rewrite rw = {0};
    expect(out_of(&rw, 100, 10), 100, 10);
    expect(out_of(&rw, 102, 12), 102, 12);
    expect(out_of(&rw, 101, 11), 101, 11); // late: the highest stays
    picture_rewrite_sync(&rw, (struct picture_numbers){30000, 200});
    expect(out_of(&rw, 30000, 200), 103, 13);
    expect(out_of(&rw, 30001, 200), 104, 13);
    picture_rewrite_sync(&rw, (struct picture_numbers){5, 1}); // and back, below
    expect(out_of(&rw, 5, 1), 105, 14);
}

static void numbers_wrap_after_a_switch(void **state) {
    (void)state;
    struct picture_rewrite rw = {0};
    expect(out_of(&rw, 32767, 255), 32767, 255);
    picture_rewrite_sync(&rw, (struct picture_numbers){7, 7});
    expect(out_of(&rw, 7, 7), 0, 0);
    expect(out_of(&rw, 8, 8), 1, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_source_keeps_its_numbers),
        cmocka_unit_test(another_source_goes_on_behind_the_highest),
        cmocka_unit_test(numbers_wrap_after_a_switch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
