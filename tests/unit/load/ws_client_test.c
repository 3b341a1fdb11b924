// A server that takes nothing: what waits for it is bounded.
#include "load/ws_client.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

static char why[128];

static void on_opened(void *ctx) {
    (void)ctx;
}

static void on_message(void *ctx, const char *text, size_t len) {
    (void)ctx, (void)text, (void)len;
}

static void on_closed(void *ctx, const char *reason) {
    (void)ctx;
    snprintf(why, sizeof why, "%s", reason);
}

// Accepts connections by its queue alone and never reads.
static int listen_deaf(char *url, size_t url_cap) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 16) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    snprintf(url, url_cap, "ws://127.0.0.1:%u/ws", ntohs(at.sin_port));
    return fd;
}

static void a_server_that_takes_nothing_is_given_up(void **state) {
    (void)state;
    static const struct ws_events events = {on_opened, on_message, on_closed};
    static char text[64 * 1024];
    char url[64], error[256];
    int deaf = listen_deaf(url, sizeof url);
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct ws_client *client = ws_client_create(&loop, url, false, error, sizeof error);
    assert_non_null(client);
    struct ws_connection *c = ws_connect(client, &events, NULL);
    assert_non_null(c);
    memset(text, 'x', sizeof text);
    why[0] = '\0';
    for (size_t n = 0; n < WS_OUTBOX_MAX / sizeof text; n++)
        ws_send(c, text, sizeof text);
    for (unsigned turn = 0; turn < 20; turn++)
        uv_run(&loop, UV_RUN_NOWAIT);
    assert_string_equal(why, ""); // it fits
    ws_send(c, text, 1);
    ws_send(c, text, 1); // and one that says nothing any more
    while (why[0] == '\0')
        uv_run(&loop, UV_RUN_ONCE);
    assert_non_null(strstr(why, "1 MiB waits"));
    ws_client_destroy(client);
    while (uv_run(&loop, UV_RUN_DEFAULT))
        ;
    assert_int_equal(uv_loop_close(&loop), 0);
    close(deaf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_takes_nothing_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
