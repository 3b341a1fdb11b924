// Answers that come later, and WebSocket paths beside /ws, over real sockets.
#include "ws_fixture.h"

static struct ws_server *live;
static uint32_t late[8];
static unsigned asked, gone;

static void on_wait(void *ctx, const struct http_request *request, struct http_answer *answer) {
    (void)ctx;
    assert_true(request->late);
    if (request->head->query.len) // at once, though it might wait
        *answer = (struct http_answer){
            .status = 200, .content_type = "text/plain", .body = strdup("now"), .len = 3};
    else
        *answer = (struct http_answer){.later = true, .headers = strdup("x-own: yes\r\n")};
    late[asked++ % 8] = request->late;
}

static void on_at_once(void *ctx, const struct http_request *request, struct http_answer *answer) {
    (void)ctx;
    assert_false(request->late);
    *answer =
        (struct http_answer){.status = 200, .content_type = "text/plain", .body = strdup("2"), .len = 1};
}

static void on_late_closed(void *ctx, uint32_t number) {
    (void)ctx, (void)number;
    gone++;
}

static const struct http_route late_routes[] = {
    {HTTP_GET, "/wait", HTTP_PUBLIC | HTTP_LATE, 0, "x-row: yes\r\n", on_wait},
    {HTTP_GET, "/at-once", HTTP_PUBLIC, 0, "", on_at_once},
};

// ---- another path, whose clients hear what they say with a word in front

static char query_seen[64];
static unsigned talk_opened, talk_closed, talk_bad;

static void talk_on_opened(void *ctx, uint32_t client, struct span query) {
    struct fixture *f = ctx;
    f->client = client;
    talk_opened++;
    snprintf(query_seen, sizeof query_seen, "%.*s", (int)query.len, (const char *)query.ptr);
    if (strcmp(query_seen, "refused=1") == 0)
        ws_server_close(live, client, 1008, "no");
}

static void talk_on_message(void *ctx, uint32_t client, const char *text, size_t len) {
    char said[256];
    (void)ctx;
    int n = snprintf(said, sizeof said, "other %.*s", (int)len, text);
    ws_server_send(live, client, said, (size_t)n);
}

static void talk_on_bad_frame(void *ctx, uint32_t client, enum ws_bad_frame what) {
    (void)ctx, (void)what;
    talk_bad++;
    ws_server_close(live, client, 1003, "bad");
}

static void talk_on_closed(void *ctx, uint32_t client) {
    (void)ctx, (void)client;
    talk_closed++;
}

static struct ws_talk talk = {.path = "/other/place",
                              .opened = talk_on_opened,
                              .message = talk_on_message,
                              .bad_frame = talk_on_bad_frame,
                              .closed = talk_on_closed};

static int set_up_late(void **state) {
    struct fixture *f = set_up_serving(state, (struct ws_handlers){.late_closed = on_late_closed,
                                                                   .talks = &talk,
                                                                   .talk_count = 1,
                                                                   .routes = late_routes,
                                                                   .route_count = 2});
    talk.ctx = f;
    live = f->server;
    asked = gone = talk_opened = talk_closed = talk_bad = 0;
    return 0;
}

static void turn_until(struct fixture *f, const unsigned *count, unsigned is) {
    for (uint64_t until_us = clock_now_us() + PATIENCE_US; *count != is && clock_now_us() < until_us;)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(*count, is);
}

static void says(struct fixture *f, int fd, const char *request) {
    client_write(f, fd, request, strlen(request));
}

static void hears(struct fixture *f, int fd, const char *header, const char *body) {
    char head[2048], text[64];
    client_read_head(f, fd, head, sizeof head);
    assert_non_null(strstr(head, "HTTP/1.1 200 "));
    assert_non_null(strstr(head, header));
    assert_true(client_read(f, fd, text, strlen(body)));
    assert_memory_equal(text, body, strlen(body));
}

