#include "server/web/connection.h"
#include "server/web/ws_server.h"

#include "base/clock.h"
#include "base/log_pace.h"
#include "base/slots.h"
#include "server/common/http_status.h"
#include "server/web/first_wait.h"
#include "server/web/proxy_wait.h"
#include "server/web/outbox.h"
#include "server/web/tcp_listener.h"
#include "server/web/tls_identity.h"
#include "server/web/web_files.h"

#include <assert.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define READ_BYTES 16384 // that one read takes
#define ADMIN_CONNECTIONS_MAX 64
#define CLOCK_HORIZON_US (10 * US_PER_SECOND)

// The timer of the loop that turns the wheel.
struct ws_clock {
    uv_timer_t timer;
    uint64_t armed_us; // what it is set for; TIME_NEVER when it is not
    uint64_t fires_us; // when it then fires: what it is set for may have been over
};
#define PATIENCE_US US_PER_SECOND // for what was sent while the process did not run to be read

// ---- time: all deadlines of all connections stand in one wheel

static void clock_set(struct ws_server *server, uint64_t due_us);

static void on_clock(uv_timer_t *timer) {
    struct ws_server *server = timer->data;
    uint64_t now_us = clock_now_us();
    server->clock->armed_us = TIME_NEVER;
    (void)patience_wake(&server->patience, server->clock->fires_us, now_us, PATIENCE_US);
    if (now_us >= server->patience.until_us)
        wheel_advance(&server->wheel, now_us);
    clock_set(server, wheel_next_us(&server->wheel, now_us, CLOCK_HORIZON_US));
}

static void clock_set(struct ws_server *server, uint64_t due_us) {
    struct ws_clock *clock = server->clock;
    due_us = patience_extend(&server->patience, due_us);
    if (server->stopping || due_us >= clock->armed_us)
        return;
    clock->armed_us = due_us;
    uint64_t now_us = clock_now_us();
    uint64_t wait_ms = due_us > now_us ? (due_us - now_us + US_PER_MS - 1) / US_PER_MS : 0;
    clock->fires_us = now_us + wait_ms * US_PER_MS;
    uv_update_time(server->loop); // the timer counts from the loop's idea of now
    uv_timer_start(&clock->timer, on_clock, wait_ms, 0);
}

void connection_arm(struct connection *connection, uint64_t due_us) {
    wheel_arm(&connection->server->wheel, &connection->timer, due_us);
    clock_set(connection->server, due_us);
}

void connection_arm_notice(struct connection *connection, uint64_t due_us) {
    wheel_arm(&connection->server->wheel, &connection->notice, due_us);
    clock_set(connection->server, due_us);
}

// ---- what a connection does with its socket

bool connection_write(struct connection *connection, const uint8_t *bytes, size_t len) {
    return lws_write(connection->wsi, (unsigned char *)bytes, len, LWS_WRITE_RAW) >= 0;
}

bool connection_holds(const struct connection *connection) {
    return lws_partial_buffered(connection->wsi);
}

void connection_want_write(struct connection *connection) {
    lws_callback_on_writable(connection->wsi);
}

void connection_read_on(struct connection *connection, bool on) {
    if (connection->reading == on)
        return;
    connection->reading = on;
    lws_rx_flow_control(connection->wsi, on);
}

// RFC 6455, section 4.2.2. SHA-1 is no secret here: it shows that the other side knows WebSocket.
void ws_accept_key(struct span key, char out[32]) {
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char text[64 + sizeof guid], digest[20];
    assert(key.len <= 64);
    memcpy(text, key.ptr, key.len);
    memcpy(text + key.len, guid, sizeof guid - 1);
    lws_SHA1(text, key.len + sizeof guid - 1, digest);
    lws_b64_encode_string((const char *)digest, sizeof digest, out, 32);
}

// ---- connections

static uint32_t *count_of(struct ws_server *server, enum http_place place) {
    return place == HTTP_ADMIN ? &server->admin_connections : &server->connections;
}

