// Heads of requests: what is taken, what is refused with which status, and that the end is found however the
// bytes come.
#include "server/web/http_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define H "Host: x\r\n"

static unsigned parse(const char *text, size_t len, struct http_head *head) {
    const char *why;
    size_t scanned = 0, end = http_head_end(text, len, &scanned);
    assert_int_not_equal(end, 0);
    unsigned status = http_head_parse(text, end, head, &why);
    assert_true((status == 200) == (why[0] == '\0'));
    return status;
}

static void test_targets(void **state) {
    (void)state;
    static const struct {
        const char *target;
        unsigned status;
        const char *path, *query;
    } rows[] = {
        {"/", 200, "/", ""},
        {"/healthz", 200, "/healthz", ""},
        {"/healthz?a=b&c", 200, "/healthz", "a=b&c"},
        {"/a?", 200, "/a", ""},
        {"/a?b?c", 200, "/a", "b?c"},
        {"/a?%zz%", 200, "/a", "%zz%"}, // odd escapes in a query are nobody's business here
        {"/a?//../%2e", 200, "/a", "//../%2e"},
        {"/a%20b", 200, "/a b", ""},
        {"/%5Broom%5d", 200, "/[room]", ""},
        {"/%C3%A9", 200, "/\xc3\xa9", ""},
        {"/\xc3\xa9", 200, "/\xc3\xa9", ""},
        {"/a/", 200, "/a/", ""},
        {"/.well-known/x", 200, "/.well-known/x", ""},
        {"/...", 200, "/...", ""},
        {"/a..b", 200, "/a..b", ""},
        {"http://example.org/healthz?q", 200, "/healthz", "q"},
        {"HTTP://example.org:80/healthz", 200, "/healthz", ""},
        {"https://example.org", 200, "/", ""},
        {"http://example.org?q", 200, "/", "q"},
        {"ws://example.org/ws", 200, "/ws", ""},
        {"http://", 400, NULL, NULL},
        {"ftp://example.org/", 400, NULL, NULL},
        {"//metrics", 400, NULL, NULL},
        {"/./metrics", 400, NULL, NULL},
        {"/a/../metrics", 400, NULL, NULL},
        {"/a/..", 400, NULL, NULL},
        {"/.", 400, NULL, NULL},
        {"/a//", 400, NULL, NULL},
        {"/%6detrics", 400, NULL, NULL},
        {"/metric%73", 400, NULL, NULL},
        {"/%2e%2e/x", 400, NULL, NULL},
        {"/%2Fmetrics", 400, NULL, NULL},
        {"/..%2f..%2fx", 400, NULL, NULL},
        {"/%5cmetrics", 400, NULL, NULL},
        {"/\\metrics", 400, NULL, NULL},
        {"/%00", 400, NULL, NULL},
        {"/%0a", 400, NULL, NULL},
        {"/%7f", 400, NULL, NULL},
        {"/%", 400, NULL, NULL},
        {"/%4", 400, NULL, NULL},
        {"/%zz", 400, NULL, NULL},
        {"/a#b", 400, NULL, NULL},
        {"http://example.org//metrics", 400, NULL, NULL},
        {"healthz", 400, NULL, NULL},
        {"*", 400, NULL, NULL},
        {"?a", 400, NULL, NULL},
        {"example.org:443", 400, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_head head;
        char text[256];
        int len = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\n" H "\r\n", rows[i].target);
        unsigned status = parse(text, (size_t)len, &head);
        if (status != rows[i].status || (rows[i].path && strcmp(head.path, rows[i].path) != 0) ||
            (rows[i].query && !span_equal(head.query, span_of_text(rows[i].query))))
            fail_msg("%s: expected %u %s, got %u %s", rows[i].target, rows[i].status,
                     rows[i].path ? rows[i].path : "", status, head.path);
    }
}

static void test_heads(void **state) {
    (void)state;
    static const struct {
        const char *text;
        unsigned status;
        bool keep_alive;
    } rows[] = {
        {"GET / HTTP/1.1\r\n" H "\r\n", 200, true},
        {"\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", 200, true},
        {"GET / HTTP/1.0\r\n\r\n", 200, false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, true},
        {"GET / HTTP/1.1\r\n" H "Connection: Close\r\n\r\n", 200, false},
        {"GET / HTTP/1.1\r\n" H "connection: upgrade , close\r\n\r\n", 200, false},
        {"GET / HTTP/1.1\r\n" H "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n", 200, true},
        {"OPTIONS * HTTP/1.1\r\n" H "\r\n", 200, true},
        {"PURGE / HTTP/1.1\r\n" H "\r\n", 200, true},
        {"GET / HTTP/1.1\r\n" H "X!#$%&'*+-.^_`|~9: y\r\nEmpty:\r\nTabs:\t a\tb \t\r\nLatin: \xe9\r\n\r\n",
         200, true},
        {"GET / HTTP/1.1\r\n\r\n", 400, false}, // no Host
        {"GET / HTTP/1.1\r\n" H H "\r\n", 400, false},
        {"GET /\r\n" H "\r\n", 400, false},
        {"GET\r\n\r\n", 400, false},
        {" GET / HTTP/1.1\r\n" H "\r\n", 400, false},
        {"GET  / HTTP/1.1\r\n" H "\r\n", 400, false},
        {"GET / HTTP/1.1 \r\n" H "\r\n", 400, false},
        {"GET / x HTTP/1.1\r\n" H "\r\n", 400, false},
        {"GET / http/1.1\r\n" H "\r\n", 400, false},
        {"G(T / HTTP/1.1\r\n" H "\r\n", 400, false},
        {"GET / HTTP/2.0\r\n" H "\r\n", 505, false},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, false},
        {"GET / HTTP/1.1\r\n" H "X Y: z\r\n\r\n", 400, false},
        {"GET / HTTP/1.1\r\n" H "X : z\r\n\r\n", 400, false},
        {"GET / HTTP/1.1\r\n" H ": z\r\n\r\n", 400, false},
        {"GET / HTTP/1.1\r\n" H "nothing\r\n\r\n", 400, false},
        {"GET / HTTP/1.1\r\n" H "X@Y: z\r\n\r\n", 400, false},
        {"GET / HTTP/1.1\r\n" H "X: a\r\n folded\r\n\r\n", 400, false},
        {"GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", 400, false},
        {"GET / HTTP/1.1\r\n" H "X: a\x01\r\n\r\n", 400, false},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n", 411, true},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 411, true},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400, true},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n", 400, true},
        {"POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n", 400, true},
        {"POST / HTTP/1.1\r\n" H "Content-Length: +1\r\n\r\n", 400, true},
        {"POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", 400, true},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551617\r\n\r\n", 413, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_head head;
        unsigned status = parse(rows[i].text, strlen(rows[i].text), &head);
        if (status != rows[i].status || (status == 200 && head.keep_alive != rows[i].keep_alive))
            fail_msg("%s\nexpected %u, got %u, keep-alive %d", rows[i].text, rows[i].status, status,
                     head.keep_alive);
    }
}

