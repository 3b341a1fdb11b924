// `rotunda doctor`: from what the network and other programs told to findings.
#include "server/doctor/doctor_checks.h"

#include "server/doctor/doctor_http.h"
#include "server/doctor/doctor_report.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(const struct finding *got, enum finding_level level, const char *text, const char *fix) {
    if (got->level != level || !strstr(got->text, text) || (fix ? !strstr(got->fix, fix) : got->fix[0]))
        fail_msg("expected %s \"...%s...\" fix \"...%s...\", got %s %s %s: \"%s\" fix \"%s\"",
                 finding_level_name(level), text, fix ? fix : "", finding_level_name(got->level), got->check,
                 got->subject, got->text, got->fix);
}

static void test_ports(void **state) {
    (void)state;
    static const struct {
        struct port_facts port;
        const char *running;
        enum finding_level level;
        const char *text, *fix;
    } rows[] = {
        {{PORT_TCP, "0.0.0.0", 8080, PORT_FREE, 0, ""},
         NULL,
         FINDING_OK,
         "TCP port 8080 of 0.0.0.0 is free",
         NULL},
        {{PORT_TCP, "::", 8080, PORT_FREE, 0, ""}, NULL, FINDING_OK, "of [::] is free", NULL},
        {{PORT_TCP, "0.0.0.0", 0, PORT_FREE, 0, ""}, NULL, FINDING_OK, "the system chooses", NULL},
        {{PORT_UDP, "", 40000, PORT_FREE, 0, ""}, NULL, FINDING_OK, "UDP port 40000 is free", NULL},
        {{PORT_TCP, "0.0.0.0", 8080, PORT_BUSY, EADDRINUSE, "nginx (pid 812)"},
         NULL,
         FINDING_FAIL,
         "taken by nginx (pid 812)",
         "stop it, or choose another port: --listen"},
        {{PORT_UDP, "", 40000, PORT_BUSY, EADDRINUSE, "another program"},
         NULL,
         FINDING_FAIL,
         "UDP port 40000 is taken by another program",
         "--media-port"},
        {{PORT_TCP, "0.0.0.0", 8080, PORT_BUSY, EADDRINUSE, "rotunda (pid 7)"},
         "0.1.0",
         FINDING_OK,
         "Rotunda 0.1.0 runs at TCP port 8080",
         NULL},
        {{PORT_TCP, "0.0.0.0", 8080, PORT_BUSY, EADDRINUSE, "rotunda (pid 7)"},
         "",
         FINDING_OK,
         "Rotunda runs at TCP port 8080",
         NULL},
        {{PORT_UDP, "", 40000, PORT_BUSY, EADDRINUSE, "rotunda (pid 7)"},
         "0.1.0",
         FINDING_OK,
         "is in use (rotunda (pid 7))",
         NULL},
        {{PORT_UDP, "", 40000, PORT_FREE, 0, ""}, "0.1.0", FINDING_WARN, "other settings", "restart it"},
        {{PORT_TCP, "0.0.0.0", 80, PORT_FORBIDDEN, EACCES, ""},
         NULL,
         FINDING_FAIL,
         "this user may not open TCP port 80",
         "above 1023"},
        {{PORT_TCP, "192.0.2.1", 80, PORT_ELSEWHERE, EADDRNOTAVAIL, ""},
         NULL,
         FINDING_FAIL,
         "does not have that address",
         "--listen 0.0.0.0:80"},
        {{PORT_UDP, "", 40000, PORT_REFUSED, EMFILE, ""}, NULL, FINDING_FAIL, "Too many open files", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct finding got;
        check_port(&got, &rows[i].port, rows[i].running);
        if (rows[i].fix)
            expect(&got, rows[i].level, rows[i].text, rows[i].fix);
        else if (got.level != rows[i].level || !strstr(got.text, rows[i].text))
            expect(&got, rows[i].level, rows[i].text, NULL);
        assert_string_equal(got.check, rows[i].port.kind == PORT_TCP ? "listen-port" : "media-port");
    }
}

// ---- addresses

static struct stun_seen seen_at(const char *first, const char *second) {
    struct stun_seen seen = {.count = 0};
    for (int i = 0; i < 2; i++) {
        const char *text = i ? second : first;
        if (text)
            assert_int_equal(addr_parse(text, 40000, &seen.address[seen.count++]), ERR_OK);
    }
    return seen;
}

static void test_stun(void **state) {
    (void)state;
    static const struct {
        bool asked;
        enum stun_result result;
        const char *v4, *v6, *why;
        enum finding_level level;
        const char *text, *fix;
    } rows[] = {
        {false, STUN_SEEN, NULL, NULL, "", FINDING_SKIP, "no STUN server is set", NULL},
        {true, STUN_SEEN, "203.0.113.7", NULL, "", FINDING_OK, "sees this machine at 203.0.113.7", NULL},
        {true, STUN_SEEN, "203.0.113.7", "2001:db8::1", "", FINDING_OK, "203.0.113.7 and 2001:db8::1", NULL},
        {true, STUN_SEEN, "100.64.3.4", NULL, "", FINDING_WARN, "CGNAT", "TURN server outside"},
        {true, STUN_SILENT, NULL, NULL, "stun.example does not answer", FINDING_FAIL, "does not answer",
         "let UDP out"},
        {true, STUN_UNRESOLVED, NULL, NULL, "no such name", FINDING_FAIL, "no such name",
         "the name in --stun"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct finding got;
        struct stun_seen seen = seen_at(rows[i].v4, rows[i].v6);
        struct stun_facts facts = {rows[i].asked, rows[i].result, "stun.example:3478", "--stun",
                                   40000,         &seen,          rows[i].why};
        check_stun(&got, &facts, 40000);
        expect(&got, rows[i].level, rows[i].text, rows[i].fix);
    }
    struct finding got;
    struct stun_seen seen = seen_at("203.0.113.7", NULL); // port 40000
    struct stun_facts moved = {true, STUN_SEEN, "stun.example:3478", "--stun", 41000, &seen, ""};
    check_stun(&got, &moved, 41000);
    expect(&got, FINDING_WARN, "at another port", "forward UDP port 41000");
    moved.local_port = 0; // asked from any port, because a server has the right one
    check_stun(&got, &moved, 41000);
    expect(&got, FINDING_OK, "sees this machine at 203.0.113.7", NULL);
}

static void test_addresses(void **state) {
    (void)state;
    static const struct {
        const char *address, *seen, *container; // seen NULL: nobody was asked
        enum address_place place;
        enum finding_level level;
        const char *text, *fix;
    } rows[] = {
        {"192.168.1.5", NULL, NULL, PLACE_HERE, FINDING_OK, "private, at an interface of this machine", NULL},
        {"172.17.0.2", NULL, "Docker", PLACE_HERE, FINDING_OK, "at an interface of this container", NULL},
        {"127.0.0.1", NULL, NULL, PLACE_HERE, FINDING_OK, "loopback, at", NULL},
        {"127.3.3.3", NULL, NULL, PLACE_HERE, FINDING_OK, "loopback, at", NULL},
        {"203.0.113.7", NULL, NULL, PLACE_UNKNOWN, FINDING_OK, "NAT must forward UDP port 40000", NULL},
        {"203.0.113.7", "203.0.113.7", NULL, PLACE_SEEN, FINDING_OK, "must forward UDP port 40000", NULL},
        {"203.0.113.7", "198.51.100.2", NULL, PLACE_OTHER, FINDING_WARN,
         "stun.example:3478 sees this machine at 198.51.100.2", "--announce auto,198.51.100.2"},
        {"2001:db8::9", "198.51.100.2", NULL, PLACE_UNKNOWN, FINDING_OK, "public, not at an interface", NULL},
        {"10.9.9.9", NULL, NULL, PLACE_UNKNOWN, FINDING_WARN, "no interface of this machine has it",
         "--announce auto"},
        {"10.9.9.9", NULL, "Docker", PLACE_UNKNOWN, FINDING_OK, "the machine that runs it", NULL},
        {"169.254.3.4", NULL, NULL, PLACE_UNKNOWN, FINDING_WARN, "cannot send to it", "leave it out"},
    };
    static const struct machine machine = {.address_count = 3,
                                           .addresses = {"127.0.0.1", "192.168.1.5", "172.17.0.2"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct finding got;
        struct stun_seen seen = seen_at(rows[i].seen, NULL);
        struct stun_facts stun = {
            rows[i].seen != NULL, STUN_SEEN, "stun.example:3478", "--stun", 40000, &seen, ""};
        enum address_place place = address_place_of(rows[i].address, &machine, &stun);
        if (place != rows[i].place)
            fail_msg("%s: expected place %d, got %d", rows[i].address, rows[i].place, place);
        check_address(&got, rows[i].address, place, &stun, rows[i].container, 40000);
        expect(&got, rows[i].level, rows[i].text, rows[i].fix);
        assert_string_equal(got.subject, rows[i].address);
    }
}

static void test_reach(void **state) {
    (void)state;
    static const struct {
        struct announce announce;
        const char *container;
        enum finding_level level;
        const char *text, *fix;
    } rows[] = {
        {{.count = 1, .list = {{"203.0.113.7", ANNOUNCE_NAMED}}},
         NULL,
         FINDING_OK,
         "a public address is announced",
         NULL},
        {{.count = 1, .list = {{"203.0.113.7", ANNOUNCE_FOUND}}},
         NULL,
         FINDING_OK,
         "a public address is announced",
         NULL},
        {{.count = 1, .list = {{"192.168.1.5", ANNOUNCE_NAMED}}},
         NULL,
         FINDING_OK,
         "that was asked for",
         NULL},
        {{.count = 1, .list = {{"192.168.1.5", ANNOUNCE_FOUND}}},
         NULL,
         FINDING_WARN,
         "nobody on the internet",
         "--announce auto"},
        {{.count = 1, .list = {{"172.17.0.2", ANNOUNCE_FOUND}}},
         "Docker",
         FINDING_WARN,
         "in Docker",
         "ROTUNDA_ANNOUNCE=IP"},
        {{.count = 1, .list = {{"127.0.0.1", ANNOUNCE_NAMED}}},
         NULL,
         FINDING_WARN,
         "only this machine",
         "--announce IP"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct finding got;
        check_reach(&got, &rows[i].announce, rows[i].container);
        expect(&got, rows[i].level, rows[i].text, rows[i].fix);
    }
}

// ---- the call

static const struct {
    struct call_outcome outcome;
    bool local;
    enum address_place place;
    enum finding_level level;
    const char *text, *fix;
} calls[] = {
    {{.stage = CALL_DONE, .media_us = 84000}, true, PLACE_HERE, FINDING_OK, "both ways in 84 ms", NULL},
    {{.stage = CALL_DONE, .media_us = 84000}, false, PLACE_SEEN, FINDING_OK, "both ways in 84 ms", NULL},
    {{.stage = CALL_DONE, .faults = 3, .packets_in = 40},
     true,
     PLACE_HERE,
     FINDING_WARN,
     "3 of 40 packets",
     "rotunda-load"},
    {{.stage = CALL_WEBSOCKET, .why = "cannot connect"},
     true,
     PLACE_HERE,
     FINDING_FAIL,
     "no WebSocket at TCP port 8080: cannot connect",
     "log"},
    {{.stage = CALL_ROOM}, true, PLACE_HERE, FINDING_FAIL, "did not go through with join-room", "log"},
    {{.stage = CALL_ROOM, .refused = true, .why = "rooms"},
     true,
     PLACE_HERE,
     FINDING_WARN,
     "no more people",
     "--rooms-max"},
    {{.stage = CALL_TRANSPORT}, true, PLACE_HERE, FINDING_FAIL, "did not go through with transport", "log"},
    {{.stage = CALL_ICE},
     true,
     PLACE_HERE,
     FINDING_FAIL,
     "nothing answers ICE checks sent to UDP port 40000",
     "firewall of this machine? let in UDP port 40000"},
    {{.stage = CALL_ICE}, false, PLACE_HERE, FINDING_FAIL, "nothing answers", "firewall of this machine"},
    {{.stage = CALL_DTLS}, true, PLACE_HERE, FINDING_FAIL, "DTLS handshake does not complete", "MTU"},
    {{.stage = CALL_RTP, .packets_out = 90, .packets_in = 4},
     true,
     PLACE_HERE,
     FINDING_FAIL,
     "of 90 media packets sent only 4",
     "firewall"},
    // A machine that its router does not lead back to itself is no fault; an address elsewhere is.
    {{.stage = CALL_ICE},
     false,
     PLACE_UNKNOWN,
     FINDING_WARN,
     "no hairpin",
     "/check of the page from outside"},
    {{.stage = CALL_ICE}, false, PLACE_SEEN, FINDING_WARN, "no hairpin", "forward UDP port 40000"},
    {{.stage = CALL_ICE},
     false,
     PLACE_OTHER,
     FINDING_FAIL,
     "STUN sees this machine at 198.51.100.2 instead",
     "--announce auto,198.51.100.2"},
    {{.stage = CALL_DONE}, false, PLACE_OTHER, FINDING_OK, "both ways", NULL},
};

static void test_calls(void **state) {
    (void)state;
    struct stun_seen seen = seen_at("198.51.100.2", NULL);
    struct stun_facts stun = {true, STUN_SEEN, "stun.example:3478", "--stun", 40000, &seen, ""};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        struct finding got;
        struct call_facts facts = {.outcome = &calls[i].outcome,
                                   .address = "203.0.113.7",
                                   .web_address = "203.0.113.7",
                                   .http_port = 8080,
                                   .media_port = 40000,
                                   .local = calls[i].local,
                                   .place = calls[i].place,
                                   .stun = &stun};
        check_call(&got, &facts);
        expect(&got, calls[i].level, calls[i].text, calls[i].fix);
        facts.seen_announced = true;
        if (calls[i].place == PLACE_OTHER && calls[i].outcome.stage == CALL_ICE) {
            check_call(&got, &facts);
            expect(&got, FINDING_WARN, "get through by 198.51.100.2", "leave it out");
        }
        facts.web_address = "127.0.0.1";
        if (calls[i].outcome.stage == CALL_DONE && !calls[i].local && !calls[i].outcome.faults) {
            check_call(&got, &facts);
            expect(&got, FINDING_OK, "through 127.0.0.1", NULL);
        }
    }
}

// ---- TLS and TURN

static const struct {
    int64_t from_days, to_days;
    const char *error;
    struct chain_facts chain;
    enum finding_level dates, chain_level;
    const char *text, *fix, *chain_text;
} certificates[] = {
    {-10,
     80,
     "",
     {CHAIN_TRUSTED, 2, "", ""},
     FINDING_OK,
     FINDING_OK,
     "meet.example, until 2027-02-09",
     NULL,
     "leads to"},
    {-80,
     10,
     "",
     {CHAIN_TRUSTED, 2, "", ""},
     FINDING_WARN,
     FINDING_OK,
     "expires on 2026-12-01, in 10 days",
     "renew",
     "leads to"},
    {-90,
     -1,
     "",
     {CHAIN_TRUSTED, 2, "", ""},
     FINDING_FAIL,
     FINDING_OK,
     "expired on 2026-11-20",
     "renew it, then send",
     "leads to"},
    {2,
     80,
     "",
     {CHAIN_TRUSTED, 2, "", ""},
     FINDING_FAIL,
     FINDING_OK,
     "not valid before 2026-11-23",
     "clock",
     "leads to"},
    {-10,
     80,
     "",
     {CHAIN_SELF_SIGNED, 1, "", ""},
     FINDING_OK,
     FINDING_WARN,
     "until",
     NULL,
     "signed by itself"},
    {-10,
     80,
     "",
     {CHAIN_BROKEN, 1, "R11", ""},
     FINDING_OK,
     FINDING_WARN,
     "until",
     NULL,
     "certificate of \"R11\""},
    {-10,
     80,
     "",
     {CHAIN_PRIVATE, 2, "Home", ""},
     FINDING_OK,
     FINDING_WARN,
     "until",
     NULL,
     "private authority \"Home\""},
    {-10,
     80,
     "",
     {CHAIN_BAD, 2, "", "invalid CA certificate"},
     FINDING_OK,
     FINDING_FAIL,
     "until",
     NULL,
     "invalid CA"},
    {-10,
     80,
     "",
     {CHAIN_NO_ROOTS, 2, "", ""},
     FINDING_OK,
     FINDING_SKIP,
     "until",
     NULL,
     "no list of authorities"},
    {0,
     0,
     "the key is of another certificate",
     {CHAIN_TRUSTED, 0, "", ""},
     FINDING_FAIL,
     FINDING_OK,
     "another certificate",
     "--tls-key",
     NULL},
};

static void test_certificates(void **state) {
    (void)state;
    const int64_t day = 86400, now = 1795248000; // 2026-11-21
    for (size_t i = 0; i < sizeof certificates / sizeof certificates[0]; i++) {
        struct finding got[2];
        struct certificate_facts facts = {"cert.pem",
                                          certificates[i].error,
                                          "meet.example",
                                          now + certificates[i].from_days * day,
                                          now + certificates[i].to_days * day,
                                          certificates[i].chain};
        unsigned count = check_certificate(got, &facts, now);
        assert_int_equal(count, certificates[i].chain_text ? 2 : 1);
        expect(&got[0], certificates[i].dates, certificates[i].text, certificates[i].fix);
        if (count == 2 &&
            (got[1].level != certificates[i].chain_level || !strstr(got[1].text, certificates[i].chain_text)))
            fail_msg("row %zu: expected %s \"%s\", got %s \"%s\"", i,
                     finding_level_name(certificates[i].chain_level), certificates[i].chain_text,
                     finding_level_name(got[1].level), got[1].text);
    }
}

static void test_turn(void **state) {
    (void)state;
    static const struct {
        struct turn_outcome outcome;
        const char *relayed;
        enum finding_level level;
        const char *text, *fix;
    } rows[] = {
        {{.result = TURN_WORKS}, "203.0.113.9", FINDING_OK, "relays from 203.0.113.9", NULL},
        {{.result = TURN_WORKS}, "172.17.0.3", FINDING_WARN, "relays from 172.17.0.3", "external-ip"},
        {{.result = TURN_DENIED, .code = 401, .realm = "example.org"},
         NULL,
         FINDING_FAIL,
         "realm \"example.org\"",
         "static-auth-secret"},
        {{.result = TURN_ERROR, .code = 401}, NULL, FINDING_FAIL, "error 401", "use-auth-secret"},
        {{.result = TURN_ERROR, .code = 508}, NULL, FINDING_FAIL, "error 508", "its log"},
        {{.result = TURN_SILENT}, NULL, FINDING_FAIL, "no answer within 3 s", "does it run"},
        {{.result = TURN_REFUSED, .why = "Connection refused"},
         NULL,
         FINDING_FAIL,
         "nobody listens there: Connection refused",
         "--turn-urls"},
        {{.result = TURN_UNRESOLVED, .why = "no such name"},
         NULL,
         FINDING_FAIL,
         "no such name",
         "the name in --turn-urls"},
        {{.result = TURN_ODD}, NULL, FINDING_FAIL, "no TURN server", "--turn-urls"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct finding got;
        struct turn_outcome outcome = rows[i].outcome;
        if (rows[i].relayed)
            assert_int_equal(addr_parse(rows[i].relayed, 50000, &outcome.relayed), ERR_OK);
        check_turn(&got, "turn:turn.example:3478", &outcome);
        expect(&got, rows[i].level, rows[i].text, rows[i].fix);
    }
}

// ---- HTTP

static void test_replies(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool http, rotunda;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nserver: rotunda\r\ncontent-length: 3\r\n\r\nok\n", true, true},
        {"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nServer: rotunda\r\n\r\nok\n", true, true},
        {"HTTP/1.1 200 OK\r\nServer: nginx\r\n\r\nok\n", true, false},
        {"HTTP/1.1 200 OK\r\n\r\nServer: rotunda\r\nok\n", true, false}, // in the body it is no header
        {"HTTP/1.1 404 Not Found\r\nserver: rotunda\r\n\r\nok", true, false},
        {"HTTP/1.1 200 OK\r\nserver: rotunda", true, false},
        {"HTTP/1.", false, false},
        {"HTTP/1.1", false, false},
        {"SSH-2.0-OpenSSH_9.2\r\n", false, false},
        {"", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_reply reply;
        bool http = http_reply_read(rows[i].text, strlen(rows[i].text), &reply);
        if (http != rows[i].http || (http && http_is_rotunda(&reply) != rows[i].rotunda))
            fail_msg("\"%s\": expected HTTP %d and Rotunda %d", rows[i].text, rows[i].http, rows[i].rotunda);
    }
    struct http_reply reply;
    char version[8],
        metrics[] = "HTTP/1.1 200 OK\r\n\r\n# HELP\nrotunda_build_info{version=\"0.1.0-beta7\"} 1\n";
    assert_true(http_reply_read(metrics, sizeof metrics - 1, &reply));
    http_rotunda_version(&reply, version, sizeof version);
    assert_string_equal(version, "0.1.0-b"); // cut, not overrun
    assert_true(http_reply_read("HTTP/1.1 200 OK\r\n\r\nhello", 24, &reply));
    http_rotunda_version(&reply, version, sizeof version);
    assert_string_equal(version, "");
}

// The form that docs/operations.md describes.
static void test_json(void **state) {
    (void)state;
    struct findings findings = {.count = 0};
    struct finding finding;
    finding_set(&finding, "udp-gso", "", FINDING_OK, "a \"quoted\" text");
    findings_add(&findings, &finding);
    finding_set(&finding, "stun", "", FINDING_SKIP, "none");
    findings_add(&findings, &finding);
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_true(report_print_json(out, &findings));
    fclose(out);
    assert_string_equal(text, "{\n"
                              "  \"version\": 2,\n"
                              "  \"rotunda\": \"" ROTUNDA_VERSION "\",\n"
                              "  \"status\": \"ok\",\n"
                              "  \"counts\": {\n"
                              "    \"ok\": 1,\n"
                              "    \"skip\": 1,\n"
                              "    \"warn\": 0,\n"
                              "    \"fail\": 0\n"
                              "  },\n"
                              "  \"findings\": [\n"
                              "    {\n"
                              "      \"level\": \"ok\",\n"
                              "      \"check\": \"udp-gso\",\n"
                              "      \"subject\": \"\",\n"
                              "      \"text\": \"a \\\"quoted\\\" text\",\n"
                              "      \"fix\": \"\"\n"
                              "    },\n"
                              "    {\n"
                              "      \"level\": \"skip\",\n"
                              "      \"check\": \"stun\",\n"
                              "      \"subject\": \"\",\n"
                              "      \"text\": \"none\",\n"
                              "      \"fix\": \"\"\n"
                              "    }\n"
                              "  ]\n"
                              "}\n");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ports), cmocka_unit_test(test_stun),         cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_reach), cmocka_unit_test(test_certificates), cmocka_unit_test(test_turn),
        cmocka_unit_test(test_calls), cmocka_unit_test(test_replies),      cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
