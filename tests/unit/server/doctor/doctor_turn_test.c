// The doctor's TURN client against a server of this test, which is made of libnice's own STUN messages.
#include "server/doctor/doctor_turn.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <stun/stunagent.h>

#include <cmocka.h>

#define USER "1795248000:doctor"
#define REALM "example.org"
#define SLACK 24
#define ALLOCATE 0x003
#define REFRESH 0x004

static const uint16_t known[] = {STUN_ATTRIBUTE_USERNAME,
                                 STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
                                 STUN_ATTRIBUTE_REALM,
                                 STUN_ATTRIBUTE_NONCE,
                                 STUN_ATTRIBUTE_LIFETIME,
                                 STUN_ATTRIBUTE_REQUESTED_TRANSPORT,
                                 0};

struct server {
    StunAgent agent;
    const char *password;
    StunMessage request;
    uint8_t request_bytes[TURN_MESSAGE_MAX + SLACK];
    StunValidationStatus status;
    uint8_t answer[TURN_MESSAGE_MAX + SLACK];
    size_t answer_len;
};

static void server_init(struct server *s, const char *password) {
    *s = (struct server){.password = password};
    stun_agent_init(&s->agent, known, STUN_COMPATIBILITY_RFC5389, STUN_AGENT_USAGE_LONG_TERM_CREDENTIALS);
}

static bool on_validate(StunAgent *agent, StunMessage *message, uint8_t *username, uint16_t username_len,
                        uint8_t **password, size_t *password_len, void *ctx) {
    (void)agent, (void)message;
    struct server *s = ctx;
    if (username_len != strlen(USER) || memcmp(username, USER, username_len) != 0)
        return false;
    *password = (uint8_t *)s->password;
    *password_len = strlen(s->password);
    return true;
}

static void server_take(struct server *s, const uint8_t *bytes, size_t len) {
    assert_true(len >= 20 && len <= TURN_MESSAGE_MAX);
    memcpy(s->request_bytes, bytes, len);
    memset(s->request_bytes + len, 0, SLACK);
    s->status = stun_agent_validate(&s->agent, &s->request, s->request_bytes, len, on_validate, s);
}

static bool request_has(const struct server *s, StunAttribute attribute) {
    uint16_t len;
    return stun_message_find(&s->request, attribute, &len) != NULL;
}

static void server_refuse(struct server *s, int code, const char *nonce) {
    StunMessage answer;
    assert_true(stun_agent_init_error(&s->agent, &answer, s->answer, TURN_MESSAGE_MAX, &s->request, code));
    if (nonce) {
        assert_int_equal(stun_message_append_string(&answer, STUN_ATTRIBUTE_REALM, REALM), 0);
        assert_int_equal(stun_message_append_string(&answer, STUN_ATTRIBUTE_NONCE, nonce), 0);
    }
    s->answer_len = stun_agent_finish_message(&s->agent, &answer, NULL, 0);
    assert_true(s->answer_len > 0);
}

// Signed with the server's password; broken: then changed.
static void server_grant(struct server *s, bool broken) {
    StunMessage answer;
    struct sockaddr_in relayed = {.sin_family = AF_INET, .sin_port = htons(50001)};
    inet_pton(AF_INET, "203.0.113.9", &relayed.sin_addr);
    assert_true(stun_agent_init_response(&s->agent, &answer, s->answer, TURN_MESSAGE_MAX, &s->request));
    assert_int_equal(stun_message_append_xor_addr(&answer, STUN_ATTRIBUTE_XOR_RELAYED_ADDRESS,
                                                  (struct sockaddr_storage *)&relayed, sizeof relayed),
                     0);
    assert_int_equal(stun_message_append32(&answer, STUN_ATTRIBUTE_LIFETIME, 600), 0);
    s->answer_len =
        stun_agent_finish_message(&s->agent, &answer, (const uint8_t *)s->password, strlen(s->password));
    assert_true(s->answer_len > 0);
    s->answer[s->answer_len - 1] ^= broken; // the last byte of its MESSAGE-INTEGRITY
}