static void connection_free(struct connection *connection, uint64_t now_us) {
    struct ws_server *server = connection->server;
    uint32_t *count = count_of(server, connection->place);
    connection_release(connection, now_us);
    list_remove(&connection->link);
    assert(*count > 0);
    --*count;
    free(connection);
}

// From outside the callbacks of libwebsockets. It frees the connection, now or in one of the loop's next
// turns.
static void connection_kill(struct connection *connection) {
    if (connection->wsi) {
        lws_set_timeout(connection->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
        return;
    }
    proxy_wait_stop(connection->proxy);
    first_wait_stop(connection->first);
    close(connection->socket);
    connection_free(connection, clock_now_us());
}

static void on_timer(struct wheel_node *node, uint64_t now_us) {
    struct connection *connection = LIST_ENTRY(node, struct connection, timer);
    if (connection->state == CONNECTION_PROXY || !connection_timer(connection, now_us))
        connection_kill(connection);
}

static void on_notice(struct wheel_node *node, uint64_t now_us) {
    struct connection *connection = LIST_ENTRY(node, struct connection, notice);
    if (!connection_notice(connection, now_us))
        connection_kill(connection);
}

static struct connection *connection_make(struct ws_server *server, int socket, enum http_place place,
                                          const struct net_address *peer) {
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return NULL;
    connection->server = server;
    connection->socket = socket;
    connection->place = place;
    connection->state = CONNECTION_HEAD;
    connection->peer = connection->client = *peer;
    connection->reading = true;
    connection->file = -1;
    wheel_node_init(&connection->timer, on_timer);
    wheel_node_init(&connection->notice, on_notice);
    outbox_init(&connection->outbox, WS_HEADER_MAX, 0);
    list_push_back(&server->all, &connection->link);
    ++*count_of(server, place);
    return connection;
}

// libwebsockets takes the socket, and on the public port TLS with it. The connection may be freed.
static void connection_adopt(struct connection *connection) {
    struct ws_server *server = connection->server;
    lws_adopt_desc_t desc = {.vh = server->vhost,
                             .type = LWS_ADOPT_SOCKET |
                                     (connection->place == HTTP_PUBLIC ? LWS_ADOPT_ALLOW_SSL : 0),
                             .fd = {.sockfd = connection->socket},
                             .opaque = connection};
    connection->state = CONNECTION_HEAD;
    connection_arm(connection, clock_now_us() + HEAD_US);
    // On failure it closes the socket, and tells of it when it has bound the connection before.
    if (!lws_adopt_descriptor_vhost_via_info(&desc) && !connection->wsi)
        connection_free(connection, clock_now_us());
}

static void say_and_close(int fd, unsigned status, const char *words) {
    char text[320], unread[1024];
    int len = snprintf(text, sizeof text,
                       "HTTP/1.1 %u %s\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %zu\r\n"
                       "retry-after: 10\r\nconnection: close\r\n\r\n%s",
                       status, http_status_text(status), strlen(words), words);
    (void)!recv(fd, unread, sizeof unread, MSG_DONTWAIT); // else closing would reset what is said here
    (void)!send(fd, text, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
}

// Says a few words, where somebody could read them, and closes.
static void turn_away(struct ws_server *server, int fd, enum http_place place, unsigned status,
                      const char *why, const char *words) {
    LOG_STRANGER(LOG_LEVEL_WARN, "connection refused", LOG_TEXT("reason", why));
    if (!server->ssl_ctx || place == HTTP_ADMIN)
        say_and_close(fd, status, words);
    else
        close(fd);
}

// The first byte has come, or -1: none will.
static void on_first(void *ctx, int byte) {
    struct connection *connection = ctx;
    const struct ws_first *others = &connection->server->config.first;
    connection->first = NULL;
    if (byte < 0) {
        connection_kill(connection);
    } else if (byte >= 'A' && byte <= 'Z') { // a method, and no TLS
        int fd = connection->socket;
        connection_free(connection, clock_now_us());
        say_and_close(fd, 400, "This port speaks TLS: the address begins with https://, not http://.\n");
    } else if (!others->theirs((uint8_t)byte)) {
        connection_adopt(connection);
    } else {
        int fd = connection->socket;
        struct net_address client = connection->client;
        connection_free(connection, clock_now_us());
        others->take(others->ctx, fd, &client);
    }
}

static void await_first(struct connection *connection) {
    connection->state = CONNECTION_PROXY;
    connection_arm(connection, clock_now_us() + HEAD_US);
    connection->first = first_wait_start(connection->server->loop, connection->socket, on_first, connection);
    if (!connection->first)
        connection_kill(connection);
}

static void begin_counted(struct connection *connection) {
    struct ws_server *server = connection->server;
    int fd = connection->socket;
    enum http_place place = connection->place;
    uint64_t now_us = clock_now_us();
    if (place == HTTP_ADMIN || connection_count(connection, &connection->client, now_us)) {
        if (place == HTTP_PUBLIC && server->ssl_ctx && server->config.first.theirs)
            await_first(connection);
        else
            connection_adopt(connection);
        return;
    }
    connection_free(connection, now_us);
    turn_away(server, fd, place, 429, "waiting-per-address",
              "Too many connections from your network have not joined a room; try again in a moment.\n");
}

static void on_proxy_done(void *ctx, enum proxy_outcome outcome, const struct net_address *client) {
    struct connection *connection = ctx;
    connection->proxy = NULL;
    if (outcome == PROXY_BROKEN) {
        char from[IP_TEXT_MAX];
        net_address_print(&connection->peer, from);
        LOG_STRANGER(LOG_LEVEL_WARN, "connection refused", LOG_TEXT("reason", "PROXY header"),
                     LOG_TEXT("proxy", from));
        connection_kill(connection);
        return;
    }
    if (outcome == PROXY_FOUND)
        connection->peer = connection->client = *client;
    begin_counted(connection);
}

static void accept_one(struct ws_server *server, int fd, const struct sockaddr *from, enum http_place place) {
    struct net_address peer = {{0}};
    uint32_t most = place == HTTP_ADMIN ? ADMIN_CONNECTIONS_MAX : server->config.connections_max;
    if (*count_of(server, place) >= most) {
        turn_away(server, fd, place, 503, "connections-max", "Too many connections; try later.\n");
        return;
    }
    (void)net_address_of(from, &peer);
    struct connection *connection = connection_make(server, fd, place, &peer);
    if (!connection) {
        close(fd);
        return;
    }
    if (place == HTTP_PUBLIC && networks_have(&server->config.trusted, &peer)) {
        connection->state = CONNECTION_PROXY;
        connection_arm(connection, clock_now_us() + HEAD_US);
        connection->proxy = proxy_wait_start(server->loop, fd, on_proxy_done, connection);
        if (!connection->proxy)
            connection_kill(connection);
        return;
    }
    begin_counted(connection);
}

static void on_accepted(void *ctx, int fd, const struct sockaddr *from) {
    accept_one(ctx, fd, from, HTTP_PUBLIC);
}

static void on_admin_accepted(void *ctx, int fd, const struct sockaddr *from) {
    accept_one(ctx, fd, from, HTTP_ADMIN);
}

// ---- libwebsockets

// The vhost's SSL_CTX is made, and has no certificate yet.
static int tls_began(struct ws_server *server, void *ssl_ctx) {
    if (!tls_identity_install(server->config.identity, ssl_ctx))
        return -1;
    server->ssl_ctx = ssl_ctx;
    return 0;
}

// Its own deadlines stand in a sorted list, which is searched from the front: none of them stays there.
static void forget_lws_timeout(struct connection *connection) {
    lws_set_timeout(connection->wsi, NO_PENDING_TIMEOUT, 0);
}

static int raw_received(struct connection *connection, void *bytes, size_t len) {
    if (connection->server->ssl_ctx)
        forget_lws_timeout(connection); // that of the handshake
    return connection_received(connection, bytes, len, clock_now_us()) ? 0 : -1;
}

// libwebsockets' one callback, taken apart.
static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len) {
    if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS)
        return tls_began(lws_context_user(lws_get_context(wsi)), user);
    struct connection *connection = wsi ? lws_get_opaque_user_data(wsi) : NULL;
    if (!connection)
        return 0;
    switch (reason) {
    case LWS_CALLBACK_RAW_SKT_BIND_PROTOCOL:
        connection->wsi = wsi;
        return 0;
    case LWS_CALLBACK_RAW_ADOPT:
        forget_lws_timeout(connection);
        return 0;
    case LWS_CALLBACK_RAW_RX:
        return raw_received(connection, in, len);
    case LWS_CALLBACK_RAW_WRITEABLE:
        return connection_writeable(connection, clock_now_us()) ? 0 : -1;
    case LWS_CALLBACK_RAW_CLOSE:
        connection_release(connection, clock_now_us());
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        lws_set_opaque_user_data(wsi, NULL);
        connection_free(connection, clock_now_us());
        return 0;
    default:
        return 0;
    }
}

