// ws_server: HTTP and WebSocket, or HTTPS and secure WebSocket, on one TCP port; the only user of
// libwebsockets.
//
// WebSocket at /ws: one text frame is one message. Fragments are put together up to message_bytes_max; text
// that is not UTF-8 closes the connection with 1007. What goes out waits in a bounded outbox and is written
// when the socket can take it; a client that does not keep up is cut off (server/outbox.h). A client that
// does not answer pings is closed. The Origin header is not checked: a connection carries no ambient rights
// (no cookie is read), so any page may connect, as any program may.
//
// HTTP: GET and HEAD. `get` answers first, then the files of web_root.
//
// Control thread only. Handlers are called from the loop, never from inside a ws_server_* function.
#ifndef SERVER_WS_SERVER_H
#define SERVER_WS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_identity;
struct uv_loop_s;
struct ws_server;

struct ws_server_config {
    const char *host; // IP literal
    uint16_t port;    // 0: the system chooses
    const char *web_root;
    uint32_t connections_max;
    size_t backlog_max_bytes; // of one client's outbox (server/outbox.h)
    size_t message_bytes_max; // of one incoming message
    uint16_t ping_seconds;    // silence before a ping
    uint16_t hangup_seconds;  // silence before the connection is given up; more than ping_seconds
    // NULL: plain HTTP. Only needed while it starts.
    const struct tls_identity *identity;
};

struct http_answer {
    unsigned status;
    const char *content_type; // lives for ever
    char *body;               // from malloc; taken over. NULL is an empty one
    size_t len;
};

enum ws_bad_frame { WS_FRAME_BINARY, WS_FRAME_TOO_BIG };

struct ws_handlers {
    void *ctx;
    void (*opened)(void *ctx, uint32_t client);
    void (*message)(void *ctx, uint32_t client, const char *text, size_t len);
    // Nothing more is taken from this client; the handler says so to it and closes it.
    void (*bad_frame)(void *ctx, uint32_t client, enum ws_bad_frame what);
    void (*closed)(void *ctx, uint32_t client);
    bool (*get)(void *ctx, const char *path, struct http_answer *answer); // false: no such page
};

// Listens and attaches to the loop. On failure NULL and a sentence in `error`.
struct ws_server *ws_server_start(const struct ws_server_config *config, const struct ws_handlers *handlers,
                                  struct uv_loop_s *loop, char *error, size_t error_cap);
uint16_t ws_server_port(const struct ws_server *server); // the bound port
uint32_t ws_server_client_count(const struct ws_server *server);
uint32_t ws_server_connection_count(const struct ws_server *server); // HTTP and WebSocket

// Unknown clients are ignored, as are messages for one that is being closed.
void ws_server_send(struct ws_server *server, uint32_t client, const char *text, size_t len);
// What a client is owed on joining: it does not count against its backlog (server/outbox.h).
void ws_server_send_owed(struct ws_server *server, uint32_t client, const char *text, size_t len);
// Bytes that wait in the outboxes of all clients.
size_t ws_server_backlog_bytes(const struct ws_server *server);
// Closes after what is queued has been sent, or after some seconds if the client does not take it.
void ws_server_close(struct ws_server *server, uint32_t client, uint16_t code, const char *reason);

// Another certificate for connections that begin from now on; those that are there are not touched. Only
// where the start had one. False: it is refused, and the one before stays.
bool ws_server_set_identity(struct ws_server *server, const struct tls_identity *identity);

// No more connections; every client is closed as by ws_server_close.
void ws_server_close_all(struct ws_server *server, uint16_t code, const char *reason);
// Closes everything at once (`closed` is called for clients that are still there), turns the loop until all
// is released, and frees. Other handles of the loop must not keep it alive. Not from inside a handler. NULL
// is fine.
void ws_server_stop(struct ws_server *server);

const char *ws_server_library_version(void);

#endif
