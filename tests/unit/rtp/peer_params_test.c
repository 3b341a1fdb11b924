// The words of `transport-state`, of get-stats and of the metrics, which clients compare.
#include "rtp/peer_params.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void states_have_the_names_of_the_protocol(void **state) {
    (void)state;
    static const char *const ice[] = {"new", "connected", "disconnected", "closed"};
    static const char *const dtls[] = {"new", "connecting", "connected", "failed", "closed"};
    assert_int_equal(sizeof ice / sizeof *ice, ICE_STATE_COUNT);
    assert_int_equal(sizeof dtls / sizeof *dtls, DTLS_STATE_COUNT);
    for (unsigned i = 0; i < ICE_STATE_COUNT; i++)
        assert_string_equal(ice_state_name((enum ice_state)i), ice[i]);
    for (unsigned i = 0; i < DTLS_STATE_COUNT; i++)
        assert_string_equal(dtls_state_name((enum dtls_state)i), dtls[i]);
    assert_string_equal(ice_state_name((enum ice_state)99), "new");
    assert_string_equal(dtls_state_name((enum dtls_state)99), "new");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(states_have_the_names_of_the_protocol)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
