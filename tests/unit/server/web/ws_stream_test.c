// Answers that go on, paths with a rest, and headers of an answer's own, over real sockets.
#include "ws_fixture.h"

static struct ws_server *live;
static unsigned ended;

static void on_stream(void *ctx, const struct http_request *request, struct http_answer *answer) {
    (void)ctx;
    *answer = (struct http_answer){.status = 200,
                                   .content_type = "text/event-stream",
                                   .stream = (uint32_t)atoi(request->head->path + strlen("/stream/")),
                                   .headers = strdup("x-own: yes\r\n")};
}

static void on_nothing(void *ctx, const struct http_request *request, struct http_answer *answer) {
    (void)ctx, (void)request;
    *answer = (struct http_answer){.status = 204, .content_type = "text/plain"};
}

static void on_stream_closed(void *ctx, uint32_t stream) {
    (void)ctx, (void)stream;
    ended++;
}

static const struct http_route stream_routes[] = {
    {HTTP_GET, "/stream/*", HTTP_PUBLIC, 0, "", on_stream},
    {HTTP_DELETE, "/stream/*", HTTP_PUBLIC, 0, "", on_nothing},
};

static int set_up_streams(void **state) {
    live = set_up_serving(state, (struct ws_handlers){.stream_closed = on_stream_closed,
                                                      .routes = stream_routes,
                                                      .route_count = 2})
               ->server;
    ended = 0;
    return 0;
}

static void asks(struct fixture *f, int fd, const char *request, char head[2048]) {
    client_write(f, fd, request, strlen(request));
    client_read_head(f, fd, head, 2048);
}

static void what_is_written_goes_out_until_either_side_ends_it(void **state) {
    struct fixture *f = *state;
    char head[2048], text[64];
    int fd = client_connect(f);
    asks(f, fd, "GET /stream/7 HTTP/1.1\r\nHost: x\r\n\r\n", head);
    assert_non_null(strstr(head, "content-type: text/event-stream\r\n"));
    assert_non_null(strstr(head, "x-own: yes\r\n"));
    assert_non_null(strstr(head, "connection: close\r\n"));
    assert_null(strstr(head, "content-length"));
    assert_true(ws_server_stream_write(live, 7, "event: a\n\n", 10));
    assert_true(ws_server_stream_write(live, 7, "event: b\n\n", 10));
    assert_false(ws_server_stream_write(live, 8, "x", 1));
    assert_true(client_read(f, fd, text, 20));
    assert_memory_equal(text, "event: a\n\nevent: b\n\n", 20);
    client_write(f, fd, "what a client says now is not read", 34);
    assert_true(ws_server_stream_write(live, 7, "last", 4));
    ws_server_stream_end(live, 7);
    assert_true(client_read(f, fd, text, 4));
    assert_false(client_read(f, fd, text, 1));
    close(fd);
    assert_int_equal(ended, 0); // it is known to who ended it
    fd = client_connect(f);
    asks(f, fd, "GET /stream/9 HTTP/1.1\r\nHost: x\r\n\r\n", head);
    close(fd);
    for (uint64_t until_us = clock_now_us() + PATIENCE_US; !ended && clock_now_us() < until_us;)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(ended, 1);
    assert_false(ws_server_stream_write(live, 9, "x", 1));
}

static void who_does_not_read_is_cut_off(void **state) {
    struct fixture *f = *state;
    static char much[8192];
    char head[2048];
    int fd = client_connect(f);
    asks(f, fd, "GET /stream/1 HTTP/1.1\r\nHost: x\r\n\r\n", head);
    unsigned written = 0;
    while (written < 4096 && ws_server_stream_write(live, 1, much, sizeof much)) {
        written++;
        uv_run(&f->loop, UV_RUN_NOWAIT);
    }
    assert_in_range(written, 1, 4095); // bounded, whatever sockets take
    close(fd);
}

static void paths_with_a_rest_and_their_methods(void **state) {
    struct fixture *f = *state;
    char head[2048];
    int fd = client_connect(f);
    asks(f, fd, "DELETE /stream/x/y HTTP/1.1\r\nHost: x\r\n\r\n", head);
    assert_non_null(strstr(head, "HTTP/1.1 204 "));
    assert_null(strstr(head, "content-length"));
    asks(f, fd, "PUT /stream/x HTTP/1.1\r\nHost: x\r\n\r\n", head);
    assert_non_null(strstr(head, "HTTP/1.1 405 "));
    assert_non_null(strstr(head, "allow: GET, HEAD, DELETE\r\n"));
    close(fd);
    fd = client_connect(f); // a preflight of a page that is listed
    asks(f, fd,
         "OPTIONS /stream/x HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\n"
         "Access-Control-Request-Method: DELETE\r\n\r\n",
         head);
    assert_non_null(strstr(head, "HTTP/1.1 204 "));
    assert_non_null(strstr(head, "access-control-allow-methods: GET, HEAD, DELETE\r\n"));
    close(fd);
    fd = client_connect(f);
    asks(f, fd, "DELETE /stream/ HTTP/1.1\r\nHost: x\r\n\r\n", head);
    assert_null(strstr(head, "HTTP/1.1 204 "));
    close(fd);
}

#define STREAM_TEST(function) cmocka_unit_test_setup_teardown(function, set_up_streams, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        STREAM_TEST(what_is_written_goes_out_until_either_side_ends_it),
        STREAM_TEST(who_does_not_read_is_cut_off),
        STREAM_TEST(paths_with_a_rest_and_their_methods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
