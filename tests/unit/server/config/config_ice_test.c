// Settings of full ICE: what goes together, and the file with the login.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "server/config/config.h"

#define FLAGS_MAX 16

static struct config config;
static char error[CONFIG_ERROR_MAX];

static enum config_task load(const char *const *flags) {
    char *argv[FLAGS_MAX + 1] = {(char *)"rotunda"};
    char *const none[] = {NULL};
    int argc = 1;
    for (; *flags; flags++)
        argv[argc++] = (char *)*flags;
    assert_true(argc <= FLAGS_MAX);
    return config_load(&config, argc, argv, none, error);
}

#define LOAD(...) load((const char *const[]){__VA_ARGS__, NULL})

static void refuses(enum config_task task, const char *words) {
    assert_int_equal(task, CONFIG_REFUSED);
    if (!strstr(error, words))
        fail_msg("expected \"%s\" in \"%s\"", words, error);
}

static void it_is_lite_unless_it_is_said(void **state) {
    (void)state;
    assert_int_equal(LOAD("--media-port", "40000"), CONFIG_RUN);
    assert_int_equal(config.ice, HUB_ICE_LITE);
    assert_int_equal(LOAD("--ice", "auto"), CONFIG_RUN);
    assert_int_equal(config.ice, HUB_ICE_AUTO);
    assert_int_equal(LOAD("--ice", "full"), CONFIG_RUN);
    assert_int_equal(config.ice, HUB_ICE_FULL);
}

static void what_is_of_no_use_is_refused(void **state) {
    (void)state;
    refuses(LOAD("--ice-stun", "stun.example.org"), "ice-stun: it is of no use without ice = auto");
    refuses(LOAD("--ice-turn", "turn:turn.example.org"), "ice-turn: it is of no use");
    refuses(LOAD("--ice-ports", "50000-50100"), "ice-ports: it is of no use");
    refuses(LOAD("--ice-peers", "10.0.0.0/8"), "ice-peers: it is of no use");
    refuses(LOAD("--ice", "full", "--ice-turn-login-file", "/dev/null"), "a login is of no use");
    refuses(LOAD("--ice", "full", "--ice-turn", "turn:turn.example.org"),
            "without ice-turn-login-file or turn-secret");
    refuses(LOAD("--ice", "full", "--ice-ports", "40000-40100"), "media-port 40000 is one of them");
    refuses(LOAD("--ice", "full", "--ice-ports", "192.0.2.1:50000-50100"), "leave \"192.0.2.1:\" out");
    static const char *const urls[] = {"turns:turn.example.org", "turn:turn.example.org?transport=tcp",
                                       "stun:stun.example.org"};
    for (size_t i = 0; i < 3; i++)
        refuses(LOAD("--ice", "full", "--ice-turn", urls[i], "--turn-secret", "hush"),
                "is not one that an agent can use");
    refuses(
        LOAD("--ice", "full", "--turn-secret", "hush", "--ice-turn", "turn:a,turn:b,turn:c,turn:d,turn:e"),
        "at most 4");
}

// The two lists are two.
static void servers_of_agents_are_none_of_clients(void **state) {
    (void)state;
    assert_int_equal(LOAD("--ice", "full", "--turn-urls", "stun:a,turn:b", "--turn-secret", "hush",
                          "--ice-turn", "turn:c:5000,turn:d"),
                     CONFIG_RUN);
    assert_int_equal(config.ice_servers.url_count, 2);
    assert_string_equal(config.ice_servers.urls[1].server.host, "b");
    assert_int_equal(config.ice_turn.url_count, 2);
    assert_string_equal(config.ice_turn.urls[0].server.host, "c");
    assert_int_equal(config.ice_turn.urls[0].server.port, 5000);
    assert_int_equal(LOAD("--ice", "full", "--stun", "a", "--ice-stun", "b:99"), CONFIG_RUN);
    assert_string_equal(config.stun.host, "a");
    assert_string_equal(config.ice_stun.host, "b");
    assert_int_equal(LOAD("--ice", "full", "--plain-ports", "41000-41001", "--ice-ports", "42000-42100",
                          "--trust-proxy", "127.0.0.1", "--ice-peers", "10.0.0.0/8"),
                     CONFIG_RUN);
    assert_int_equal(config.plain_ports.from, 41000);
    assert_int_equal(config.ice_ports.from, 42000);
    assert_int_equal(config.trusted.list[0].bits, 128);
    assert_int_equal(config.ice_peers.list[0].bits, 104);
}

static void the_login_is_one_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *user, *password; // NULL: refused
    } rows[] = {{"ann:secret\n", "ann", "secret"},
                {"ann:se:cret", "ann", "se:cret"},
                {"ann:x\r\n", "ann", "x"},
                {"", NULL, NULL},
                {"ann\n", NULL, NULL},
                {":secret\n", NULL, NULL},
                {"ann:\n", NULL, NULL},
                {"ann:a\nbob:b\n", NULL, NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[] = "/tmp/rotunda_login_XXXXXX";
        int fd = mkstemp(path);
        assert_int_equal(write(fd, rows[i].text, strlen(rows[i].text)), (ssize_t)strlen(rows[i].text));
        close(fd);
        enum config_task task = LOAD("--ice", "full", "--ice-turn", "turn:t", "--ice-turn-login-file", path);
        unlink(path);
        assert_int_equal(task, rows[i].user ? CONFIG_RUN : CONFIG_REFUSED);
        if (rows[i].user) {
            assert_string_equal(config.ice_turn_user, rows[i].user);
            assert_string_equal(config.ice_turn_password, rows[i].password);
        } else {
            refuses(task, "is not one line USER:PASSWORD");
            assert_null(strstr(error, "secret"));
        }
    }
    refuses(LOAD("--ice", "full", "--ice-turn", "turn:t", "--ice-turn-login-file", "/nowhere"),
            "cannot be read");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_lite_unless_it_is_said),
        cmocka_unit_test(what_is_of_no_use_is_refused),
        cmocka_unit_test(servers_of_agents_are_none_of_clients),
        cmocka_unit_test(the_login_is_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