static enum turn_step answer_read(struct turn_probe *probe, struct server *s, struct turn_outcome *out) {
    return turn_probe_read(probe, s->answer, s->answer_len, out);
}

static void ask(struct turn_probe *probe, struct server *s) {
    uint8_t bytes[TURN_MESSAGE_MAX];
    server_take(s, bytes, turn_probe_write(probe, bytes));
    assert_int_equal(stun_message_get_method(&s->request), ALLOCATE);
}

// RFC 8656, section 7.1 and RFC 8489, section 9.2: without credentials, 401, with, granted, given back.
static void test_allocation(void **state) {
    (void)state;
    struct server s;
    struct turn_outcome out = {0};
    struct turn_probe *probe = turn_probe_create(USER, "right");
    server_init(&s, "right");
    ask(probe, &s);
    assert_false(request_has(&s, STUN_ATTRIBUTE_USERNAME));
    assert_false(request_has(&s, STUN_ATTRIBUTE_MESSAGE_INTEGRITY));
    assert_true(request_has(&s, STUN_ATTRIBUTE_REQUESTED_TRANSPORT));
    server_refuse(&s, STUN_ERROR_UNAUTHORIZED, "nonce-1");
    assert_int_equal(answer_read(probe, &s, &out), TURN_STEP_WRITE);
    ask(probe, &s);
    assert_int_equal(s.status, STUN_VALIDATION_SUCCESS); // signed with what it should know
    assert_true(request_has(&s, STUN_ATTRIBUTE_MESSAGE_INTEGRITY) && request_has(&s, STUN_ATTRIBUTE_NONCE));
    server_refuse(&s, STUN_ERROR_STALE_NONCE, "nonce-2");
    assert_int_equal(answer_read(probe, &s, &out), TURN_STEP_WRITE);
    ask(probe, &s);
    assert_int_equal(s.status, STUN_VALIDATION_SUCCESS);
    server_grant(&s, false);
    assert_int_equal(answer_read(probe, &s, &out), TURN_STEP_OVER);
    assert_int_equal(out.result, TURN_WORKS);
    char text[ADDR_TEXT_MAX];
    addr_print(&out.relayed, text);
    assert_string_equal(text, "203.0.113.9:50001");
    uint8_t bytes[TURN_MESSAGE_MAX];
    uint32_t lifetime = 1;
    server_take(&s, bytes, turn_probe_release(probe, bytes));
    assert_int_equal(s.status, STUN_VALIDATION_SUCCESS);
    assert_int_equal(stun_message_get_method(&s.request), REFRESH);
    assert_int_equal(stun_message_find32(&s.request, STUN_ATTRIBUTE_LIFETIME, &lifetime), 0);
    assert_int_equal(lifetime, 0);
    turn_probe_destroy(probe);
}

