// What the doctor says of full ICE.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "server/doctor/doctor_checks.h"

static const struct {
    const char *announced;
    enum hub_ice_mode mode;
    const char *stun, *ice_stun;
    unsigned turns;
    enum finding_level level;
    const char *text;
} rows[] = {
    {"10.0.0.1", HUB_ICE_LITE, "", "", 0, FINDING_SKIP, "ICE-lite"},
    {"10.0.0.1", HUB_ICE_AUTO, "", "", 0, FINDING_WARN, "cannot be found"},
    {"8.8.8.8", HUB_ICE_FULL, "", "", 0, FINDING_OK, "public address"},
    {"10.0.0.1", HUB_ICE_FULL, "a.example", "", 0, FINDING_OK, "asks a.example and 0 TURN servers"},
    {"10.0.0.1", HUB_ICE_FULL, "a.example", "b.example", 2, FINDING_OK, "asks b.example and 2 TURN servers"},
    {"10.0.0.1", HUB_ICE_FULL, "", "", 1, FINDING_OK, "asks 1 TURN server"},
};

static void complete_ice_needs_somebody_to_ask(void **state) {
    (void)state;
    static struct config config;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct announce announce = {.count = 1};
        struct finding got;
        snprintf(announce.list[0].text, sizeof announce.list[0].text, "%s", rows[i].announced);
        config.ice = rows[i].mode;
        config.ice_turn.url_count = rows[i].turns;
        snprintf(config.stun.host, sizeof config.stun.host, "%s", rows[i].stun);
        snprintf(config.ice_stun.host, sizeof config.ice_stun.host, "%s", rows[i].ice_stun);
        check_ice(&got, &announce, &config);
        assert_int_equal(got.level, rows[i].level);
        if (!strstr(got.text, rows[i].text))
            fail_msg("row %zu: %s", i, got.text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(complete_ice_needs_somebody_to_ask)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
