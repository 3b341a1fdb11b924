// HTTP and WebSocket over real sockets of this machine, with a client that writes frames byte by byte. One
// thread: while the client waits, the server's loop is turned.
#include "server/web/ws_server.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#define MESSAGE_MAX 65536
#define BACKLOG_MAX (256 * 1024)
#define ARRIVING_MAX (3 * MESSAGE_MAX)
#define PATIENCE_US (5 * US_PER_SECOND)

enum opcode { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

struct fixture {
    uv_loop_t loop;
    struct ws_server *server;
    unsigned opened, closed, bad_frames;
    uint32_t client; // the last one
    bool hasty;      // pings after a second, hangs up after three
};

// ---- what the server is given to do: it sends each message back, but for some words

static void on_opened(void *ctx, uint32_t client) {
    struct fixture *f = ctx;
    assert_int_not_equal(client, 0);
    f->client = client;
    f->opened++;
}

static void on_message(void *ctx, uint32_t client, const char *text, size_t len) {
    struct fixture *f = ctx;
    if (len == 5 && memcmp(text, "close", 5) == 0) {
        ws_server_send(f->server, client, "bye", 3);
        ws_server_close(f->server, client, 4001, "as asked");
        ws_server_send(f->server, client, "too late", 8);
    } else if (len == 5 && memcmp(text, "flood", 5) == 0) {
        static char big[MESSAGE_MAX];
        memset(big, 'x', sizeof big);
        for (int i = 0; i < 100; i++)
            ws_server_send(f->server, client, big, sizeof big);
    } else {
        ws_server_send(f->server, client, text, len);
    }
}

static void on_bad_frame(void *ctx, uint32_t client, enum ws_bad_frame what) {
    struct fixture *f = ctx;
    f->bad_frames++;
    ws_server_send(f->server, client, "refused", 7);
    ws_server_close(f->server, client, what == WS_FRAME_BINARY ? 1003 : 1009, "refused");
}

static void on_closed(void *ctx, uint32_t client) {
    struct fixture *f = ctx;
    (void)client;
    f->closed++;
}

static void on_health(void *ctx, const struct http_request *request, struct http_answer *answer) {
    (void)ctx, (void)request;
    *answer =
        (struct http_answer){.status = 200, .content_type = "text/plain", .body = strdup("ok\n"), .len = 3};
}

static const struct http_route routes[] = {
    {HTTP_GET, "/healthz", HTTP_PUBLIC | HTTP_ADMIN, 0, "", on_health},
};

static struct ws_server *server_start(struct fixture *f, uint16_t port, uint32_t connections_max,
                                      char *error) {
    struct ws_server_config config = {.host = "127.0.0.1",
                                      .port = port,
                                      .web_root = "/nowhere",
                                      .connections_max = connections_max,
                                      .backlog_max_bytes = BACKLOG_MAX,
                                      .message_bytes_max = MESSAGE_MAX,
                                      .arriving_bytes_max = ARRIVING_MAX,
                                      .ping_seconds = f->hasty ? 1 : 20,
                                      .hangup_seconds = f->hasty ? 3 : 50};
    struct ws_handlers handlers = {.ctx = f,
                                   .opened = on_opened,
                                   .message = on_message,
                                   .bad_frame = on_bad_frame,
                                   .closed = on_closed,
                                   .routes = routes,
                                   .route_count = 1};
    return ws_server_start(&config, &handlers, &f->loop, error, 512);
}

static int set_up_with(void **state, bool hasty) {
    struct fixture *f = calloc(1, sizeof *f);
    f->hasty = hasty;
    char error[512] = "";
    assert_int_equal(uv_loop_init(&f->loop), 0);
    f->server = server_start(f, 0, 4, error);
    if (!f->server)
        fail_msg("expected the server to start, but: %s", error);
    *state = f;
    return 0;
}

static int set_up(void **state) {
    return set_up_with(state, false);
}

static int set_up_hasty(void **state) {
    return set_up_with(state, true);
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    ws_server_stop(f->server);
    assert_int_equal(f->opened, f->closed);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    free(f);
    return 0;
}

// ---- the client

static int client_connect(const struct fixture *f) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(ws_server_port(f->server))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void client_write(struct fixture *f, int fd, const void *bytes, size_t len) {
    const char *next = bytes;
    uint64_t until_us = clock_now_us() + PATIENCE_US;
    while (len) {
        ssize_t n = send(fd, next, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0)
            next += n, len -= (size_t)n;
        uv_run(&f->loop, UV_RUN_NOWAIT);
        assert_true(clock_now_us() < until_us);
    }
}

// Exactly len bytes; false when the server closes before.
static bool client_read(struct fixture *f, int fd, void *out, size_t len) {
    char *next = out;
    uint64_t until_us = clock_now_us() + PATIENCE_US;
    while (len) {
        uv_run(&f->loop, UV_RUN_NOWAIT);
        ssize_t n = recv(fd, next, len, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return false;
        if (n > 0)
            next += n, len -= (size_t)n;
        if (clock_now_us() > until_us)
            fail_msg("expected %zu more bytes from the server", len);
    }
    return true;
}

// The head of an HTTP answer, with its empty line.
static void client_read_head(struct fixture *f, int fd, char *out, size_t cap) {
    size_t len = 0;
    out[0] = '\0';
    while (!strstr(out, "\r\n\r\n")) {
        assert_true(len + 1 < cap);
        if (!client_read(f, fd, out + len, 1))
            return;
        out[++len] = '\0';
    }
}

static int client_open(struct fixture *f) {
    static const char request[] =
        "GET /ws HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Origin: https://elsewhere.example\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    char head[1024];
    int fd = client_connect(f);
    client_write(f, fd, request, sizeof request - 1);
    client_read_head(f, fd, head, sizeof head);
    assert_non_null(strstr(head, "HTTP/1.1 101 "));
    assert_non_null(strstr(head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")); // the example of RFC 6455, section 1.3
    assert_null(strstr(head, "deflate"));
    return fd;
}

// A masked frame; `announced` is the length that its header tells.
static void client_frame_announcing(struct fixture *f, int fd, enum opcode opcode, bool last,
                                    const void *bytes, size_t len, uint64_t announced) {
    uint8_t head[14] = {(uint8_t)((last ? 0x80 : 0) | opcode)};
    size_t n = 2;
    head[1] = 0x80 | 127;
    if (announced < 126) {
        head[1] = (uint8_t)(0x80 | announced);
    } else {
        for (int shift = 56; shift >= 0; shift -= 8)
            head[n++] = (uint8_t)(announced >> shift);
    }
    n += 4; // the mask is zero, so the payload stays as it is
    client_write(f, fd, head, n);
    client_write(f, fd, bytes, len);
}

static void client_frame(struct fixture *f, int fd, enum opcode opcode, bool last, const char *text) {
    client_frame_announcing(f, fd, opcode, last, text, strlen(text), strlen(text));
}

static void expect_frame(struct fixture *f, int fd, enum opcode opcode, const void *bytes, size_t len) {
    uint8_t head[10];
    static uint8_t payload[MESSAGE_MAX];
    assert_true(client_read(f, fd, head, 2));
    assert_int_equal(head[0], 0x80 | opcode);
    size_t got = head[1] & 0x7f, more = got == 126 ? 2 : got == 127 ? 8 : 0;
    assert_true(client_read(f, fd, head + 2, more));
    for (size_t i = 0; i < more; i++)
        got = (i ? got << 8 : 0) | head[2 + i];
    assert_int_equal(got, len);
    assert_true(client_read(f, fd, payload, len));
    assert_memory_equal(payload, bytes, len);
}

static void expect_text(struct fixture *f, int fd, const char *text) {
    expect_frame(f, fd, TEXT, text, strlen(text));
}

// The close frame, answered as RFC 6455 asks, and then the end of the stream.
static void expect_close(struct fixture *f, int fd, uint16_t code, const char *reason) {
    uint8_t payload[125] = {(uint8_t)(code >> 8), (uint8_t)code};
    memcpy(payload + 2, reason, strlen(reason));
    expect_frame(f, fd, CLOSE, payload, 2 + strlen(reason));
    client_frame_announcing(f, fd, CLOSE, true, payload, 2, 2);
    char byte;
    assert_false(client_read(f, fd, &byte, 1));
    close(fd);
    assert_int_equal(ws_server_client_count(f->server), 0);
}

// ---- tests

static void test_messages_and_fragments(void **state) {
    struct fixture *f = *state;
    int fd = client_open(f);
    client_frame(f, fd, TEXT, true, "hello");
    expect_text(f, fd, "hello");
    client_frame(f, fd, TEXT, true, "");
    expect_text(f, fd, "");
    client_frame(f, fd, TEXT, false, "one ");
    client_frame(f, fd, CONTINUATION, false, "two ");
    client_frame(f, fd, PING, true, "in between");
    client_frame(f, fd, CONTINUATION, true, "three");
    expect_frame(f, fd, PONG, "in between", 10);
    expect_text(f, fd, "one two three");
    client_frame(f, fd, TEXT, false, "\xc3"); // a character may be cut by a fragment's end
    client_frame(f, fd, CONTINUATION, true, "\xa9");
    expect_text(f, fd, "\xc3\xa9");
    for (int i = 0; i < 200; i++) { // pipelined, in order
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        client_frame(f, fd, TEXT, true, text);
    }
    for (int i = 0; i < 200; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        expect_text(f, fd, text);
    }
    close(fd);
}

static void test_longest_message(void **state) {
    struct fixture *f = *state;
    static char big[MESSAGE_MAX + 1];
    memset(big, 'a', sizeof big);
    int fd = client_open(f);
    client_frame_announcing(f, fd, TEXT, true, big, MESSAGE_MAX, MESSAGE_MAX);
    expect_frame(f, fd, TEXT, big, MESSAGE_MAX);
    client_frame_announcing(f, fd, TEXT, true, big, 10, MESSAGE_MAX + 1); // the header alone gives it away
    expect_text(f, fd, "refused");
    expect_close(f, fd, 1009, "refused");
    assert_int_equal(f->bad_frames, 1);
}

static void test_too_long_in_fragments(void **state) {
    struct fixture *f = *state;
    static char half[MESSAGE_MAX / 2 + 1];
    memset(half, 'a', sizeof half);
    int fd = client_open(f);
    client_frame_announcing(f, fd, TEXT, false, half, sizeof half, sizeof half);
    client_frame_announcing(f, fd, CONTINUATION, false, half, 10, sizeof half);
    expect_text(f, fd, "refused");
    expect_close(f, fd, 1009, "refused");
    assert_int_equal(f->bad_frames, 1);
}

static void test_lying_length(void **state) {
    struct fixture *f = *state;
    int fd = client_open(f);
    client_frame_announcing(f, fd, TEXT, true, "abc", 3, UINT64_C(1) << 62);
    expect_text(f, fd, "refused");
    expect_close(f, fd, 1009, "refused");
}

static void test_binary(void **state) {
    struct fixture *f = *state;
    int fd = client_open(f);
    client_frame(f, fd, BINARY, true, "abc");
    expect_text(f, fd, "refused");
    expect_close(f, fd, 1003, "refused");
}

static void test_not_utf8(void **state) {
    struct fixture *f = *state;
    int fd = client_open(f);
    client_frame(f, fd, TEXT, true, "\xff\xfe");
    uint8_t head[4];
    assert_true(client_read(f, fd, head, sizeof head));
    assert_int_equal(head[0], 0x80 | CLOSE);
    assert_int_equal(head[2] << 8 | head[3], 1007);
    close(fd);
}

static void test_close_after_flush(void **state) {
    struct fixture *f = *state;
    int fd = client_open(f);
    client_frame(f, fd, TEXT, true, "close");
    expect_text(f, fd, "bye");
    expect_close(f, fd, 4001, "as asked");
}

static void test_client_that_does_not_read_is_cut_off(void **state) {
    struct fixture *f = *state;
    int fd = client_open(f);
    client_frame(f, fd, TEXT, true, "flood");
    uint64_t until_us = clock_now_us() + PATIENCE_US;
    while (f->closed == 0) {
        uv_run(&f->loop, UV_RUN_NOWAIT);
        assert_true(clock_now_us() < until_us);
    }
    assert_int_equal(ws_server_client_count(f->server), 0);
    close(fd);
}

// The server's own ping is under way when the client's comes: each gets its own payload back.
static void test_pings_that_cross(void **state) {
    struct fixture *f = *state;
    int fd = client_open(f);
    uint8_t head[2], payload[126];
    assert_true(client_read(f, fd, head, 2)); // after a second of silence
    assert_int_equal(head[0], 0x80 | PING);
    client_frame(f, fd, PING, true, "mine");
    assert_true(client_read(f, fd, payload, head[1]));
    assert_memory_equal(payload, "rotunda ", 8);
    expect_frame(f, fd, PONG, "mine", 4);
    client_frame(f, fd, PONG, true, "whatever");
    for (int i = 0; i < 100; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        client_frame(f, fd, PING, true, text);
    }
    do { // not each need be answered, the last one must
        assert_true(client_read(f, fd, head, 2));
        assert_true(client_read(f, fd, payload, head[1]));
        payload[head[1]] = '\0';
    } while (strcmp((char *)payload, "99") != 0);
    close(fd);
}

static void test_a_silent_client_is_given_up(void **state) {
    struct fixture *f = *state;
    int fd = client_open(f);
    uint64_t until_us = clock_now_us() + 2 * PATIENCE_US;
    while (f->closed == 0) { // pings are not answered
        uv_run(&f->loop, UV_RUN_NOWAIT);
        assert_true(clock_now_us() < until_us);
    }
    close(fd);
}

// What may wait does not leave alone, does not overtake, and does leave.
static void test_messages_that_wait(void **state) {
    struct fixture *f = *state;
    int fd = client_open(f);
    ws_server_send_soon(f->server, f->client, "a", 1);
    ws_server_send_soon(f->server, f->client, "b", 1);
    ws_server_send(f->server, f->client, "now", 3);
    expect_text(f, fd, "a");
    expect_text(f, fd, "b");
    expect_text(f, fd, "now");
    ws_server_send_soon(f->server, f->client, "by itself", 9);
    uint64_t sent_us = clock_now_us();
    expect_text(f, fd, "by itself");
    assert_true(clock_now_us() - sent_us > 40 * US_PER_MS);
    close(fd);
}

// One that is longer than a write, between short ones.
static void test_a_long_message_keeps_its_place(void **state) {
    struct fixture *f = *state;
    static char big[200 * 1024];
    static uint8_t got[sizeof big + 10];
    memset(big, 'x', sizeof big);
    int fd = client_open(f);
    ws_server_send(f->server, f->client, "before", 6);
    ws_server_send(f->server, f->client, big, sizeof big);
    ws_server_send(f->server, f->client, "behind", 6);
    expect_text(f, fd, "before");
    assert_true(client_read(f, fd, got, sizeof got));
    assert_memory_equal(got, "\x81\x7f\0\0\0\0\0\x03\x20\0", 10);
    assert_memory_equal(got + 10, big, sizeof big);
    expect_text(f, fd, "behind");
    close(fd);
}

static void test_connection_limit(void **state) {
    struct fixture *f = *state;
    int fds[4];
    for (int i = 0; i < 4; i++)
        fds[i] = client_open(f);
    assert_int_equal(ws_server_connection_count(f->server), 4);
    char head[512];
    int fd = client_connect(f);
    client_read_head(f, fd, head, sizeof head);
    assert_non_null(strstr(head, "HTTP/1.1 503 "));
    close(fd);
    close(fds[0]);
    uint64_t until_us = clock_now_us() + PATIENCE_US;
    while (ws_server_connection_count(f->server) == 4) {
        uv_run(&f->loop, UV_RUN_NOWAIT);
        assert_true(clock_now_us() < until_us);
    }
    fds[0] = client_open(f); // there is room again
    for (int i = 0; i < 4; i++)
        close(fds[i]);
}

static void test_http(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *request, *status;
    } rows[] = {
        {"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 "},
        {"GET /healthz?a=b HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 "},
        {"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 "},
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 "},
        {"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 426 "},
        {"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 405 "},
        {"GET /other HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
         " 404 "},
        {"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", " 40"},
        {"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", " 40"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char head[1024];
        int fd = client_connect(f);
        client_write(f, fd, rows[i].request, strlen(rows[i].request));
        client_read_head(f, fd, head, sizeof head);
        if (!strstr(head, rows[i].status))
            fail_msg("%s\nexpected%s, got: %s", rows[i].request, rows[i].status, head);
        close(fd);
    }
}

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

static void test_close_all(void **state) {
    struct fixture *f = *state;
    int fd = client_open(f);
    client_frame(f, fd, TEXT, true, "hello");
    expect_text(f, fd, "hello");
    ws_server_close_all(f->server, 1001, "the end");
    expect_close(f, fd, 1001, "the end");
}

static void test_stop_with_clients_of_all_kinds(void **state) {
    struct fixture *f = *state; // tear_down stops the server and finds leaks
    int idle = client_connect(f), half = client_connect(f), open = client_open(f), closing = client_open(f);
    client_write(f, half, "GET / HT", 8);
    client_frame(f, closing, TEXT, true, "close");
    expect_text(f, closing, "bye");
    assert_int_equal(f->opened, 2);
    close(idle), close(half), close(open), close(closing);
}

static void test_busy_port(void **state) {
    struct fixture *f = *state;
    char error[512] = "", expected[64];
    assert_null(server_start(f, ws_server_port(f->server), 4, error));
    snprintf(expected, sizeof expected, "cannot listen on 127.0.0.1:%u (TCP): ", ws_server_port(f->server));
    assert_non_null(strstr(error, expected));
    assert_non_null(strstr(error, "--listen"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_messages_and_fragments),
        TEST(test_longest_message),
        TEST(test_too_long_in_fragments),
        TEST(test_lying_length),
        TEST(test_binary),
        TEST(test_not_utf8),
        TEST(test_close_after_flush),
        TEST(test_client_that_does_not_read_is_cut_off),
        TEST(test_messages_that_wait),
        TEST(test_a_long_message_keeps_its_place),
        cmocka_unit_test_setup_teardown(test_pings_that_cross, set_up_hasty, tear_down),
        cmocka_unit_test_setup_teardown(test_a_silent_client_is_given_up, set_up_hasty, tear_down),
        TEST(test_connection_limit),
        TEST(test_http),
        TEST(test_a_body_is_no_request),
        TEST(test_head_gets_no_body),
        TEST(test_half_closed_client_is_answered),
        TEST(test_what_arrives_is_bounded_all_together),
        TEST(test_a_websocket_behind_other_requests),
        TEST(test_close_all),
        TEST(test_stop_with_clients_of_all_kinds),
        TEST(test_busy_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
