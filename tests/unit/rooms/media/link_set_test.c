#include "rooms/media/link_set.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static struct link_id link_number(uint32_t n) {
    return (struct link_id){(uint16_t)(n * 13 % LINKS_MAX)};
}

static void a_set_has_what_was_added_and_not_removed(void **state) {
    (void)state;
    struct link_set set = {0};
    LINK_SET_EACH(link, &set)
    fail_msg("an empty set has link %u", link->v);
    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(link_set_add(&set, link_number(i)), ERR_OK);
    assert_int_equal(link_set_add(&set, link_number(3)), ERR_OK); // there already
    assert_int_equal(set.count, 9);
    link_set_remove(&set, link_number(0));
    link_set_remove(&set, link_number(8));
    link_set_remove(&set, link_number(8)); // not there any more
    uint32_t sum = 0;
    LINK_SET_EACH(link, &set)
    sum += link->v;
    assert_int_equal(sum, 13 * (1 + 2 + 3 + 4 + 5 + 6 + 7));
    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(link_set_has(&set, link_number(i)), i > 0 && i < 8);
    link_set_clear(&set);
    assert_false(link_set_has(&set, link_number(1)));
}

static void a_set_has_its_limit(void **state) {
    (void)state;
    struct link_set set = {0};
    for (uint16_t i = 0; i < RELAYS_MAX; i++)
        assert_int_equal(link_set_add(&set, (struct link_id){i}), ERR_OK);
    assert_int_equal(link_set_add(&set, (struct link_id){RELAYS_MAX}), ERR_LIMIT);
    assert_int_equal(link_set_add(&set, (struct link_id){5}), ERR_OK);
    assert_int_equal(set.count, RELAYS_MAX);
    link_set_remove(&set, (struct link_id){5});
    assert_int_equal(link_set_add(&set, (struct link_id){RELAYS_MAX}), ERR_OK);
    link_set_clear(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_has_what_was_added_and_not_removed),
        cmocka_unit_test(a_set_has_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
