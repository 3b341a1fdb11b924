// HTTP and WebSocket over real sockets of this machine, with a client that writes frames byte by byte. One
// thread: while the client waits, the server's loop is turned.
#include "ws_fixture.h"

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
    uint64_t opened_us = clock_now_us();
    while (f->closed == 0) { // pings are not answered
        uv_run(&f->loop, UV_RUN_NOWAIT);
        assert_true(clock_now_us() < until_us);
    }
    // That it confirms our pings to the kernel is no sign of life: that may be a proxy.
    assert_true(f->heard_us <= opened_us);
    close(fd);
}

// A message that takes longer than the silence that is allowed: whoever takes more and more of it is there,
// though it can neither have heard a ping nor answer.
static void test_who_takes_a_long_message_slowly_is_there(void **state) {
    struct fixture *f = *state;
    int small = 16384; // with less the kernel asks more and more seldom whether there is room again
    int fd = client_open(f);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    client_frame(f, fd, TEXT, true, "long");
    uint64_t began_us = clock_now_us(), read_us = 0;
    size_t came = 0;
    uint8_t bytes[8192];
    while (clock_now_us() - began_us < 4 * US_PER_SECOND) {
        uv_run(&f->loop, UV_RUN_NOWAIT);
        if (clock_now_us() - read_us < 80 * US_PER_MS)
            continue;
        read_us = clock_now_us();
        ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        came += n > 0 ? (size_t)n : 0;
        assert_int_equal(f->closed, 0);
    }
    assert_true(came > 0);
    close(fd);
    uint64_t until_us = clock_now_us() + 2 * PATIENCE_US; // now it takes nothing
    while (f->closed == 0) {
        uv_run(&f->loop, UV_RUN_NOWAIT);
        assert_true(clock_now_us() < until_us);
    }
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
        cmocka_unit_test_setup_teardown(test_who_takes_a_long_message_slowly_is_there, set_up_hasty,
                                        tear_down),
        TEST(test_connection_limit),
        TEST(test_http),
        TEST(test_close_all),
        TEST(test_stop_with_clients_of_all_kinds),
        TEST(test_busy_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
