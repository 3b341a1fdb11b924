// How many connections of each kind a limit of open files is.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/descriptors.h"

#include <sys/resource.h>

static struct config settings(uint32_t connections, enum config_ice_tcp ice_tcp, uint32_t tcp) {
    return (struct config){.connections_max = connections, .ice_tcp = ice_tcp, .tcp_connections_max = tcp};
}

static void test_shares(void **state) {
    (void)state;
    static const struct {
        uint32_t connections;
        enum config_ice_tcp ice_tcp;
        uint32_t tcp;
        uint64_t files; // allowed
        struct descriptor_shares shares;
    } rows[] = {
        // The preset, on machines as they are: systemd's and Docker's limits, the package's, older ones.
        {10000, CONFIG_ICE_TCP_AUTO, 0, 1048576, {10000, 4096}},
        {10000, CONFIG_ICE_TCP_AUTO, 0, 524288, {10000, 4096}},
        {10000, CONFIG_ICE_TCP_AUTO, 0, 65536, {10000, 4096}},
        {10000, CONFIG_ICE_TCP_AUTO, 0, 20000, {10000, 2500}},
        {10000, CONFIG_ICE_TCP_AUTO, 0, 4096, {3072, 512}},
        {10000, CONFIG_ICE_TCP_AUTO, 0, 1024, {384, 128}},
        {300, CONFIG_ICE_TCP_ON, 0, 1024, {300, 128}},
        {10000, CONFIG_ICE_TCP_ON, 0, 100, {38, 12}},
        {10000, CONFIG_ICE_TCP_ON, 0, 0, {0, 1}},
        // A number of the operator's shrinks like the other.
        {10000, CONFIG_ICE_TCP_ON, 10000, 20512, {10000, 10000}},
        {10000, CONFIG_ICE_TCP_ON, 10000, 10512, {5000, 5000}},
        {1000000, CONFIG_ICE_TCP_ON, 1000000, 10512, {5000, 5000}},
        {10000, CONFIG_ICE_TCP_OFF, 10000, 10512, {10000, 0}},
        {10000, CONFIG_ICE_TCP_OFF, 0, 4096, {3584, 0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config config = settings(rows[i].connections, rows[i].ice_tcp, rows[i].tcp);
        struct descriptor_needs needs;
        struct descriptor_shares got;
        descriptors_need(&config, rows[i].files, &needs);
        descriptors_share(&needs, rows[i].files, &got);
        assert_int_equal(got.connections, rows[i].shares.connections);
        assert_int_equal(got.tcp, rows[i].shares.tcp);
        assert_true(rows[i].files < DESCRIPTORS_SPARE || got.connections + got.tcp <= rows[i].files);
    }
}

static void test_agents_have_their_part(void **state) {
    (void)state;
    struct config config = settings(10000, CONFIG_ICE_TCP_AUTO, 0);
    config.ice = HUB_ICE_AUTO;
    config.ice_agents_max = 1000;
    struct descriptor_needs needs;
    struct descriptor_shares got;
    descriptors_need(&config, 4096, &needs);
    assert_int_equal(needs.agents, 5024); // four each, and of those that are being closed
    descriptors_share(&needs, 4096, &got);
    assert_int_equal(got.connections, 2044); // of 15024, in the 3072 that are left
    assert_int_equal(got.tcp, 512);
}

// With what it says is enough, it is; and with a twentieth less it is not.
static void test_enough(void **state) {
    (void)state;
    for (uint32_t connections = 1; connections < 400000; connections += 1 + connections / 7) {
        for (enum config_ice_tcp mode = CONFIG_ICE_TCP_OFF; mode <= CONFIG_ICE_TCP_AUTO; mode++) {
            struct config config = settings(connections, mode, mode == CONFIG_ICE_TCP_ON ? 10000 : 0);
            struct descriptor_needs needs;
            descriptors_need(&config, 1024, &needs);
            uint64_t enough = descriptors_enough(&needs);
            descriptors_need(&config, enough, &needs);
            assert_true(descriptors_sum(&needs) <= enough);
            descriptors_need(&config, enough - enough / 20, &needs);
            assert_true(descriptors_sum(&needs) > enough - enough / 20);
        }
    }
}

// The soft limit follows, and goes beyond the hard one in no case.
static void test_allow(void **state) {
    (void)state;
    struct rlimit before, after;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(before.rlim_max >= 1024);
    struct config config = settings(100, CONFIG_ICE_TCP_AUTO, 0);
    struct descriptor_shares got;
    descriptors_allow(&config, &got);
    assert_int_equal(got.connections, 100);
    assert_true(got.tcp >= 128 && got.tcp <= DESCRIPTORS_TCP_PRESET_MAX);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &after), 0);
    assert_int_equal(after.rlim_cur, 100 + got.tcp + DESCRIPTORS_SPARE);
    assert_int_equal(after.rlim_max, before.rlim_max);
    setrlimit(RLIMIT_NOFILE, &before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_agents_have_their_part),
        cmocka_unit_test(test_enough),
        cmocka_unit_test(test_allow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
