#include "server/ws_server.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/slots.h"
#include "server/outbox.h"
#include "server/tcp_listener.h"
#include "server/tls_identity.h"
#include "server/web_files.h"

#include <assert.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define REASON_MAX 123          // bytes of a close reason (RFC 6455, section 5.5)
#define WRITES_PER_TURN 8       // of one client, before others have their turn
#define CLOSE_SECONDS_MAX 5     // for a client to take what is queued before it is closed
#define HTTP_TIMEOUT_SECONDS 10 // for a request to arrive whole
#define KEEPALIVE_SECONDS 15    // for the next request on a connection
#define HTTP_HEADERS_MAX 2048   // bytes of an answer's head

// One TCP connection: HTTP at first, then perhaps a WebSocket client. It hangs on lws's connection object
// (wsi).
struct connection {
    struct ws_server *server;
    struct lws *wsi;
    uint32_t client; // id once it is a WebSocket, or 0
    struct outbox outbox;
    char *inbox; // the beginning of a fragmented message
    size_t inbox_len;
    bool deaf;    // nothing more is taken from it
    bool closing; // close_code is to be sent once the outbox is empty
    bool close_sent;
    uint16_t close_code;
    char close_reason[REASON_MAX + 1];
    char *body; // of an HTTP answer, with LWS_PRE bytes in front
    size_t body_len;
};

struct ws_server {
    struct ws_server_config config;
    char web_root[WEB_PATH_MAX];
    struct ws_handlers handlers;
    uv_loop_t *loop;
    struct tcp_listener *listener;
    struct lws_context *context;
    struct lws_vhost *vhost;
    void *ssl_ctx;         // the vhost's, once it has its certificate; NULL for plain HTTP
    struct slots *clients; // struct connection
    uint32_t connections;
    size_t backlog_bytes; // of all outboxes
    bool stopping;        // nothing more is sent
    lws_retry_bo_t pings;
    struct lws_protocols protocols[2];
};

// ---- WebSocket

static void client_cut(struct connection *connection, const char *why) {
    LOG_WARN("client cut off", LOG_NUMBER("client", connection->client), LOG_TEXT("reason", why));
    connection->deaf = true;
    connection->closing = true;
    outbox_clear(&connection->outbox);
    // The loop sees the end of the stream and closes from there, never from inside the caller.
    shutdown(lws_get_socket_fd(connection->wsi), SHUT_RDWR);
}

static int client_opened(struct connection *connection) {
    struct ws_server *server = connection->server;
    connection->client = slots_add(server->clients, connection);
    if (!connection->client)
        return -1;
    outbox_init(&connection->outbox, LWS_PRE, server->config.backlog_max_bytes);
    connection->outbox.total = &server->backlog_bytes;
    server->handlers.opened(server->handlers.ctx, connection->client);
    return 0;
}

static void client_closed(struct connection *connection) {
    struct ws_server *server = connection->server;
    uint32_t client = connection->client;
    if (!client)
        return;
    slots_remove(server->clients, client);
    connection->client = 0;
    outbox_clear(&connection->outbox);
    server->handlers.closed(server->handlers.ctx, client);
}

static void client_refuse_frame(struct connection *connection, enum ws_bad_frame what) {
    struct ws_server *server = connection->server;
    connection->deaf = true;
    free(connection->inbox);
    connection->inbox = NULL;
    connection->inbox_len = 0;
    server->handlers.bad_frame(server->handlers.ctx, connection->client, what);
}