// How lines end and what they may not hold, each in every place, for an ordinary request and for a
// WebSocket's.
static void test_lines(void **state) {
    (void)state;
#define UPGRADE                                                                                              \
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"                             \
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    static const struct {
        const char *what, *text;
        size_t len;
        unsigned status;
    } rows[] = {
#define ROW(what, text, status) {what, text, sizeof(text) - 1, status}
        ROW("as it should be", "GET /ws HTTP/1.1\r\n" H UPGRADE "\r\n", 200),
        ROW("empty lines before", "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", 200),
        // What has one value: of two, a proxy may look at the other.
        ROW("two tokens", "GET / HTTP/1.1\r\n" H "Authorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n",
            400),
        ROW("two origins", "GET / HTTP/1.1\r\n" H "Origin: null\r\nOrigin: http://x\r\n\r\n", 400),
        ROW("two types", "GET / HTTP/1.1\r\n" H "Content-Type: a/b\r\nContent-Type: a/b\r\n\r\n", 400),
        ROW("two keys", "GET / HTTP/1.1\r\n" H "Sec-WebSocket-Key: a\r\nSec-WebSocket-Key: b\r\n\r\n", 400),
        ROW("two lists",
            "GET / HTTP/1.1\r\n" H "Accept: a/b\r\nAccept: c/d\r\nCookie: a\r\nCookie: b\r\n\r\n", 200),
        ROW("LF everywhere", "GET / HTTP/1.1\nHost: x\n\n", 400),
        ROW("LF before the request", "\nGET / HTTP/1.1\r\n" H "\r\n", 400),
        ROW("LF before the request, after CR LF", "\r\n\nGET / HTTP/1.1\r\n" H "\r\n", 400),
        ROW("LF behind the request line", "GET / HTTP/1.1\n" H "\r\n", 400),
        ROW("LF behind the request line of HTTP/1.0", "GET / HTTP/1.0\n\r\n", 400),
        ROW("LF behind a field", "GET / HTTP/1.1\r\nHost: x\n\r\n", 400),
        ROW("LF in place of the empty line", "GET / HTTP/1.1\r\n" H "\n", 400),
        ROW("LF in a value", "GET / HTTP/1.1\r\n" H "X: a\nContent-Length: 5\r\n\r\n", 400),
        ROW("LF in a WebSocket's head", "GET /ws HTTP/1.1\r\n" H UPGRADE "X: y\n\r\n", 400),
        ROW("LF ends a WebSocket's head", "GET /ws HTTP/1.1\r\n" H UPGRADE "\n", 400),
        ROW("CR in the request line", "GET /\r HTTP/1.1\r\n" H "\r\n", 400),
        ROW("CR in a value", "GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", 400),
        ROW("CR in a name", "GET / HTTP/1.1\r\n" H "X\rY: b\r\n\r\n", 400),
        ROW("CR CR LF", "GET / HTTP/1.1\r\r\n" H "\r\n", 400),
        ROW("CR CR LF behind a field", "GET / HTTP/1.1\r\nHost: x\r\r\n\r\n", 400),
        ROW("CR before the request", "\rGET / HTTP/1.1\r\n" H "\r\n", 400),
        ROW("CR in a WebSocket's head", "GET /ws HTTP/1.1\r\n" H UPGRADE "X: a\rY: b\r\n\r\n", 400),
        ROW("NUL in the request line", "GET /\0 HTTP/1.1\r\n" H "\r\n", 400),
        ROW("NUL in a name", "GET / HTTP/1.1\r\n" H "X\0: a\r\n\r\n", 400),
        ROW("NUL in a value", "GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n", 400),
        ROW("NUL in a WebSocket's head", "GET /ws HTTP/1.1\r\n" H UPGRADE "X: \0\r\n\r\n", 400),
        ROW("folded", "GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n", 400),
        ROW("folded with a tab", "GET / HTTP/1.1\r\n" H "X: a\r\n\tb\r\n\r\n", 400),
        ROW("folded at the first field", "GET / HTTP/1.1\r\n " H "\r\n", 400),
        ROW("folded in a WebSocket's head", "GET /ws HTTP/1.1\r\n" H UPGRADE " more\r\n\r\n", 400),
        ROW("a space before the colon", "GET / HTTP/1.1\r\n" H "Content-Length : 5\r\n\r\n", 400),
        ROW("a tab before the colon", "GET / HTTP/1.1\r\n" H "Content-Length\t: 5\r\n\r\n", 400),
        ROW("a space before the colon, upgrading", "GET /ws HTTP/1.1\r\n" H UPGRADE "X : y\r\n\r\n", 400),
        ROW("a vertical tab in a value", "GET / HTTP/1.1\r\n" H "X: a\vb\r\n\r\n", 400),
#undef ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_head head;
        unsigned status = parse(rows[i].text, rows[i].len, &head);
        if (status != rows[i].status)
            fail_msg("%s: expected %u, got %u", rows[i].what, rows[i].status, status);
    }
}