static void on_lws_log(int level, const char *line) {
    char text[LOG_VALUE_MAX];
    snprintf(text, sizeof text, "%.*s", (int)strcspn(line, "\n"), line);
    if (level & LLL_ERR)
        LOG_STRANGER(LOG_LEVEL_ERROR, "libwebsockets", LOG_TEXT("said", text));
    else
        LOG_STRANGER(LOG_LEVEL_WARN, "libwebsockets", LOG_TEXT("said", text));
}

static const struct lws_protocols protocols[] = {
    {.name = "rotunda", .callback = on_lws, .rx_buffer_size = READ_BYTES, .tx_packet_size = GATHER_BYTES},
    {.name = NULL},
};

static bool context_open(struct ws_server *server) {
    void *loops[] = {server->loop};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME,
        .foreign_loops = loops,
        .user = server,
        .pcontext = &server->context,
        .pt_serv_buf_size = READ_BYTES,
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

// ---- the server

static bool clock_start(struct ws_server *server) {
    wheel_init(&server->wheel, clock_now_us());
    server->clock = calloc(1, sizeof *server->clock);
    if (!server->clock)
        return false;
    server->clock->armed_us = TIME_NEVER;
    uv_timer_init(server->loop, &server->clock->timer);
    server->clock->timer.data = server;
    return true;
}

static bool listen_everywhere(struct ws_server *server, char *error, size_t error_cap) {
    const struct ws_server_config *config = &server->config;
    server->listener = tcp_listener_start(server->loop, config->host, config->port, "listen", on_accepted,
                                          server, error, error_cap);
    if (!server->listener || !config->admin_host || !config->admin_host[0])
        return server->listener != NULL;
    server->admin = tcp_listener_start(server->loop, config->admin_host, config->admin_port, "admin-listen",
                                       on_admin_accepted, server, error, error_cap);
    return server->admin != NULL;
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
    server->config.web_root = server->web_root;
    if (!server->config.frame_ancestors)
        server->config.frame_ancestors = "'self'";
    server->handlers = *handlers;
    server->loop = loop;
    if (!server->config.arriving_bytes_max)
        server->config.arriving_bytes_max = ARRIVING_BYTES_MAX;
    list_init(&server->all);
    list_init(&server->arrivals);
    list_init(&server->streams);
    uint32_t clients_max = config->connections_max < SLOTS_MAX ? config->connections_max : SLOTS_MAX;
    server->clients = slots_create(clients_max);
    server->lates = slots_create(clients_max);
    bool listening = server->clients && server->lates && listen_everywhere(server, error, error_cap) &&
                     clock_start(server);
    if (listening && context_open(server)) {
        server->config.identity = NULL; // the caller's, and no longer needed
        return server;
    }
    if (listening)
        snprintf(error, error_cap, "libwebsockets did not start (is libwebsockets-evlib-uv installed?)");
    ws_server_stop(server);
    return NULL;
}

uint16_t ws_server_port(const struct ws_server *server) {
    return tcp_listener_port(server->listener);
}

uint16_t ws_server_admin_port(const struct ws_server *server) {
    return server->admin ? tcp_listener_port(server->admin) : 0;
}

uint32_t ws_server_client_count(const struct ws_server *server) {
    return slots_count(server->clients);
}

uint32_t ws_server_connection_count(const struct ws_server *server) {
    return server->connections;
}

// The client, if something may still be sent to it, with the text in its outbox.
static struct connection *queue(struct ws_server *server, uint32_t client, const char *text, size_t len,
                                bool owed) {
    struct connection *connection = slots_get(server->clients, client);
    if (!connection || connection->closing || server->stopping)
        return NULL;
    enum err outcome = outbox_push(&connection->outbox, text, len, owed, clock_now_us());
    if (outcome == ERR_OK)
        return connection;
    client_cut(connection, outcome == ERR_LIMIT ? "ws-backlog-max" : err_name(outcome));
    return NULL;
}

static void send_now(struct ws_server *server, uint32_t client, const char *text, size_t len, bool owed) {
    struct connection *connection = queue(server, client, text, len, owed);
    if (!connection)
        return;
    wheel_cancel(&server->wheel, &connection->notice);
    connection_want_write(connection);
}

void ws_server_send(struct ws_server *server, uint32_t client, const char *text, size_t len) {
    send_now(server, client, text, len, false);
}

void ws_server_send_owed(struct ws_server *server, uint32_t client, const char *text, size_t len) {
    send_now(server, client, text, len, true);
}

size_t ws_server_backlog_bytes(const struct ws_server *server) {
    return server->backlog_bytes;
}

void ws_server_send_soon(struct ws_server *server, uint32_t client, const char *text, size_t len) {
    struct connection *connection = queue(server, client, text, len, false);
    if (connection && connection->notice.due_us == TIME_NEVER)
        connection_arm_notice(connection, clock_now_us() + NOTICE_US);
}

void ws_server_close(struct ws_server *server, uint32_t client, uint16_t code, const char *reason) {
    struct connection *connection = slots_get(server->clients, client);
    if (connection && !connection->closing && !server->stopping)
        client_close(connection, code, reason, clock_now_us());
}

bool ws_server_client_address(const struct ws_server *server, uint32_t client, struct net_address *out) {
    const struct connection *connection = slots_get(server->clients, client);
    if (connection)
        *out = connection->client;
    return connection != NULL;
}

void ws_server_client_joined(struct ws_server *server, uint32_t client, bool joined) {
    struct connection *connection = slots_get(server->clients, client);
    if (!connection || !connection->counted || connection->joined == joined)
        return;
    connection->joined = joined;
    (joined ? address_limits_joined : address_limits_left)(server->config.limits, &connection->client,
                                                           clock_now_us());
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
        ws_server_close(server, connection->id, code, reason);
}

static void on_clock_closed(uv_handle_t *handle) {
    struct ws_server *server = handle->data;
    free(server->clock);
    server->clock = NULL;
}

// Those that libwebsockets does not have yet.
static void drop_waiting(struct ws_server *server) {
    LIST_EACH(node, &server->all) {
        struct connection *connection = LIST_ENTRY(node, struct connection, link);
        if (!connection->wsi)
            connection_kill(connection);
    }
}

void ws_server_stop(struct ws_server *server) {
    if (!server)
        return;
    server->stopping = true;
    bool attached = server->context || server->listener || server->clock;
    tcp_listener_stop(server->listener);
    tcp_listener_stop(server->admin);
    drop_waiting(server);
    if (server->clock)
        uv_close((uv_handle_t *)&server->clock->timer, on_clock_closed);
    // On a loop of ours, lws destroys in two steps: the first starts to close its handles, the loop finishes
    // that, the second frees.
    if (server->context)
        lws_context_destroy(server->context);
    while (attached && uv_run(server->loop, UV_RUN_DEFAULT)) // again, if a handler had stopped it
        ;
    if (server->context)
        lws_context_destroy(server->context);
    assert(server->connections == 0 && server->admin_connections == 0);
    slots_destroy(server->clients);
    slots_destroy(server->lates);
    free(server);
}

const char *ws_server_library_version(void) {
    return lws_get_library_version();
}