static void client_received(struct connection *connection, const char *bytes, size_t len) {
    struct ws_server *server = connection->server;
    struct lws *wsi = connection->wsi;
    if (connection->deaf || connection->closing)
        return;
    if (lws_frame_is_binary(wsi)) {
        client_refuse_frame(connection, WS_FRAME_BINARY);
        return;
    }
    // What this frame still holds is known, so a lie about its length costs no memory.
    size_t announced = connection->inbox_len + len + lws_remaining_packet_payload(wsi);
    if (announced > server->config.message_bytes_max) {
        client_refuse_frame(connection, WS_FRAME_TOO_BIG);
        return;
    }
    bool last = lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;
    if (last && connection->inbox_len == 0) {
        server->handlers.message(server->handlers.ctx, connection->client, bytes, len);
        return;
    }
    char *grown = len ? realloc(connection->inbox, connection->inbox_len + len) : connection->inbox;
    if (len && !grown) {
        client_cut(connection, "out of memory");
        return;
    }
    if (len)
        memcpy(grown + connection->inbox_len, bytes, len);
    connection->inbox = grown;
    connection->inbox_len += len;
    if (!last)
        return;
    server->handlers.message(server->handlers.ctx, connection->client, connection->inbox,
                             connection->inbox_len);
    free(connection->inbox);
    connection->inbox = NULL;
    connection->inbox_len = 0;
}

