// A ws_server on a loop of its own, and a client that writes bytes by hand. One thread: while the client
// waits, the server's loop is turned.
#ifndef TESTS_WEB_WS_FIXTURE_H
#define TESTS_WEB_WS_FIXTURE_H

#include "server/common/origins.h"
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
    uint32_t client;   // the last one
    uint64_t heard_us; // when the one that closed last was heard
    bool hasty;        // pings after a second, hangs up after three
};

// ---- what the server is given to do: it sends each message back, but for some words

static inline void on_opened(void *ctx, uint32_t client) {
    struct fixture *f = ctx;
    assert_int_not_equal(client, 0);
    f->client = client;
    f->opened++;
}

static inline void on_message(void *ctx, uint32_t client, const char *text, size_t len) {
    struct fixture *f = ctx;
    if (len == 5 && memcmp(text, "close", 5) == 0) {
        ws_server_send(f->server, client, "bye", 3);
        ws_server_close(f->server, client, 4001, "as asked");
        ws_server_send(f->server, client, "too late", 8);
    } else if (len == 4 && memcmp(text, "long", 4) == 0) {
        static char much[4 * BACKLOG_MAX]; // all that a client may be owed
        memset(much, 'x', sizeof much);
        ws_server_send_owed(f->server, client, much, sizeof much);
    } else if (len == 5 && memcmp(text, "flood", 5) == 0) {
        static char big[MESSAGE_MAX];
        memset(big, 'x', sizeof big);
        for (int i = 0; i < 100; i++)
            ws_server_send(f->server, client, big, sizeof big);
    } else {
        ws_server_send(f->server, client, text, len);
    }
}

static inline void on_bad_frame(void *ctx, uint32_t client, enum ws_bad_frame what) {
    struct fixture *f = ctx;
    f->bad_frames++;
    ws_server_send(f->server, client, "refused", 7);
    ws_server_close(f->server, client, what == WS_FRAME_BINARY ? 1003 : 1009, "refused");
}

static inline void on_closed(void *ctx, uint32_t client, uint64_t heard_us) {
    struct fixture *f = ctx;
    (void)client;
    f->heard_us = heard_us;
    f->closed++;
}

static inline void on_health(void *ctx, const struct http_request *request, struct http_answer *answer) {
    (void)ctx, (void)request;
    *answer =
        (struct http_answer){.status = 200, .content_type = "text/plain", .body = strdup("ok\n"), .len = 3};
}

static const struct http_route routes[] = {
    {HTTP_GET, "/healthz", HTTP_PUBLIC | HTTP_ADMIN, 0, "", on_health},
};

static const struct origins origins = {.count = 1, .list = {"https://app.example"}};

static inline struct ws_server *server_start(struct fixture *f, uint16_t port, uint32_t connections_max,
                                             char *error) {
    struct ws_server_config config = {.host = "127.0.0.1",
                                      .port = port,
                                      .web_root = "/nowhere",
                                      .connections_max = connections_max,
                                      .backlog_max_bytes = BACKLOG_MAX,
                                      .message_bytes_max = MESSAGE_MAX,
                                      .arriving_bytes_max = ARRIVING_MAX,
                                      .origins = &origins,
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

static inline int set_up_with(void **state, bool hasty) {
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

// With routes and handlers of its own; those of clients are the fixture's.
static inline struct fixture *set_up_serving(void **state, struct ws_handlers handlers) {
    struct fixture *f = calloc(1, sizeof *f);
    char error[512] = "";
    struct ws_server_config config = {.host = "127.0.0.1",
                                      .web_root = "/nowhere",
                                      .connections_max = 8,
                                      .backlog_max_bytes = BACKLOG_MAX,
                                      .message_bytes_max = MESSAGE_MAX,
                                      .origins = &origins,
                                      .ping_seconds = 20,
                                      .hangup_seconds = 50};
    handlers.ctx = f;
    handlers.opened = on_opened;
    handlers.message = on_message;
    handlers.bad_frame = on_bad_frame;
    handlers.closed = on_closed;
    assert_int_equal(uv_loop_init(&f->loop), 0);
    f->server = ws_server_start(&config, &handlers, &f->loop, error, sizeof error);
    if (!f->server)
        fail_msg("expected the server to start, but: %s", error);
    *state = f;
    return f;
}

static inline int set_up(void **state) {
    return set_up_with(state, false);
}

static inline int set_up_hasty(void **state) {
    return set_up_with(state, true);
}

static inline int tear_down(void **state) {
    struct fixture *f = *state;
    ws_server_stop(f->server);
    assert_int_equal(f->opened, f->closed);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    free(f);
    return 0;
}

// ---- the client

static inline int client_connect(const struct fixture *f) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(ws_server_port(f->server))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static inline void client_write(struct fixture *f, int fd, const void *bytes, size_t len) {
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
static inline bool client_read(struct fixture *f, int fd, void *out, size_t len) {
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
static inline void client_read_head(struct fixture *f, int fd, char *out, size_t cap) {
    size_t len = 0;
    out[0] = '\0';
    while (!strstr(out, "\r\n\r\n")) {
        assert_true(len + 1 < cap);
        if (!client_read(f, fd, out + len, 1))
            return;
        out[++len] = '\0';
    }
}

static inline int client_open(struct fixture *f) {
    static const char request[] =
        "GET /ws HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Origin: https://app.example\r\n"
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
static inline void client_frame_announcing(struct fixture *f, int fd, enum opcode opcode, bool last,
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

static inline void client_frame(struct fixture *f, int fd, enum opcode opcode, bool last, const char *text) {
    client_frame_announcing(f, fd, opcode, last, text, strlen(text), strlen(text));
}

static inline void expect_frame(struct fixture *f, int fd, enum opcode opcode, const void *bytes,
                                size_t len) {
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

static inline void expect_text(struct fixture *f, int fd, const char *text) {
    expect_frame(f, fd, TEXT, text, strlen(text));
}

// The close frame, answered as RFC 6455 asks, and then the end of the stream.
static inline void expect_close(struct fixture *f, int fd, uint16_t code, const char *reason) {
    uint8_t payload[125] = {(uint8_t)(code >> 8), (uint8_t)code};
    memcpy(payload + 2, reason, strlen(reason));
    expect_frame(f, fd, CLOSE, payload, 2 + strlen(reason));
    client_frame_announcing(f, fd, CLOSE, true, payload, 2, 2);
    char byte;
    assert_false(client_read(f, fd, &byte, 1));
    close(fd);
    assert_int_equal(ws_server_client_count(f->server), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
