// The real server over loopback: each input is one connection, in pieces. The first byte says how it begins
// (as it is, behind a WebSocket upgrade, behind a PROXY header, on the operators' port) and how the client
// ends it; 0xfe ends a piece. The server answers texts, closes on some, and must neither die nor keep
// anything.
#include "server/web/ws_server.h"

#include "base/log.h"
#include "server/web/address_limits.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define TURNS 3 // of the loop, for a piece

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uv_loop_t loop;
static struct ws_server *server;
static struct address_limits *limits;

static void on_opened(void *ctx, uint32_t client) {
    (void)ctx;
    ws_server_client_joined(server, client, client % 2);
    ws_server_send_soon(server, client, "welcome", 7);
}

static void on_message(void *ctx, uint32_t client, const char *text, size_t len) {
    (void)ctx;
    ws_server_send(server, client, text, len);
    if (len && text[0] == 'c')
        ws_server_close(server, client, 4000, "as asked");
    if (len && text[0] == 'j')
        ws_server_client_joined(server, client, len % 2);
    for (size_t i = 0; len && text[0] == 'f' && i < 20; i++)
        ws_server_send(server, client, text, len);
}

static void on_bad_frame(void *ctx, uint32_t client, enum ws_bad_frame what) {
    (void)ctx;
    ws_server_send(server, client, "refused", 7);
    ws_server_close(server, client, what == WS_FRAME_BINARY ? 1003 : 1009, "refused");
}

static void on_closed(void *ctx, uint32_t client, uint64_t heard_us) {
    (void)ctx, (void)client, (void)heard_us;
}

static void echo(void *ctx, const struct http_request *request, struct http_answer *answer) {
    (void)ctx;
    *answer = (struct http_answer){.status = 200, .content_type = "text/plain", .len = request->body.len};
    answer->body = malloc(request->body.len + 1);
    if (request->body.len)
        memcpy(answer->body, request->body.ptr, request->body.len);
}

static const struct http_route routes[] = {
    {HTTP_GET, "/healthz", HTTP_PUBLIC | HTTP_ADMIN, 0, "", echo},
    {HTTP_POST, "/echo", HTTP_PUBLIC, 1000, "x-row: yes\r\n", echo},
};

static const struct http_form_row forms[] = {{"/echo", HTTP_FORM_TWIRP}, {"/e", HTTP_FORM_PROBLEM}};

static void start(void) {
    char error[512];
    struct address_limits_config limit = {.waiting_max = 5, .addresses_max = 4};
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    limits = address_limits_create(&limit);
    struct ws_server_config config = {.host = "127.0.0.1",
                                      .admin_host = "127.0.0.1",
                                      .web_root = "tests/fuzz",
                                      .connections_max = 10,
                                      .backlog_max_bytes = 2000,
                                      .message_bytes_max = 500,
                                      .arriving_bytes_max = 12000, // less than one connection may have
                                      .ping_seconds = 20,
                                      .hangup_seconds = 50,
                                      .limits = limits};
    networks_parse("127.0.0.2", &config.trusted);
    struct ws_handlers handlers = {.opened = on_opened,
                                   .message = on_message,
                                   .bad_frame = on_bad_frame,
                                   .closed = on_closed,
                                   .routes = routes,
                                   .route_count = 2,
                                   .forms = forms,
                                   .form_count = 2};
    uv_loop_init(&loop);
    server = ws_server_start(&config, &handlers, &loop, error, sizeof error);
    assert(server);
}

static void turn(unsigned times) {
    for (unsigned i = 0; i < times; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
}

static int connect_from(const char *host, uint16_t port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &from.sin_addr);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, IPPROTO_IP, 24, &(int){1}, sizeof(int)); // IP_BIND_ADDRESS_NO_PORT
    if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0)
        abort();
    (void)!connect(fd, (struct sockaddr *)&to, sizeof to);
    turn(1);
    return fd;
}

static void say(int fd, const void *bytes, size_t len) {
    (void)!send(fd, bytes, len, MSG_NOSIGNAL);
    turn(TURNS);
}

static void listen_to(int fd) {
    char bytes[4096];
    while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char upgrade[] =
        "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    if (!server)
        start();
    if (size == 0)
        return 0;
    unsigned kind = data[0] & 3;
    bool reads = data[0] & 4, resets = data[0] & 8;
    int fd = connect_from(kind == 2 ? "127.0.0.2" : "127.0.0.1",
                          kind == 3 ? ws_server_admin_port(server) : ws_server_port(server));
    if (kind == 1)
        say(fd, upgrade, sizeof upgrade - 1);
    for (const uint8_t *at = data + 1, *end = data + size; at < end;) {
        const uint8_t *stop = memchr(at, 0xfe, (size_t)(end - at));
        stop = stop ? stop : end;
        say(fd, at, (size_t)(stop - at));
        if (reads)
            listen_to(fd);
        at = stop + 1;
    }
    if (resets)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    close(fd);
    for (unsigned i = 0; ws_server_connection_count(server) > 0 && i < 100; i++)
        turn(1);
    assert(ws_server_connection_count(server) == 0 && ws_server_client_count(server) == 0);
    assert(address_limits_count(limits) == 0);
    return 0;
}