// Begins the closing handshake. Returning -1 from the callback should do the same, but lws 4.1 on libuv then
// drops the connection without a close frame.
static void client_say_close(struct connection *connection) {
    connection->close_sent = true;
    lws_close_reason(connection->wsi, connection->close_code, (unsigned char *)connection->close_reason,
                     strlen(connection->close_reason));
    lws_set_timeout(connection->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
}

// Writes what the socket takes; -1 closes the connection.
static int client_writeable(struct connection *connection) {
    struct lws *wsi = connection->wsi;
    for (int i = 0; i < WRITES_PER_TURN && !lws_send_pipe_choked(wsi); i++) {
        struct outbox_message *message = outbox_pop(&connection->outbox);
        if (!message)
            break;
        int written = lws_write(wsi, message->bytes + LWS_PRE, message->len, LWS_WRITE_TEXT);
        bool whole = written >= 0 && (size_t)written >= message->len;
        free(message);
        if (!whole)
            return -1;
    }
    if (!outbox_empty(&connection->outbox) || (connection->closing && lws_partial_buffered(wsi)))
        lws_callback_on_writable(wsi);
    else if (connection->closing && !connection->close_sent)
        client_say_close(connection);
    return 0;
}

// ---- HTTP

// Sends the head, and the body when the socket can take it. `body` has LWS_PRE bytes in front and is taken
// over.
static int http_reply(struct connection *connection, unsigned status, const char *content_type, char *body,
                      size_t len) {
    struct lws *wsi = connection->wsi;
    uint8_t head[LWS_PRE + HTTP_HEADERS_MAX], *start = head + LWS_PRE, *p = start, *end = head + sizeof head;
    bool head_only = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    assert(connection->body == NULL);
    if (lws_add_http_common_headers(wsi, status, content_type, len, &p, end) ||
        lws_add_http_header_by_name(wsi, (const uint8_t *)"cache-control:", (const uint8_t *)"no-store", 8,
                                    &p, end) ||
        lws_add_http_header_by_name(
            wsi, (const uint8_t *)"x-content-type-options:", (const uint8_t *)"nosniff", 7, &p, end) ||
        lws_finalize_write_http_header(wsi, start, &p, end)) {
        free(body);
        return -1;
    }
    if (head_only || !len) {
        free(body);
        return lws_http_transaction_completed(wsi) ? -1 : 0;
    }
    connection->body = body;
    connection->body_len = len;
    lws_callback_on_writable(wsi);
    return 0;
}

static int http_writeable(struct connection *connection) {
    struct lws *wsi = connection->wsi;
    char *body = connection->body;
    if (!body)
        return 0;
    connection->body = NULL;
    int written = lws_write(wsi, (uint8_t *)body + LWS_PRE, connection->body_len, LWS_WRITE_HTTP_FINAL);
    bool whole = written >= 0 && (size_t)written >= connection->body_len;
    free(body);
    return !whole || lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int http_reply_words(struct connection *connection, unsigned status, const char *title,
                            const char *words) {
    char *body = malloc(LWS_PRE + 1024);
    if (!body)
        return -1;
    int len = snprintf(body + LWS_PRE, 1024,
                       "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>%s</title>\n"
                       "<h1>%s</h1>\n<p>%s</p>\n</html>\n",
                       title, title, words);
    return http_reply(connection, status, "text/html; charset=utf-8", body, (size_t)len);
}

static int http_reply_answer(struct connection *connection, struct http_answer *answer) {
    char *body = malloc(LWS_PRE + answer->len);
    if (body && answer->len)
        memcpy(body + LWS_PRE, answer->body, answer->len);
    free(answer->body);
    if (!body)
        return -1;
    return http_reply(connection, answer->status, answer->content_type, body, answer->len);
}

// 304 when the client has this version.
static int http_reply_unchanged(struct connection *connection, const struct web_file *file) {
    struct lws *wsi = connection->wsi;
    uint8_t head[LWS_PRE + HTTP_HEADERS_MAX], *start = head + LWS_PRE, *p = start, *end = head + sizeof head;
    if (lws_add_http_header_status(wsi, HTTP_STATUS_NOT_MODIFIED, &p, end) ||
        lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_ETAG, (const uint8_t *)file->etag,
                                     (int)strlen(file->etag), &p, end) ||
        lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CACHE_CONTROL, (const uint8_t *)file->cache_control,
                                     (int)strlen(file->cache_control), &p, end) ||
        lws_finalize_write_http_header(wsi, start, &p, end))
        return -1;
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int http_reply_file(struct connection *connection, const struct web_file *file) {
    struct lws *wsi = connection->wsi;
    char known[128];
    if (lws_hdr_copy(wsi, known, sizeof known, WSI_TOKEN_HTTP_IF_NONE_MATCH) > 0 && strstr(known, file->etag))
        return http_reply_unchanged(connection, file);
    char headers[256];
    int len = snprintf(headers, sizeof headers,
                       "etag: %s\r\ncache-control: %s\r\nx-content-type-options: nosniff\r\n", file->etag,
                       file->cache_control);
    assert(len > 0 && (size_t)len < sizeof headers);
    int outcome = lws_serve_http_file(wsi, file->path, file->content_type, headers, len);
    if (outcome < 0 || (outcome > 0 && lws_http_transaction_completed(wsi)))
        return -1;
    return 0;
}

static int http_request(struct connection *connection, const char *target, size_t len) {
    struct ws_server *server = connection->server;
    struct lws *wsi = connection->wsi;
    char path[WEB_PATH_MAX];
    if (len >= sizeof path || memchr(target, '\0', len))
        return http_reply_words(connection, 404, "Not found", "The path is not one of this server's.");
    memcpy(path, target, len);
    path[len] = '\0';
    if (!lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) && !lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI))
        return http_reply_words(connection, 405, "Method not allowed",
                                "Only GET and HEAD are answered here.");
    struct http_answer answer = {0};
    if (server->handlers.get(server->handlers.ctx, path, &answer))
        return http_reply_answer(connection, &answer);
    if (strcmp(path, "/ws") == 0)
        return http_reply_words(connection, 426, "Upgrade required", "This address speaks WebSocket.");
    struct web_file file;
    if (web_file_find(server->web_root, path, &file))
        return http_reply_file(connection, &file);
    if (strcmp(path, "/") == 0)
        return http_reply_words(connection, 404, "The web page is not here",
                                "The server runs, but its web page was not built or --web-root names another "
                                "folder. Clients connect to /ws.");
    return http_reply_words(connection, 404, "Not found", "There is no such page on this server.");
}

// Decides on an `Upgrade:` request: 0 goes on, 1 is answered, -1 hangs up.
static int http_upgrade(struct connection *connection, const char *to) {
    struct lws *wsi = connection->wsi;
    char path[16];
    if (strcasecmp(to, "websocket") != 0)
        return -1;
    if (lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI) > 0 && strcmp(path, "/ws") == 0)
        return 0;
    return lws_return_http_status(wsi, 404, "The WebSocket is at /ws.") ? -1 : 1;
}

// ---- connections

static int connection_began(struct ws_server *server, struct lws *wsi) {
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return -1;
    connection->server = server;
    connection->wsi = wsi;
    outbox_init(&connection->outbox, LWS_PRE, 0);
    lws_set_opaque_user_data(wsi, connection);
    server->connections++;
    return 0;
}