static void test_fields(void **state) {
    (void)state;
    static const char text[] =
        "POST /x HTTP/1.1\r\nhost:  here \r\nContent-length: 0012\r\nA: b, C ,d\r\na: E\r\n\r\n";
    struct http_head head;
    assert_int_equal(parse(text, sizeof text - 1, &head), 200);
    assert_int_equal(head.method, HTTP_POST);
    assert_int_equal(head.body_len, 12);
    assert_int_equal(head.field_count, 4);
    assert_true(span_equal(http_field_find(&head, "host"), span_of_text("here")));
    assert_null(http_field_find(&head, "hos").ptr);
    assert_true(http_field_has_token(&head, "a", "c"));
    assert_true(http_field_has_token(&head, "a", "e"));
    assert_false(http_field_has_token(&head, "a", "f"));
    assert_false(http_field_has_token(&head, "a", ""));
}

static void test_limits(void **state) {
    (void)state;
    static char text[HTTP_HEAD_MAX * 2];
    static const struct {
        size_t target, fields;
        unsigned status;
    } rows[] = {{1023, 1, 200}, {1024, 1, 414}, {8192, 1, 414}, {8193, 1, 414}, {1, 128, 200}, {1, 129, 431}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n = (size_t)sprintf(text, "GET /");
        memset(text + n, 'a', rows[i].target - 1);
        n += rows[i].target - 1;
        n += (size_t)sprintf(text + n, " HTTP/1.1\r\n" H);
        for (size_t field = 1; field < rows[i].fields; field++)
            n += (size_t)sprintf(text + n, "X: y\r\n");
        n += (size_t)sprintf(text + n, "\r\n");
        struct http_head head;
        assert_int_equal(parse(text, n, &head), rows[i].status);
    }
}

