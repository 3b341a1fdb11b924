#include "load/ws_client.h"

#include "base/list.h"
#include "base/log.h"

#include <errno.h>
#include <libwebsockets.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define WRITES_PER_TURN 32
#define OUTBOX_FULL "the server takes nothing any more: 1 MiB waits to be sent"
#define CLOSE_SECONDS_MAX 3
#define CONNECT_SECONDS_MAX 20
#define REACH_SECONDS_MAX 5

struct ws_message {
    struct list link;
    size_t len;
    uint8_t bytes[]; // LWS_PRE in front
};

struct ws_connection {
    struct list link; // in client.connections
    struct ws_client *client;
    struct lws *wsi;
    struct ws_events events;
    void *ctx;
    bool open, closing, closed_told;
    struct list outbox;
    size_t outbox_bytes;
    bool outbox_full; // the connection is being cut
    char *inbox;
    size_t inbox_len, inbox_cap;
};

struct ws_client {
    uv_loop_t *loop;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct list connections; // until lws has let go of them
    struct lws_protocols protocols[2];
    char url[256];
    const char *protocol, *host;
    char path[256];
    int port;
    bool tls, insecure;
};

static void tell_closed(struct ws_connection *c, const char *why) {
    if (c->closed_told || c->closing)
        return;
    c->closed_told = true;
    c->events.closed(c->ctx, c->outbox_full ? OUTBOX_FULL : why);
}

static void connection_free(struct ws_connection *c) {
    LIST_EACH(node, &c->outbox) {
        list_remove(node);
        free(LIST_ENTRY(node, struct ws_message, link));
    }
    list_remove(&c->link);
    free(c->inbox);
    free(c);
}

static int on_writeable(struct ws_connection *c) {
    for (int i = 0; i < WRITES_PER_TURN && !list_empty(&c->outbox) && !lws_send_pipe_choked(c->wsi); i++) {
        struct ws_message *m = LIST_ENTRY(c->outbox.next, struct ws_message, link);
        list_remove(&m->link);
        c->outbox_bytes -= m->len;
        int written = lws_write(c->wsi, m->bytes + LWS_PRE, m->len, LWS_WRITE_TEXT);
        bool whole = written >= 0 && (size_t)written >= m->len;
        free(m);
        if (!whole)
            return -1;
    }
    if (!list_empty(&c->outbox))
        lws_callback_on_writable(c->wsi);
    else if (c->closing)
        return -1;
    return 0;
}

static bool inbox_add(struct ws_connection *c, const void *bytes, size_t len) {
    if (c->inbox_len + len > WS_MESSAGE_MAX)
        return false;
    if (c->inbox_len + len > c->inbox_cap) {
        size_t cap = (c->inbox_len + len) * 2;
        char *grown = realloc(c->inbox, cap);
        if (!grown)
            return false;
        c->inbox = grown;
        c->inbox_cap = cap;
    }
    memcpy(c->inbox + c->inbox_len, bytes, len);
    c->inbox_len += len;
    return true;
}

static int on_received(struct ws_connection *c, const void *bytes, size_t len) {
    bool last = lws_is_final_fragment(c->wsi) && lws_remaining_packet_payload(c->wsi) == 0;
    if (c->closing)
        return 0;
    if (last && c->inbox_len == 0) {
        c->events.message(c->ctx, bytes, len);
        return 0;
    }
    if (!inbox_add(c, bytes, len))
        return -1;
    if (last) {
        size_t whole = c->inbox_len;
        c->inbox_len = 0;
        c->events.message(c->ctx, c->inbox, whole);
    }
    return 0;
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len) {
    (void)user;
    struct ws_connection *c = wsi ? lws_get_opaque_user_data(wsi) : NULL;
    if (!c)
        return 0;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        c->open = true;
        if (c->closing)
            return -1;
        c->events.opened(c->ctx);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return on_received(c, in, len);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return on_writeable(c);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        tell_closed(c, in ? in : "no connection");
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        tell_closed(c, "the server closed the connection");
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        lws_set_opaque_user_data(wsi, NULL);
        tell_closed(c, "the connection ended");
        connection_free(c);
        return 0;
    default:
        return 0;
    }
}

static void on_lws_log(int level, const char *line) {
    (void)level;
    char text[LOG_VALUE_MAX];
    snprintf(text, sizeof text, "%.*s", (int)strcspn(line, "\n"), line);
    LOG_DEBUG("libwebsockets", LOG_TEXT("said", text));
}

static bool context_open(struct ws_client *client) {
    void *loops[] = {client->loop};
    client->protocols[0] =
        (struct lws_protocols){.name = "rotunda-load", .callback = on_lws, .rx_buffer_size = 65536};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = client->protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   (client->tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0),
        .foreign_loops = loops,
        .user = client,
        .pcontext = &client->context,
        .timeout_secs = CONNECT_SECONDS_MAX,
    };
    lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
    client->context = lws_create_context(&info);
    if (client->context)
        client->vhost = lws_create_vhost(client->context, &info);
    return client->vhost != NULL;
}

