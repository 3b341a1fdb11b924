// The quick checks of `rotunda doctor`: from facts about a machine to findings.
#include "server/checks.h"

#include "base/clock.h"
#include "server/config/container.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define YEAR_US (UINT64_C(31557600) * US_PER_SECOND)

static void expect(const struct finding *got, enum finding_level level, const char *text, const char *fix) {
    if (got->level != level || !strstr(got->text, text) || (fix ? !strstr(got->fix, fix) : got->fix[0]))
        fail_msg("expected %s \"...%s...\" fix \"...%s...\", got %s %s: \"%s\" fix \"%s\"",
                 finding_level_name(level), text, fix ? fix : "", finding_level_name(got->level), got->check,
                 got->text, got->fix);
}

static void test_file_limit(void **state) {
    (void)state;
    static const struct {
        uint32_t connections;
        enum config_ice_tcp ice_tcp;
        uint32_t tcp, agents; // agents 0: ICE-lite
        uint64_t allowed;
        enum finding_level level;
        const char *text, *fix;
    } rows[] = {
        {10000, CONFIG_ICE_TCP_OFF, 0, 0, 1048576, FINDING_OK, "10000", NULL},
        {10000, CONFIG_ICE_TCP_OFF, 0, 0, 10512, FINDING_OK, "10000", NULL},
        {10000, CONFIG_ICE_TCP_OFF, 0, 0, 10511, FINDING_WARN, "10511 open files are allowed",
         "LimitNOFILE=10512"},
        {10000, CONFIG_ICE_TCP_OFF, 0, 0, 1024, FINDING_WARN, "needs 10512", "--connections-max 512"},
        {10000, CONFIG_ICE_TCP_OFF, 0, 0, 64, FINDING_FAIL, "64 open files are allowed", "ulimit -Hn 10512"},
        {1000000, CONFIG_ICE_TCP_OFF, 0, 0, UINT64_MAX, FINDING_OK, "1000000", NULL},
        {1, CONFIG_ICE_TCP_OFF, 0, 0, 0, FINDING_FAIL, "0 open files", "--connections-max 1"},
        {10000, CONFIG_ICE_TCP_ON, 10000, 0, 20512, FINDING_OK, "10000 with tcp-connections-max 10000", NULL},
        {10000, CONFIG_ICE_TCP_ON, 10000, 0, 20000, FINDING_WARN, "needs 20512", "--connections-max 9488"},
        {10000, CONFIG_ICE_TCP_OFF, 10000, 0, 10512, FINDING_OK, "10000 fits", NULL},
        {10000, CONFIG_ICE_TCP_AUTO, 0, 0, UINT64_MAX, FINDING_OK, "with tcp-connections-max 4096", NULL},
        {10000, CONFIG_ICE_TCP_AUTO, 0, 0, 20000, FINDING_OK, "with tcp-connections-max 2500", NULL},
        {10000, CONFIG_ICE_TCP_AUTO, 0, 0, 12014, FINDING_OK, "with tcp-connections-max 1501", NULL},
        {10000, CONFIG_ICE_TCP_AUTO, 0, 0, 4096, FINDING_WARN, "tcp-connections-max 512 needs 12014",
         "--connections-max 3072"},
        {400, CONFIG_ICE_TCP_AUTO, 0, 0, 1024, FINDING_WARN, "tcp-connections-max 128 needs 1043",
         "LimitNOFILE=1043"},
        {10000, CONFIG_ICE_TCP_OFF, 0, 500, 13536, FINDING_OK,
         "10000 with 3024 sockets of ice-agents-max fits", NULL},
        {10000, CONFIG_ICE_TCP_OFF, 0, 500, 13535, FINDING_WARN, "needs 13536", "--connections-max 9999"},
        {10000, CONFIG_ICE_TCP_ON, 10000, 500, 13535, FINDING_WARN,
         "tcp-connections-max 10000 and 3024 sockets of ice-agents-max needs 23536", "LimitNOFILE=23536"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct finding got;
        struct config config = {.connections_max = rows[i].connections,
                                .ice_tcp = rows[i].ice_tcp,
                                .tcp_connections_max = rows[i].tcp,
                                .ice = rows[i].agents ? HUB_ICE_FULL : HUB_ICE_LITE,
                                .ice_agents_max = rows[i].agents};
        check_file_limit(&got, &config, rows[i].allowed);
        expect(&got, rows[i].level, rows[i].text, rows[i].fix);
        assert_string_equal(got.check, "file-limit");
    }
}

static void test_buffers(void **state) {
    (void)state;
    static const struct {
        int wanted, granted;
        enum finding_level level;
        const char *text, *fix;
    } rows[] = {
        {8388608, 8388608, FINDING_OK, "8388608 bytes, as wanted", NULL},
        {8388608, 212992, FINDING_WARN, "212992 of the 8388608 bytes", "sysctl -w net.core.rmem_max=8388608"},
        {8388608, 212992, FINDING_WARN, "packets get lost", "--udp-receive-buffer 212992"},
        {8388608, 4096, FINDING_WARN, "4096 of", "--udp-receive-buffer 65536"},
        {8388608, 8300000, FINDING_OK, "8300000", NULL},
        {8388608, 0, FINDING_SKIP, "no UDP socket", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct finding got;
        struct machine_buffer buffer = {.wanted_bytes = rows[i].wanted, .granted_bytes = rows[i].granted};
        check_buffer(&got, "udp-receive-buffer", "net.core.rmem_max", &buffer);
        expect(&got, rows[i].level, rows[i].text, rows[i].fix);
        assert_string_equal(got.subject, "udp-receive-buffer");
    }
}

static void test_gso(void **state) {
    (void)state;
    static const struct {
        enum machine_gso gso;
        enum finding_level level;
        const char *text, *fix;
    } rows[] = {
        {GSO_WORKS, FINDING_OK, "segments UDP", NULL},
        {GSO_MISSING, FINDING_WARN, "does not segment", "Linux 4.18"},
        {GSO_MANGLES, FINDING_WARN, "not what was sent", "another kernel"},
        {GSO_UNTESTED, FINDING_SKIP, "no UDP socket", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct finding got;
        check_gso(&got, rows[i].gso);
        expect(&got, rows[i].level, rows[i].text, rows[i].fix);
    }
}

static void test_secrets(void **state) {
    (void)state;
    static const struct {
        enum secret_reach reach;
        const char *container;
        enum finding_level level;
        const char *text, *fix;
    } rows[] = {
        {SECRET_CLOSED, NULL, FINDING_OK, "not everybody", NULL},
        {SECRET_READABLE, NULL, FINDING_WARN, "may read it", "`chmod o= /etc/rotunda/keys`"},
        {SECRET_CHANGEABLE, NULL, FINDING_WARN, "may change it", "no folder above it"},
        {SECRET_READABLE, "Docker", FINDING_SKIP, "outside of Docker", NULL}, // mounted so, by root
        {SECRET_CHANGEABLE, "Kubernetes", FINDING_SKIP, "outside of Kubernetes", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct secret_file file = {"keys", "/etc/rotunda/keys", rows[i].reach};
        struct finding got;
        check_secret_file(&got, &file, rows[i].container);
        expect(&got, rows[i].level, rows[i].text, rows[i].fix);
        assert_string_equal(got.subject, "keys /etc/rotunda/keys");
    }
}

static void test_drain(void **state) {
    (void)state;
    static const struct {
        enum service_manager manager;
        const char *container;
        enum finding_level level;
        const char *text, *fix;
    } rows[] = {
        {SERVICE_MANAGER_NONE, NULL, FINDING_OK, "300 s to finish", NULL},
        {SERVICE_MANAGER_LISTENS, NULL, FINDING_OK, "may take 310 s", NULL},
        {SERVICE_MANAGER_LISTENS, "Podman", FINDING_OK, "may take 310 s", NULL},
        {SERVICE_MANAGER_DEAF, NULL, FINDING_WARN, "300 s to finish, but systemd", "NotifyAccess=main"},
        {SERVICE_MANAGER_NONE, "Docker", FINDING_SKIP, "Docker must wait 310 s", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct finding got;
        check_drain(&got, 300, rows[i].manager, rows[i].container);
        expect(&got, rows[i].level, rows[i].text, rows[i].fix);
    }
    struct config config = {.drain_seconds = 0};
    struct machine machine = {.service_manager = SERVICE_MANAGER_DEAF};
    for (uint32_t seconds = 0; seconds <= 300; seconds += 300) {
        struct findings findings = {.count = 0};
        config.drain_seconds = seconds;
        checks_quick(&config, &machine, &findings);
        unsigned found = 0;
        for (size_t i = 0; i < findings.count; i++)
            found += strcmp(findings.list[i].check, "drain-time") == 0;
        assert_int_equal(found, seconds > 0);
    }
}

static void test_clock(void **state) {
    (void)state;
    const uint64_t built_us = UINT64_C(1750000000) * US_PER_SECOND; // 2025-06-15
    static const struct {
        int64_t since_built_us;
        bool synchronised, built_known;
        enum finding_level level;
        const char *text, *fix;
    } rows[] = {
        {0, true, true, FINDING_OK, "2025-06-15 15:06 UTC", NULL},
        {0, false, true, FINDING_OK, "not synchronised by NTP", NULL},
        {-(int64_t)(24 * 3600 * US_PER_SECOND), true, true, FINDING_OK, "2025-06-14", NULL},
        {-(int64_t)(72 * 3600 * US_PER_SECOND), true, true, FINDING_FAIL, "before this program was built",
         "timedatectl"},
        {-1750000000 * (int64_t)US_PER_SECOND, true, true, FINDING_FAIL, "1970-01-01 00:00 UTC",
         "set the clock"},
        {-1750000000 * (int64_t)US_PER_SECOND, true, false, FINDING_OK, "1970", NULL},
        {(int64_t)(10 * YEAR_US), true, true, FINDING_OK, "2035", NULL},
        {(int64_t)(50 * YEAR_US), true, true, FINDING_FAIL, "decades after", "set the clock"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct finding got;
        check_clock(&got, built_us + (uint64_t)rows[i].since_built_us, rows[i].built_known ? built_us : 0,
                    rows[i].synchronised);
        expect(&got, rows[i].level, rows[i].text, rows[i].fix);
    }
}

static void test_libraries(void **state) {
    (void)state;
    static const struct {
        enum machine_library library;
        struct machine_version version;
        enum finding_level level;
        const char *text, *fix;
    } rows[] = {
        {LIBRARY_OPENSSL, {"3.0.15", "3.0.15"}, FINDING_OK, "version 3.0.15", NULL},
        {LIBRARY_OPENSSL, {"3.0.15", "3.5.1"}, FINDING_OK, "version 3.5.1", NULL},
        {LIBRARY_OPENSSL, {"3.0.0", "3.0.6"}, FINDING_WARN, "CVE-2022-3602", "version 3.0.7"},
        {LIBRARY_OPENSSL, {"3.0.0", "3.0.4"}, FINDING_WARN, "CVE-2022-2274", "version 3.0.5"},
        {LIBRARY_OPENSSL, {"3.0.15", "3.0.9"}, FINDING_WARN, "older than 3.0.15", "3.0.15 or newer"},
        {LIBRARY_LIBWEBSOCKETS, {"4.1.6", "4.1.6"}, FINDING_OK, "4.1.6", NULL},
        {LIBRARY_LIBWEBSOCKETS, {"4.1.6", "4.3.2"}, FINDING_WARN, "stall", "version 4.3.3"},
        {LIBRARY_LIBWEBSOCKETS, {"4.1.6", "4.3.5"}, FINDING_OK, "4.3.5", NULL},
        {LIBRARY_LIBUV, {"1.44.2", "1.9.0"}, FINDING_WARN, "older", "1.44.2"},
        {LIBRARY_JANSSON, {"2.14", "2.14.1"}, FINDING_OK, "2.14.1", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct finding got;
        check_library(&got, rows[i].library, &rows[i].version);
        expect(&got, rows[i].level, rows[i].text, rows[i].fix);
        assert_string_equal(got.subject, machine_library_name(rows[i].library));
    }
}

static void test_versions_compare(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        int expected;
    } rows[] = {
        {"1.2.3", "1.2.3", 0}, {"1.2", "1.2.0", 0},    {"1.10", "1.9", 1}, {"1.2.3", "1.2.4", -1},
        {"4", "3.9.9", 1},     {"3.0.0b", "3.0.0", 0}, {"", "", 0},        {"", "0.1", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int got = version_compare(rows[i].a, rows[i].b), back = version_compare(rows[i].b, rows[i].a);
        if (got != rows[i].expected || back != -rows[i].expected)
            fail_msg("%s and %s: expected %d, got %d and %d the other way round", rows[i].a, rows[i].b,
                     rows[i].expected, got, back);
    }
}

static void test_cipher(void **state) {
    (void)state;
    struct finding got;
    check_cipher(&got, "libipsec-mb", false);
    expect(&got, FINDING_OK, "by libipsec-mb", NULL);
    check_cipher(&got, "libsrtp2", true);
    expect(&got, FINDING_WARN, "several times the CPU time", "libipsec-mb");
}

static void file_write(const char *root, const char *name, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s%s", root, name);
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_containers(void **state) {
    (void)state;
    static const struct {
        const char *name, *text, *expected;
    } rows[] = {
        {"/etc/nothing", "", NULL},
        {"/.dockerenv", "", "Docker"},
        {"/run/.containerenv", "", "Podman"},
        {"/run/systemd/container", "lxc", "a container"},
        {"/proc/1/cgroup", "0::/\n", NULL},
        {"/proc/1/cgroup", "1:cpu:/docker/0123\n", "Docker"},
        {"/proc/1/cgroup", "0::/kubepods/besteffort/pod1\n", "Kubernetes"},
    };
    unsetenv("KUBERNETES_SERVICE_HOST");
    unsetenv("container");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char root[] = "/tmp/rotunda-container-XXXXXX", command[64];
        assert_non_null(mkdtemp(root));
        file_write(root, rows[i].name, rows[i].text);
        const char *got = container_find(root);
        snprintf(command, sizeof command, "rm -r %s", root);
        assert_int_equal(system(command), 0);
        if (!got != !rows[i].expected || (got && strcmp(got, rows[i].expected) != 0))
            fail_msg("%s: expected %s, got %s", rows[i].name, rows[i].expected ? rows[i].expected : "none",
                     got ? got : "none");
    }
    setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
    assert_string_equal(container_find("/nowhere"), "Kubernetes");
    unsetenv("KUBERNETES_SERVICE_HOST");
}

// The list keeps what is worst when it is full, and tells of each that it takes.
static unsigned told;

static void on_added(const struct finding *finding) {
    (void)finding;
    told++;
}

static void test_full_list(void **state) {
    (void)state;
    struct findings findings = {.added = on_added};
    struct finding finding;
    finding_set(&finding, "udp-gso", "", FINDING_OK, "fine");
    for (int i = 0; i < FINDINGS_MAX + 5; i++)
        findings_add(&findings, &finding);
    assert_int_equal(findings.count, FINDINGS_MAX);
    assert_int_equal(told, FINDINGS_MAX);
    assert_int_equal(findings_worst(&findings), FINDING_OK);
    finding.level = FINDING_FAIL;
    findings_add(&findings, &finding);
    assert_int_equal(findings_worst(&findings), FINDING_FAIL);
    assert_int_equal(findings.count, FINDINGS_MAX);
}

static void test_line(void **state) {
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct finding finding;
    finding_set(&finding, "udp-gso", "", FINDING_OK, "the kernel segments UDP");
    finding_print(out, &finding);
    finding_set(&finding, "announce", "203.0.113.7", FINDING_FAIL, "nobody is there");
    finding_fix(&finding, "--announce %s", "198.51.100.2");
    finding_print(out, &finding);
    fclose(out);
    assert_string_equal(text,
                        "ok    udp-gso         the kernel segments UDP\n"
                        "FAIL  announce        203.0.113.7: nobody is there  fix: --announce 198.51.100.2\n");
    free(text);
}

// The facts of whatever machine this runs on are whole, and quickly found.
static void test_this_machine(void **state) {
    (void)state;
    struct config config;
    char error[CONFIG_ERROR_MAX], *no_environment[] = {NULL}, *arguments[] = {"rotunda"};
    assert_int_equal(config_load(&config, 1, arguments, no_environment, error), CONFIG_RUN);
    struct machine machine;
    struct findings findings = {.count = 0};
    uint64_t start_us = clock_now_us();
    machine_examine(&config, &machine);
    checks_quick(&config, &machine, &findings);
    uint64_t took_us = clock_now_us() - start_us;
    assert_true(machine.receive.granted_bytes > 0 && machine.files_allowed > 0 && machine.wall_us > 0);
    assert_true(machine.built_us > 0 && machine.cipher[0]);
    for (int i = 0; i < LIBRARIES; i++)
        assert_true(machine.libraries[i].built[0] && machine.libraries[i].running[0]);
    assert_true(findings.count >= 6 + LIBRARIES);
    assert_true(machine_has_address(&machine, "127.0.0.1"));
    assert_true(machine_has_address(&machine, "127.9.9.9"));
    assert_false(machine_has_address(&machine, "203.0.113.99"));
    print_message("# measured: the self-check at start took %llu us\n", (unsigned long long)took_us);
    assert_true(took_us < 500000); // 50 ms are the aim; sanitizers and a busy machine are slower
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_limit),   cmocka_unit_test(test_buffers),
        cmocka_unit_test(test_secrets),      cmocka_unit_test(test_drain),
        cmocka_unit_test(test_gso),          cmocka_unit_test(test_clock),
        cmocka_unit_test(test_libraries),    cmocka_unit_test(test_versions_compare),
        cmocka_unit_test(test_cipher),       cmocka_unit_test(test_containers),
        cmocka_unit_test(test_full_list),    cmocka_unit_test(test_line),
        cmocka_unit_test(test_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