// Byte by byte, with what was looked at remembered, the end is found where it is, and no earlier.
static void test_end_however_bytes_come(void **state) {
    (void)state;
    static const char *const texts[] = {
        "GET / HTTP/1.1\r\n" H "\r\n", "GET / HTTP/1.1\n\n", "\r\n\n\r\nGET / HTTP/1.1\r\n" H "\n",
        "A\r\nB\nC\r\n\r\n",           "A\r\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t len = strlen(texts[i]), scanned = 0;
        for (size_t n = 0; n < len; n++) {
            char *copy = malloc(n + 1); // so that a look beyond is seen
            memcpy(copy, texts[i], n);
            assert_int_equal(http_head_end(copy, n, &scanned), 0);
            assert_true(scanned <= n);
            free(copy);
        }
        assert_int_equal(http_head_end(texts[i], len, &scanned), len);
        scanned = 0;
        assert_int_equal(http_head_end(texts[i], len, &scanned), len);
    }
}

// What is known of a request before it is parsed, byte by byte.
static void test_target_of_what_is_there(void **state) {
    (void)state;
    static const struct {
        const char *bytes, *target;
    } rows[] = {
        {"", ""},
        {"POST", ""},
        {"POST ", ""},
        {"POST /a", "/a"},
        {"POST /a/b?c HTTP/1.1\r\n", "/a/b?c"},
        {"\r\n\nPOST /a\n", "/a"},
        {"POST\n/a", ""},
        {"GET https://host:1/a x", "/a"},
        {"GET http://host", ""},
        {"GET ftp://host/a", "ftp://host/a"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = strlen(rows[i].bytes);
        char *copy = malloc(len ? len : 1); // so that a look beyond is seen
        memcpy(copy, rows[i].bytes, len);
        struct span target = http_head_target(copy, len);
        assert_int_equal(target.len, strlen(rows[i].target));
        if (target.len)
            assert_memory_equal(target.ptr, rows[i].target, target.len);
        free(copy);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_end_however_bytes_come),
        cmocka_unit_test(test_target_of_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