static bool url_read(struct ws_client *client, const char *url, char *error, size_t error_cap) {
    const char *path;
    snprintf(client->url, sizeof client->url, "%s", url);
    if (lws_parse_uri(client->url, &client->protocol, &client->host, &client->port, &path) ||
        client->host[0] == '\0') {
        snprintf(error, error_cap, "url: \"%.128s\" cannot be read", url);
        return false;
    }
    client->tls = strcmp(client->protocol, "wss") == 0;
    if (client->port == 0)
        client->port = client->tls ? 443 : 80;
    snprintf(client->path, sizeof client->path, "/%s",
             path[0] == '\0' || strcmp(path, "/") == 0 ? "ws" : path);
    return true;
}

// Says in plain words why the server cannot be reached: lws keeps that to itself.
static bool server_reachable(const struct ws_client *client, char *error, size_t error_cap) {
    char port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    snprintf(port, sizeof port, "%d", client->port);
    int outcome = getaddrinfo(client->host, port, &hints, &list);
    int cause = EHOSTUNREACH;
    bool ok = false;
    for (struct addrinfo *a = list; outcome == 0 && a && !ok; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
        struct timeval limit = {.tv_sec = REACH_SECONDS_MAX};
        if (fd < 0)
            continue;
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit); // bounds connect(), too
        ok = connect(fd, a->ai_addr, a->ai_addrlen) == 0;
        cause = errno == EINPROGRESS ? ETIMEDOUT : errno;
        close(fd);
    }
    if (list)
        freeaddrinfo(list);
    if (!ok)
        snprintf(error, error_cap, "cannot connect to %s port %d: %s", client->host, client->port,
                 outcome ? gai_strerror(outcome) : strerror(cause));
    return ok;
}

struct ws_client *ws_client_create(uv_loop_t *loop, const char *url, bool insecure, char *error,
                                   size_t error_cap) {
    struct ws_client *client = calloc(1, sizeof *client);
    if (!client) {
        snprintf(error, error_cap, "out of memory");
        return NULL;
    }
    list_init(&client->connections);
    client->loop = loop;
    client->insecure = insecure;
    if (!url_read(client, url, error, error_cap) || !server_reachable(client, error, error_cap)) {
        free(client);
        return NULL;
    }
    if (!context_open(client)) {
        snprintf(error, error_cap, "libwebsockets did not start (is libwebsockets-evlib-uv installed?)");
        ws_client_destroy(client);
        return NULL;
    }
    return client;
}

void ws_client_destroy(struct ws_client *client) {
    if (!client)
        return;
    // On a loop of ours, lws destroys in two steps: the first starts to close its handles, the loop finishes
    // that, the second frees.
    if (client->context) {
        lws_context_destroy(client->context);
        while (uv_run(client->loop, UV_RUN_DEFAULT))
            ;
        lws_context_destroy(client->context);
    }
    LIST_EACH(node, &client->connections) {
        connection_free(LIST_ENTRY(node, struct ws_connection, link)); // those that lws never knew
    }
    free(client);
}

struct ws_connection *ws_connect(struct ws_client *client, const struct ws_events *events, void *ctx) {
    struct ws_connection *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->client = client;
    c->events = *events;
    c->ctx = ctx;
    list_init(&c->outbox);
    list_push_back(&client->connections, &c->link);
    struct lws_client_connect_info info = {
        .context = client->context,
        .vhost = client->vhost,
        .address = client->host,
        .host = client->host,
        .origin = client->host,
        .port = client->port,
        .path = client->path,
        .protocol = NULL,
        .local_protocol_name = "rotunda-load",
        .ietf_version_or_minus_one = -1,
        .ssl_connection =
            client->tls
                ? LCCSCF_USE_SSL |
                      (client->insecure ? LCCSCF_ALLOW_SELFSIGNED | LCCSCF_ALLOW_EXPIRED |
                                              LCCSCF_ALLOW_INSECURE | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK
                                        : 0)
                : 0,
        .opaque_user_data = c,
        .pwsi = &c->wsi,
    };
    // On failure lws may have told so and destroyed the wsi, and with it `c`; or it goes with the client.
    return lws_client_connect_via_info(&info) ? c : NULL;
}

void ws_send(struct ws_connection *c, const char *text, size_t len) {
    if (c->closing || c->outbox_full)
        return;
    struct ws_message *m = c->outbox_bytes + len <= WS_OUTBOX_MAX ? malloc(sizeof *m + LWS_PRE + len) : NULL;
    if (!m) {
        c->outbox_full = true; // whoever leaves a message out says nothing that makes sense any more
        lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
        lws_cancel_service(lws_get_context(c->wsi)); // or it is done with the loop's next event
        return;
    }
    m->len = len;
    c->outbox_bytes += len;
    memcpy(m->bytes + LWS_PRE, text, len);
    list_push_back(&c->outbox, &m->link);
    if (c->open)
        lws_callback_on_writable(c->wsi);
}

void ws_close(struct ws_connection *c) {
    if (!c || c->closing)
        return;
    c->closing = true;
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_REASON_BASE, CLOSE_SECONDS_MAX);
    if (c->open)
        lws_callback_on_writable(c->wsi);
}
