// Clients that mean no good, or are merely odd, over real sockets: what stands in bodies, answers to HEAD,
// requests and messages that do not end.
#include "ws_fixture.h"

// All that the server says to these bytes until it closes.
static size_t client_exchange(struct fixture *f, int fd, const char *bytes, char *out, size_t cap) {
    size_t len = 0;
    client_write(f, fd, bytes, strlen(bytes));
    for (uint64_t until_us = clock_now_us() + PATIENCE_US; clock_now_us() < until_us;) {
        uv_run(&f->loop, UV_RUN_NOWAIT);
        ssize_t n = recv(fd, out + len, cap - 1 - len, MSG_DONTWAIT);
        if (n == 0)
            break;
        len += n > 0 ? (size_t)n : 0;
    }
    out[len] = '\0';
    return len;
}

static unsigned answers_in(const char *text) {
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, "HTTP/1.1 ")); at++)
        count++;
    return count;
}

// What stands in a request's body is no request, whatever the request asked for: a proxy that hands the body
// on as one would give the second answer to somebody else.
static void test_a_body_is_no_request(void **state) {
    struct fixture *f = *state;
#define INNER "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
#define UPGRADE "Host: x\r\nConnection: keep-alive, upgrade\r\nUpgrade: websocket\r\n"
#define KEY "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define BODY "Content-Length: 34\r\n\r\n" INNER
    static const char *const rows[] = {
        "GET /ws HTTP/1.1\r\n" UPGRADE KEY BODY,
        "POST /ws HTTP/1.1\r\n" UPGRADE KEY BODY,
        "GET /ws HTTP/1.1\r\n" UPGRADE BODY, // no key
        "GET /ws HTTP/1.1\r\n" UPGRADE "Sec-WebSocket-Version: 8\r\n" BODY,
        "GET /elsewhere HTTP/1.1\r\n" UPGRADE KEY BODY,
        "GET /healthz HTTP/1.1\r\n" UPGRADE KEY BODY,
        "GET /healthz HTTP/1.1\r\nHost: x\r\n" BODY,
        "POST /healthz HTTP/1.1\r\nHost: x\r\n" BODY,
        "DELETE /nothing HTTP/1.1\r\nHost: x\r\n" BODY,
    };
    assert_int_equal(sizeof INNER - 1, 34);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[4096];
        int fd = client_connect(f);
        client_exchange(f, fd, rows[i], text, sizeof text);
        if (answers_in(text) != 1)
            fail_msg("row %zu: expected one answer, got: %s", i, text);
        close(fd);
    }
}

// HTTP/1.0 has no upgrades (RFC 9110, section 7.8); a proxy that speaks it is named to whoever set it up.
static void test_no_upgrade_in_http_1_0(void **state) {
    struct fixture *f = *state;
    char text[4096];
    int fd = client_connect(f);
    client_exchange(f, fd, "GET /ws HTTP/1.0\r\n" UPGRADE KEY "\r\n", text, sizeof text);
    if (!strstr(text, " 400 ") || !strstr(text, "proxy_http_version 1.1"))
        fail_msg("%s", text);
    close(fd);
}

// HEAD gets no body, whatever else it asks for (RFC 9110, section 9.3.2): it would be taken for the answer to
// the next request.
static void test_head_gets_no_body(void **state) {
    struct fixture *f = *state;
#define LAST "Connection: close\r\n\r\n"
    static const char *const rows[] = {
        "HEAD /ws HTTP/1.1\r\n" UPGRADE KEY LAST,        "HEAD /ws HTTP/1.1\r\n" UPGRADE LAST,
        "HEAD /elsewhere HTTP/1.1\r\n" UPGRADE KEY LAST, "HEAD /elsewhere HTTP/1.1\r\nHost: x\r\n" LAST,
        "HEAD /ws HTTP/1.1\r\nHost: x\r\n" LAST,         "HEAD /healthz HTTP/1.1\r\nHost: x\r\n" LAST,
        "HEAD /healthz HTTP/1.1\r\nHost: x\r\n" BODY,
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[4096];
        int fd = client_connect(f);
        size_t len = client_exchange(f, fd, rows[i], text, sizeof text);
        const char *end = strstr(text, "\r\n\r\n");
        if (!end || end + 4 != text + len)
            fail_msg("row %zu: expected a head and no more, got: %s", i, text);
        close(fd);
    }
}

// Who begins requests and messages and does not end them makes room for those who do.
static void test_what_arrives_is_bounded_all_together(void **state) {
    struct fixture *f = *state;
    static char half[MESSAGE_MAX * 3 / 4], whole[MESSAGE_MAX], text[4096];
    memset(half, 'w', sizeof half);
    memset(whole, 'w', sizeof whole);
    int request = client_connect(f), slow = client_open(f), honest = client_open(f), late = client_open(f);
    client_write(f, request, "GET / HTTP/1.1\r\nX: ", 19);
    client_write(f, request, half, 12000);
    client_frame_announcing(f, slow, TEXT, true, half, sizeof half, MESSAGE_MAX);
    for (int i = 0; i < 4; i++) { // what has come whole leaves nothing behind
        client_frame_announcing(f, honest, TEXT, true, whole, sizeof whole, sizeof whole);
        expect_frame(f, honest, TEXT, whole, sizeof whole);
    }
    client_frame_announcing(f, late, TEXT, true, half, sizeof half, MESSAGE_MAX);
    for (int i = 0; i < 100; i++)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(recv(request, text, 1, MSG_DONTWAIT), -1);
    client_frame_announcing(f, honest, TEXT, true, half, sizeof half, MESSAGE_MAX);
    client_exchange(f, request, "", text, sizeof text);
    assert_memory_equal(text, "HTTP/1.1 503 ", 13);
    close(request);
    while (ws_server_connection_count(f->server) == 4)
        uv_run(&f->loop, UV_RUN_ONCE);
    int last = client_open(f);
    client_frame_announcing(f, last, TEXT, true, half, sizeof half, MESSAGE_MAX);
    static const char why[] = "\x03\xf5the server is short of memory, and your message was slow to arrive";
    expect_frame(f, slow, CLOSE, why, sizeof why - 1);
    int rest[] = {honest, late, last};
    for (int i = 0; i < 3; i++) {
        client_write(f, rest[i], half, MESSAGE_MAX - sizeof half);
        expect_frame(f, rest[i], TEXT, whole, sizeof whole);
        close(rest[i]);
    }
    close(slow);
}

