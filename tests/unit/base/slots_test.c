#include "base/slots.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static int objects[64];

static void an_id_finds_its_object(void **state) {
    (void)state;
    struct slots *slots = slots_create(64);
    uint32_t ids[64];
    for (int i = 0; i < 64; i++) {
        ids[i] = slots_add(slots, &objects[i]);
        assert_int_not_equal(ids[i], 0);
    }
    assert_int_equal(slots_count(slots), 64);
    for (int i = 0; i < 64; i++)
        assert_ptr_equal(slots_get(slots, ids[i]), &objects[i]);
    assert_int_equal(slots_add(slots, &objects[0]), 0); // full
    assert_null(slots_get(slots, 0));
    assert_null(slots_get(slots, UINT32_MAX));
    slots_destroy(slots);
}

static void a_stale_id_finds_nothing(void **state) {
    (void)state;
    struct slots *slots = slots_create(1);
    uint32_t old = slots_add(slots, &objects[0]);
    assert_ptr_equal(slots_remove(slots, old), &objects[0]);
    assert_null(slots_get(slots, old));
    assert_null(slots_remove(slots, old));
    uint32_t fresh = slots_add(slots, &objects[1]);
    assert_int_not_equal(fresh, old);
    assert_null(slots_get(slots, old));
    assert_null(slots_remove(slots, old));
    assert_ptr_equal(slots_get(slots, fresh), &objects[1]);
    assert_int_equal(slots_count(slots), 1);
    slots_destroy(slots);
}

// The generation comes round after 4095 uses of one place and is never 0.
static void generations_wrap(void **state) {
    (void)state;
    struct slots *slots = slots_create(1);
    uint32_t first = slots_add(slots, &objects[0]), id = first;
    for (int i = 0; i < 4095; i++) {
        assert_ptr_equal(slots_remove(slots, id), &objects[0]);
        id = slots_add(slots, &objects[0]);
        assert_int_not_equal(id, 0);
        assert_int_equal(id == first, i == 4094);
    }
    slots_destroy(slots);
}

// Freed places are used again in the order in which they became free, so that an id returns late.
static void places_rest_before_they_are_used_again(void **state) {
    (void)state;
    struct slots *slots = slots_create(4);
    uint32_t ids[4];
    for (int i = 0; i < 4; i++)
        ids[i] = slots_add(slots, &objects[i]);
    slots_remove(slots, ids[2]);
    slots_remove(slots, ids[0]);
    uint32_t a = slots_add(slots, &objects[4]), b = slots_add(slots, &objects[5]);
    assert_int_equal(a & (SLOTS_MAX - 1), ids[2] & (SLOTS_MAX - 1));
    assert_int_equal(b & (SLOTS_MAX - 1), ids[0] & (SLOTS_MAX - 1));
    assert_int_equal(slots_add(slots, &objects[6]), 0);
    slots_destroy(slots);
}

static void a_walk_sees_each_object_once(void **state) {
    (void)state;
    struct slots *slots = slots_create(1000);
    uint32_t ids[64];
    for (int i = 0; i < 64; i++) {
        objects[i] = 0;
        ids[i] = slots_add(slots, &objects[i]);
    }
    for (int i = 0; i < 64; i += 3)
        slots_remove(slots, ids[i]);
    uint32_t cursor = 0;
    for (int *object; (object = slots_next(slots, &cursor));) {
        ++*object;
        slots_remove(slots, ids[object - objects]); // the one just returned may go
    }
    for (int i = 0; i < 64; i++)
        assert_int_equal(objects[i], i % 3 != 0);
    assert_int_equal(slots_count(slots), 0);
    slots_destroy(slots);
    slots_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_finds_its_object),
        cmocka_unit_test(a_stale_id_finds_nothing),
        cmocka_unit_test(generations_wrap),
        cmocka_unit_test(places_rest_before_they_are_used_again),
        cmocka_unit_test(a_walk_sees_each_object_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