static void an_answer_comes_when_it_is_there(void **state) {
    struct fixture *f = *state;
    int fd = client_connect(f);
    says(f, fd, "GET /wait HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\n\r\n");
    turn_until(f, &asked, 1);
    says(f, fd, "GET /at-once HTTP/1.1\r\nHost: x\r\n\r\n"); // waits for its turn
    assert_false(ws_server_answer_late(live, late[0] + 1, 200, "text/plain", "x", 1));
    assert_true(ws_server_answer_late(live, late[0], 200, "text/plain", "news", 4));
    assert_false(ws_server_answer_late(live, late[0], 200, "text/plain", "x", 1)); // once
    hears(f, fd, "access-control-allow-origin: https://app.example\r\n", "news");
    hears(f, fd, "content-type: text/plain\r\n", "2");
    says(f, fd, "GET /wait?now HTTP/1.1\r\nHost: x\r\n\r\n"); // on the same connection
    hears(f, fd, "content-length: 3\r\n", "now");
    assert_false(ws_server_answer_late(live, late[1], 200, "text/plain", "x", 1));
    says(f, fd, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    turn_until(f, &asked, 3);
    assert_true(ws_server_answer_late(live, late[2], 200, "text/plain", "more", 4));
    hears(f, fd, "x-own: yes\r\n", "more");
    assert_int_equal(gone, 0);
    close(fd);
}

static void who_goes_away_waits_no_more(void **state) {
    struct fixture *f = *state;
    int fd = client_connect(f);
    says(f, fd, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    turn_until(f, &asked, 1);
    close(fd);
    turn_until(f, &gone, 1);
    assert_false(ws_server_answer_late(live, late[0], 200, "text/plain", "x", 1));
    fd = client_connect(f);
    says(f, fd, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"); // the server ends before its answer
    turn_until(f, &asked, 2);
    close(fd);
}

static int open_other(struct fixture *f, const char *target, const char *status) {
    char request[512], head[1024];
    int fd = client_connect(f);
    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
             target);
    says(f, fd, request);
    client_read_head(f, fd, head, sizeof head);
    assert_non_null(strstr(head, status));
    return fd;
}

static void another_path_has_others_to_speak_with(void **state) {
    struct fixture *f = *state;
    int fd = open_other(f, "/other/place?id=1&x=%20", " 101 ");
    assert_string_equal(query_seen, "id=1&x=%20");
    client_frame(f, fd, TEXT, true, "hello");
    expect_text(f, fd, "other hello");
    int own = client_open(f); // of /ws, as ever
    client_frame(f, own, TEXT, true, "hello");
    expect_text(f, own, "hello");
    ws_server_hand_over(live, f->client, &talk);
    client_frame(f, own, TEXT, true, "hello");
    expect_text(f, own, "other hello");
    ws_server_hand_over(live, f->client, NULL);
    client_frame(f, own, TEXT, true, "hello");
    expect_text(f, own, "hello");
    close(own);
    turn_until(f, &f->closed, 1);
    client_frame(f, fd, BINARY, true, "x");
    expect_close(f, fd, 1003, "bad");
    turn_until(f, &talk_closed, 1);
    assert_int_equal(talk_bad, 1);
    expect_close(f, open_other(f, "/other/place/?refused=1", " 101 "), 1008, "no");
    turn_until(f, &talk_closed, 2);
    close(open_other(f, "/other", " 404 "));
    close(open_other(f, "/other/place/x", " 404 "));
    fd = client_connect(f);
    says(f, fd, "GET /other/place HTTP/1.1\r\nHost: x\r\n\r\n");
    char head[2048];
    client_read_head(f, fd, head, sizeof head);
    assert_non_null(strstr(head, "HTTP/1.1 426 "));
    close(fd);
}

#define LATE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up_late, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        LATE_TEST(an_answer_comes_when_it_is_there),
        LATE_TEST(who_goes_away_waits_no_more),
        LATE_TEST(another_path_has_others_to_speak_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