static void connection_ended(struct connection *connection) {
    assert(connection->server->connections > 0);
    client_closed(connection);
    lws_set_opaque_user_data(connection->wsi, NULL);
    connection->server->connections--;
    outbox_clear(&connection->outbox);
    free(connection->inbox);
    free(connection->body);
    free(connection);
}

// The vhost's SSL_CTX is made, and has no certificate yet.
static int tls_began(struct ws_server *server, void *ssl_ctx) {
    if (!tls_identity_install(server->config.identity, ssl_ctx))
        return -1;
    server->ssl_ctx = ssl_ctx;
    return 0;
}

// libwebsockets' one callback, taken apart: each reason is one function above.
static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len) {
    struct connection *connection = wsi ? lws_get_opaque_user_data(wsi) : NULL;
    if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS)
        return tls_began(lws_context_user(lws_get_context(wsi)), user);
    if (reason == LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED)
        return connection_began(lws_context_user(lws_get_context(wsi)), wsi);
    if (!connection)
        return 0;
    switch (reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return http_upgrade(connection, in);
    case LWS_CALLBACK_HTTP:
        return http_request(connection, in, len);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return http_writeable(connection);
    case LWS_CALLBACK_HTTP_FILE_COMPLETION:
        return lws_http_transaction_completed(wsi) ? -1 : 0;
    case LWS_CALLBACK_ESTABLISHED:
        return client_opened(connection);
    case LWS_CALLBACK_RECEIVE:
        client_received(connection, in, len);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return client_writeable(connection);
    case LWS_CALLBACK_CLOSED:
        client_closed(connection);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        connection_ended(connection);
        return 0;
    default:
        return 0;
    }
}

static void on_lws_log(int level, const char *line) {
    char text[LOG_VALUE_MAX];
    snprintf(text, sizeof text, "%.*s", (int)strcspn(line, "\n"), line);
    if (level & LLL_ERR)
        LOG_ERROR("libwebsockets", LOG_TEXT("said", text));
    else
        LOG_WARN("libwebsockets", LOG_TEXT("said", text));
}

static void on_accepted(void *ctx, int fd) {
    static const char full[] = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\n"
                               "content-length: 33\r\nretry-after: 5\r\nconnection: close\r\n\r\n"
                               "Too many connections; try later.\n";
    struct ws_server *server = ctx;
    if (server->connections >= server->config.connections_max) {
        LOG_WARN("connection refused", LOG_TEXT("reason", "connections-max"));
        if (!server->ssl_ctx) // else nobody could read it
            (void)!send(fd, full, sizeof full - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        close(fd);
        return;
    }
    lws_adopt_socket_vhost(server->vhost, fd); // on failure it closes the socket
}

// ---- the server

static bool context_open(struct ws_server *server) {
    void *loops[] = {server->loop};
    server->protocols[0] =
        (struct lws_protocols){.name = "rotunda", .callback = on_lws, .rx_buffer_size = 4096};
    server->pings = (lws_retry_bo_t){
        .secs_since_valid_ping = server->config.ping_seconds,
        .secs_since_valid_hangup = server->config.hangup_seconds,
    };
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = server->protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_VALIDATE_UTF8 |
                   LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME,
        .foreign_loops = loops,
        .user = server,
        .pcontext = &server->context,
        .timeout_secs = HTTP_TIMEOUT_SECONDS,
        .keepalive_timeout = KEEPALIVE_SECONDS,
        .retry_and_idle_policy = &server->pings,
        .server_string = "rotunda",
        .alpn = "http/1.1",
    };
    if (server->config.identity)
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
    lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
    server->context = lws_create_context(&info);
    if (server->context)
        server->vhost = lws_create_vhost(server->context, &info);
    return server->vhost && !server->ssl_ctx == !server->config.identity;
}