static void test_refusals(void **state) {
    (void)state;
    static const struct {
        const char *what;
        int first;         // to the request without credentials; 401 goes on
        const char *nonce; // with the first
        int second;        // 0: granted
        bool broken;       // the grant is changed on its way
        enum turn_result result;
        int code;
    } rows[] = {
        {"wrong credentials", 401, "n", 401, false, TURN_DENIED, 401},
        {"forbidden", 401, "n", 403, false, TURN_ERROR, 403},
        {"no room", 401, "n", 508, false, TURN_ERROR, 508},
        {"no realm", 401, NULL, 0, false, TURN_ERROR, 401},
        {"bad request", 400, NULL, 0, false, TURN_ERROR, 400},
        {"changed on its way", 401, "n", 0, true, TURN_ODD, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct server s;
        struct turn_outcome out = {0};
        struct turn_probe *probe = turn_probe_create(USER, "right");
        server_init(&s, "right");
        ask(probe, &s);
        server_refuse(&s, rows[i].first, rows[i].nonce);
        if (answer_read(probe, &s, &out) == TURN_STEP_WRITE) {
            ask(probe, &s);
            if (rows[i].second)
                server_refuse(&s, rows[i].second, "n2");
            else
                server_grant(&s, rows[i].broken);
            assert_int_equal(answer_read(probe, &s, &out), TURN_STEP_OVER);
        }
        if (out.result != rows[i].result || out.code != rows[i].code)
            fail_msg("%s: expected result %d code %d, got %d and %d", rows[i].what, rows[i].result,
                     rows[i].code, out.result, out.code);
        if (rows[i].nonce)
            assert_string_equal(out.realm, REALM);
        turn_probe_destroy(probe);
    }
}

// A server that calls every nonce stale does not keep it for ever.
static void test_stale_for_ever(void **state) {
    (void)state;
    struct server s;
    struct turn_outcome out = {0};
    struct turn_probe *probe = turn_probe_create(USER, "right");
    server_init(&s, "right");
    ask(probe, &s);
    server_refuse(&s, 401, "n");
    unsigned rounds = 1;
    while (answer_read(probe, &s, &out) == TURN_STEP_WRITE && rounds < 20) {
        ask(probe, &s);
        rounds++;
        server_refuse(&s, STUN_ERROR_STALE_NONCE, "again");
    }
    assert_true(rounds < 6);
    assert_int_equal(out.result, TURN_ERROR);
    assert_int_equal(out.code, STUN_ERROR_STALE_NONCE);
    turn_probe_destroy(probe);
}

// What is no answer to the request that is out changes nothing.
static void test_strangers(void **state) {
    (void)state;
    struct server s;
    struct turn_outcome out = {.code = 77};
    uint8_t bytes[TURN_MESSAGE_MAX + SLACK];
    struct turn_probe *probe = turn_probe_create(USER, "right");
    server_init(&s, "right");
    ask(probe, &s);
    server_refuse(&s, 401, "n");
    memcpy(bytes, s.answer, s.answer_len);
    bytes[9] ^= 1; // another transaction
    assert_int_equal(turn_probe_read(probe, bytes, s.answer_len, &out), TURN_STEP_WAIT);
    for (size_t len = 0; len < s.answer_len; len++) { // cut short
        memcpy(bytes, s.answer, s.answer_len);
        assert_int_equal(turn_probe_read(probe, bytes, len, &out), TURN_STEP_WAIT);
    }
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(turn_probe_read(probe, bytes, TURN_MESSAGE_MAX, &out), TURN_STEP_WAIT);
    assert_int_equal(out.code, 77);
    assert_int_equal(answer_read(probe, &s, &out), TURN_STEP_WRITE);
    turn_probe_destroy(probe);
}

// Answers with bytes changed at random (a fixed sequence) are refused or taken, and nothing is read beyond
// them.
static void test_mutations(void **state) {
    (void)state;
    uint64_t random = 88172645463325252u;
    for (unsigned i = 0; i < 40000; i++) {
        struct server s;
        struct turn_outcome out = {0};
        struct turn_probe *probe = turn_probe_create(USER, "right");
        server_init(&s, "right");
        ask(probe, &s);
        server_refuse(&s, 401, "n");
        if (i % 2) {
            assert_int_equal(answer_read(probe, &s, &out), TURN_STEP_WRITE);
            ask(probe, &s);
            server_grant(&s, false);
        }
        uint8_t *exact = malloc(s.answer_len + SLACK); // so that ASan sees the end
        assert_non_null(exact);
        memcpy(exact, s.answer, s.answer_len);
        for (unsigned flips = 0; flips < 1 + i % 4; flips++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            size_t at = random % s.answer_len;
            if (at < 4 || at >= 20) // the transaction stays ours
                exact[at] = (uint8_t)(random >> 32);
        }
        (void)turn_probe_read(probe, exact, s.answer_len, &out);
        free(exact);
        turn_probe_destroy(probe);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocation),     cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_stale_for_ever), cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
