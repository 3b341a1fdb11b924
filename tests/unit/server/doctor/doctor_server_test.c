// The server that the doctor starts for a call: that it serves, that calls with it tell how far they came,
// and that whatever happens to it is told.
#include "server/doctor/doctor_server.h"

#include "base/clock.h"
#include "server/doctor/doctor_call.h"
#include "server/doctor/doctor_http.h"
#include "server/doctor/doctor_ports.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void config_make(struct config *config, const char *listen) {
    char error[CONFIG_ERROR_MAX], *none[] = {NULL};
    char *arguments[] = {"rotunda", "--listen",   (char *)listen, "--media-port", "0",    "--workers",
                         "1",       "--announce", "127.0.0.1",    "--log-level",  "error"};
    assert_int_equal(config_load(config, sizeof arguments / sizeof arguments[0], arguments, none, error),
                     CONFIG_RUN);
}

static void call(const struct doctor_server *server, const char *media_to, struct call_outcome *out) {
    char url[64];
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/ws", server->http_port);
    struct call_request request = {.url = url, .wait_us = US_PER_SECOND};
    assert_int_equal(addr_parse(media_to, 0, &request.media_to), ERR_OK);
    call_make(&request, out);
}

static void test_serves(void **state) {
    (void)state;
    struct config config;
    struct doctor_server server;
    struct http_reply reply;
    struct call_outcome outcome;
    char why[DOCTOR_SERVER_WHY_MAX] = "", http_why[HTTP_WHY_MAX], version[32];
    config_make(&config, "127.0.0.1:0");
    if (!doctor_server_start(&server, &config, why))
        fail_msg("expected a server, got: %s", why);
    struct http_target target = {.host = "127.0.0.1", .port = server.http_port};
    assert_true(http_get(&target, "/healthz", 2000, &reply, http_why) && http_is_rotunda(&reply));
    assert_true(http_get(&target, "/metrics", 2000, &reply, http_why));
    http_rotunda_version(&reply, version, sizeof version);
    assert_string_equal(version, ROTUNDA_VERSION);
    target.tls = true;
    assert_false(http_get(&target, "/healthz", 2000, &reply, http_why)); // it speaks no TLS

    struct port_facts port;
    uint16_t http_port = server.http_port;
    port_examine_tcp("127.0.0.1", http_port, &port);
    assert_int_equal(port.state, PORT_BUSY);
    port_examine_udp(server.media_port, &port);
    assert_int_equal(port.state, PORT_BUSY);

    call(&server, "127.0.0.1", &outcome);
    if (outcome.stage != CALL_DONE)
        fail_msg("expected a call, got stuck at %s: %s", call_stage_name(outcome.stage), outcome.why);
    assert_true(outcome.packets_in >= 2 * CALL_PACKETS_MIN && outcome.faults == 0);
    assert_int_equal(outcome.offered_count, 1);
    assert_int_equal(outcome.offered[0].port, server.media_port);
    call(&server, "127.77.7.7", &outcome); // all of 127.0.0.0/8 leads there
    assert_int_equal(outcome.stage, CALL_DONE);

    if (!doctor_server_stop(&server, why))
        fail_msg("expected a clean end, got: %s", why);
    assert_int_equal(server.pid, 0);
    assert_true(doctor_server_stop(&server, why)); // there is none any more
    port_examine_tcp("127.0.0.1", http_port, &port);
    assert_int_equal(port.state, PORT_FREE);
}

// The server ends while it is examined: calls fail at their first stage, and the end is told.
static void test_killed(void **state) {
    (void)state;
    struct config config;
    struct doctor_server server;
    struct call_outcome outcome;
    char why[DOCTOR_SERVER_WHY_MAX] = "";
    siginfo_t end;
    config_make(&config, "127.0.0.1:0");
    assert_true(doctor_server_start(&server, &config, why));
    kill(server.pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)server.pid, &end, WEXITED | WNOWAIT), 0);
    call(&server, "127.0.0.1", &outcome);
    assert_int_equal(outcome.stage, CALL_WEBSOCKET);
    assert_non_null(strstr(outcome.why, "Connection refused"));
    assert_false(doctor_server_stop(&server, why));
    assert_string_equal(why, "it was ended by signal 9");
}

static void test_does_not_start(void **state) {
    (void)state;
    struct config config;
    struct doctor_server server;
    char why[DOCTOR_SERVER_WHY_MAX] = "";
    config_make(&config, "192.0.2.1:1");
    assert_false(doctor_server_start(&server, &config, why));
    if (strncmp(why, "cannot listen on 192.0.2.1:1", 28) != 0)
        fail_msg("expected what the server says, got \"%s\"", why);
    assert_int_equal(server.pid, 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); // nobody is left behind
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_serves),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_does_not_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