// A WebSocket that was asked for behind requests whose answers waited is read like any other.
static void test_a_websocket_behind_other_requests(void **state) {
    struct fixture *f = *state;
    static char text[65536];
    size_t len = 0;
    for (int i = 0; i < 3; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    len += (size_t)snprintf(text + len, sizeof text - len, "GET /ws HTTP/1.1\r\n" UPGRADE KEY "\r\n");
    while (len + 6 + 11 < sizeof text) {
        memcpy(text + len, "\x8a\x80\0\0\0\0", 6); // pongs
        len += 6;
    }
    memcpy(text + len, "\x81\x85\0\0\0\0hello", 11);
    int fd = client_connect(f);
    client_write(f, fd, text, len + 11);
    for (int i = 0; i < 3; i++) {
        client_read_head(f, fd, text, sizeof text);
        assert_memory_equal(text, "HTTP/1.1 200 ", 13);
        assert_true(client_read(f, fd, text, 3));
    }
    client_read_head(f, fd, text, sizeof text);
    assert_memory_equal(text, "HTTP/1.1 101 ", 13);
    expect_text(f, fd, "hello");
    close(fd);
}

// A client that says with its request that no other follows has its answer all the same.
static void test_half_closed_client_is_answered(void **state) {
    struct fixture *f = *state;
    char text[4096];
    int fd = client_connect(f);
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_int_equal(send(fd, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    client_exchange(f, fd, "", text, sizeof text);
    assert_memory_equal(text, "HTTP/1.1 200 ", 13);
    assert_non_null(strstr(text, "\r\n\r\nok\n"));
    close(fd);
}

// Whose page asks, and what it is told.
static void test_pages_of_other_origins_are_refused(void **state) {
    struct fixture *f = *state;
#define WS "GET /ws HTTP/1.1\r\n" UPGRADE KEY
#define FILE_OF "GET /page.html HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
#define ROUTE "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
#define ASK                                                                                                  \
    "OPTIONS /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccess-Control-Request-Method: GET\r\n"
    static const struct {
        const char *request, *answer, *header;
        bool has;
    } rows[] = {
        {WS "\r\n", "101", "access-control", false},
        {WS "Origin: http://x\r\n\r\n", "101", "access-control", false},
        {WS "Origin: https://app.example\r\n\r\n", "101", "access-control", false},
        {WS "Origin: https://evil.example\r\n\r\n", "403", "upgrade:", false},
        {WS "Origin: null\r\n\r\n", "403", "upgrade:", false},
        {WS "Origin: \r\n\r\n", "403", "upgrade:", false},
        {ROUTE "\r\n", "200", "access-control", false},
        {ROUTE "Origin: http://x\r\n\r\n", "200", "access-control", false},
        {ROUTE "Origin: https://APP.example\r\n\r\n", "200",
         "access-control-allow-origin: https://APP.example\r\n", true},
        {ROUTE "Origin: https://app.example\r\n\r\n", "200", "vary: origin\r\n", true},
        {ROUTE "Origin: https://evil.example\r\n\r\n", "403", "access-control", false},
        {FILE_OF "Origin: https://evil.example\r\n\r\n", "404", "access-control",
         false}, // it may not read it
        {ASK "Origin: https://app.example\r\n\r\n", "204", "access-control-allow-methods: GET, HEAD\r\n",
         true},
        {ASK "Origin: https://app.example\r\n\r\n", "204",
         "access-control-allow-headers: authorization, content-type, if-match, user-agent, "
         "x-livekit-request-id\r\n",
         true},
        {ASK "Origin: https://evil.example\r\n\r\n", "403", "access-control", false},
        {ASK "\r\n", "405", "access-control", false},
        // a proxy that nobody trusts says nothing about the page
        {WS "X-Forwarded-Host: evil.example\r\nOrigin: https://evil.example\r\n\r\n", "403",
         "upgrade:", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[4096];
        int fd = client_connect(f);
        client_write(f, fd, rows[i].request, strlen(rows[i].request));
        client_read_head(f, fd, text, sizeof text);
        if (strncmp(text + 9, rows[i].answer, 3) != 0 ||
            (strstr(text, rows[i].header) != NULL) != rows[i].has)
            fail_msg("row %zu: expected %s, got: %s", i, rows[i].answer, text);
        close(fd);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_body_is_no_request),
        TEST(test_no_upgrade_in_http_1_0),
        TEST(test_head_gets_no_body),
        TEST(test_half_closed_client_is_answered),
        TEST(test_pages_of_other_origins_are_refused),
        TEST(test_what_arrives_is_bounded_all_together),
        TEST(test_a_websocket_behind_other_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
