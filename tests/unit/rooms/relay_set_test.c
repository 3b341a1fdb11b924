#include "rooms/relay_set.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void relays_are_found_by_their_link(void **state) {
    (void)state;
    struct relay_set set = {0};
    assert_null(relay_set_find(&set, (struct link_id){0}));
    for (uint16_t i = 0; i < 10; i++) {
        struct relay *relay = relay_set_add(&set, (struct link_id){(uint16_t)(i * 100)});
        assert_non_null(relay);
        assert_int_equal(relay->consumers, 0);
        assert_int_equal(relay->wanted, LAYER_NONE);
        relay->consumers = i + 1u;
    }
    relay_set_remove(&set, relay_set_find(&set, (struct link_id){0}));
    relay_set_remove(&set, relay_set_find(&set, (struct link_id){900}));
    for (uint16_t i = 0; i < 10; i++) {
        struct relay *relay = relay_set_find(&set, (struct link_id){(uint16_t)(i * 100)});
        assert_int_equal(relay != NULL, i > 0 && i < 9);
        if (relay)
            assert_int_equal(relay->consumers, i + 1);
    }
    relay_set_clear(&set);
    assert_int_equal(set.count, 0);
}

static void a_producer_has_so_many_relays(void **state) {
    (void)state;
    struct relay_set set = {0};
    for (uint16_t i = 0; i < RELAYS_MAX; i++)
        assert_non_null(relay_set_add(&set, (struct link_id){i}));
    assert_null(relay_set_add(&set, (struct link_id){RELAYS_MAX}));
    relay_set_clear(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relays_are_found_by_their_link),
        cmocka_unit_test(a_producer_has_so_many_relays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