struct ws_server *ws_server_start(const struct ws_server_config *config, const struct ws_handlers *handlers,
                                  struct uv_loop_s *loop, char *error, size_t error_cap) {
    assert(config->hangup_seconds > config->ping_seconds);
    struct ws_server *server = calloc(1, sizeof *server);
    if (!server) {
        snprintf(error, error_cap, "out of memory");
        return NULL;
    }
    server->config = *config;
    snprintf(server->web_root, sizeof server->web_root, "%s", config->web_root);
    server->handlers = *handlers;
    server->loop = loop;
    uint32_t clients_max = config->connections_max < SLOTS_MAX ? config->connections_max : SLOTS_MAX;
    server->clients = slots_create(clients_max);
    server->listener =
        tcp_listener_start(loop, config->host, config->port, on_accepted, server, error, error_cap);
    if (server->listener && server->clients && context_open(server)) {
        server->config.identity = NULL; // the caller's, and no longer needed
        return server;
    }
    if (server->listener)
        snprintf(error, error_cap, "libwebsockets did not start (is libwebsockets-evlib-uv installed?)");
    ws_server_stop(server);
    return NULL;
}

uint16_t ws_server_port(const struct ws_server *server) {
    return tcp_listener_port(server->listener);
}

uint32_t ws_server_client_count(const struct ws_server *server) {
    return slots_count(server->clients);
}

uint32_t ws_server_connection_count(const struct ws_server *server) {
    return server->connections;
}

static void client_send(struct ws_server *server, uint32_t client, const char *text, size_t len, bool owed) {
    struct connection *connection = slots_get(server->clients, client);
    if (!connection || connection->closing || server->stopping)
        return;
    enum err outcome = outbox_push(&connection->outbox, text, len, owed, clock_now_us());
    if (outcome != ERR_OK)
        client_cut(connection, outcome == ERR_LIMIT ? "ws-backlog-max" : err_name(outcome));
    else
        lws_callback_on_writable(connection->wsi);
}

void ws_server_send(struct ws_server *server, uint32_t client, const char *text, size_t len) {
    client_send(server, client, text, len, false);
}

void ws_server_send_owed(struct ws_server *server, uint32_t client, const char *text, size_t len) {
    client_send(server, client, text, len, true);
}

size_t ws_server_backlog_bytes(const struct ws_server *server) {
    return server->backlog_bytes;
}

void ws_server_close(struct ws_server *server, uint32_t client, uint16_t code, const char *reason) {
    struct connection *connection = slots_get(server->clients, client);
    if (!connection || connection->closing || server->stopping)
        return;
    connection->closing = true;
    connection->close_code = code;
    snprintf(connection->close_reason, sizeof connection->close_reason, "%s", reason ? reason : "");
    lws_set_timeout(connection->wsi, PENDING_TIMEOUT_USER_REASON_BASE, CLOSE_SECONDS_MAX);
    lws_callback_on_writable(connection->wsi);
    lws_cancel_service(server->context); // outside its own callbacks, lws does not notice new timeouts
}

bool ws_server_set_identity(struct ws_server *server, const struct tls_identity *identity) {
    assert(server->ssl_ctx);
    return tls_identity_install(identity, server->ssl_ctx);
}

void ws_server_close_all(struct ws_server *server, uint16_t code, const char *reason) {
    tcp_listener_stop(server->listener);
    server->listener = NULL;
    uint32_t cursor = 0;
    struct connection *connection;
    while ((connection = slots_next(server->clients, &cursor)))
        ws_server_close(server, connection->client, code, reason);
}

void ws_server_stop(struct ws_server *server) {
    if (!server)
        return;
    server->stopping = true;
    bool attached = server->context || server->listener;
    tcp_listener_stop(server->listener);
    // On a loop of ours, lws destroys in two steps: the first starts to close its handles, the loop finishes
    // that, the second frees.
    if (server->context)
        lws_context_destroy(server->context);
    while (attached && uv_run(server->loop, UV_RUN_DEFAULT)) // again, if a handler had stopped it
        ;
    if (server->context)
        lws_context_destroy(server->context);
    assert(server->connections == 0);
    slots_destroy(server->clients);
    free(server);
}

const char *ws_server_library_version(void) {
    return lws_get_library_version();
}
